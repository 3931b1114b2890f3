/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Caches of natural blocks in front of an arena.
 *
 * A block in a cache is a live range whose state has GM_NODE_CACHED. The bit is set by exchange of a state that is
 * otherwise plain, and the arena takes a block back by exchange, too, while there are caches: so that of two who give
 * the same block one fails. Before a cache hands a block out again it counts the generation on: the handle that the
 * block was given with stays stale. These two change without the arena's lock and outside of a write section: lookups
 * tell the bit as advice, and whoever holds the lock reads those of ranges that are not its own with atomic loads.
 * Pair [cache-P1]: a state that says that the range is plain is stored behind its generation (release) and read before
 * it (acquire). So no handle of before is taken for that of who has the block now.
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
    return (result == -ENOSPC || result == -EBUSY || result == -EDQUOT || result == -ENOMEM) &&
           arena->caches != NULL && gm_cache_empty_all(arena) != 0;
}

#endif
