/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The arena that says what is right, too simple to be wrong and too slow to be measured: used ranges in no order. The
 * lowest place that fits begins where the window or a used range pushes it, so every such address is tried against
 * every used range, and the best of those that are free wins.
 */
#include "arena_oracle.h"

#include <errno.h>
#include <stdlib.h>

struct oracle {
    struct bench_extent *used;
    size_t count, room;
    uint64_t first, last;
};

static int is_free(const struct oracle *self, const struct bench_request *request, uint64_t address)
{
    uint64_t last = address + (request->size - 1);

    if (last < address || address < request->min || last > request->max || address < self->first || last > self->last)
        return 0;
    for (size_t i = 0; i < self->count; i++)
        if (address <= self->used[i].address + (self->used[i].size - 1) && self->used[i].address <= last)
            return 0;
    return 1;
}

/* The aligned address nearest to this edge: above it for the lowest policy, with its end below it for the highest. */
static uint64_t nearest(const struct bench_request *request, uint64_t edge)
{
    if (request->policy == BENCH_HIGHEST)
        return (edge - request->size) / request->align * request->align;
    return (edge + request->align - 1) / request->align * request->align;
}

static void consider(const struct oracle *self, const struct bench_request *request, uint64_t edge, uint64_t *best)
{
    uint64_t address = nearest(request, edge);
    int better = request->policy == BENCH_HIGHEST ? address > *best : address < *best;

    if ((*best == BENCH_NOWHERE || better) && is_free(self, request, address))
        *best = address;
}

static uint64_t search(const struct oracle *self, const struct bench_request *request)
{
    int highest = request->policy == BENCH_HIGHEST;
    uint64_t best = BENCH_NOWHERE;

    if (request->policy == BENCH_FIXED)
        return is_free(self, request, request->min) ? request->min : BENCH_NOWHERE;
    consider(self, request, highest ? self->last + 1 : self->first, &best);
    consider(self, request, highest ? request->max + 1 : request->min, &best);
    for (size_t i = 0; i < self->count; i++)
        consider(self, request, self->used[i].address + (highest ? 0 : self->used[i].size), &best);
    return best;
}

static inline int oracle_put(struct oracle *self, const struct bench_request *request, uint64_t *address)
{
    uint64_t found = search(self, request);

    if (found == BENCH_NOWHERE)
        return -ENOSPC;
    if (self->count == self->room) {
        size_t room = self->room == 0 ? 64 : 2 * self->room;
        struct bench_extent *used = realloc(self->used, room * sizeof(*used));
        if (used == NULL)
            return -ENOMEM;
        self->used = used;
        self->room = room;
    }
    self->used[self->count++] = (struct bench_extent){found, request->size};
    *address = found;
    return 0;
}

static inline int oracle_take(struct oracle *self, uint64_t address, uint64_t size)
{
    for (size_t i = 0; i < self->count; i++) {
        if (self->used[i].address != address || self->used[i].size != size)
            continue;
        self->used[i] = self->used[--self->count];
        return 0;
    }
    return -EINVAL;
}

BENCH_ARENA(oracle)

static void *create(uint64_t base, uint64_t size)
{
    struct oracle *self = calloc(1, sizeof(*self));

    if (self != NULL) {
        self->first = base;
        self->last = base + (size - 1);
    }
    return self;
}

static void destroy(void *self)
{
    free(((struct oracle *)self)->used);
    free(self);
}

const struct bench_arena bench_arena_oracle = {
    .name = "oracle",
    .what = "every used range, for every address that one of them leaves",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = 1000,
    .fill = 1000,
    .create = create,
    .destroy = destroy,
    .alloc = oracle_alloc,
    .free = oracle_free,
    .place = oracle_place,
    .replay = oracle_replay,
};
