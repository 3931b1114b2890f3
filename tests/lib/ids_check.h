/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Proof-reading of an id allocator while no call on it runs: no claim hides a leaf with a free id, and bits that are
 * no id are set.
 */
#ifndef GM_TESTS_LIB_IDS_CHECK_H
#define GM_TESTS_LIB_IDS_CHECK_H

#include "ids/ids.h"

/* NULL, or what is wrong. */
static inline const char *gmt_ids_check(const struct gm_ids *ids)
{
    const struct gm_ids_tree *tree = &ids->tree;
    uint64_t front = gm_load_relaxed(&tree->front);
    uint64_t stray = gm_ids_stray_leaf(gm_load_relaxed(&tree->stray));
    if (gm_ids_claimed(front) > tree->last[0] || (stray != GM_IDS_NONE && stray > tree->last[0]))
        return "the front or the stray is no leaf";
    for (uint64_t leaf = 0; leaf <= tree->last[0]; leaf++) {
        uint64_t bits = gm_load_relaxed(&tree->level[0][leaf]);
        if ((~bits & ~gm_ids_real(ids, leaf)) != 0)
            return "a bit that is no id is clear";
        if (bits == GM_IDS_LEAF_FULL || leaf == stray)
            continue;
        if (gm_ids_claimed(front) > leaf)
            return "the front is above a leaf with a free id";
        for (unsigned level = 0; level < tree->top; level++) {
            uint64_t at = leaf >> (level * GM_IDS_FAN_SHIFT);
            if ((gm_load_relaxed(gm_ids_parent(tree, level, at)) & gm_ids_child_bit(at)) != 0)
                return "a summary claims a leaf with a free id";
        }
    }
    return NULL;
}

#endif
