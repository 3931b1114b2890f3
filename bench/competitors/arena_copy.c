/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The algorithm of cloud-hypervisor's allocator: an ordered map of used ranges, all of which is copied by each call
 * that looks for a place, and the copy gone through. The map is a sorted array here, which is the quickest to copy.
 * Theirs begins at the top; from the bottom it is the same work. It has no windows.
 */
#include "../lib/arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct copying {
    struct bench_extent *used;
    size_t count, room;
    uint64_t first, end; /* end: exclusive */
};

static size_t below(const struct copying *self, uint64_t address)
{
    size_t at = 0, left = self->count;

    while (left > 0) {
        size_t half = left / 2;
        int lower = self->used[at + half].address < address;
        at += lower ? half + 1 : 0;
        left = lower ? left - half - 1 : half;
    }
    return at;
}

static int insert(struct copying *self, size_t at, uint64_t address, uint64_t size)
{
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 16 : self->room * 2;
        struct bench_extent *used = realloc(self->used, room * sizeof(*used));
        if (used == NULL)
            return -ENOMEM;
        self->used = used;
        self->room = room;
    }
    memmove(&self->used[at + 1], &self->used[at], (self->count - at) * sizeof(*self->used));
    self->used[at] = (struct bench_extent){address, size};
    self->count++;
    return 0;
}

static int fits(uint64_t first, uint64_t end, const struct bench_request *request, uint64_t *address)
{
    uint64_t mask = request->align - 1, place;

    if (end - first < request->size)
        return 0;
    place = request->policy == BENCH_HIGHEST ? (end - request->size) & ~mask : (first + mask) & ~mask;
    if (place < first || place > end - request->size)
        return 0;
    *address = place;
    return 1;
}

static int put_fixed(struct copying *self, const struct bench_request *request)
{
    size_t at = below(self, request->min);
    uint64_t first = at == 0 ? self->first : self->used[at - 1].address + self->used[at - 1].size;
    uint64_t end = at == self->count ? self->end : self->used[at].address;

    if (request->min < first || request->min >= end || end - request->min < request->size)
        return -ENOSPC;
    return insert(self, at, request->min, request->size);
}

static int copying_put(struct copying *self, const struct bench_request *request, uint64_t *address)
{
    size_t count = self->count;
    struct bench_extent *copy;
    int result = -ENOSPC;

    if (request->policy == BENCH_FIXED) {
        result = put_fixed(self, request);
        *address = result == 0 ? request->min : *address;
        return result;
    }
    copy = malloc((count + 1) * sizeof(*copy));
    if (copy == NULL)
        return -ENOMEM;
    if (count != 0)
        memcpy(copy, self->used, count * sizeof(*copy));
    for (size_t i = 0; i <= count && result == -ENOSPC; i++) {
        size_t at = request->policy == BENCH_HIGHEST ? count - i : i;
        uint64_t first = at == 0 ? self->first : copy[at - 1].address + copy[at - 1].size;
        if (fits(first, at == count ? self->end : copy[at].address, request, address))
            result = insert(self, at, *address, request->size);
    }
    free(copy);
    return result;
}

static int copying_take(struct copying *self, uint64_t address, uint64_t size)
{
    size_t at = below(self, address);

    if (at == self->count || self->used[at].address != address || self->used[at].size != size)
        return -EINVAL;
    self->count--;
    memmove(&self->used[at], &self->used[at + 1], (self->count - at) * sizeof(*self->used));
    return 0;
}

BENCH_ARENA(copying)

static void *create(uint64_t base, uint64_t size)
{
    struct copying *self = calloc(1, sizeof(*self));

    if (self != NULL) {
        self->first = base;
        self->end = base + size;
    }
    return self;
}

static void destroy(void *self)
{
    free(((struct copying *)self)->used);
    free(self);
}

const struct bench_arena bench_arena_copying = {
    .name = "cloud-hypervisor-like",
    .what = "used ranges in order, copied by each call that looks for a place",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED,
    .live = 50000,
    .fill = 20000,
    .create = create,
    .destroy = destroy,
    .alloc = copying_alloc,
    .free = copying_free,
    .place = copying_place,
    .replay = copying_replay,
};
