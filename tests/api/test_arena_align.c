/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Alignment, the seventh of the hardest cases: none, one, 2^63, more than the arena has; with a phase, with a
 * ladder, with guards, with boundaries; more classes than an arena indexes; sizes that a narrow index could not say.
 * And what just missed the list: sizes of zero, limits that are off by one, number spaces that end at a round
 * number.
 */
#include "lib/arena_model_rig.h"

#define PAGE UINT64_C(0x1000)
#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define TIB (UINT64_C(1) << 40)

static void alignment_none_one_and_granule(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(PAGE, 16 * PAGE - 1, PAGE);
    assert_takes(arena, PAGE, .size = PAGE, .align = 0);
    assert_takes(arena, 2 * PAGE, .size = PAGE, .align = 1);
    assert_takes(arena, 3 * PAGE, .size = PAGE, .align = 0x800);
    assert_takes(arena, 4 * PAGE, .size = PAGE, .align = PAGE);
    assert_refuses(arena, -EINVAL, .size = PAGE, .align = 3);
    assert_refuses(arena, -EINVAL, .size = 0x800);
    gm_arena_destroy(arena);
}

static void alignment_of_two_to_the_63(void **state)
{
    (void)state;
    const uint64_t half = UINT64_C(1) << 63;
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, PAGE);
    assert_takes(arena, 0, .size = PAGE, .align = half);
    assert_takes(arena, half, .size = PAGE, .align = half);
    assert_refuses(arena, -ENOSPC, .size = PAGE, .align = half);
    assert_true(gmt_arena_largest(arena, half) == 0);
    assert_true(gmt_arena_largest(arena, 0) == half - PAGE);
    assert_takes(arena, half - PAGE, .size = PAGE, .align = half, .phase = half - PAGE);
    assert_takes(arena, 0 - PAGE, .size = PAGE, .align = half, .phase = half - PAGE);
    assert_refuses(arena, -ENOSPC, .size = PAGE, .align = half, .phase = half - PAGE);
    gm_arena_destroy(arena);
}

static void alignment_larger_than_the_arena(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(GIB + PAGE, GIB + 16 * PAGE - 1, PAGE);
    struct gm_why_not why;
    struct gm_request request = {.size = PAGE, .align = GIB};
    assert_refuses(arena, -ENOSPC, .size = PAGE, .align = GIB);
    assert_result(gm_arena_why_not(arena, &request, &why), 0);
    assert_true(why.obstacle == GM_OBSTACLE_ALIGNMENT && why.largest == 0);
    assert_takes(arena, GIB + 8 * PAGE, .size = PAGE, .align = GIB, .phase = 8 * PAGE);
    gm_arena_destroy(arena);
}

/* Guest-physical address equal to the host's modulo 2 MiB, whatever is taken before it. */
static void phase_follows_the_host_address(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, GIB - 1, PAGE);
    assert_takes(arena, 7 * PAGE, .size = 3 * MIB, .align = 2 * MIB, .phase = 7 * PAGE);
    assert_takes(arena, 4 * MIB + 7 * PAGE, .size = 3 * MIB, .align = 2 * MIB, .phase = 7 * PAGE);
    assert_takes(arena, GIB - 2 * MIB - PAGE, .size = PAGE, .align = 2 * MIB, .phase = 2 * MIB - PAGE,
                 .place = GM_PLACE_HIGHEST, .max = GIB - PAGE);
    assert_takes(arena, 0, .size = PAGE);
    gm_arena_destroy(arena);
}

static void ladder_takes_the_largest_rung(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(MIB, GIB + 8 * MIB - 1, PAGE);
    const uint64_t ladder = GIB | 2 * MIB | PAGE;
    assert_takes(arena, GIB, .size = 4 * MIB, .ladder = ladder);
    assert_takes(arena, 2 * MIB, .size = 4 * MIB, .ladder = ladder);
    gmt_arena_reserve(arena, 6 * MIB, GIB - 1);
    gmt_arena_reserve(arena, GIB + 4 * MIB, GIB + 6 * MIB - 1);
    assert_takes(arena, GIB + 6 * MIB, .size = MIB, .ladder = ladder, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, GIB + 7 * MIB, .size = MIB, .ladder = ladder, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, MIB, .size = MIB, .ladder = ladder);
    assert_refuses(arena, -ENOSPC, .size = MIB, .ladder = ladder);
    assert_refuses(arena, -EINVAL, .size = PAGE, .ladder = ladder, .align = PAGE);
    gm_arena_destroy(arena);
}

