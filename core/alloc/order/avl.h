/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The balanced tree of the used ranges, in order of their numbers: at most 1.44 log2(n) levels. It moves links, keeps
 * the index (index.h) true, and looks at no number. Everything is done inside a write section.
 * Source: Adelson-Velsky and Landis, 1962; Knuth, TAOCP volume 3, 6.2.3.
 */
#ifndef GM_ALLOC_ORDER_AVL_H
#define GM_ALLOC_ORDER_AVL_H

#include "alloc/block/arena.h"

#define GM_AVL_FETCH 14 /* ancestors; those above are in the caches */

/* The left (0) or right (1) end of a subtree. */
uint32_t gm_avl_end(const struct gm_arena *arena, uint32_t slot, unsigned side);

/*
 * Of a large tree: have the lines of a node's ancestors come, of which those that stand lowest were touched last a long
 * time ago. Sixteen parents share a line, so that the way up is known long before the first of these lines is here, and
 * they all come at once. Where the nodes tell it themselves, each waits for the one before.
 */
static inline void gm_avl_fetch(const struct gm_arena *arena, uint32_t slot)
{
    if (arena->parents == NULL)
        return;
    for (unsigned i = 0; i < GM_AVL_FETCH; i++) {
        slot = arena->parents[slot];
        __builtin_prefetch(gm_node_of(arena, slot)); /* 0 is a node, too */
    }
}

/* The neighbour in order, left (0) or right (1); 0 when there is none. */
uint32_t gm_avl_beside(const struct gm_arena *arena, uint32_t slot, unsigned side);

/* Hang a node in behind all others, of which there are some. Its gap is set; nothing remains to be balanced. */
void gm_avl_append(struct gm_arena *arena, uint32_t slot);

/* Hang a node in as a leaf, directly before another one in order. Its own gap is set; what the gap of the other one
 * becomes is changed by the caller, before gm_avl_balance. */
void gm_avl_hang(struct gm_arena *arena, uint32_t slot, uint32_t before);

/* A leaf has been hung in, and the index is true again. */
void gm_avl_balance(struct gm_arena *arena, uint32_t leaf);

/* Take a node out; next comes behind it in order, or is 0. The index is true before and after. */
void gm_avl_unhang(struct gm_arena *arena, uint32_t slot, uint32_t next);

/* A tree, as flat as can be, of count nodes in order; the index of nodes is made, rows are not. */
void gm_avl_build(struct gm_arena *arena, const uint32_t *slots, uint32_t count);

#endif
