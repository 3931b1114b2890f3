/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Questions that change nothing but counters and rows. */
#include "guestmem/arena_query.h"

#include <errno.h>

#include "alloc/block/block.h"
#include "alloc/cache.h"
#include "alloc/place/most.h"
#include "alloc/place/place.h"
#include "alloc/order/ranges.h"

static int would_fit(struct gm_arena *arena, const struct gm_request *request, uint64_t *first)
{
    struct gm_placement placement;
    struct gm_request lowest = *request;
    if (lowest.place == GM_PLACE_RANDOM)
        lowest.place = GM_PLACE_LOWEST;
    int result = gm_place(arena, &lowest, &placement);
    if (result == 0)
        *first = placement.spot.first + placement.ask.before;
    return result;
}

int gm_arena_would_fit(struct gm_arena *arena, const struct gm_request *request, uint64_t *first)
{
    if (arena == NULL || request == NULL || first == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = would_fit(arena, request, first);
    if (gm_cache_again(arena, result))
        result = would_fit(arena, request, first);
    return gm_arena_unlock(arena, result);
}

/* Does it fit when these parts of the request are left out? -ENOSPC: no. */
static int fits_without(struct gm_arena *arena, struct gm_request request, bool window, bool alignment)
{
    uint64_t first;
    request.place = GM_PLACE_LOWEST;
    if (window) {
        request.min = 0;
        request.max = 0;
    }
    if (alignment) {
        request.align = 0;
        request.phase = 0;
        request.ladder = 0;
        request.no_cross = 0;
    }
    return would_fit(arena, &request, &first);
}

/* Which part stands against it: the window if it fits without, and so on. */
static int find_obstacle(struct gm_arena *arena, const struct gm_request *request, enum gm_obstacle *out)
{
    static const enum gm_obstacle obstacles[] = {GM_OBSTACLE_NONE, GM_OBSTACLE_WINDOW, GM_OBSTACLE_ALIGNMENT};
    int result = -ENOSPC;
    *out = GM_OBSTACLE_SPACE;
    for (unsigned i = 0; i < 3 && result == -ENOSPC; i++) {
        result = fits_without(arena, *request, i >= 1, i >= 2);
        if (result == 0)
            *out = obstacles[i];
    }
    return result == -ENOSPC ? 0 : result;
}

/* At a fixed address: the lowest range in the way. */
static void describe(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *info)
{
    uint32_t slot = gm_ranges_seek(arena, request->near - request->guard_before);
    const struct gm_node *node = gm_node_of(arena, slot);
    info->first = node->first;
    info->last = node->last;
    info->flags = gm_flags_of(gm_load_relaxed(&node->state));
    if ((info->flags & GM_RANGE_GUARD) != 0) {
        slot = node->owner;
        node = gm_node_of(arena, slot);
    }
    info->range = gm_handle_of(arena, slot, gm_load_relaxed(&node->generation));
    info->owner = node->owner;
    info->user = gm_user_of(arena, slot);
}

static int why_not(struct gm_arena *arena, const struct gm_request *request, struct gm_why_not *out)
{
    struct gm_why_not why = {.obstacle = GM_OBSTACLE_NONE};
    int result;
    if (request->place == GM_PLACE_FIXED) {
        uint64_t first;
        result = would_fit(arena, request, &first);
        if (result == -EBUSY)
            describe(arena, request, &why.range);
        if (result == -EBUSY || result == -ERANGE)
            why.obstacle = result == -EBUSY ? GM_OBSTACLE_TAKEN : GM_OBSTACLE_BOUNDS;
        result = result == -EBUSY || result == -ERANGE ? 0 : result;
    } else {
        result = gm_ask_check(arena, request); /* before its parts are left out */
        if (result == 0)
            result = find_obstacle(arena, request, &why.obstacle);
        if (result == 0 && why.obstacle != GM_OBSTACLE_NONE)
            result = gm_most_of_request(arena, request, &why.largest);
    }
    if (result == 0)
        *out = why;
    return result;
}

int gm_arena_why_not(struct gm_arena *arena, const struct gm_request *request, struct gm_why_not *out)
{
    if (arena == NULL || request == NULL || out == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = why_not(arena, request, out);
    if (result == 0 && out->obstacle != GM_OBSTACLE_NONE && gm_cache_again(arena, -ENOSPC))
        result = why_not(arena, request, out);
    return gm_arena_unlock(arena, result);
}

int gm_arena_largest(struct gm_arena *arena, uint64_t align, uint64_t *size)
{
    if (arena == NULL || size == NULL || (align & (align - 1)) != 0)
        return -EINVAL;
    gm_arena_lock(arena);
    if (arena->caches != NULL)
        (void)gm_cache_empty_all(arena);
    return gm_arena_unlock(arena, gm_most_aligned(arena, align, size));
}

static void fill_stats(const struct gm_arena *arena, struct gm_arena_stats *out)
{
    const struct gm_block *block = arena->block;
    uint64_t all = block->last - block->first + 1; /* modulo 2^64, as used */
    out->ranges = block->count;
    out->deferred = block->deferred;
    out->used_minus_1 = block->used - 1;
    out->free_minus_1 = all - block->used - 1;
    out->gaps = block->gaps + block->has_tail;
    out->largest_free = gm_most_free(arena);
    out->bytes = gm_block_bytes(arena);
    out->tree = block->tree;
    out->classes = arena->rows_live;
    out->class_builds = arena->class_builds;
    out->visited = arena->visited;
    out->visited_most = arena->visited_most;
    out->first = block->first;
    out->last = block->last;
    out->granule = block->granule;
    out->ranges_most = block->ranges_most;
}

int gm_arena_stats_get(struct gm_arena *arena, struct gm_arena_stats *out)
{
    if (arena == NULL || out == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    fill_stats(arena, out);
    return gm_arena_unlock(arena, 0);
}
