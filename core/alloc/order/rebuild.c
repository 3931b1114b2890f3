/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/order/rebuild.h"

#include "alloc/order/avl.h"
#include "alloc/order/check.h"
#include "alloc/order/flat.h"
#include "alloc/block/gap.h"
#include "base/check.h"

/* The gap before a range, and what it adds to the sums. */
static void account(struct gm_arena *arena, uint32_t slot, uint64_t gap_first)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    node->gap = 0;
    gm_node_set_gap(block, node, node->first - gap_first);
    block->used += node->last - node->first + 1;
    block->deferred += (node->state & GM_NODE_DEFERRED) != 0;
}

static void build_flat(struct gm_arena *arena, const uint32_t *slots, uint32_t count)
{
    arena->block->flat_end = count;
    for (uint32_t i = 0; i < count; i++) {
        arena->block->flat_slot[i] = slots[i];
        gm_flat_note(arena->block, i, gm_node_of(arena, slots[i])->gap);
    }
}

void gm_rebuild(struct gm_arena *arena, const uint32_t *slots, uint32_t count)
{
    struct gm_block *block = arena->block;
    uint64_t gap_first = block->first;
    for (uint32_t i = 0; i < count; i++) {
        account(arena, slots[i], gap_first);
        gap_first = gm_node_of(arena, slots[i])->last + 1;
    }
    block->count = count;
    block->tail_first = gap_first;
    block->has_tail = 1;
    if (count != 0) {
        block->rightmost = slots[count - 1];
        block->has_tail = gm_node_of(arena, block->rightmost)->last != block->last;
    }
    block->tree = count > GM_FLAT;
    if (block->tree)
        gm_avl_build(arena, slots, count);
    else
        build_flat(arena, slots, count);
    gm_check_slow(gm_arena_check(arena) == NULL);
}
