/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Links and balance. Turning a subtree does not change what it holds in all, so the index above it stays true, and
 * that of the two nodes that change places follows from their children.
 */
#include "alloc/order/avl.h"

#include "alloc/order/index.h"
#include "base/check.h"

static inline unsigned side_of(const struct gm_arena *arena, uint32_t parent, uint32_t slot)
{
    return gm_node_of(arena, parent)->link[1] == slot;
}

/* Let the parent of a node, or the header, lead to another one instead. */
static void replace(struct gm_arena *arena, uint32_t slot, uint32_t by)
{
    uint32_t parent = gm_node_of(arena, slot)->parent;
    if (by != 0)
        gm_node_set_parent(arena, by, parent);
    if (parent == 0)
        gm_store_relaxed(&arena->block->root, by);
    else
        gm_store_relaxed(&gm_node_of(arena, parent)->link[side_of(arena, parent, slot)], by);
}

uint32_t gm_avl_end(const struct gm_arena *arena, uint32_t slot, unsigned side)
{
    for (uint32_t next = slot; next != 0; next = gm_node_of(arena, slot)->link[side])
        slot = next;
    return slot;
}

uint32_t gm_avl_beside(const struct gm_arena *arena, uint32_t slot, unsigned side)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    if (node->link[side] != 0)
        return gm_avl_end(arena, node->link[side], !side);
    uint32_t parent = node->parent;
    while (parent != 0 && side_of(arena, parent, slot) == side) {
        slot = parent;
        parent = gm_node_of(arena, slot)->parent;
    }
    return parent;
}

/* The child on the other side comes up, and the node goes down to this side. */
static inline __attribute__((always_inline)) void turn(struct gm_arena *arena, uint32_t slot, unsigned side)
{
    uint32_t up = gm_node_of(arena, slot)->link[!side];
    replace(arena, slot, up);
    gm_index_turn(arena, slot, up, side);
}

/* The child leans the other way: its child there comes up above both. */
static __attribute__((noinline)) uint32_t restore_twice(struct gm_arena *arena, uint32_t slot, unsigned side)
{
    struct gm_node *node = gm_node_of(arena, slot);
    int8_t lean = side ? 1 : -1;
    uint32_t child = node->link[side];
    struct gm_node *below = gm_node_of(arena, child);
    uint32_t inner = below->link[!side];
    struct gm_node *top = gm_node_of(arena, inner);
    turn(arena, child, side);
    turn(arena, slot, !side);
    node->balance = top->balance == lean ? (int8_t)-lean : 0;
    below->balance = top->balance == -lean ? lean : 0;
    top->balance = 0;
    return inner;
}

/* The node leans by two to one side: make it good, and return what is at the top now. */
static uint32_t restore(struct gm_arena *arena, uint32_t slot)
{
    struct gm_node *node = gm_node_of(arena, slot);
    unsigned side = node->balance > 0;
    int8_t lean = side ? 1 : -1;
    uint32_t child = node->link[side];
    struct gm_node *below = gm_node_of(arena, child);
    if (below->balance == -lean)
        return restore_twice(arena, slot, side);
    turn(arena, slot, !side);
    bool level = below->balance == 0; /* happens only where a node was taken out */
    node->balance = level ? lean : 0;
    below->balance = level ? (int8_t)-lean : 0;
    return child;
}

void gm_avl_balance(struct gm_arena *arena, uint32_t leaf)
{
    uint32_t slot = leaf;
    for (uint32_t parent; (parent = gm_node_of(arena, slot)->parent) != 0; slot = parent) {
        struct gm_node *node = gm_node_of(arena, parent);
        int8_t lean = side_of(arena, parent, slot) ? 1 : -1;
        int8_t before = node->balance;
        node->balance = (int8_t)(before + lean);
        if (before == lean)
            (void)restore(arena, parent);
        if (before != 0)
            return;
    }
}

