/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/nest.h"

#include <errno.h>

#include "alloc/apply.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/order/check.h"
#include "alloc/order/ranges.h"
#include "alloc/txn/undo.h"
#include "guestmem/arena_nest.h"

/* Into the list, behind the last one with lower numbers. */
static void enlist(struct gm_arena *parent, struct gm_arena *child)
{
    struct gm_arena *left = parent->child_last;
    while (left != NULL && left->block->first > child->block->first)
        left = left->left;
    child->left = left;
    child->right = left != NULL ? left->right : parent->child_first;
    *(left != NULL ? &left->right : &parent->child_first) = child;
    *(child->right != NULL ? &child->right->left : &parent->child_last) = child;
}

static void strike(struct gm_arena *parent, struct gm_arena *child)
{
    *(child->left != NULL ? &child->left->right : &parent->child_first) = child->right;
    *(child->right != NULL ? &child->right->left : &parent->child_last) = child->left;
}

static void join(struct gm_arena *parent, uint32_t slot, struct gm_arena *child)
{
    struct gm_node *node = gm_node_of(parent, slot);
    child->parent = parent;
    child->place = slot;
    enlist(parent, child);
    gm_change_open(parent);
    gm_store_relaxed(&node->state, (uint8_t)(gm_load_relaxed(&node->state) | GM_NODE_NESTED));
    gm_change_close(parent);
}

int gm_nest_leave(struct gm_arena *child)
{
    struct gm_arena *parent = child->parent;
    if (gm_nest_in_txn(parent))
        return -EBUSY;
    gm_arena_lock(parent);
    strike(parent, child);
    return gm_arena_unlock(parent, gm_apply_give(parent, child->place));
}

static int create_child(struct gm_arena *parent, const struct gm_request *request, struct gm_arena_config *config,
                        struct gm_arena **out)
{
    struct gm_range_info info;
    struct gm_arena *child;
    struct gm_note note = gm_undo_note_take(parent);
    int result = gm_apply_take(parent, request, &info);
    if (gm_cache_again(parent, result)) {
        note = gm_undo_note_take(parent);
        result = gm_apply_take(parent, request, &info);
    }
    if (result != 0)
        return result;
    config->first = info.first;
    config->last = info.last;
    config->granule = config->granule != 0 ? config->granule : parent->block->granule;
    note.slot = (uint32_t)info.range;
    result = gm_arena_create(config, &child);
    if (result != 0) {
        gm_undo(&note);
        return result;
    }
    join(parent, note.slot, child);
    *out = child;
    return 0;
}

/* Is there no level left for a child? */
static bool is_deepest(const struct gm_arena *parent)
{
    return gm_arena_depth(parent) + 1 >= GM_ARENA_DEPTH_MOST;
}

int gm_arena_create_child(struct gm_arena *parent, const struct gm_request *request,
                          const struct gm_arena_config *config, struct gm_arena **out)
{
    if (parent == NULL || request == NULL || config == NULL || out == NULL)
        return -EINVAL;
    if (gm_nest_in_txn(parent))
        return -EBUSY;
    if (is_deepest(parent))
        return -ELOOP;
    struct gm_arena_config copy = *config;
    gm_arena_lock(parent);
    return gm_arena_unlock(parent, create_child(parent, request, &copy, out));
}

static int adopt(struct gm_arena *parent, gm_range range, struct gm_arena *child)
{
    uint32_t slot;
    int result = gm_change_slot(parent, range, &slot);
    if (result != 0)
        return result;
    if (child->parent != NULL || child->child_first != NULL)
        return -EBUSY;
    const struct gm_node *node = gm_node_of(parent, slot);
    if (node->first != child->block->first || node->last != child->block->last)
        return -ERANGE;
    if (is_deepest(parent))
        return -ELOOP;
    if (!gm_cache_hold(parent, range))
        return -ESTALE;
    join(parent, slot, child);
    gm_cache_let(parent, slot);
    return 0;
}

int gm_arena_adopt(struct gm_arena *parent, gm_range range, struct gm_arena *child)
{
    if (parent == NULL || child == NULL || parent == child)
        return -EINVAL;
    if (gm_nest_in_txn(parent))
        return -EBUSY;
    gm_arena_lock(parent);
    return gm_arena_unlock(parent, adopt(parent, range, child));
}

int gm_nest_grow(struct gm_arena *child, uint64_t first, uint64_t last)
{
    struct gm_arena *parent = child->parent;
    struct gm_block *block = parent->block;
    const struct gm_node *node = gm_node_of(parent, child->place);
    struct gm_gap behind = {0, 0};
    if (!gm_is_aligned(first | (last + 1), block->granule))
        return -EINVAL;
    if (first < block->first || last > block->last)
        return -ERANGE;
    if (gm_nest_in_txn(parent))
        return -EBUSY;
    if ((gm_load_relaxed(&node->state) & (GM_NODE_BEFORE | GM_NODE_AFTER)) != 0)
        return -EOPNOTSUPP;
    uint32_t next = gm_ranges_beside(parent, child->place, 1);
    if (first < gm_node_gap_first(node) || (last > node->last && !gm_ranges_gap(parent, next, &behind)) ||
        (last > node->last && last > behind.last))
        return -EBUSY;
    gm_change_open(parent);
    block->used += (last - node->last) + (node->first - first);
    gm_ranges_move(parent, child->place, first, last);
    gm_change_close(parent);
    return 0;
}

/* Children and the ranges that are set aside for them, both in order, pair off. */
static const char *check_children(struct gm_arena *arena)
{
    const struct gm_arena *child = arena->child_first;
    for (uint32_t slot = gm_ranges_seek(arena, 0); slot != 0; slot = gm_ranges_beside(arena, slot, 1)) {
        const struct gm_node *node = gm_node_of(arena, slot);
        if ((gm_load_relaxed(&node->state) & GM_NODE_NESTED) == 0)
            continue;
        if (child == NULL)
            return "a range is set aside for no child";
        if (child->parent != arena || child->place != slot)
            return "a range is set aside for another child";
        if (child->block->first != node->first || child->block->last != node->last)
            return "a child does not manage what its range is";
        child = child->right;
    }
    return child == NULL ? NULL : "a child has no range";
}

/* An arena, which stays locked while those below are looked at: as deep as GM_ARENA_DEPTH_MOST. */
static void verify(struct gm_arena *arena, struct gm_arena_verdict *verdict)
{
    gm_arena_lock(arena);
    const char *wrong = gm_arena_check(arena);
    if (wrong == NULL)
        wrong = check_children(arena);
    verdict->arenas++;
    verdict->ranges += arena->block->count;
    if (wrong != NULL) {
        verdict->wrong = wrong;
        verdict->where = arena;
    }
    for (struct gm_arena *child = arena->child_first; child != NULL && verdict->wrong == NULL; child = child->right)
        verify(child, verdict);
    (void)gm_arena_unlock(arena, 0);
}

int gm_arena_verify(struct gm_arena *root, struct gm_arena_verdict *out)
{
    struct gm_arena_verdict verdict = {.wrong = NULL};
    if (root == NULL || out == NULL)
        return -EINVAL;
    verify(root, &verdict);
    *out = verdict;
    return 0;
}
