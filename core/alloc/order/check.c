/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/order/check.h"

#include "alloc/order/avl.h"
#include "alloc/order/flat.h"
#include "alloc/block/gap.h"

struct sums {
    uint64_t count, used, gaps, deferred;
};

struct held {
    uint64_t max;
    uint64_t caps[GM_ARENA_CLASSES];
    uint8_t order;
    int height;
    const char *wrong;
};

/* That of a range may change meanwhile (cache.h). */
static uint8_t state_of(const struct gm_arena *arena, uint32_t slot)
{
    return gm_load_relaxed(&gm_node_of(arena, slot)->state);
}

static const char *check_node(const struct gm_arena *arena, uint32_t slot, uint32_t before)
{
    const struct gm_block *block = arena->block;
    const struct gm_node *node = gm_node_of(arena, slot);
    const struct gm_node *left = gm_node_of(arena, before);
    uint64_t first = before == 0 ? block->first : left->last + 1;
    if (slot == 0 || slot > block->slots || slot >= arena->capacity)
        return "a slot that was never in use";
    if ((state_of(arena, slot) & GM_NODE_LIVE) == 0 || gm_load_relaxed(&node->generation) == 0)
        return "a node that is not live is in order";
    if (node->first > node->last || !gm_is_aligned(node->first | (node->last + 1), block->granule))
        return "a range is empty or off the granule";
    if (node->first < block->first || node->last > block->last)
        return "a range is outside the arena";
    if (before != 0 && (left->last == UINT64_MAX || node->first <= left->last))
        return "ranges overlap, or are out of order";
    if (node->gap != node->first - first)
        return "a gap has the wrong length";
    return NULL;
}

/* A guard is where the range that it guards says. */
static const char *check_guard(const struct gm_arena *arena, uint32_t slot, uint32_t before)
{
    const struct gm_node *node = gm_node_of(arena, slot), *left = gm_node_of(arena, before);
    bool wanted = before != 0 && (state_of(arena, before) & GM_NODE_AFTER) != 0;
    bool guard = (state_of(arena, slot) & GM_NODE_GUARD) != 0;
    if (wanted && !(guard && node->owner == before && node->gap == 0))
        return "the guard after a range is missing";
    if ((state_of(arena, slot) & GM_NODE_BEFORE) != 0 &&
        !(before != 0 && (state_of(arena, before) & GM_NODE_GUARD) != 0 && left->owner == slot && node->gap == 0))
        return "the guard before a range is missing";
    if (guard && !wanted && !(state_of(arena, node->owner) & GM_NODE_BEFORE))
        return "a guard guards nothing";
    return NULL;
}

static const char *check_one(const struct gm_arena *arena, uint32_t slot, uint32_t before, struct sums *sums)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    const char *wrong = check_node(arena, slot, before);
    if (wrong == NULL)
        wrong = check_guard(arena, slot, before);
    sums->count++;
    sums->used += node->last - node->first + 1;
    sums->gaps += node->gap != 0;
    sums->deferred += (state_of(arena, slot) & GM_NODE_DEFERRED) != 0;
    return sums->count > arena->block->count ? "more ranges than there are" : wrong;
}

static const char *check_header(const struct gm_arena *arena, uint32_t last, const struct sums *sums)
{
    const struct gm_block *block = arena->block;
    const struct gm_node *node = gm_node_of(arena, last);
    uint64_t first = last == 0 ? block->first : node->last + 1;
    if (block->tree && block->rightmost != last)
        return "rightmost is another range";
    if (block->has_tail != (last == 0 || node->last != block->last))
        return "the tail is there and should not be, or the other way round";
    if (block->has_tail && block->tail_first != first)
        return "the tail begins elsewhere";
    if (sums->count != block->count || sums->used != block->used || sums->gaps != block->gaps ||
        sums->deferred != block->deferred)
        return "a counter is wrong";
    uint64_t spare = 0;
    for (uint32_t slot = block->free_slot; slot != 0 && spare <= block->slots; slot = gm_node_of(arena, slot)->link[0])
        if (state_of(arena, slot) == GM_NODE_FREE)
            spare++;
    return spare + block->count == block->slots ? NULL : "slots are lost, or free twice";
}

