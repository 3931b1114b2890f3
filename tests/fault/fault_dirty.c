/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty bitmaps that run out of memory, that find no barrier when they are made, and whose barrier is refused later: no
 * page is lost, and who takes next gets what could not be handed out.
 */
#include "fault/sweep.h"

#include "lib/dirty_count.h"

#define PAGE UINT64_C(4096)
#define PAGES 40000

static struct gm_dirty *dirty;
static struct gm_dirty_consumer *consumer;
static struct gm_space *no_space;
static const struct gm_dirty_request all = {.len = UINT64_MAX};

static int create(void *ignored)
{
    const struct gm_dirty_config config = {.size = PAGES * PAGE, .numa_node = 0, .flags = GM_DIRTY_ON};
    (void)ignored;
    return gm_dirty_create(&config, &dirty);
}

static void destroy(void *ignored)
{
    (void)ignored;
    gm_dirty_destroy(dirty);
    dirty = NULL;
}

static int create_consumer(void *ignored)
{
    (void)ignored;
    return gm_dirty_consumer_create(dirty, &consumer);
}

static void destroy_consumer(void *ignored)
{
    (void)ignored;
    gm_dirty_consumer_destroy(dirty, consumer);
}

static uint64_t harvest(struct gm_dirty_consumer *by, int want)
{
    return harvest_by(dirty, by, want);
}

static int use(void *ignored)
{
    (void)ignored;
    assert_result(gm_dirty_mark(dirty, 0, PAGES * PAGE), 0);
    assert_result(gm_dirty_disable(dirty), 0);
    assert_result(gm_dirty_put_back(dirty, NULL, 0, 5), 0);
    return gm_dirty_extend(dirty, PAGES * PAGE);
}

static void memory_runs_out(void **state)
{
    static const struct operation make = {"create a consumer", FAILS, create_consumer, destroy_consumer};
    static const struct operation nothing = {"mark, put back, extend", NO_STEPS, use, NULL};
    (void)state;
    for (unsigned step = 1; step <= 3; step++) { /* words, barrier, the rest */
        struct gm_dirty_stats stats;
        dirty = NULL;
        gm_fault_arm(step);
        int result = create(NULL);
        assert_true(gm_fault_disarm());
        assert_result(result, step == 2 ? 0 : -ENOMEM);
        assert_int_equal(dirty != NULL, step == 2);
        if (dirty != NULL) {
            assert_result(gm_dirty_stats_get(dirty, &stats), 0);
            assert_true(stats.is_locked);
            assert_result(gm_dirty_mark(dirty, 7 * PAGE, 1), 0);
            assert_int_equal(harvest(NULL, 0), 1);
            destroy(NULL);
        }
    }
    assert_result(create(NULL), 0);
    sweep(&make, NULL, &no_space);
    sweep(&nothing, NULL, &no_space);
    destroy(NULL);
}

static bool is_locked(void)
{
    struct gm_dirty_stats stats;
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    return stats.is_locked;
}

/* Marks in every third word, so that one piece is not enough. */
static uint64_t mark_some(void)
{
    uint64_t pages = 0;
    for (uint64_t page = 5; page < PAGES; page += 3 * 64, pages++)
        assert_result(gm_dirty_mark(dirty, page * PAGE, 1), 0);
    return pages;
}

static void the_barrier_is_refused(void **state)
{
    uint64_t words[PAGES / 64] = {0}, next = 1;
    (void)state;
    assert_result(create(NULL), 0);
    if (is_locked()) {
        destroy(NULL);
        skip();
    }
    uint64_t pages = mark_some();
    gm_fault_arm(1); /* memory for what is taken */
    assert_int_equal(harvest(NULL, -ENOMEM), 0);
    assert_true(gm_fault_disarm());
    assert_int_equal(harvest(NULL, 0), pages);
    pages = mark_some();
    gm_fault_arm(1);
    assert_int_equal(harvest(NULL, -ENOMEM), 0);
    assert_true(gm_fault_disarm());
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), pages);
    gm_fault_arm(1);
    assert_result(gm_dirty_harvest_words(dirty, &all, words, PAGES / 64, &next), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_int_equal(next, 1);
    assert_int_equal(words[0], 0);
    assert_int_equal(harvest(NULL, 0), pages);
    destroy(NULL);
}

