/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Creating and destroying spaces: every refused configuration, and every reason not to go away yet. */
#include "lib/cm.h"
#include "lib/dump.h"
#include "lib/rig.h"

static void defaults(void **state)
{
    (void)state;
    struct gm_space_config config = {.linear_size = 0, .numa_node = -1};
    struct gm_space *space;
    assert_result(gm_space_create(&config, &space), 0);
    assert_result(gm_space_destroy(space), 0);
    config.numa_node = 0;
    assert_result(gm_space_create(&config, &space), 0);
    assert_result(gm_space_destroy(space), 0);
}

static void no_place_for_the_result(void **state)
{
    (void)state;
    assert_result(gm_space_create(NULL, NULL), -EINVAL);
}

static void bad_configurations_write_nothing(void **state)
{
    static const struct gm_space_config bad[] = {
        {.linear_size = 1, .numa_node = -1},
        {.linear_size = GMT_PAGE - 1, .numa_node = -1},
        {.linear_size = GMT_GIB + 8, .numa_node = -1},
        {.linear_size = (UINT64_C(1) << 46) + GMT_PAGE, .numa_node = -1},
        {.linear_size = UINT64_C(1) << 63, .numa_node = -1},
        {.linear_size = UINT64_MAX, .numa_node = -1},
        {.linear_size = 0 - GMT_PAGE, .numa_node = -1},
        {.linear_size = 0, .numa_node = -2},
        {.linear_size = 0, .numa_node = 1 << 20},
        {.linear_size = 0, .numa_node = INT32_MAX},
        {.linear_size = 0, .numa_node = INT32_MIN},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct gm_space *space = (struct gm_space *)state;
        assert_result(gm_space_create(&bad[i], &space), -EINVAL);
        assert_ptr_equal(space, state);
    }
}

static void widest_linear_space(void **state)
{
    (void)state;
    struct gm_space_config config = {.linear_size = UINT64_C(1) << 46, .numa_node = -1};
    struct gm_space *space;
    int result = gm_space_create(&config, &space);
    assert_true(result == 0 || result == -ENOMEM); /* a sanitizer may own the addresses */
    if (result == 0)
        assert_result(gm_space_destroy(space), 0);
}

static void empty_space_answers(void **state)
{
    static const gm_gpa somewhere[] = {0, 1, GMT_BLOCK, GMT_GIB, GM_GPA_LAST, GMT_TOP, UINT64_C(1) << 63,
                                       UINT64_MAX};
    struct gmt_rig *rig = *state;
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < sizeof(somewhere) / sizeof(somewhere[0]); i++) {
        struct gm_region_info info;
        struct gm_span span;
        assert_null(gm_translate(view, somewhere[i], 1, GM_ANY));
        assert_int_equal(gm_translate_span(view, somewhere[i], &span), -EFAULT);
        assert_result(gm_region_find(view, somewhere[i], &info), -ENOENT);
        assert_result(gm_region_next(view, somewhere[i], &info), -ENOENT);
    }
    assert_true(view->generation != 0);
    assert_true(view->linear_base == 0 && view->linear_size == 0);
    gm_unpin();
}

static void destroy_nothing(void **state)
{
    (void)state;
    assert_result(gm_space_destroy(NULL), 0);
}

static void count_up(void *argument)
{
    ++*(int *)argument;
}

static void destroy_gives_memory_back(void **state)
{
    (void)state;
    int released = 0;
    struct gm_backing *backing;
    struct gm_space *space;
    assert_result(gm_backing_wrap((void *)GMT_GIB, GMT_BLOCK, count_up, &released, &backing), 0);
    assert_result(gm_space_create(NULL, &space), 0);
    for (gm_gpa gpa = 0; gpa < 3 * GMT_PAGE; gpa += GMT_PAGE) {
        struct gm_region_desc desc = {.gpa = gpa, .size = GMT_PAGE, .backing = backing};
        gmt_add(space, &desc);
    }
    gm_backing_put(backing);
    assert_int_equal(released, 0);
    assert_result(gm_space_destroy(space), 0);
    assert_int_equal(released, 1);
}

static void destroy_with_open_transaction(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc desc = gmt_ram(rig, GMT_PAGE, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_space_destroy(rig->space), -EBUSY);
    gmt_assert_unchanged(rig);
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_non_null(gm_translate(gmt_pin(rig->space), GMT_PAGE, 1, GM_RW));
    gm_unpin();
}

static void destroy_with_snapshots(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_remember(rig);
    struct gm_snapshot *current = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    assert_result(gm_space_destroy(rig->space), -EBUSY); /* of the current view */
    gmt_assert_unchanged(rig);
    gmt_add_ram(rig, GMT_PAGE, GMT_PAGE, GMT_PAGE);
    assert_result(gm_space_destroy(rig->space), -EBUSY); /* of an old view */
    char *shown = gmt_dump_view(gm_snapshot_view(current));
    assert_same_text(shown, rig->before);
    free(shown);
    struct gm_snapshot *again = gm_snapshot_take(gm_snapshot_view(current));
    gm_snapshot_put(current);
    assert_result(gm_space_destroy(rig->space), -EBUSY); /* the second count */
    gm_snapshot_put(again);
}

static void destroy_while_pinned(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_remember(rig);
    gmt_pin(rig->space);
    assert_result(gm_space_destroy(rig->space), -EDEADLK);
    gm_unpin();
    gmt_assert_unchanged(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(no_place_for_the_result),
        cmocka_unit_test(bad_configurations_write_nothing),
        cmocka_unit_test(widest_linear_space),
        cmocka_unit_test(destroy_nothing),
        cmocka_unit_test_setup_teardown(empty_space_answers, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test(destroy_gives_memory_back),
        cmocka_unit_test_setup_teardown(destroy_with_open_transaction, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(destroy_with_snapshots, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(destroy_while_pinned, gmt_rig_open, gmt_rig_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
