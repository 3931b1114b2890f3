/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The hardest cases of range allocation, in which published allocators panic, lose addresses or hand them out twice.
 * Where each is:
 *    1 the top and the whole space        here: top_of_the_space, whole_space_*, sums_that_wrap
 *    2 the exact aligned fit              here: exact_aligned_fit
 *    3 clipped gaps                       here: window_*, best_counts_gaps_whole
 *    4 fixed addresses                    here: fixed_over_used_and_outside
 *    5 wrong frees                        test_arena_misuse.c; from another thread test_arena_readers.c
 *    6 failure atomicity                  here: quota_leaves_no_trace; test_arena_memory.c
 *    7 alignment extremes, and what just  test_arena_align.c
 *      missed the list
 *    8 moves onto itself                  test_arena_move.c; beside lookups test_arena_readers.c
 *    9 unplug and replug beside readers   test_arena_readers.c
 *   10 determinism                        test_arena_move.c; prop/arena_ops.c has twins
 */
#include "lib/arena_model_rig.h"

#define TOP UINT64_MAX
#define PAGE UINT64_C(0x1000)

/* 1: what ends at 2^64 - 1, and all of 2^64. */
static void top_of_the_space(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, TOP, PAGE);
    assert_takes(arena, TOP - PAGE + 1, .size = PAGE, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, TOP - 3 * PAGE + 1, .size = 2 * PAGE, .place = GM_PLACE_FIXED, .near = TOP - 3 * PAGE + 1);
    assert_refuses(arena, -ERANGE, .size = 2 * PAGE, .place = GM_PLACE_FIXED, .near = TOP - PAGE + 1);
    assert_result(gm_arena_give_at(arena, TOP), 0);
    assert_result(gm_arena_give_at(arena, TOP - PAGE), 0);
    assert_true(gmt_arena_largest(arena, 0) == TOP);
    assert_takes(arena, UINT64_C(1) << 63, .size = UINT64_C(1) << 63, .align = UINT64_C(1) << 63,
                 .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 0, .size = UINT64_C(1) << 63, .align = UINT64_C(1) << 63);
    assert_true(gmt_arena_largest(arena, 0) == 0);
    assert_refuses(arena, -ENOSPC, .size = PAGE);
    gm_arena_destroy(arena);
}

static void whole_space_in_one_range(void **state)
{
    (void)state;
    static struct gmt_arena_dump dump;
    struct gm_arena *arena = gmt_arena_open(0, TOP, 1);
    assert_takes(arena, 0, .size = TOP);
    assert_takes(arena, TOP, .size = 1);
    assert_result(gm_arena_give_at(arena, 5), 0);
    assert_result(gm_arena_give_at(arena, TOP), 0);
    gm_range all = gmt_arena_reserve(arena, 0, TOP);
    gmt_arena_dump(arena, &dump);
    assert_true(dump.count == 1 && dump.info[0].first == 0 && dump.info[0].last == TOP);
    assert_true(dump.stats.used_minus_1 == TOP && dump.stats.gaps == 0 && dump.stats.largest_free == 0);
    assert_refuses(arena, -ENOSPC, .size = 1);
    assert_refuses(arena, -EBUSY, .size = 1, .place = GM_PLACE_FIXED, .near = TOP);
    assert_result(gm_arena_resize(arena, all, TOP - 1), 0);
    assert_takes(arena, TOP, .size = 1, .place = GM_PLACE_NEXT);
    assert_result(gm_arena_give_at(arena, TOP), 0);
    assert_result(gm_arena_resize(arena, all, TOP), 0);
    assert_result(gm_arena_relocate(arena, all, 0), 0);
    assert_no_trace(arena, gm_arena_relocate(arena, all, 1), -ERANGE);
    assert_result(gm_arena_give_exact(arena, 0, TOP, 0), 0);
    gmt_arena_dump(arena, &dump);
    assert_true(dump.count == 0 && dump.stats.free_minus_1 == TOP && dump.stats.largest_free == TOP);
    gm_arena_destroy(arena);
}

/* A range and its guards are 2^64 numbers together, which is no 64-bit number. */
static void whole_space_with_guards(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, TOP, PAGE);
    struct gm_request request = {.size = 0 - 2 * PAGE, .align = 2 * PAGE, .guard_before = PAGE, .guard_after = PAGE};
    struct gm_why_not why;
    gmt_arena_refuse(arena, request, -ENOSPC, __FILE__, __LINE__);
    assert_result(gm_arena_why_not(arena, &request, &why), 0);
    assert_true(why.obstacle == GM_OBSTACLE_ALIGNMENT && why.largest == 0 - 3 * PAGE);
    request.align = 0;
    assert_true(gmt_arena_take(arena, request).first == PAGE);
    assert_refuses(arena, -ENOSPC, .size = PAGE);
    assert_result(gm_arena_give_at(arena, TOP), 0);
    assert_true(gmt_arena_is_free(arena, 0, TOP));
    gm_arena_destroy(arena);
}

