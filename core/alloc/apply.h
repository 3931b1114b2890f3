/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The changing calls, for who holds the lock already; ranges are named by slot. Errors are those of the calls. */
#ifndef GM_ALLOC_APPLY_H
#define GM_ALLOC_APPLY_H

#include "alloc/block/arena.h"

int gm_apply_take(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out);

/* out may be NULL. */
int gm_apply_reserve(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner, uint64_t user,
                     gm_range *out);

/* A range and its guards, in one change. Returns 0, or -ESTALE when it went into a cache just now. */
int gm_apply_give(struct gm_arena *arena, uint32_t slot);

/* A block that lies in a cache, which is locked. */
void gm_apply_give_cached(struct gm_arena *arena, uint32_t slot);

int gm_apply_resize(struct gm_arena *arena, uint32_t slot, uint64_t last);
int gm_apply_relocate(struct gm_arena *arena, uint32_t slot, uint64_t first);

#endif
