/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Wrong frees, stale handles, NULL, and every -EINVAL: a typed error each, and not a trace of the attempt. */
#include "lib/arena_model_rig.h"

#define PAGE UINT64_C(0x1000)

static void wrong_free_double(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    struct gm_range_info left = gmt_arena_take(arena, (struct gm_request){.size = 0x100});
    struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = 0x100, .owner = 3});
    assert_result(gm_arena_give(arena, info.range), 0);
    assert_no_trace(arena, gm_arena_give(arena, info.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give_exact(arena, info.first, info.last, 3), -ENOENT);
    assert_no_trace(arena, gm_arena_give_at(arena, info.first), -ENOENT);
    assert_result(gm_arena_give(arena, left.range), 0); /* merged with its neighbours now */
    assert_no_trace(arena, gm_arena_give(arena, left.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give_exact(arena, left.first, left.last, 0), -ENOENT);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 0xffff, 0), -ENOENT);
    assert_takes(arena, 0, .size = 0x10000);
    gm_arena_destroy(arena);
}

/* A part, a superset, two neighbours, a bound that is off by one, another owner. */
static void wrong_free_bounds(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 0x10);
    assert_takes(arena, 0x100, .size = 0x100, .min = 0x100, .owner = 7);
    assert_takes(arena, 0x200, .size = 0x100, .min = 0x200, .owner = 7);
    static const struct {
        uint64_t first, last;
        uint32_t owner;
        int error;
    } cases[] = {{0x100, 0x1ef, 7, -ERANGE}, {0x110, 0x1ff, 7, -ERANGE}, {0x110, 0x11f, 7, -ERANGE},
                 {0x100, 0x1fe, 7, -ERANGE}, {0x0f0, 0x1ff, 7, -ERANGE}, {0x100, 0x2ff, 7, -ERANGE},
                 {0x000, 0x7ff, 7, -ERANGE}, {0x2ff, 0x300, 7, -ERANGE}, {0x100, 0x1ff, 8, -EPERM},
                 {0x200, 0x2ff, 0, -EPERM},  {0x300, 0x3ff, 7, -ENOENT}, {0x000, 0x0ff, 7, -ENOENT},
                 {0x1ff, 0x100, 7, -EINVAL}, {0x10000, 0x100ff, 7, -ENOENT}, {UINT64_MAX, UINT64_MAX, 7, -ENOENT}};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_no_trace(arena, gm_arena_give_exact(arena, cases[i].first, cases[i].last, cases[i].owner),
                        cases[i].error);
    assert_result(gm_arena_give_exact(arena, 0x100, 0x1ff, 7), 0);
    assert_result(gm_arena_give_exact(arena, 0x200, 0x2ff, 7), 0);
    gm_arena_destroy(arena);
}

/* What was never managed is not silently added to the pool. */
static void wrong_free_of_what_is_not_managed(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(PAGE, 2 * PAGE - 1, 1);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, PAGE - 1, 0), -ENOENT);
    assert_no_trace(arena, gm_arena_give_exact(arena, 2 * PAGE, 3 * PAGE - 1, 0), -ENOENT);
    assert_no_trace(arena, gm_arena_give_at(arena, 0), -ENOENT);
    assert_no_trace(arena, gm_arena_give_at(arena, UINT64_MAX), -ENOENT);
    assert_refuses(arena, -ENOSPC, .size = PAGE + 1);
    assert_takes(arena, PAGE, .size = PAGE);
    gm_arena_destroy(arena);
}

/* Neighbours of one unit on both sides, at 0 and at the top, merge whatever the order. */
static void single_units_merge(void **state)
{
    (void)state;
    static const uint64_t orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    for (unsigned i = 0; i < 12; i++) {
        uint64_t base = i < 6 ? 0 : UINT64_MAX - 2;
        struct gm_arena *arena = gmt_arena_open(base, base + 2, 1);
        struct gm_arena_stats stats;
        for (unsigned j = 0; j < 3; j++)
            assert_takes(arena, base + j, .size = 1);
        for (unsigned j = 0; j < 3; j++)
            assert_result(gm_arena_give_exact(arena, base + orders[i % 6][j], base + orders[i % 6][j], 0), 0);
        assert_result(gm_arena_stats_get(arena, &stats), 0);
        assert_true(stats.gaps == 1 && stats.largest_free == 3);
        assert_takes(arena, base, .size = 3);
        gm_arena_destroy(arena);
    }
}

