/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Building rows, and which of them to keep. */
#include "alloc/order/rows.h"

#include <errno.h>

#include "alloc/block/block.h"
#include "alloc/block/gap.h"
#include "base/mem.h"

static uint64_t capacity(const struct gm_arena *arena, const struct gm_row *row, uint32_t slot)
{
    const struct gm_caps *caps = &row->caps[slot];
    return gm_max_u64(gm_node_cap(gm_node_of(arena, slot), row), gm_max_u64(caps->cap[0], caps->cap[1]));
}

/* The first node of a subtree in post-order: children come before their parents. */
static uint32_t first_leaf(const struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    while (node->link[0] != 0 || node->link[1] != 0) {
        slot = node->link[0] != 0 ? node->link[0] : node->link[1];
        node = gm_node_of(arena, slot);
    }
    return slot;
}

static void fill(struct gm_arena *arena, struct gm_row *row)
{
    uint32_t slot = first_leaf(arena, arena->block->root);
    for (;;) {
        const struct gm_node *node = gm_node_of(arena, slot);
        for (unsigned side = 0; side < 2; side++)
            if (node->link[side] == 0)
                row->caps[slot].cap[side] = 0;
        if (node->parent == 0)
            return;
        const struct gm_node *parent = gm_node_of(arena, node->parent);
        unsigned side = parent->link[1] == slot;
        row->caps[node->parent].cap[side] = capacity(arena, row, slot);
        bool other = side == 0 && parent->link[1] != 0;
        slot = other ? first_leaf(arena, parent->link[1]) : node->parent;
    }
}

static int build(struct gm_arena *arena, struct gm_row *row, uint64_t mask, uint64_t phase)
{
    int result = 0;
    size_t reserve = ((size_t)arena->block->ranges_most + 1) * sizeof(struct gm_caps);
    if (row->caps == NULL) {
        void *caps;
        reserve = (reserve + GM_PAGE_SIZE - 1) & ~(size_t)(GM_PAGE_SIZE - 1);
        result = gm_mem_reserve(reserve, &caps);
        if (result != 0)
            return -ENOMEM;
        row->caps = caps;
        row->reserved = reserve;
    }
    result = gm_block_array(arena, row->caps, &row->mapped, sizeof(struct gm_caps));
    if (result != 0)
        return result;
    row->mask = mask;
    row->phase = phase;
    arena->class_builds++;
    fill(arena, row);
    return 0;
}

/* A row to build into: a new one, or the one that has been idle the longest. NULL: none is idle long enough. */
static struct gm_row *spare(struct gm_arena *arena)
{
    struct gm_row *oldest = &arena->rows[0];
    if (arena->rows_live < GM_ARENA_CLASSES)
        return &arena->rows[arena->rows_live];
    for (uint32_t i = 1; i < GM_ARENA_CLASSES; i++)
        if (arena->rows[i].used < oldest->used)
            oldest = &arena->rows[i];
    return arena->row_requests - oldest->used > arena->block->count ? oldest : NULL;
}

int gm_rows_of(struct gm_arena *arena, uint64_t mask, uint64_t phase, const struct gm_row **out)
{
    uint64_t now = ++arena->row_requests;
    for (uint32_t i = 0; i < arena->rows_live; i++) {
        struct gm_row *row = &arena->rows[i];
        if (row->mask != mask || row->phase != phase)
            continue;
        row->used = now;
        *out = row;
        return 0;
    }
    struct gm_row *row = spare(arena);
    if (row != NULL) {
        int result = build(arena, row, mask, phase);
        if (result != 0)
            return result;
        row->used = now;
        if (row == &arena->rows[arena->rows_live])
            arena->rows_live++;
    }
    *out = row;
    return 0;
}
