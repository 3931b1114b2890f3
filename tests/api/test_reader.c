/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Registration and pins: who may pin, what nests, and what is refused without an effect. */
#include "lib/cm.h"
#include "lib/rig.h"

static void unregistered_thread_gets_no_view(void **state)
{
    (void)state;
    struct gm_space *space;
    assert_result(gm_space_create(NULL, &space), 0);
    assert_null(gm_pin(space));
    assert_result(gm_unpin(), -EPERM);
    assert_result(gm_reader_unregister(), -ENOENT);
    assert_result(gm_space_destroy(space), 0);
}

static void register_twice(void **state)
{
    (void)state;
    assert_result(gm_reader_register(), 0);
    assert_result(gm_reader_register(), -EALREADY);
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_reader_unregister(), -ENOENT);
}

static void register_with_another_view_layout(void **state)
{
    (void)state;
    static const unsigned other[] = {0, GM_VIEW_ABI + 1, ~0u};
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        assert_result(gm_reader_register_abi(other[i]), -EPROTO);
    assert_result(gm_reader_unregister(), -ENOENT);
    assert_result(gm_reader_register_abi(GM_VIEW_ABI), 0);
    assert_result(gm_reader_unregister(), 0);
}

static void *other_thread(void *argument)
{
    struct gmt_rig *rig = argument;
    bool good = gm_pin(rig->space) == NULL && gm_unpin() == -EPERM && gm_reader_unregister() == -ENOENT;
    good = good && gm_reader_register() == 0 && gm_pin(rig->space) != NULL;
    good = good && gm_reader_unregister() == -EBUSY && gm_unpin() == 0 && gm_reader_unregister() == 0;
    return (void *)(intptr_t)!good;
}

static void registration_is_per_thread(void **state)
{
    struct gmt_rig *rig = *state;
    assert_int_equal(gmt_on_thread(other_thread, rig), 0);
    gmt_pin(rig->space);
    assert_int_equal(gmt_on_thread(other_thread, rig), 0);
    assert_result(gm_unpin(), 0);
}

static void pin_of_no_space(void **state)
{
    (void)state;
    assert_null(gm_pin(NULL));
    assert_result(gm_unpin(), -EPERM);
}

static void unpin_too_often_changes_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_pin(rig->space);
    assert_result(gm_unpin(), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_result(gm_unpin(), -EPERM);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_why(view, 0, 1, GM_ANY), -EFAULT);
    assert_result(gm_unpin(), 0);
    assert_result(gm_unpin(), -EPERM);
}

static void pins_nest(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    const struct gm_view *views[20];
    for (unsigned i = 0; i < 20; i++)
        views[i] = gmt_pin(rig->space);
    for (unsigned i = 20; i-- > 0;) {
        assert_ptr_equal(gm_translate(views[i], 0, GMT_PAGE, GM_RW), (void *)rig->host);
        assert_result(gm_reader_unregister(), -EBUSY);
        assert_result(gm_unpin(), 0);
    }
    assert_result(gm_unpin(), -EPERM);
}

static void unregister_while_pinned_changes_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_reader_unregister(), -EBUSY);
    assert_result(gm_reader_register(), -EALREADY);
    assert_ptr_equal(gm_translate(view, 0, 1, GM_RW), (void *)rig->host);
    assert_result(gm_unpin(), 0);
}

static void pins_of_two_spaces_nest(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *other;
    assert_result(gm_space_create(NULL, &other), 0);
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, GMT_PAGE);
    gmt_add(other, &desc);
    const struct gm_view *first = gmt_pin(rig->space);
    const struct gm_view *second = gmt_pin(other);
    assert_ptr_equal(gm_translate(first, 0, 1, GM_RW), (void *)rig->host);
    assert_ptr_equal(gm_translate(second, 0, 1, GM_RW), (void *)(rig->host + GMT_PAGE));
    assert_int_not_equal(first->generation, second->generation);
    assert_result(gm_unpin(), 0);
    assert_ptr_equal(gm_translate(first, 0, 1, GM_RW), (void *)rig->host);
    assert_result(gm_unpin(), 0);
    assert_result(gm_space_destroy(other), 0);
}

static void *remove_async(void *argument)
{
    struct gmt_rig *rig = argument;
    struct gm_txn *txn;
    if (gm_txn_begin(rig->space, &txn) != 0)
        return (void *)1;
    if (gm_txn_remove(txn, 0, GMT_PAGE) != 0) {
        gm_txn_abort(txn);
        return (void *)2;
    }
    return (void *)(intptr_t)-gm_txn_commit(txn, GM_COMMIT_ASYNC);
}

static void outer_view_stays_below_a_newer_pin(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    const struct gm_view *outer = gmt_pin(rig->space);
    assert_int_equal(gmt_on_thread(remove_async, rig), 0);
    const struct gm_view *inner = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(outer, 0, 1, GM_RW), (void *)rig->host);
    *(volatile char *)rig->host = 1;
    void *now = gm_translate(inner, 0, 1, GM_RW);
    assert_true(now == NULL || now == (void *)rig->host);
    assert_result(gm_unpin(), 0);
    assert_ptr_equal(gm_translate(outer, 0, 1, GM_RW), (void *)rig->host);
    assert_result(gm_unpin(), 0);
    assert_null(gm_translate(gmt_pin(rig->space), 0, 1, GM_ANY));
    assert_result(gm_unpin(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unregistered_thread_gets_no_view),
        cmocka_unit_test(register_twice),
        cmocka_unit_test(register_with_another_view_layout),
        cmocka_unit_test_setup_teardown(registration_is_per_thread, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(pin_of_no_space, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(unpin_too_often_changes_nothing, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(pins_nest, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(unregister_while_pinned_changes_nothing, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(pins_of_two_spaces_nest, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(outer_view_stays_below_a_newer_pin, gmt_rig_open, gmt_rig_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
