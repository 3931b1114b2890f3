/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Floors of allocating ids. Fresh ones are a counter with a limit. To free one and allocate one is a bit cleared and
 * set again, at the id that is in the slot, in as many bits as there are ids, without asking whether it was set and
 * which is the lowest. Between threads both are atomic, and not ordered with anything.
 */
#include "alloc_ids.h"

#include <errno.h>
#include <stdlib.h>

struct floor {
    uint64_t *words;
    uint64_t next, count;
};

static void *create(uint32_t count)
{
    struct floor *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    self->count = count;
    self->words = calloc(count / 64 + 1, sizeof(uint64_t));
    if (self->words == NULL) {
        free(self);
        return NULL;
    }
    return self;
}

static void destroy(void *self)
{
    free(((struct floor *)self)->words);
    free(self);
}

static inline uint32_t next_alone(struct floor *self)
{
    uint64_t id = self->next;

    bench_opaque(id); /* one after the other, as a caller would ask */
    if (id >= self->count)
        return BENCH_NO_ID;
    self->next = id + 1;
    return (uint32_t)id;
}

static inline uint32_t next_shared(struct floor *self)
{
    uint64_t id = __atomic_fetch_add(&self->next, 1, __ATOMIC_RELAXED);

    return id < self->count ? (uint32_t)id : BENCH_NO_ID;
}

static inline void flip_alone(struct floor *self, uint32_t id)
{
    uint64_t *word = &self->words[id / 64];

    *word &= ~(UINT64_C(1) << id % 64);
    bench_keep(word);
    *word |= UINT64_C(1) << id % 64;
    bench_keep(word);
}

static inline void flip_shared(struct floor *self, uint32_t id)
{
    uint64_t *word = &self->words[id / 64];

    (void)__atomic_fetch_and(word, ~(UINT64_C(1) << id % 64), __ATOMIC_RELAXED);
    (void)__atomic_fetch_or(word, UINT64_C(1) << id % 64, __ATOMIC_RELAXED);
}

#define LOOPS(kind)                                                                                                    \
    static void fresh_##kind(void *self, uint32_t *slots, size_t count, struct bench_answer *answer)                   \
    {                                                                                                                  \
        *answer = (struct bench_answer){0};                                                                            \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint32_t id = next_##kind(self);                                                                           \
            slots[i] = id;                                                                                             \
            answer->sum += id;                                                                                         \
            answer->failures += id == BENCH_NO_ID;                                                                     \
        }                                                                                                              \
    }                                                                                                                  \
                                                                                                                       \
    static void pairs_##kind(void *self, uint32_t *slots, const uint32_t *order, size_t count,                         \
                             struct bench_answer *answer)                                                              \
    {                                                                                                                  \
        *answer = (struct bench_answer){0};                                                                            \
        for (size_t i = 0; i < count; i++) {                                                                           \
            uint32_t id = slots[order[i]];                                                                             \
            flip_##kind(self, id);                                                                                     \
            slots[order[i]] = id;                                                                                      \
            answer->sum += id;                                                                                         \
        }                                                                                                              \
    }

LOOPS(alone)
LOOPS(shared)

/* A counter forgets who has what: enough for the next lap. */
static void drop(void *opaque, const uint32_t *slots, size_t count)
{
    struct floor *self = opaque;

    (void)slots;
    (void)__atomic_fetch_sub(&self->next, count, __ATOMIC_RELAXED);
}

const struct bench_ids bench_ids_floor_alone = {
    .name = BENCH_FLOOR,
    .what = "a counter; a bit cleared and set",
    .threads = 1,
    .create = create,
    .destroy = destroy,
    .fresh = fresh_alone,
    .pairs = pairs_alone,
    .drop = drop,
};

const struct bench_ids bench_ids_floor_shared = {
    .name = BENCH_FLOOR,
    .what = "an atomic counter; a bit cleared and set atomically",
    .threads = 64,
    .create = create,
    .destroy = destroy,
    .fresh = fresh_shared,
    .pairs = pairs_shared,
    .drop = drop,
};
