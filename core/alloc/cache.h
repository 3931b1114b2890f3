/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Caches of natural blocks in front of an arena.
 *
 * A block in a cache is a live range whose state has GM_NODE_CACHED. The bit is set and cleared by exchange of a state
 * that is otherwise plain, so that of two who give the same block one fails, and a block that the arena took back
 * behind the cache's back is not handed out. It is the one thing in a node that changes without the arena's lock and
 * outside of a write section: lookups tell it as advice, and whoever holds the lock reads states of ranges that are not
 * its own with gm_load_relaxed.
 *
 * Locks: the arena's comes before a cache's. A cache's is held by its thread for a few instructions, and by who empties
 * it. The list of caches is under the arena's.
 */
#ifndef GM_ALLOC_CACHE_H
#define GM_ALLOC_CACHE_H

#include <errno.h>

#include "alloc/block/arena.h"

/* Give back what lies in all caches of an arena, which is locked. Returns how many blocks that were. */
uint64_t gm_cache_empty_all(struct gm_arena *arena);

/* A call on a locked arena has failed with this: were blocks in caches in its way, and are they gone now? */
static inline bool gm_cache_again(struct gm_arena *arena, int result)
{
    return (result == -ENOSPC || result == -EBUSY || result == -EDQUOT) && arena->caches != NULL &&
           gm_cache_empty_all(arena) != 0;
}

#endif
