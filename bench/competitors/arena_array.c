/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Used ranges in a sorted array: what anybody writes first, and hard to beat while there are few. Allocating looks at
 * the gaps one after the other, both ways are there; freeing is a binary search; both move what lies behind.
 */
#include "../lib/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct range {
    uint64_t first, last;
};

struct sorted {
    struct range *ranges;
    size_t count, room;
    uint64_t first, last; /* of the arena */
};

/* The number of ranges that begin below: where a range at this address stands, or goes. */
static size_t place_of(const struct sorted *self, uint64_t address)
{
    size_t at = 0, left = self->count;

    while (left > 0) {
        size_t half = left / 2;
        int below = self->ranges[at + half].first < address;
        at += below ? half + 1 : 0;
        left = below ? left - half - 1 : half;
    }
    return at;
}

static int put_at(struct sorted *self, size_t at, uint64_t address, uint64_t size)
{
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 16 : self->room * 2;
        struct range *ranges = realloc(self->ranges, room * sizeof(*ranges));
        if (ranges == NULL)
            return -ENOMEM;
        self->ranges = ranges;
        self->room = room;
    }
    memmove(&self->ranges[at + 1], &self->ranges[at], (self->count - at) * sizeof(*self->ranges));
    self->ranges[at] = (struct range){address, address + (size - 1)};
    self->count++;
    return 0;
}

/* The gap before range `at`, cut to the window, has room: the lowest or the highest place in it. */
static int fits(const struct sorted *self, size_t at, const struct bench_request *request, uint64_t *address)
{
    uint64_t first = at == 0 ? self->first : self->ranges[at - 1].last + 1;
    uint64_t end = at == self->count ? self->last + 1 : self->ranges[at].first; /* arenas here end below 2^64 */
    uint64_t place;

    first = first < request->min ? request->min : first;
    end = end - 1 > request->max ? request->max + 1 : end;
    if (first >= end || end - first < request->size)
        return 0;
    if (request->policy == BENCH_HIGHEST)
        place = (end - request->size) & ~(request->align - 1);
    else
        place = (first + (request->align - 1)) & ~(request->align - 1);
    if (place < first || place > end - request->size)
        return 0;
    *address = place;
    return 1;
}

static int put_fixed(struct sorted *self, const struct bench_request *request, uint64_t *address)
{
    size_t at = place_of(self, request->min);

    return fits(self, at, request, address) ? put_at(self, at, request->min, request->size) : -ENOSPC;
}

static inline int sorted_put(struct sorted *self, const struct bench_request *request, uint64_t *address)
{
    if (request->policy == BENCH_FIXED)
        return put_fixed(self, request, address);
    for (size_t i = 0; i <= self->count; i++) {
        size_t at = request->policy == BENCH_HIGHEST ? self->count - i : i;
        if (fits(self, at, request, address))
            return put_at(self, at, *address, request->size);
    }
    return -ENOSPC;
}

static inline int sorted_take(struct sorted *self, uint64_t address, uint64_t size)
{
    size_t at = place_of(self, address);

    if (at == self->count || self->ranges[at].first != address || self->ranges[at].last != address + (size - 1))
        return -EINVAL;
    self->count--;
    memmove(&self->ranges[at], &self->ranges[at + 1], (self->count - at) * sizeof(*self->ranges));
    return 0;
}

BENCH_ARENA(sorted)

static void *create(uint64_t base, uint64_t size)
{
    struct sorted *self = calloc(1, sizeof(*self));

    if (self != NULL) {
        self->first = base;
        self->last = base + (size - 1);
    }
    return self;
}

static void destroy(void *self)
{
    free(((struct sorted *)self)->ranges);
    free(self);
}

const struct bench_arena bench_arena_sorted_array = {
    .name = "sorted-array",
    .what = "used ranges in a sorted array, gaps looked at in order",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = 50000,
    .fill = 20000,
    .create = create,
    .destroy = destroy,
    .alloc = sorted_alloc,
    .free = sorted_free,
    .place = sorted_place,
    .replay = sorted_replay,
};
