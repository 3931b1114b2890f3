/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The index of the tree: what its parent keeps of each subtree. There are three kinds of it: the longest gap and the
 * largest natural block, which are in the nodes, and rows, one for each class of alignment that was asked for.
 */
#ifndef GM_ALLOC_ORDER_INDEX_H
#define GM_ALLOC_ORDER_INDEX_H

#include "alloc/block/gap.h"

/* Of the gaps in a subtree, at its top. */
static inline uint64_t gm_index_longest(const struct gm_node *node)
{
    return gm_max_u64(node->gap, gm_max_u64(node->max[0], node->max[1]));
}

static inline uint8_t gm_index_largest(const struct gm_node *node)
{
    uint8_t below = node->order[0] > node->order[1] ? node->order[0] : node->order[1];
    uint8_t own = gm_node_order(node);
    return own > below ? own : below;
}

/* Of rows, what the functions below do to nodes. Apart, as most arenas have none. */
void gm_index_attach_rows(struct gm_arena *arena, uint32_t parent, unsigned side, uint32_t child);
void gm_index_turn_rows(struct gm_arena *arena, uint32_t slot, uint32_t up, unsigned side);
void gm_index_clear_rows(struct gm_arena *arena, uint32_t slot);

/* Make child, which may be 0, the left (0) or right (1) child, with all that is kept of it. */
static inline void gm_index_attach(struct gm_arena *arena, uint32_t parent, unsigned side, uint32_t child)
{
    struct gm_node *node = gm_node_of(arena, parent);
    gm_store_relaxed(&node->link[side], child);
    node->max[side] = 0;
    node->order[side] = 0;
    if (child != 0) {
        const struct gm_node *below = gm_node_of(arena, child);
        gm_node_set_parent(arena, child, parent);
        node->max[side] = gm_index_longest(below);
        node->order[side] = gm_index_largest(below);
    }
    if (arena->rows_live != 0)
        gm_index_attach_rows(arena, parent, side, child);
}

/* A node without children, of which its parent, or 0, is told apart. */
static inline void gm_index_clear(struct gm_arena *arena, uint32_t slot, uint32_t parent)
{
    struct gm_node *node = gm_node_of(arena, slot);
    for (unsigned side = 0; side < 2; side++) {
        gm_store_relaxed(&node->link[side], 0);
        node->max[side] = 0;
        node->order[side] = 0;
    }
    gm_node_set_parent(arena, slot, parent);
    node->balance = 0;
    if (arena->rows_live != 0)
        gm_index_clear_rows(arena, slot);
}

/* Hang a new node, whose gap is set, in where there is no child yet. */
static inline void gm_index_leaf(struct gm_arena *arena, uint32_t parent, unsigned side, uint32_t slot)
{
    struct gm_node *node = gm_node_of(arena, parent);
    const struct gm_node *leaf = gm_node_of(arena, slot);
    gm_index_clear(arena, slot, parent);
    gm_store_relaxed(&node->link[side], slot);
    node->max[side] = leaf->gap;
    node->order[side] = gm_node_order(leaf);
    if (arena->rows_live != 0)
        gm_index_attach_rows(arena, parent, side, slot);
}

/*
 * The child on the other side of a node goes up above it, and the node down to this one. What the child knew of the
 * subtree that changes sides stays true, so that nobody looks at it. Their parent is told apart.
 */
static inline void gm_index_turn(struct gm_arena *arena, uint32_t slot, uint32_t up, unsigned side)
{
    struct gm_node *low = gm_node_of(arena, slot);
    const struct gm_node *high = gm_node_of(arena, up);
    uint32_t inner = high->link[side];
    gm_store_relaxed(&low->link[!side], inner);
    low->max[!side] = high->max[side];
    low->order[!side] = high->order[side];
    if (inner != 0)
        gm_node_set_parent(arena, inner, slot);
    if (arena->rows_live != 0)
        gm_index_turn_rows(arena, slot, up, side);
    gm_index_attach(arena, up, side, slot);
}

/* Take over the children of another node, and what is kept of them. */
void gm_index_take_over(struct gm_arena *arena, uint32_t slot, uint32_t from);

/* What a subtree holds may have changed, at its top: tell those above, as far up as it matters to them. */
void gm_index_refresh(struct gm_arena *arena, uint32_t slot);

#endif
