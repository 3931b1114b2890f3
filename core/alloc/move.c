/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Changing a range that is taken: its length, its place, its labels. One node, which stays what it is. */
#include "alloc/move.h"

#include <errno.h>

#include "alloc/apply.h"
#include "alloc/cache.h"
#include "alloc/block/block.h"
#include "alloc/change.h"
#include "alloc/place/place.h"
#include "alloc/order/ranges.h"
#include "base/math.h"

int gm_apply_resize(struct gm_arena *arena, uint32_t slot, uint64_t last)
{
    struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    struct gm_gap behind;
    uint64_t length = 0, end;
    if (last < node->first || !gm_is_aligned(last + 1, block->granule))
        return -EINVAL;
    uint32_t next = gm_ranges_beside(arena, slot, 1);
    uint32_t guard = (gm_load_relaxed(&node->state) & GM_NODE_AFTER) != 0 ? next : 0;
    if (guard != 0) {
        length = gm_node_of(arena, guard)->last - gm_node_of(arena, guard)->first + 1;
        next = gm_ranges_beside(arena, guard, 1);
    }
    if (!gm_add_ok(last, length, &end) || end > block->last)
        return -ERANGE;
    uint64_t old_end = node->last + length;
    if (end > old_end && (!gm_ranges_gap(arena, next, &behind) || end > behind.last))
        return -EBUSY;
    gm_change_open(arena);
    block->used += last - node->last;
    if (guard != 0 && last > node->last)
        gm_ranges_move(arena, guard, last + 1, end);
    gm_ranges_move(arena, slot, node->first, last);
    if (guard != 0)
        gm_ranges_move(arena, guard, last + 1, end);
    gm_change_close(arena);
    return 0;
}

/* A range that is about to be changed, which caches leave alone from now on. Errors: gm_change_slot. */
static int hold(struct gm_arena *arena, gm_range range, uint32_t *slot)
{
    int result = gm_change_slot(arena, range, slot);
    return result == 0 && !gm_cache_hold(arena, range) ? -ESTALE : result;
}

/* One edit of a range, once more where caches gave blocks back that may have been in its way. */
static int change(struct gm_arena *arena, gm_range range, int (*apply)(struct gm_arena *, uint32_t, uint64_t),
                  uint64_t number)
{
    uint32_t slot;
    if (arena == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = hold(arena, range, &slot);
    if (result == 0) {
        result = apply(arena, slot, number);
        if (gm_cache_again(arena, result))
            result = apply(arena, slot, number);
        gm_cache_let(arena, slot);
    }
    return gm_arena_unlock(arena, result);
}

int gm_arena_resize(struct gm_arena *arena, gm_range range, uint64_t new_last)
{
    return change(arena, range, gm_apply_resize, new_last);
}

/* Is the place free but for the range itself? *before is what will come behind it; the range itself when it stays. */
static bool is_free_but(struct gm_arena *arena, uint32_t slot, uint64_t first, uint64_t last, uint32_t *before)
{
    *before = gm_ranges_seek(arena, first);
    uint32_t behind = *before == slot ? gm_ranges_beside(arena, slot, 1) : *before;
    if (behind != 0 && gm_node_of(arena, behind)->first <= last)
        return false;
    if (*before != slot && gm_ranges_beside(arena, slot, 1) == *before)
        *before = slot;
    return true;
}

int gm_apply_relocate(struct gm_arena *arena, uint32_t slot, uint64_t first)
{
    const struct gm_block *block = arena->block;
    struct gm_node *node = gm_node_of(arena, slot);
    uint64_t last;
    uint32_t before;
    if (!gm_is_aligned(first, block->granule))
        return -EINVAL;
    if ((gm_load_relaxed(&node->state) & (GM_NODE_BEFORE | GM_NODE_AFTER)) != 0)
        return -EOPNOTSUPP;
    if (!gm_add_ok(first, node->last - node->first, &last) || first < block->first || last > block->last)
        return -ERANGE;
    if (!is_free_but(arena, slot, first, last, &before))
        return -EBUSY;
    gm_change_open(arena);
    if (before == slot) {
        gm_ranges_move(arena, slot, first, last);
    } else {
        gm_ranges_remove(arena, slot);
        gm_store_relaxed(&node->first, first);
        gm_store_relaxed(&node->last, last);
        gm_ranges_insert(arena, slot, before);
    }
    gm_change_close(arena);
    return 0;
}

int gm_arena_relocate(struct gm_arena *arena, gm_range range, uint64_t new_first)
{
    return change(arena, range, gm_apply_relocate, new_first);
}

void gm_apply_update(struct gm_arena *arena, uint32_t slot, uint32_t owner, uint64_t user)
{
    gm_block_expect(arena, user);
    gm_change_open(arena);
    gm_change_label(arena, slot, owner, user);
    gm_change_close(arena);
}

int gm_arena_update(struct gm_arena *arena, gm_range range, uint32_t owner, uint64_t user)
{
    uint32_t slot;
    if (arena == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = hold(arena, range, &slot);
    if (result == 0) {
        gm_apply_update(arena, slot, owner, user);
        gm_cache_let(arena, slot);
    }
    return gm_arena_unlock(arena, result);
}
