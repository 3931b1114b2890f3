/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_guest_mark: marks by guest address, through whatever view, in the one bitmap that the space was given. That none
 * is lost beside harvests is test_mark_race.c.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define TRACKED UINT64_C(512) /* pages of the bitmap */
#define MEMORY PAGES(TRACKED)

struct world {
    struct gm_space *space;
    struct gm_dirty *dirty;
    struct gm_backing *ram, *other;
};

static struct world world;

static struct gm_region_desc ram(uint64_t first, uint64_t pages)
{
    return (struct gm_region_desc){.gpa = PAGES(first), .size = PAGES(pages), .backing = world.ram,
                                   .offset = PAGES(first)};
}

static void add(uint64_t first, uint64_t pages)
{
    const struct gm_region_desc desc = ram(first, pages);
    gmt_add(world.space, &desc);
}

static int open_with(unsigned flags)
{
    const struct gm_dirty_config config = {.size = MEMORY, .numa_node = -1, .flags = flags};
    world = (struct world){0};
    assert_result(gm_reader_register(), 0);
    assert_result(gm_dirty_create(&config, &world.dirty), 0);
    const struct gm_space_config space = {.numa_node = -1, .dirty = world.dirty};
    assert_result(gm_space_create(&space, &world.space), 0);
    assert_result(gm_backing_anonymous(MEMORY, 0, &world.ram), 0);
    assert_result(gm_backing_anonymous(MEMORY, 0, &world.other), 0);
    return 0;
}

static int open_on(void **state)
{
    (void)state;
    return open_with(GM_DIRTY_ON);
}

static int open_off(void **state)
{
    (void)state;
    return open_with(0);
}

static int close_world(void **state)
{
    (void)state;
    assert_result(gm_space_destroy(world.space), 0);
    gm_dirty_destroy(world.dirty);
    gm_backing_put(world.ram);
    gm_backing_put(world.other);
    assert_result(gm_reader_unregister(), 0);
    return 0;
}

/* Exactly the pages first..last are dirty; last below first: none. */
static void assert_dirty(uint64_t first, uint64_t last)
{
    for (uint64_t page = 0; page < TRACKED; page++)
        if (gm_dirty_is_marked(world.dirty, PAGES(page)) != (page >= first && page <= last))
            fail_msg("page %u: dirty is %d", (unsigned)page, gm_dirty_is_marked(world.dirty, PAGES(page)));
}

static void clean(void)
{
    assert_result(gm_dirty_clear(world.dirty, 0, MEMORY), 0);
}

static void by_guest_address(void **state)
{
    (void)state;
    const struct gm_region_desc moved = {.gpa = PAGES(40), .size = PAGES(8), .backing = world.ram, .offset = PAGES(3)};
    gmt_add(world.space, &moved);
    const struct gm_view *view = gmt_pin(world.space);
    assert_ptr_equal(view->dirty, world.dirty);
    assert_result(gm_guest_mark(view, PAGES(41) + 5, 1), 0);
    assert_dirty(41, 41); /* neither where the page is in its region nor where it is in its backing */
    assert_result(gm_guest_mark(view, PAGES(42) + 4095, 2), 0);
    assert_dirty(41, 43);
    assert_result(gm_guest_mark(view, PAGES(44), 0), 0);
    assert_dirty(41, 43);
    clean();
    assert_result(gm_guest_mark(view, PAGES(100), PAGES(3)), 0); /* no region there: marks ask no region */
    assert_dirty(100, 102);
    gm_unpin();
}

static void out_of_range(void **state)
{
    struct gm_dirty_stats stats;
    (void)state;
    const struct gm_view *view = gmt_pin(world.space);
    assert_result(gm_guest_mark(view, MEMORY, 1), -ERANGE);
    assert_result(gm_guest_mark(view, GMT_TOP - 1, 1), -ERANGE);
    assert_result(gm_guest_mark(view, UINT64_MAX, UINT64_MAX), -ERANGE);
    assert_dirty(1, 0);
    assert_result(gm_guest_mark(view, MEMORY - 1, 2), -ERANGE);
    assert_dirty(TRACKED - 1, TRACKED - 1); /* what is below, is marked */
    assert_result(gm_dirty_stats_get(world.dirty, &stats), 0);
    assert_int_equal(stats.out_of_range, 4);
    gm_unpin();
}

static void a_space_that_tracks_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(4), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_non_null(view->dirty);
    assert_result(gm_guest_mark(view, 0, PAGES(4)), 0);
    assert_result(gm_guest_mark(view, UINT64_MAX, UINT64_MAX), 0); /* whatever the range */
    gm_unpin();
}

static void off_and_on_without_mapping_anew(void **state)
{
    (void)state;
    add(0, 16);
    const struct gm_view *view = gmt_pin(world.space);
    uint64_t generation = view->generation;
    assert_result(gm_guest_mark(view, 0, PAGES(2)), 0);
    assert_result(gm_guest_mark(view, MEMORY, 1), 0); /* off: not even that is noticed */
    assert_dirty(1, 0);
    assert_result(gm_dirty_enable(world.dirty), 0); /* the very same view, still pinned */
    assert_result(gm_guest_mark(view, PAGES(3), 1), 0);
    assert_dirty(3, 3);
    assert_result(gm_dirty_disable(world.dirty), 0);
    assert_result(gm_guest_mark(view, PAGES(5), 1), 0);
    assert_dirty(3, 3);
    assert_result(gm_dirty_enable(world.dirty), 0);
    assert_result(gm_guest_mark(view, PAGES(4), 1), 0);
    assert_dirty(3, 4);
    gm_unpin();
    assert_true(gmt_pin(world.space)->generation == generation);
    gm_unpin();
}

