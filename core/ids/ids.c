/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Id allocator: making and freeing it, single ids. */
#include "ids/ids.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/math.h"
#include "base/mem.h"

#define MAP_FROM (UINT64_C(64) << 10) /* [bytes] from here on memory is mapped, and comes page by page with use */

static gm_atomic_u64 serials;

static int config_check(const struct gm_ids_config *config)
{
    if (config->count == 0 || (config->flags & ~(unsigned)GM_IDS_OWNED) != 0 ||
        config->numa_node < GM_NODE_ANY || config->numa_node >= GM_NODE_LIMIT)
        return -EINVAL;
    if (config->count > GM_IDS_COUNT_MOST || config->first + (config->count - 1) > UINT32_MAX)
        return -ERANGE;
    return 0;
}

/* Sizes of the levels; returns the number of words in all. */
static uint64_t lay_out(struct gm_ids *ids)
{
    struct gm_ids_tree *tree = &ids->tree;
    uint64_t last = gm_ids_index(ids, ids->last) / GM_IDS_LEAF_BITS;
    uint64_t words = last + 1;
    tree->last[0] = (uint32_t)last;
    while (last != 0) {
        last >>= GM_IDS_FAN_SHIFT;
        tree->last[++tree->top] = (uint32_t)last;
        words += last + 1;
    }
    return words;
}

static int words_create(struct gm_ids *ids, int node)
{
    ids->bytes = lay_out(ids) * sizeof(gm_atomic_u64);
    ids->mapped = ids->bytes >= MAP_FROM;
    if (!ids->mapped) {
        ids->words = gm_alloc(NULL, ids->bytes);
        if (ids->words == NULL)
            return -ENOMEM;
        memset(ids->words, 0, ids->bytes);
        return 0;
    }
    int result = gm_mem_map(NULL, ids->bytes, -1, 0, true, &ids->words);
    if (result == 0 && node != GM_NODE_ANY)
        gm_mem_prefer_node(ids->words, ids->bytes, node);
    return result == 0 ? 0 : -ENOMEM;
}

/* What the last words of the levels have bits for, but is not there, counts as full. */
static void fill_edges(struct gm_ids *ids)
{
    struct gm_ids_tree *tree = &ids->tree;
    gm_atomic_u64 *words = ids->words;
    for (unsigned level = 0; level <= tree->top; level++) {
        tree->level[level] = words;
        words += (uint64_t)tree->last[level] + 1;
    }
    gm_store_relaxed(&tree->level[0][0], ~gm_ids_real(ids, 0));
    gm_store_relaxed(&tree->level[0][tree->last[0]], ~gm_ids_real(ids, tree->last[0]));
    for (unsigned level = 0; level < tree->top; level++) {
        uint32_t there = (gm_ids_child_bit(tree->last[level]) << 1) - 1; /* all of them where the shift overflows */
        gm_store_relaxed(&tree->level[level + 1][tree->last[level + 1]], GM_IDS_CLAIM_FULL & ~there);
    }
}

int gm_ids_create(const struct gm_ids_config *config, struct gm_ids **out)
{
    if (config == NULL || out == NULL)
        return -EINVAL;
    int result = config_check(config);
    if (result != 0)
        return result;
    struct gm_ids *ids = gm_alloc(NULL, sizeof(*ids));
    if (ids == NULL)
        return -ENOMEM;
    *ids = (struct gm_ids){
        .base = config->first & ~(uint32_t)(GM_IDS_LEAF_BITS - 1),
        .first = config->first,
        .last = (uint32_t)(config->first + (config->count - 1)),
        .tree.owned = (config->flags & GM_IDS_OWNED) != 0,
        .serial = gm_add_relaxed(&serials, 1) + 1,
    };
    result = words_create(ids, config->numa_node);
    if (result != 0) {
        gm_free(NULL, ids, sizeof(*ids));
        return result;
    }
    fill_edges(ids);
    *out = ids;
    return 0;
}

void gm_ids_destroy(struct gm_ids *ids)
{
    if (ids == NULL)
        return;
    if (ids->mapped)
        (void)gm_mem_unmap(ids->words, ids->bytes);
    else
        gm_free(NULL, ids->words, ids->bytes);
    gm_free(NULL, ids, sizeof(*ids));
}

int gm_ids_take(struct gm_ids *ids, uint32_t *out)
{
    uint64_t leaf;
    if (GM_UNLIKELY(ids == NULL || out == NULL))
        return -EINVAL;
    uint64_t bit = gm_ids_set_near(&ids->tree, &leaf);
    if (GM_UNLIKELY(bit == 0) && (bit = gm_ids_set_first(&ids->tree, &leaf)) == 0)
        return -ENOSPC;
    *out = gm_ids_id(ids, leaf, bit);
    return 0;
}

int gm_ids_take_at(struct gm_ids *ids, uint32_t id)
{
    if (ids == NULL)
        return -EINVAL;
    if (!gm_ids_has(ids, id))
        return -ERANGE;
    uint64_t index = gm_ids_index(ids, id);
    return gm_ids_set(&ids->tree, index / GM_IDS_LEAF_BITS, gm_ids_piece(index, index)) ? 0 : -EBUSY;
}

int gm_ids_give(struct gm_ids *ids, uint32_t id)
{
    if (GM_UNLIKELY(ids == NULL))
        return -EINVAL;
    if (GM_UNLIKELY(!gm_ids_has(ids, id)))
        return -ERANGE;
    uint64_t index = gm_ids_index(ids, id);
    uint64_t bit = UINT64_C(1) << index % GM_IDS_LEAF_BITS;
    return gm_ids_clear(&ids->tree, index / GM_IDS_LEAF_BITS, bit) ? 0 : -ENOENT;
}

int gm_ids_is_taken(const struct gm_ids *ids, uint32_t id)
{
    if (ids == NULL)
        return -EINVAL;
    if (!gm_ids_has(ids, id))
        return -ERANGE;
    uint64_t index = gm_ids_index(ids, id);
    return (int)(gm_load_relaxed(&ids->tree.level[0][index / GM_IDS_LEAF_BITS]) >> index % GM_IDS_LEAF_BITS & 1);
}

int gm_ids_next(const struct gm_ids *ids, uint32_t from, uint32_t *out)
{
    if (ids == NULL || out == NULL)
        return -EINVAL;
    if (from > ids->last)
        return -ENOENT;
    uint64_t index = gm_ids_index(ids, from < ids->first ? ids->first : from);
    uint64_t last = gm_ids_index(ids, ids->last);
    for (; index <= last; index = gm_ids_next_leaf(index)) {
        uint64_t leaf = index / GM_IDS_LEAF_BITS;
        uint64_t taken = gm_load_relaxed(&ids->tree.level[0][leaf]) & gm_ids_piece(index, last);
        if (taken != 0) {
            *out = gm_ids_id(ids, leaf, taken);
            return 0;
        }
    }
    return -ENOENT;
}
