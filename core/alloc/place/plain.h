/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What most requests to an arena of few ranges are: size, alignment and window, at the lowest, the highest or a fixed
 * place. Found without translating them first. Who has more to ask, or asks for what cannot be, goes the general way
 * (place.h), which has the same answers, and tells errors.
 */
#ifndef GM_ALLOC_PLACE_PLAIN_H
#define GM_ALLOC_PLACE_PLAIN_H

#include <errno.h>

#include "alloc/place/array.h"

struct gm_plain_spot {
    uint64_t first;
    uint32_t position; /* in the array, of the range behind it; flat_end: the tail */
};

/* It asks for nothing else, and that soundly, but for its window. */
GM_ARRAY_INLINE bool gm_plain_is(const struct gm_block *block, const struct gm_request *request)
{
    uint64_t rest = request->guard_before | request->guard_after | request->phase | request->ladder | request->no_cross;
    uint64_t off = (request->size & (block->granule - 1)) | (request->align & (request->align - 1));
    return (rest | off) == 0 && request->size != 0;
}

/* The same of one for a fixed place, which has to be in the arena and the window; last is the end of that. */
GM_ARRAY_INLINE bool gm_plain_is_fixed(const struct gm_block *block, const struct gm_request *request, uint64_t last)
{
    uint64_t first = request->near, mask = gm_max_u64(request->align, block->granule) - 1;
    return gm_plain_is(block, request) && (first & mask) == 0 && last >= first && first >= block->first &&
           first >= request->min && last <= block->last && last <= gm_ask_window_last(request);
}

/* The tail is the highest gap. */
GM_ARRAY_INLINE bool gm_plain_tail(const struct gm_arena *arena, const struct gm_ask *ask, unsigned end,
                                   struct gm_plain_spot *out)
{
    const struct gm_block *block = arena->block;
    struct gm_gap gap = {block->tail_first, block->last};
    out->position = block->flat_end;
    return block->has_tail &&
           (end == 0 ? gm_fit_lowest(ask, gap, &out->first) : gm_fit_highest(ask, gap, &out->first));
}

GM_ARRAY_INLINE bool gm_plain_fixed(const struct gm_arena *arena, const struct gm_request *request,
                                    struct gm_plain_spot *out)
{
    uint64_t last = request->near + (request->size - 1);
    if (!gm_plain_is_fixed(arena->block, request, last))
        return false;
    out->first = request->near;
    out->position = gm_flat_seek_free(arena, request->near);
    return out->position == arena->block->flat_end || gm_array_node(arena, out->position)->first > last;
}

GM_ARRAY_INLINE bool gm_plain_end(struct gm_arena *arena, const struct gm_ask *ask, unsigned end,
                                  struct gm_plain_spot *out)
{
    if (end == 1 && gm_plain_tail(arena, ask, 1, out))
        return true;
    out->position = end == 0 ? gm_array_lowest(arena, ask, &out->first) : gm_array_highest(arena, ask, &out->first);
    return out->position < GM_FLAT || (end == 0 && gm_plain_tail(arena, ask, 0, out));
}

/* Nothing but counters is changed. Returns 0; -ENOSPC; 1: see above. */
GM_ARRAY_INLINE int gm_plain_place(struct gm_arena *arena, const struct gm_request *request, struct gm_plain_spot *out)
{
    const struct gm_block *block = arena->block;
    const struct gm_ask ask = {.reach = request->size - 1,
                               .mask = gm_max_u64(request->align, block->granule) - 1,
                               .min = request->min,
                               .max = gm_ask_window_last(request),
                               .inner = request->size};
    bool found;
    arena->looked_at = 0;
    if (request->place == GM_PLACE_FIXED) {
        arena->visited = 0;
        return gm_plain_fixed(arena, request, out) ? 0 : 1;
    }
    if (!gm_plain_is(block, request) || ask.min > ask.max || (unsigned)request->place > GM_PLACE_HIGHEST)
        return 1;
    if (request->place == GM_PLACE_LOWEST)
        found = gm_plain_end(arena, &ask, 0, out);
    else
        found = gm_plain_end(arena, &ask, 1, out);
    arena->visited = arena->looked_at;
    arena->visited_most = gm_max_u64(arena->visited_most, arena->visited);
    return found ? 0 : -ENOSPC;
}

#endif
