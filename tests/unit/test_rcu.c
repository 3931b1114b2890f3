/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A program may use liburcu itself, on the same threads. Its sections and registrations are its own: ours neither end
 * them nor are ended by them, but a thread in its section cannot wait for a grace period.
 */
#include "base/rcu.h"
#include "lib/cm.h"

#include <errno.h>

#include "guestmem/guestmem.h"

static struct gm_space *space;

static int open_space(void **state)
{
    (void)state;
    return gm_space_create(NULL, &space);
}

static int close_space(void **state)
{
    (void)state;
    return gm_space_destroy(space);
}

static void unpin_leaves_their_section_alone(void **state)
{
    (void)state;
    assert_int_equal(gm_reader_register(), 0);
    urcu_memb_read_lock();
    assert_int_equal(gm_unpin(), -EPERM);
    assert_true(gm_rcu_reading());
    assert_non_null(gm_pin(space));
    assert_int_equal(gm_unpin(), 0);
    assert_true(gm_rcu_reading());
    assert_int_equal(gm_unpin(), -EPERM);
    urcu_memb_read_unlock();
    assert_false(gm_rcu_reading());
    assert_int_equal(gm_reader_unregister(), 0);
}

static void their_section_forbids_waiting(void **state)
{
    (void)state;
    struct gm_txn *txn;
    assert_int_equal(gm_reader_register(), 0);
    assert_int_equal(gm_txn_begin(space, &txn), 0);
    urcu_memb_read_lock();
    assert_int_equal(gm_txn_commit(txn, GM_COMMIT_WAIT), -EDEADLK);
    assert_int_equal(gm_space_reclaim(space), -EDEADLK);
    urcu_memb_read_unlock();
    assert_int_equal(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    assert_int_equal(gm_reader_unregister(), 0);
}

static void their_registration_is_borrowed(void **state)
{
    (void)state;
    if (GM_TSAN) {
        print_message("SKIPPED: liburcu's out-of-line interface cannot tell who is registered\n");
        skip();
    }
    urcu_memb_register_thread();
    assert_null(gm_pin(space)); /* registered there is not registered here */
    assert_int_equal(gm_reader_register(), 0);
    assert_int_equal(gm_reader_register(), -EALREADY);
    assert_non_null(gm_pin(space));
    assert_int_equal(gm_unpin(), 0);
    assert_int_equal(gm_reader_unregister(), 0);
    urcu_memb_read_lock(); /* still registered: this would count for nobody otherwise */
    assert_true(gm_rcu_reading());
    urcu_memb_read_unlock();
    urcu_memb_unregister_thread();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unpin_leaves_their_section_alone),
        cmocka_unit_test(their_section_forbids_waiting),
        cmocka_unit_test(their_registration_is_borrowed),
    };
    return cmocka_run_group_tests(tests, open_space, close_space);
}
