/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Operations that are given a request: take it, ask whether it would fit, and why it does not. */
#include <errno.h>
#include <string.h>

#include "lib/arena_model_world.h"

/* So many visits are promised for a search among so many ranges: 3 log2(ranges) + 8. */
static bool within_bound(uint64_t visited, uint64_t ranges)
{
    if (visited <= 8)
        return true;
    if (visited - 8 >= 96)
        return false;
    __extension__ unsigned __int128 cube = ranges;
    cube = cube * cube * cube;
    return (cube >> (visited - 8)) != 0;
}

/* Searches whose cost the contract bounds, where every alignment of the run is indexed. */
static bool is_bounded(const struct gmt_arena_world *world, const struct gm_request *request)
{
    bool simple = request->place == GM_PLACE_LOWEST || request->place == GM_PLACE_HIGHEST ||
                  request->place == GM_PLACE_FIXED;
    return simple && world->plain && request->no_cross == 0;
}

static void check_visits(struct gmt_arena_world *world, const struct gm_request *request,
                         const struct gm_arena_stats *before)
{
    struct gm_arena_stats stats;
    if (before->tree == 0 || !is_bounded(world, request) || gm_arena_stats_get(world->arena, &stats) != 0)
        return;
    if (!within_bound(stats.visited, before->ranges))
        gmt_arena_fail_request(world, request, "visited %llu of %llu ranges", (unsigned long long)stats.visited,
                               (unsigned long long)before->ranges);
}

static bool twin_agrees(struct gmt_arena_world *world, const struct gm_request *request, int result,
                        const struct gm_range_info *info)
{
    struct gm_range_info other;
    if (world->twin == NULL)
        return true;
    int second = gm_arena_take(world->twin, request, &other);
    return second == result && (result != 0 || gmt_same_info(info, &other));
}

/* The place is right, and the rest of the answer is what was asked for. */
static bool good_answer(struct gmt_arena_world *world, const struct gm_request *request,
                        const struct gm_range_info *info, uint64_t first)
{
    bool right = request->place == GM_PLACE_RANDOM ? gmt_expect_random(world->model, request, info->first)
                                                   : info->first == first;
    return right && info->last == info->first + (request->size - 1) && info->user == request->user &&
           info->owner == request->owner && info->flags == 0 && info->range != 0;
}

static void record_taken(struct gmt_arena_world *world, const struct gm_request *request,
                         const struct gm_range_info *info)
{
    struct gmt_arena_model *model = world->model;
    struct gmt_range range = {.first = info->first, .last = info->last, .before = request->guard_before,
                              .after = request->guard_after, .user = info->user, .owner = info->owner,
                              .handle = info->range};
    gmt_arena_model_add(model, &range);
    world->report->taken++;
    if (request->place == GM_PLACE_NEXT) {
        model->has_cursor = true;
        model->cursor = info->last;
    }
}

void gmt_arena_step_take(struct gmt_arena_world *world)
{
    struct gm_request request = gmt_draw_request(world);
    struct gm_range_info info = {.first = 77};
    struct gm_arena_stats before;
    uint64_t first = 0;
    int want = gmt_expect_take(world->model, &request, &first);
    bool silent = gmt_once_in(world->stream, 32) && request.place != GM_PLACE_RANDOM;
    if (gm_arena_stats_get(world->arena, &before) != 0)
        gmt_arena_fail(world, "gm_arena_stats_get failed");
    int got = gm_arena_take(world->arena, &request, silent ? NULL : &info);
    if (got == want && want != -EINVAL)
        check_visits(world, &request, &before);
    if (got == 0 && want == 0 && silent && gm_arena_find(world->arena, first, &info) != 0)
        gmt_arena_fail_request(world, &request, "not found at %#llx", (unsigned long long)first);
    if (got != want || (got == 0 && !good_answer(world, &request, &info, first)))
        gmt_arena_fail_request(world, &request, "take: %d at %#llx..%#llx, expected %d at %#llx", got,
                               (unsigned long long)info.first, (unsigned long long)info.last, want,
                               (unsigned long long)first);
    if (!twin_agrees(world, &request, got, &info))
        gmt_arena_fail_request(world, &request, "take: twins differ");
    if (got != 0 && info.first != 77)
        gmt_arena_fail_request(world, &request, "take: out was written, but %d returned", got);
    if (world->report->failed || got != 0)
        world->report->refused++;
    else
        record_taken(world, &request, &info);
}

