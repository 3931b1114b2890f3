/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Steps of which takes and gives are made. */
#include "alloc/change.h"

#include <errno.h>

#include "alloc/order/ranges.h"

uint32_t gm_change_add(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t before)
{
    uint32_t slot = gm_change_node(arena, first, last);
    gm_ranges_insert(arena, slot, before);
    return slot;
}

void gm_change_drop(struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    arena->block->used -= node->last - node->first + 1;
    arena->block->deferred -= (gm_load_relaxed(&node->state) & GM_NODE_DEFERRED) != 0;
    gm_ranges_remove(arena, slot);
    gm_block_slot_free(arena, slot);
}

static int refusal(uint8_t state)
{
    if ((state & (GM_NODE_DEFERRED | GM_NODE_CACHED)) != 0)
        return -ESTALE;
    return (state & GM_NODE_NESTED) != 0 ? -EBUSY : 0;
}

int gm_change_refusal(const struct gm_arena *arena, uint32_t slot)
{
    return refusal(gm_load_relaxed(&gm_node_of(arena, slot)->state));
}

int gm_change_slot(const struct gm_arena *arena, gm_range range, uint32_t *out)
{
    uint32_t slot = (uint32_t)range;
    uint32_t generation = gm_handle_generation(arena, range);
    if (slot == 0 || generation == 0 || slot > arena->block->slots)
        return -ENOENT;
    const struct gm_node *node = gm_node_of(arena, slot);
    uint8_t state = gm_load_acquire(&node->state); /* before the generation, see cache.h */
    uint32_t newest = gm_load_relaxed(&node->generation);
    if (generation > newest || (generation == newest && (state & GM_NODE_LIVE) == 0))
        return -ENOENT; /* never handed out */
    if (generation != newest)
        return -ESTALE;
    if ((state & GM_NODE_GUARD) != 0)
        return -ENOENT;
    *out = slot;
    return refusal(state);
}
