/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Id allocator: windows, groups and ranges. Several leaves are taken in rising order and given back if one of them is
 * not to be had. So of calls that meet, the one that has come furthest up is never stopped by the others.
 */
#include "ids/ids.h"

#include <errno.h>

#include "base/math.h"

#define SPREAD UINT64_C(0x9e3779b97f4a7c15) /* 2^64 divided by the golden ratio: multiples lie far apart */

int gm_ids_take_in(struct gm_ids *ids, uint32_t least, uint32_t most, uint32_t *out)
{
    if (ids == NULL || out == NULL || least > most)
        return -EINVAL;
    if (least > ids->last || most < ids->first)
        return -ENOSPC;
    uint64_t index = gm_ids_index(ids, least < ids->first ? ids->first : least);
    uint64_t last = gm_ids_index(ids, most > ids->last ? ids->last : most);
    while (index <= last) {
        uint64_t leaf = gm_ids_seek(&ids->tree, index / GM_IDS_LEAF_BITS);
        if (leaf == GM_IDS_NONE || leaf > last / GM_IDS_LEAF_BITS)
            break;
        index = gm_max_u64(index, leaf * GM_IDS_LEAF_BITS);
        uint64_t bit = gm_ids_set_lowest(&ids->tree, leaf, gm_ids_piece(index, last));
        if (bit != 0) {
            *out = gm_ids_id(ids, leaf, bit);
            return 0;
        }
        index = gm_ids_next_leaf(index);
    }
    return -ENOSPC;
}

/* Give back bits from index on, up to but not including end. */
static void clear_bits(struct gm_ids *ids, uint64_t index, uint64_t end)
{
    for (; index < end; index = gm_ids_next_leaf(index))
        (void)gm_ids_clear(&ids->tree, index / GM_IDS_LEAF_BITS, gm_ids_piece(index, end - 1));
}

/* Take bits [index, last] or none. */
static bool set_bits(struct gm_ids *ids, uint64_t index, uint64_t last)
{
    for (uint64_t at = index; at <= last; at = gm_ids_next_leaf(at)) {
        if (!gm_ids_set(&ids->tree, at / GM_IDS_LEAF_BITS, gm_ids_piece(at, last))) {
            clear_bits(ids, index, at);
            return false;
        }
    }
    return true;
}

/* Are bits [index, last] all as asked for? */
static bool all_bits(const struct gm_ids *ids, uint64_t index, uint64_t last, bool taken)
{
    for (; index <= last; index = gm_ids_next_leaf(index)) {
        uint64_t bits = gm_ids_piece(index, last);
        uint64_t value = gm_load_seq_cst(&ids->tree.level[0][index / GM_IDS_LEAF_BITS]);
        if (((taken ? ~value : value) & bits) != 0)
            return false;
    }
    return true;
}

/* The lowest count clear bits in a row that begin at a multiple of 2^order, as a mask; 0: the leaf has none. */
static uint64_t run_in(uint64_t leaf, unsigned order, uint32_t count)
{
    uint64_t starts = order < 6 ? ~UINT64_C(0) / ((UINT64_C(1) << (1u << order)) - 1) : 1;
    uint64_t runs = ~leaf; /* bit i: the bits from i on are clear, as many as length */
    for (uint32_t length = 1; length < count;) {
        uint32_t more = length < count - length ? length : count - length;
        runs &= runs >> more;
        length += more;
    }
    runs &= starts;
    return runs != 0 ? ~UINT64_C(0) >> (GM_IDS_LEAF_BITS - count) << __builtin_ctzll(runs) : 0;
}

static int take_in_leaf(struct gm_ids *ids, unsigned order, uint32_t count, uint32_t *out)
{
    for (uint64_t from = 0;;) {
        uint64_t leaf = gm_ids_seek(&ids->tree, from);
        if (leaf == GM_IDS_NONE)
            return -ENOSPC;
        uint64_t run = run_in(gm_load_relaxed(&ids->tree.level[0][leaf]), order, count);
        if (run != 0 && gm_ids_set(&ids->tree, leaf, run)) {
            *out = gm_ids_id(ids, leaf, run);
            return 0;
        }
        from = run != 0 ? leaf : leaf + 1; /* somebody was faster: look at it again */
    }
}

