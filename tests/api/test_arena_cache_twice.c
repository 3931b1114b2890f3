/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A block that is given twice: later, when a cache has handed it out again; at the same time, to cache and arena. */
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <guestmem/arena_cache.h>

#include "lib/arena_model_rig.h"

#define LAST UINT64_C(4095)
#define ROUNDS_MOST 200000
#define SECONDS_MOST 3

static const struct gm_arena_cache_config usual = {.orders = 4, .blocks = 8};

static struct gm_arena *create(void)
{
    const struct gm_arena_config config = {.last = LAST, .numa_node = -1, .flags = GM_ARENA_LOCKED};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static struct gm_arena_cache *open_cache(struct gm_arena *arena)
{
    struct gm_arena_cache *cache = NULL;
    assert_result(gm_arena_cache_create(arena, &usual, &cache), 0);
    return cache;
}

static uint64_t live(struct gm_arena *arena)
{
    struct gm_arena_stats stats;
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    return stats.ranges;
}

static void assert_stale(struct gm_arena *arena, struct gm_arena_cache *cache, gm_range range)
{
    struct gm_range_info info = {.first = 77};
    assert_result(gm_arena_cache_give(cache, range), -ESTALE);
    assert_result(gm_arena_give(arena, range), -ESTALE);
    assert_result(gm_arena_relocate(arena, range, 0), -ESTALE);
    assert_result(gm_arena_get(arena, range, &info), -ESTALE);
    assert_true(info.first == 77);
}

static void later(void **state)
{
    (void)state;
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena);
    struct gm_range_info old, info, found;
    assert_result(gm_arena_cache_take(cache, 2, &old), 0);
    for (unsigned i = 0; i < 10; i++) {
        assert_result(gm_arena_cache_give(cache, old.range), 0);
        assert_result(gm_arena_cache_take(cache, 2, &info), 0);
        assert_true(info.first == old.first && info.range != old.range);
        assert_stale(arena, cache, old.range);
        assert_result(gm_arena_get(arena, info.range, &found), 0);
        assert_memory_equal(&found, &info, sizeof(found));
        assert_result(gm_arena_find(arena, info.last, &found), 0);
        assert_true(found.range == info.range && found.flags == 0);
        old = info;
    }
    gm_arena_cache_flush(cache);
    assert_int_equal(live(arena), 1);
    assert_result(gm_arena_give(arena, info.range), 0);
    assert_stale(arena, cache, info.range);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

static struct {
    struct gm_arena *arena;
    gm_range range;
    unsigned round, done; /* ROUNDS_MOST: no more */
    int result;
} race;

/* Both shall be quick when both run, and no burden when only one can. */
static unsigned wait_beyond(const unsigned *count, unsigned value)
{
    unsigned now = value;
    for (unsigned i = 1; (now = __atomic_load_n(count, __ATOMIC_ACQUIRE)) == value; i++)
        if (i % 1024 == 0)
            sched_yield();
    return now;
}

static void *give_to_cache(void *argument)
{
    struct gm_arena_cache *cache = argument;
    for (unsigned round = 0; (round = wait_beyond(&race.round, round)) != ROUNDS_MOST;) {
        race.result = gm_arena_cache_give(cache, race.range);
        __atomic_store_n(&race.done, round, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void one_gets_it(unsigned round)
{
    struct gm_range_info info;
    assert_result(gm_arena_take(race.arena, &(struct gm_request){.size = 4, .align = 4}, &info), 0);
    race.range = info.range;
    __atomic_store_n(&race.round, round, __ATOMIC_RELEASE);
    for (volatile unsigned wait = 0; wait < round % 64;)
        wait = wait + 1;
    int result = round % 4 != 0 ? -EPERM : gm_arena_give_exact(race.arena, info.first, info.last, 5);
    assert_true(result == -EPERM || result == -ESTALE); /* not its owner */
    result = gm_arena_give(race.arena, info.range);
    wait_beyond(&race.done, round - 1);
    assert_true((result == 0) != (race.result == 0));
    assert_result(result != 0 ? result : race.result, -ESTALE);
}

static void at_the_same_time(void **state)
{
    (void)state;
    pthread_t thread;
    time_t end = time(NULL) + SECONDS_MOST;
    race.arena = create();
    struct gm_arena_cache *cache = open_cache(race.arena);
    assert_result(pthread_create(&thread, NULL, give_to_cache, cache), 0);
    for (unsigned round = 1; round < ROUNDS_MOST && time(NULL) <= end; round++)
        one_gets_it(round);
    __atomic_store_n(&race.round, ROUNDS_MOST, __ATOMIC_RELEASE);
    assert_result(pthread_join(thread, NULL), 0);
    gm_arena_cache_destroy(cache);
    assert_int_equal(live(race.arena), 0);
    assert_result(gm_arena_destroy(race.arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(later), cmocka_unit_test(at_the_same_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