/* A guard is no range: it cannot be given by its bounds, and any number in it gives all of it back. */
static void wrong_free_of_guards(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 0x10);
    struct gm_request request = {.size = 0x100, .guard_before = 0x10, .guard_after = 0x20, .owner = 1, .user = 5};
    struct gm_range_info info = gmt_arena_take(arena, request), guard;
    assert_true(info.first == 0x10 && info.last == 0x10f);
    assert_result(gm_arena_find(arena, 0, &guard), 0);
    assert_true(guard.first == 0 && guard.last == 0xf && guard.flags == GM_RANGE_GUARD);
    assert_true(guard.range == info.range && guard.owner == 1 && guard.user == 5);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 0xf, 1), -ERANGE);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0x110, 0x12f, 1), -ERANGE);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 0x12f, 1), -ERANGE);
    assert_no_trace(arena, gm_arena_relocate(arena, info.range, 0x1000), -EOPNOTSUPP);
    assert_no_trace(arena, gm_arena_resize(arena, info.range, 0xffff), -ERANGE);
    assert_no_trace(arena, gm_arena_resize(arena, info.range, 0xffef), -ERANGE);
    assert_result(gm_arena_resize(arena, info.range, 0xffdf), 0);
    assert_result(gm_arena_resize(arena, info.range, 0x1f), 0);
    assert_result(gm_arena_find(arena, 0x3f, &guard), 0);
    assert_true(guard.first == 0x20 && guard.last == 0x3f && guard.flags == GM_RANGE_GUARD);
    assert_refuses(arena, -EBUSY, .size = 0x10, .place = GM_PLACE_FIXED, .near = 0x30);
    assert_result(gm_arena_give_at(arena, 0x3f), 0);
    assert_true(gmt_arena_is_free(arena, 0, 0xffff));
    assert_no_trace(arena, gm_arena_give(arena, info.range), -ESTALE);
    gm_arena_destroy(arena);
}

static void assert_handle_is(struct gm_arena *arena, gm_range range, int error)
{
    struct gm_range_info info = {.first = 77};
    assert_no_trace(arena, gm_arena_give(arena, range), error);
    assert_no_trace(arena, gm_arena_resize(arena, range, 0), error);
    assert_no_trace(arena, gm_arena_relocate(arena, range, 0), error);
    assert_no_trace(arena, gm_arena_update(arena, range, 1, 1), error);
    assert_no_trace(arena, gm_arena_get(arena, range, &info), error);
    assert_true(info.first == 77);
}

/* Also when its slot is in use again, and in both forms of an arena. */
static void stale_handles(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xfffff, 1);
    struct gm_range_info old = gmt_arena_take(arena, (struct gm_request){.size = 1});
    assert_result(gm_arena_give(arena, old.range), 0);
    for (unsigned i = 0; i < 300; i++) {
        struct gm_range_info again = gmt_arena_take(arena, (struct gm_request){.size = 2});
        assert_true(again.range != old.range);
        if (i % 50 == 0)
            assert_handle_is(arena, old.range, -ESTALE);
    }
    for (unsigned i = 0; i < 300; i++) {
        struct gm_range_info info;
        assert_result(gm_arena_next(arena, 0, &info), 0);
        assert_result(gm_arena_give(arena, info.range), 0);
        if (i % 50 == 0)
            assert_handle_is(arena, info.range, -ESTALE);
    }
    assert_handle_is(arena, old.range, -ESTALE);
    assert_handle_is(arena, 0, -ENOENT);
    assert_handle_is(arena, UINT64_MAX, -ENOENT);
    gm_arena_destroy(arena);
}

/* A handle of another pool, where this one gave out as many, and its slots were used as often. */
static void handles_of_a_twin(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1), *twin = gmt_arena_open(0, 0xffff, 1);
    for (unsigned i = 0; i < 100; i++) {
        struct gm_range_info mine = gmt_arena_take(arena, (struct gm_request){.size = 1});
        struct gm_range_info other = gmt_arena_take(twin, (struct gm_request){.size = 1});
        assert_true(mine.first == other.first && mine.range != other.range);
        assert_handle_is(arena, other.range, -ENOENT);
        assert_handle_is(twin, mine.range, -ENOENT);
        if (i % 3 != 0)
            continue;
        assert_result(gm_arena_give(arena, mine.range), 0);
        assert_result(gm_arena_give(twin, other.range), 0);
        assert_handle_is(arena, mine.range, -ESTALE);
        assert_handle_is(arena, other.range, -ENOENT);
    }
    gm_arena_destroy(arena);
    gm_arena_destroy(twin);
}

/* A handle of another pool, where this one never gave out as many. */
static void foreign_handles(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1), *other = gmt_arena_open(0, 0xffff, 1);
    struct gm_range_info info = {.range = 0};
    gmt_arena_take(arena, (struct gm_request){.size = 1});
    for (unsigned i = 0; i < 20; i++)
        info = gmt_arena_take(other, (struct gm_request){.size = 1});
    assert_handle_is(arena, info.range, -ENOENT);
    assert_result(gm_arena_give(other, info.range), 0);
    gm_arena_destroy(arena);
    gm_arena_destroy(other);
}