/* Rounding up, adding sizes and adding guards all pass the top here. */
static void sums_that_wrap(void **state)
{
    (void)state;
    const uint64_t half = UINT64_C(1) << 63;
    struct gm_arena *arena = gmt_arena_open(TOP - 16 * PAGE + 1, TOP, PAGE);
    assert_refuses(arena, -ENOSPC, .size = PAGE, .align = half);
    assert_refuses(arena, -ENOSPC, .size = 0 - PAGE);
    assert_refuses(arena, -ENOSPC, .size = half, .align = half);
    assert_refuses(arena, -ENOSPC, .size = PAGE, .guard_before = 0 - PAGE, .guard_after = 0 - PAGE);
    assert_refuses(arena, -ENOSPC, .size = 0 - PAGE, .guard_before = PAGE, .place = GM_PLACE_HIGHEST);
    assert_refuses(arena, -ERANGE, .size = 0 - PAGE, .place = GM_PLACE_FIXED, .near = TOP - 16 * PAGE + 1);
    assert_refuses(arena, -ERANGE, .size = PAGE, .guard_after = 0 - PAGE, .place = GM_PLACE_FIXED,
                   .near = TOP - 16 * PAGE + 1);
    assert_takes(arena, TOP - 4 * PAGE + 1, .size = PAGE, .align = 4 * PAGE, .place = GM_PLACE_HIGHEST);
    gm_range top = gmt_arena_reserve(arena, TOP - PAGE + 1, TOP);
    assert_no_trace(arena, gm_arena_relocate(arena, top, 0), -ERANGE);
    assert_no_trace(arena, gm_arena_resize(arena, top, PAGE - 1), -EINVAL);
    assert_result(gm_arena_relocate(arena, top, TOP - 2 * PAGE + 1), 0);
    assert_result(gm_arena_resize(arena, top, TOP), 0);
    gm_arena_destroy(arena);
}

/* 2: the only gap is aligned and exactly as long as what is asked for. */
static void exact_aligned_fit(void **state)
{
    (void)state;
    const uint64_t size = UINT64_C(16) << 20, at = 5 * size;
    static const enum gm_place places[] = {GM_PLACE_LOWEST, GM_PLACE_HIGHEST, GM_PLACE_NEAR, GM_PLACE_NEXT,
                                           GM_PLACE_BEST, GM_PLACE_RANDOM, GM_PLACE_FIXED};
    struct gm_arena *arena = gmt_arena_open(0, 64 * size - 1, PAGE);
    gmt_arena_reserve(arena, 0, at - 1);
    gmt_arena_reserve(arena, at + size, 64 * size - 1);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        for (unsigned windowed = 0; windowed < 2; windowed++) {
            struct gm_request request = {.size = size, .align = size, .place = places[i], .near = at};
            request.min = windowed != 0 ? at : 0;
            request.max = windowed != 0 ? at + size - 1 : 0;
            struct gm_range_info info = gmt_arena_take(arena, request);
            assert_true(info.first == at);
            assert_result(gm_arena_give(arena, info.range), 0);
            request.max = at + size - 2;
            gmt_arena_refuse(arena, request, places[i] == GM_PLACE_FIXED ? -ERANGE : -ENOSPC, __FILE__, __LINE__);
        }
    }
    gm_arena_destroy(arena);
}

/* 3: windows that begin and end inside of gaps, inclusive at both ends. */
static void window_inside_one_gap(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 0x10);
    assert_takes(arena, 0x110, .size = 0x20, .min = 0x101, .max = 0x12f);
    assert_refuses(arena, -ENOSPC, .size = 0x20, .min = 0x130, .max = 0x14e);
    assert_takes(arena, 0x130, .size = 0x20, .min = 0x130, .max = 0x14f, .place = GM_PLACE_HIGHEST);
    assert_refuses(arena, -ENOSPC, .size = 0x10, .align = 0x1000, .min = 0x1001, .max = 0x1fff);
    assert_takes(arena, 0x2000, .size = 0x10, .align = 0x1000, .min = 0x1001, .max = 0x200f);
    assert_refuses(arena, -ENOSPC, .size = 0x10, .min = 0x8001, .max = 0x800f);
    assert_refuses(arena, -EINVAL, .size = 0x10, .min = 0x9000, .max = 0x8fff);
    assert_takes(arena, 0x8ff0, .size = 0x10, .min = 0x8ff0, .max = 0x8fff);
    assert_takes(arena, 0, .size = 0x10, .max = 0xf);
    gm_arena_destroy(arena);
}

static void window_cuts_gaps_at_both_ends(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 0x10);
    gmt_arena_reserve(arena, 0x1000, 0x1fff);
    gmt_arena_reserve(arena, 0x3000, 0x3fff);
    assert_refuses(arena, -ENOSPC, .size = 0x100, .min = 0xf10, .max = 0x20fe);
    assert_takes(arena, 0x2000, .size = 0x100, .min = 0xf10, .max = 0x20ff);
    assert_takes(arena, 0xf00, .size = 0x100, .min = 0xf00, .max = 0x21fe);
    assert_takes(arena, 0x4000, .size = 0x80, .min = 0x2f90, .max = 0x407f, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 0x2f90, .size = 0x70, .min = 0x2f90, .max = 0x3fff);
    gm_arena_destroy(arena);
}

