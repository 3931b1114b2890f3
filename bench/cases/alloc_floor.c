/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Floors of allocation: the same loop over the same operations with the least work that an arena of any kind has to
 * do, and the answers known beforehand.
 *
 * While nothing is fragmented there is one gap, and that is a pointer that goes up to a limit, and back for what was
 * allocated last. Everywhere else the place has to be found among the N ranges that are there, and found again when
 * it is freed: one search for each, of the address that is the answer, in a tree of their addresses that was laid out
 * for nothing but searching. Nothing is changed. That there is no fit anywhere is one comparison with the largest gap.
 */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>

#define FANOUT 8 /* keys in a cache line */
#define LEVELS 9 /* FANOUT^LEVELS is more than any load has */

struct floor {
    const struct bench_load *load;
    uint64_t *level[LEVELS]; /* 0: addresses of the ranges that are there; above: the first of each line below */
    unsigned levels;
    size_t unit;
    uint64_t next, end; /* of the pointer */
    uint64_t largest;   /* gap */
};

static inline int floor_bump_put(struct floor *self, const struct bench_request *request, uint64_t *address)
{
    uint64_t place = (self->next + (request->align - 1)) & ~(request->align - 1);

    if (self->end - place < request->size)
        return -ENOSPC;
    self->next = place + request->size;
    *address = place;
    return 0;
}

static inline int floor_bump_take(struct floor *self, uint64_t address, uint64_t size)
{
    if (self->next != address + size)
        return -EINVAL;
    self->next = address;
    return 0;
}

/*
 * Down a tree whose nodes are cache lines of FANOUT keys, without a branch that data decide: the fewest lines, and at
 * each of them as much work as it takes to compare all keys. The last level is the addresses themselves.
 */
static inline size_t find(const struct floor *self, uint64_t address)
{
    size_t at = 0;

    for (unsigned level = self->levels; level-- > 0;) {
        const uint64_t *line = self->level[level] + at * FANOUT;
        size_t below = 0;
        for (unsigned i = 1; i < FANOUT; i++)
            below += line[i] <= address;
        at = at * FANOUT + below;
    }
    return at;
}

static inline int floor_search_put(struct floor *self, const struct bench_request *request, uint64_t *address)
{
    uint64_t answer = self->load->answers[self->unit];

    self->unit = self->unit + 1 == self->load->units ? 0 : self->unit + 1;
    if (self->largest < request->size)
        return -ENOSPC;
    size_t at = find(self, answer);
    bench_keep(at);
    *address = answer;
    return 0;
}

static inline int floor_search_take(struct floor *self, uint64_t address, uint64_t size)
{
    size_t at = find(self, address);

    (void)size;
    bench_keep(at);
    return 0;
}

BENCH_ARENA(floor_bump)
BENCH_ARENA(floor_search)

static void destroy(void *opaque)
{
    struct floor *self = opaque;

    for (unsigned i = 0; i < LEVELS; i++)
        free(self->level[i]);
    free(self);
}

/* A level of so many keys, in whole lines; what is left of the last one is never below an address. */
static uint64_t *level_of(size_t count)
{
    size_t lines = (count + FANOUT - 1) / FANOUT;
    uint64_t *keys = aligned_alloc(FANOUT * sizeof(*keys), (lines + 1) * FANOUT * sizeof(*keys));

    for (size_t i = 0; i < (lines + 1) * FANOUT && keys != NULL; i++)
        keys[i] = UINT64_MAX;
    return keys;
}

static int build(struct floor *self, const struct bench_load *load)
{
    for (size_t count = load->placed_count;; count = (count + FANOUT - 1) / FANOUT) {
        uint64_t *keys = level_of(count);
        if (keys == NULL)
            return -ENOMEM;
        for (size_t i = 0; i < count; i++)
            keys[i] = self->levels == 0 ? load->placed[i].address : self->level[self->levels - 1][i * FANOUT];
        self->level[self->levels++] = keys;
        if (count <= FANOUT)
            return 0;
    }
}

void *bench_floor_create(const struct bench_load *load)
{
    struct floor *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    self->load = load;
    self->next = load->answers[0];
    self->end = load->base + load->size;
    self->largest = load->unit_failures != 0 ? load->requests[0].size - 1 : load->size;
    if (build(self, load) == 0)
        return self;
    destroy(self);
    return NULL;
}

const struct bench_arena bench_arena_floor_bump = {
    .name = BENCH_FLOOR,
    .what = "a pointer that goes up to a limit and back",
    .live = UINT64_MAX,
    .fill = UINT64_MAX,
    .destroy = destroy,
    .alloc = floor_bump_alloc,
    .free = floor_bump_free,
    .place = floor_bump_place,
    .replay = floor_bump_replay,
};

const struct bench_arena bench_arena_floor_search = {
    .name = BENCH_FLOOR,
    .what = "a search among all ranges for each operation",
    .live = UINT64_MAX,
    .fill = UINT64_MAX,
    .destroy = destroy,
    .alloc = floor_search_alloc,
    .free = floor_search_free,
    .place = floor_search_place,
    .replay = floor_search_replay,
};
