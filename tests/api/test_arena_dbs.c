/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios that dbs-allocator tests, as they look here. Each test names its scenario.
 *
 * Without an equivalent:
 *   Range: intersect, contain, align_to, ordering, with_size, new_point   there is no range type to compute with
 *   Constraint: setters, chained setters                                  a request is a plain structure
 *   update of a sub-range and of a super-range                            gm_arena_update is keyed by handle
 *   delete of a free node, delete of an unknown key                       numbers are managed or not for good; what
 *                                                                         shall not be handed out is reserved
 *   get_superset_mut, get_by_id_mut                                       values are set by gm_arena_update
 *   documentation examples                                                they repeat the others
 * What it does not test (balance, many nodes, wrong frees, extremes, policies) is in the other test_arena_*.c and in
 * prop/arena_ops.c.
 */
#include "lib/arena_model_rig.h"

/* Range: inverted range panics; Constraint: validate of an inverted window. */
static void inverted_range_and_window(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xff, 1);
    assert_no_trace(arena, gm_arena_reserve(arena, 2, 1, 0, 0, NULL), -EINVAL);
    assert_no_trace(arena, gm_arena_give_exact(arena, 2, 1, 0), -EINVAL);
    assert_refuses(arena, -EINVAL, .size = 1, .min = 2, .max = 1);
    assert_takes(arena, 2, .size = 1, .min = 2, .max = 2);
    gm_arena_destroy(arena);
}

/* Range: the full range panics. Here it is a range like others. */
static void full_range(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, 1);
    gm_range range = gmt_arena_reserve(arena, 0, UINT64_MAX);
    assert_result(gm_arena_give(arena, range), 0);
    assert_true(gmt_arena_largest(arena, 0) == UINT64_MAX);
    gm_arena_destroy(arena);
}

/* Tree: duplicate insert panics. */
static void duplicate_insert(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    gmt_arena_reserve(arena, 0x100, 0x1ff);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x100, 0x1ff, 0, 0, NULL), -EBUSY);
    gm_arena_destroy(arena);
}

/* Tree: overlap on the right panics; overlap on the left panics. */
static void insert_that_overlaps(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    gmt_arena_reserve(arena, 0x100, 0x1ff);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x1ff, 0x2ff, 0, 0, NULL), -EBUSY);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x0, 0x100, 0, 0, NULL), -EBUSY);
    assert_no_trace(arena, gm_arena_reserve(arena, 0x0, 0x2ff, 0, 0, NULL), -EBUSY);
    gmt_arena_reserve(arena, 0x200, 0x2ff);
    gmt_arena_reserve(arena, 0x0, 0xff);
    gm_arena_destroy(arena);
}

static bool covered_by(const struct gm_arena *arena, uint64_t first, uint64_t last, uint64_t user)
{
    struct gm_range_info info;
    int result = gm_arena_find(arena, first, &info);
    return result == 0 && info.first <= first && info.last >= last && info.user == user;
}

/* Tree: get_superset for valued, free, allocated and none, which includes straddling and enclosing queries. */
static void superset_of_a_query(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    assert_takes(arena, 0x100, .size = 0x100, .min = 0x100, .user = 7);
    assert_takes(arena, 0x200, .size = 0x100, .min = 0x200, .user = 0);
    assert_true(covered_by(arena, 0x100, 0x1ff, 7));
    assert_true(covered_by(arena, 0x180, 0x180, 7));
    assert_true(covered_by(arena, 0x200, 0x2ff, 0));
    assert_true(gmt_arena_is_free(arena, 0x300, 0xffff) && gmt_arena_is_free(arena, 0, 0xff));
    assert_false(covered_by(arena, 0x180, 0x280, 7)); /* straddles two */
    assert_false(covered_by(arena, 0x180, 0x180, 0));
    assert_false(covered_by(arena, 0x80, 0x180, 7)); /* starts in a hole */
    assert_false(covered_by(arena, 0x200, 0x300, 0)); /* encloses more */
    gm_arena_destroy(arena);
}

/* Tree: the update sequence: first value, replaced, after delete. */
static void update_sequence(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    gm_range range = gmt_arena_reserve(arena, 0x100, 0x200);
    struct gm_range_info info;
    for (uint64_t value = 1; value < 4; value++) {
        assert_result(gm_arena_update(arena, range, 0, value), 0);
        assert_result(gm_arena_get(arena, range, &info), 0);
        assert_true(info.user == value && info.first == 0x100 && info.last == 0x200);
    }
    assert_result(gm_arena_give(arena, range), 0);
    assert_no_trace(arena, gm_arena_update(arena, range, 0, 9), -ESTALE);
    gm_arena_destroy(arena);
}

/* Tree: delete of valued nodes until the tree is empty. */
static void delete_until_empty(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    struct gm_arena_stats stats;
    for (uint64_t i = 0; i < 100; i++)
        gmt_arena_reserve(arena, i * 16, i * 16 + 7);
    for (uint64_t i = 0; i < 100; i++) {
        assert_result(gm_arena_give_exact(arena, (i * 37 % 100) * 16, (i * 37 % 100) * 16 + 7, 0), 0);
        assert_result(gm_arena_stats_get(arena, &stats), 0);
        assert_true(stats.ranges == 99 - i);
    }
    assert_true(stats.gaps == 1 && gmt_arena_is_free(arena, 0, 0xffff));
    gm_arena_destroy(arena);
}

