/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which guest address gm_recover_view reports, and to whom: holes of a linear space, host memory that several regions
 * show, and points inside one another.
 */
#define _GNU_SOURCE
#include "lib/vanish.h"

#include <stdbool.h>

#define UNTOUCHED UINT64_C(0xdeadbeef)

static int touch(void *argument)
{
    return **(volatile uint8_t **)argument;
}

/* Of a linear space all of the reservation, in which guest addresses are distances. */
static void holes_of_a_linear_space(void **state)
{
    struct gm_space *space;
    struct gm_txn *txn;
    const struct gm_space_config config = {.linear_size = 16 * PAGE, .numa_node = -1};
    const struct gm_region_desc desc = {.gpa = 4 * PAGE, .size = PAGE, .kind = GM_KIND_RAM};
    (void)state;
    assert_result(gm_recover_install(), 0);
    assert_result(gm_space_create(&config, &space), 0);
    assert_result(gm_txn_begin(space, &txn), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    assert_result(gm_reader_register(), 0);
    const struct gm_view *view = gm_pin(space);
    static const gm_gpa places[] = {0, 77, PAGE - 1};
    for (size_t i = 0; i < 16 * sizeof(places) / sizeof(places[0]); i++) {
        const gm_gpa gpa = i % 16 * PAGE + places[i / 16];
        gm_gpa fault = UNTOUCHED;
        const bool there = gpa / PAGE == 4;
        void *at;
        assert_int_equal(gm_linear_batch(view, &gpa, 1, 1, &at), 1);
        assert_result(gm_recover_view(view, touch, &at, &fault), there ? 0 : -EFAULT);
        assert_int_equal(fault, there ? GM_RECOVER_NONE : gpa);
    }
    assert_result(gm_unpin(), 0);
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_space_destroy(space), 0);
    assert_result(gm_recover_remove(), 0);
}

/* A space with one more region, which shows host pages of the backing; devices before and after, to walk past. */
static void show(struct vanish *on, gm_gpa gpa, uint64_t page, uint64_t pages)
{
    struct gm_txn *txn;
    const struct gm_region_desc desc = {.gpa = gpa,
                                        .size = pages * PAGE,
                                        .kind = GM_KIND_RAM,
                                        .backing = on->ram,
                                        .offset = page * PAGE};
    assert_result(gm_unpin(), 0);
    assert_result(gm_txn_begin(on->space, &txn), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    for (uint64_t i = 0; i < 100; i++) {
        const struct gm_region_desc device = {.gpa = gpa + (2 * i + 100) * PAGE, .size = PAGE, .kind = GM_KIND_DEVICE};
        assert_result(gm_txn_add(txn, &device), 0);
    }
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    on->view = gm_pin(on->space);
}

static void the_lowest_of_several(void **state)
{
    const gm_gpa high = UINT64_C(1) << 40, middle = UINT64_C(1) << 30;
    struct vanish on;
    gm_gpa fault = UNTOUCHED;
    (void)state;
    vanish_open(&on, 0);
    assert_result(gm_recover_install(), 0);
    show(&on, high, 2, 6);
    show(&on, middle, 4, 3);
    for (uint64_t page = 0; page < VANISH_PAGES; page++) {
        volatile uint8_t *at = on.host + page * PAGE + 5;
        assert_result(gm_recover_view(on.view, touch, (void *)&at, &fault), -EFAULT);
        assert_int_equal(fault, page * PAGE + 5);
    }
    assert_result(gm_unpin(), 0);
    struct gm_txn *txn;
    assert_result(gm_txn_begin(on.space, &txn), 0);
    assert_result(gm_txn_remove(txn, 0, VANISH_PAGES * PAGE), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    on.view = gm_pin(on.space);
    for (uint64_t page = 2; page < 8; page++) {
        volatile uint8_t *at = on.host + page * PAGE + PAGE - 1;
        const gm_gpa low = page >= 4 && page < 7 ? middle + (page - 4) * PAGE : high + (page - 2) * PAGE;
        assert_result(gm_recover_view(on.view, touch, (void *)&at, &fault), -EFAULT);
        assert_int_equal(fault, low + PAGE - 1);
    }
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

struct nest {
    const struct gm_view *view;
    uint8_t *inner; /* the page of an inner gm_recover_call, or NULL: an inner gm_recover_view */
    volatile uint8_t *at;
    int result;
    volatile bool came_back;
};

static int inner_point(void *argument)
{
    struct nest *nest = argument;
    nest->result = nest->inner != NULL ? gm_recover_call(touch, (void *)&nest->at, nest->inner, PAGE, NULL)
                                       : gm_recover_view(nest->view, touch, (void *)&nest->at, NULL);
    nest->came_back = true;
    return 5;
}

/* The innermost that shows, or names, the address decides; a point of a view that does not is passed over. */
static void points_nest(void **state)
{
    struct vanish on, other;
    gm_gpa fault = UNTOUCHED;
    void *address = &on;
    (void)state;
    vanish_open(&on, 0);
    assert_result(gm_recover_install(), 0);
    struct nest nest = {.inner = on.host, .at = on.host + 9};
    assert_result(gm_recover_view(on.view, inner_point, &nest, &fault), 5);
    assert_result(nest.result, -EFAULT);
    assert_int_equal(fault, GM_RECOVER_NONE);
    nest = (struct nest){.inner = on.host, .at = on.host + 3 * PAGE};
    assert_result(gm_recover_view(on.view, inner_point, &nest, &fault), -EFAULT);
    assert_int_equal(fault, 3 * PAGE);
    assert_false(nest.came_back);
    nest = (struct nest){.view = on.view, .at = on.host + 3 * PAGE};
    assert_result(gm_recover_call(inner_point, &nest, on.host, VANISH_PAGES * PAGE, &address), 5);
    assert_result(nest.result, -EFAULT);
    assert_null(address);
    assert_result(gm_unpin(), 0);
    assert_result(gm_reader_unregister(), 0);
    vanish_open(&other, 0);
    on.view = gm_pin(on.space);
    nest = (struct nest){.view = other.view, .at = on.host + 2 * PAGE};
    assert_result(gm_recover_view(on.view, inner_point, &nest, &fault), -EFAULT);
    assert_int_equal(fault, 2 * PAGE);
    assert_false(nest.came_back);
    assert_result(gm_unpin(), 0);
    vanish_close(&other);
    assert_result(gm_reader_register(), 0);
    on.view = gm_pin(on.space);
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holes_of_a_linear_space),
        cmocka_unit_test(the_lowest_of_several),
        cmocka_unit_test(points_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