void gmt_arena_step_would_fit(struct gmt_arena_world *world)
{
    struct gm_request request = gmt_draw_request(world);
    uint64_t first = 77, right = 77, second = 77;
    int want = gmt_expect_would_fit(world->model, &request, &right);
    int got = gm_arena_would_fit(world->arena, &request, &first);
    world->report->asked++;
    if (got != want || first != right)
        gmt_arena_fail_request(world, &request, "would_fit: %d at %#llx, expected %d at %#llx", got,
                               (unsigned long long)first, want, (unsigned long long)right);
    if (world->twin != NULL && (gm_arena_would_fit(world->twin, &request, &second) != got || second != first))
        gmt_arena_fail_request(world, &request, "would_fit: twins differ");
}

static bool same_reason(const struct gm_why_not *got, const struct gm_why_not *want)
{
    bool sized = want->obstacle == GM_OBSTACLE_SPACE || want->obstacle == GM_OBSTACLE_ALIGNMENT ||
                 want->obstacle == GM_OBSTACLE_WINDOW;
    if (got->obstacle != want->obstacle || (sized && got->largest != want->largest))
        return false;
    return want->obstacle != GM_OBSTACLE_TAKEN || gmt_same_info(&got->range, &want->range);
}

void gmt_arena_step_why_not(struct gmt_arena_world *world)
{
    struct gm_request request = gmt_draw_request(world);
    struct gm_why_not why, right;
    if (world->plain && request.align == request.size)
        return; /* how much would fit is no question about natural blocks: it would be one more class */
    memset(&why, 0x5a, sizeof(why));
    memset(&right, 0x5a, sizeof(right));
    int want = gmt_expect_why_not(world->model, &request, &right);
    int got = gm_arena_why_not(world->arena, &request, &why);
    world->report->asked++;
    if (got != want || (got == 0 && !same_reason(&why, &right)))
        gmt_arena_fail_request(world, &request, "why_not: %d obstacle %d largest %#llx range %#llx..%#llx, expected %d "
                               "obstacle %d largest %#llx range %#llx..%#llx", got, (int)why.obstacle,
                               (unsigned long long)why.largest, (unsigned long long)why.range.first,
                               (unsigned long long)why.range.last, want, (int)right.obstacle,
                               (unsigned long long)right.largest, (unsigned long long)right.range.first,
                               (unsigned long long)right.range.last);
    if (world->twin != NULL && gm_arena_why_not(world->twin, &request, &why) != got)
        gmt_arena_fail_request(world, &request, "why_not: twins differ");
}

void gmt_arena_step_largest(struct gmt_arena_world *world)
{
    uint64_t size = 77, right = 77, align = 0;
    uint64_t kind = gmt_pick(world->stream, 4);
    if (kind == 0 && world->kinds != 0 && world->kind[0].phase == 0)
        align = world->kind[0].align;
    else if (kind != 1 && !world->plain)
        align = kind == 2 ? UINT64_C(1) << gmt_pick(world->stream, 64) : gmt_take(world->stream, 2);
    int want = gmt_expect_largest(world->model, align, &right);
    int got = gm_arena_largest(world->arena, align, &size);
    world->report->asked++;
    if (got != want || size != right)
        gmt_arena_fail(world, "largest(%#llx): %d %#llx, expected %d %#llx", (unsigned long long)align, got,
                       (unsigned long long)size, want, (unsigned long long)right);
    if (world->twin != NULL && (gm_arena_largest(world->twin, align, &size) != got || (got == 0 && size != right)))
        gmt_arena_fail(world, "largest(%#llx): twins differ", (unsigned long long)align);
}
