/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Calls on an arena that have to succeed, or to fail without a trace. */
#include "lib/arena_model_rig.h"

struct gm_arena *gmt_arena_open(uint64_t first, uint64_t last, uint64_t granule)
{
    const struct gm_arena_config config = {.first = first, .last = last, .granule = granule, .numa_node = -1};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    assert_non_null(arena);
    return arena;
}

void gmt_arena_dump(const struct gm_arena *arena, struct gmt_arena_dump *dump)
{
    uint64_t from = 0;
    memset(dump, 0, sizeof(*dump));
    while (gm_arena_next(arena, from, &dump->info[dump->count]) == 0) {
        from = dump->info[dump->count++].last + 1;
        if (from == 0)
            break;
        assert_true(dump->count < GMT_DUMP_RANGES);
    }
    /* these only look, but may not run beside changes, so that they want an arena that could be changed */
    assert_result(gm_arena_stats_get((struct gm_arena *)(uintptr_t)arena, &dump->stats), 0);
}

bool gmt_arena_same_dump(const struct gmt_arena_dump *a, const struct gmt_arena_dump *b)
{
    bool same = a->count == b->count && a->stats.ranges == b->stats.ranges && a->stats.gaps == b->stats.gaps &&
                a->stats.used_minus_1 == b->stats.used_minus_1 && a->stats.free_minus_1 == b->stats.free_minus_1 &&
                a->stats.largest_free == b->stats.largest_free && a->stats.deferred == b->stats.deferred;
    for (unsigned i = 0; same && i < a->count; i++) {
        const struct gm_range_info *x = &a->info[i], *y = &b->info[i];
        same = x->first == y->first && x->last == y->last && x->user == y->user && x->range == y->range &&
               x->owner == y->owner && x->flags == y->flags;
    }
    return same;
}

struct gm_range_info gmt_arena_take(struct gm_arena *arena, struct gm_request request)
{
    struct gm_range_info info, found;
    uint64_t first = 0;
    assert_result(gm_arena_would_fit(arena, &request, &first), 0);
    assert_result(gm_arena_take(arena, &request, &info), 0);
    if (request.place != GM_PLACE_RANDOM)
        assert_true(first == info.first);
    assert_true(info.last == info.first + (request.size - 1) && info.flags == 0);
    assert_true(info.owner == request.owner && info.user == request.user && info.range != 0);
    assert_result(gm_arena_find(arena, info.last, &found), 0);
    assert_true(found.first == info.first && found.last == info.last && found.range == info.range);
    return info;
}

void gmt_arena_refuse(struct gm_arena *arena, struct gm_request request, int error, const char *file, int line)
{
    static struct gmt_arena_dump before, after;
    struct gm_range_info info = {.first = 77, .last = 78};
    struct gm_why_not why = {.obstacle = GM_OBSTACLE_NONE};
    uint64_t first = 77;
    gmt_arena_dump(arena, &before);
    gmt_assert_result(gm_arena_take(arena, &request, &info), error, "gm_arena_take", file, line);
    gmt_assert_result(gm_arena_take(arena, &request, NULL), error, "gm_arena_take", file, line);
    if (error != -EDQUOT) {
        gmt_assert_result(gm_arena_would_fit(arena, &request, &first), error, "gm_arena_would_fit", file, line);
        int reason = gm_arena_why_not(arena, &request, &why);
        gmt_assert_result(reason, error == -EINVAL ? -EINVAL : 0, "gm_arena_why_not", file, line);
        assert_true(reason != 0 || why.obstacle != GM_OBSTACLE_NONE);
    }
    assert_true(info.first == 77 && info.last == 78 && first == 77);
    gmt_arena_dump(arena, &after);
    assert_true(gmt_arena_same_dump(&before, &after));
}

gm_range gmt_arena_reserve(struct gm_arena *arena, uint64_t first, uint64_t last)
{
    gm_range range = 0;
    assert_result(gm_arena_reserve(arena, first, last, 0, 0, &range), 0);
    assert_true(range != 0);
    return range;
}

uint64_t gmt_arena_largest(struct gm_arena *arena, uint64_t align)
{
    uint64_t size = 77;
    assert_result(gm_arena_largest(arena, align, &size), 0);
    return size;
}

bool gmt_arena_is_free(const struct gm_arena *arena, uint64_t first, uint64_t last)
{
    struct gm_range_info info;
    int result = gm_arena_next(arena, first, &info);
    return result == -ENOENT || (result == 0 && info.first > last);
}