static void resize_and_replacement_keep_marks(void **state)
{
    (void)state;
    add(0, 16);
    assert_result(gm_guest_mark(gmt_pin(world.space), PAGES(2), PAGES(12)), 0);
    gm_unpin();
    gmt_resize(world.space, 0, PAGES(8));
    assert_dirty(2, 13);
    gmt_resize(world.space, 0, PAGES(32));
    assert_dirty(2, 13);
    struct gm_txn *txn = gmt_begin(world.space);
    const struct gm_region_desc two[] = {{.gpa = 0, .size = PAGES(4), .backing = world.other},
                                         {.gpa = PAGES(4), .size = PAGES(28), .backing = world.ram}};
    assert_result(gm_txn_remove(txn, 0, PAGES(32)), 0);
    assert_result(gm_txn_add(txn, &two[0]), 0);
    assert_result(gm_txn_add(txn, &two[1]), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_dirty(2, 13);
    assert_result(gm_guest_mark(gmt_pin(world.space), PAGES(3) + 1, PAGES(12)), 0); /* over the new seam */
    gm_unpin();
    assert_dirty(2, 15);
    gmt_remove(world.space, 0, PAGES(4));
    assert_dirty(2, 15); /* of memory that is gone: gm_dirty_clear is for that */
}

static void every_view_marks_the_same_bitmap(void **state)
{
    (void)state;
    add(0, 4);
    struct gm_snapshot *snapshot = gm_snapshot_take(gmt_pin(world.space));
    assert_result(gm_unpin(), 0);
    add(8, 4);
    const struct gm_view *now = gmt_pin(world.space);
    const struct gm_view *kept = gm_snapshot_view(snapshot);
    assert_true(now->generation != kept->generation);
    assert_result(gm_guest_mark(kept, PAGES(1), 1), 0);
    assert_result(gm_guest_mark(now, PAGES(2), 1), 0);
    assert_dirty(1, 2);
    assert_result(gm_guest_mark(kept, PAGES(3), 1), 0);
    assert_dirty(1, 3);
    gm_unpin();
    gm_snapshot_put(snapshot);
}

struct committer {
    _Atomic bool pinned, published;
};

static void *pin_over_a_commit(void *argument)
{
    struct committer *turn = argument;
    int result = gm_reader_register();
    const struct gm_view *old = gm_pin(world.space);
    atomic_store(&turn->pinned, true);
    while (!atomic_load(&turn->published))
        usleep(100);
    if (result == 0)
        result = gm_guest_mark(old, PAGES(1), PAGES(2)); /* by a view that is no longer current */
    gm_unpin();
    gm_reader_unregister();
    return (void *)(intptr_t)result;
}

static void an_old_pin_marks_what_a_new_one_sees(void **state)
{
    struct committer turn = {false, false};
    pthread_t thread;
    void *result;
    (void)state;
    add(0, 4);
    assert_int_equal(pthread_create(&thread, NULL, pin_over_a_commit, &turn), 0);
    while (!atomic_load(&turn.pinned))
        usleep(100);
    struct gm_txn *txn = gmt_begin(world.space);
    assert_result(gm_txn_remove(txn, 0, PAGES(4)), 0);
    gmt_commit(txn, GM_COMMIT_ASYNC);
    atomic_store(&turn.published, true);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal((int)(intptr_t)result, 0);
    assert_result(gm_guest_mark(gmt_pin(world.space), PAGES(3), 1), 0);
    gm_unpin();
    assert_dirty(1, 3);
}

/* What readv wrote, and no page more: the pipe gives less than the iovecs have room for. */
static void completion_of_a_short_readv(void **state)
{
    static char data[3 * 4096];
    struct iovec iov[4];
    int ends[2];
    (void)state;
    const struct gm_region_desc upper = {.gpa = PAGES(11), .size = PAGES(8), .backing = world.other};
    add(10, 1);
    gmt_add(world.space, &upper);
    const struct gm_view *view = gmt_pin(world.space);
    const gm_gpa gpa = PAGES(10) + 100;
    const size_t sizes[] = {1, 3995, 3996, 3997, 3996 + 4096, 3996 + 4097, 3 * 4096};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        clean();
        memset(data, (int)i + 1, sizeof(data));
        assert_int_equal(pipe(ends), 0);
        assert_int_equal(write(ends[1], data, sizes[i]), sizes[i]);
        int count = gm_translate_iov(view, gpa, PAGES(6), GM_WRITE, iov, 4);
        assert_int_equal(count, 2);
        ssize_t got = readv(ends[0], iov, count);
        assert_int_equal(got, sizes[i]);
        assert_result(gm_guest_mark(view, gpa, (uint64_t)got), 0);
        assert_dirty(10, (gpa + sizes[i] - 1) / GMT_PAGE);
        close(ends[0]);
        close(ends[1]);
    }
    gm_unpin();
}

#define ON(name) cmocka_unit_test_setup_teardown(name, open_on, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON(by_guest_address),
        ON(out_of_range),
        cmocka_unit_test_setup_teardown(a_space_that_tracks_nothing, gmt_rig_open, gmt_rig_close),
        cmocka_unit_test_setup_teardown(off_and_on_without_mapping_anew, open_off, close_world),
        ON(resize_and_replacement_keep_marks),
        ON(every_view_marks_the_same_bitmap),
        ON(an_old_pin_marks_what_a_new_one_sees),
        ON(completion_of_a_short_readv),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
