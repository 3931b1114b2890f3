/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Two things wrong at once: the one that stands first in the list is told. Of calls on two arenas, in transactions, and
 * on what is deferred in part; that of images is in unit/test_arena_load.c.
 */
#include <pthread.h>

#include <guestmem/arena_defer.h>
#include <guestmem/arena_nest.h>
#include <guestmem/arena_txn.h>

#include "lib/arena_model_rig.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 64 - 1)

static struct gm_arena *create(uint64_t last, unsigned flags)
{
    const struct gm_arena_config config = {.last = last, .granule = GRANULE, .flags = flags | GM_ARENA_DEFER,
                                           .numa_node = -1};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static struct gm_arena *nest(struct gm_arena *parent, struct gm_request request)
{
    const struct gm_arena_config config = {.numa_node = -1, .ranges_most = 10, .granule = 1};
    struct gm_arena *child = NULL;
    assert_result(gm_arena_create_child(parent, &request, &config, &child), 0);
    return child;
}

static struct gm_arena_txn *begin(struct gm_arena *arena)
{
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    return txn;
}

/* -EINVAL, -EBUSY (in a transaction), -ESTALE or -ENOENT, -EBUSY (of the range, of the child), -ERANGE, -ELOOP. */
static void of_adopt(void **state)
{
    (void)state;
    struct gm_arena *root = create(LAST, 0), *other = create(LAST, 0), *fits = create(4 * GRANULE - 1, 0);
    struct gm_arena *busy = nest(other, (struct gm_request){.size = GRANULE}), *levels[GM_ARENA_DEPTH_MOST] = {root};
    gm_range place = gmt_arena_take(root, (struct gm_request){.size = 4 * GRANULE}).range;
    gm_range stale = gmt_arena_take(root, (struct gm_request){.size = GRANULE}).range;
    assert_result(gm_arena_give(root, stale), 0);
    struct gm_arena_txn *txn = begin(root);
    assert_result(gm_arena_adopt(root, 0, root), -EINVAL);
    assert_result(gm_arena_adopt(root, stale, fits), -EBUSY);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_adopt(root, stale, busy), -ESTALE);
    assert_result(gm_arena_adopt(root, 0, busy), -ENOENT);
    assert_result(gm_arena_adopt(root, place, busy), -EBUSY); /* and it is of another size */
    assert_result(gm_arena_adopt(root, place, other), -EBUSY);
    for (unsigned i = 1; i < GM_ARENA_DEPTH_MOST; i++)
        levels[i] = nest(levels[i - 1], (struct gm_request){.size = (17 - i) * GRANULE, .min = 8 * GRANULE});
    struct gm_arena *deepest = levels[GM_ARENA_DEPTH_MOST - 1];
    gm_range inner = gmt_arena_take(deepest, (struct gm_request){.size = GRANULE}).range;
    struct gm_arena *same = NULL;
    struct gm_range_info info;
    assert_result(gm_arena_get(deepest, inner, &info), 0);
    const struct gm_arena_config config = {.first = info.first, .last = info.last, .numa_node = -1};
    assert_result(gm_arena_create(&config, &same), 0);
    assert_result(gm_arena_adopt(deepest, 0, same), -ENOENT);
    assert_result(gm_arena_adopt(deepest, inner, busy), -EBUSY);
    assert_result(gm_arena_adopt(deepest, inner, fits), -ERANGE);
    assert_result(gm_arena_adopt(deepest, inner, same), -ELOOP);
    for (unsigned i = GM_ARENA_DEPTH_MOST; i-- > 0;)
        assert_result(gm_arena_destroy(levels[i]), 0);
    assert_result(gm_arena_destroy(busy), 0);
    assert_result(gm_arena_destroy(other), 0);
    assert_result(gm_arena_destroy(same), 0);
    assert_result(gm_arena_destroy(fits), 0);
}

