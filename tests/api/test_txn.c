/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Transactions: one at a time, all or nothing, and refused where they would wait for themselves. */
#include "lib/cm.h"
#include "lib/rig.h"

#include <pthread.h>
#include <unistd.h>

static void begin_of_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = (struct gm_txn *)state;
    assert_result(gm_txn_begin(NULL, &txn), -EINVAL);
    assert_ptr_equal(txn, state);
    assert_result(gm_txn_begin(rig->space, NULL), -EINVAL);
    gm_txn_abort(gmt_begin(rig->space)); /* nothing stayed open */
}

static void begin_twice(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_txn *second = (struct gm_txn *)state;
    assert_result(gm_txn_begin(rig->space, &second), -EDEADLK);
    assert_ptr_equal(second, state);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0); /* the first is still good */
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_non_null(gm_translate(gmt_pin(rig->space), 0, 1, GM_RW));
    gm_unpin();
}

static void begin_while_pinned(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = (struct gm_txn *)state;
    gmt_pin(rig->space);
    assert_result(gm_txn_begin(rig->space, &txn), -EDEADLK);
    assert_ptr_equal(txn, state);
    gm_unpin();
    gm_txn_abort(gmt_begin(rig->space));
}

static void two_spaces_have_a_transaction_each(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *other;
    assert_result(gm_space_create(NULL, &other), 0);
    struct gm_txn *first = gmt_begin(rig->space);
    struct gm_txn *second = gmt_begin(other);
    gmt_commit(first, GM_COMMIT_ASYNC);
    gm_txn_abort(second);
    assert_result(gm_space_destroy(other), 0);
}

static void abort_of_nothing_ends_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    gm_txn_abort(NULL);
    assert_result(gm_txn_add(txn, &desc), 0); /* the open one still takes edits */
    gm_txn_abort(txn);
    gm_txn_abort(gmt_begin(rig->space));
}

static void stage_three(struct gmt_rig *rig, struct gm_txn *txn)
{
    struct gm_region_desc desc = gmt_ram(rig, GMT_GIB, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_remove(txn, 0, GMT_PAGE), 0);
    assert_result(gm_txn_resize(txn, 2 * GMT_PAGE, 2 * GMT_PAGE), 0);
}

static void staged_edits_show_at_commit_and_not_before(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_add_ram(rig, 2 * GMT_PAGE, GMT_PAGE, 2 * GMT_PAGE);
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    stage_three(rig, txn);
    gmt_assert_unchanged(rig);
    gmt_commit(txn, GM_COMMIT_ASYNC);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, GMT_GIB, GMT_PAGE, GM_RW), (void *)rig->host);
    assert_null(gm_translate(view, 0, 1, GM_ANY));
    void *grown = (void *)(rig->host + 2 * GMT_PAGE);
    assert_ptr_equal(gm_translate(view, 2 * GMT_PAGE, 2 * GMT_PAGE, GM_RW), grown);
    gm_unpin();
}

static void abort_drops_everything(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_add_ram(rig, 2 * GMT_PAGE, GMT_PAGE, 2 * GMT_PAGE);
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    stage_three(rig, txn);
    gm_txn_abort(txn);
    gmt_assert_unchanged(rig);
    txn = gmt_begin(rig->space);
    gmt_commit(txn, GM_COMMIT_WAIT);
    gmt_assert_unchanged(rig);
}

static void edits_build_on_each_other(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc desc = gmt_ram(rig, 0, 2 * GMT_PAGE, 4 * GMT_PAGE);
    assert_result(gm_txn_add(txn, &desc), -EEXIST);
    assert_result(gm_txn_remove(txn, 0, GMT_PAGE), 0);
    assert_result(gm_txn_remove(txn, 0, GMT_PAGE), -ENOENT);
    assert_result(gm_txn_add(txn, &desc), 0);
    assert_result(gm_txn_resize(txn, 0, 3 * GMT_PAGE), 0);
    assert_result(gm_txn_remove(txn, 0, 2 * GMT_PAGE), -ENOENT);
    assert_result(gm_txn_remove(txn, 0, 3 * GMT_PAGE), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, 0, 2 * GMT_PAGE, GM_RW), (void *)(rig->host + 4 * GMT_PAGE));
    assert_int_equal(gm_translate_why(view, 0, 2 * GMT_PAGE + 1, GM_RW), -EFAULT);
    gm_unpin();
}

static void commit_while_pinned_keeps_the_transaction_open(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), -EDEADLK);
    assert_result(gm_txn_commit(txn, GM_COMMIT_ASYNC), -EDEADLK);
    assert_null(gm_translate(view, 0, 1, GM_ANY));
    gm_unpin();
    gmt_assert_unchanged(rig);
    desc = gmt_ram(rig, GMT_PAGE, GMT_PAGE, GMT_PAGE);
    assert_result(gm_txn_add(txn, &desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, 0, 2 * GMT_PAGE, GM_RW), (void *)rig->host);
    gm_unpin();
}

