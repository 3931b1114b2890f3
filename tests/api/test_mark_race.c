/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * No mark of a view is lost. In each round a thread writes each page once, through pins, and marks it, so that no later
 * mark makes good for one that was lost; harvests run meanwhile, and versions come and go. When the round is over, the
 * last harvest must have handed out what every page holds.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define PAGES_WRITTEN 512
#define MEMORY PAGES(2 * PAGES_WRITTEN)

static struct {
    struct gm_space *space;
    struct gm_dirty *dirty;
    struct gm_backing *ram;
} world;

struct race {
    _Atomic bool stop;
    _Atomic uint64_t begun, done; /* rounds */
    uint64_t seen[PAGES_WRITTEN]; /* what the harvester copied */
    uint64_t handed;
};

static struct gm_region_desc ram(uint64_t pages)
{
    return (struct gm_region_desc){.size = PAGES(pages), .backing = world.ram};
}

static int open_world(void **state)
{
    const struct gm_dirty_config config = {.size = MEMORY, .numa_node = -1, .flags = GM_DIRTY_ON};
    (void)state;
    assert_result(gm_reader_register(), 0);
    assert_result(gm_dirty_create(&config, &world.dirty), 0);
    const struct gm_space_config space = {.numa_node = -1, .dirty = world.dirty};
    assert_result(gm_space_create(&space, &world.space), 0);
    assert_result(gm_backing_anonymous(MEMORY, 0, &world.ram), 0);
    const struct gm_region_desc desc = ram(PAGES_WRITTEN + 1);
    gmt_add(world.space, &desc);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    assert_result(gm_space_destroy(world.space), 0);
    gm_dirty_destroy(world.dirty);
    gm_backing_put(world.ram);
    assert_result(gm_reader_unregister(), 0);
    return 0;
}

static int write_round(uint64_t round)
{
    int result = 0;
    const struct gm_view *view = gm_pin(world.space);
    for (unsigned i = 0; i < PAGES_WRITTEN && result == 0; i++) {
        gm_gpa gpa = PAGES((i * 37 + round) % PAGES_WRITTEN);
        _Atomic uint64_t *word = gm_translate(view, gpa, 8, GM_RW);
        atomic_store_explicit(word, round, memory_order_relaxed);
        result = gm_guest_mark(view, gpa, 8);
        if (i == PAGES_WRITTEN / 2) { /* the second half by what is current then */
            gm_unpin();
            view = gm_pin(world.space);
        }
    }
    gm_unpin();
    return result;
}

static void *write_and_mark(void *argument)
{
    struct race *race = argument;
    int result = gm_reader_register();
    for (uint64_t round = 1; result == 0 && !atomic_load(&race->stop);) {
        if (atomic_load(&race->begun) < round)
            continue;
        result = write_round(round);
        atomic_store(&race->done, round++);
    }
    gm_reader_unregister();
    return (void *)(intptr_t)result;
}

static size_t copy_ranges(void *argument, const struct gm_dirty_range *ranges, size_t count)
{
    struct race *race = argument;
    _Atomic uint64_t *base = gm_backing_address(world.ram);
    for (size_t i = 0; i < count; i++)
        for (uint64_t at = ranges[i].first; at < ranges[i].first + ranges[i].len; at += GMT_PAGE) {
            race->seen[at / GMT_PAGE] = atomic_load_explicit(&base[at / 8], memory_order_relaxed);
            race->handed++;
        }
    return count;
}

static void harvest(struct race *race)
{
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    assert_result(gm_dirty_harvest(world.dirty, &all, copy_ranges, race, &next), 0);
}

/* A version more, with the same memory: what is pinned now is old. */
static void publish_another(unsigned round)
{
    const struct gm_region_desc desc = ram(PAGES_WRITTEN + 16);
    struct gm_region_info info;
    assert_result(gm_region_find(gmt_pin(world.space), 0, &info), 0);
    gm_unpin();
    struct gm_txn *txn = gmt_begin(world.space);
    if (round % 2 == 0) {
        assert_result(gm_txn_resize(txn, 0, PAGES(PAGES_WRITTEN + 1 + round % 8)), 0);
    } else {
        assert_result(gm_txn_remove(txn, 0, info.size), 0);
        assert_result(gm_txn_add(txn, &desc), 0);
    }
    gmt_commit(txn, round % 3 == 0 ? GM_COMMIT_WAIT : GM_COMMIT_ASYNC);
}

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

static void assert_handed_out(const struct race *race, uint64_t round)
{
    for (uint64_t page = 0; page < PAGES_WRITTEN; page++)
        if (race->seen[page] != round)
            fail_msg("page %" PRIu64 ": round %" PRIu64 " was written, %" PRIu64 " handed out", page, round,
                     race->seen[page]);
}

static void no_mark_is_lost(void **state)
{
    static struct race race;
    pthread_t thread;
    void *result;
    uint64_t round = 0;
    unsigned harvests = 0;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, write_and_mark, &race), 0);
    for (uint64_t end = now_ms() + 1500; now_ms() < end;) {
        atomic_store(&race.begun, ++round);
        if (round % 16 == 0)
            publish_another((unsigned)round / 16);
        for (; atomic_load(&race.done) < round && now_ms() < end + 20000; harvests++)
            harvest(&race), sched_yield();
        harvest(&race);
        assert_handed_out(&race, round);
    }
    atomic_store(&race.stop, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((int)(intptr_t)result, 0);
    print_message("%" PRIu64 " rounds, %u harvests beside them, %" PRIu64 " pages handed out\n", round, harvests,
                  race.handed);
    assert_true(round > 10 && harvests > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_mark_is_lost, open_world, close_world),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