static int take_leaves(struct gm_ids *ids, unsigned order, uint64_t count, uint32_t *out)
{
    uint64_t span = UINT64_C(1) << order;
    uint64_t first; /* an id, which is a multiple of span */
    for (bool more = gm_align_up(ids->base, span, &first); more; first += span) {
        uint64_t leaf = gm_ids_seek(&ids->tree, (first - ids->base) / GM_IDS_LEAF_BITS);
        if (leaf == GM_IDS_NONE)
            break;
        first = (ids->base + leaf * GM_IDS_LEAF_BITS) & ~(span - 1);
        uint64_t index = first - ids->base;
        uint64_t last = index + (count - 1);
        if (last > gm_ids_index(ids, ids->last))
            break;
        if (all_bits(ids, index, last, false) && set_bits(ids, index, last)) {
            *out = (uint32_t)first;
            return 0;
        }
    }
    return -ENOSPC;
}

int gm_ids_take_range(struct gm_ids *ids, uint32_t count, uint32_t *out)
{
    unsigned order = 0;
    if (ids == NULL || out == NULL || count == 0 || count > UINT32_C(1) << GM_IDS_ORDER_MOST)
        return -EINVAL;
    while (UINT32_C(1) << order < count)
        order++;
    return count <= GM_IDS_LEAF_BITS ? take_in_leaf(ids, order, count, out) : take_leaves(ids, order, count, out);
}

int gm_ids_take_group(struct gm_ids *ids, unsigned order, uint32_t *out)
{
    return order > GM_IDS_ORDER_MOST ? -EINVAL : gm_ids_take_range(ids, UINT32_C(1) << order, out);
}

/* The bits of [first, first + count). */
static int bits_of(const struct gm_ids *ids, uint32_t first, uint64_t count, uint64_t *index, uint64_t *last)
{
    uint64_t last_id;
    if (ids == NULL || count == 0)
        return -EINVAL;
    if (!gm_range_last(first, count, &last_id) || first < ids->first || last_id > ids->last)
        return -ERANGE;
    *index = gm_ids_index(ids, first);
    *last = *index + (count - 1);
    return 0;
}

int gm_ids_reserve(struct gm_ids *ids, uint32_t first, uint64_t count)
{
    uint64_t index;
    uint64_t last;
    int result = bits_of(ids, first, count, &index, &last);
    if (result != 0)
        return result;
    return set_bits(ids, index, last) ? 0 : -EBUSY;
}

int gm_ids_all_taken(const struct gm_ids *ids, uint32_t first, uint64_t count)
{
    uint64_t index;
    uint64_t last;
    int result = bits_of(ids, first, count, &index, &last);
    if (result != 0)
        return result;
    return all_bits(ids, index, last, true) ? 0 : -ENOENT;
}

int gm_ids_give_range(struct gm_ids *ids, uint32_t first, uint64_t count)
{
    uint64_t index;
    uint64_t last;
    int result = bits_of(ids, first, count, &index, &last);
    if (result != 0)
        return result;
    if (!all_bits(ids, index, last, true))
        return -ENOENT;
    for (; index <= last; index = gm_ids_next_leaf(index)) {
        if (!gm_ids_clear(&ids->tree, index / GM_IDS_LEAF_BITS, gm_ids_piece(index, last)))
            result = -ENOENT;
    }
    return result;
}

int gm_ids_give_group(struct gm_ids *ids, uint32_t first, unsigned order)
{
    if (order > GM_IDS_ORDER_MOST || (first & ((UINT32_C(1) << order) - 1)) != 0)
        return -EINVAL;
    return gm_ids_give_range(ids, first, UINT64_C(1) << order);
}

/* Where a thread takes any id. Kept for the allocator that it used last. */
static _Thread_local struct {
    uint64_t serial;
    uint64_t leaf;
    uint64_t number; /* of the thread; 0: none yet */
} place;

static uint64_t place_of(const struct gm_ids *ids)
{
    static gm_atomic_u64 threads;
    if (GM_UNLIKELY(place.serial != ids->serial)) {
        if (place.number == 0)
            place.number = gm_add_relaxed(&threads, 1) + 1;
        place.serial = ids->serial;
        place.leaf = ((place.number * SPREAD >> 32) * ((uint64_t)ids->tree.last[0] + 1)) >> 32;
    }
    return place.leaf;
}

int gm_ids_take_any(struct gm_ids *ids, uint32_t *out)
{
    if (ids == NULL || out == NULL)
        return -EINVAL;
    for (uint64_t leaf = place_of(ids);;) {
        uint64_t bit = gm_ids_set_lowest(&ids->tree, leaf, GM_IDS_LEAF_FULL);
        if (bit != 0) {
            place.leaf = leaf;
            *out = gm_ids_id(ids, leaf, bit);
            return 0;
        }
        leaf = gm_ids_seek(&ids->tree, leaf + 1);
        if (leaf == GM_IDS_NONE)
            leaf = gm_ids_seek(&ids->tree, 0);
        if (leaf == GM_IDS_NONE)
            return -ENOSPC;
    }
}