/* -EINVAL, -EBUSY (in a transaction), -ELOOP, then those of take, then those of create. */
static void of_create_child(void **state)
{
    (void)state;
    const struct gm_arena_config bad = {.numa_node = -2};
    const struct gm_request large = {.size = 2 * (LAST + 1)}, fits = {.size = GRANULE};
    struct gm_arena *levels[GM_ARENA_DEPTH_MOST] = {create(LAST, 0)}, *child = NULL;
    for (unsigned i = 1; i < GM_ARENA_DEPTH_MOST; i++)
        levels[i] = nest(levels[i - 1], (struct gm_request){.size = (17 - i) * GRANULE});
    struct gm_arena *deepest = levels[GM_ARENA_DEPTH_MOST - 1];
    struct gm_arena_txn *txn = begin(deepest);
    assert_result(gm_arena_create_child(deepest, NULL, &bad, &child), -EINVAL);
    assert_result(gm_arena_create_child(deepest, &large, &bad, &child), -EBUSY);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_create_child(deepest, &large, &bad, &child), -ELOOP);
    assert_result(gm_arena_create_child(levels[0], &large, &bad, &child), -ENOSPC);
    assert_result(gm_arena_create_child(levels[0], &fits, &bad, &child), -EINVAL);
    for (unsigned i = GM_ARENA_DEPTH_MOST; i-- > 0;)
        assert_result(gm_arena_destroy(levels[i]), 0);
}

/* -EINVAL, -EINVAL (the parent's granule), -ERANGE, -EBUSY (in a transaction), -EOPNOTSUPP, -EBUSY (taken). */
static void of_extend(void **state)
{
    (void)state;
    struct gm_arena *root = create(LAST, 0);
    const struct gm_request guarded = {.size = 4 * GRANULE, .min = 8 * GRANULE, .guard_after = GRANULE};
    struct gm_arena *child = nest(root, (struct gm_request){.size = 4 * GRANULE});
    struct gm_arena *other = nest(root, guarded);
    const uint64_t first = 8 * GRANULE, last = 12 * GRANULE - 1, beyond = UINT64_MAX;
    struct gm_arena_txn *txn = begin(root);
    assert_result(gm_arena_extend(child, 1, beyond), -EINVAL); /* smaller at one end */
    assert_result(gm_arena_extend(child, 0, LAST + 1), -EINVAL);
    assert_result(gm_arena_extend(child, 0, beyond), -ERANGE);
    assert_result(gm_arena_extend(other, first, beyond), -ERANGE);
    assert_result(gm_arena_extend(other, first - GRANULE, last), -EBUSY);
    assert_result(gm_arena_extend(child, 0, first - 1), -EBUSY); /* it would fit */
    gm_arena_txn_free(txn);
    assert_result(gm_arena_extend(other, 0, last), -EOPNOTSUPP); /* and there is the first child */
    assert_result(gm_arena_extend(other, first, last + GRANULE), -EOPNOTSUPP); /* and there is its guard */
    assert_result(gm_arena_extend(child, 0, first + GRANULE - 1), -EBUSY);
    assert_result(gm_arena_extend(child, 0, first - 1), 0);
    assert_result(gm_arena_destroy(child), 0);
    assert_result(gm_arena_destroy(other), 0);
    assert_result(gm_arena_destroy(root), 0);
}

/* Exactly this is deferred: -ESTALE, whoever the owner is; in any other way there is something: -ERANGE. */
static void of_give_exact_where_deferred(void **state)
{
    (void)state;
    struct gm_arena *arena = create(LAST, 0);
    const struct gm_request request = {.size = 4 * GRANULE, .guard_after = GRANULE, .owner = 7};
    struct gm_range_info info = gmt_arena_take(arena, request);
    assert_result(gm_arena_defer(arena, info.range), 0);
    assert_no_trace(arena, gm_arena_give_exact(arena, 1, 0, 7), -EINVAL);
    assert_no_trace(arena, gm_arena_give_exact(arena, 8 * GRANULE, LAST, 7), -ENOENT);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, GRANULE - 1, 7), -ERANGE); /* a part */
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 5 * GRANULE - 1, 7), -ERANGE); /* and its guard */
    assert_no_trace(arena, gm_arena_give_exact(arena, 4 * GRANULE, 5 * GRANULE - 1, 7), -ERANGE); /* the guard */
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 4 * GRANULE - 1, 8), -ESTALE);
    struct gm_arena *child = nest(arena, (struct gm_request){.size = GRANULE, .owner = 7});
    assert_no_trace(arena, gm_arena_give_exact(arena, 5 * GRANULE, 6 * GRANULE, 8), -ERANGE);
    assert_no_trace(arena, gm_arena_give_exact(arena, 5 * GRANULE, 6 * GRANULE - 1, 8), -EBUSY);
    assert_result(gm_arena_destroy(child), 0);
    assert_result(gm_arena_destroy(arena), 0);
}

