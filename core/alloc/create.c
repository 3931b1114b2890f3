/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Creating, extending and destroying an arena. */
#include "alloc/create.h"

#include <errno.h>
#include <string.h>

#include "alloc/block/block.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/late.h"
#include "alloc/nest.h"
#include "alloc/order/ranges.h"
#include "alloc/block/shared.h"
#include "base/alloc.h"
#include "base/math.h"

static int check_config(const struct gm_arena_config *config)
{
    uint64_t granule = gm_max_u64(config->granule, 1);
    bool sound = config->first <= config->last && (granule & (granule - 1)) == 0 &&
                 gm_is_aligned(config->first | (config->last + 1), granule) &&
                 config->ranges_most <= GM_ARENA_RANGES_MOST &&
                 (config->flags & ~(unsigned)(GM_ARENA_LOCKED | GM_ARENA_DEFER)) == 0 &&
                 config->numa_node >= GM_NODE_ANY && config->numa_node < GM_NODE_LIMIT;
    return sound ? 0 : -EINVAL;
}

/*
 * Without a seed far from those of other arenas: a slot has to be used very often before one of its handles is like one
 * of theirs. With one it follows from the seed, so that handles can be had again.
 */
static uint32_t new_salt(const struct gm_arena_config *config)
{
    static gm_atomic_u64 arenas;
    const uint64_t spread = UINT64_C(0x9e3779b97f4a7c15); /* 2^64 divided by the golden ratio */
    if (config->seed == 0)
        return (uint32_t)((gm_add_relaxed(&arenas, 1) + 1) * spread >> 32);
    uint64_t from = (config->seed * spread ^ config->first) * spread ^ config->last;
    return (uint32_t)((from * spread ^ config->granule) * spread >> 32);
}

static void fill(struct gm_block *block, const struct gm_arena_config *config)
{
    block->first = config->first;
    block->last = config->last;
    block->granule = gm_max_u64(config->granule, 1);
    block->tail_first = config->first;
    block->has_tail = 1;
    block->random = config->seed;
    block->salt = new_salt(config);
}

static void release(struct gm_arena *arena)
{
    gm_late_destroy(arena);
    gm_block_destroy(arena);
    pthread_mutex_destroy(&arena->lock);
    gm_free(NULL, arena, sizeof(*arena));
}

int gm_create(const struct gm_arena_config *config, void *memory, size_t size, struct gm_arena **out)
{
    if (check_config(config) != 0)
        return -EINVAL;
    struct gm_arena *arena = gm_alloc(NULL, sizeof(*arena));
    if (arena == NULL)
        return -ENOMEM;
    memset(arena, 0, sizeof(*arena));
    pthread_mutex_init(&arena->lock, NULL);
    arena->locked = (config->flags & GM_ARENA_LOCKED) != 0;
    arena->numa_node = config->numa_node;
    int result;
    if (memory != NULL)
        result = gm_shared_create(arena, memory, size, (uint32_t)config->ranges_most);
    else
        result = gm_block_create(arena, (uint32_t)(config->ranges_most != 0 ? config->ranges_most
                                                                           : GM_ARENA_RANGES_DEFAULT));
    if (result == 0 && (config->flags & GM_ARENA_DEFER) != 0)
        result = gm_late_create(arena);
    if (result != 0) {
        release(arena);
        return result;
    }
    fill(arena->block, config);
    *out = arena;
    return 0;
}

int gm_arena_create(const struct gm_arena_config *config, struct gm_arena **out)
{
    return config == NULL || out == NULL ? -EINVAL : gm_create(config, NULL, 0, out);
}

int gm_arena_destroy(struct gm_arena *arena)
{
    if (arena == NULL)
        return 0;
    if (arena->child_first != NULL || arena->caches != NULL || gm_nest_in_txn(arena))
        return -EBUSY;
    if (arena->parent != NULL) {
        int result = gm_nest_leave(arena);
        if (result != 0)
            return result;
    }
    release(arena);
    return 0;
}

static int extend(struct gm_arena *arena, uint64_t first, uint64_t last)
{
    const struct gm_block *block = arena->block;
    if (first > block->first || last < block->last || !gm_is_aligned(first | (last + 1), block->granule))
        return -EINVAL;
    if (arena->parent != NULL) {
        int result = gm_nest_grow(arena, first, last);
        if (gm_cache_again(arena->parent, result))
            result = gm_nest_grow(arena, first, last);
        if (result != 0)
            return result;
    }
    gm_change_open(arena);
    gm_ranges_extend(arena, first, last);
    gm_change_close(arena);
    return 0;
}

int gm_arena_extend(struct gm_arena *arena, uint64_t new_first, uint64_t new_last)
{
    if (arena == NULL)
        return -EINVAL;
    struct gm_arena *parent = arena->parent;
    if (parent != NULL)
        gm_arena_lock(parent); /* parents come first */
    gm_arena_lock(arena);
    int result = gm_arena_unlock(arena, extend(arena, new_first, new_last));
    return parent != NULL ? gm_arena_unlock(parent, result) : result;
}