/* The handle that a slot will have next was never handed out, and a guard has none. */
static void forged_handles(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    gm_range first = gmt_arena_take(arena, (struct gm_request){.size = 1}).range;
    assert_result(gm_arena_give(arena, first), 0);
    gm_range second = gmt_arena_take(arena, (struct gm_request){.size = 1}).range;
    assert_handle_is(arena, second + (second - first), -ENOENT);
    assert_result(gm_arena_give(arena, second), 0);
    assert_handle_is(arena, second + (second - first), -ENOENT);
    gm_range guarded = gmt_arena_take(arena, (struct gm_request){.size = 1, .guard_before = 1, .guard_after = 1}).range;
    for (gm_range near = guarded - 4; near <= guarded + 4; near++) {
        struct gm_range_info info;
        int result = gm_arena_get(arena, near, &info);
        assert_true(near == guarded ? result == 0 : result == -ENOENT || result == -ESTALE);
        assert_true(near == guarded || gm_arena_give(arena, near) == result);
    }
    assert_result(gm_arena_give(arena, guarded), 0);
    gm_arena_destroy(arena);
}

static void bad_requests(void **state)
{
    (void)state;
    static const struct gm_request bad[] = {
        {.size = 0}, {.size = 0x1001}, {.size = 0x800}, {.size = PAGE, .align = 3 * PAGE},
        {.size = PAGE, .align = PAGE + 1}, {.size = PAGE, .align = UINT64_MAX},
        {.size = PAGE, .phase = PAGE}, {.size = PAGE, .align = 4 * PAGE, .phase = 4 * PAGE},
        {.size = PAGE, .align = 4 * PAGE, .phase = 0x800}, {.size = PAGE, .align = 16, .phase = 16},
        {.size = PAGE, .ladder = PAGE, .align = PAGE}, {.size = PAGE, .ladder = PAGE, .phase = PAGE},
        {.size = PAGE, .min = 2, .max = 1}, {.size = PAGE, .min = UINT64_MAX, .max = UINT64_MAX - 1},
        {.size = PAGE, .guard_before = 1}, {.size = PAGE, .guard_after = PAGE + 1},
        {.size = PAGE, .no_cross = 3 * PAGE}, {.size = 2 * PAGE, .no_cross = PAGE}, {.size = PAGE, .no_cross = 1},
        {.size = PAGE, .place = (enum gm_place)7}, {.size = PAGE, .place = (enum gm_place)255}};
    struct gm_arena *arena = gmt_arena_open(0, 16 * PAGE - 1, PAGE);
    gmt_arena_reserve(arena, PAGE, 2 * PAGE - 1);
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_arena_refuse(arena, bad[i], -EINVAL, __FILE__, __LINE__);
    gm_arena_destroy(arena);
}

static void bad_bounds(void **state)
{
    (void)state;
    uint64_t size = 77;
    struct gm_arena *arena = gmt_arena_open(PAGE, 16 * PAGE - 1, PAGE);
    gm_range range = gmt_arena_reserve(arena, 2 * PAGE, 4 * PAGE - 1);
    assert_no_trace(arena, gm_arena_reserve(arena, 5 * PAGE, 4 * PAGE - 1, 0, 0, NULL), -EINVAL);
    assert_no_trace(arena, gm_arena_reserve(arena, 5 * PAGE + 1, 7 * PAGE - 1, 0, 0, NULL), -EINVAL);
    assert_no_trace(arena, gm_arena_reserve(arena, 5 * PAGE, 7 * PAGE - 2, 0, 0, NULL), -EINVAL);
    assert_no_trace(arena, gm_arena_reserve(arena, 0, 2 * PAGE - 1, 0, 0, NULL), -ERANGE);
    assert_no_trace(arena, gm_arena_reserve(arena, 15 * PAGE, 17 * PAGE - 1, 0, 0, NULL), -ERANGE);
    assert_no_trace(arena, gm_arena_reserve(arena, 3 * PAGE, 5 * PAGE - 1, 0, 0, NULL), -EBUSY);
    assert_no_trace(arena, gm_arena_resize(arena, range, 2 * PAGE - 1), -EINVAL);
    assert_no_trace(arena, gm_arena_resize(arena, range, 3 * PAGE), -EINVAL);
    assert_no_trace(arena, gm_arena_resize(arena, range, 17 * PAGE - 1), -ERANGE);
    assert_no_trace(arena, gm_arena_relocate(arena, range, 5 * PAGE + 8), -EINVAL);
    assert_no_trace(arena, gm_arena_relocate(arena, range, 0), -ERANGE);
    assert_no_trace(arena, gm_arena_relocate(arena, range, 15 * PAGE), -ERANGE);
    assert_no_trace(arena, gm_arena_extend(arena, 2 * PAGE, 16 * PAGE - 1), -EINVAL);
    assert_no_trace(arena, gm_arena_extend(arena, PAGE, 15 * PAGE - 1), -EINVAL);
    assert_no_trace(arena, gm_arena_extend(arena, 8, 16 * PAGE - 1), -EINVAL);
    assert_no_trace(arena, gm_arena_extend(arena, 0, 16 * PAGE), -EINVAL);
    assert_no_trace(arena, gm_arena_largest(arena, 3, &size), -EINVAL);
    assert_true(size == 77);
    gm_arena_destroy(arena);
}

