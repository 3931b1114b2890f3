/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The search of the tree, lowest place upwards (the mirror image is the same code with `end` 1).
 *
 * The window cuts at most one gap at the end where the search begins; all behind it are whole as far as that end is
 * concerned. So one descent goes to the window's edge, and notes the last node on its way that is inside, and whose own
 * gap fits or whose far subtree holds something: what was noted later lies nearer to the edge. There the second descent
 * starts, which always finds. The window's other end needs no care: if the first gap that is long enough does not
 * fit because that end cuts it, those behind lie outside altogether. Both descents together visit at most twice the
 * height of the tree.
 */
#include "alloc/place/search.h"

#include <errno.h>

#include "alloc/order/index.h"
#include "alloc/order/ranges.h"
#include "alloc/place/array.h"

#define ALWAYS static inline __attribute__((always_inline))

/* Can the subtree on that side of a node hold it? */
ALWAYS bool holds(const struct gm_ask *ask, enum gm_index_kind kind, const struct gm_node *node, uint32_t slot,
                  unsigned side)
{
    if (kind == GM_INDEX_ORDER)
        return node->order[side] >= ask->order;
    if (kind == GM_INDEX_ROW)
        return ask->caps[slot].cap[side] > ask->reach;
    return node->max[side] > ask->reach;
}

/* Is part of the gap before the node on this side of the window's edge? */
ALWAYS bool inside(const struct gm_ask *ask, const struct gm_node *node, unsigned end)
{
    return end == 0 ? node->first > ask->min : gm_node_gap_first(node) <= ask->max;
}

/* The subtree holds the request, but for the window's far end. */
ALWAYS int descend(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, enum gm_index_kind kind,
                   uint32_t slot, struct gm_spot *out)
{
    int result = -ENOSPC;
    uint64_t visited = 0;
    while (slot != 0) {
        const struct gm_node *node = gm_node_of(arena, slot);
        visited++;
        if (holds(ask, kind, node, slot, end)) {
            slot = node->link[end];
        } else if (gm_fit_node(ask, node, end, &out->first)) {
            out->slot = slot;
            result = 0;
            break;
        } else {
            slot = holds(ask, kind, node, slot, !end) ? node->link[!end] : 0;
        }
    }
    arena->looked_at += visited;
    return result;
}

ALWAYS int search(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, enum gm_index_kind kind,
                  struct gm_spot *out)
{
    uint32_t found = 0, far = 0;
    uint64_t visited = 0, first;
    for (uint32_t slot = arena->block->root; slot != 0; visited++) {
        const struct gm_node *node = gm_node_of(arena, slot);
        unsigned side = !end;
        if (inside(ask, node, end)) {
            side = end;
            if (gm_fit_node(ask, node, end, &first)) {
                out->first = first;
                found = slot;
                far = 0;
            } else if (holds(ask, kind, node, slot, !end)) {
                found = slot;
                far = node->link[!end];
            }
        }
        slot = holds(ask, kind, node, slot, side) ? node->link[side] : 0;
    }
    arena->looked_at += visited;
    if (far != 0)
        return descend(arena, ask, end, kind, far, out);
    out->slot = found;
    return found != 0 ? 0 : -ENOSPC;
}

/* ---- one gap after the other, where the index is not the last word ---- */

static bool may_hold(const struct gm_ask *ask, const struct gm_node *node, uint32_t slot, unsigned side)
{
    return holds(ask, ask->kind, node, slot, side);
}

/* The first gap long enough in a subtree that has one; 0 where a row was mistaken for one. */
static uint32_t nearest(struct gm_arena *arena, const struct gm_ask *ask, uint32_t slot, unsigned end)
{
    while (slot != 0) {
        const struct gm_node *node = gm_node_of(arena, slot);
        arena->looked_at++;
        if (may_hold(ask, node, slot, end))
            slot = node->link[end];
        else if (node->gap > ask->reach)
            return slot;
        else
            slot = may_hold(ask, node, slot, !end) ? node->link[!end] : 0;
    }
    return 0;
}

static uint32_t tree_first(struct gm_arena *arena, const struct gm_ask *ask, unsigned end)
{
    uint32_t found = 0, far = 0;
    for (uint32_t slot = arena->block->root; slot != 0; arena->looked_at++) {
        const struct gm_node *node = gm_node_of(arena, slot);
        unsigned side = !end;
        if (inside(ask, node, end)) {
            side = end;
            if (node->gap > ask->reach) {
                found = slot;
                far = 0;
            } else if (may_hold(ask, node, slot, !end)) {
                far = node->link[!end];
            }
        }
        slot = may_hold(ask, node, slot, side) ? node->link[side] : 0;
    }
    return far != 0 ? nearest(arena, ask, far, end) : found;
}

