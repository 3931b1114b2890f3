/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Transactions: what is committed is there, what is rolled back leaves no trace, not even in what comes after. */
#include <pthread.h>

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)

static struct gmt_walk walks[3];

static struct gm_arena *open_locked(uint64_t last)
{
    const struct gm_arena_config config = {.last = last, .granule = GRANULE, .flags = GM_ARENA_LOCKED,
                                           .numa_node = -1, .seed = 9};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static struct gm_arena_txn *begin(struct gm_arena *arena)
{
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    return txn;
}

/* Two arenas with one history; then one of them has a transaction of random edits that is rolled back. */
static void rolled_back_leaves_no_trace(unsigned live, unsigned edits, uint64_t seed)
{
    struct gm_arena *arena = open_locked(GRANULE * 4096 - 1), *twin = open_locked(GRANULE * 4096 - 1);
    static struct gmt_arena_dump before, after;
    gmt_walk_init(&walks[0], arena, GRANULE, live, seed);
    gmt_walk_init(&walks[1], twin, GRANULE, live, seed);
    assert_true(gmt_walk_same(&walks[0], &walks[1], live * 6));
    for (unsigned round = 0; round < 4; round++) {
        gmt_arena_dump(arena, &before);
        struct gm_arena_txn *txn = begin(arena);
        walks[2] = walks[0];
        walks[2].txn = txn;
        walks[2].seed = seed ^ (round + 77);
        walks[2].most = round % 2 == 0 ? live : 1 + live / 8; /* into an array, into a tree */
        gmt_walk_steps(&walks[2], edits);
        assert_result(gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
        gmt_arena_dump(arena, &after);
        assert_true(gmt_arena_same_dump(&before, &after));
        assert_true(gmt_walk_same(&walks[0], &walks[1], 1000));
    }
    gm_arena_destroy(arena);
    gm_arena_destroy(twin);
}

static void rollback_is_exact(void **state)
{
    static const unsigned lives[] = {1, 5, 30, 50, 64, 90, 200, 400};
    (void)state;
    for (unsigned i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
        for (uint64_t seed = 1; seed <= 6; seed++)
            rolled_back_leaves_no_trace(lives[i], 1 + (unsigned)gmt_mix(seed) % 300, seed);
}

static void commit_is_the_edits(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        struct gm_arena *arena = open_locked(GRANULE * 4096 - 1), *twin = open_locked(GRANULE * 4096 - 1);
        gmt_walk_init(&walks[0], arena, GRANULE, 100, seed);
        gmt_walk_init(&walks[1], twin, GRANULE, 100, seed);
        for (unsigned round = 0; round < 20; round++) {
            struct gm_arena_txn *txn = begin(arena);
            walks[0].txn = txn;
            assert_true(gmt_walk_same(&walks[0], &walks[1], 100));
            assert_result(gm_arena_txn_commit(txn), 0);
            gm_arena_txn_free(txn);
        }
        gm_arena_destroy(arena);
        gm_arena_destroy(twin);
    }
}

/* All there is of a range comes back: handle, labels, guards, also when its slot was used again meanwhile. */
static void handles_live_again(void **state)
{
    (void)state;
    struct gm_arena *arena = open_locked(GRANULE * 64 - 1);
    static struct gmt_arena_dump before, after;
    struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = 4 * GRANULE, .owner = 7, .user = 9,
                                               .guard_before = GRANULE, .guard_after = 2 * GRANULE}), other;
    struct gm_range_info free_one = gmt_arena_take(arena, (struct gm_request){.size = GRANULE});
    assert_result(gm_arena_give(arena, free_one.range), 0);
    gmt_arena_dump(arena, &before);
    struct gm_arena_txn *txn = begin(arena);
    assert_result(gm_arena_txn_resize(txn, arena, info.range, info.first + 8 * GRANULE - 1), 0);
    assert_result(gm_arena_txn_give(txn, arena, info.range), 0);
    assert_result(gm_arena_txn_give(txn, arena, info.range), -ESTALE);
    for (unsigned i = 0; i < 6; i++)
        assert_result(gm_arena_txn_take(txn, arena, &(struct gm_request){.size = GRANULE, .user = i}, &other), 0);
    assert_result(gm_arena_txn_relocate(txn, arena, other.range, 40 * GRANULE), 0);
    assert_result(gm_arena_find(arena, 40 * GRANULE, &other), 0); /* lookups see what is not committed */
    assert_result(gm_arena_txn_rollback(txn), 0);
    gm_arena_txn_free(txn);
    gmt_arena_dump(arena, &after);
    assert_true(gmt_arena_same_dump(&before, &after));
    assert_result(gm_arena_get(arena, other.range, &other), -ENOENT);
    assert_result(gm_arena_get(arena, free_one.range, &other), -ESTALE);
    assert_result(gm_arena_give(arena, info.range), 0);
    gm_arena_destroy(arena);
}

