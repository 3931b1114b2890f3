/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Keeping what parents know of their subtrees. An update ends where nothing changes any more. */
#include "alloc/order/index.h"

static inline uint64_t capacity(const struct gm_arena *arena, const struct gm_row *row, uint32_t slot)
{
    const struct gm_caps *caps = &row->caps[slot];
    return gm_max_u64(gm_node_cap(gm_node_of(arena, slot), row), gm_max_u64(caps->cap[0], caps->cap[1]));
}

void gm_index_attach_rows(struct gm_arena *arena, uint32_t parent, unsigned side, uint32_t child)
{
    for (uint32_t i = 0; i < arena->rows_live; i++)
        arena->rows[i].caps[parent].cap[side] = child == 0 ? 0 : capacity(arena, &arena->rows[i], child);
}

void gm_index_turn_rows(struct gm_arena *arena, uint32_t slot, uint32_t up, unsigned side)
{
    for (uint32_t i = 0; i < arena->rows_live; i++)
        arena->rows[i].caps[slot].cap[!side] = arena->rows[i].caps[up].cap[side];
}

void gm_index_take_over(struct gm_arena *arena, uint32_t slot, uint32_t from)
{
    struct gm_node *node = gm_node_of(arena, slot);
    const struct gm_node *old = gm_node_of(arena, from);
    for (unsigned side = 0; side < 2; side++) {
        gm_store_relaxed(&node->link[side], old->link[side]);
        if (old->link[side] != 0)
            gm_node_set_parent(arena, old->link[side], slot);
        node->max[side] = old->max[side];
        node->order[side] = old->order[side];
    }
    for (uint32_t i = 0; i < arena->rows_live; i++)
        arena->rows[i].caps[slot] = arena->rows[i].caps[from];
}

void gm_index_clear_rows(struct gm_arena *arena, uint32_t slot)
{
    for (uint32_t i = 0; i < arena->rows_live; i++)
        arena->rows[i].caps[slot] = (struct gm_caps){{0, 0}};
}

static void refresh_nodes(struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    while (node->parent != 0) {
        struct gm_node *parent = gm_node_of(arena, node->parent);
        unsigned side = parent->link[1] == slot;
        uint64_t max = gm_index_longest(node);
        uint8_t order = gm_index_largest(node);
        if (parent->max[side] == max && parent->order[side] == order)
            return;
        parent->max[side] = max;
        parent->order[side] = order;
        slot = node->parent;
        node = parent;
    }
}

static void refresh_row(struct gm_arena *arena, struct gm_row *row, uint32_t slot)
{
    for (uint32_t parent = gm_node_of(arena, slot)->parent; parent != 0; parent = gm_node_of(arena, slot)->parent) {
        unsigned side = gm_node_of(arena, parent)->link[1] == slot;
        uint64_t cap = capacity(arena, row, slot);
        if (row->caps[parent].cap[side] == cap)
            return;
        row->caps[parent].cap[side] = cap;
        slot = parent;
    }
}

void gm_index_refresh(struct gm_arena *arena, uint32_t slot)
{
    refresh_nodes(arena, slot);
    for (uint32_t i = 0; i < arena->rows_live; i++)
        refresh_row(arena, &arena->rows[i], slot);
}
