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
    uint32_t left = block->flat_end;
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

uint32_t gm_flat_look_up(const struct gm_arena *arena, uint32_t slot)
{
    const struct gm_block *block = arena->block;
    uint32_t position = 0;
    if (block->flat_end != block->count && block->flat_slot[block->flat_hole] == slot)
        return block->flat_hole + 1;
    for (uint32_t i = 0; i < block->flat_end; i++) /* to the end: where it stands cannot be foreseen, the end can */
        position |= block->flat_slot[i] == slot ? i : 0;
    return position;
}

/* Those bytes of a word from a byte on. */
static inline uint64_t from_byte(uint32_t byte)
{
    return UINT64_MAX << byte * 8;
}

static inline uint64_t choose(uint64_t mask, uint64_t yes, uint64_t no)
{
    return (yes & mask) | (no & ~mask);
}

/* Bytes [position, end) go one place up, to that of byte `end`; what becomes of the one at position is left open. */
static void lengths_up(uint64_t *words, uint32_t position, uint32_t end)
{
    uint64_t *first = words + position / 8, *last = words + end / 8;
    uint64_t stay = from_byte(end % 8) << 7 << 1; /* those above it */
    uint64_t move = from_byte(position % 8);
    if (first == last) {
        *first = choose(move & ~stay, *first << 8, *first);
        return;
    }
    *last = choose(stay, *last, *last << 8 | last[-1] >> 56);
    for (uint64_t *to = last - 1; to > first; to--)
        memmove(to, (uint8_t *)to - 1, sizeof(*to));
    *first = choose(move, *first << 8, *first);
}

/* Bytes (position, end) go one place down; what becomes of the one at end - 1 is left open. */
static void lengths_down(uint64_t *words, uint32_t position, uint32_t end)
{
    uint64_t *first = words + position / 8, *last = words + (end - 1) / 8;
    uint64_t stay = from_byte((end - 1) % 8);
    uint64_t move = from_byte(position % 8);
    if (first == last) {
        *first = choose(move & ~stay, *first >> 8, *first);
        return;
    }
    *first = choose(move, *first >> 8 | first[1] << 56, *first);
    for (uint64_t *to = first + 1; to < last; to++)
        memmove(to, (uint8_t *)to + 1, sizeof(*to));
    *last = choose(stay, *last, *last >> 8);
}

/* The hole goes; what stands behind it moves. */
static void close_hole(struct gm_block *block)
{
    uint32_t end = block->flat_end;
    gm_words_down(block->flat_slot, block->flat_hole, end);
    lengths_down(block->flat_length, block->flat_hole, end + 1);
    gm_store_relaxed(&block->flat_end, end - 1);
}

/* Make room before a position, of which the hole is good for one, and return where that is. */
static uint32_t make_room(struct gm_block *block, uint32_t position)
{
    uint32_t hole = block->flat_hole, end = block->flat_end;
    if (end == block->count) {
        hole = end;
        gm_store_relaxed(&block->flat_end, end + 1);
    }
    if (hole >= position) {
        gm_words_up(block->flat_slot, position, hole);
        lengths_up(block->flat_length, position, hole);
        return position;
    }
    gm_words_down(block->flat_slot, hole, position);
    lengths_down(block->flat_length, hole, position);
    return position - 1;
}

/* The gap before the next range is divided. */
static void insert_before(struct gm_arena *arena, uint32_t position, uint32_t slot)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot), *next = gm_node_of(arena, block->flat_slot[position]);
    uint64_t behind = next->first - node->last - 1;
    node->gap = node->first - gm_node_gap_first(next);
    block->gaps += (uint64_t)(node->gap != 0) + (behind != 0) - (next->gap != 0);
    next->gap = behind;
    position = make_room(block, position);
    gm_store_relaxed(&block->flat_slot[position], slot);
    gm_flat_note(block, position, node->gap);
    gm_flat_note(block, position + 1, behind);
    arena->flat_hint = position;
    block->count++;
}

void gm_flat_insert(struct gm_arena *arena, uint32_t position, uint32_t slot)
{
    struct gm_block *block = arena->block;
    const struct gm_node *node = gm_node_of(arena, slot);
    if (position < block->flat_end) {
        insert_before(arena, position, slot);
        return;
    }
    if (position == GM_FLAT)
        close_hole(block);
    gm_flat_append(arena, slot, node->first, node->last);
}

/* The gaps around it become one, before the next range. */
static void remove_before(struct gm_arena *arena, uint32_t position)
{
    struct gm_block *block = arena->block;
    if (block->flat_end != block->count) {
        close_hole(block);
        position -= block->flat_hole < position;
    }
    uint32_t behind = block->flat_slot[position + 1];
    struct gm_node *node = gm_node_of(arena, block->flat_slot[position]), *next = gm_node_of(arena, behind);
    uint64_t gap = next->first - gm_node_gap_first(node);
    block->gaps += UINT64_C(1) - (node->gap != 0) - (next->gap != 0);
    next->gap = gap;
    node->gap = 0;
    gm_store_relaxed(&block->flat_slot[position], behind);
    gm_flat_note(block, position, 0);
    gm_flat_note(block, position + 1, gap);
    arena->flat_hint = block->flat_hole = position;
    block->count--;
}

void gm_flat_remove(struct gm_arena *arena, uint32_t position, uint32_t slot)
{
    if (position + 1 < arena->block->flat_end)
        remove_before(arena, position);
    else
        gm_flat_cut(arena, slot);
}
