/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The algorithm of crosvm's allocator: an ordered set of free ranges, which allocating goes through from one end, and
 * a map of what was allocated, by which freeing knows its size. The set is the array of arena_freelist.c. To free what
 * holds some address, all of the map is looked at.
 */
#include "../lib/arena.h"

#include "arena_map.h"

struct crosvm {
    void *ranges; /* free ones */
    struct bench_map map;
};

static inline int crosvm_put(struct crosvm *self, const struct bench_request *request, uint64_t *address)
{
    int result = bench_arena_free_list.alloc(self->ranges, request, address);

    return result != 0 ? result : bench_map_put(&self->map, *address, request->size);
}

static inline int crosvm_take(struct crosvm *self, uint64_t address, uint64_t size)
{
    struct bench_map_entry *entry = bench_map_get(&self->map, address);

    if (entry == NULL || entry->value != size)
        return -EINVAL;
    bench_map_remove(&self->map, entry);
    return bench_arena_free_list.free(self->ranges, address, size);
}

BENCH_ARENA(crosvm)

static int place(void *opaque, const struct bench_extent *extents, size_t count)
{
    struct crosvm *self = opaque;
    int result = bench_arena_free_list.place(self->ranges, extents, count);

    for (size_t i = 0; i < count && result == 0; i++)
        result = bench_map_put(&self->map, extents[i].address, extents[i].size);
    return result;
}

int bench_crosvm_free_holding(void *opaque, uint64_t address)
{
    struct crosvm *self = opaque;

    for (size_t i = 0; i <= self->map.mask; i++) {
        const struct bench_map_entry entry = self->map.entries[i];
        if (entry.key != BENCH_MAP_EMPTY && address >= entry.key && address - entry.key < entry.value)
            return crosvm_take(self, entry.key, entry.value);
    }
    return -EINVAL;
}

static void destroy(void *opaque)
{
    struct crosvm *self = opaque;

    if (self->ranges != NULL)
        bench_arena_free_list.destroy(self->ranges);
    free(self->map.entries);
    free(self);
}

static void *create(uint64_t base, uint64_t size)
{
    struct crosvm *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    self->ranges = bench_arena_free_list.create(base, size);
    if (self->ranges != NULL && bench_map_open(&self->map, 64) == 0)
        return self;
    destroy(self);
    return NULL;
}

const struct bench_arena bench_arena_crosvm = {
    .name = "crosvm-like",
    .what = "free ranges looked at in order, a map of allocations",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = 50000,
    .fill = UINT64_MAX,
    .create = create,
    .destroy = destroy,
    .alloc = crosvm_alloc,
    .free = crosvm_free,
    .place = place,
    .replay = crosvm_replay,
};
