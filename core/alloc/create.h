/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#ifndef GM_ALLOC_CREATE_H
#define GM_ALLOC_CREATE_H

#include "alloc/block/arena.h"

/* An arena whose block is in memory of its own (NULL), or in size bytes of the caller's. Errors: gm_arena_create_in. */
int gm_create(const struct gm_arena_config *config, void *memory, size_t size, struct gm_arena **out);

#endif
