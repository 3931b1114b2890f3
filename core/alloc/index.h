/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The index of the tree: what its parent keeps of each subtree. There are three kinds of it: the longest gap and the
 * largest natural block, which are in the nodes, and rows, one for each class of alignment that was asked for.
 */
#ifndef GM_ALLOC_INDEX_H
#define GM_ALLOC_INDEX_H

#include "alloc/arena.h"

/* Make child, which may be 0, the left (0) or right (1) child, with all that is kept of it. */
void gm_index_attach(struct gm_arena *arena, uint32_t parent, unsigned side, uint32_t child);

/* Take over the children of another node, and what is kept of them. */
void gm_index_take_over(struct gm_arena *arena, uint32_t slot, uint32_t from);

/* What a subtree holds may have changed, at its top: tell those above, as far up as it matters to them. */
void gm_index_refresh(struct gm_arena *arena, uint32_t slot);

/* A node without children. */
void gm_index_clear(struct gm_arena *arena, uint32_t slot);

#endif