/* -EINVAL, -ENOMEM, -EDEADLK, -EBUSY, wherever the arenas lie. */
static void of_begin(void **state)
{
    (void)state;
    struct gm_arena *mine = create(LAST, 0), *others = create(LAST, 0);
    struct gm_arena *twice[] = {mine, others, mine}, *both[] = {others, mine}, *turned[] = {mine, others};
    struct gm_arena *nothing[] = {mine, NULL};
    struct gm_arena_txn *txn = begin(mine), *second = NULL;
    assert_result(gm_arena_txn_begin(twice, 3, &second), -EINVAL);
    assert_result(gm_arena_txn_begin(nothing, 2, &second), -EINVAL);
    assert_result(gm_arena_txn_begin(both, 2, &second), -EDEADLK);
    assert_result(gm_arena_txn_begin(turned, 2, &second), -EDEADLK);
    gm_arena_txn_free(txn);
    gm_arena_destroy(mine);
    gm_arena_destroy(others);
}

static struct {
    struct gm_arena *arenas[2]; /* one of them, which the other thread has in a transaction; and both ways round */
    struct gm_arena_txn *txn;
    pthread_barrier_t barrier;
} apart;

static void *hold_one(void *which)
{
    struct gm_arena_txn *txn = begin(apart.arenas[*(unsigned *)which]);
    pthread_barrier_wait(&apart.barrier);
    pthread_barrier_wait(&apart.barrier);
    assert_result(gm_arena_txn_commit(apart.txn), -EPERM); /* open, and not its own */
    assert_result(gm_arena_txn_take(apart.txn, NULL, NULL, NULL), -EPERM);
    assert_result(gm_arena_txn_id_take(apart.txn, NULL, NULL), -EPERM);
    pthread_barrier_wait(&apart.barrier);
    pthread_barrier_wait(&apart.barrier);
    assert_result(gm_arena_txn_commit(apart.txn), -EPERM); /* ended, and not its own */
    assert_result(gm_arena_txn_reserve(apart.txn, NULL, 1, 0, 0, 0, NULL), -EPERM);
    gm_arena_txn_free(txn);
    return NULL;
}

/* Another thread has one of the two and this one the other: to wait for itself is worse than to be refused. */
static void of_transactions_of_two_threads(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 2; which++) {
        struct gm_arena_txn *second = NULL;
        pthread_t thread;
        apart.arenas[0] = create(LAST, 0);
        apart.arenas[1] = create(LAST, 0);
        assert_int_equal(pthread_barrier_init(&apart.barrier, NULL, 2), 0);
        assert_int_equal(pthread_create(&thread, NULL, hold_one, &which), 0);
        pthread_barrier_wait(&apart.barrier);
        apart.txn = begin(apart.arenas[1 - which]);
        assert_result(gm_arena_txn_begin(apart.arenas, 2, &second), -EDEADLK);
        pthread_barrier_wait(&apart.barrier);
        pthread_barrier_wait(&apart.barrier);
        assert_result(gm_arena_txn_commit(apart.txn), 0);
        assert_result(gm_arena_txn_begin(apart.arenas, 2, &second), -EBUSY);
        pthread_barrier_wait(&apart.barrier);
        assert_int_equal(pthread_join(thread, NULL), 0);
        pthread_barrier_destroy(&apart.barrier);
        gm_arena_txn_free(apart.txn);
        gm_arena_destroy(apart.arenas[0]);
        gm_arena_destroy(apart.arenas[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_adopt), cmocka_unit_test(of_create_child), cmocka_unit_test(of_extend),
        cmocka_unit_test(of_give_exact_where_deferred), cmocka_unit_test(of_begin),
        cmocka_unit_test(of_transactions_of_two_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
