/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Write watches whose system calls fail one by one: nothing stays behind, and no write is lost. */
#define _GNU_SOURCE
#include "fault/sweep.h"

#include <sys/mman.h>

#include "guestmem/watch.h"
#include "lib/skip.h"

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(600)
#define LEN (PAGES * PAGE)

static struct gm_space *no_space;
static struct gm_watch *watch;
static unsigned char *memory;
static const struct gm_watch_request whole = {.len = UINT64_MAX};

static int create(void *ignored)
{
    (void)ignored;
    return gm_watch_create(memory, LEN, &watch);
}

static void destroy(void *ignored)
{
    (void)ignored;
    gm_watch_destroy(watch);
    watch = NULL;
}

static void count(void *arg, const struct gm_dirty_range *ranges, size_t many)
{
    for (size_t i = 0; i < many; i++)
        *(uint64_t *)arg += ranges[i].len / PAGE;
}

static void creation_fails(void **state)
{
    static const struct operation make = {"create a watch", FAILS, create, destroy};
    (void)state;
    /* memory, mapped?, open, handshake, page map, its scan, registration, the first page, the others */
    assert_int_equal(sweep(&make, NULL, &no_space), 9);
    for (unsigned step = 1; step <= 9; step++) {
        gm_fault_arm(step);
        assert_result(create(NULL), -ENOMEM);
        assert_true(gm_fault_disarm());
        assert_null(watch);
    }
}

/* Pages in every second place: several calls, of which each fails once. */
static void harvests_fail(void **state)
{
    (void)state;
    assert_result(create(NULL), 0);
    for (unsigned step = 1; step <= 3; step++) {
        uint64_t pages = 0, next = 1;
        for (uint64_t page = 0; page < PAGES; page += 2)
            memory[page * PAGE]++;
        gm_fault_arm(step);
        assert_result(gm_watch_harvest(watch, &whole, count, &pages, &next), -ENOMEM);
        assert_true(gm_fault_disarm());
        assert_int_equal(next, 1);
        assert_int_equal(pages, (step - 1) * 128);
        assert_result(gm_watch_harvest(watch, &whole, count, &pages, &next), 0);
        assert_int_equal(next, UINT64_MAX);
        assert_int_equal(pages, PAGES / 2);
    }
    destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creation_fails),
        cmocka_unit_test(harvests_fail),
    };
    memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int error = memory != MAP_FAILED ? create(NULL) : -ENOMEM;
    if (error == -EOPNOTSUPP || error == -EPERM)
        gmt_skip("no write watches here");
    destroy(NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
