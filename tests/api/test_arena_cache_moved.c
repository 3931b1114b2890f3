/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A block that one thread gives to its cache while another one changes it: one of them is first, and whichever it is,
 * the block is afterwards where everybody believes it to be. Also when the change is taken back.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <guestmem/arena_cache.h>
#include <guestmem/arena_defer.h>
#include <guestmem/arena_nest.h>
#include <guestmem/arena_txn.h>

#include "lib/arena_model_rig.h"

#define LAST UINT64_C(4095)
#define ROUNDS_MOST 200000
#define SECONDS_MOST 3
#define KINDS 10
#define EDITS 200
#define DELAY_MOST 60000
#define HOARD 512 /* blocks, which lie in the way of one kind of change for as long as it takes to empty a cache */

static const struct gm_arena_cache_config usual = {.orders = 4, .blocks = 8};

static struct gm_arena *create(void)
{
    const struct gm_arena_config config = {.last = LAST, .numa_node = -1, .flags = GM_ARENA_LOCKED | GM_ARENA_DEFER};
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

static struct {
    struct gm_arena *arena;
    struct gm_arena_cache *hoard;
    gm_range range;
    unsigned round, begun, done; /* ROUNDS_MOST: no more */
    unsigned delay;              /* turns of an empty loop before the cache is asked */
    int result;
} race;

static void turns(unsigned count)
{
    for (volatile unsigned i = 0; i < count;)
        i = i + 1;
}

static void fill_hoard(void)
{
    static struct gm_range_info blocks[HOARD];
    for (unsigned i = 0; i < HOARD; i++)
        assert_result(gm_arena_cache_take(race.hoard, 0, &blocks[i]), 0);
    for (unsigned i = 0; i < HOARD; i++)
        assert_result(gm_arena_cache_give(race.hoard, blocks[i].range), 0);
}

static unsigned wait_beyond(const unsigned *count, unsigned value)
{
    unsigned now = value;
    for (unsigned i = 1; (now = __atomic_load_n(count, __ATOMIC_ACQUIRE)) == value; i++)
        if (i % 1024 == 0)
            sched_yield();
    return now;
}

/* What came out of the cache is where it says, and has the labels of the cache. */
static void assert_place(struct gm_arena *arena, const struct gm_range_info *info)
{
    struct gm_range_info found;
    assert_result(gm_arena_get(arena, info->range, &found), 0);
    assert_memory_equal(&found, info, sizeof(found));
}

/* On a processor of its own, if there are two: on a busy machine two threads hardly ever run at the same time else. */
static void stand_apart(unsigned which)
{
    cpu_set_t all, one;
    if (sched_getaffinity(0, sizeof(all), &all) != 0 || CPU_COUNT(&all) < 2)
        return;
    CPU_ZERO(&one);
    for (unsigned cpu = 0; cpu < CPU_SETSIZE; cpu++)
        if (CPU_ISSET(cpu, &all) && which-- == 0)
            CPU_SET(cpu, &one);
    (void)pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
}

static void *give_to_cache(void *argument)
{
    struct gm_arena_cache *cache = argument;
    stand_apart(1);
    for (unsigned round = 0; (round = wait_beyond(&race.round, round)) != ROUNDS_MOST;) {
        __atomic_store_n(&race.begun, round, __ATOMIC_RELEASE);
        turns(race.delay);
        race.result = gm_arena_cache_give(cache, race.range);
        __atomic_store_n(&race.done, round, __ATOMIC_RELEASE);
    }
    return NULL;
}

static int in_transaction(gm_range range, bool commit, bool twice)
{
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_txn_begin(&race.arena, 1, &txn), 0);
    int result = gm_arena_txn_relocate(txn, race.arena, range, 2048);
    assert_true(result == 0 || result == -ESTALE);
    /* what stands between when all is taken back */
    for (unsigned i = 0; i < EDITS && result == 0 && twice && !commit; i++)
        assert_result(gm_arena_txn_take(txn, race.arena, &(struct gm_request){.size = 1, .min = 3072}, NULL), 0);
    if (result == 0 && twice)
        result = gm_arena_txn_give(txn, race.arena, range);
    turns(100);
    if (result == 0 && !twice)
        assert_result(gm_arena_txn_resize(txn, race.arena, range, LAST + 1), -ERANGE); /* and it is still held */
    assert_result(commit ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn), 0);
    gm_arena_txn_free(txn);
    return commit || result != 0 ? result : 1;
}

