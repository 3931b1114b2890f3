/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The id allocator: its tree, and which ids the bits of the tree stand for. */
#ifndef GM_IDS_IDS_H
#define GM_IDS_IDS_H

#include <guestmem/ids.h>

#include "ids/tree.h"

struct gm_ids {
    struct gm_ids_tree tree;
    /* Bits are counted from base, a multiple of the bits of a leaf, so that what is aligned in ids is so in leaves.
     * Bits that are no id, before the first and after the last, are taken for ever. */
    uint32_t base, first, last;
    uint64_t serial; /* never used for another */
    void *words;
    size_t bytes;
    bool mapped;
};

static inline bool gm_ids_has(const struct gm_ids *ids, uint32_t id)
{
    return id >= ids->first && id <= ids->last;
}

static inline uint64_t gm_ids_index(const struct gm_ids *ids, uint32_t id)
{
    return id - ids->base;
}

static inline uint32_t gm_ids_id(const struct gm_ids *ids, uint64_t leaf, uint64_t bits)
{
    return ids->base + (uint32_t)(leaf * GM_IDS_LEAF_BITS) + (uint32_t)__builtin_ctzll(bits);
}

/* Of the bits [index, last], those in the leaf of index, as a mask. */
static inline uint64_t gm_ids_piece(uint64_t index, uint64_t last)
{
    uint64_t from = index % GM_IDS_LEAF_BITS;
    uint64_t more = last - index; /* bits after the first one */
    uint64_t most = GM_IDS_LEAF_BITS - 1 - from;
    return ~UINT64_C(0) >> (GM_IDS_LEAF_BITS - 1 - (more < most ? more : most)) << from;
}

/* First bit of the next leaf. */
static inline uint64_t gm_ids_next_leaf(uint64_t index)
{
    return (index | (GM_IDS_LEAF_BITS - 1)) + 1;
}

/* What gm_ids_give_range would answer. */
int gm_ids_all_taken(const struct gm_ids *ids, uint32_t first, uint64_t count);

/* Those bits of a leaf that are ids. */
static inline uint64_t gm_ids_real(const struct gm_ids *ids, uint64_t leaf)
{
    uint64_t bits = GM_IDS_LEAF_FULL;
    if (leaf == 0)
        bits &= GM_IDS_LEAF_FULL << (ids->first - ids->base);
    if (leaf == ids->tree.last[0])
        bits &= GM_IDS_LEAF_FULL >> (GM_IDS_LEAF_BITS - 1 - gm_ids_index(ids, ids->last) % GM_IDS_LEAF_BITS);
    return bits;
}

#endif
