/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory of an arena: reserved once, taken in steps, never moved and never returned before the end. */
#ifndef GM_ALLOC_BLOCK_H
#define GM_ALLOC_BLOCK_H

#include "alloc/arena.h"

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

/* Take memory for the first size bytes of a reservation. Returns 0 or -ENOMEM. */
int gm_block_commit(const struct gm_arena *arena, void *base, size_t *committed, size_t size);

/* A free slot; gm_block_room said that there is one. Inside a write section, as is putting it back. */
uint32_t gm_block_slot(struct gm_arena *arena);
void gm_block_slot_free(struct gm_arena *arena, uint32_t slot);

/* Bytes of memory that are held. */
uint64_t gm_block_bytes(const struct gm_arena *arena);

#endif