static void no_cross_holds_within_a_block(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 16 * PAGE - 1, PAGE);
    gmt_arena_reserve(arena, 0, PAGE - 1);
    assert_takes(arena, PAGE, .size = 3 * PAGE, .no_cross = 4 * PAGE);
    assert_takes(arena, 4 * PAGE, .size = 3 * PAGE, .no_cross = 4 * PAGE);
    assert_takes(arena, 8 * PAGE, .size = 3 * PAGE, .no_cross = 4 * PAGE);
    assert_takes(arena, 7 * PAGE, .size = PAGE, .no_cross = 4 * PAGE);
    assert_takes(arena, 13 * PAGE, .size = 3 * PAGE, .no_cross = 4 * PAGE, .place = GM_PLACE_HIGHEST);
    assert_refuses(arena, -ERANGE, .size = 2 * PAGE, .no_cross = 4 * PAGE, .place = GM_PLACE_FIXED, .near = 11 * PAGE);
    assert_refuses(arena, -ENOSPC, .size = 2 * PAGE, .no_cross = 4 * PAGE);
    assert_takes(arena, 11 * PAGE, .size = 2 * PAGE);
    gm_arena_destroy(arena);
}

/* Every page apart by a guard; the guards need not lie in the window, but within the arena. */
static void guards_stand_beside_aligned_ranges(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 32 * PAGE - 1, PAGE);
    const struct gm_request request = {.size = PAGE, .align = 4 * PAGE, .guard_before = PAGE, .guard_after = PAGE,
                                       .min = 4 * PAGE, .max = 13 * PAGE - 1};
    for (uint64_t at = 4; at <= 12; at += 4)
        assert_true(gmt_arena_take(arena, request).first == at * PAGE);
    gmt_arena_refuse(arena, request, -ENOSPC, __FILE__, __LINE__);
    assert_takes(arena, 6 * PAGE, .size = PAGE, .min = 5 * PAGE);
    assert_refuses(arena, -ERANGE, .size = PAGE, .guard_before = PAGE, .place = GM_PLACE_FIXED, .near = 0);
    assert_refuses(arena, -ERANGE, .size = PAGE, .guard_after = PAGE, .place = GM_PLACE_FIXED, .near = 31 * PAGE);
    assert_takes(arena, PAGE, .size = PAGE, .guard_before = PAGE);
    gm_arena_destroy(arena);
}

/* Each of 40 classes in turn, again and again: those that lost their index stay exact. */
static void more_classes_than_rows(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 64 * TIB - 1, PAGE);
    struct gm_arena_stats stats;
    for (uint64_t i = 0; i < 200; i++) /* gaps of 3 pages, none of which starts at a multiple of 2 */
        gmt_arena_reserve(arena, i * 4 * PAGE, i * 4 * PAGE + PAGE - 1);
    const uint64_t end = 800 * PAGE;
    for (unsigned round = 0; round < 120; round++) {
        uint64_t align = PAGE << (2 + round % 20), phase = round % 40 < 20 ? 0 : PAGE;
        uint64_t size = 3 * PAGE + (phase == 0 ? PAGE : 0);
        uint64_t expected = phase != 0 ? PAGE : (end - PAGE * 3 + align - 1) & ~(align - 1);
        struct gm_range_info info =
            gmt_arena_take(arena, (struct gm_request){.size = size, .align = align, .phase = phase});
        assert_true(info.first == expected);
        assert_result(gm_arena_give(arena, info.range), 0);
    }
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.tree == 1 && stats.classes <= GM_ARENA_CLASSES && stats.class_builds >= stats.classes);
    gm_arena_destroy(arena);
}

/* An index goes to the class that is asked for now, not to those that were asked for once. */
static void class_in_use_gets_an_index(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 64 * TIB - 1, PAGE);
    struct gm_arena_stats stats;
    for (uint64_t i = 0; i < 1000; i++)
        gmt_arena_reserve(arena, i * 4 * PAGE, i * 4 * PAGE + PAGE - 1);
    for (uint64_t i = 0; i < GM_ARENA_CLASSES; i++) {
        uint64_t align = 4096 * PAGE << i % 16, phase = i / 16 * 4 * PAGE;
        assert_takes(arena, align + phase, .size = 3 * PAGE, .align = align, .phase = phase, .min = align);
    }
    for (unsigned i = 0; i < 3000; i++) {
        struct gm_range_info info =
            gmt_arena_take(arena, (struct gm_request){.size = 3 * PAGE, .align = 4 * PAGE, .phase = 2 * PAGE});
        assert_true(info.first == 3998 * PAGE);
        assert_result(gm_arena_give(arena, info.range), 0);
    }
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.class_builds > GM_ARENA_CLASSES && stats.classes == GM_ARENA_CLASSES);
    assert_true(stats.visited <= 3 * 10 + 8);
    gm_arena_destroy(arena);
}