/* 1: it was changed, and changed back. */
static int change(const struct gm_range_info *info, unsigned kind)
{
    gm_range range = info->range;
    switch (kind) {
    case 0: return gm_arena_relocate(race.arena, range, 1024);
    case 1: return gm_arena_relocate(race.arena, range, 1028); /* aligned for the cache, too */
    case 2: return gm_arena_resize(race.arena, range, info->first);
    case 3: return gm_arena_update(race.arena, range, 5, 6);
    case 4: return gm_arena_defer(race.arena, range);
    case 5: return in_transaction(range, true, false);
    case 6: return in_transaction(range, false, false);
    case 7: return in_transaction(range, false, true);
    case 9: return gm_arena_relocate(race.arena, range, 2048 + HOARD - 4);
    default: return in_transaction(range, true, true);
    }
}

static void one_is_first(unsigned round, unsigned *firsts)
{
    struct gm_range_info info;
    unsigned kind = round % KINDS;
    assert_result(gm_arena_take(race.arena, &(struct gm_request){.size = 4, .align = 4}, &info), 0);
    race.range = info.range;
    race.delay = kind == 7 ? round * 37 % DELAY_MOST : 0;
    if (kind == 9)
        fill_hoard();
    __atomic_store_n(&race.round, round, __ATOMIC_RELEASE);
    if (round / KINDS % 2 != 0)
        wait_beyond(&race.begun, round - 1);
    turns(round / KINDS / 2 % 200);
    int result = change(&info, kind);
    wait_beyond(&race.done, round - 1);
    bool gone = kind == 4 || kind == 8; /* the change is another way of giving */
    assert_true(result >= 0 || result == -ESTALE);
    assert_result(race.result, gone && result == 0 ? -ESTALE : 0);
    firsts[kind] += result >= 0;
}

static void at_the_same_time(void **state)
{
    (void)state;
    pthread_t thread;
    unsigned firsts[KINDS] = {0}, rounds = 1;
    uint64_t reclaimed = 0;
    time_t end = time(NULL) + SECONDS_MOST;
    race.arena = create();
    struct gm_arena_cache *cache = open_cache(race.arena);
    const struct gm_arena_cache_config hoard = {.orders = 1, .blocks = HOARD, .min = 2048, .max = 2047 + HOARD};
    assert_result(gm_arena_cache_create(race.arena, &hoard, &race.hoard), 0);
    assert_result(pthread_create(&thread, NULL, give_to_cache, cache), 0);
    stand_apart(0);
    for (; rounds < ROUNDS_MOST && time(NULL) <= end; rounds++) {
        one_is_first(rounds, firsts);
        if (rounds % 16 != 0 && rounds % KINDS != 7 && rounds % KINDS != 9)
            continue;
        struct gm_range_info info; /* its thread waits, so that this one may have the cache */
        for (unsigned order = 0; order < usual.orders; order++) {
            assert_result(gm_arena_cache_take(cache, order, &info), 0);
            assert_place(race.arena, &info);
            assert_result(gm_arena_give(race.arena, info.range), 0);
        }
        gm_arena_cache_flush(cache);
        gm_arena_cache_flush(race.hoard);
        assert_result(gm_arena_reclaim(race.arena, &reclaimed), 0);
        assert_true(gmt_arena_is_free(race.arena, 0, LAST));
    }
    __atomic_store_n(&race.round, ROUNDS_MOST, __ATOMIC_RELEASE);
    assert_result(pthread_join(thread, NULL), 0);
    gm_arena_cache_destroy(cache);
    gm_arena_cache_destroy(race.hoard);
    for (unsigned kind = 0; kind < KINDS; kind++)
        print_message("kind %u: first in %u of %u rounds\n", kind, firsts[kind], rounds / KINDS);
    assert_result(gm_arena_reclaim(race.arena, &reclaimed), 0);
    assert_true(gmt_arena_is_free(race.arena, 0, LAST));
    assert_result(gm_arena_destroy(race.arena), 0);
}

