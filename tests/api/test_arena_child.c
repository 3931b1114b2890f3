/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Nested arenas: a child has its range for itself, and nothing overlaps. */
#include <pthread.h>

#include <guestmem/arena_defer.h>
#include <guestmem/arena_image.h>
#include <guestmem/arena_nest.h>
#include <guestmem/arena_txn.h>

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 4096 - 1)
#define WINDOW (256 * GRANULE)

static struct gmt_walk walks[2];

static struct gm_arena *create(unsigned flags)
{
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .flags = flags | GM_ARENA_DEFER,
                                           .numa_node = -1, .seed = 1};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static struct gm_arena *nest(struct gm_arena *parent, struct gm_request request, unsigned flags)
{
    const struct gm_arena_config config = {.flags = flags, .numa_node = -1, .ranges_most = 1000};
    struct gm_arena *child = NULL;
    assert_result(gm_arena_create_child(parent, &request, &config, &child), 0);
    return child;
}

static void assert_sound(struct gm_arena *root, uint64_t arenas, uint64_t ranges)
{
    struct gm_arena_verdict verdict;
    assert_result(gm_arena_verify(root, &verdict), 0);
    assert_null(verdict.wrong);
    assert_null(verdict.where);
    assert_int_equal(verdict.arenas, arenas);
    assert_int_equal(verdict.ranges, ranges);
}

static void a_range_of_its_own(void **state)
{
    (void)state;
    struct gm_arena *root = create(0);
    struct gm_arena *child = nest(root, (struct gm_request){.size = WINDOW, .align = WINDOW, .min = 1, .owner = 5}, 0);
    struct gm_arena *grandchild = nest(child, (struct gm_request){.size = 16 * GRANULE, .place = GM_PLACE_HIGHEST}, 0);
    struct gm_range_info info;
    assert_result(gm_arena_find(root, WINDOW, &info), 0);
    assert_true(info.first == WINDOW && info.last == 2 * WINDOW - 1 && info.flags == GM_RANGE_NESTED);
    assert_int_equal(info.owner, 5);
    assert_no_trace(root, gm_arena_give(root, info.range), -EBUSY);
    assert_no_trace(root, gm_arena_give_exact(root, info.first, info.last, 5), -EBUSY);
    assert_no_trace(root, gm_arena_give_at(root, info.first), -EBUSY);
    assert_no_trace(root, gm_arena_resize(root, info.range, info.last + GRANULE), -EBUSY);
    assert_no_trace(root, gm_arena_relocate(root, info.range, 0), -EBUSY);
    assert_no_trace(root, gm_arena_update(root, info.range, 1, 1), -EBUSY);
    assert_no_trace(root, gm_arena_defer(root, info.range), -EBUSY);
    assert_no_trace(root, gm_arena_adopt(root, info.range, grandchild), -EBUSY);
    assert_refuses(child, -EINVAL, .size = 1); /* the granule of its parent */
    assert_takes(child, WINDOW, .size = WINDOW - 16 * GRANULE);
    assert_refuses(child, -ENOSPC, .size = GRANULE);
    assert_refuses(child, -EBUSY, .size = GRANULE, .place = GM_PLACE_FIXED, .near = 2 * WINDOW - GRANULE);
    assert_refuses(child, -ERANGE, .size = GRANULE, .place = GM_PLACE_FIXED, .near = 2 * WINDOW);
    assert_takes(grandchild, 2 * WINDOW - 16 * GRANULE, .size = 16 * GRANULE);
    assert_sound(root, 3, 4);
    assert_sound(child, 2, 3);
    assert_result(gm_arena_destroy(root), -EBUSY);
    assert_result(gm_arena_destroy(child), -EBUSY);
    assert_result(gm_arena_destroy(grandchild), 0);
    assert_takes(child, 2 * WINDOW - 16 * GRANULE, .size = 16 * GRANULE);
    assert_sound(root, 2, 3);
    assert_result(gm_arena_destroy(child), 0);
    assert_result(gm_arena_give(root, info.range), -ESTALE);
    assert_true(gmt_arena_is_free(root, 0, LAST));
    assert_sound(root, 1, 0);
    assert_result(gm_arena_destroy(root), 0);
    assert_result(gm_arena_destroy(NULL), 0);
}