static void bad_configurations(void **state)
{
    (void)state;
    static const struct gm_arena_config bad[] = {
        {.first = 1, .last = 0, .numa_node = -1}, {.last = 0xfff, .granule = 3, .numa_node = -1},
        {.last = 0xffe, .granule = 2, .numa_node = -1}, {.first = 1, .last = 0xfff, .granule = 2, .numa_node = -1},
        {.last = 0xfff, .granule = 0x2000, .numa_node = -1},
        {.last = 0xfff, .ranges_most = GM_ARENA_RANGES_MOST + 1, .numa_node = -1},
        {.last = 0xfff, .ranges_most = UINT64_MAX, .numa_node = -1},
        {.last = 0xfff, .flags = 1u << 31, .numa_node = -1}, {.last = 0xfff, .flags = ~0u, .numa_node = -1},
        {.last = 0xfff, .numa_node = -2}, {.last = 0xfff, .numa_node = 64}};
    struct gm_arena *const untouched = (struct gm_arena *)(uintptr_t)&bad;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gm_arena *arena = untouched;
        assert_result(gm_arena_create(&bad[i], &arena), -EINVAL);
        assert_ptr_equal(arena, untouched);
    }
}

static void null_arguments(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xff, 1);
    const struct gm_arena_config config = {.last = 0xff, .numa_node = -1};
    const struct gm_request request = {.size = 1};
    struct gm_range_info info;
    struct gm_why_not why;
    struct gm_arena_stats stats;
    uint64_t number;
    assert_result(gm_arena_destroy(NULL), 0);
    assert_result(gm_arena_create(NULL, &arena), -EINVAL);
    assert_result(gm_arena_create(&config, NULL), -EINVAL);
    assert_result(gm_arena_extend(NULL, 0, 0xff), -EINVAL);
    assert_result(gm_arena_take(NULL, &request, &info), -EINVAL);
    assert_no_trace(arena, gm_arena_take(arena, NULL, &info), -EINVAL);
    assert_result(gm_arena_reserve(NULL, 0, 1, 0, 0, NULL), -EINVAL);
    assert_result(gm_arena_give(NULL, 1), -EINVAL);
    assert_result(gm_arena_give_exact(NULL, 0, 1, 0), -EINVAL);
    assert_result(gm_arena_give_at(NULL, 0), -EINVAL);
    assert_result(gm_arena_resize(NULL, 1, 1), -EINVAL);
    assert_result(gm_arena_relocate(NULL, 1, 1), -EINVAL);
    assert_result(gm_arena_update(NULL, 1, 0, 0), -EINVAL);
    assert_result(gm_arena_find(NULL, 0, &info), -EINVAL);
    assert_result(gm_arena_find(arena, 0, NULL), -EINVAL);
    assert_result(gm_arena_next(NULL, 0, &info), -EINVAL);
    assert_result(gm_arena_next(arena, 0, NULL), -EINVAL);
    assert_result(gm_arena_get(NULL, 1, &info), -EINVAL);
    assert_result(gm_arena_get(arena, 1, NULL), -EINVAL);
    assert_result(gm_arena_would_fit(NULL, &request, &number), -EINVAL);
    assert_result(gm_arena_would_fit(arena, NULL, &number), -EINVAL);
    assert_result(gm_arena_would_fit(arena, &request, NULL), -EINVAL);
    assert_result(gm_arena_why_not(NULL, &request, &why), -EINVAL);
    assert_result(gm_arena_why_not(arena, NULL, &why), -EINVAL);
    assert_result(gm_arena_why_not(arena, &request, NULL), -EINVAL);
    assert_result(gm_arena_largest(NULL, 0, &number), -EINVAL);
    assert_result(gm_arena_largest(arena, 0, NULL), -EINVAL);
    assert_result(gm_arena_stats_get(NULL, &stats), -EINVAL);
    assert_result(gm_arena_stats_get(arena, NULL), -EINVAL);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wrong_free_double),
        TEST(wrong_free_bounds),
        TEST(wrong_free_of_what_is_not_managed),
        TEST(single_units_merge),
        TEST(wrong_free_of_guards),
        TEST(stale_handles),
        TEST(foreign_handles),
        TEST(handles_of_a_twin),
        TEST(forged_handles),
        TEST(bad_requests),
        TEST(bad_bounds),
        TEST(bad_configurations),
        TEST(null_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
