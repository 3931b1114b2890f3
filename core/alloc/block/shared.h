/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A block in memory that is not the arena's: the header, a page; the nodes; the callers' words. All of it is there. */
#ifndef GM_ALLOC_BLOCK_SHARED_H
#define GM_ALLOC_BLOCK_SHARED_H

#include "alloc/block/arena.h"

/* ranges_most 0: as many as there is room for. Returns 0 or -EINVAL. */
int gm_shared_create(struct gm_arena *arena, void *memory, size_t size, uint32_t ranges_most);

#endif