static void two_arenas_and_ids(void **state)
{
    (void)state;
    const struct gm_ids_config config = {.first = 10, .count = 100, .numa_node = -1};
    struct gm_arena *arenas[2] = {open_locked(GRANULE * 16 - 1), gmt_arena_open(0, 0xff, 1)};
    static struct gmt_arena_dump before[2], after[2];
    struct gm_arena_txn *txn = NULL;
    struct gm_ids *ids = NULL;
    uint32_t id = 0, group = 0;
    assert_result(gm_ids_create(&config, &ids), 0);
    assert_result(gm_ids_reserve(ids, 10, 4), 0);
    for (unsigned commit = 0; commit < 2; commit++) {
        for (unsigned i = 0; i < 2; i++)
            gmt_arena_dump(arenas[i], &before[i]);
        assert_result(gm_arena_txn_begin(arenas, 2, &txn), 0);
        for (unsigned i = 0; i < 2; i++)
            assert_result(gm_arena_txn_take(txn, arenas[i], &(struct gm_request){.size = 2 * GRANULE * (1 - i) + i},
                                            NULL), 0);
        assert_result(gm_arena_txn_id_take(txn, ids, &id), 0);
        assert_int_equal(id, 14);
        assert_result(gm_arena_txn_id_take_at(txn, ids, 50), 0);
        assert_result(gm_arena_txn_id_take_at(txn, ids, 50), -EBUSY);
        assert_result(gm_arena_txn_id_take_group(txn, ids, 3, &group), 0);
        assert_int_equal(group, 16);
        assert_result(gm_arena_txn_id_give(txn, ids, 11, 2), 0);
        assert_result(gm_arena_txn_id_give(txn, ids, 12, 1), -ENOENT);
        assert_result(gm_arena_txn_id_give(txn, ids, 15, 1), -ENOENT);
        assert_result(gm_arena_txn_id_give(txn, ids, 109, 2), -ERANGE);
        assert_result(gm_arena_txn_id_give(txn, ids, UINT32_MAX, UINT32_MAX), -ERANGE);
        assert_result(gm_arena_txn_id_give(txn, ids, 14, 0), -EINVAL);
        assert_result(gm_arena_txn_id_give(txn, ids, 14, 1), 0); /* taken in the same transaction */
        assert_int_equal(gm_ids_is_taken(ids, 11), 1);
        assert_result(commit ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
        for (unsigned i = 0; i < 2; i++) {
            gmt_arena_dump(arenas[i], &after[i]);
            assert_int_equal(gmt_arena_same_dump(&before[i], &after[i]), !commit);
        }
        for (uint32_t i = 10; i < 110; i++) {
            bool kept = i == 10 || i == 13 || (!commit && i < 14);
            bool taken = commit && (i == 50 || (i >= 16 && i < 24));
            assert_int_equal(gm_ids_is_taken(ids, i), kept || taken);
        }
    }
    gm_ids_destroy(ids);
    gm_arena_destroy(arenas[0]);
    gm_arena_destroy(arenas[1]);
}

static void *from_another_thread(void *txn)
{
    assert_result(gm_arena_txn_commit(txn), -EPERM);
    assert_result(gm_arena_txn_rollback(txn), -EPERM);
    return NULL;
}

static void misuse_of_begin(void **state)
{
    (void)state;
    struct gm_arena *arena = open_locked(GRANULE - 1), *other = gmt_arena_open(0, 1, 1);
    struct gm_arena *twice[] = {arena, other, arena}, *none[] = {arena, NULL}, *many[GM_ARENA_TXN_ARENAS + 1];
    struct gm_arena_txn *const nothing = (struct gm_arena_txn *)state;
    struct gm_arena_txn *txn = nothing, *second = nothing;
    for (unsigned i = 0; i <= GM_ARENA_TXN_ARENAS; i++)
        many[i] = arena;
    assert_result(gm_arena_txn_begin(twice, 3, &txn), -EINVAL);
    assert_result(gm_arena_txn_begin(none, 2, &txn), -EINVAL);
    assert_result(gm_arena_txn_begin(many, GM_ARENA_TXN_ARENAS + 1, &txn), -EINVAL);
    assert_result(gm_arena_txn_begin(NULL, 1, &txn), -EINVAL);
    assert_result(gm_arena_txn_begin(twice, 1, NULL), -EINVAL);
    assert_ptr_equal(txn, nothing);
    assert_result(gm_arena_txn_begin(twice, 2, &txn), 0);
    assert_result(gm_arena_txn_begin(&arena, 1, &second), -EDEADLK);
    assert_result(gm_arena_txn_begin(&other, 1, &second), -EDEADLK);
    assert_ptr_equal(second, nothing);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_txn_begin(NULL, 0, &txn), 0); /* ids alone */
    assert_result(gm_arena_txn_take(txn, arena, &(struct gm_request){.size = GRANULE}, NULL), -EINVAL);
    gm_arena_txn_free(txn);
    gm_arena_txn_free(NULL);
    gm_arena_destroy(arena);
    gm_arena_destroy(other);
}

