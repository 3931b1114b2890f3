/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Facts about one gap, [first, last] inclusive, and about the gap before a node. */
#ifndef GM_ALLOC_BLOCK_GAP_H
#define GM_ALLOC_BLOCK_GAP_H

#include "alloc/block/arena.h"
#include "base/math.h"

struct gm_gap {
    uint64_t first, last;
};

static inline unsigned gm_bit_length(uint64_t value)
{
    return value == 0 ? 0 : 64 - (unsigned)__builtin_clzll(value);
}

/*
 * log2 of the largest naturally aligned power of two inside the gap, plus 1. The number with the most trailing zeros in
 * it divides it in two, and no aligned block lies on both sides. last is below UINT64_MAX.
 */
static inline uint8_t gm_gap_order(uint64_t first, uint64_t last)
{
    uint64_t middle = 0;
    if (first != 0) {
        unsigned top = 63 - (unsigned)__builtin_clzll((first - 1) ^ last);
        middle = last & (UINT64_MAX << top);
    }
    return (uint8_t)gm_bit_length(gm_max_u64(middle - first, last - middle + 1));
}

/* Numbers from the first aligned one on; 0 when there is none. last is below UINT64_MAX, or first above 0. */
static inline uint64_t gm_gap_cap(uint64_t first, uint64_t last, uint64_t mask, uint64_t phase)
{
    uint64_t waste = (phase - first) & mask;
    return waste > last - first ? 0 : last - first - waste + 1;
}

static inline uint64_t gm_node_gap_first(const struct gm_node *node)
{
    return node->first - node->gap;
}

static inline uint8_t gm_node_order(const struct gm_node *node)
{
    return node->gap == 0 ? 0 : gm_gap_order(node->first - node->gap, node->first - 1);
}

static inline uint64_t gm_node_cap(const struct gm_node *node, const struct gm_row *row)
{
    return node->gap == 0 ? 0 : gm_gap_cap(node->first - node->gap, node->first - 1, row->mask, row->phase);
}

static inline void gm_node_set_gap(struct gm_block *block, struct gm_node *node, uint64_t gap)
{
    block->gaps += (uint64_t)(gap != 0) - (uint64_t)(node->gap != 0);
    node->gap = gap;
}

#endif
