/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Write watches over huge pages: transparent ones, and those of hugetlb, which are taken only whole. */
#define _GNU_SOURCE
#include "lib/watch_got.h"

#include <stdbool.h>
#include <string.h>

#include "lib/hugepool.h"

#define SMALL UINT64_C(512) /* pages of 4 KiB in one */
#define HUGE 10
#define LEN (HUGE * HUGE_PAGE)

/* [KiB] of transparent huge pages in the mapping that begins at or before the address. */
static unsigned long huge_kib(volatile unsigned char *address)
{
    char line[512];
    unsigned long kib = 0, start, end;
    bool inside = false;
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        if (inside && sscanf(line, "AnonHugePages: %lu kB", &kib) == 1)
            break;
    }
    fclose(file);
    return kib;
}

/* A page that was written to is one of 4 KiB; those that were not stay parts of a huge page. */
static void transparent_huge_pages(void **state)
{
    volatile unsigned char *memory = anonymous(LEN + HUGE_PAGE);
    volatile unsigned char *at = memory + (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
    (void)state;
    (void)madvise((void *)(uintptr_t)at, LEN, MADV_HUGEPAGE);
    memset((void *)(uintptr_t)at, 1, 4 * HUGE_PAGE);
    if (huge_kib(at) < 4 * HUGE_PAGE / 1024) {
        print_message("transparent huge pages: none to be had\n");
        unmap(memory, LEN + HUGE_PAGE);
        skip();
    }
    struct gm_watch *watch = watch_over(at, LEN);
    assert_int_equal(gm_watch_page_size(watch), PAGE);
    assert_nothing(watch);
    at[5 * PAGE] = 2;
    at[HUGE_PAGE + HUGE_PAGE - 1] = 2;
    at[7 * HUGE_PAGE] = 2; /* never touched */
    ASSERT_WRITTEN(watch, {5, 1}, {2 * SMALL - 1, 1}, {7 * SMALL, 1});
    at[6 * PAGE] = 2;
    ASSERT_WRITTEN(watch, {6, 1});
    assert_int_equal(huge_kib(at), 2 * HUGE_PAGE / 1024);
    gm_watch_destroy(watch);
    assert_int_equal(at[6 * PAGE] + at[7 * PAGE] + at[3 * HUGE_PAGE], 2 + 1 + 1);
    unmap(memory, LEN + HUGE_PAGE);
}

static void check_writes(volatile unsigned char *memory, struct gm_watch *watch)
{
    assert_int_equal(gm_watch_page_size(watch), HUGE_PAGE);
    assert_nothing(watch);
    assert_int_equal(memory[HUGE_PAGE], 0);
    assert_nothing(watch);
    memory[0] = 1;
    memory[5 * HUGE_PAGE - 1] = 1;
    memory[5 * HUGE_PAGE] = 1;
    ASSERT_WRITTEN(watch, {0, SMALL}, {4 * SMALL, 2 * SMALL});
    assert_nothing(watch);
    memory[5 * HUGE_PAGE] = 2;
    ASSERT_WRITTEN(watch, {5 * SMALL, SMALL});
}

/* A window, or a budget, of less than a page is one page. */
static void check_windows(volatile unsigned char *memory, struct gm_watch *watch)
{
    struct gm_watch_request request = {.first = 3 * HUGE_PAGE + 4096, .len = HUGE_PAGE};
    struct got got;
    for (uint64_t page = 0; page < HUGE; page++)
        memory[page * HUGE_PAGE]++;
    assert_int_equal(harvest(watch, &request, &got), UINT64_MAX);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.range[0].first, 3 * SMALL);
    assert_int_equal(got.range[0].len, 2 * SMALL);
    memory[3 * HUGE_PAGE] = 3;
    harvest(watch, &whole, &got);
    assert_int_equal(got.count, 2); /* all but page 4 */
    for (uint64_t budget = 1; budget <= 1025; budget += 512) {
        uint64_t taken = 0, most = (budget + SMALL - 1) / SMALL * SMALL;
        request = (struct gm_watch_request){.len = UINT64_MAX, .budget = budget};
        for (uint64_t page = 0; page < HUGE; page += page == 5 ? 2 : 1)
            memory[page * HUGE_PAGE]++;
        while (request.first != UINT64_MAX) {
            uint64_t slice = 0;
            request.first = harvest(watch, &request, &got);
            for (size_t i = 0; i < got.count; i++)
                slice += got.range[i].len;
            assert_true(request.first == UINT64_MAX ? slice <= most : slice == most);
            taken += slice;
        }
        assert_int_equal(taken, (HUGE - 1) * SMALL);
        assert_int_equal(memory[6 * HUGE_PAGE], 1);
    }
}