/* Children come and go in any order of address. */
static void many_children(void **state)
{
    (void)state;
    struct gm_arena *root = create(GM_ARENA_LOCKED), *children[100] = {NULL};
    uint64_t seed = 3, alive = 0;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned index = (unsigned)gmt_rand_below(&seed, 100);
        struct gm_request request = {.size = (1 + gmt_rand_below(&seed, 20)) * GRANULE, .place = GM_PLACE_RANDOM};
        if (children[index] != NULL) {
            assert_result(gm_arena_destroy(children[index]), 0);
            children[index] = NULL;
            alive--;
        } else {
            children[index] = nest(root, request, GM_ARENA_LOCKED);
            alive++;
        }
        if (round % 16 == 0)
            assert_sound(root, 1 + alive, alive);
    }
    for (unsigned i = 0; i < 100; i++)
        assert_result(gm_arena_destroy(children[i]), 0);
    assert_result(gm_arena_destroy(root), 0);
}

/* What fails leaves the parent as it was, down to its next decisions. */
static void failures_leave_no_trace(void **state)
{
    (void)state;
    struct gm_arena *root = create(0), *twin = create(0), *const nothing = (struct gm_arena *)state, *out = nothing;
    const struct gm_arena_config good = {.numa_node = -1};
    struct gm_arena_config bad = {.numa_node = -2}, wide = {.numa_node = -1, .granule = 2 * GRANULE};
    const struct gm_request request = {.size = GRANULE, .guard_after = GRANULE, .place = GM_PLACE_NEXT};
    const struct gm_request random = {.size = GRANULE, .place = GM_PLACE_RANDOM};
    gmt_walk_init(&walks[0], root, GRANULE, 90, 7);
    gmt_walk_init(&walks[1], twin, GRANULE, 90, 7);
    assert_true(gmt_walk_same(&walks[0], &walks[1], 1000));
    for (unsigned i = 0; i < 20; i++) {
        assert_result(gm_arena_create_child(root, i % 2 == 0 ? &request : &random, &bad, &out), -EINVAL);
        assert_result(gm_arena_create_child(root, &request, &wide, &out), -EINVAL);
        assert_result(gm_arena_create_child(root, &(struct gm_request){.size = LAST + 1}, &good, &out), -ENOSPC);
        assert_result(gm_arena_create_child(root, &(struct gm_request){.size = 1}, &good, &out), -EINVAL);
        assert_true(gmt_walk_same(&walks[0], &walks[1], 100));
    }
    assert_result(gm_arena_create_child(NULL, &request, &good, &out), -EINVAL);
    assert_result(gm_arena_create_child(root, NULL, &good, &out), -EINVAL);
    assert_result(gm_arena_create_child(root, &request, NULL, &out), -EINVAL);
    assert_result(gm_arena_create_child(root, &request, &good, NULL), -EINVAL);
    assert_result(gm_arena_verify(NULL, &(struct gm_arena_verdict){.wrong = NULL}), -EINVAL);
    assert_result(gm_arena_verify(root, NULL), -EINVAL);
    assert_ptr_equal(out, nothing);
    assert_result(gm_arena_destroy(root), 0);
    assert_result(gm_arena_destroy(twin), 0);
}

