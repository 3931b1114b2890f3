/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Checking requests, and turning them into what a search needs. */
#include "alloc/place/ask.h"

#include <errno.h>

#include "alloc/order/rows.h"
#include "base/math.h"

static bool is_power(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* What few requests have. */
static bool rest_is_sound(const struct gm_request *request, uint64_t granule)
{
    if (!gm_is_aligned(request->guard_before | request->guard_after | request->phase, granule))
        return false;
    if (request->no_cross != 0 && (!is_power(request->no_cross) || request->no_cross < request->size))
        return false;
    if (request->ladder != 0)
        return request->align == 0 && request->phase == 0;
    return request->phase < gm_max_u64(request->align, granule);
}

int gm_ask_check(const struct gm_arena *arena, const struct gm_request *request)
{
    uint64_t granule = arena->block->granule;
    uint64_t rest = request->guard_before | request->guard_after | request->phase | request->ladder | request->no_cross;
    bool sound = request->size != 0 && gm_is_aligned(request->size, granule) &&
                 (request->align & (request->align - 1)) == 0 && request->min <= gm_ask_window_last(request) &&
                 (unsigned)request->place <= GM_PLACE_RANDOM;
    return sound && (rest == 0 || rest_is_sound(request, granule)) ? 0 : -EINVAL;
}

int gm_ask_make(const struct gm_arena *arena, const struct gm_request *request, uint64_t align, struct gm_ask *out)
{
    uint64_t last = gm_ask_window_last(request);
    uint64_t reach;
    if (!gm_add_ok(request->size - 1, request->guard_before, &reach) || !gm_add_ok(reach, request->guard_after, &reach))
        return -ENOSPC;
    out->reach = reach;
    out->mask = gm_max_u64(align, arena->block->granule) - 1;
    out->phase = (request->phase - request->guard_before) & out->mask;
    out->min = request->min >= request->guard_before ? request->min - request->guard_before : 0;
    out->max = gm_add_ok(last, request->guard_after, &last) ? last : UINT64_MAX;
    out->before = request->guard_before;
    out->after = request->guard_after;
    out->inner = request->size;
    out->cross = request->no_cross;
    out->caps = NULL;
    out->kind = GM_INDEX_LOOSE;
    out->order = 0;
    return 0;
}

int gm_ask_index(struct gm_arena *arena, struct gm_ask *ask)
{
    const struct gm_row *row;
    if (ask->mask < arena->block->granule) {
        ask->kind = GM_INDEX_MAX;
        return 0;
    }
    if (ask->phase == 0 && ask->reach == ask->mask) {
        ask->kind = GM_INDEX_ORDER;
        ask->order = (uint8_t)(__builtin_ctzll(ask->reach + 1) + 1);
        return 0;
    }
    if (!arena->block->tree)
        return 0;
    int result = gm_rows_of(arena, ask->mask, ask->phase, &row);
    if (result == 0 && row != NULL) {
        ask->kind = GM_INDEX_ROW;
        ask->caps = row->caps;
    }
    return result;
}
