/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What changes of an arena have in common: the write section, putting a range in, taking it out, finding it again. */
#ifndef GM_ALLOC_CHANGE_H
#define GM_ALLOC_CHANGE_H

#include "alloc/block/block.h"
#include "alloc/order/check.h"
#include "alloc/order/flat.h"
#include "base/check.h"

static inline uint64_t gm_change_open(struct gm_arena *arena)
{
    return gm_sequence_open(&arena->block->sequence);
}

static inline void gm_change_close(struct gm_arena *arena)
{
    gm_sequence_close(&arena->block->sequence);
    gm_check_slow(!gm_arena_check_due(arena) || gm_arena_check(arena) == NULL);
}

/* The same with what gm_change_open returned. */
static inline void gm_change_end(struct gm_arena *arena, uint64_t opened)
{
    gm_sequence_end(&arena->block->sequence, opened);
    gm_check_slow(!gm_arena_check_due(arena) || gm_arena_check(arena) == NULL);
}

/* A node of [first, last], which is not in order yet; gm_block_room said that there is a slot. */
static inline uint32_t gm_change_node(struct gm_arena *arena, uint64_t first, uint64_t last)
{
    uint32_t slot = gm_block_slot(arena);
    struct gm_node *node = gm_node_of(arena, slot);
    arena->block->used += last - first + 1;
    gm_store_relaxed(&node->first, first);
    gm_store_relaxed(&node->last, last);
    gm_store_release(&node->state, GM_NODE_LIVE); /* behind the generation, see cache.h */
    return slot;
}

/* Make one in the gap before another one. */
uint32_t gm_change_add(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t before);

/* What is the caller's of a live range; gm_block_expect was told. */
static inline void gm_change_label(struct gm_arena *arena, uint32_t slot, uint32_t owner, uint64_t user)
{
    gm_store_relaxed(&gm_node_of(arena, slot)->owner, owner);
    if (arena->users_capacity != 0)
        gm_store_relaxed(&arena->users[slot], user);
}

/* Take a node out and free its slot. */
void gm_change_drop(struct gm_arena *arena, uint32_t slot);

/* May this live range, no guard, be given back or changed? 0; -ESTALE (deferred, or in a cache); -EBUSY (nested). */
int gm_change_refusal(const struct gm_arena *arena, uint32_t slot);

/* gm_change_slot, where there is nothing to refuse, and no guard; else 0. */
static inline uint32_t gm_change_plain(const struct gm_arena *arena, gm_range range)
{
    uint32_t slot = (uint32_t)range;
    if (slot > arena->block->slots) /* node 0 is there, and never live */
        return 0;
    const struct gm_node *node = gm_node_of(arena, slot);
    uint8_t state = gm_load_acquire(&node->state); /* before the generation, see cache.h */
    bool is = gm_handle_of(arena, slot, gm_load_relaxed(&node->generation)) == range;
    return is && state == GM_NODE_LIVE ? slot : 0;
}

/* The slot of such a range. Returns 0; -ESTALE; -ENOENT; -EBUSY. */
int gm_change_slot(const struct gm_arena *arena, gm_range range, uint32_t *out);

/* The range that a live node belongs to: itself, or what it guards. */
static inline uint32_t gm_change_guarded(const struct gm_arena *arena, uint32_t slot)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    return (gm_load_relaxed(&node->state) & GM_NODE_GUARD) != 0 ? node->owner : slot;
}

#endif
