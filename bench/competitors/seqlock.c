/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The same arrays and the same search as in halving.c, under a sequence lock: readers write nothing, but read
 * everything twice if a writer came by, and may not follow a pointer that such a writer could have freed. The
 * difference between the two is the price of the sequence lock while nobody writes.
 */
#include "competitor.h"

#include <stdlib.h>

struct seqlock {
    uint64_t sequence; /* odd while a writer is at work */
    struct bench_arrays arrays;
};

static uint64_t look(const struct bench_arrays *arrays, uint64_t gpa)
{
    size_t at = bench_halve(arrays->starts, arrays->count, gpa);
    uint64_t start = __atomic_load_n(&arrays->starts[at], __ATOMIC_RELAXED);
    uint64_t size = __atomic_load_n(&arrays->sizes[at], __ATOMIC_RELAXED);
    uint64_t delta = __atomic_load_n(&arrays->deltas[at], __ATOMIC_RELAXED);

    return bench_inside(gpa - start, size) ? gpa + delta : 0;
}

BENCH_TRANSLATE uint64_t seqlock_translate(struct seqlock *self, uint64_t gpa)
{
    for (;;) {
        uint64_t before = __atomic_load_n(&self->sequence, __ATOMIC_ACQUIRE);
        uint64_t hva = look(&self->arrays, gpa);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (before % 2 == 0 && __atomic_load_n(&self->sequence, __ATOMIC_RELAXED) == before)
            return hva;
    }
}

BENCH_LOOPS(seqlock)

void *bench_seqlock_build(const struct bench_ram *ranges, size_t count)
{
    struct seqlock *self = calloc(1, sizeof(*self));

    if (self != NULL && bench_arrays_build(&self->arrays, ranges, count) != 0) {
        free(self);
        self = NULL;
    }
    return self;
}

void bench_seqlock_destroy(void *self)
{
    bench_arrays_destroy(&((struct seqlock *)self)->arrays);
    free(self);
}