/* What was left for another consumer before the barrier failed is not handed out to it without one. */
static void the_barrier_is_owed_to_others(void **state)
{
    struct gm_dirty_stats before, after;
    (void)state;
    assert_result(create(NULL), 0);
    if (is_locked()) {
        destroy(NULL);
        skip();
    }
    assert_int_equal(harvest(NULL, 0), 0);
    assert_result(create_consumer(NULL), 0);
    uint64_t pages = mark_some();
    gm_fault_arm(1);
    assert_int_equal(harvest(NULL, -ENOMEM), 0);
    assert_true(gm_fault_disarm());
    assert_result(gm_dirty_stats_get(dirty, &before), 0);
    assert_int_equal(harvest(consumer, 0), pages);
    assert_result(gm_dirty_stats_get(dirty, &after), 0);
    assert_int_equal(after.barriers, before.barriers + 1);
    assert_int_equal(harvest(NULL, 0), pages);
    destroy(NULL);
}

/* Nothing becomes clean, for nobody. */
static void the_barrier_is_refused_to_clear(void **state)
{
    (void)state;
    assert_result(create(NULL), 0);
    if (is_locked()) {
        destroy(NULL);
        skip();
    }
    assert_result(create_consumer(NULL), 0);
    uint64_t pages = mark_some();
    assert_int_equal(harvest(NULL, 0), pages);
    assert_result(gm_dirty_mark(dirty, 0, 1), 0);
    gm_fault_arm(1);
    assert_result(gm_dirty_clear(dirty, 0, 100 * PAGE), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_int_equal(harvest(NULL, 0), 100);
    assert_result(gm_dirty_clear(dirty, 100 * PAGE, PAGES * PAGE), -ERANGE); /* needs none: nothing is marked */
    assert_int_equal(harvest(consumer, 0), 100);
    destroy(NULL);
}

static void switching_on_fails(void **state)
{
    struct gm_dirty_stats stats;
    (void)state;
    assert_result(create(NULL), 0);
    if (is_locked()) {
        destroy(NULL);
        skip();
    }
    assert_result(gm_dirty_disable(dirty), 0);
    gm_fault_arm(1);
    assert_result(gm_dirty_enable(dirty), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_false(stats.is_on);
    assert_result(gm_dirty_mark(dirty, 0, 1), 0);
    assert_int_equal(harvest(NULL, 0), 0);
    assert_result(gm_dirty_enable(dirty), 0);
    assert_result(gm_dirty_mark(dirty, 0, 1), 0);
    assert_int_equal(harvest(NULL, 0), 1);
    destroy(NULL);
}

/* A consumer whose barrier is refused is not there, or rests as before; the others are on as they were. */
static void a_consumer_is_refused(void **state)
{
    struct gm_dirty_stats stats;
    (void)state;
    assert_result(create(NULL), 0);
    if (is_locked()) {
        destroy(NULL);
        skip();
    }
    assert_result(create_consumer(NULL), 0);
    assert_result(gm_dirty_disable(dirty), 0);
    for (unsigned resting = 0; resting < 2; resting++) {
        struct gm_dirty_consumer *other = NULL;
        assert_result(gm_dirty_consumer_disable(dirty, consumer), 0);
        gm_fault_arm(resting ? 1 : 3); /* itself, its words, the barrier */
        assert_result(resting ? gm_dirty_consumer_enable(dirty, consumer) : gm_dirty_consumer_create(dirty, &other),
                      -ENOMEM);
        assert_true(gm_fault_disarm());
        assert_null(other);
        assert_result(gm_dirty_stats_get(dirty, &stats), 0);
        assert_false(stats.is_on);
        assert_int_equal(stats.consumers, 1);
        assert_result(gm_dirty_consumer_enable(dirty, consumer), 0);
        gm_fault_arm(resting ? 1 : 3);
        assert_result(resting ? gm_dirty_consumer_enable(dirty, consumer) : gm_dirty_consumer_create(dirty, &other),
                      -ENOMEM);
        assert_true(gm_fault_disarm());
        assert_result(gm_dirty_mark(dirty, 0, 1), 0);
        assert_int_equal(harvest(consumer, 0), 1);
    }
    destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_runs_out),
        cmocka_unit_test(the_barrier_is_refused),
        cmocka_unit_test(the_barrier_is_owed_to_others),
        cmocka_unit_test(the_barrier_is_refused_to_clear),
        cmocka_unit_test(switching_on_fails),
        cmocka_unit_test(a_consumer_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
