/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Each change here is one range that comes, goes or moves, and the gap behind it that gets shorter or longer. A gap is
 * made longer before its neighbour goes: what the subtrees hold then never shrinks above the place where it happens.
 */
#include "alloc/order/ranges.h"

#include "alloc/order/avl.h"
#include "alloc/order/flat.h"
#include "alloc/order/index.h"
#include "alloc/order/rows.h"

uint32_t gm_ranges_seek(struct gm_arena *arena, uint64_t number)
{
    const struct gm_block *block = arena->block;
    uint32_t found = 0;
    if (!block->tree) {
        uint32_t position = gm_flat_seek_free(arena, number);
        arena->flat_hint = position;
        return position < block->flat_end ? block->flat_slot[position] : 0;
    }
    for (uint32_t slot = block->root; slot != 0; arena->looked_at++) {
        const struct gm_node *node = gm_node_of(arena, slot);
        uint32_t below = node->last < number;
        /* found = below ? found : slot, without a branch, which would be mispredicted half of the time */
        found ^= (found ^ slot) & (below - 1);
        slot = node->link[below];
    }
    return found;
}

uint32_t gm_ranges_beside(const struct gm_arena *arena, uint32_t slot, unsigned side)
{
    const struct gm_block *block = arena->block;
    if (slot == 0 && side == 1)
        return 0;
    if (block->tree)
        return slot == 0 ? block->rightmost : gm_avl_beside(arena, slot, side);
    return gm_flat_beside(block, gm_flat_position(arena, slot), side);
}

uint64_t gm_ranges_gap_first(const struct gm_arena *arena, uint32_t slot)
{
    return slot != 0 ? gm_node_gap_first(gm_node_of(arena, slot)) : arena->block->tail_first;
}

bool gm_ranges_gap(const struct gm_arena *arena, uint32_t slot, struct gm_gap *out)
{
    const struct gm_block *block = arena->block;
    if (slot == 0) {
        *out = (struct gm_gap){block->tail_first, block->last};
        return block->has_tail;
    }
    const struct gm_node *node = gm_node_of(arena, slot);
    *out = (struct gm_gap){node->first - node->gap, node->first - 1};
    return node->gap != 0;
}

/* The gap before a range, or the tail, begins here now. No index is told. */
static inline void begin_gap(struct gm_arena *arena, uint32_t slot, uint64_t first, bool any)
{
    struct gm_block *block = arena->block;
    if (slot != 0) {
        struct gm_node *node = gm_node_of(arena, slot);
        gm_node_set_gap(block, node, node->first - first);
        return;
    }
    block->tail_first = first;
    block->has_tail = any;
}

/* The gap behind a range. Behind the arena's last number there is none, and the number behind it may not exist. */
static inline void begin_gap_behind(struct gm_arena *arena, uint32_t slot, uint32_t next)
{
    uint64_t last = gm_node_of(arena, slot)->last;
    begin_gap(arena, next, last + 1, last != arena->block->last);
}

/* Tell the index that the gap before a range has changed. */
static void tell(struct gm_arena *arena, uint32_t slot)
{
    if (slot == 0)
        return;
    if (arena->block->tree)
        gm_index_refresh(arena, slot);
    else
        gm_flat_note(arena->block, gm_flat_position(arena, slot), gm_node_of(arena, slot)->gap);
}

static void become_tree(struct gm_arena *arena)
{
    struct gm_block *block = arena->block;
    gm_avl_build(arena, block->flat_slot, block->count); /* there is no hole when all positions are taken */
    block->rightmost = block->flat_slot[block->count - 1];
    gm_store_relaxed(&block->tree, 1);
}

static void become_flat(struct gm_arena *arena)
{
    struct gm_block *block = arena->block;
    uint32_t slot = gm_avl_end(arena, block->root, 0);
    gm_rows_drop(arena);
    for (uint32_t i = 0; i < GM_FLAT / 8; i++)
        block->flat_length[i] = 0;
    for (uint32_t i = 0; i < block->count; i++) {
        gm_store_relaxed(&block->flat_slot[i], slot);
        gm_flat_note(block, i, gm_node_of(arena, slot)->gap);
        slot = gm_avl_beside(arena, slot, 1);
    }
    gm_store_relaxed(&block->flat_end, block->count);
    gm_store_relaxed(&block->root, 0);
    gm_store_relaxed(&block->tree, 0);
}

void gm_ranges_insert(struct gm_arena *arena, uint32_t slot, uint32_t before)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    if (!block->tree && block->count < GM_FLAT) {
        gm_flat_insert(arena, gm_flat_position(arena, before), slot);
        return;
    }
    if (!block->tree)
        become_tree(arena);
    node->gap = 0;
    gm_node_set_gap(block, node, node->first - gm_ranges_gap_first(arena, before));
    begin_gap_behind(arena, slot, before);
    if (before == 0) {
        gm_avl_append(arena, slot);
        block->rightmost = slot;
    } else {
        gm_avl_hang(arena, slot, before);
        gm_index_refresh(arena, before);
        gm_avl_balance(arena, slot);
    }
    block->count++;
}

void gm_ranges_remove(struct gm_arena *arena, uint32_t slot)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    if (!block->tree) {
        gm_flat_remove(arena, gm_flat_position(arena, slot), slot);
        return;
    }
    __builtin_prefetch(gm_node_of(arena, node->parent)); /* will be told; meanwhile the next range is looked for */
    __builtin_prefetch(gm_node_of(arena, node->link[0]));
    uint32_t next = gm_avl_beside(arena, slot, 1);
    if (next == 0)
        block->rightmost = gm_avl_beside(arena, slot, 0);
    begin_gap(arena, next, gm_node_gap_first(node), true);
    if (next != 0)
        gm_index_refresh(arena, next);
    gm_avl_unhang(arena, slot, next);
    gm_node_set_gap(block, node, 0);
    block->count--;
    if (block->count < GM_FLAT_AGAIN)
        become_flat(arena);
}

void gm_ranges_move(struct gm_arena *arena, uint32_t slot, uint64_t first, uint64_t last)
{
    struct gm_node *node = gm_node_of(arena, slot);
    uint32_t next = gm_ranges_beside(arena, slot, 1);
    uint64_t gap_first = gm_node_gap_first(node);
    gm_store_relaxed(&node->first, first);
    gm_store_relaxed(&node->last, last);
    begin_gap(arena, slot, gap_first, true);
    tell(arena, slot);
    begin_gap_behind(arena, slot, next);
    tell(arena, next);
}

void gm_ranges_extend(struct gm_arena *arena, uint64_t first, uint64_t last)
{
    struct gm_block *block = arena->block;
    bool more = last != block->last;
    uint32_t lowest = gm_ranges_seek(arena, 0);
    if (more && !block->has_tail) /* the range at the end touched the old bound */
        begin_gap(arena, 0, block->last + 1, true);
    block->last = last;
    block->first = first;
    begin_gap(arena, lowest, first, true); /* of an empty arena: the tail */
    tell(arena, lowest);
}