static void growing(void **state)
{
    (void)state;
    struct gm_arena *root = create(0);
    struct gm_request request = {.size = WINDOW, .place = GM_PLACE_FIXED, .near = 8 * WINDOW};
    struct gm_arena *child = nest(root, request, 0);
    const uint64_t first = 8 * WINDOW, last = 9 * WINDOW - 1;
    struct gm_range_info info;
    assert_result(gm_arena_reserve(root, 6 * WINDOW, 7 * WINDOW - 1, 0, 0, NULL), 0);
    assert_result(gm_arena_reserve(root, 11 * WINDOW, 12 * WINDOW - 1, 0, 0, NULL), 0);
    assert_no_trace(root, gm_arena_extend(child, 7 * WINDOW - GRANULE, last), -EBUSY);
    assert_no_trace(root, gm_arena_extend(child, first, 11 * WINDOW + GRANULE - 1), -EBUSY);
    assert_no_trace(root, gm_arena_extend(child, first, LAST), -EBUSY);
    assert_no_trace(root, gm_arena_extend(child, first, LAST + GRANULE), -ERANGE);
    assert_no_trace(root, gm_arena_extend(child, first, UINT64_MAX), -ERANGE);
    assert_no_trace(root, gm_arena_extend(child, first + GRANULE, last), -EINVAL);
    assert_result(gm_arena_find(child, 7 * WINDOW, &info), -ENOENT);
    assert_result(gm_arena_extend(child, 7 * WINDOW, last), 0);
    assert_result(gm_arena_extend(child, 7 * WINDOW, 11 * WINDOW - 1), 0);
    assert_result(gm_arena_extend(child, 7 * WINDOW, 11 * WINDOW - 1), 0); /* by nothing */
    assert_result(gm_arena_find(root, 11 * WINDOW - 1, &info), 0);
    assert_true(info.first == 7 * WINDOW && info.last == 11 * WINDOW - 1);
    assert_takes(child, 7 * WINDOW, .size = 4 * WINDOW);
    assert_sound(root, 2, 4);
    assert_result(gm_arena_destroy(child), 0);
    struct gm_arena_stats stats;
    assert_result(gm_arena_stats_get(root, &stats), 0);
    assert_int_equal(stats.used_minus_1, 2 * WINDOW - 1);
    request.guard_after = GRANULE;
    child = nest(root, request, 0);
    assert_no_trace(root, gm_arena_extend(child, 7 * WINDOW, last), -EOPNOTSUPP);
    assert_result(gm_arena_destroy(child), 0);
    request.guard_after = 0;
    request.size = GRANULE;
    struct gm_arena *fine = nest(root, request, 0);
    gm_arena_destroy(fine);
    const struct gm_arena_config one = {.granule = 1, .numa_node = -1};
    assert_result(gm_arena_create_child(root, &request, &one, &fine), 0);
    assert_no_trace(root, gm_arena_extend(fine, first, first + GRANULE), -EINVAL); /* not on the parent's granule */
    assert_takes(fine, first, .size = 1);
    assert_result(gm_arena_destroy(fine), 0);
    assert_result(gm_arena_destroy(root), 0);
}

/* A parent that ends at the end of all numbers. */
static void growing_to_the_end(void **state)
{
    (void)state;
    struct gm_arena *root = gmt_arena_open(0, UINT64_MAX, 1);
    struct gm_arena *child = nest(root, (struct gm_request){.size = 10, .min = 5}, 0);
    assert_result(gm_arena_extend(child, 0, UINT64_MAX), 0);
    assert_sound(root, 2, 1);
    assert_refuses(root, -ENOSPC, .size = 1);
    assert_result(gm_arena_extend(child, 0, UINT64_MAX), 0);
    assert_result(gm_arena_reserve(child, 0, UINT64_MAX, 0, 0, NULL), 0);
    assert_sound(root, 2, 2);
    assert_result(gm_arena_destroy(child), 0);
    assert_true(gmt_arena_largest(root, 1) == UINT64_MAX);
    assert_result(gm_arena_destroy(root), 0);
}

