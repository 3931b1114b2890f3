/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Several who harvest one bitmap: each has its own view, and the marks are paid for once. */
#include "lib/cm.h"

#include "lib/dirty_got.h"

static void each_consumer_has_all(void **state)
{
    struct gm_dirty *dirty = make(300000, 0);
    struct gm_dirty_consumer *one, *two;
    struct gm_dirty_request by_one = all, by_two = all;
    struct got got;
    (void)state;
    mark(dirty, 5, 1);
    assert_result(gm_dirty_consumer_create(dirty, &one), 0);
    by_one.consumer = one;
    mark(dirty, 6, 1);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {5, 2});
    assert_result(gm_dirty_consumer_create(dirty, &two), 0); /* of what was taken it has nothing */
    by_two.consumer = two;
    mark(dirty, 7, 1);
    mark(dirty, 299999, 1);
    harvest(dirty, &by_two, &got);
    ASSERT_RANGES(&got, {7, 1}, {299999, 1});
    harvest(dirty, &by_one, &got);
    ASSERT_RANGES(&got, {5, 3}, {299999, 1});
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {7, 1}, {299999, 1});
    harvest(dirty, &by_one, &got);
    assert_int_equal(got.count, 0);
    assert_result(gm_dirty_put_back(dirty, one, 7 * PAGE, 1), 0); /* for one alone */
    harvest(dirty, &all, &got);
    assert_int_equal(got.count, 0);
    harvest(dirty, &by_two, &got);
    assert_int_equal(got.count, 0);
    harvest(dirty, &by_one, &got);
    ASSERT_RANGES(&got, {7, 1});
    mark(dirty, 0, 300000);
    harvest(dirty, &by_one, &got);
    assert_result(gm_dirty_clear(dirty, 64 * PAGE, 299936 * PAGE), 0); /* for everybody */
    harvest(dirty, &by_two, &got);
    ASSERT_RANGES(&got, {0, 64});
    gm_dirty_consumer_destroy(dirty, one);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {0, 64});
    gm_dirty_consumer_destroy(dirty, two);
    gm_dirty_consumer_destroy(dirty, NULL);
    mark(dirty, 9, 1);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {9, 1});
    assert_result(gm_dirty_consumer_create(dirty, &one), 0); /* destroyed with the bitmap */
    gm_dirty_destroy(dirty);
}

/* A slice that ends early leaves the rest to its own view and to all others. */
static void slices_of_several_consumers(void **state)
{
    struct gm_dirty *dirty = make(300000, GM_DIRTY_LOCKED);
    struct gm_dirty_consumer *one;
    struct gm_dirty_request slice = {.len = UINT64_MAX, .budget = 100}, by_one = all;
    struct got got;
    (void)state;
    assert_result(gm_dirty_consumer_create(dirty, &one), 0);
    slice.consumer = by_one.consumer = one;
    mark(dirty, 0, 1000);
    mark(dirty, 290000, 1000);
    assert_int_equal(harvest(dirty, &slice, &got), 128 * PAGE);
    ASSERT_RANGES(&got, {0, 128});
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {0, 1000}, {290000, 1000});
    assert_int_equal(harvest(dirty, &slice, &got), 256 * PAGE);
    ASSERT_RANGES(&got, {128, 128});
    harvest(dirty, &by_one, &got);
    ASSERT_RANGES(&got, {256, 744}, {290000, 1000});
    gm_dirty_destroy(dirty);
}

