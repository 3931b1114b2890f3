/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Grace periods seen from outside: what a pin makes wait, what it does not, and when memory comes back. */
#include "lib/cm.h"
#include "lib/rig.h"

#include <pthread.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)

struct reader {
    struct gm_space *space;
    unsigned stage; /* 1: pinned, 2: told to unpin, 3: unpinned */
    pthread_t thread;
};

static unsigned stage_of(const unsigned *stage)
{
    return __atomic_load_n(stage, __ATOMIC_ACQUIRE);
}

static void *hold_a_pin(void *argument)
{
    struct reader *reader = argument;
    bool good = gm_reader_register() == 0 && gm_pin(reader->space) != NULL;
    __atomic_store_n(&reader->stage, 1, __ATOMIC_RELEASE);
    while (stage_of(&reader->stage) == 1)
        usleep(200);
    __atomic_store_n(&reader->stage, 3, __ATOMIC_RELEASE);
    good = gm_unpin() == 0 && good;
    return (void *)(intptr_t)!(gm_reader_unregister() == 0 && good);
}

static void start_reader(struct reader *reader, struct gm_space *space)
{
    reader->space = space;
    reader->stage = 0;
    assert_int_equal(pthread_create(&reader->thread, NULL, hold_a_pin, reader), 0);
    while (stage_of(&reader->stage) == 0)
        usleep(200);
}

static void stop_reader(struct reader *reader)
{
    void *result;
    __atomic_store_n(&reader->stage, 2, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(reader->thread, &result), 0);
    assert_null(result);
}

static void note_release(void *argument)
{
    __atomic_add_fetch((int *)argument, 1, __ATOMIC_RELEASE);
}

/* A region of its own memory at 0; released counts its release. */
static void add_counted(struct gmt_rig *rig, int *released)
{
    struct gm_backing *backing;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(4), note_release, released, &backing), 0);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = backing};
    gmt_add(rig->space, &desc);
    gm_backing_put(backing);
}

static void async_commit_returns_and_frees_later(void **state)
{
    struct gmt_rig *rig = *state;
    struct reader reader;
    int released = 0;
    add_counted(rig, &released);
    start_reader(&reader, rig->space);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, 0, PAGES(4)), 0);
    gmt_commit(txn, GM_COMMIT_ASYNC);
    assert_null(gm_translate(gmt_pin(rig->space), 0, 1, GM_ANY)); /* published */
    gm_unpin();
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 0);
    stop_reader(&reader);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 1);
}

enum work { COMMIT_REMOVAL, COMMIT_NOTHING, COMMIT_MANY_ASYNC, RECLAIM, DESTROY };

struct committer {
    struct gm_space *space;
    enum work work;
    unsigned stage; /* 1: about to begin, 2: returned */
    pthread_t thread;
};

/* Resize the region at 0 to and fro, as often as may be left behind: an edit leaves at most 8 objects. */
static bool commit_many(struct gm_space *space)
{
    bool good = true;
    for (unsigned i = 0; i < GM_ASYNC_LIMIT / 8 - 8 && good; i++) {
        struct gm_txn *txn;
        good = gm_txn_begin(space, &txn) == 0 && gm_txn_resize(txn, 0, PAGES(1 + i % 2)) == 0;
        good = good && gm_txn_commit(txn, GM_COMMIT_ASYNC) == 0;
    }
    return good;
}

static bool do_work(struct committer *committer)
{
    struct gm_space *space = committer->space;
    struct gm_txn *txn;
    switch (committer->work) {
    case COMMIT_REMOVAL:
        return gm_txn_begin(space, &txn) == 0 && gm_txn_remove(txn, 0, PAGES(4)) == 0 &&
               gm_txn_commit(txn, GM_COMMIT_WAIT) == 0;
    case COMMIT_NOTHING:
        return gm_txn_begin(space, &txn) == 0 && gm_txn_commit(txn, GM_COMMIT_WAIT) == 0;
    case COMMIT_MANY_ASYNC:
        return commit_many(space);
    case RECLAIM:
        return gm_space_reclaim(space) == 0;
    case DESTROY:
        return gm_space_destroy(space) == 0;
    }
    return false;
}

static void *commit_elsewhere(void *argument)
{
    struct committer *committer = argument;
    __atomic_store_n(&committer->stage, 1, __ATOMIC_RELEASE);
    bool good = do_work(committer);
    __atomic_store_n(&committer->stage, 2, __ATOMIC_RELEASE);
    return (void *)(intptr_t)!good;
}

static void start_committer(struct committer *committer, struct gm_space *space, enum work work)
{
    *committer = (struct committer){.space = space, .work = work};
    assert_int_equal(pthread_create(&committer->thread, NULL, commit_elsewhere, committer), 0);
    while (stage_of(&committer->stage) == 0)
        usleep(200);
}

static void join_committer(struct committer *committer)
{
    void *result;
    assert_int_equal(pthread_join(committer->thread, &result), 0);
    assert_null(result);
}

