/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The tree and its index: every change is followed by gm_arena_check, which knows balance, order, gaps, maxima, natural
 * orders and rows from the ranges alone. The orders of insertion and removal are those that make each rotation.
 */
#include "unit/arena_rig.h"

#define COUNT 400
#define PITCH 64

static uint64_t seed;

static void shuffle(uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        order[i] = i;
    for (uint32_t i = count - 1; i > 0; i--) {
        uint32_t j = (uint32_t)gmt_rand_below(&seed, i + 1);
        uint32_t other = order[i];
        order[i] = order[j];
        order[j] = other;
    }
}

/* Put ranges in and take them out, each in its order; their lengths vary, so that every gap is another. */
static void put_and_take(const uint32_t *in, const uint32_t *out, uint32_t count)
{
    struct gm_arena *arena = arena_new(0, COUNT * PITCH - 1, 1);
    gm_range ranges[COUNT];
    for (uint32_t i = 0; i < count; i++) {
        uint64_t first = in[i] * PITCH + in[i] % 7;
        assert_result(gm_arena_reserve(arena, first, first + in[i] % 50, 0, in[i], &ranges[in[i]]), 0);
        assert_checked(arena);
    }
    assert_int_equal(arena_stats(arena).tree, count > GM_FLAT);
    for (uint32_t i = 0; i < count; i++) {
        assert_result(gm_arena_give(arena, ranges[out[i]]), 0);
        assert_checked(arena);
    }
    assert_int_equal(arena_stats(arena).ranges, 0);
    gm_arena_destroy(arena);
}

static void in_order_and_backwards(void **state)
{
    uint32_t up[COUNT], down[COUNT];
    (void)state;
    for (uint32_t i = 0; i < COUNT; i++) {
        up[i] = i;
        down[i] = COUNT - 1 - i;
    }
    put_and_take(up, up, COUNT);
    put_and_take(up, down, COUNT);
    put_and_take(down, up, COUNT);
    put_and_take(down, down, COUNT);
}

static void at_random(void **state)
{
    uint32_t in[COUNT], out[COUNT];
    (void)state;
    for (seed = 1; seed < 20; seed++) {
        shuffle(in, COUNT);
        shuffle(out, COUNT);
        put_and_take(in, out, COUNT);
    }
}

/* Back and forth over the bounds between the forms; what is in the array has to be in the tree. */
static void forms(void **state)
{
    struct gm_arena *arena = arena_new(0, COUNT * PITCH - 1, 1);
    gm_range ranges[COUNT];
    (void)state;
    arena_comb(arena, GM_FLAT, PITCH, 9, ranges);
    for (unsigned round = 0; round < 3; round++) {
        assert_int_equal(arena_stats(arena).tree, 0);
        for (uint32_t i = GM_FLAT; i < GM_FLAT + 3; i++) {
            assert_result(gm_arena_reserve(arena, i * PITCH, i * PITCH + 8, 0, i, &ranges[i]), 0);
            assert_checked(arena);
            assert_int_equal(arena_stats(arena).tree, 1);
        }
        for (uint32_t i = GM_FLAT + 3; i-- > GM_FLAT_AGAIN - 1;) {
            assert_int_equal(arena_stats(arena).tree, 1);
            assert_result(gm_arena_give(arena, ranges[i]), 0);
            assert_checked(arena);
        }
        for (uint32_t i = GM_FLAT_AGAIN - 1; i < GM_FLAT; i++)
            assert_result(gm_arena_reserve(arena, i * PITCH, i * PITCH + 8, 0, i, &ranges[i]), 0);
        assert_checked(arena);
    }
    for (uint32_t i = 0; i < GM_FLAT; i++) {
        struct gm_range_info info;
        assert_result(gm_arena_get(arena, ranges[i], &info), 0);
        assert_true(info.first == i * PITCH && info.user == i);
    }
    gm_arena_destroy(arena);
}

