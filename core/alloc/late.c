/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/late.h"

#include <errno.h>

#include "alloc/apply.h"
#include "alloc/block/block.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/order/ranges.h"
#include "base/check.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "guestmem/arena_defer.h"
#include "guestmem/types.h"

int gm_late_create(struct gm_arena *arena)
{
    void *late;
    size_t size = ((size_t)arena->block->ranges_most + 1) * sizeof(struct gm_late);
    size = (size + GM_PAGE_SIZE - 1) & ~(size_t)(GM_PAGE_SIZE - 1);
    if (gm_mem_reserve(size, &late) != 0)
        return -ENOMEM;
    arena->late = late;
    arena->late_reserved = size;
    return gm_block_array(arena, late, &arena->late_mapped, sizeof(struct gm_late));
}

void gm_late_destroy(struct gm_arena *arena)
{
    if (arena->late != NULL)
        (void)gm_mem_unmap(arena->late, arena->late_reserved);
}

void gm_late_push(struct gm_arena *arena, uint32_t slot)
{
    arena->late[slot] = (struct gm_late){.stamp = gm_rcu_stamp(), .queued = 1};
    if (arena->late_last != 0)
        arena->late[arena->late_last].next = slot;
    else
        arena->late_first = slot;
    arena->late_last = slot;
    arena->late_count++;
}

uint64_t gm_late_count(const struct gm_arena *arena)
{
    return arena->late_count;
}

/* Set the mark where it is not set, and the other way round. */
static void turn(struct gm_arena *arena, uint32_t slot)
{
    struct gm_node *node = gm_node_of(arena, slot);
    uint8_t state = gm_load_relaxed(&node->state) ^ GM_NODE_DEFERRED;
    gm_store_relaxed(&node->state, state);
    arena->block->deferred += (state & GM_NODE_DEFERRED) != 0 ? 1u : UINT32_MAX;
}

static void turn_all(struct gm_arena *arena, uint32_t slot)
{
    uint8_t state = gm_load_relaxed(&gm_node_of(arena, slot)->state);
    gm_change_open(arena);
    if ((state & GM_NODE_BEFORE) != 0)
        turn(arena, gm_ranges_beside(arena, slot, 0));
    if ((state & GM_NODE_AFTER) != 0)
        turn(arena, gm_ranges_beside(arena, slot, 1));
    turn(arena, slot);
    gm_change_close(arena);
}

void gm_late_defer(struct gm_arena *arena, uint32_t slot)
{
    turn_all(arena, slot);
    gm_late_push(arena, slot);
}

void gm_late_undo(struct gm_arena *arena, uint32_t slot, uint32_t last)
{
    gm_check(arena->late_last == slot);
    arena->late[slot].queued = 0;
    if (last != 0)
        arena->late[last].next = 0;
    else
        arena->late_first = 0;
    arena->late_last = last;
    arena->late_count--;
    turn_all(arena, slot);
}

int gm_arena_defer(struct gm_arena *arena, gm_range range)
{
    uint32_t slot;
    if (arena == NULL)
        return -EINVAL;
    if (arena->late == NULL)
        return -EOPNOTSUPP;
    gm_arena_lock(arena);
    int result = gm_change_slot(arena, range, &slot);
    if (result == 0 && !gm_cache_hold(arena, range))
        result = -ESTALE;
    if (result == 0) {
        gm_late_defer(arena, slot);
        gm_cache_let(arena, slot);
    }
    return gm_arena_unlock(arena, result);
}

/* Those at the front whose stamps have passed. */
static uint64_t free_passed(struct gm_arena *arena)
{
    uint64_t count = 0;
    gm_arena_lock(arena);
    while (arena->late_first != 0 && gm_rcu_passed(arena->late[arena->late_first].stamp)) {
        uint32_t slot = arena->late_first;
        arena->late_first = arena->late[slot].next;
        arena->late_last = arena->late_first != 0 ? arena->late_last : 0;
        arena->late[slot].queued = 0;
        arena->late_count--;
        (void)gm_apply_give(arena, slot);
        count++;
    }
    (void)gm_arena_unlock(arena, 0);
    return count;
}

/* Is there something that waits? Then the stamp of the newest. */
static bool newest_stamp(struct gm_arena *arena, uint64_t *stamp)
{
    gm_arena_lock(arena);
    bool any = arena->late_last != 0;
    if (any)
        *stamp = arena->late[arena->late_last].stamp;
    (void)gm_arena_unlock(arena, 0);
    return any;
}

/* The lock is not held while it waits: a pinned thread may want it. */
int gm_arena_reclaim(struct gm_arena *arena, uint64_t *count)
{
    uint64_t stamp, freed = 0;
    if (arena == NULL)
        return -EINVAL;
    if (gm_rcu_reading())
        return -EDEADLK;
    if (newest_stamp(arena, &stamp)) {
        if (!gm_rcu_passed(stamp))
            gm_rcu_synchronize_all();
        freed = free_passed(arena);
    }
    if (count != NULL)
        *count = freed;
    return 0;
}

int gm_arena_reclaim_ready(struct gm_arena *arena, uint64_t *count)
{
    if (arena == NULL)
        return -EINVAL;
    uint64_t freed = free_passed(arena);
    if (count != NULL)
        *count = freed;
    return 0;
}