static void misuse_inside(void **state)
{
    (void)state;
    struct gm_arena *arena = open_locked(GRANULE * 4 - 1), *other = gmt_arena_open(0, 1, 1);
    const struct gm_request request = {.size = GRANULE};
    struct gm_arena_txn *txn = begin(arena);
    struct gm_range_info info = {.first = 77};
    pthread_t thread;
    uint32_t id;
    assert_result(gm_arena_txn_take(txn, other, &request, &info), -EINVAL);
    assert_result(gm_arena_txn_take(txn, NULL, &request, &info), -EINVAL);
    assert_result(gm_arena_txn_take(txn, arena, NULL, &info), -EINVAL);
    assert_result(gm_arena_txn_take(txn, arena, &(struct gm_request){.size = 5 * GRANULE}, &info), -ENOSPC);
    assert_result(gm_arena_txn_give(txn, arena, 1), -ENOENT);
    assert_result(gm_arena_txn_resize(txn, arena, 1, 0), -ENOENT);
    assert_result(gm_arena_txn_relocate(txn, arena, 1, 0), -ENOENT);
    assert_result(gm_arena_txn_id_take(txn, NULL, &id), -EINVAL);
    assert_int_equal(info.first, 77);
    assert_int_equal(pthread_create(&thread, NULL, from_another_thread, txn), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_result(gm_arena_txn_take(txn, arena, &request, &info), 0);
    assert_result(gm_arena_txn_commit(txn), 0);
    assert_result(gm_arena_txn_commit(txn), -EINVAL);
    assert_result(gm_arena_txn_rollback(txn), -EINVAL);
    assert_result(gm_arena_txn_take(txn, arena, &request, NULL), -EINVAL);
    assert_result(gm_arena_txn_give(txn, arena, info.range), -EINVAL);
    assert_result(gm_arena_txn_id_take(txn, NULL, &id), -EINVAL);
    assert_result(gm_arena_txn_commit(NULL), -EINVAL);
    assert_result(gm_arena_txn_rollback(NULL), -EINVAL);
    gm_arena_txn_free(txn);
    txn = begin(arena);
    assert_result(gm_arena_txn_give(txn, arena, info.range), 0);
    gm_arena_txn_free(txn); /* rolls back */
    assert_result(gm_arena_give(arena, info.range), 0);
    gm_arena_destroy(arena);
    gm_arena_destroy(other);
}

/* Two threads name the same arenas in opposite orders, and move blocks from one to the other. */
struct mover {
    struct gm_arena *arenas[2];
    unsigned moved;
};

static void *move(void *argument)
{
    struct mover *mover = argument;
    const struct gm_request request = {.size = GRANULE};
    for (unsigned i = 0; i < 3000; i++) {
        struct gm_arena_txn *txn = NULL;
        struct gm_range_info info;
        assert_result(gm_arena_txn_begin(mover->arenas, 2, &txn), 0);
        assert_result(gm_arena_next(mover->arenas[0], 0, &info), 0); /* each has one that nobody moves */
        if (gm_arena_next(mover->arenas[0], info.last + 1, &info) == 0) {
            assert_result(gm_arena_txn_give(txn, mover->arenas[0], info.range), 0);
            assert_result(gm_arena_txn_take(txn, mover->arenas[1], &request, NULL), 0);
            mover->moved++;
        }
        assert_result(i % 3 != 0 ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
    }
    return NULL;
}

static void opposite_orders(void **state)
{
    (void)state;
    struct gm_arena *a = open_locked(GRANULE * 64 - 1), *b = open_locked(GRANULE * 64 - 1);
    struct mover movers[2] = {{{a, b}, 0}, {{b, a}, 0}};
    struct gm_arena_stats stats_a, stats_b;
    pthread_t threads[2];
    for (unsigned i = 0; i < 20; i++)
        (void)gmt_arena_take(i % 2 == 0 ? a : b, (struct gm_request){.size = GRANULE});
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, move, &movers[i]), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_result(gm_arena_stats_get(a, &stats_a), 0);
    assert_result(gm_arena_stats_get(b, &stats_b), 0);
    assert_int_equal(stats_a.ranges + stats_b.ranges, 20);
    assert_true(movers[0].moved + movers[1].moved > 0);
    gm_arena_destroy(a);
    gm_arena_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rollback_is_exact), cmocka_unit_test(commit_is_the_edits),
        cmocka_unit_test(handles_live_again), cmocka_unit_test(two_arenas_and_ids), cmocka_unit_test(misuse_of_begin),
        cmocka_unit_test(misuse_inside), cmocka_unit_test(opposite_orders)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
