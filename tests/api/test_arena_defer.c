/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Deferred ranges: given back for everybody but those who were pinned. */
#include <pthread.h>
#include <time.h>

#include <guestmem/arena_defer.h>
#include <guestmem/arena_image.h>
#include <guestmem/space.h>

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 4096 - 1)

static struct gmt_walk walks[2];
static uint8_t image[2][1 << 18];

static struct gm_arena *create(unsigned flags)
{
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .ranges_most = 3000, .numa_node = -1,
                                           .flags = GM_ARENA_DEFER | flags};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static uint64_t reclaim(struct gm_arena *arena)
{
    uint64_t count = 77;
    assert_result(gm_arena_reclaim(arena, &count), 0);
    return count;
}

static uint64_t reclaim_ready(struct gm_arena *arena)
{
    uint64_t count = 77;
    assert_result(gm_arena_reclaim_ready(arena, &count), 0);
    return count;
}

static void held_until_reclaimed(void **state)
{
    (void)state;
    struct gm_arena *arena = create(0);
    struct gm_arena_stats stats;
    struct gm_range_info info, found;
    info = gmt_arena_take(arena, (struct gm_request){.size = 2 * GRANULE, .owner = 3, .user = 4,
                                                     .guard_before = GRANULE, .guard_after = GRANULE});
    assert_result(gm_arena_defer(arena, info.range), 0);
    assert_no_trace(arena, gm_arena_defer(arena, info.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give(arena, info.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give_exact(arena, info.first, info.last, 3), -ESTALE);
    assert_no_trace(arena, gm_arena_give_at(arena, info.first), -ESTALE);
    assert_no_trace(arena, gm_arena_give_at(arena, 0), -ESTALE); /* its guard */
    assert_no_trace(arena, gm_arena_resize(arena, info.range, info.first + GRANULE - 1), -ESTALE);
    assert_no_trace(arena, gm_arena_relocate(arena, info.range, 0x10000), -ESTALE);
    assert_no_trace(arena, gm_arena_update(arena, info.range, 1, 1), -ESTALE);
    for (unsigned i = 0; i < 3; i++) {
        if (i == 0)
            assert_result(gm_arena_find(arena, info.last, &found), 0);
        else if (i == 1)
            assert_result(gm_arena_next(arena, GRANULE, &found), 0);
        else
            assert_result(gm_arena_get(arena, info.range, &found), 0);
        assert_true(found.first == info.first && found.range == info.range && found.user == 4 && found.owner == 3);
        assert_int_equal(found.flags, GM_RANGE_DEFERRED);
    }
    assert_result(gm_arena_find(arena, 0, &found), 0);
    assert_int_equal(found.flags, GM_RANGE_DEFERRED | GM_RANGE_GUARD);
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.deferred == 3 && stats.ranges == 3);
    assert_takes(arena, 4 * GRANULE, .size = GRANULE);
    assert_int_equal(reclaim(arena), 1);
    assert_int_equal(reclaim(arena), 0);
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.deferred == 0 && stats.ranges == 1);
    assert_result(gm_arena_get(arena, info.range, &found), -ESTALE);
    assert_takes(arena, 0, .size = 4 * GRANULE);
    gm_arena_destroy(arena);
}

/* Slots come back in the order in which ranges were deferred, so the last one is used first. */
static void order(void **state)
{
    (void)state;
    struct gm_arena *arena = create(0);
    struct gm_range_info info[5];
    static const unsigned deferred[] = {3, 0, 4, 1};
    for (unsigned i = 0; i < 5; i++)
        info[i] = gmt_arena_take(arena, (struct gm_request){.size = GRANULE});
    for (unsigned i = 0; i < 4; i++)
        assert_result(gm_arena_defer(arena, info[deferred[i]].range), 0);
    assert_int_equal(reclaim(arena), 4);
    for (unsigned i = 4; i-- > 0;)
        assert_int_equal((uint32_t)gmt_arena_take(arena, (struct gm_request){.size = GRANULE}).range,
                         (uint32_t)info[deferred[i]].range);
    gm_arena_destroy(arena);
}

static void misuse(void **state)
{
    (void)state;
    struct gm_arena *arena = create(0), *plain = gmt_arena_open(0, 0xff, 1);
    uint64_t count = 77;
    gm_range range = gmt_arena_take(plain, (struct gm_request){.size = 1}).range;
    assert_no_trace(plain, gm_arena_defer(plain, range), -EOPNOTSUPP);
    assert_int_equal(reclaim(plain), 0);
    assert_int_equal(reclaim_ready(plain), 0);
    assert_no_trace(arena, gm_arena_defer(arena, range), -ENOENT);
    assert_result(gm_arena_defer(NULL, range), -EINVAL);
    assert_result(gm_arena_reclaim(NULL, &count), -EINVAL);
    assert_result(gm_arena_reclaim_ready(NULL, &count), -EINVAL);
    assert_int_equal(count, 77);
    range = gmt_arena_take(arena, (struct gm_request){.size = GRANULE}).range;
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_defer(arena, range), 0);
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    assert_result(gm_arena_txn_give(txn, arena, range), -ESTALE);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_reclaim(arena, NULL), 0);
    gm_arena_destroy(arena);
    gm_arena_destroy(plain);
}

/* --- grace periods --- */

struct pinner {
    pthread_barrier_t barrier;
    struct gm_space *space;
};

static void *pin(void *argument)
{
    struct pinner *pinner = argument;
    assert_result(gm_reader_register(), 0);
    assert_non_null(gm_pin(pinner->space));
    pthread_barrier_wait(&pinner->barrier); /* pinned */
    pthread_barrier_wait(&pinner->barrier); /* let go */
    assert_result(gm_unpin(), 0);
    assert_result(gm_reader_unregister(), 0);
    return NULL;
}

