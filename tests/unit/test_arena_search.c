/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The search against brute force over the gaps, lowest and highest, with each kind of index, in windows that cut gaps
 * at both ends; and the promise about how many ranges it looks at, where gaps that are long enough but do not fit lie
 * in the way.
 */
#include "unit/arena_rig.h"

#include "alloc/place/search.h"

#define SPACE (UINT64_C(1) << 16)

static struct gm_arena *random_arena(uint64_t *seed, unsigned ranges)
{
    struct gm_arena *arena = arena_new(0, SPACE - 1, 1);
    for (unsigned i = 0; i < ranges; i++) {
        uint64_t first = gmt_rand_below(seed, SPACE), last = first + gmt_rand_below(seed, 2 * SPACE / (ranges + 1));
        int result = last < SPACE ? gm_arena_reserve(arena, first, last, 0, 0, NULL) : -ERANGE;
        assert_true(result == 0 || result == -EBUSY || result == -ERANGE);
    }
    return arena;
}

static struct gm_request random_request(uint64_t *seed)
{
    struct gm_request request = {.size = 1 + (gmt_rand_below(seed, 4096) >> gmt_rand_below(seed, 12))};
    switch (gmt_rand_below(seed, 3)) {
    case 0:
        request.align = UINT64_C(1) << gmt_rand_below(seed, 10);
        request.size = request.align;
        break;
    case 1:
        request.align = UINT64_C(1) << gmt_rand_below(seed, 10);
        request.phase = gmt_rand_below(seed, request.align);
        break;
    default:
        break;
    }
    if (gmt_rand_below(seed, 2) == 0) {
        request.min = gmt_rand_below(seed, SPACE);
        request.max = request.min + gmt_rand_below(seed, SPACE);
        request.max = request.max == 0 ? 1 : request.max;
    }
    if (gmt_rand_below(seed, 4) == 0)
        for (request.no_cross = 1u << gmt_rand_below(seed, 10); request.no_cross < request.size;)
            request.no_cross *= 2;
    return request;
}

/* 3 log2(n) + 8 */
static uint64_t bound(uint64_t n)
{
    return 3 * (n <= 1 ? 0 : gm_bit_length(n - 1)) + 8;
}

static void compare(struct gm_arena *arena, const struct gm_request *request)
{
    struct gm_ask ask;
    struct gm_spot spot;
    uint64_t want;
    assert_result(gm_ask_check(arena, request), 0);
    assert_result(gm_ask_make(arena, request, gm_max_u64(request->align, 1), &ask), 0);
    assert_result(gm_ask_index(arena, &ask), 0);
    for (unsigned end = 0; end < 2; end++) {
        bool found = brute_force(arena, &ask, end, &want);
        arena->looked_at = 0;
        assert_result(gm_search(arena, &ask, end, &spot), found ? 0 : -ENOSPC);
        if (found)
            assert_true(spot.first == want);
        if (arena->block->tree && ask.cross == 0 && ask.kind != GM_INDEX_LOOSE)
            assert_in_range(arena->looked_at, 0, bound(arena->block->count));
    }
}

static void at_random(void **state)
{
    uint64_t seed = 7;
    (void)state;
    for (unsigned round = 0; round < 150; round++) {
        struct gm_arena *arena = random_arena(&seed, round < 50 ? round * 2 : 100 + round * 20);
        for (unsigned i = 0; i < 400; i++) {
            struct gm_request request = random_request(&seed);
            compare(arena, &request);
        }
        gm_arena_destroy(arena);
    }
}

/* Gaps that are long enough, but not at the alignment; only the last one is. */
static void traps(void **state)
{
    const uint64_t mib = UINT64_C(1) << 20;
    (void)state;
    for (uint64_t count = 100; count <= 30000; count *= 5) {
        struct gm_arena *arena = arena_new(0, 8 * mib * (count + 1) - 1, 4096);
        for (uint64_t i = 0; i < count; i++) {
            uint64_t at = 8 * mib * i;
            assert_result(gm_arena_reserve(arena, at, at + 4095, 0, 0, NULL), 0);
            assert_result(gm_arena_reserve(arena, at + 2 * mib + 4096, at + 8 * mib - 1, 0, 0, NULL), 0);
        }
        assert_result(gm_arena_reserve(arena, 8 * mib * count + 2 * mib, 8 * mib * (count + 1) - 1, 0, 0, NULL), 0);
        struct gm_request natural = {.size = 2 * mib, .align = 2 * mib};
        struct gm_request other = {.size = 2 * mib - 4096, .align = 4 * mib};
        struct gm_request phased = {.size = 2 * mib - 8192, .align = 2 * mib, .phase = 4096};
        struct gm_request low = {.size = 4096, .max = 8 * mib - 1, .place = GM_PLACE_HIGHEST};
        struct gm_request *requests[] = {&natural, &other, &phased, &low};
        for (unsigned i = 0; i < 4; i++) {
            struct gm_range_info info;
            assert_result(gm_arena_take(arena, requests[i], &info), 0);
            assert_in_range(arena_stats(arena).visited, 0, bound(2 * count + 1));
            if (i < 2)
                assert_true(info.first == 8 * mib * count);
            assert_result(gm_arena_give(arena, info.range), 0);
        }
        assert_in_range(arena_stats(arena).visited_most, 1, bound(2 * count + 1));
        struct gm_request never = {.size = 4 * mib};
        assert_result(gm_arena_take(arena, &never, NULL), -ENOSPC);
        assert_int_equal(arena_stats(arena).visited, 1 * (2 * count + 1 > GM_FLAT)); /* the root says no */
        gm_arena_destroy(arena);
    }
}

/* Walking visits each gap that is long enough, once and in order. */
static void walks(void **state)
{
    uint64_t seed = 3;
    (void)state;
    for (unsigned ranges = 0; ranges < 1000; ranges += 90) {
        struct gm_arena *arena = random_arena(&seed, ranges);
        struct gm_ask ask = {.reach = 19, .inner = 20, .max = UINT64_MAX, .kind = GM_INDEX_MAX};
        struct gm_walk walk = {.any = false};
        struct gm_gap gap;
        bool more = gm_search_walk(arena, &ask, &walk);
        uint32_t slot = gm_ranges_seek(arena, 0);
        for (bool last = false; !last; slot = gm_ranges_beside(arena, slot, 1)) {
            last = slot == 0;
            if (!gm_ranges_gap(arena, slot, &gap) || gap.last - gap.first < 19)
                continue;
            while (more && walk.gap.last - walk.gap.first < 19)
                more = gm_search_walk(arena, &ask, &walk); /* the array knows lengths by their bits only */
            assert_true(more && walk.slot == slot && walk.gap.first == gap.first);
            more = gm_search_walk(arena, &ask, &walk);
        }
        assert_false(more && walk.gap.last - walk.gap.first >= 19);
        gm_arena_destroy(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(at_random), cmocka_unit_test(traps), cmocka_unit_test(walks)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
