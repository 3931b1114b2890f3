/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#ifndef GM_ALLOC_ORDER_REBUILD_H
#define GM_ALLOC_ORDER_REBUILD_H

#include "alloc/block/arena.h"

/*
 * An arena that is empty but for its nodes gets ranges: `count` slots in order of their numbers, which have been found
 * sound. All that is kept of them is made anew. Nobody looks at the arena yet.   Cost: O(count).
 */
void gm_rebuild(struct gm_arena *arena, const uint32_t *slots, uint32_t count);

#endif