static void consumers_of_another_bitmap(void **state)
{
    struct gm_dirty *dirty = make(100, 0), *other = make(70000, 0);
    struct gm_dirty_request by_other = all;
    struct got got = {.room = SIZE_MAX};
    uint64_t next = 1, words[2] = {0};
    (void)state;
    assert_result(gm_dirty_consumer_create(other, &by_other.consumer), 0);
    mark(dirty, 3, 1);
    mark(other, 69999, 1);
    assert_result(gm_dirty_harvest(dirty, &by_other, take, &got, &next), -EINVAL);
    assert_result(gm_dirty_harvest_words(dirty, &by_other, words, 2, &next), -EINVAL);
    assert_result(gm_dirty_put_back(dirty, by_other.consumer, 0, 1), -EINVAL);
    assert_result(gm_dirty_consumer_count(dirty, by_other.consumer, 0, PAGE, &next), -EINVAL);
    assert_result(gm_dirty_consumer_disable(dirty, by_other.consumer), -EINVAL);
    assert_result(gm_dirty_consumer_enable(dirty, by_other.consumer), -EINVAL);
    assert_result(gm_dirty_consumer_disable(dirty, NULL), -EINVAL);
    assert_result(gm_dirty_consumer_enable(NULL, by_other.consumer), -EINVAL);
    gm_dirty_consumer_destroy(dirty, by_other.consumer);
    assert_true(next == 1 && got.count == 0 && words[0] == 0);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {3, 1});
    harvest(other, &by_other, &got); /* it is still there */
    ASSERT_RANGES(&got, {69999, 1});
    gm_dirty_destroy(other);
    gm_dirty_destroy(dirty);
}

static int marks_count(const struct gm_dirty *dirty)
{
    struct gm_dirty_stats stats;
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    return stats.is_on != 0;
}

/* Who rests keeps what was marked before, gets nothing of what comes, and disturbs nobody. */
static void one_rests(void **state)
{
    struct gm_dirty *dirty = make(300000, 0);
    struct gm_dirty_request by_one = all, by_two = all;
    struct got got;
    (void)state;
    assert_result(gm_dirty_consumer_create(dirty, &by_one.consumer), 0);
    assert_result(gm_dirty_consumer_create(dirty, &by_two.consumer), 0);
    mark(dirty, 10, 1);
    harvest(dirty, &all, &got);
    mark(dirty, 20, 1);
    assert_result(gm_dirty_consumer_disable(dirty, by_one.consumer), 0);
    assert_result(gm_dirty_consumer_disable(dirty, by_one.consumer), 0);
    mark(dirty, 30, 1);
    harvest(dirty, &by_one, &got); /* takes nothing from the others */
    ASSERT_RANGES(&got, {10, 1}, {20, 1});
    harvest(dirty, &by_two, &got);
    ASSERT_RANGES(&got, {10, 1}, {20, 1}, {30, 1});
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {20, 1}, {30, 1});
    mark(dirty, 299999, 1);
    assert_result(gm_dirty_consumer_enable(dirty, by_one.consumer), 0);
    assert_result(gm_dirty_consumer_enable(dirty, by_one.consumer), 0);
    mark(dirty, 40, 1);
    harvest(dirty, &by_one, &got);
    ASSERT_RANGES(&got, {40, 1}, {299999, 1}); /* the latter was taken by nobody */
    harvest(dirty, &by_two, &got);
    ASSERT_RANGES(&got, {40, 1}, {299999, 1});
    assert_result(gm_dirty_consumer_disable(dirty, by_one.consumer), 0);
    assert_result(gm_dirty_put_back(dirty, by_one.consumer, 50 * PAGE, PAGE), 0);
    mark(dirty, 60, 1);
    harvest(dirty, &by_one, &got);
    ASSERT_RANGES(&got, {50, 1});
    gm_dirty_destroy(dirty);
}

