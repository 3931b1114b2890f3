/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Changing a live range, for who holds the lock already; the rest of it is in apply.h. */
#ifndef GM_ALLOC_MOVE_H
#define GM_ALLOC_MOVE_H

#include "alloc/block/arena.h"

/* Set the caller's words. */
void gm_apply_update(struct gm_arena *arena, uint32_t slot, uint32_t owner, uint64_t user);

#endif
