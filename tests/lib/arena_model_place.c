/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Placement: each policy is said in terms of the lowest and the highest place that starts between two numbers. */
#include "lib/arena_model_place.h"

#include <errno.h>

static bool is_power(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static bool up(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to, uint64_t *start)
{
    uint64_t place = 0, other = 0;
    bool found = gmt_gaps_up(model, want, from, to, &place);
    if (model->cells != 0 && (gmt_cells_up(model, want, from, to, &other) != found || (found && other != place)))
        model->quarrel = true;
    if (found)
        *start = place;
    return found;
}

static bool down(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                 uint64_t *start)
{
    uint64_t place = 0, other = 0;
    bool found = gmt_gaps_down(model, want, from, to, &place);
    if (model->cells != 0 && (gmt_cells_down(model, want, from, to, &other) != found || (found && other != place)))
        model->quarrel = true;
    if (found)
        *start = place;
    return found;
}

static uint64_t largest(struct gmt_arena_model *model, const struct gmt_want *want)
{
    uint64_t size = gmt_gaps_largest(model, want);
    if (model->cells != 0 && gmt_cells_largest(model, want) != size)
        model->quarrel = true;
    return size;
}

/* Fields that contradict their descriptions, one after the other. */
static int judge(const struct gmt_arena_model *model, const struct gm_request *request)
{
    uint64_t granules = request->size | request->phase | request->guard_before | request->guard_after;
    uint64_t align = request->align < model->granule ? model->granule : request->align;
    if (request->size == 0 || granules % model->granule != 0)
        return -EINVAL;
    if ((request->align != 0 && !is_power(request->align)) || request->phase >= align)
        return -EINVAL;
    if (request->ladder != 0 && (request->align != 0 || request->phase != 0))
        return -EINVAL;
    if (request->max != 0 && request->min > request->max)
        return -EINVAL;
    if (request->no_cross != 0 && (!is_power(request->no_cross) || request->no_cross < request->size))
        return -EINVAL;
    return (unsigned)request->place > GM_PLACE_RANDOM ? -EINVAL : 0;
}

static struct gmt_want want_of(const struct gmt_arena_model *model, const struct gm_request *request, uint64_t align)
{
    return (struct gmt_want){
        .size = request->size, .align = align < model->granule ? model->granule : align, .phase = request->phase,
        .min = request->min, .max = request->max != 0 ? request->max : UINT64_MAX, .before = request->guard_before,
        .after = request->guard_after, .no_cross = request->no_cross};
}

static uint64_t lowest_rung(const struct gm_request *request)
{
    return request->ladder != 0 ? request->ladder & (0 - request->ladder) : request->align;
}

static bool nearest(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t near, uint64_t *start)
{
    uint64_t below = 0, above = 0;
    bool has_below = down(model, want, 0, near, &below), has_above = up(model, want, near, UINT64_MAX, &above);
#ifdef GM_FUZZ_CANARY /* tests/fuzz/arena_fuzz.c */
    bool below_is_nearer = near - below < above - near;
#else
    bool below_is_nearer = near - below <= above - near;
#endif
    if (has_below && (!has_above || below_is_nearer))
        *start = below;
    else if (has_above)
        *start = above;
    return has_below || has_above;
}

static bool next_one(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t *start)
{
    if (model->has_cursor && model->cursor != UINT64_MAX &&
        up(model, want, model->cursor + 1, UINT64_MAX, start))
        return true;
    return up(model, want, 0, UINT64_MAX, start);
}

static bool best(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t *start)
{
    uint64_t first = 0, last = 0, place = 0, shortest = UINT64_MAX;
    bool found = false;
    for (int i = -1; i < (int)model->count; i++) {
        if (!gmt_arena_model_gap(model, i, &first, &last) || (found && last - first >= shortest))
            continue;
        if (last - first < want->size - 1 || !up(model, want, first, last, &place))
            continue;
        found = true;
        shortest = last - first;
        *start = place;
    }
    return found;
}

static bool place_for(struct gmt_arena_model *model, const struct gm_request *request, const struct gmt_want *want,
                      uint64_t *start)
{
    switch (request->place) {
    case GM_PLACE_HIGHEST:
        return down(model, want, 0, UINT64_MAX, start);
    case GM_PLACE_FIXED:
        return up(model, want, request->near, request->near, start);
    case GM_PLACE_NEAR:
        return nearest(model, want, request->near, start);
    case GM_PLACE_NEXT:
        return next_one(model, want, start);
    case GM_PLACE_BEST:
        return best(model, want, start);
    default:
        return up(model, want, 0, UINT64_MAX, start);
    }
}

/* The highest rung with a place, or the only alignment. */
static bool chosen(struct gmt_arena_model *model, const struct gm_request *request, uint64_t *align)
{
    uint64_t place;
    *align = request->align;
    if (request->ladder == 0)
        return true;
    for (uint64_t rung = UINT64_C(1) << 63; rung != 0; rung >>= 1) {
        struct gmt_want want = want_of(model, request, rung);
        *align = rung;
        if ((request->ladder & rung) != 0 && up(model, &want, 0, UINT64_MAX, &place))
            return true;
    }
    return false;
}

/* Whether a fixed place would be refused even if nothing were taken. */
static bool out_of_bounds(struct gmt_arena_model *model, const struct gm_request *request)
{
    struct gmt_want want = want_of(model, request, lowest_rung(request));
    unsigned count = model->count;
    uint64_t place;
    model->count = 0;
    bool found = gmt_gaps_up(model, &want, request->near, request->near, &place);
    model->count = count;
    return !found;
}

int gmt_expect_would_fit(struct gmt_arena_model *model, const struct gm_request *request, uint64_t *first)
{
    int error = judge(model, request);
    uint64_t align = lowest_rung(request);
    if (error != 0)
        return error;
    bool fixed = request->place == GM_PLACE_FIXED;
    if (fixed && out_of_bounds(model, request))
        return -ERANGE;
    if (!fixed && !chosen(model, request, &align))
        return -ENOSPC;
    struct gmt_want want = want_of(model, request, align);
    if (place_for(model, request, &want, first))
        return 0;
    return fixed ? -EBUSY : -ENOSPC;
}

int gmt_expect_take(struct gmt_arena_model *model, const struct gm_request *request, uint64_t *first)
{
    int error = gmt_expect_would_fit(model, request, first);
    uint64_t pieces = 1u + (request->guard_before != 0) + (request->guard_after != 0);
    if (error == 0 && model->count + pieces > model->ranges_most)
        return -EDQUOT;
    return error;
}

bool gmt_expect_random(struct gmt_arena_model *model, const struct gm_request *request, uint64_t first)
{
    uint64_t align, place;
    if (!chosen(model, request, &align))
        return false;
    struct gmt_want want = want_of(model, request, align);
    return up(model, &want, first, first, &place);
}

static bool long_enough(const struct gmt_arena_model *model, const struct gmt_want *want)
{
    struct gmt_want anywhere = {.size = want->size, .align = model->granule, .max = UINT64_MAX,
                                .before = want->before, .after = want->after};
    uint64_t place;
    return gmt_gaps_up(model, &anywhere, 0, UINT64_MAX, &place);
}

static enum gm_obstacle obstacle_of(struct gmt_arena_model *model, const struct gmt_want *want)
{
    struct gmt_want no_window = *want;
    uint64_t place;
    no_window.min = 0;
    no_window.max = UINT64_MAX;
    if (!long_enough(model, want))
        return GM_OBSTACLE_SPACE;
    return up(model, &no_window, 0, UINT64_MAX, &place) ? GM_OBSTACLE_WINDOW : GM_OBSTACLE_ALIGNMENT;
}

int gmt_expect_why_not(struct gmt_arena_model *model, const struct gm_request *request, struct gm_why_not *why)
{
    uint64_t place;
    int error = gmt_expect_would_fit(model, request, &place);
    if (error == -EINVAL)
        return error;
    *why = (struct gm_why_not){.obstacle = GM_OBSTACLE_NONE};
    if (error == -ERANGE)
        why->obstacle = GM_OBSTACLE_BOUNDS;
    if (error == -EBUSY) {
        uint64_t last = request->near + (request->size - 1) + request->guard_after;
        why->obstacle = GM_OBSTACLE_TAKEN;
        why->range = gmt_arena_model_info(model, gmt_arena_model_overlap(model, request->near - request->guard_before,
                                                                         last, GMT_ARENA_RANGES));
    }
    if (error == -ENOSPC) {
        struct gmt_want want = want_of(model, request, lowest_rung(request));
        why->obstacle = obstacle_of(model, &want);
        why->largest = largest(model, &want);
    }
    return 0;
}

int gmt_expect_largest(struct gmt_arena_model *model, uint64_t align, uint64_t *size)
{
    struct gmt_want want = {.size = model->granule, .align = align < model->granule ? model->granule : align,
                            .max = UINT64_MAX};
    if (align != 0 && !is_power(align))
        return -EINVAL;
    *size = largest(model, &want);
    return 0;
}