/* Marks count as long as somebody wants them. */
static void on_for_somebody(void **state)
{
    static const struct gm_dirty_config config = {.size = 1000 * PAGE, .numa_node = -1};
    for (unsigned locked = 0; locked < 2; locked++) {
        struct gm_dirty_config with = config;
        struct gm_dirty_request by_one = all;
        struct gm_dirty_consumer *two;
        struct gm_dirty *dirty;
        struct got got;
        (void)state;
        with.flags = locked ? GM_DIRTY_LOCKED : 0;
        assert_result(gm_dirty_create(&with, &dirty), 0);
        mark(dirty, 1, 1);
        assert_result(gm_dirty_consumer_create(dirty, &by_one.consumer), 0); /* comes late, and sees what comes */
        assert_true(marks_count(dirty));
        mark(dirty, 2, 1);
        assert_result(gm_dirty_consumer_create(dirty, &two), 0);
        assert_result(gm_dirty_consumer_disable(dirty, by_one.consumer), 0);
        assert_true(marks_count(dirty));
        gm_dirty_consumer_destroy(dirty, two);
        assert_false(marks_count(dirty));
        mark(dirty, 3, 1);
        assert_result(gm_dirty_enable(dirty), 0);
        mark(dirty, 4, 1);
        assert_result(gm_dirty_consumer_enable(dirty, by_one.consumer), 0);
        assert_result(gm_dirty_disable(dirty), 0);
        mark(dirty, 5, 1);
        harvest(dirty, &by_one, &got);
        ASSERT_RANGES(&got, {2, 1}, {4, 2}); /* 4 was taken by nobody */
        assert_result(gm_dirty_consumer_disable(dirty, by_one.consumer), 0);
        assert_false(marks_count(dirty));
        mark(dirty, 6, 1);
        harvest(dirty, &all, &got);
        ASSERT_RANGES(&got, {2, 1}, {4, 2});
        gm_dirty_destroy(dirty);
    }
}

static void assert_counts(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer, uint64_t own, uint64_t other)
{
    uint64_t count = 77;
    assert_result(gm_dirty_consumer_count(dirty, NULL, 0, UINT64_MAX, &count), 0);
    assert_int_equal(count, own);
    assert_result(gm_dirty_consumer_count(dirty, consumer, 0, UINT64_MAX, &count), 0);
    assert_int_equal(count, other);
}

/* What a view has of its own and what is marked again counts once; gm_dirty_count has what nobody has taken. */
static void counted_for_each(void **state)
{
    struct gm_dirty *dirty = make(100000, 0);
    struct gm_dirty_consumer *consumer;
    struct got got;
    uint64_t count = 77;
    (void)state;
    mark(dirty, 10, 200);
    assert_counts(dirty, NULL, 200, 200);
    assert_result(gm_dirty_consumer_create(dirty, &consumer), 0);
    harvest(dirty, &all, &got);
    assert_counts(dirty, consumer, 0, 200);
    mark(dirty, 200, 30);
    mark(dirty, 99999, 1);
    assert_counts(dirty, consumer, 31, 221);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 31);
    assert_result(gm_dirty_consumer_count(dirty, consumer, 205 * PAGE - 1, PAGE + 2, &count), 0);
    assert_int_equal(count, 3);
    assert_result(gm_dirty_consumer_count(dirty, consumer, 205 * PAGE, 0, &count), 0);
    assert_int_equal(count, 0);
    assert_result(gm_dirty_consumer_count(dirty, consumer, 100000 * PAGE, PAGE, &count), 0);
    assert_int_equal(count, 0);
    count = 77;
    assert_result(gm_dirty_consumer_count(NULL, NULL, 0, PAGE, &count), -EINVAL);
    assert_result(gm_dirty_consumer_count(dirty, NULL, 0, PAGE, NULL), -EINVAL);
    assert_int_equal(count, 77);
    assert_counts(dirty, consumer, 31, 221);
    assert_result(gm_dirty_consumer_disable(dirty, consumer), 0);
    mark(dirty, 0, 5);
    assert_counts(dirty, consumer, 36, 221);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_consumer_has_all),
        cmocka_unit_test(slices_of_several_consumers),
        cmocka_unit_test(consumers_of_another_bitmap),
        cmocka_unit_test(counted_for_each),
        cmocka_unit_test(one_rests),
        cmocka_unit_test(on_for_somebody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
