/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The array form. Lookups read flat_slot at the same time; the lengths are the writer's. */
#include "alloc/order/flat.h"

#define FEW 16

/* Loops begin at one of few positions, so that where they end can be foreseen. */
#define FROM(position) ((position) / 8 * 8)

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

/* Which bytes of a word stand below a position. */
static inline uint64_t below(uint32_t word, uint32_t position)
{
    uint64_t part = (UINT64_C(1) << position % 8 * 8) - 1;
    return word < position / 8 ? UINT64_MAX : word == position / 8 ? part : 0;
}

/* Bytes from position on move up by one; what becomes of the one at position is left open. No branch depends on it. */
static void lengths_up(uint64_t *words, uint32_t position, uint32_t count)
{
    for (uint32_t i = count / 8; i > 0; i--) {
        uint64_t stay = below(i, position);
        words[i] = (words[i] & stay) | ((words[i] << 8 | words[i - 1] >> 56) & ~stay);
    }
    words[0] = (words[0] & below(0, position)) | (words[0] << 8 & ~below(0, position));
}

/* Bytes above position move down by one. */
static void lengths_down(uint64_t *words, uint32_t position, uint32_t count)
{
    for (uint32_t i = 0; i <= (count - 1) / 8; i++) {
        uint64_t stay = below(i, position);
        uint64_t next = i < GM_FLAT / 8 - 1 ? words[i + 1] << 56 : 0;
        words[i] = (words[i] & stay) | ((words[i] >> 8 | next) & ~stay);
    }
}

void gm_flat_insert(struct gm_arena *arena, uint32_t position, uint32_t slot)
{
    struct gm_block *block = arena->block;
    uint32_t *slots = block->flat_slot;
    for (uint32_t to = block->count; to > FROM(position); to--) /* those below position stay what they are */
        gm_store_relaxed(&slots[to], slots[to - (to > position)]);
    gm_store_relaxed(&slots[position], slot);
    lengths_up(block->flat_length, position, block->count);
    gm_flat_note(arena, position);
    if (position < block->count)
        gm_flat_note(arena, position + 1);
    arena->flat_hint = position;
}

void gm_flat_remove(struct gm_arena *arena, uint32_t position)
{
    struct gm_block *block = arena->block;
    uint32_t *slots = block->flat_slot;
    for (uint32_t to = FROM(position); to < block->count - 1; to++)
        gm_store_relaxed(&slots[to], slots[to + (to >= position)]);
    lengths_down(block->flat_length, position, block->count);
    if (position + 1 < block->count)
        gm_flat_note(arena, position);
}
