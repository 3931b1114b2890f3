/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Giving ranges back, in three ways of naming them. Needs no memory: slots go to a list through the nodes. */
#include "alloc/apply.h"

#include <errno.h>

#include "alloc/cache.h"
#include "alloc/order/avl.h"
#include "alloc/change.h"
#include "alloc/order/ranges.h"

#define APART __attribute__((noinline)) /* so that what is quick needs no frame of its own */

/* Others may try at the same time to put a plain range into a cache: one of them and this gets it. */
static inline bool claim(struct gm_arena *arena, uint32_t slot)
{
    uint8_t state = GM_NODE_LIVE;
    return arena->caches == NULL || gm_cas_acquire(&gm_node_of(arena, slot)->state, &state, GM_NODE_FREE) ||
           (state & GM_NODE_CACHED) == 0;
}

void gm_apply_give_cached(struct gm_arena *arena, uint32_t slot)
{
    gm_change_open(arena);
    gm_change_drop(arena, slot);
    gm_change_close(arena);
}

/* A plain range, one of few, that nobody else can be after. */
static APART int give_in_array(struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    uint64_t opened = gm_change_open(arena);
    arena->block->used -= node->last - node->first + 1;
    gm_flat_remove(arena, gm_flat_position(arena, slot), slot);
    gm_block_slot_free(arena, slot);
    gm_change_end(arena, opened);
    return 0;
}

/* The same where it is the last one: nothing is looked for, and nothing moves. */
static inline int give_last(struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    uint64_t opened = gm_change_open(arena);
    arena->block->used -= node->last - node->first + 1;
    gm_flat_cut(arena, slot);
    gm_block_slot_free(arena, slot);
    gm_change_end(arena, opened);
    return 0;
}

int gm_apply_give(struct gm_arena *arena, uint32_t slot)
{
    uint8_t state = gm_load_relaxed(&gm_node_of(arena, slot)->state);
    if (state == GM_NODE_LIVE && !arena->block->tree && arena->caches == NULL)
        return give_in_array(arena, slot);
    gm_change_open(arena);
    if (!claim(arena, slot)) {
        gm_change_close(arena);
        return -ESTALE;
    }
    if ((state & GM_NODE_AFTER) != 0)
        gm_change_drop(arena, gm_ranges_beside(arena, slot, 1));
    if ((state & GM_NODE_BEFORE) != 0)
        gm_change_drop(arena, gm_ranges_beside(arena, slot, 0));
    gm_change_drop(arena, slot);
    gm_change_close(arena);
    return 0;
}

static APART int give_any(struct gm_arena *arena, gm_range range)
{
    uint32_t slot;
    gm_arena_lock(arena);
    int result = gm_change_slot(arena, range, &slot);
    if (result == 0 && !gm_cache_hold(arena, range))
        result = -ESTALE;
    if (result == 0)
        gm_avl_fetch(arena, slot); /* nobody has come down this way, as they do by number */
    return gm_arena_unlock(arena, result == 0 ? gm_apply_give(arena, slot) : result);
}

int gm_arena_give(struct gm_arena *arena, gm_range range)
{
    if (arena == NULL)
        return -EINVAL;
    const struct gm_block *block = arena->block;
    uint32_t slot = arena->locked || block->tree ? 0 : gm_change_plain(arena, range);
    if (slot == 0)
        return give_any(arena, range);
    return block->flat_slot[block->flat_end - 1] == slot ? give_last(arena, slot) : give_in_array(arena, slot);
}

/* What stands against giving back exactly this. */
static int check_exact(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner, uint32_t *out)
{
    uint32_t slot = gm_ranges_seek(arena, first);
    const struct gm_node *node = gm_node_of(arena, slot);
    if (slot == 0 || node->first > last)
        return -ENOENT;
    if (node->first != first || node->last != last || (gm_load_relaxed(&node->state) & GM_NODE_GUARD) != 0)
        return -ERANGE;
    *out = slot;
    int refusal = gm_change_refusal(arena, slot);
    if (refusal != 0)
        return refusal;
    return node->owner == owner ? 0 : -EPERM;
}

int gm_arena_give_exact(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner)
{
    uint32_t slot;
    if (arena == NULL || first > last)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = check_exact(arena, first, last, owner, &slot);
    return gm_arena_unlock(arena, result == 0 ? gm_apply_give(arena, slot) : result);
}

int gm_arena_give_at(struct gm_arena *arena, uint64_t number)
{
    if (arena == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    uint32_t slot = gm_ranges_seek(arena, number);
    if (slot == 0 || gm_node_of(arena, slot)->first > number)
        return gm_arena_unlock(arena, -ENOENT);
    slot = gm_change_guarded(arena, slot);
    int result = gm_change_refusal(arena, slot);
    return gm_arena_unlock(arena, result == 0 ? gm_apply_give(arena, slot) : result);
}
