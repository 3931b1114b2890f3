/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A bitmap grows while others mark and harvest. Each page is marked once, as soon as it is there: a mark that growth
 * loses is not made good for by another.
 */
#include "lib/dirty_count.h"

#include <guestmem/guestmem.h>
#include <pthread.h>

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(400000)

struct growth {
    struct gm_dirty *dirty;
    uint64_t end;   /* pages that are there */
    uint64_t taken; /* pages */
    uint64_t wrong;
};

static void *mark_each_page_once(void *argument)
{
    struct growth *growth = argument;
    for (uint64_t page = 0; page < PAGES; page++) {
        while (page >= __atomic_load_n(&growth->end, __ATOMIC_ACQUIRE))
            ;
        growth->wrong += gm_dirty_mark(growth->dirty, page * PAGE + 7, 1) != 0;
    }
    return NULL;
}

static void grow_beside_marks(unsigned flags)
{
    const struct gm_dirty_config config = {
        .size = PAGE, .size_most = PAGES * PAGE, .numa_node = -1, .flags = flags | GM_DIRTY_ON};
    struct growth growth = {.end = 1};
    pthread_t thread;
    assert_result(gm_dirty_create(&config, &growth.dirty), 0);
    assert_int_equal(pthread_create(&thread, NULL, mark_each_page_once, &growth), 0);
    for (uint64_t pages = 2; pages <= PAGES; pages += 1 + pages % 3 * 40) {
        assert_result(gm_dirty_extend(growth.dirty, pages * PAGE), 0);
        __atomic_store_n(&growth.end, pages, __ATOMIC_RELEASE);
        if (pages % 5 == 0)
            growth.taken += harvest_pages(growth.dirty);
    }
    assert_result(gm_dirty_extend(growth.dirty, PAGES * PAGE), 0);
    __atomic_store_n(&growth.end, PAGES, __ATOMIC_RELEASE);
    assert_int_equal(pthread_join(thread, NULL), 0);
    growth.taken += harvest_pages(growth.dirty);
    assert_int_equal(growth.wrong, 0);
    assert_int_equal(growth.taken, PAGES);
    gm_dirty_destroy(growth.dirty);
}

static void beside_marks_that_look(void **state)
{
    (void)state;
    grow_beside_marks(0);
}

static void beside_locked_marks(void **state)
{
    (void)state;
    grow_beside_marks(GM_DIRTY_LOCKED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beside_marks_that_look),
        cmocka_unit_test(beside_locked_marks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