struct reclaimer {
    struct gm_arena *arena;
    uint64_t count;
    int done;
};

static void *reclaim_late(void *argument)
{
    struct reclaimer *reclaimer = argument;
    assert_result(gm_arena_reclaim(reclaimer->arena, &reclaimer->count), 0);
    __atomic_store_n(&reclaimer->done, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void waits_for_pins(void **state)
{
    (void)state;
    struct gm_arena *arena = create(GM_ARENA_LOCKED), *other = create(GM_ARENA_LOCKED);
    struct pinner pinner;
    struct reclaimer reclaimer = {.arena = arena};
    pthread_t threads[2];
    gm_range range = gmt_arena_take(arena, (struct gm_request){.size = GRANULE}).range;
    assert_result(gm_space_create(NULL, &pinner.space), 0);
    assert_int_equal(pthread_barrier_init(&pinner.barrier, NULL, 2), 0);
    assert_int_equal(pthread_create(&threads[0], NULL, pin, &pinner), 0);
    pthread_barrier_wait(&pinner.barrier);
    assert_result(gm_arena_defer(arena, range), 0);
    assert_int_equal(reclaim_ready(arena), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, reclaim_late, &reclaimer), 0);
    for (unsigned i = 0; i < 50; i++) {
        assert_int_equal(__atomic_load_n(&reclaimer.done, __ATOMIC_ACQUIRE), 0);
        assert_int_equal(reclaim_ready(arena), 0);
        struct timespec pause = {.tv_nsec = 1000000};
        nanosleep(&pause, NULL);
    }
    (void)gmt_arena_take(arena, (struct gm_request){.size = GRANULE}); /* it is not locked meanwhile */
    pthread_barrier_wait(&pinner.barrier);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    assert_int_equal(reclaimer.count, 1);
    range = gmt_arena_take(arena, (struct gm_request){.size = GRANULE}).range;
    assert_result(gm_arena_defer(arena, range), 0);
    assert_int_equal(reclaim_ready(arena), 0); /* periods of before do not count */
    range = gmt_arena_take(other, (struct gm_request){.size = GRANULE}).range;
    assert_result(gm_arena_defer(other, range), 0);
    assert_int_equal(reclaim(other), 1);
    assert_int_equal(reclaim_ready(arena), 1); /* those of others do */
    assert_result(gm_space_destroy(pinner.space), 0);
    pthread_barrier_destroy(&pinner.barrier);
    gm_arena_destroy(arena);
    gm_arena_destroy(other);
}

static void not_while_pinned(void **state)
{
    (void)state;
    struct gm_arena *arena = create(0);
    struct gm_space *space = NULL;
    uint64_t count = 77;
    gm_range range = gmt_arena_take(arena, (struct gm_request){.size = GRANULE}).range;
    assert_result(gm_space_create(NULL, &space), 0);
    assert_result(gm_reader_register(), 0);
    assert_non_null(gm_pin(space));
    assert_result(gm_arena_reclaim(arena, &count), -EDEADLK);
    assert_result(gm_arena_defer(arena, range), 0);
    assert_no_trace(arena, gm_arena_reclaim(arena, &count), -EDEADLK);
    assert_int_equal(count, 77);
    assert_int_equal(reclaim_ready(arena), 0);
    assert_result(gm_unpin(), 0);
    assert_int_equal(reclaim(arena), 1);
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_space_destroy(space), 0);
    gm_arena_destroy(arena);
}

/* An arena in which every third range is deferred is saved; the next decisions are the same, reclaim among them. */
static void images_keep_them(void **state)
{
    (void)state;
    for (unsigned live = 20; live <= 400; live += 190) {
        struct gm_arena *arena = create(0), *copy = NULL;
        size_t size = 0, again = 0;
        uint64_t seed = live;
        gmt_walk_init(&walks[0], arena, GRANULE, live, seed);
        gmt_walk_steps(&walks[0], 5 * live);
        for (unsigned i = 0; i < walks[0].count; i++) {
            int result = gmt_rand_below(&seed, 3) == 0 ? gm_arena_defer(arena, walks[0].ranges[i]) : 0;
            assert_true(result == 0 || result == -ESTALE);
        }
        assert_result(gm_arena_save(arena, image[0], sizeof(image[0]), &size), 0);
        assert_result(gm_arena_load(image[0], size, NULL, &copy), 0);
        assert_result(gm_arena_save(copy, image[1], sizeof(image[1]), &again), 0);
        assert_int_equal(size, again);
        assert_memory_equal(image[0], image[1], size);
        walks[1] = walks[0];
        walks[1].arena = copy;
        assert_true(gmt_walk_same(&walks[0], &walks[1], 500));
        uint64_t count = reclaim(arena);
        assert_true(count > 0 && reclaim(copy) == count);
        assert_true(gmt_walk_same(&walks[0], &walks[1], 10000));
        gm_arena_destroy(copy);
        assert_result(gm_arena_save(arena, image[1], sizeof(image[1]), &again), 0); /* nothing waits any more */
        assert_result(gm_arena_load(image[1], again, NULL, &copy), 0);
        gm_arena_destroy(arena);
        gm_arena_destroy(copy);
        const struct gm_arena_config without = {.last = LAST, .granule = GRANULE, .numa_node = -1};
        assert_result(gm_arena_load(image[0], size, &without, &copy), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(held_until_reclaimed), cmocka_unit_test(order),
                                       cmocka_unit_test(misuse),           cmocka_unit_test(waits_for_pins),
                                       cmocka_unit_test(not_while_pinned), cmocka_unit_test(images_keep_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