/* A shortest gap is looked for among whole gaps, also where the window cuts one. */
static void best_counts_gaps_whole(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xfff, 1);
    gmt_arena_reserve(arena, 0x100, 0x1ff); /* gaps of 0x100, 0x80, 0x80 and the rest */
    gmt_arena_reserve(arena, 0x280, 0x2ff);
    gmt_arena_reserve(arena, 0x380, 0x3ff);
    assert_takes(arena, 0x200, .size = 0x20, .place = GM_PLACE_BEST);
    assert_takes(arena, 0x220, .size = 0x20, .place = GM_PLACE_BEST, .min = 0xf0);
    assert_takes(arena, 0x240, .size = 0x40, .place = GM_PLACE_BEST);
    assert_takes(arena, 0x300, .size = 0x20, .place = GM_PLACE_BEST, .min = 0xe0);
    assert_takes(arena, 0xe0, .size = 0x20, .place = GM_PLACE_BEST, .min = 0xe0, .max = 0x330);
    gm_arena_destroy(arena);
}

/* 4: over what is used, half used, or half outside; the one in the way is named. */
static void fixed_over_used_and_outside(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0xffff, 0x10);
    struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = 0x2000, .min = 0x3000, .owner = 42});
    static const struct {
        uint64_t at, size;
        int error;
    } cases[] = {{0x3000, 0x2000, -EBUSY}, {0x3800, 0x100, -EBUSY}, {0x2ff0, 0x20, -EBUSY}, {0x4ff0, 0x20, -EBUSY},
                 {0x2000, 0x8000, -EBUSY}, {0xff0, 0x20, -ERANGE},  {0xfff0, 0x20, -ERANGE}, {0, 0x10, -ERANGE},
                 {0x10000, 0x10, -ERANGE}, {0x3008, 0x10, -ERANGE}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_request request = {.size = cases[i].size, .place = GM_PLACE_FIXED, .near = cases[i].at};
        struct gm_why_not why;
        gmt_arena_refuse(arena, request, cases[i].error, __FILE__, __LINE__);
        assert_result(gm_arena_why_not(arena, &request, &why), 0);
        assert_int_equal(why.obstacle, cases[i].error == -EBUSY ? GM_OBSTACLE_TAKEN : GM_OBSTACLE_BOUNDS);
        if (cases[i].error == -EBUSY)
            assert_true(why.range.range == info.range && why.range.first == 0x3000 && why.range.owner == 42);
    }
    assert_takes(arena, 0x2ff0, .size = 0x10, .place = GM_PLACE_FIXED, .near = 0x2ff0); /* last of a gap */
    assert_takes(arena, 0x5000, .size = 0x10, .place = GM_PLACE_FIXED, .near = 0x5000);
    assert_takes(arena, 0xfff0, .size = 0x10, .place = GM_PLACE_FIXED, .near = 0xfff0);
    assert_result(gm_arena_give(arena, info.range), 0);
    assert_takes(arena, 0x3000, .size = 0x2000, .place = GM_PLACE_FIXED, .near = 0x3000);
    gm_arena_destroy(arena);
}

/* 6: the quota is reached, also between a range and its guards. */
static void quota_leaves_no_trace(void **state)
{
    (void)state;
    const struct gm_arena_config config = {.last = 0xffff, .ranges_most = 4, .numa_node = -1};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    struct gm_range_info first = gmt_arena_take(arena, (struct gm_request){.size = 8, .guard_after = 8});
    assert_refuses(arena, -EDQUOT, .size = 8, .guard_before = 1, .guard_after = 1);
    assert_takes(arena, 17, .size = 8, .guard_before = 1);
    assert_refuses(arena, -EDQUOT, .size = 8);
    assert_refuses(arena, -EDQUOT, .size = 8, .place = GM_PLACE_FIXED, .near = 0x8000);
    assert_refuses(arena, -EBUSY, .size = 8, .place = GM_PLACE_FIXED, .near = 0); /* stands first in the list */
    assert_refuses(arena, -ENOSPC, .size = 0x10000);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x8000, 0x8fff, 0, 0, NULL), -EDQUOT);
    assert_no_trace(arena, gm_arena_reserve(arena, 7, 7, 0, 0, NULL), -EBUSY);
    assert_result(gm_arena_relocate(arena, first.range, 0x100), -EOPNOTSUPP);
    assert_result(gm_arena_resize(arena, first.range, 3), 0); /* needs no further range */
    assert_result(gm_arena_give(arena, first.range), 0);
    assert_takes(arena, 1, .size = 8, .guard_before = 1);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(top_of_the_space),
        TEST(whole_space_in_one_range),
        TEST(whole_space_with_guards),
        TEST(sums_that_wrap),
        TEST(exact_aligned_fit),
        TEST(window_inside_one_gap),
        TEST(window_cuts_gaps_at_both_ends),
        TEST(best_counts_gaps_whole),
        TEST(fixed_over_used_and_outside),
        TEST(quota_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
