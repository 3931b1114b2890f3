/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Proof-reading an arena: all that has to be true of it between changes, recomputed from the ranges alone. */
#ifndef GM_ALLOC_ORDER_CHECK_H
#define GM_ALLOC_ORDER_CHECK_H

#include "alloc/block/arena.h"

/* NULL, or what is wrong.   Cost: O(ranges * rows). */
const char *gm_arena_check(const struct gm_arena *arena);

/* True for so few of the changes that checking then costs O(1) a change. */
bool gm_arena_check_due(const struct gm_arena *arena);

#endif