static void waiting_commit_waits_for_an_older_pin(void **state)
{
    struct gmt_rig *rig = *state;
    struct reader reader;
    struct committer committer;
    int released = 0;
    add_counted(rig, &released);
    start_reader(&reader, rig->space);
    start_committer(&committer, rig->space, COMMIT_REMOVAL);
    /* the new state shows to new pins although the commit has not returned */
    const struct gm_view *view;
    bool published = false;
    for (unsigned i = 0; i < 5000 && !published; i++) {
        view = gmt_pin(rig->space);
        published = gm_translate(view, 0, 1, GM_ANY) == NULL;
        gm_unpin();
        usleep(1000);
    }
    assert_true(published);
    usleep(30000);
    assert_int_equal(stage_of(&committer.stage), 1);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 0);
    stop_reader(&reader);
    join_committer(&committer);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 1);
}

static void reclaim_waits_for_an_older_pin(void **state)
{
    struct gmt_rig *rig = *state;
    struct reader reader;
    struct committer committer;
    int released = 0;
    add_counted(rig, &released);
    start_reader(&reader, rig->space);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, 0, PAGES(4)), 0);
    gmt_commit(txn, GM_COMMIT_ASYNC);
    start_committer(&committer, rig->space, RECLAIM);
    usleep(30000);
    assert_int_equal(stage_of(&committer.stage), 1);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 0);
    stop_reader(&reader);
    join_committer(&committer);
    assert_int_equal(__atomic_load_n(&released, __ATOMIC_ACQUIRE), 1);
}

/*
 * The view that a pin shows is there until the pin ends, also when the space goes and the view is its newest.
 * The reader is the only one that is registered, so that nothing else can make the library wait.
 */
static void destroy_waits_for_a_pin(void **state)
{
    (void)state;
    struct gm_space *space;
    struct reader reader;
    struct committer committer;
    struct gm_region_desc desc = gmt_device(0, PAGES(1));
    assert_result(gm_space_create(NULL, &space), 0);
    gmt_add(space, &desc);
    start_reader(&reader, space);
    start_committer(&committer, space, DESTROY);
    usleep(30000);
    unsigned stage = stage_of(&committer.stage);
    stop_reader(&reader);
    join_committer(&committer);
    assert_int_equal(stage, 1);
}

/* Nothing staged, nothing published, nothing to wait for. */
static void empty_waiting_commit_returns(void **state)
{
    struct gmt_rig *rig = *state;
    struct reader reader;
    struct committer committer;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    start_reader(&reader, rig->space);
    start_committer(&committer, rig->space, COMMIT_NOTHING);
    for (unsigned i = 0; i < 10000 && stage_of(&committer.stage) != 2; i++)
        usleep(1000);
    unsigned stage = stage_of(&committer.stage);
    stop_reader(&reader);
    join_committer(&committer);
    assert_int_equal(stage, 2);
}

/*
 * Asynchronous commits return once published, however long a pin is held, until GM_ASYNC_LIMIT objects wait.
 */
static void async_commits_do_not_wait_for_a_pin(void **state)
{
    struct gmt_rig *rig = *state;
    struct reader reader;
    struct committer committer;
    gmt_add_ram(rig, 0, PAGES(4), 0);
    start_reader(&reader, rig->space);
    start_committer(&committer, rig->space, COMMIT_MANY_ASYNC);
    for (unsigned i = 0; i < 10000 && stage_of(&committer.stage) != 2; i++)
        usleep(1000);
    unsigned stage = stage_of(&committer.stage);
    stop_reader(&reader);
    join_committer(&committer);
    assert_int_equal(stage, 2);
}

static void later_commit_frees_what_async_ones_left(void **state)
{
    struct gmt_rig *rig = *state;
    int released[3] = {0, 0, 0};
    for (unsigned i = 0; i < 3; i++) {
        add_counted(rig, &released[i]);
        struct gm_txn *txn = gmt_begin(rig->space);
        assert_result(gm_txn_remove(txn, 0, PAGES(4)), 0);
        gmt_commit(txn, GM_COMMIT_ASYNC);
    }
    gmt_add_ram(rig, 0, PAGES(1), 0); /* with a wait */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(released[i], 1);
}

static void pin_of_an_unchanged_space_is_stable(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    uint64_t generation = gmt_pin(rig->space)->generation;
    gm_unpin();
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_true(gmt_pin(rig->space)->generation == generation);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(async_commit_returns_and_frees_later),
        RIG(waiting_commit_waits_for_an_older_pin),
        RIG(reclaim_waits_for_an_older_pin),
        cmocka_unit_test(destroy_waits_for_a_pin),
        RIG(empty_waiting_commit_returns),
        RIG(async_commits_do_not_wait_for_a_pin),
        RIG(later_commit_frees_what_async_ones_left),
        RIG(pin_of_an_unchanged_space_is_stable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
