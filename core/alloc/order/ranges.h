/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The used ranges in order, in whichever form they are kept: array or tree. All that takes, gives or moves ranges goes
 * through here; slot 0 stands for the tail, behind all ranges. What changes something is inside a write section.
 */
#ifndef GM_ALLOC_ORDER_RANGES_H
#define GM_ALLOC_ORDER_RANGES_H

#include "alloc/block/arena.h"
#include "alloc/block/gap.h"

/* The first range that ends at or above the number. */
uint32_t gm_ranges_seek(struct gm_arena *arena, uint64_t number);

/* The neighbour in order, left (0) or right (1). */
uint32_t gm_ranges_beside(const struct gm_arena *arena, uint32_t slot, unsigned side);

/* The gap before a range, or the tail. False: there is none. */
bool gm_ranges_gap(const struct gm_arena *arena, uint32_t slot, struct gm_gap *out);

/* Where a gap before a range would begin: behind the range before it. Wraps to 0 behind all 2^64. */
uint64_t gm_ranges_gap_first(const struct gm_arena *arena, uint32_t slot);

/* The node has its numbers, which lie in the gap before another range. */
void gm_ranges_insert(struct gm_arena *arena, uint32_t slot, uint32_t before);
void gm_ranges_remove(struct gm_arena *arena, uint32_t slot);

/* Give a range, which keeps its place in order, other numbers. */
void gm_ranges_move(struct gm_arena *arena, uint32_t slot, uint64_t first, uint64_t last);

/* The first number of the arena has become lower, its last one higher. */
void gm_ranges_extend(struct gm_arena *arena, uint64_t first, uint64_t last);

#endif