/* Without a race: the cache takes a block as it has become, or leaves it to the arena. */
static void one_after_the_other(void **state)
{
    (void)state;
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena);
    struct gm_range_info info;
    const struct gm_request request = {.size = 4, .align = 4, .place = GM_PLACE_HIGHEST};
    for (unsigned kind = 0; kind < 4; kind++) {
        race.arena = arena;
        assert_result(gm_arena_take(arena, &request, &info), 0);
        assert_result(change(&info, kind), 0);
        assert_result(gm_arena_cache_give(cache, info.range), 0);
        if (kind == 3) { /* other labels: not in the cache */
            assert_true(gmt_arena_is_free(arena, info.first, info.last));
            continue;
        }
        assert_result(gm_arena_cache_take(cache, kind == 2 ? 0 : 2, &info), 0);
        assert_place(arena, &info);
        assert_result(gm_arena_give(arena, info.range), 0);
        gm_arena_cache_flush(cache);
    }
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

/* A range that a transaction has edited can be given to a cache when that has ended, and again has its old place. */
static void after_a_rollback(void **state)
{
    (void)state;
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena);
    struct gm_arena_txn *txn = NULL;
    struct gm_range_info info, again;
    assert_result(gm_arena_cache_take(cache, 2, &info), 0);
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    assert_result(gm_arena_txn_relocate(txn, arena, info.range, 1024), 0);
    assert_result(gm_arena_txn_resize(txn, arena, info.range, 1031), 0);
    assert_result(gm_arena_txn_update(txn, arena, info.range, 1, 2), 0);
    assert_result(gm_arena_txn_give(txn, arena, info.range), 0);
    assert_result(gm_arena_txn_take(txn, arena, &(struct gm_request){.size = 4}, &again), 0);
    assert_result(gm_arena_find(arena, again.first, &again), 0);
    assert_int_equal(again.flags, 0); /* that it is held nobody sees */
    assert_result(gm_arena_txn_rollback(txn), 0);
    gm_arena_txn_free(txn);
    assert_place(arena, &info);
    assert_result(gm_arena_cache_give(cache, info.range), 0);
    assert_result(gm_arena_find(arena, info.first, &again), 0);
    assert_int_equal(again.flags, GM_RANGE_CACHED);
    assert_result(gm_arena_relocate(arena, info.range, 1024), -ESTALE);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

static void *give_while_edited(void *argument)
{
    struct gm_arena_cache *cache = argument;
    __atomic_store_n(&race.begun, 1, __ATOMIC_RELEASE);
    race.result = gm_arena_cache_give(cache, race.range);
    return NULL;
}

/* As long as a transaction goes on, who gives what it has edited waits. An edit that was refused is none. */
static void while_it_is_edited(void **state)
{
    (void)state;
    race.arena = create();
    struct gm_arena_cache *cache = open_cache(race.arena);
    struct gm_arena_txn *txn = NULL;
    struct gm_range_info info, found;
    pthread_t thread;
    assert_result(gm_arena_cache_take(cache, 2, &info), 0);
    assert_result(gm_arena_txn_begin(&race.arena, 1, &txn), 0);
    assert_result(gm_arena_txn_relocate(txn, race.arena, info.range, 1024), 0);
    race.range = info.range;
    race.begun = 0;
    assert_result(pthread_create(&thread, NULL, give_while_edited, cache), 0);
    wait_beyond(&race.begun, 0);
    for (unsigned i = 0; i < 50; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        assert_result(gm_arena_find(race.arena, 1024, &found), 0);
        assert_int_equal(found.flags, 0);
    }
    assert_result(gm_arena_txn_rollback(txn), 0);
    gm_arena_txn_free(txn);
    assert_result(pthread_join(thread, NULL), 0);
    assert_result(race.result, 0);
    gm_arena_cache_flush(cache);
    assert_true(gmt_arena_is_free(race.arena, 0, LAST));
    assert_result(gm_arena_cache_take(cache, 2, &info), 0);
    assert_result(gm_arena_txn_begin(&race.arena, 1, &txn), 0);
    assert_result(gm_arena_txn_resize(txn, race.arena, info.range, LAST + 1), -ERANGE);
    assert_result(gm_arena_txn_commit(txn), 0);
    gm_arena_txn_free(txn);
    assert_result(gm_arena_cache_give(cache, info.range), 0);
    assert_result(gm_arena_find(race.arena, info.first, &found), 0);
    assert_int_equal(found.flags, GM_RANGE_CACHED);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(race.arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(one_after_the_other), cmocka_unit_test(after_a_rollback),
                                       cmocka_unit_test(while_it_is_edited), cmocka_unit_test(at_the_same_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
