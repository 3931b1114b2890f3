/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Deferred reuse: a range is given back, but its numbers are not handed out again before everybody who may still use
 * them has let go: a vCPU that works under a pin with an address it has looked up, a back end, an IOTLB.
 *
 *     gm_arena_defer(arena, bar);         given back: no call takes it any more, lookups flag it
 *     ... tell devices, flush TLBs ...
 *     gm_arena_reclaim(arena, &count);    waits until all pins of now have ended, and frees it
 *
 * In a transaction it is gm_arena_txn_defer (arena_txn.h), which a rollback takes back; reclaim when that has ended.
 *
 * A pin protects what is looked up inside it and is not flagged: that range stays until the pin ends. One that is
 * flagged may go at any time. "Pin" means gm_pin ... gm_unpin of any space, and reading sections of liburcu (memb) that
 * the program has itself. For arenas with GM_ARENA_DEFER. In an image deferred ranges stay what they are.
 */
#ifndef GUESTMEM_ARENA_DEFER_H
#define GUESTMEM_ARENA_DEFER_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>

GM_BEGIN_DECLS

/*
 * Give a range back, with its guards, but hold it until a grace period has gone by. Its handle is stale for all calls
 * that change something; gm_arena_find, gm_arena_next and gm_arena_get show it with GM_RANGE_DEFERRED, owner and user.
 * It counts as live, also towards ranges_most, and requests do not fit there. Allocates nothing.
 * Returns 0; -EOPNOTSUPP (no GM_ARENA_DEFER); -ESTALE, -ENOENT, -EBUSY (as gm_arena_give; deferred twice: -ESTALE).
 * Context: changing call; also inside a pin.   Cost: O(1), with guards O(log ranges).
 */
GM_API GM_MUST_CHECK int gm_arena_defer(struct gm_arena *arena, gm_range range);

/*
 * Free all ranges that were deferred before the call, in the order in which they were. It waits for a grace period, or
 * uses one that has gone by since. The arena is not locked while it waits, and what is deferred meanwhile may be freed
 * or not. Without GM_ARENA_LOCKED nobody changes the arena during the call. Allocates nothing.
 * @param count  receives how many were freed, guards not counted; may be NULL
 * Returns 0; -EINVAL; -EDEADLK (this thread is pinned: it would wait for itself).
 * Context: any thread that is not pinned.   Progress: blocking (pins).   Cost: O(log ranges) for each that is freed.
 */
GM_API GM_MUST_CHECK int gm_arena_reclaim(struct gm_arena *arena, uint64_t *count);

/*
 * The same without waiting: free those for which a grace period has gone by since, of whomever: of gm_arena_reclaim for
 * another arena, of gm_space_destroy, or of a commit that had to wait for silent readers.
 * Returns 0; -EINVAL.   Context: changing call; also inside a pin.   Cost: as above.
 */
GM_API int gm_arena_reclaim_ready(struct gm_arena *arena, uint64_t *count);

GM_END_DECLS

#endif