/* A row is right when it is built, stays so under every change, and dies with the tree. */
static void rows(void **state)
{
    struct gm_arena *arena = arena_new(0, (UINT64_C(1) << 40) - 1, 1);
    gm_range ranges[COUNT] = {0};
    (void)state;
    seed = 99;
    arena_comb(arena, COUNT, 1000, 10, ranges);
    for (unsigned i = 0; i < 6000; i++) {
        uint32_t k = (uint32_t)gmt_rand_below(&seed, COUNT);
        unsigned shift = 2 + (unsigned)gmt_rand_below(&seed, 20);
        struct gm_request request = {.size = 3 + gmt_rand_below(&seed, 400), .align = UINT64_C(1) << shift};
        struct gm_range_info info;
        if (i % 4 == 0)
            request.phase = request.align / 4;
        assert_result(gm_arena_give(arena, ranges[k]), 0);
        assert_result(gm_arena_take(arena, &request, &info), 0);
        ranges[k] = info.range;
        if (i % 8 == 0)
            assert_checked(arena);
    }
    struct gm_arena_stats stats = arena_stats(arena);
    assert_int_equal(stats.classes, GM_ARENA_CLASSES);
    assert_true(stats.class_builds >= GM_ARENA_CLASSES);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_result(gm_arena_give(arena, ranges[i]), 0);
    assert_int_equal(arena_stats(arena).classes, 0);
    /* another tree, whose leaves have slots that were inner ones, in the memory of the old rows */
    uint32_t order[COUNT];
    shuffle(order, COUNT);
    for (uint32_t i = 0; i < COUNT; i++)
        assert_result(gm_arena_reserve(arena, order[i] * 999, order[i] * 999 + 10, 0, 0, NULL), 0);
    for (unsigned shift = 2; shift < 8; shift++) {
        uint64_t size;
        assert_result(gm_arena_largest(arena, UINT64_C(1) << shift, &size), 0);
        assert_checked(arena);
    }
    gm_arena_destroy(arena);
}

/* More classes in turn than there are rows: idle ones are replaced, but no more often than pays. */
static void thrash(void **state)
{
    struct gm_arena *arena = arena_new(0, (UINT64_C(1) << 40) - 1, 1);
    (void)state;
    arena_comb(arena, COUNT, 1000, 10, NULL);
    for (unsigned i = 0; i < 40 * COUNT; i++) {
        struct gm_request request = {.size = 3, .align = UINT64_C(1) << (2 + i % 36)};
        uint64_t first;
        assert_result(gm_arena_would_fit(arena, &request, &first), 0);
        assert_true(first % request.align == 0);
    }
    assert_in_range(arena_stats(arena).class_builds, GM_ARENA_CLASSES, GM_ARENA_CLASSES + 80);
    /* one that stays in demand gets a row in the end: then it is not looked for gap by gap any more */
    for (unsigned i = 0; i < 3 * COUNT; i++) {
        struct gm_request request = {.size = 980, .align = UINT64_C(1) << 30, .phase = 4};
        uint64_t first;
        assert_result(gm_arena_would_fit(arena, &request, &first), 0);
        if (i == 0 || i == 3 * COUNT - 1)
            assert_int_equal(arena_stats(arena).visited < 30, i != 0);
    }
    gm_arena_destroy(arena);
}

/* Ranges that touch the ends of the arena, and one that is all of it, in arenas that end below 2^64 and there. */
static void ends(void **state)
{
    (void)state;
    for (unsigned top = 0; top < 2; top++)
        for (unsigned low = 0; low < 2; low++)
            for (uint32_t count = 0; count < 200; count += 199) {
                uint64_t first = low ? 0 : 4096, last = top ? UINT64_MAX : (UINT64_C(1) << 40) - 1;
                struct gm_arena *arena = arena_new(first, last, 1);
                gm_range ranges[3];
                for (uint32_t i = 0; i < count; i++)
                    assert_result(gm_arena_reserve(arena, 8192 + i * 4, 8193 + i * 4, 0, 0, NULL), 0);
                assert_result(gm_arena_reserve(arena, last - 9, last, 0, 0, &ranges[0]), 0);
                assert_checked(arena);
                assert_result(gm_arena_reserve(arena, first, first + 9, 0, 0, &ranges[1]), 0);
                assert_checked(arena);
                assert_result(gm_arena_resize(arena, ranges[0], last - 1), 0);
                assert_checked(arena);
                assert_result(gm_arena_resize(arena, ranges[0], last), 0);
                assert_result(gm_arena_relocate(arena, ranges[0], last - 100), 0);
                assert_checked(arena);
                assert_result(gm_arena_relocate(arena, ranges[0], last - 9), 0);
                assert_checked(arena);
                assert_result(gm_arena_give(arena, ranges[0]), 0);
                assert_result(gm_arena_give(arena, ranges[1]), 0);
                assert_result(gm_arena_reserve(arena, first, last, 0, 0, &ranges[2]), count == 0 ? 0 : -EBUSY);
                assert_checked(arena);
                gm_arena_destroy(arena);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_order_and_backwards),
        cmocka_unit_test(at_random),
        cmocka_unit_test(forms),
        cmocka_unit_test(rows),
        cmocka_unit_test(thrash),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
