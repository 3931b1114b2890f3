/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The search of the array: the bytes beside it tell eight gaps at a time that are too short, and what is left is looked
 * at one by one. Inlined into the caller, so that what he knows of the request (no phase, no multiples) is not asked.
 */
#ifndef GM_ALLOC_PLACE_ARRAY_H
#define GM_ALLOC_PLACE_ARRAY_H

#include "alloc/order/flat.h"
#include "alloc/place/fit.h"

#define GM_ARRAY_INLINE static inline __attribute__((always_inline))

/* Of the shortest gap that could do; 65 for all 2^64 numbers, which no gap before a range holds. */
GM_ARRAY_INLINE unsigned gm_array_bits(const struct gm_ask *ask)
{
    return ask->reach == UINT64_MAX ? 65 : gm_bit_length(ask->reach + 1);
}

GM_ARRAY_INLINE const struct gm_node *gm_array_node(const struct gm_arena *arena, uint32_t position)
{
    return gm_node_of(arena, arena->block->flat_slot[position]);
}

/*
 * Is the gap long enough behind its first aligned number? One comparison that most gaps fail which are long enough but
 * not aligned; the window, and a sum that overflowed, are left to gm_fit_node.
 */
GM_ARRAY_INLINE bool gm_array_has_room(const struct gm_ask *ask, const struct gm_node *node)
{
    uint64_t waste = (ask->phase - gm_node_gap_first(node)) & ask->mask;
    return waste + ask->reach < node->gap;
}

/* Those of eight candidates that have room, without a branch: where many gaps are long enough, few are aligned. */
GM_ARRAY_INLINE uint64_t gm_array_roomy(struct gm_arena *arena, const struct gm_ask *ask, uint32_t word)
{
    uint64_t roomy = 0;
    arena->looked_at += 8;
    for (unsigned i = 0; i < 8; i++)
        roomy |= (uint64_t)gm_array_has_room(ask, gm_array_node(arena, word * 8 + i)) << (i * 8 + 7);
    return roomy;
}

/* The first position at or behind one whose gap is long enough; GM_FLAT when there is none. */
static inline uint32_t gm_array_next(const struct gm_arena *arena, const struct gm_ask *ask, uint32_t position)
{
    unsigned bits = gm_array_bits(ask);
    uint64_t mask = UINT64_MAX << position % 8 * 8;
    for (uint32_t word = position / 8; word < GM_FLAT / 8; word++, mask = UINT64_MAX) {
        uint64_t candidates = gm_flat_candidates(arena, word, bits) & mask;
        if (candidates != 0)
            return word * 8 + (uint32_t)__builtin_ctzll(candidates) / 8;
    }
    return GM_FLAT;
}

/* The gap of a candidate. Which of its kind are good cannot be foreseen, so that there is one branch for most. */
GM_ARRAY_INLINE bool gm_array_try(struct gm_arena *arena, const struct gm_ask *ask, uint32_t position, unsigned end,
                                  uint64_t *first)
{
    const struct gm_node *node = gm_array_node(arena, position);
    arena->looked_at++;
    return gm_array_has_room(ask, node) && gm_fit_node(ask, node, end, first);
}

/* The position whose gap has the lowest place; GM_FLAT when none has. */
GM_ARRAY_INLINE uint32_t gm_array_lowest(struct gm_arena *arena, const struct gm_ask *ask, uint64_t *first)
{
    const struct gm_block *block = arena->block;
    unsigned bits = gm_array_bits(ask);
    uint32_t start = ask->min > block->first ? gm_flat_seek_free(arena, ask->min) : 0;
    uint64_t mask = UINT64_MAX << start % 8 * 8, begun = arena->looked_at;
    for (uint32_t word = start / 8; word * 8 < block->flat_end; word++, mask = UINT64_MAX) {
        uint64_t candidates = gm_flat_candidates(arena, word, bits) & mask;
        if (candidates == 0)
            continue;
        if (arena->looked_at != begun) {
            if (gm_node_gap_first(gm_array_node(arena, word * 8)) > ask->max)
                return GM_FLAT; /* so are all behind it */
            if (candidates == GM_FLAT_HIGH)
                candidates = gm_array_roomy(arena, ask, word);
        }
        for (; candidates != 0; candidates &= candidates - 1) {
            uint32_t position = word * 8 + (uint32_t)__builtin_ctzll(candidates) / 8;
            if (gm_array_try(arena, ask, position, 0, first))
                return position;
        }
    }
    return GM_FLAT;
}

/* Candidates of a word that stand below a position. */
GM_ARRAY_INLINE uint64_t gm_array_below(const struct gm_arena *arena, unsigned bits, uint32_t word, uint32_t position)
{
    uint64_t candidates = gm_flat_candidates(arena, word, bits);
    return word < position / 8 ? candidates : candidates & ((UINT64_C(1) << position % 8 * 8) - 1);
}

/* The same of the highest place. */
GM_ARRAY_INLINE uint32_t gm_array_highest(struct gm_arena *arena, const struct gm_ask *ask, uint64_t *first)
{
    const struct gm_block *block = arena->block;
    unsigned bits = gm_array_bits(ask);
    uint32_t behind = ask->max < block->last ? gm_flat_seek_free(arena, ask->max) : block->flat_end;
    uint64_t begun = arena->looked_at;
    behind += gm_flat_is_hole(block, behind);
    behind += behind < block->flat_end;
    for (uint32_t word = (behind + 7) / 8; word-- > 0;) {
        uint64_t candidates = gm_array_below(arena, bits, word, behind);
        if (candidates == 0)
            continue;
        if (arena->looked_at != begun) {
            if (gm_array_node(arena, word * 8 + 7)->first <= ask->min)
                return GM_FLAT; /* so are all before it */
            if (candidates == GM_FLAT_HIGH)
                candidates = gm_array_roomy(arena, ask, word);
        }
        while (candidates != 0) {
            uint32_t byte = (63 - (uint32_t)__builtin_clzll(candidates)) / 8;
            candidates ^= UINT64_C(0x80) << byte * 8;
            if (gm_array_try(arena, ask, word * 8 + byte, 1, first))
                return word * 8 + byte;
        }
    }
    return GM_FLAT;
}

#endif
