/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Operations that only look: find, next, get, stats; and a look at everything. */
#include <errno.h>

#include "lib/arena_model_world.h"

#define ULL(value) ((unsigned long long)(value))

static void compare(struct gmt_arena_world *world, const char *call, uint64_t number, unsigned piece, int got,
                    const struct gm_range_info *info)
{
    bool none = piece == world->model->count;
    struct gm_range_info right = {.first = 0};
    if (!none)
        right = gmt_arena_model_info(world->model, piece);
    if (got != (none ? -ENOENT : 0) || (!none && !gmt_same_info(info, &right)))
        gmt_arena_fail(world, "%s(%#llx): %d %#llx..%#llx flags %u handle %#llx user %#llx owner %u, expected "
                       "%#llx..%#llx flags %u handle %#llx user %#llx owner %u (piece %u of %u)", call, ULL(number),
                       got, ULL(info->first), ULL(info->last), info->flags, ULL(info->range), ULL(info->user),
                       info->owner, ULL(right.first), ULL(right.last), right.flags, ULL(right.range), ULL(right.user),
                       right.owner, piece, world->model->count);
}

static void compare_get(struct gmt_arena_world *world, unsigned range)
{
    struct gm_range_info info = {.first = 77}, right = gmt_arena_model_get(world->model, range);
    int got = gm_arena_get(world->arena, right.range, &info);
    if (got != 0 || !gmt_same_info(&info, &right))
        gmt_arena_fail(world, "get(%#llx): %d %#llx..%#llx flags %u handle %#llx, expected %#llx..%#llx",
                       ULL(right.range), got, ULL(info.first), ULL(info.last), info.flags, ULL(info.range),
                       ULL(right.first), ULL(right.last));
}

void gmt_arena_step_look(struct gmt_arena_world *world)
{
    struct gm_range_info info = {.first = 77};
    uint64_t number = gmt_draw_number(world);
    int got = gm_arena_find(world->arena, number, &info);
    compare(world, "find", number, gmt_arena_model_find(world->model, number), got, &info);
    got = gm_arena_next(world->arena, number, &info);
    compare(world, "next", number, gmt_arena_model_next(world->model, number), got, &info);
    if (world->model->live != 0)
        compare_get(world, gmt_draw_range(world));
    world->report->looked += 2;
}

void gmt_arena_step_stats(struct gmt_arena_world *world)
{
    struct gm_arena_stats got = {.ranges = 77}, want;
    gmt_expect_stats(world->model, &want);
    int result = gm_arena_stats_get(world->arena, &got);
    bool same = result == 0 && got.ranges == want.ranges && got.deferred == 0 && got.gaps == want.gaps &&
                got.largest_free == want.largest_free &&
                (want.ranges == 0 || got.used_minus_1 == want.used_minus_1) &&
                (want.largest_free == 0 || got.free_minus_1 == want.free_minus_1);
    if (!same)
        gmt_arena_fail(world, "stats: %d ranges %llu used-1 %#llx free-1 %#llx gaps %llu largest %#llx, expected "
                       "ranges %llu used-1 %#llx free-1 %#llx gaps %llu largest %#llx", result, ULL(got.ranges),
                       ULL(got.used_minus_1), ULL(got.free_minus_1), ULL(got.gaps), ULL(got.largest_free),
                       ULL(want.ranges), ULL(want.used_minus_1), ULL(want.free_minus_1), ULL(want.gaps),
                       ULL(want.largest_free));
    if (got.tree > 1 || got.classes > GM_ARENA_CLASSES || got.visited > got.visited_most || got.bytes == 0)
        gmt_arena_fail(world, "stats: tree %llu classes %llu visited %llu of %llu bytes %llu", ULL(got.tree),
                       ULL(got.classes), ULL(got.visited), ULL(got.visited_most), ULL(got.bytes));
}

/* Visit all as the header says: start at 0, go on at last + 1. */
static void walk(struct gmt_arena_world *world, const struct gm_arena *arena, const char *name)
{
    struct gm_range_info info = {.first = 77};
    uint64_t from = 0;
    for (unsigned i = 0; i < world->model->count && !world->report->failed; i++) {
        compare(world, name, from, i, gm_arena_next(arena, from, &info), &info);
        from = info.last + 1;
    }
    if (from != 0 || world->model->count == 0) /* it wraps when the last range ends at the top */
        compare(world, name, from, world->model->count, gm_arena_next(arena, from, &info), &info);
}

void gmt_arena_step_verify(struct gmt_arena_world *world)
{
    walk(world, world->arena, "next");
    if (world->twin != NULL)
        walk(world, world->twin, "next of the twin");
    for (unsigned i = 0; i < world->model->live; i++)
        compare_get(world, world->model->live_index[i]);
    gmt_arena_step_stats(world);
    const char *damage = world->check != NULL ? world->check(world->arena) : NULL;
    if (damage != NULL)
        gmt_arena_fail(world, "gm_arena_check: %s", damage);
}
