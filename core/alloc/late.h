/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The queue of deferred ranges, in the order in which they were deferred, so that stamps rise. It is of the process
 * whose readers it waits for, and not in the block; what others have to see, that a range is deferred, is.
 */
#ifndef GM_ALLOC_LATE_H
#define GM_ALLOC_LATE_H

#include "alloc/block/arena.h"

/* Memory for as many as the arena has capacity for; it grows with that. Returns 0 or -ENOMEM. */
int gm_late_create(struct gm_arena *arena);
void gm_late_destroy(struct gm_arena *arena);

/* Put a range at the end. It is marked already. */
void gm_late_push(struct gm_arena *arena, uint32_t slot);

/* Mark a live range and its guards, and put it at the end, for who holds the lock already. */
void gm_late_defer(struct gm_arena *arena, uint32_t slot);

/* Take back the newest one: it is what it was before. last: who stood at the end then, or 0. */
void gm_late_undo(struct gm_arena *arena, uint32_t slot, uint32_t last);

/* How many wait. */
uint64_t gm_late_count(const struct gm_arena *arena);

#endif