static const char *check_flat(const struct gm_arena *arena, struct sums *sums, uint32_t *last)
{
    const struct gm_block *block = arena->block;
    uint32_t end = block->flat_end;
    const char *wrong = end > GM_FLAT || end - block->count > 1 || block->root != 0 ? "the array is not one" : NULL;
    if (wrong == NULL && end != block->count && block->flat_hole + 1 >= end)
        wrong = "the hole is behind all";
    for (uint32_t i = 0; i < GM_FLAT && wrong == NULL; i++) {
        unsigned length = (uint8_t)(block->flat_length[i / 8] >> i % 8 * 8);
        uint32_t slot = block->flat_slot[i];
        bool range = i < end && !gm_flat_is_hole(block, i);
        if (range)
            wrong = check_one(arena, slot, *last, sums);
        else if (i < end && slot != block->flat_slot[i + 1])
            wrong = "the hole has another slot than what is behind it";
        if (wrong == NULL && length != (range ? gm_bit_length(gm_node_of(arena, slot)->gap) : 0))
            wrong = "the length beside a slot is wrong";
        *last = range ? slot : *last;
    }
    return wrong;
}

static void check_side(const struct gm_arena *arena, uint32_t slot, unsigned side, const struct held *child,
                       struct held *held)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    if (child->wrong != NULL)
        held->wrong = child->wrong;
    else if (node->max[side] != child->max || node->order[side] != child->order)
        held->wrong = "a node does not know what its subtree holds";
    else if (node->link[side] != 0 && gm_node_of(arena, node->link[side])->parent != slot)
        held->wrong = "a child has another parent";
    else if (node->link[side] != 0 && arena->parents != NULL && arena->parents[node->link[side]] != slot)
        held->wrong = "the copy of a parent is another one";
    held->max = gm_max_u64(held->max, child->max);
    held->order = held->order > child->order ? held->order : child->order;
    for (uint32_t i = 0; i < arena->rows_live; i++) {
        if (arena->rows[i].caps[slot].cap[side] != child->caps[i] && held->wrong == NULL)
            held->wrong = "a row does not know what a subtree holds";
        held->caps[i] = gm_max_u64(held->caps[i], child->caps[i]);
    }
}

/* Everything that is kept of a subtree, from its leaves up. */
static struct held check_tree(const struct gm_arena *arena, uint32_t slot, int depth)
{
    struct held held = {.wrong = depth > 45 ? "the tree is too deep" : NULL};
    if (slot == 0 || held.wrong != NULL)
        return held;
    const struct gm_node *node = gm_node_of(arena, slot);
    struct held left = check_tree(arena, node->link[0], depth + 1);
    struct held right = check_tree(arena, node->link[1], depth + 1);
    held.max = node->gap;
    held.order = gm_node_order(node);
    for (uint32_t i = 0; i < arena->rows_live; i++)
        held.caps[i] = gm_node_cap(node, &arena->rows[i]);
    check_side(arena, slot, 0, &left, &held);
    check_side(arena, slot, 1, &right, &held);
    held.height = 1 + (left.height > right.height ? left.height : right.height);
    if (held.wrong == NULL && (node->balance != right.height - left.height || node->balance < -1 || node->balance > 1))
        held.wrong = "the tree is out of balance";
    return held;
}

static const char *check_order(const struct gm_arena *arena, struct sums *sums, uint32_t *last)
{
    const char *wrong = NULL;
    uint32_t slot = gm_avl_end(arena, arena->block->root, 0);
    for (; slot != 0 && wrong == NULL; slot = gm_avl_beside(arena, slot, 1)) {
        wrong = check_one(arena, slot, *last, sums);
        *last = slot;
    }
    return wrong;
}

const char *gm_arena_check(const struct gm_arena *arena)
{
    struct sums sums = {0, 0, 0, 0};
    uint32_t last = 0;
    const char *wrong;
    if (arena->block->tree) {
        wrong = check_tree(arena, arena->block->root, 0).wrong;
        if (wrong == NULL)
            wrong = check_order(arena, &sums, &last);
    } else {
        wrong = check_flat(arena, &sums, &last);
    }
    return wrong != NULL ? wrong : check_header(arena, last, &sums);
}

bool gm_arena_check_due(const struct gm_arena *arena)
{
    return arena->block->sequence / 2 % (1 + arena->block->count / 64) == 0;
}