static void commit_with_unknown_flags_keeps_the_transaction_open(void **state)
{
    static const unsigned bad[] = {2, 3, 4, 1u << 31, ~0u};
    struct gmt_rig *rig = *state;
    gmt_remember(rig);
    struct gm_txn *txn = gmt_begin(rig->space);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_result(gm_txn_commit(txn, bad[i]), -EINVAL);
        gmt_assert_unchanged(rig);
    }
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_non_null(gm_translate(gmt_pin(rig->space), 0, 1, GM_RW));
    gm_unpin();
}

static void no_transaction(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_txn_add(NULL, &desc), -EINVAL);
    assert_result(gm_txn_remove(NULL, 0, GMT_PAGE), -EINVAL);
    assert_result(gm_txn_resize(NULL, 0, GMT_PAGE), -EINVAL);
    assert_result(gm_txn_commit(NULL, GM_COMMIT_WAIT), -EINVAL);
}

static void ended_transaction(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_GIB, GMT_PAGE, 0);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    for (unsigned aborted = 0; aborted < 2; aborted++) {
        struct gm_txn *txn = gmt_begin(rig->space);
        if (aborted != 0)
            gm_txn_abort(txn);
        else
            gmt_commit(txn, GM_COMMIT_WAIT);
        gmt_remember(rig);
        assert_result(gm_txn_add(txn, &desc), -EINVAL);
        assert_result(gm_txn_remove(txn, GMT_GIB, GMT_PAGE), -EINVAL);
        assert_result(gm_txn_resize(txn, GMT_GIB, 2 * GMT_PAGE), -EINVAL);
        assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), -EINVAL);
        gmt_assert_unchanged(rig);
    }
}

static void empty_commit(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    gmt_remember(rig);
    gmt_commit(gmt_begin(rig->space), GM_COMMIT_WAIT);
    gmt_commit(gmt_begin(rig->space), GM_COMMIT_ASYNC);
    gmt_assert_unchanged(rig);
}

static void reclaim_refuses(void **state)
{
    struct gmt_rig *rig = *state;
    assert_result(gm_space_reclaim(NULL), -EINVAL);
    gmt_pin(rig->space);
    assert_result(gm_space_reclaim(rig->space), -EDEADLK);
    gm_unpin();
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_space_reclaim(rig->space), -EDEADLK);
    gmt_commit(txn, GM_COMMIT_WAIT); /* the transaction was left alone */
    assert_result(gm_space_reclaim(rig->space), 0);
}

struct second {
    struct gmt_rig *rig;
    unsigned stage; /* 1: about to begin, 2: has begun */
};

static void *second_writer(void *argument)
{
    struct second *second = argument;
    struct gm_txn *txn;
    __atomic_store_n(&second->stage, 1, __ATOMIC_RELEASE);
    if (gm_txn_begin(second->rig->space, &txn) != 0)
        return (void *)1;
    __atomic_store_n(&second->stage, 2, __ATOMIC_RELEASE);
    /* only possible on top of the first writer's commit */
    bool good = gm_txn_resize(txn, 0, 2 * GMT_PAGE) == 0;
    good = gm_txn_commit(txn, GM_COMMIT_WAIT) == 0 && good;
    return (void *)(intptr_t)!good;
}

static void second_writer_waits_for_the_first(void **state)
{
    struct gmt_rig *rig = *state;
    struct second second = {rig, 0};
    pthread_t thread;
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_int_equal(pthread_create(&thread, NULL, second_writer, &second), 0);
    while (__atomic_load_n(&second.stage, __ATOMIC_ACQUIRE) == 0)
        usleep(100);
    usleep(20000); /* ample time to begin by mistake */
    assert_int_equal(__atomic_load_n(&second.stage, __ATOMIC_ACQUIRE), 1);
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    void *result;
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    assert_non_null(gm_translate(gmt_pin(rig->space), GMT_PAGE, GMT_PAGE, GM_RW));
    gm_unpin();
}

static void generations_are_unique_across_spaces(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *other;
    uint64_t seen[12];
    assert_result(gm_space_create(NULL, &other), 0);
    for (unsigned i = 0; i < 12; i++) {
        struct gm_space *space = (i & 1) != 0 ? other : rig->space;
        struct gm_region_desc desc = gmt_ram(rig, i * GMT_PAGE, GMT_PAGE, 0);
        gmt_add(space, &desc);
        seen[i] = gmt_pin(space)->generation;
        gm_unpin();
        assert_true(seen[i] != 0);
        for (unsigned j = 0; j < i; j++)
            assert_true(seen[j] != seen[i]);
    }
    assert_result(gm_space_destroy(other), 0);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(begin_of_nothing),
        RIG(begin_twice),
        RIG(begin_while_pinned),
        RIG(two_spaces_have_a_transaction_each),
        RIG(abort_of_nothing_ends_nothing),
        RIG(staged_edits_show_at_commit_and_not_before),
        RIG(abort_drops_everything),
        RIG(edits_build_on_each_other),
        RIG(commit_while_pinned_keeps_the_transaction_open),
        RIG(commit_with_unknown_flags_keeps_the_transaction_open),
        RIG(no_transaction),
        RIG(ended_transaction),
        RIG(empty_commit),
        RIG(reclaim_refuses),
        RIG(second_writer_waits_for_the_first),
        RIG(generations_are_unique_across_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
