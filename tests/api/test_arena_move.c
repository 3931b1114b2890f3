/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Moves onto itself, the eighth of the hardest cases: a guest sizes and moves a BAR; and determinism, the tenth: the
 * same history gives the same places and the same handles.
 */
#include "lib/arena_model_rig.h"
#include "lib/rand.h"

#define PAGE UINT64_C(0x1000)

/* In an arena in flat form (few neighbours) and as a tree (many). */
static struct gm_arena *open_with(unsigned neighbours)
{
    struct gm_arena *arena = gmt_arena_open(0, 0xffffffff, PAGE);
    for (uint64_t i = 0; i < neighbours; i++)
        gmt_arena_reserve(arena, 0x40000000 + 2 * i * PAGE, 0x40000000 + 2 * i * PAGE + PAGE - 1);
    return arena;
}

static void assert_at(struct gm_arena *arena, gm_range range, uint64_t first, uint64_t size)
{
    struct gm_range_info by_handle, by_number;
    assert_result(gm_arena_get(arena, range, &by_handle), 0);
    assert_result(gm_arena_find(arena, first + size / 2, &by_number), 0);
    assert_true(by_handle.first == first && by_handle.last == first + (size - 1));
    assert_true(by_handle.owner == 6 && by_handle.user == 66 && by_handle.range == range);
    assert_true(by_number.first == first && by_number.range == range && by_number.user == 66);
    assert_true(first == 0 || gmt_arena_is_free(arena, first - 1, first - 1));
}

static void move_onto_itself(void **state)
{
    (void)state;
    for (unsigned neighbours = 0; neighbours <= 200; neighbours += 200) {
        struct gm_arena *arena = open_with(neighbours);
        struct gm_request request = {.size = 8 * PAGE, .min = 0x10000000, .owner = 6, .user = 66};
        struct gm_range_info bar = gmt_arena_take(arena, request);
        static const int64_t steps[] = {1, -1, 7, -7, 8, -8, 0, 4, 4, -3};
        uint64_t at = bar.first;
        for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
            at += (uint64_t)steps[i] * PAGE;
            assert_result(gm_arena_relocate(arena, bar.range, at), 0);
            assert_at(arena, bar.range, at, 8 * PAGE);
            assert_true(gmt_arena_is_free(arena, at + 8 * PAGE, at + 9 * PAGE));
        }
        assert_result(gm_arena_relocate(arena, bar.range, 0), 0); /* BAR programmed with 0 */
        assert_at(arena, bar.range, 0, 8 * PAGE);
        assert_result(gm_arena_relocate(arena, bar.range, 0xffff8000), 0);
        assert_at(arena, bar.range, 0xffff8000, 8 * PAGE);
        assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0xffffffff), -EINVAL); /* BAR sizing: all ones */
        assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0xfffff000), -ERANGE);
        assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0 - PAGE), -ERANGE);
        assert_no_trace(arena, gm_arena_relocate(arena, bar.range, UINT64_C(1) << 32), -ERANGE);
        assert_result(gm_arena_give(arena, bar.range), 0);
        gm_arena_destroy(arena);
    }
}

static void move_to_what_another_owns(void **state)
{
    (void)state;
    struct gm_arena *arena = open_with(200);
    struct gm_range_info bar = gmt_arena_take(arena, (struct gm_request){.size = 2 * PAGE, .owner = 6, .user = 66});
    gmt_arena_take(arena, (struct gm_request){.size = PAGE, .guard_before = PAGE, .min = 5 * PAGE});
    assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0x40000000), -EBUSY);
    assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 0x40000000 + PAGE), -EBUSY);
    assert_no_trace(arena, gm_arena_relocate(arena, bar.range, 3 * PAGE), -EBUSY); /* onto a guard */
    assert_result(gm_arena_relocate(arena, bar.range, 2 * PAGE), 0);
    assert_at(arena, bar.range, 2 * PAGE, 2 * PAGE);
    gm_arena_destroy(arena);
}

static void resize_up_to_neighbours_and_ends(void **state)
{
    (void)state;
    for (unsigned neighbours = 0; neighbours <= 200; neighbours += 200) {
        struct gm_arena *arena = open_with(neighbours);
        struct gm_request request = {.size = PAGE, .owner = 6, .user = 66};
        gm_range low = gmt_arena_take(arena, request).range;
        request.place = GM_PLACE_HIGHEST;
        gm_range high = gmt_arena_take(arena, request).range;
        gm_range wall = gmt_arena_reserve(arena, 0x20000000, 0x20000fff);
        assert_no_trace(arena, gm_arena_resize(arena, low, 0x20000fff), -EBUSY);
        assert_no_trace(arena, gm_arena_resize(arena, low, 0xffffffff), -EBUSY);
        assert_no_trace(arena, gm_arena_resize(arena, low, UINT64_MAX), -ERANGE);
        assert_result(gm_arena_resize(arena, low, 0x1fffffff), 0);
        assert_at(arena, low, 0, 0x20000000);
        assert_no_trace(arena, gm_arena_resize(arena, high, 0x100000fff), -ERANGE);
        assert_result(gm_arena_extend(arena, 0, 0x1ffffffff), 0);
        assert_result(gm_arena_resize(arena, high, 0x1ffffffff), 0);
        assert_at(arena, high, 0xfffff000, 0x100001000);
        assert_result(gm_arena_give(arena, wall), 0);
        assert_result(gm_arena_resize(arena, low, 0x20000fff), 0);
        assert_result(gm_arena_resize(arena, low, 0xfff), 0);
        assert_at(arena, low, 0, PAGE);
        gm_arena_destroy(arena);
    }
}

