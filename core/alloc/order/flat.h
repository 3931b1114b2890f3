/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Few ranges: their slots in an array, in order, and beside it a byte for the gap before each, the bits of its length.
 * Eight of these are compared with what is asked for at once, so that a search looks only at gaps of about the length.
 * Positions count from 0. What changes the array is inside a write section.
 */
#ifndef GM_ALLOC_ORDER_FLAT_H
#define GM_ALLOC_ORDER_FLAT_H

#include "alloc/block/arena.h"
#include "alloc/block/gap.h"

/* The position of the first range that ends at or above the number; count when there is none. */
uint32_t gm_flat_seek(const struct gm_arena *arena, uint64_t number);

/* The position of a slot; 0 stands behind all. */
uint32_t gm_flat_position(const struct gm_arena *arena, uint32_t slot);

/* count is still what it was. The gaps before the range and behind it have their new lengths. */
void gm_flat_insert(struct gm_arena *arena, uint32_t position, uint32_t slot);
void gm_flat_remove(struct gm_arena *arena, uint32_t position);

/* Note the length of the gap before a range. */
void gm_flat_note(struct gm_arena *arena, uint32_t position);

#define GM_FLAT_LOW UINT64_C(0x0101010101010101)
#define GM_FLAT_HIGH UINT64_C(0x8080808080808080)

/* The top bits of those of eight positions whose gaps have at least that many bits (up to 65). */
static inline uint64_t gm_flat_candidates(const struct gm_arena *arena, uint32_t word, unsigned bits)
{
    return ((arena->block->flat_length[word] | GM_FLAT_HIGH) - bits * GM_FLAT_LOW) & GM_FLAT_HIGH;
}

#endif
