/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A transaction whose steps fail one after the other: the edit that fails says so, those before it are taken back
 * without a step that could fail, and the arena is what it was. Commit has no such step either.
 */
#include "lib/cm.h"

#include "base/fault.h"
#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"

#define GRANULE UINT64_C(0x1000)
#define TAKES 300 /* more than the first step of memory has room for */

static struct gmt_arena_dump before, after;
static gm_range given[20];

static struct gm_arena *prepared(void)
{
    struct gm_arena *arena = gmt_arena_open(0, GRANULE * 4096 - 1, GRANULE);
    for (unsigned i = 0; i < 20; i++)
        given[i] = gmt_arena_take(arena, (struct gm_request){.size = GRANULE, .guard_after = GRANULE}).range;
    return arena;
}

static int edits(struct gm_arena *arena, struct gm_arena_txn **txn)
{
    const struct gm_request request = {.size = 3 * GRANULE, .align = 4 * GRANULE, .guard_before = GRANULE};
    int result = gm_arena_txn_begin(&arena, 1, txn);
    for (unsigned i = 0; i < TAKES && result == 0; i++) {
        if (i % 15 == 0)
            result = gm_arena_txn_give(*txn, arena, given[i / 15]);
        if (result == 0)
            result = gm_arena_txn_take(*txn, arena, &request, NULL);
    }
    return result;
}

static void roll_back(struct gm_arena_txn *txn)
{
    gm_fault_arm(1);
    assert_result(gm_arena_txn_rollback(txn), 0);
    assert_false(gm_fault_disarm());
    gm_arena_txn_free(txn);
}

static void each_step_fails(void **state)
{
    unsigned step = 1, failed = 0;
    (void)state;
    for (bool through = false; !through; step++) {
        struct gm_arena *arena = prepared();
        struct gm_arena_txn *txn = NULL;
        gmt_arena_dump(arena, &before);
        gm_fault_arm(step);
        int result = edits(arena, &txn);
        through = !gm_fault_disarm();
        if (result != 0) /* advice on memory may fail without harm */
            assert_result(result, through ? 0 : -ENOMEM);
        failed += result != 0;
        if (txn != NULL)
            roll_back(txn);
        gmt_arena_dump(arena, &after);
        assert_true(gmt_arena_same_dump(&before, &after));
        assert_result(edits(arena, &txn), 0); /* it works when memory is back */
        gm_arena_txn_free(txn);
        gm_arena_destroy(arena);
    }
    assert_true(failed > 8); /* begin, the notes as they grow, memory of the arena */
}

static void commit_has_no_steps(void **state)
{
    (void)state;
    struct gm_arena *arena = prepared();
    struct gm_arena_txn *txn = NULL;
    struct gm_arena_stats stats;
    assert_result(edits(arena, &txn), 0);
    gm_fault_arm(1);
    assert_result(gm_arena_txn_commit(txn), 0);
    assert_false(gm_fault_disarm());
    gm_arena_txn_free(txn);
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_int_equal(stats.ranges, 2 * TAKES);
    gm_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_step_fails), cmocka_unit_test(commit_has_no_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
