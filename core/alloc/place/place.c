/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The policies, but for GM_PLACE_RANDOM. */
#include "alloc/place/place.h"

#include <errno.h>

#include "alloc/order/ranges.h"
#include "base/math.h"

bool gm_place_is_free(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t *slot)
{
    *slot = gm_ranges_seek(arena, first);
    return *slot == 0 || gm_node_of(arena, *slot)->first > last;
}

static int place_fixed(struct gm_arena *arena, const struct gm_ask *ask, uint64_t near, struct gm_spot *out)
{
    const struct gm_block *block = arena->block;
    uint64_t first = near - ask->before;
    uint64_t last;
    if (near < ask->before || !gm_add_ok(first, ask->reach, &last))
        return -ERANGE;
    if (first < gm_max_u64(block->first, ask->min) || last > gm_min_u64(block->last, ask->max))
        return -ERANGE;
    if (((first - ask->phase) & ask->mask) != 0 || gm_fit_crosses(ask, first))
        return -ERANGE;
    out->first = first;
    return gm_place_is_free(arena, first, last, &out->slot) ? 0 : -EBUSY;
}

/* The highest place at or below, and the lowest at or above: one of them is the nearest. */
static int place_near(struct gm_arena *arena, const struct gm_ask *ask, uint64_t near, struct gm_spot *out)
{
    struct gm_ask below = *ask, above = *ask;
    struct gm_spot low, high;
    uint64_t origin = near >= ask->before ? near - ask->before : 0;
    uint64_t last;
    if (gm_add_ok(origin, ask->reach, &last))
        below.max = gm_min_u64(below.max, last);
    above.min = gm_max_u64(above.min, origin);
    bool has_low = near >= ask->before && gm_search(arena, &below, 1, &low) == 0;
    if (!has_low || low.first != origin) {
        int result = gm_search(arena, &above, 0, &high);
        if (result == 0 && (!has_low || high.first - origin < origin - low.first)) {
            *out = high;
            return 0;
        }
    }
    if (has_low)
        *out = low;
    return has_low ? 0 : -ENOSPC;
}

static int place_next(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out)
{
    uint64_t cursor = arena->block->cursor;
    struct gm_ask behind = *ask;
    behind.min = gm_max_u64(ask->min, cursor >= ask->before ? cursor - ask->before : 0);
    if (behind.min <= ask->max && gm_search(arena, &behind, 0, out) == 0)
        return 0;
    return gm_search(arena, ask, 0, out);
}

static int place_best(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out)
{
    struct gm_walk walk = {.any = false};
    uint64_t shortest = UINT64_MAX, first;
    int result = -ENOSPC;
    while (gm_search_walk(arena, ask, &walk)) {
        uint64_t length = walk.gap.last - walk.gap.first; /* less one */
        if ((result == 0 && length >= shortest) || !gm_fit_lowest(ask, walk.gap, &first))
            continue;
        *out = (struct gm_spot){first, walk.slot};
        shortest = length;
        result = 0;
        if (length == ask->reach)
            break;
    }
    return result;
}

static int place_at_rung(struct gm_arena *arena, const struct gm_request *request, struct gm_placement *out)
{
    struct gm_ask *ask = &out->ask;
    if (request->place == GM_PLACE_FIXED)
        return place_fixed(arena, ask, request->near, &out->spot);
    int result = gm_ask_index(arena, ask);
    if (result != 0)
        return result;
    switch (request->place) {
    case GM_PLACE_NEAR:
        return place_near(arena, ask, request->near, &out->spot);
    case GM_PLACE_NEXT:
        return place_next(arena, ask, &out->spot);
    case GM_PLACE_BEST:
        return place_best(arena, ask, &out->spot);
    case GM_PLACE_RANDOM:
        return gm_place_random(arena, ask, &out->spot, &out->random);
    case GM_PLACE_FIXED:
    case GM_PLACE_LOWEST:
    case GM_PLACE_HIGHEST:
        break;
    }
    return gm_search(arena, ask, request->place == GM_PLACE_HIGHEST, &out->spot);
}

int gm_place(struct gm_arena *arena, const struct gm_request *request, struct gm_placement *out)
{
    int result = gm_ask_check(arena, request);
    if (result != 0)
        return result;
    out->random = arena->block->random;
    arena->looked_at = 0;
    for (uint64_t rung = gm_ask_rung(request, 0); rung != 0; rung = gm_ask_rung(request, rung)) {
        result = gm_ask_make(arena, request, rung, &out->ask);
        if (result == 0)
            result = place_at_rung(arena, request, out);
        else if (request->place == GM_PLACE_FIXED)
            result = -ERANGE;
        if (result == 0 || result == -ENOMEM)
            break;
    }
    arena->visited = arena->looked_at;
    arena->visited_most = gm_max_u64(arena->visited_most, arena->visited);
    return result;
}
