/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Nested arenas. Children of an arena are a list in the order of their ranges, under the lock of their parent. Bounds
 * of a child change under both locks. Locks are taken from the root down.
 */
#ifndef GM_ALLOC_NEST_H
#define GM_ALLOC_NEST_H

#include "alloc/block/arena.h"

/* Give the range of a child back. Returns 0 or -EBUSY (the parent is in a transaction and has no lock). */
int gm_nest_leave(struct gm_arena *child);

/* Let the range of a child grow. Both are locked. Errors: gm_arena_extend. */
int gm_nest_grow(struct gm_arena *child, uint64_t first, uint64_t last);

/* Is it in a transaction that a lock does not keep apart from this call? */
static inline bool gm_nest_in_txn(const struct gm_arena *arena)
{
    return !arena->locked && gm_load_relaxed(&arena->holder) != 0;
}

#endif