/* Gaps and sizes of 2^32 granules and more: an index of 32 bits would take them for smaller ones. */
static void sizes_beyond_32_bits_of_granules(void **state)
{
    (void)state;
    const uint64_t huge = UINT64_C(1) << 44; /* 2^32 pages */
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, PAGE);
    for (uint64_t i = 0; i < 100; i++)
        gmt_arena_reserve(arena, 2 * i * (huge + PAGE) + huge, 2 * i * (huge + PAGE) + huge + PAGE - 1);
    assert_takes(arena, 0, .size = huge, .align = 2 * MIB);
    assert_takes(arena, huge + 2 * MIB, .size = huge, .align = 2 * MIB);
    const uint64_t last = 2 * 99 * (huge + PAGE) + huge + PAGE;
    assert_takes(arena, (last + 2 * MIB - 1) & ~(2 * MIB - 1), .size = 8 * huge, .align = 2 * MIB);
    assert_takes(arena, UINT64_C(1) << 63, .size = huge * 3, .align = UINT64_C(1) << 63);
    gm_arena_destroy(arena);
}

static void size_zero(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xff, 1);
    assert_refuses(arena, -EINVAL, .size = 0);
    assert_refuses(arena, -EINVAL, .size = 0, .place = GM_PLACE_FIXED, .near = 5);
    gm_range range = gmt_arena_reserve(arena, 5, 5);
    assert_no_trace(arena, gm_arena_resize(arena, range, 4), -EINVAL);
    assert_no_trace(arena, gm_arena_reserve(arena, 7, 6, 0, 0, NULL), -EINVAL);
    gm_arena_destroy(arena);
}

/* Limits are inclusive: no byte is wasted at the end of a zone, and none is handed out twice where zones meet. */
static void limits_are_inclusive(void **state)
{
    (void)state;
    const uint64_t ram_last = 3 * GIB - 1, hole_last = 4 * GIB - 1;
    struct gm_arena *arena = gmt_arena_open(0, 8 * GIB - 1, 1);
    assert_takes(arena, ram_last, .size = 1, .max = ram_last, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, ram_last + 1, .size = 1, .min = ram_last + 1, .max = hole_last);
    assert_takes(arena, hole_last - 64 * MIB + 1, .size = 64 * MIB, .min = ram_last + 1, .max = hole_last,
                 .place = GM_PLACE_HIGHEST);
    assert_takes(arena, hole_last + 1, .size = 1, .min = hole_last + 1);
    assert_takes(arena, 8 * GIB - 1, .size = 1, .place = GM_PLACE_HIGHEST);
    gm_arena_destroy(arena);
}

/* 32 vectors whose natural place is across a word of 64; a number space that ends at 2^32 - 1; one slot too many. */
static void ids_as_ranges(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, UINT32_MAX, 1);
    gmt_arena_reserve(arena, 0, 40);
    assert_takes(arena, 64, .size = 32, .align = 32);
    assert_takes(arena, 96, .size = 32, .align = 32);
    assert_takes(arena, UINT32_MAX, .size = 1, .place = GM_PLACE_HIGHEST);
    gmt_arena_reserve(arena, 128, UINT32_MAX - 1);
    gmt_arena_reserve(arena, 41, 63);
    assert_refuses(arena, -ENOSPC, .size = 1);
    assert_result(gm_arena_give_at(arena, UINT32_MAX), 0);
    assert_takes(arena, UINT32_MAX, .size = 1);
    gm_arena_destroy(arena);
    arena = gmt_arena_open(0, 508, 1); /* 509 slots */
    for (uint64_t i = 0; i < 509; i++)
        assert_takes(arena, i, .size = 1);
    assert_refuses(arena, -ENOSPC, .size = 1);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(alignment_none_one_and_granule),
        TEST(alignment_of_two_to_the_63),
        TEST(alignment_larger_than_the_arena),
        TEST(phase_follows_the_host_address),
        TEST(ladder_takes_the_largest_rung),
        TEST(no_cross_holds_within_a_block),
        TEST(guards_stand_beside_aligned_ranges),
        TEST(more_classes_than_rows),
        TEST(class_in_use_gets_an_index),
        TEST(sizes_beyond_32_bits_of_granules),
        TEST(size_zero),
        TEST(limits_are_inclusive),
        TEST(ids_as_ranges),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
