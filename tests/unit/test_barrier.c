/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The barrier: detected, refused on order, and errno left alone. */
#include "lib/cm.h"

#include "base/barrier.h"
#include "base/fault.h"

static void works_where_it_is_able(void **state)
{
    (void)state;
    errno = 12345;
    if (gm_barrier_able())
        assert_result(gm_barrier(), 0);
    assert_int_equal(errno, 12345);
}

static void can_be_made_to_fail(void **state)
{
    (void)state;
    bool able = gm_barrier_able();
    gm_fault_arm(1);
    assert_false(gm_barrier_able());
    assert_true(gm_fault_disarm());
    gm_fault_arm(1);
    assert_result(gm_barrier(), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_int_equal(gm_barrier_able(), able);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(works_where_it_is_able),
        cmocka_unit_test(can_be_made_to_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