/* The subtree on one side of a node has become lower by one. */
static void balance_lower(struct gm_arena *arena, uint32_t slot, unsigned side)
{
    while (slot != 0) {
        struct gm_node *node = gm_node_of(arena, slot);
        int8_t lean = side ? 1 : -1;
        int8_t before = node->balance;
        node->balance = (int8_t)(before - lean);
        if (before == 0)
            return;
        if (before == -lean) {
            bool level = gm_node_of(arena, node->link[!side])->balance == 0;
            slot = restore(arena, slot);
            if (level)
                return;
        }
        uint32_t parent = gm_node_of(arena, slot)->parent;
        side = parent != 0 && side_of(arena, parent, slot);
        slot = parent;
    }
}

void gm_avl_hang(struct gm_arena *arena, uint32_t slot, uint32_t before)
{
    unsigned side = gm_node_of(arena, before)->link[0] != 0;
    uint32_t parent = side == 0 ? before : gm_avl_end(arena, gm_node_of(arena, before)->link[0], 1);
    gm_index_leaf(arena, parent, side, slot);
    if (gm_node_of(arena, slot)->gap != 0) /* right behind another range, it brings nothing */
        gm_index_refresh(arena, parent);
}

/*
 * All nodes from the right end up to the root are right children, so that only the right can become too high, and the
 * child there leans to the right as well.
 */
static void balance_right_end(struct gm_arena *arena, uint32_t slot)
{
    struct gm_node *nodes = arena->nodes; /* a balance could be any byte to the compiler, that of a pointer too */
    while (nodes[slot].balance == 0) {
        nodes[slot].balance = 1;
        slot = nodes[slot].parent;
        if (slot == 0)
            return;
    }
    if (nodes[slot].balance > 0) {
        uint32_t up = nodes[slot].link[1];
        turn(arena, slot, 0);
        nodes[up].balance = 0;
    }
    nodes[slot].balance = 0;
}

void gm_avl_append(struct gm_arena *arena, uint32_t slot)
{
    uint32_t parent = arena->block->rightmost;
    gm_index_leaf(arena, parent, 1, slot);
    if (gm_node_of(arena, slot)->gap != 0)
        gm_index_refresh(arena, parent);
    balance_right_end(arena, parent);
}

/* The next one in order takes the place of a node with two children. */
static void unhang_inner(struct gm_arena *arena, uint32_t slot, uint32_t next)
{
    struct gm_node *node = gm_node_of(arena, next);
    uint32_t parent = node->parent;
    uint32_t right = node->link[1];
    int8_t balance = gm_node_of(arena, slot)->balance;
    gm_index_take_over(arena, next, slot);
    replace(arena, slot, next);
    node->balance = balance;
    if (parent == slot) {
        gm_index_attach(arena, next, 1, right);
        gm_index_refresh(arena, next);
        balance_lower(arena, next, 1);
        return;
    }
    gm_index_attach(arena, parent, 0, right);
    gm_index_refresh(arena, parent);
    balance_lower(arena, parent, 0);
}

void gm_avl_unhang(struct gm_arena *arena, uint32_t slot, uint32_t next)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    if (node->link[0] != 0 && node->link[1] != 0) {
        unhang_inner(arena, slot, next);
        return;
    }
    uint32_t child = node->link[0] != 0 ? node->link[0] : node->link[1];
    uint32_t parent = node->parent;
    if (parent == 0) {
        replace(arena, slot, child);
        return;
    }
    unsigned side = side_of(arena, parent, slot);
    gm_index_attach(arena, parent, side, child);
    gm_index_refresh(arena, parent);
    balance_lower(arena, parent, side);
}

/* Levels of the flattest tree of count nodes. */
static int levels(uint32_t count)
{
    return count == 0 ? 0 : 32 - __builtin_clz(count);
}

static uint32_t build(struct gm_arena *arena, const uint32_t *slots, uint32_t count)
{
    if (count == 0)
        return 0;
    uint32_t left = count / 2, right = count - left - 1;
    uint32_t slot = slots[left];
    gm_index_clear(arena, slot, 0);
    gm_index_attach(arena, slot, 0, build(arena, slots, left));
    gm_index_attach(arena, slot, 1, build(arena, slots + left + 1, right));
    gm_node_of(arena, slot)->balance = (int8_t)(levels(right) - levels(left));
    return slot;
}

void gm_avl_build(struct gm_arena *arena, const uint32_t *slots, uint32_t count)
{
    gm_check(arena->rows_live == 0);
    gm_store_relaxed(&arena->block->root, build(arena, slots, count));
}
