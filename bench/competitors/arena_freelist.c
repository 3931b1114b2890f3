/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Free ranges alone in a sorted array, which allocating goes through from the low end: the search of crosvm's
 * allocator, which keeps them in a tree of the standard library. While nothing is fragmented there is one, and
 * everything is quick. Windows and fixed addresses are as linear as the rest. Who frees must say what was allocated:
 * without used ranges, only an overlap with free ones is noticed.
 */
#include "../lib/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct gap {
    uint64_t first, end; /* end: exclusive, arenas here end below 2^64 */
};

struct freelist {
    struct gap *gaps;
    size_t count, room;
};

static void cut_out(struct freelist *self, size_t at)
{
    self->count--;
    memmove(&self->gaps[at], &self->gaps[at + 1], (self->count - at) * sizeof(*self->gaps));
}

static int put_in(struct freelist *self, size_t at, uint64_t first, uint64_t end)
{
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 16 : self->room * 2;
        struct gap *gaps = realloc(self->gaps, room * sizeof(*gaps));
        if (gaps == NULL)
            return -ENOMEM;
        self->gaps = gaps;
        self->room = room;
    }
    memmove(&self->gaps[at + 1], &self->gaps[at], (self->count - at) * sizeof(*self->gaps));
    self->gaps[at] = (struct gap){first, end};
    self->count++;
    return 0;
}

static int fits(const struct gap *gap, const struct bench_request *request, uint64_t *address)
{
    uint64_t first = gap->first < request->min ? request->min : gap->first;
    uint64_t end = gap->end - 1 > request->max ? request->max + 1 : gap->end;
    uint64_t place;

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

/* Takes [address, address + size) out of this gap. */
static int split(struct freelist *self, size_t at, uint64_t address, uint64_t size)
{
    struct gap *gap = &self->gaps[at];
    uint64_t end = address + size;
    int result = 0;

    if (gap->first == address && gap->end == end)
        cut_out(self, at);
    else if (gap->first == address)
        gap->first = end;
    else if (gap->end == end)
        gap->end = address;
    else if ((result = put_in(self, at + 1, end, gap->end)) == 0)
        self->gaps[at].end = address; /* the array may have moved */
    return result;
}

static inline int freelist_put(struct freelist *self, const struct bench_request *request, uint64_t *address)
{
    for (size_t i = 0; i < self->count; i++) {
        size_t at = request->policy == BENCH_HIGHEST ? self->count - 1 - i : i;
        if (fits(&self->gaps[at], request, address))
            return split(self, at, *address, request->size);
    }
    return -ENOSPC;
}

/* The number of gaps that begin below. */
static size_t below(const struct freelist *self, uint64_t address)
{
    size_t at = 0, left = self->count;

    while (left > 0) {
        size_t half = left / 2;
        int lower = self->gaps[at + half].first < address;
        at += lower ? half + 1 : 0;
        left = lower ? left - half - 1 : half;
    }
    return at;
}

static inline int freelist_take(struct freelist *self, uint64_t address, uint64_t size)
{
    size_t at = below(self, address);
    struct gap *before = at > 0 ? &self->gaps[at - 1] : NULL;
    struct gap *after = at < self->count ? &self->gaps[at] : NULL;
    uint64_t end = address + size;

    if ((before != NULL && before->end > address) || (after != NULL && after->first < end))
        return -EINVAL;
    if (before != NULL && before->end == address) {
        before->end = end;
        if (after != NULL && after->first == end) {
            before->end = after->end;
            cut_out(self, at);
        }
        return 0;
    }
    if (after != NULL && after->first == end) {
        after->first = address;
        return 0;
    }
    return put_in(self, at, address, end);
}

BENCH_ARENA(freelist)

/* Above everything that is there is the last gap. */
static int place_quickly(void *opaque, const struct bench_extent *extents, size_t count)
{
    struct freelist *self = opaque;
    uint64_t address;

    for (size_t i = 0; i < count; i++) {
        const struct bench_request fixed = bench_request_fixed(extents[i].address, extents[i].size);
        if (self->count == 0 || !fits(&self->gaps[self->count - 1], &fixed, &address) || address != fixed.min)
            return freelist_place(self, extents + i, count - i);
        int result = split(self, self->count - 1, address, fixed.size);
        if (result != 0)
            return result;
    }
    return 0;
}

static void *create(uint64_t base, uint64_t size)
{
    struct freelist *self = calloc(1, sizeof(*self));

    if (self != NULL && put_in(self, 0, base, base + size) != 0) {
        free(self);
        return NULL;
    }
    return self;
}

static void destroy(void *self)
{
    free(((struct freelist *)self)->gaps);
    free(self);
}

const struct bench_arena bench_arena_free_list = {
    .name = "free-list",
    .what = "free ranges in a sorted array, looked at in order",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = 50000,
    .fill = UINT64_MAX,
    .create = create,
    .destroy = destroy,
    .alloc = freelist_alloc,
    .free = freelist_free,
    .place = place_quickly,
    .replay = freelist_replay,
};
