/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The array form. Lookups read flat_slot at the same time; the lengths are the writer's, and little-endian. */
#include "alloc/order/flat.h"

#include <string.h>

#include "base/words.h"

#define FEW 16

/* Halving waits for a number at each step; the last few are counted instead, all at once. No branch depends on them. */
uint32_t gm_flat_seek(const struct gm_arena *arena, uint64_t number)
{
    const struct gm_block *block = arena->block;
    const uint32_t *from = block->flat_slot;
    uint32_t left = block->count;
    uint32_t behind = 0;
    while (left > FEW) {
        uint32_t half = left / 2;
        uint32_t below = gm_node_of(arena, from[half - 1])->last < number;
        from += half & (0 - below);
        left -= half;
    }
    for (uint32_t i = 0; i < left; i++)
        behind += gm_node_of(arena, from[i])->last < number;
    return (uint32_t)(from - block->flat_slot) + behind;
}

uint32_t gm_flat_position(const struct gm_arena *arena, uint32_t slot)
{
    const struct gm_block *block = arena->block;
    uint32_t position = arena->flat_hint;
    if (slot == 0)
        return block->count;
    if (position < block->count && block->flat_slot[position] == slot)
        return position;
    position = 0;
    for (uint32_t i = 0; i < block->count; i++) /* to the end: where it stands cannot be foreseen, the end can */
        position |= block->flat_slot[i] == slot ? i : 0;
    return position;
}

void gm_flat_note(struct gm_arena *arena, uint32_t position)
{
    struct gm_block *block = arena->block;
    unsigned shift = position % 8 * 8;
    uint64_t bits = gm_bit_length(gm_node_of(arena, block->flat_slot[position])->gap);
    uint64_t word = block->flat_length[position / 8] & ~(UINT64_C(0xff) << shift);
    block->flat_length[position / 8] = word | bits << shift;
}

/* Those bytes of a word from a byte on. */
static inline uint64_t from_byte(uint32_t byte)
{
    return UINT64_MAX << byte * 8;
}

/* Bytes from position on move up by one; what becomes of the one at position is left open. */
static void lengths_up(uint64_t *words, uint32_t position, uint32_t count)
{
    uint64_t move = from_byte(position % 8);
    uint64_t *first = words + position / 8;
    for (uint64_t *to = words + count / 8; to > first; to--)
        memmove(to, (uint8_t *)to - 1, sizeof(*to));
    *first = (*first & ~move) | (*first << 8 & move);
}

/* Bytes above position move down by one. */
static void lengths_down(uint64_t *words, uint32_t position, uint32_t count)
{
    uint64_t move = from_byte(position % 8);
    uint64_t *first = words + position / 8;
    *first = (*first & ~move) | ((*first >> 8 | first[1] << 56) & move);
    for (uint64_t *to = first + 1; to <= words + (count - 1) / 8; to++)
        memmove(to, (uint8_t *)to + 1, sizeof(*to));
}

void gm_flat_insert(struct gm_arena *arena, uint32_t position, uint32_t slot)
{
    struct gm_block *block = arena->block;
    gm_words_up(block->flat_slot, position, block->count);
    gm_store_relaxed(&block->flat_slot[position], slot);
    lengths_up(block->flat_length, position, block->count);
    gm_flat_note(arena, position);
    if (position < block->count)
        gm_flat_note(arena, position + 1);
    arena->flat_hint = position;
}

void gm_flat_remove(struct gm_arena *arena, uint32_t position)
{
    struct gm_block *block = arena->block;
    gm_words_down(block->flat_slot, position, block->count);
    lengths_down(block->flat_length, position, block->count);
    if (position + 1 < block->count)
        gm_flat_note(arena, position);
}
