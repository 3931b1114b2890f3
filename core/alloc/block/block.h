/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory of an arena: reserved once, taken in steps, never moved and never returned before the end. */
#ifndef GM_ALLOC_BLOCK_BLOCK_H
#define GM_ALLOC_BLOCK_BLOCK_H

#include "alloc/block/arena.h"
#include "base/check.h"

/* Reserve the block and take its first step. Returns 0 or -ENOMEM. */
int gm_block_create(struct gm_arena *arena, uint32_t ranges_most);
void gm_block_destroy(struct gm_arena *arena);

/* gm_block_room, where there is none yet. */
int gm_block_grow(struct gm_arena *arena, uint32_t more);

/* Make room for more live nodes, rows included. Returns 0; -EDQUOT; -ENOMEM, and nothing is changed. */
static inline int gm_block_room(struct gm_arena *arena, uint32_t more)
{
    bool there = (uint64_t)arena->block->count + more < arena->capacity; /* which is at most ranges_most + 1 */
    return there ? 0 : gm_block_grow(arena, more);
}

/* Take the memory for callers' words, which is mapped already, so that this cannot fail. */
void gm_block_words(struct gm_arena *arena);

/* There will be this word to keep. Outside of a write section, for the first one takes time. */
static inline void gm_block_expect(struct gm_arena *arena, uint64_t user)
{
    if (user != 0 && arena->users_capacity == 0)
        gm_block_words(arena);
}

/* Have memory for a reserved array with something for each slot, which holds nothing yet. Returns 0 or -ENOMEM. */
int gm_block_array(const struct gm_arena *arena, void *base, size_t *mapped, size_t each);

/* A free slot; gm_block_room said that there is one. Inside a write section, as is putting it back below. */
static inline uint32_t gm_block_slot(struct gm_arena *arena)
{
    struct gm_block *block = arena->block;
    uint32_t slot = block->free_slot;
    if (slot != 0) {
        block->free_slot = gm_node_of(arena, slot)->link[0];
        return slot;
    }
    slot = ++block->slots;
    gm_check(slot < arena->capacity);
    gm_store_relaxed(&gm_node_of(arena, slot)->generation, 1);
    return slot;
}

void gm_block_slot_free(struct gm_arena *arena, uint32_t slot);

/* Bytes of memory that are held. */
uint64_t gm_block_bytes(const struct gm_arena *arena);

#endif
