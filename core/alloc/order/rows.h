/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Rows: for a class (alignment above the granule, phase), what the subtrees of each node can hold of it. One is built
 * when it is first asked for, and kept true by index.c from then on. A tree that turns into an array drops them.
 */
#ifndef GM_ALLOC_ORDER_ROWS_H
#define GM_ALLOC_ORDER_ROWS_H

#include "alloc/block/arena.h"

/*
 * The row of a class into *out; NULL when there is none and there shall be none, because all rows are in use. One that
 * has not been asked for during as many requests as it has nodes may be replaced: what that costs is spread over them.
 * Returns 0 or -ENOMEM.   Cost: O(1), O(ranges) to build it.
 */
int gm_rows_of(struct gm_arena *arena, uint64_t mask, uint64_t phase, const struct gm_row **out);

static inline void gm_rows_drop(struct gm_arena *arena)
{
    arena->rows_live = 0;
}

#endif