static void update_changes_only_the_callers_words(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    struct gm_request request = {.size = 8, .guard_after = 8, .owner = 1, .user = 2};
    struct gm_range_info info = gmt_arena_take(arena, request), now;
    assert_result(gm_arena_update(arena, info.range, 6, UINT64_MAX), 0);
    assert_result(gm_arena_get(arena, info.range, &now), 0);
    assert_true(now.owner == 6 && now.user == UINT64_MAX && now.first == 0 && now.last == 7 && now.flags == 0);
    assert_result(gm_arena_find(arena, 15, &now), 0); /* the guard's are its neighbour's */
    assert_true(now.owner == 6 && now.user == UINT64_MAX && now.flags == GM_RANGE_GUARD);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 7, 1), -EPERM);
    assert_result(gm_arena_give_exact(arena, 0, 7, 6), 0);
    gm_arena_destroy(arena);
}

static void random_change(struct gm_arena *arena, uint64_t *state)
{
    uint64_t draw = gmt_rand(state);
    struct gm_range_info info;
    struct gm_request request = {.size = (1 + draw % 5) * PAGE, .align = PAGE << (draw >> 8) % 4,
                                 .place = (enum gm_place)((draw >> 16) % 7), .near = draw & 0xfffff000};
    if (draw >> 62 != 0) {
        (void)!gm_arena_take(arena, &request, NULL);
        return;
    }
    if (gm_arena_next(arena, draw & 0xffffffff, &info) == 0)
        assert_result(gm_arena_give(arena, info.range), 0);
}

static void determinism(void **state)
{
    (void)state;
    static struct gmt_arena_dump dumps[2];
    const struct gm_arena_config config = {.last = 0xffffffff, .granule = PAGE, .numa_node = -1, .seed = 1};
    struct gm_arena *arenas[2];
    for (unsigned i = 0; i < 2; i++) {
        uint64_t seed = 11;
        assert_result(gm_arena_create(&config, &arenas[i]), 0);
        for (unsigned j = 0; j < 600; j++)
            random_change(arenas[i], &seed);
        gmt_arena_dump(arenas[i], &dumps[i]);
    }
    assert_true(dumps[0].count > 100 && gmt_arena_same_dump(&dumps[0], &dumps[1]));
    gm_arena_destroy(arenas[0]);
    gm_arena_destroy(arenas[1]);
}

/* Next-fit: behind the newest of its kind, wherever others were taken; then from the start again. */
static void next_goes_on_and_wraps(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 8 * PAGE - 1, PAGE);
    assert_takes(arena, 0, .size = PAGE, .place = GM_PLACE_NEXT);
    assert_result(gm_arena_give_at(arena, 0), 0);
    assert_takes(arena, PAGE, .size = PAGE, .place = GM_PLACE_NEXT);
    assert_takes(arena, 7 * PAGE, .size = PAGE, .place = GM_PLACE_HIGHEST);
    assert_takes(arena, 2 * PAGE, .size = 4 * PAGE, .place = GM_PLACE_NEXT);
    assert_takes(arena, 0, .size = PAGE, .place = GM_PLACE_NEXT, .max = 3 * PAGE);
    assert_takes(arena, 6 * PAGE, .size = PAGE, .place = GM_PLACE_NEXT);
    assert_refuses(arena, -ENOSPC, .size = PAGE, .place = GM_PLACE_NEXT);
    assert_result(gm_arena_give_at(arena, 7 * PAGE), 0);
    assert_takes(arena, 7 * PAGE, .size = PAGE, .place = GM_PLACE_NEXT);
    assert_result(gm_arena_give_at(arena, 6 * PAGE), 0);
    assert_takes(arena, 6 * PAGE, .size = PAGE, .place = GM_PLACE_NEXT); /* nothing is behind the top */
    gm_arena_destroy(arena);
}

static void near_is_the_least_distance(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    assert_takes(arena, 0x8000, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0x8000);
    assert_takes(arena, 0x7ff0, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0x8000); /* the lower one of two */
    assert_takes(arena, 0x8010, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0x8000);
    assert_takes(arena, 0x7fe0, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0x7fff);
    assert_takes(arena, 0x8020, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0x8001);
    assert_takes(arena, 0xfff0, .size = 0x10, .place = GM_PLACE_NEAR, .near = UINT64_MAX);
    assert_takes(arena, 0x8100, .size = 0x10, .align = 0x100, .place = GM_PLACE_NEAR, .near = 0x8020);
    assert_takes(arena, 0, .size = 0x10, .place = GM_PLACE_NEAR, .near = 0);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(move_onto_itself),
        TEST(move_to_what_another_owns),
        TEST(resize_up_to_neighbours_and_ends),
        TEST(update_changes_only_the_callers_words),
        TEST(determinism),
        TEST(next_goes_on_and_wraps),
        TEST(near_is_the_least_distance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