static void hugetlb(void **state)
{
    int file = memfd_create("watch", MFD_CLOEXEC | MFD_HUGETLB);
    unsigned done = 0;
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        volatile unsigned char *memory = NULL;
        if (kind == 1 && (file < 0 || ftruncate(file, LEN) != 0))
            continue;
        int flags = kind == 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB : MAP_SHARED;
        if (map_of(LEN, kind == 0 ? -1 : file, flags, &memory) == 0)
            continue;
        struct gm_watch *watch = watch_over(memory, LEN), *bad = NULL;
        check_writes(memory, watch);
        check_windows(memory, watch);
        assert_result(gm_watch_create((void *)(uintptr_t)(memory + PAGE), HUGE_PAGE, &bad), -EINVAL);
        gm_watch_destroy(watch);
        assert_result(gm_watch_create((void *)(uintptr_t)memory, LEN - PAGE, &bad), -EINVAL);
        assert_null(bad);
        assert_int_equal(memory[3 * HUGE_PAGE], 6);
        unmap(memory, LEN);
        done++;
    }
    close(file);
    if (done != 2) {
        print_message("hugetlb: no pages to be had\n");
        skip();
    }
}

/* Hugetlb memory behind other memory: two watches. */
static void mixed(void **state)
{
    volatile unsigned char *memory = anonymous(4 * HUGE_PAGE);
    volatile unsigned char *at = memory + (HUGE_PAGE - (uintptr_t)memory % HUGE_PAGE) % HUGE_PAGE;
    void *huge = mmap((void *)(uintptr_t)(at + HUGE_PAGE), 2 * HUGE_PAGE, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_HUGETLB, -1, 0);
    struct gm_watch *watch = NULL, *other = NULL;
    (void)state;
    if (huge != MAP_FAILED) {
        assert_result(gm_watch_create((void *)(uintptr_t)at, 3 * HUGE_PAGE, &watch), -EINVAL);
        volatile unsigned char *last = at + HUGE_PAGE - PAGE; /* the kernel would do it: nothing is cut yet */
        assert_result(gm_watch_create((void *)(uintptr_t)last, 2 * HUGE_PAGE + PAGE, &watch), -EINVAL);
        assert_null(watch);
        assert_result(gm_watch_create((void *)(uintptr_t)at, HUGE_PAGE, &watch), 0);
        assert_result(gm_watch_create(huge, 2 * HUGE_PAGE, &other), 0);
        at[PAGE] = at[HUGE_PAGE] = 1;
        ASSERT_WRITTEN(watch, {1, 1});
        ASSERT_WRITTEN(other, {0, SMALL});
        gm_watch_destroy(watch);
        gm_watch_destroy(other);
        (void)munmap(huge, 2 * HUGE_PAGE);
    }
    unmap(at, HUGE_PAGE);
    if (huge == MAP_FAILED) {
        print_message("hugetlb: no pages to be had\n");
        skip();
    }
}

static struct gmt_pool pool;
static bool grown;

static int grow(void **state)
{
    (void)state;
    grown = gmt_pool_open(&pool, 21, HUGE);
    return 0;
}

static int shrink(void **state)
{
    (void)state;
    if (grown)
        gmt_pool_close(&pool);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transparent_huge_pages),
        cmocka_unit_test(hugetlb),
        cmocka_unit_test(mixed),
    };
    need_watches();
    return cmocka_run_group_tests(tests, grow, shrink);
}