static void depth(void **state)
{
    (void)state;
    struct gm_arena *nested[GM_ARENA_DEPTH_MOST] = {create(0)}, *out = NULL;
    const struct gm_arena_config config = {.numa_node = -1};
    const struct gm_request request = {.size = GRANULE};
    for (unsigned i = 1; i < GM_ARENA_DEPTH_MOST; i++)
        nested[i] = nest(nested[i - 1], (struct gm_request){.size = GRANULE * 32 - GRANULE * i}, 0);
    assert_result(gm_arena_create_child(nested[GM_ARENA_DEPTH_MOST - 1], &request, &config, &out), -ELOOP);
    assert_sound(nested[0], GM_ARENA_DEPTH_MOST, GM_ARENA_DEPTH_MOST - 1);
    for (unsigned i = GM_ARENA_DEPTH_MOST; i-- > 0;)
        assert_result(gm_arena_destroy(nested[i]), 0);
}

static struct gm_arena *through_image(struct gm_arena *arena)
{
    static uint8_t image[1 << 16];
    struct gm_arena *copy = NULL;
    size_t size = 0;
    assert_result(gm_arena_save(arena, image, sizeof(image), &size), 0);
    assert_result(gm_arena_load(image, size, NULL, &copy), 0);
    return copy;
}

static void restored(void **state)
{
    (void)state;
    struct gm_arena *root = create(0), *copies[3];
    struct gm_arena *child = nest(root, (struct gm_request){.size = WINDOW, .min = 1}, 0);
    struct gm_arena *grandchild = nest(child, (struct gm_request){.size = 16 * GRANULE}, 0);
    struct gm_range_info window, inner, other = gmt_arena_take(root, (struct gm_request){.size = WINDOW});
    (void)gmt_arena_take(grandchild, (struct gm_request){.size = GRANULE});
    assert_result(gm_arena_find(root, GRANULE, &window), 0);
    assert_result(gm_arena_find(child, GRANULE, &inner), 0);
    copies[0] = through_image(root);
    copies[1] = through_image(child);
    copies[2] = through_image(grandchild);
    assert_result(gm_arena_destroy(grandchild), 0);
    assert_result(gm_arena_destroy(child), 0);
    assert_result(gm_arena_destroy(root), 0);
    assert_sound(copies[0], 1, 2);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], other.range, copies[1]), -ERANGE);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range, copies[2]), -ERANGE);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range, copies[0]), -EINVAL);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range, NULL), -EINVAL);
    assert_no_trace(copies[0], gm_arena_adopt(NULL, window.range, copies[1]), -EINVAL);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range + 100, copies[1]), -ENOENT);
    struct gm_arena *third = nest(copies[1], (struct gm_request){.size = GRANULE}, 0);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range, copies[1]), -EBUSY); /* it has a child */
    assert_result(gm_arena_destroy(third), 0);
    assert_result(gm_arena_adopt(copies[0], window.range, copies[1]), 0);
    assert_no_trace(copies[0], gm_arena_adopt(copies[0], window.range, copies[1]), -EBUSY);
    assert_result(gm_arena_adopt(copies[1], inner.range, copies[2]), 0);
    assert_sound(copies[0], 3, 4);
    for (unsigned i = 3; i-- > 0;)
        assert_result(gm_arena_destroy(copies[i]), 0);
}

static void beside_transactions(void **state)
{
    (void)state;
    struct gm_arena *root = create(0), *out = NULL, *both[2] = {NULL, root};
    const struct gm_arena_config config = {.numa_node = -1};
    struct gm_arena *child = both[0] = nest(root, (struct gm_request){.size = WINDOW}, 0);
    gm_range range = gmt_arena_take(root, (struct gm_request){.size = WINDOW}).range;
    struct gm_range_info info;
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_txn_begin(both, 2, &txn), 0);
    assert_result(gm_arena_find(root, 0, &info), 0);
    assert_result(gm_arena_txn_give(txn, root, info.range), -EBUSY);
    assert_result(gm_arena_create_child(root, &(struct gm_request){.size = WINDOW}, &config, &out), -EBUSY);
    assert_result(gm_arena_adopt(root, range, child), -EBUSY);
    assert_result(gm_arena_extend(child, 0, 2 * WINDOW - 1), -EBUSY);
    assert_result(gm_arena_destroy(child), -EBUSY);
    assert_result(gm_arena_destroy(root), -EBUSY);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_txn_begin(&root, 1, &txn), 0);
    assert_result(gm_arena_destroy(child), -EBUSY); /* its range is the parent's */
    gm_arena_txn_free(txn);
    assert_result(gm_arena_destroy(child), 0);
    assert_result(gm_arena_txn_begin(&root, 1, &txn), 0);
    assert_result(gm_arena_destroy(root), -EBUSY);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_destroy(root), 0);
}

