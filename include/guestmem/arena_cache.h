/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Caches of an arena: each thread keeps a few natural blocks (2^order numbers, aligned to as many) of hot sizes at
 * hand, so that it takes and gives them without the arena's lock. Opt-in, because it costs some of what an arena
 * promises:
 *   - a block comes from the cache, not from the lowest place;
 *   - which one it is depends on what threads did when: the same history no longer gives the same places;
 *   - labels and window are those of the cache, not of a request;
 *   - blocks that lie in caches are live ranges for the arena: they count in its statistics and towards ranges_most,
 *     and lookups show them with GM_RANGE_CACHED.
 * What lies in caches is never the reason for a failure: gm_arena_take, _reserve, _resize, _relocate and
 * gm_arena_create_child empty all caches of the arena and try again before they fail, gm_arena_would_fit, _why_not and
 * _largest before they say no, and gm_arena_save before it begins, as does gm_arena_txn_begin; but what comes into a
 * cache during a save or a transaction counts as taken there.
 * Source: Bonwick and Adams, Magazines and Vmem, 2001; one magazine a size here, refilled and drained by halves.
 */
#ifndef GUESTMEM_ARENA_CACHE_H
#define GUESTMEM_ARENA_CACHE_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>

GM_BEGIN_DECLS

struct gm_arena_cache;

#define GM_ARENA_CACHE_ORDERS 16
#define GM_ARENA_CACHE_BLOCKS 1024

struct gm_arena_cache_config {
    unsigned order_least; /* blocks of 2^order_least numbers, a multiple of the granule, .. */
    unsigned orders;      /* .. and of so many orders in all: 1 .. GM_ARENA_CACHE_ORDERS, the last one <= 63 */
    unsigned blocks;      /* of each order at most: 2 .. GM_ARENA_CACHE_BLOCKS; 0 means 32 */
    uint32_t owner;       /* labels of the blocks */
    uint64_t user;
    uint64_t min, max;    /* window of the blocks, min <= max; max 0 means UINT64_MAX */
};

/*
 * Create a cache of an arena with GM_ARENA_LOCKED. It is empty.
 * Returns 0; -EINVAL (an arena without a lock, a field contradicts its description); -ENOMEM.
 * Context: any thread; the cache belongs to one thread at a time.   Progress: blocking (lock, memory).
 */
GM_API GM_MUST_CHECK int gm_arena_cache_create(struct gm_arena *arena, const struct gm_arena_cache_config *config,
                                               struct gm_arena_cache **out);

/* Give all blocks in it back, and free it. NULL is ignored.   Context: its thread.   Progress: blocking (lock). */
GM_API void gm_arena_cache_destroy(struct gm_arena_cache *cache);

/*
 * Take a block. It has another handle each time, so that the one that it was given with stays stale.
 * Returns 0; -EINVAL (not an order of this cache); -ENOSPC, -EDQUOT, -ENOMEM (as gm_arena_take).
 * Context: its thread, but for one that has a transaction on this arena.
 * Progress: blocking (its own lock, which others take to empty it; the arena's, where it is refilled).
 * Cost: O(1); every blocks / 2 takes at most, blocks / 2 times that of gm_arena_take.
 */
GM_API GM_MUST_CHECK int gm_arena_cache_take(struct gm_arena_cache *cache, unsigned order, struct gm_range_info *out);

/*
 * Give any range of the arena back, whoever took it: a block that could be of this cache goes into it, another range
 * to the arena.
 * Returns as gm_arena_give; a block that lies in a cache, whichever, is -ESTALE. Of calls that give the same range at
 * the same time one gets it. Whoever resizes, relocates, relabels or defers it at the same time does so first, and it
 * is given as it is then; or comes too late: -ESTALE. What a transaction has edited is given when that has ended.
 * Context: its thread, as above.   Progress, Cost: as above.
 */
GM_API GM_MUST_CHECK int gm_arena_cache_give(struct gm_arena_cache *cache, gm_range range);

/*
 * Give all blocks in it back.   Context: its thread.   Progress: blocking (lock).   Cost: that of gm_arena_give, each.
 */
GM_API void gm_arena_cache_flush(struct gm_arena_cache *cache);

GM_END_DECLS

#endif
