/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The algorithm of Linux's iova allocator, without its magazines: used ranges, gone through downwards from where the
 * newest one lies, and from the top when that finds nothing. Freeing at or above that place moves it up again. Below a
 * limit there is a place of its own to begin at. Only the highest address can be asked for, and a gap above the place
 * to begin at may be overlooked. The walk needs no tree but the order, so it is a list here, with a map to free by.
 */
#include "../lib/arena.h"

#include "arena_map.h"

#define LIMIT ((UINT64_C(4) << 30) - 1) /* requests up to it begin at cached[1] */

struct iova {
    struct iova *above, *below;
    uint64_t first, last;
};

struct domain {
    struct iova top; /* above all: its first is behind the arena's last address */
    struct iova *cached[2];
    struct bench_map map;
    uint64_t first;
};

static int which(uint64_t max)
{
    return max <= LIMIT;
}

static struct iova *link_below(struct domain *self, struct iova *above, uint64_t first, uint64_t size)
{
    struct iova *iova = malloc(sizeof(*iova));

    if (iova == NULL || bench_map_put(&self->map, first, (uintptr_t)iova) != 0) {
        free(iova);
        return NULL;
    }
    *iova = (struct iova){.above = above, .below = above->below, .first = first, .last = first + (size - 1)};
    if (iova->below != NULL)
        iova->below->above = iova;
    above->below = iova;
    return iova;
}

/* The highest place between one range and the one below it. */
static int fits(const struct domain *self, const struct iova *above, const struct bench_request *request,
                uint64_t *address)
{
    uint64_t low = above->below == NULL ? self->first : above->below->last + 1;
    uint64_t last = above->first - 1 > request->max ? request->max : above->first - 1, place;

    low = low < request->min ? request->min : low;
    if (low >= above->first || low > last || last - low < request->size - 1)
        return 0;
    place = (last - (request->size - 1)) & ~(request->align - 1);
    if (place < low)
        return 0;
    *address = place;
    return 1;
}

static int domain_put(struct domain *self, const struct bench_request *request, uint64_t *address)
{
    struct iova *from = self->cached[which(request->max)], *to = NULL, *above, *found;

    if (request->policy != BENCH_HIGHEST)
        return -ENOSPC;
    for (;;) {
        for (above = from; above != to && !fits(self, above, request, address); above = above->below)
            ;
        if (above != to)
            break;
        if (from == &self->top)
            return -ENOSPC;
        to = from;
        from = &self->top;
    }
    found = link_below(self, above, *address, request->size);
    if (found == NULL)
        return -ENOMEM;
    self->cached[which(request->max)] = found;
    return 0;
}

static void unlink_iova(struct domain *self, struct iova *iova)
{
    for (int i = 0; i < 2; i++)
        if (iova == self->cached[i] || (iova->first >= self->cached[i]->first && (i == 0 || iova->last <= LIMIT)))
            self->cached[i] = iova->above;
    iova->above->below = iova->below;
    if (iova->below != NULL)
        iova->below->above = iova->above;
    free(iova);
}

static int domain_take(struct domain *self, uint64_t address, uint64_t size)
{
    struct bench_map_entry *entry = bench_map_get(&self->map, address);
    struct iova *iova = entry != NULL ? (struct iova *)(uintptr_t)entry->value : NULL;

    if (iova == NULL || iova->last != address + (size - 1))
        return -EINVAL;
    bench_map_remove(&self->map, entry);
    unlink_iova(self, iova);
    return 0;
}

BENCH_ARENA(domain)

/* Above all that is there: directly below the top. */
static int place(void *opaque, const struct bench_extent *extents, size_t count)
{
    struct domain *self = opaque;

    for (size_t i = 0; i < count; i++)
        if (link_below(self, &self->top, extents[i].address, extents[i].size) == NULL)
            return -ENOMEM;
    return 0;
}

static void destroy(void *opaque)
{
    struct domain *self = opaque;

    for (struct iova *iova = self->top.below, *below; iova != NULL; iova = below) {
        below = iova->below;
        free(iova);
    }
    free(self->map.entries);
    free(self);
}

static void *create(uint64_t base, uint64_t size)
{
    struct domain *self = calloc(1, sizeof(*self));

    if (self == NULL || bench_map_open(&self->map, 64) != 0) {
        free(self);
        return NULL;
    }
    self->first = base;
    self->top.first = base + size;
    self->cached[0] = self->cached[1] = &self->top;
    return self;
}

const struct bench_arena bench_arena_iova = {
    .name = "iova-like",
    .what = "used ranges gone through downwards from the newest one",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_WINDOW | BENCH_NOT_LOWEST | BENCH_NOT_EXACT,
    .live = 50000,
    .fill = UINT64_MAX,
    .create = create,
    .destroy = destroy,
    .alloc = domain_alloc,
    .free = domain_free,
    .place = place,
    .replay = domain_replay,
};