/* Tree: allocate, free: an empty tree has nothing. */
static void nothing_left_is_no_space(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xff, 1);
    gmt_arena_reserve(arena, 0, 0xff);
    assert_refuses(arena, -ENOSPC, .size = 1);
    gm_arena_destroy(arena);
}

/* Tree: allocate, free: a node of one byte first; an exact window that is taken; window, alignment, size. */
static void one_byte_window_and_alignment(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(1, 0x10000, 1);
    gmt_arena_reserve(arena, 2, 0xff);
    gmt_arena_reserve(arena, 0x200, 0x2ff);
    assert_takes(arena, 1, .size = 1);
    assert_takes(arena, 0x100, .size = 0x100, .min = 0x100, .max = 0x1ff);
    assert_refuses(arena, -ENOSPC, .size = 0x100, .min = 0x100, .max = 0x1ff);
    assert_refuses(arena, -ENOSPC, .size = 1, .min = 0x100, .max = 0x2ff);
    assert_takes(arena, 0x400, .size = 0x10, .align = 0x200, .min = 0x301, .max = 0x7ff);
    assert_takes(arena, 0x600, .size = 0x10, .align = 0x200, .min = 0x301, .max = 0x7ff);
    assert_refuses(arena, -ENOSPC, .size = 0x10, .align = 0x200, .min = 0x301, .max = 0x7ff);
    gm_arena_destroy(arena);
}

/* Tree: free while allocated, then the same range again; too big fails. */
static void free_then_the_same_again(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x100, 0x1ff, 1);
    for (unsigned i = 0; i < 3; i++) {
        assert_takes(arena, 0x100, .size = 0x80);
        assert_refuses(arena, -ENOSPC, .size = 0x81);
        assert_takes(arena, 0x180, .size = 0x80);
        assert_result(gm_arena_give_exact(arena, 0x100, 0x17f, 0), 0);
        assert_result(gm_arena_give_exact(arena, 0x180, 0x1ff, 0), 0);
    }
    assert_refuses(arena, -ENOSPC, .size = 0x101);
    gm_arena_destroy(arena);
}

/* Tree: free while valued returns the value; after merging the full range can be had again. */
static void free_while_valued_then_the_full_range(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x100, 0x1ff, 1);
    struct gm_range_info info;
    gm_range ranges[4];
    for (uint64_t i = 0; i < 4; i++)
        ranges[i] = gmt_arena_take(arena, (struct gm_request){.size = 0x40, .user = 10 + i}).range;
    for (uint64_t i = 0; i < 4; i++) {
        assert_result(gm_arena_get(arena, ranges[i ^ 1], &info), 0);
        assert_true(info.user == 10 + (i ^ 1));
        assert_result(gm_arena_give(arena, ranges[i ^ 1]), 0);
    }
    assert_takes(arena, 0x100, .size = 0x100);
    gm_arena_destroy(arena);
}

/* Tree: get_by_id on a point, a range, and what is free. */
static void value_by_number(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, 1);
    struct gm_range_info info = {.user = 77};
    assert_takes(arena, 0x100, .size = 1, .min = 0x100, .user = 1);
    assert_takes(arena, 0x200, .size = 0x100, .min = 0x200, .user = 2);
    assert_result(gm_arena_find(arena, 0x101, &info), -ENOENT);
    assert_result(gm_arena_find(arena, 0xff, &info), -ENOENT);
    assert_result(gm_arena_find(arena, 0x300, &info), -ENOENT);
    assert_result(gm_arena_find(arena, UINT64_MAX, &info), -ENOENT);
    assert_true(info.user == 77);
    assert_true(covered_by(arena, 0x100, 0x100, 1) && covered_by(arena, 0x200, 0x200, 2));
    assert_true(covered_by(arena, 0x2ff, 0x2ff, 2) && covered_by(arena, 0x250, 0x250, 2));
    gm_arena_destroy(arena);
}

/* Found by running it: two free pools that touch are not merged; a pool that ends at the top is a panic later. */
static void pools_that_touch_are_one(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0x1000, 0x1fff, 1);
    assert_result(gm_arena_extend(arena, 0, 0x2fff), 0);
    assert_takes(arena, 0, .size = 0x3000);
    assert_result(gm_arena_give_at(arena, 0), 0);
    assert_takes(arena, 0, .size = 0x1000);
    assert_result(gm_arena_extend(arena, 0, UINT64_MAX), 0);
    assert_result(gm_arena_give_at(arena, 0), 0);
    assert_takes(arena, 0, .size = 8);
    assert_takes(arena, UINT64_MAX, .size = 1, .place = GM_PLACE_HIGHEST);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(inverted_range_and_window),
        TEST(full_range),
        TEST(duplicate_insert),
        TEST(insert_that_overlaps),
        TEST(superset_of_a_query),
        TEST(update_sequence),
        TEST(delete_until_empty),
        TEST(nothing_left_is_no_space),
        TEST(one_byte_window_and_alignment),
        TEST(free_then_the_same_again),
        TEST(free_while_valued_then_the_full_range),
        TEST(value_by_number),
        TEST(pools_that_touch_are_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
