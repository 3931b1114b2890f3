/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A transaction whose steps fail one after the other: the edit that fails says so, those before it are taken back
 * without a step that could fail, and the arena is what it was. Commit has no such step either.
 */
#include "lib/cm.h"

#include "base/fault.h"
#include "guestmem/arena_txn.h"
#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"

#define GRANULE UINT64_C(0x1000)
#define TAKES 300 /* more than the first step of memory has room for */

static struct gmt_arena_dump before, after;
static gm_range given[20];

static struct gm_arena *prepared(void)
{
    const struct gm_arena_config config = {.last = GRANULE * 4096 - 1, .granule = GRANULE, .numa_node = -1,
                                           .flags = GM_ARENA_DEFER, .seed = 3};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    for (unsigned i = 0; i < 20; i++)
        given[i] = gmt_arena_take(arena, (struct gm_request){.size = GRANULE, .guard_after = GRANULE}).range;
    return arena;
}

/* One edit of each kind there is, of the ranges that were there before. */
static int edit(struct gm_arena *arena, struct gm_arena_txn *txn, unsigned i)
{
    uint64_t last = GRANULE * (4096 - i);
    switch (i % 5) {
    case 0:
        return gm_arena_txn_give(txn, arena, given[i]);
    case 1:
        return gm_arena_txn_defer(txn, arena, given[i]);
    case 2:
        return gm_arena_txn_update(txn, arena, given[i], 5, UINT64_MAX - i);
    case 3:
        return gm_arena_txn_reserve(txn, arena, last - GRANULE, last - 1, 2, i, NULL);
    default:
        return gm_arena_txn_resize(txn, arena, given[i], GRANULE * (2 * i + 1) - 1);
    }
}

static int edits(struct gm_arena *arena, struct gm_arena_txn **txn)
{
    const struct gm_request request = {.size = 3 * GRANULE, .align = 4 * GRANULE, .guard_before = GRANULE};
    int result = gm_arena_txn_begin(&arena, 1, txn);
    for (unsigned i = 0; i < TAKES && result == 0; i++) {
        if (i % 15 == 0)
            result = edit(arena, *txn, i / 15);
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

/* Of two things wrong: no transaction, then no memory for the note, then what the edit is told. */
static void first_error(void **state)
{
    (void)state;
    struct gm_arena *arena = prepared(), *twice[] = {arena, arena};
    struct gm_arena_txn *txn = NULL;
    uint32_t id = 0;
    gm_fault_arm(1);
    assert_result(gm_arena_txn_begin(twice, 2, &txn), -EINVAL);
    assert_result(gm_arena_txn_begin(twice, 1, &txn), -ENOMEM);
    gm_fault_disarm();
    assert_result(gm_arena_txn_begin(twice, 1, &txn), 0);
    for (unsigned i = 0; i < 6; i++) {
        gm_fault_arm(1);
        int result = i == 0   ? gm_arena_txn_take(txn, arena, &(struct gm_request){.size = 1}, NULL)
                     : i == 1 ? gm_arena_txn_reserve(txn, arena, 1, 0, 0, 0, NULL)
                     : i == 2 ? gm_arena_txn_give(txn, arena, 1)
                     : i == 3 ? gm_arena_txn_take(txn, NULL, NULL, NULL)
                     : i == 4 ? gm_arena_txn_id_take(txn, NULL, &id)
                              : gm_arena_txn_take(txn, arena, NULL, NULL);
        gm_fault_disarm();
        assert_result(result, i < 3 ? -ENOMEM : -EINVAL);
    }
    gm_arena_txn_free(txn);
    gm_arena_destroy(arena);
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
    assert_int_equal(stats.ranges, 2 * TAKES + 2 * 20 - 2 * 4 + 4); /* 4 were given, 4 reserved */
    assert_int_equal(stats.deferred, 2 * 4);
    gm_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_step_fails), cmocka_unit_test(first_error),
                                       cmocka_unit_test(commit_has_no_steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
