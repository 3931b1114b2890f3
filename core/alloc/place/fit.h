/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Does a request fit into one gap, and where? Pure arithmetic on [first, last] inclusive; nothing here overflows, over
 * all 64 bits. A request that may not cross multiples of a power of two gets a second try behind (or before) the
 * multiple that it crossed: every further one would lie in the same way to the next multiple.
 */
#ifndef GM_ALLOC_PLACE_FIT_H
#define GM_ALLOC_PLACE_FIT_H

#include "alloc/place/ask.h"
#include "alloc/block/gap.h"

static inline bool gm_fit_crosses(const struct gm_ask *ask, uint64_t first)
{
    return ask->cross != 0 && ((first + ask->before) & (ask->cross - 1)) > ask->cross - ask->inner;
}

/* The gap within the window; false: nothing of it is. */
static inline bool gm_fit_clip(const struct gm_ask *ask, struct gm_gap *gap)
{
    gap->first = gm_max_u64(gap->first, ask->min);
    gap->last = gm_min_u64(gap->last, ask->max);
    return gap->first <= gap->last;
}

/* The first place at or above a number, but for crossing. */
static inline bool gm_fit_up(const struct gm_ask *ask, struct gm_gap gap, uint64_t from, uint64_t *first)
{
    *first = from + ((ask->phase - from) & ask->mask);
    return *first >= from && *first <= gap.last && gap.last - *first >= ask->reach;
}

/* The last place at or below a number, but for crossing. */
static inline bool gm_fit_down(const struct gm_ask *ask, struct gm_gap gap, uint64_t from, uint64_t *first)
{
    *first = from - ((from - ask->phase) & ask->mask);
    return *first <= from && *first >= gap.first;
}

static inline bool gm_fit_lowest(const struct gm_ask *ask, struct gm_gap gap, uint64_t *first)
{
    if (!gm_fit_clip(ask, &gap) || !gm_fit_up(ask, gap, gap.first, first))
        return false;
    if (!gm_fit_crosses(ask, *first))
        return true;
    uint64_t multiple = ((*first + ask->before) | (ask->cross - 1)) + 1; /* it lies in the range that crosses it */
    return gm_fit_up(ask, gap, multiple - ask->before, first) && !gm_fit_crosses(ask, *first);
}

static inline bool gm_fit_highest(const struct gm_ask *ask, struct gm_gap gap, uint64_t *first)
{
    if (!gm_fit_clip(ask, &gap) || gap.last - gap.first < ask->reach ||
        !gm_fit_down(ask, gap, gap.last - ask->reach, first))
        return false;
    if (!gm_fit_crosses(ask, *first))
        return true;
    uint64_t multiple = (*first + ask->before + (ask->inner - 1)) & ~(ask->cross - 1);
    uint64_t below = multiple - ask->inner; /* where the inner range would end before the multiple */
    return below >= ask->before && gm_fit_down(ask, gap, below - ask->before, first) && !gm_fit_crosses(ask, *first);
}

/* The same in the gap before a node, from the lower end (0) or the higher one (1). */
static inline __attribute__((always_inline)) bool gm_fit_node(const struct gm_ask *ask, const struct gm_node *node,
                                                              unsigned end, uint64_t *first)
{
    if (node->gap <= ask->reach)
        return false;
    struct gm_gap gap = {node->first - node->gap, node->first - 1};
    return end == 0 ? gm_fit_lowest(ask, gap, first) : gm_fit_highest(ask, gap, first);
}

#endif