static uint32_t tree_next(struct gm_arena *arena, const struct gm_ask *ask, uint32_t slot, unsigned end)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    if (may_hold(ask, node, slot, !end))
        return nearest(arena, ask, node->link[!end], end);
    for (uint32_t parent = node->parent; parent != 0; parent = node->parent) {
        bool came_from_far = gm_node_of(arena, parent)->link[!end] == slot;
        slot = parent;
        node = gm_node_of(arena, slot);
        arena->looked_at++;
        if (came_from_far)
            continue;
        if (node->gap > ask->reach)
            return slot;
        if (may_hold(ask, node, slot, !end))
            return nearest(arena, ask, node->link[!end], end);
    }
    return 0;
}

static int search_loose(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, struct gm_spot *out)
{
    uint32_t slot = tree_first(arena, ask, end);
    for (; slot != 0; slot = tree_next(arena, ask, slot, end)) {
        const struct gm_node *node = gm_node_of(arena, slot);
        if (end == 0 ? gm_node_gap_first(node) > ask->max : node->first <= ask->min)
            break;
        if (!gm_fit_node(ask, node, end, &out->first))
            continue;
        out->slot = slot;
        return 0;
    }
    return -ENOSPC;
}

/* ---- the array ---- */

/* The position is that of a gap that fits, or GM_FLAT. */
static int flat_end(struct gm_arena *arena, uint32_t position, struct gm_spot *out)
{
    if (position >= GM_FLAT)
        return -ENOSPC;
    arena->flat_hint = position;
    out->slot = arena->block->flat_slot[position];
    return 0;
}

static int flat_lowest(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out)
{
    return flat_end(arena, gm_array_lowest(arena, ask, &out->first), out);
}

static int flat_highest(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out)
{
    return flat_end(arena, gm_array_highest(arena, ask, &out->first), out);
}

static uint32_t flat_next(struct gm_arena *arena, const struct gm_ask *ask, const struct gm_walk *walk)
{
    uint32_t position = walk->any ? gm_flat_position(arena, walk->slot) + 1 : 0;
    if (position < GM_FLAT)
        position = gm_array_next(arena, ask, position);
    arena->looked_at++;
    return position < GM_FLAT ? arena->block->flat_slot[position] : 0;
}

/* ---- both, and the tail ---- */

static int search_tail(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, struct gm_spot *out)
{
    struct gm_gap gap;
    out->slot = 0;
    if (!gm_ranges_gap(arena, 0, &gap))
        return -ENOSPC;
    return (end == 0 ? gm_fit_lowest(ask, gap, &out->first) : gm_fit_highest(ask, gap, &out->first)) ? 0 : -ENOSPC;
}

static int search_ranges(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, struct gm_spot *out)
{
    if (!arena->block->tree)
        return end == 0 ? flat_lowest(arena, ask, out) : flat_highest(arena, ask, out);
    if (ask->cross != 0 || ask->kind == GM_INDEX_LOOSE)
        return search_loose(arena, ask, end, out);
    if (ask->kind == GM_INDEX_ORDER)
        return end == 0 ? search(arena, ask, 0, GM_INDEX_ORDER, out) : search(arena, ask, 1, GM_INDEX_ORDER, out);
    if (ask->kind == GM_INDEX_ROW)
        return end == 0 ? search(arena, ask, 0, GM_INDEX_ROW, out) : search(arena, ask, 1, GM_INDEX_ROW, out);
    return end == 0 ? search(arena, ask, 0, GM_INDEX_MAX, out) : search(arena, ask, 1, GM_INDEX_MAX, out);
}

/* Is any gap but the tail long enough? An arena that only grows is asked for nothing more than this. */
static inline bool any_holds(struct gm_arena *arena, const struct gm_ask *ask)
{
    if (!arena->block->tree)
        return true;
    arena->looked_at++;
    return gm_index_longest(gm_node_of(arena, arena->block->root)) > ask->reach;
}

int gm_search(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, struct gm_spot *out)
{
    if (end == 1 && search_tail(arena, ask, end, out) == 0)
        return 0;
    int result = any_holds(arena, ask) ? search_ranges(arena, ask, end, out) : -ENOSPC;
    return result == 0 || end == 1 ? result : search_tail(arena, ask, end, out);
}

bool gm_search_walk(struct gm_arena *arena, const struct gm_ask *ask, struct gm_walk *walk)
{
    if (walk->any && walk->slot == 0)
        return false;
    if (!arena->block->tree)
        walk->slot = flat_next(arena, ask, walk);
    else
        walk->slot = walk->any ? tree_next(arena, ask, walk->slot, 0) : tree_first(arena, ask, 0);
    walk->any = true;
    return gm_ranges_gap(arena, walk->slot, &walk->gap) && walk->gap.first <= ask->max;
}
