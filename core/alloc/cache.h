/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Caches of natural blocks in front of an arena.
 *
 * A block in a cache is a live range whose state has GM_NODE_CACHED. The bit is set by exchange of a state that is
 * otherwise plain, and while there are caches the arena exchanges, too: before it takes a range back, and before it
 * changes one (keep.h). So of two who have the same range one fails. Before a cache hands a block out again it counts
 * the generation on: the handle that the block was given with stays stale. Both words change without the arena's lock
 * and outside of a write section: lookups tell the bit as advice, and whoever has the lock reads them with atomic
 * loads: a cache tries to exchange a state that is held, too.
 *
 * Locks: the arena's comes before a cache's. A cache's is held by its thread for a few instructions, and by who empties
 * it. The list of caches is under the arena's.
 */
#ifndef GM_ALLOC_CACHE_H
#define GM_ALLOC_CACHE_H

#include <errno.h>

#include "alloc/block/arena.h"
#include "alloc/keep.h"

_Static_assert((int)GM_KEEP_PLAIN == (int)GM_NODE_LIVE &&
                   (int)GM_KEEP_CACHED == ((int)GM_NODE_LIVE | (int)GM_NODE_CACHED) &&
                   ((int)GM_KEEP_HELD & ((int)GM_NODE_KEPT | (int)GM_NODE_NESTED | (int)GM_NODE_CACHED)) == 0,
               "states of nodes");

/*
 * Keep caches off a range that gm_change_slot has found, in an arena that is locked, before it is changed. False: it
 * has gone into one since.
 */
static inline bool gm_cache_hold(struct gm_arena *arena, gm_range range)
{
    struct gm_node *node = gm_node_of(arena, (uint32_t)range);
    return arena->caches == NULL ||
           gm_keep_hold(&node->state, &node->generation, gm_handle_generation(arena, range));
}

/* It has been changed. */
static inline void gm_cache_let(struct gm_arena *arena, uint32_t slot)
{
    if (arena->caches != NULL)
        gm_keep_let(&gm_node_of(arena, slot)->state);
}

/* Give back what lies in all caches of an arena, which is locked. Returns how many blocks that were. */
uint64_t gm_cache_empty_all(struct gm_arena *arena);

/* A call on a locked arena has failed with this: were blocks in caches in its way, and are they gone now? */
static inline bool gm_cache_again(struct gm_arena *arena, int result)
{
    return (result == -ENOSPC || result == -EBUSY || result == -EDQUOT || result == -ENOMEM) &&
           arena->caches != NULL && gm_cache_empty_all(arena) != 0;
}

#endif
