/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Few ranges: their slots in an array, in order, and beside it a byte for the gap before each, the bits of its length.
 * Eight of these are compared with what is asked for at once, so that a search looks only at gaps of about the length.
 * Positions count from 0.
 *
 * Where a range was taken out, a hole stays: one that comes next moves only what stands between there and its place,
 * and mostly that is little. There is one hole at most, never behind all ranges, and it has the slot of the range
 * behind it: who goes through the positions in order finds nothing wrong in it. Its byte is 0, as of a gap of nothing.
 *
 * What changes the array is inside a write section. Here is what happens behind all others, where nothing moves, and
 * in flat.c what happens between them.
 */
#ifndef GM_ALLOC_ORDER_FLAT_H
#define GM_ALLOC_ORDER_FLAT_H

#include "alloc/block/arena.h"
#include "alloc/block/gap.h"

/* The position of the first range that ends at or above the number, or of the hole before it; flat_end for none. */
uint32_t gm_flat_seek(const struct gm_arena *arena, uint64_t number);

/* The same of a number that is often behind all ranges: there nothing has to be looked at. */
static inline uint32_t gm_flat_seek_free(const struct gm_arena *arena, uint64_t number)
{
    const struct gm_block *block = arena->block;
    return block->has_tail && number >= block->tail_first ? block->flat_end : gm_flat_seek(arena, number);
}

static inline bool gm_flat_is_hole(const struct gm_block *block, uint32_t position)
{
    return position == block->flat_hole && block->flat_end != block->count;
}

/* gm_flat_position, by looking at all. */
uint32_t gm_flat_look_up(const struct gm_arena *arena, uint32_t slot);

/* The position of a slot; 0 stands behind all. */
static inline uint32_t gm_flat_position(const struct gm_arena *arena, uint32_t slot)
{
    const struct gm_block *block = arena->block;
    uint32_t hint = arena->flat_hint;
    if (slot == 0)
        return block->flat_end;
    if (hint >= block->flat_end || block->flat_slot[hint] != slot)
        return gm_flat_look_up(arena, slot);
    return hint + gm_flat_is_hole(block, hint);
}

/* The slot beside a position, left (0) or right (1); 0 when there is none. */
static inline uint32_t gm_flat_beside(const struct gm_block *block, uint32_t position, unsigned side)
{
    if (side == 1)
        return position + 1 < block->flat_end ? block->flat_slot[position + 1] : 0;
    position -= position != 0 && gm_flat_is_hole(block, position - 1);
    return position != 0 ? block->flat_slot[position - 1] : 0;
}

/* Note the length of the gap before a range. */
static inline void gm_flat_note(struct gm_block *block, uint32_t position, uint64_t gap)
{
    unsigned shift = position % 8 * 8;
    uint64_t word = block->flat_length[position / 8] & ~(UINT64_C(0xff) << shift);
    block->flat_length[position / 8] = word | (uint64_t)gm_bit_length(gap) << shift;
}

/* Put a range behind all others, whose numbers lie in the tail; there is a position for it. */
static inline void gm_flat_append(struct gm_arena *arena, uint32_t slot, uint64_t first, uint64_t last)
{
    struct gm_block *block = arena->block;
    uint32_t end = block->flat_end;
    uint64_t gap = first - block->tail_first;
    gm_node_of(arena, slot)->gap = gap;
    block->gaps += gap != 0;
    block->tail_first = last + 1; /* wraps where there is no tail */
    block->has_tail = last != block->last;
    block->flat_length[end / 8] |= (uint64_t)gm_bit_length(gap) << end % 8 * 8; /* was 0 */
    arena->flat_hint = end;
    gm_store_relaxed(&block->flat_slot[end], slot);
    gm_store_relaxed(&block->flat_end, end + 1);
    block->count++;
}

/* Take the last one out. */
static inline void gm_flat_cut(struct gm_arena *arena, uint32_t slot)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    uint32_t left = block->flat_end - 1;
    block->tail_first = node->first - node->gap;
    block->has_tail = 1;
    block->gaps -= node->gap != 0;
    block->flat_length[left / 8] &= ~(UINT64_C(0xff) << left % 8 * 8);
    node->gap = 0;
    arena->flat_hint = left;
    left -= left != 0 && gm_flat_is_hole(block, left - 1);
    gm_store_relaxed(&block->flat_end, left);
    block->count--;
}

/* Put a range in, whose numbers lie in the gap before this position (flat_end: in the tail). */
void gm_flat_insert(struct gm_arena *arena, uint32_t position, uint32_t slot);

/* Take a range out that stands at this position. */
void gm_flat_remove(struct gm_arena *arena, uint32_t position, uint32_t slot);

#define GM_FLAT_LOW UINT64_C(0x0101010101010101)
#define GM_FLAT_HIGH UINT64_C(0x8080808080808080)

/* The top bits of those of eight positions whose gaps have at least that many bits (up to 65). */
static inline uint64_t gm_flat_candidates(const struct gm_arena *arena, uint32_t word, unsigned bits)
{
    return ((arena->block->flat_length[word] | GM_FLAT_HIGH) - bits * GM_FLAT_LOW) & GM_FLAT_HIGH;
}

#endif