/* --- threads: transactions, growth, verification and children that come and go, with a lock each --- */

static struct {
    struct gm_arena *root, *window;
    unsigned rounds[2]; /* of the other threads */
    int stop;
} shared;

#define ROUNDS 10000

static void *transact(void *ignored)
{
    struct gm_arena *both[2] = {shared.window, shared.root};
    (void)ignored;
    for (unsigned i = 0; !__atomic_load_n(&shared.stop, __ATOMIC_RELAXED); i++) {
        struct gm_arena_txn *txn = NULL;
        struct gm_range_info info;
        assert_result(gm_arena_txn_begin(both, 2, &txn), 0);
        for (unsigned j = 0; j < 2; j++)
            if (gm_arena_txn_take(txn, both[j], &(struct gm_request){.size = GRANULE}, &info) == 0 && i % 2 == 0)
                assert_result(gm_arena_txn_give(txn, both[j], info.range), 0);
        assert_result(gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
        __atomic_fetch_add(&shared.rounds[0], 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void *come_and_go(void *ignored)
{
    (void)ignored;
    while (!__atomic_load_n(&shared.stop, __ATOMIC_RELAXED)) {
        struct gm_arena *parent = nest(shared.window, (struct gm_request){.size = 8 * GRANULE}, GM_ARENA_LOCKED);
        struct gm_arena *child = nest(parent, (struct gm_request){.size = GRANULE}, GM_ARENA_LOCKED);
        struct gm_range_info info;
        assert_result(gm_arena_take(child, &(struct gm_request){.size = GRANULE}, &info), 0);
        assert_result(gm_arena_extend(child, info.first, info.last + GRANULE), 0);
        assert_result(gm_arena_destroy(child), 0);
        assert_result(gm_arena_destroy(parent), 0);
        __atomic_fetch_add(&shared.rounds[1], 1, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void threads(void **state)
{
    (void)state;
    pthread_t threads[2];
    shared.root = create(GM_ARENA_LOCKED);
    shared.window = nest(shared.root, (struct gm_request){.size = WINDOW}, GM_ARENA_LOCKED);
    assert_int_equal(pthread_create(&threads[0], NULL, transact, NULL), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, come_and_go, NULL), 0);
    for (uint64_t i = 1; __atomic_load_n(&shared.rounds[0], __ATOMIC_RELAXED) < ROUNDS ||
                         __atomic_load_n(&shared.rounds[1], __ATOMIC_RELAXED) < ROUNDS / 10; i++) {
        struct gm_arena_verdict verdict;
        assert_result(gm_arena_verify(shared.root, &verdict), 0);
        assert_null(verdict.wrong);
        assert_true(verdict.arenas >= 2 && verdict.arenas <= 4);
        int result = gm_arena_extend(shared.window, 0, WINDOW + i % 400 * GRANULE - 1);
        assert_true(result == 0 || result == -EINVAL);
    }
    __atomic_store_n(&shared.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_sound(shared.root, 2, 1);
    assert_result(gm_arena_destroy(shared.window), 0);
    assert_result(gm_arena_destroy(shared.root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_of_its_own), cmocka_unit_test(many_children),
        cmocka_unit_test(failures_leave_no_trace), cmocka_unit_test(growing), cmocka_unit_test(growing_to_the_end),
        cmocka_unit_test(depth), cmocka_unit_test(restored), cmocka_unit_test(beside_transactions),
        cmocka_unit_test(threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
