/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Write watches: what is written, and only that; windows, slices, bitmaps; memory that was replaced; the end. */
#define _GNU_SOURCE
#include "lib/watch_got.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>

#define PAGES UINT64_C(1024)
#define LEN (PAGES * PAGE)

static void only_writes_count_and_each_once(void **state)
{
    int file = file_of(LEN);
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        volatile unsigned char *memory = kind == 0 ? anonymous(LEN) : shared(LEN, file);
        memory[3 * PAGE] = 1; /* before: no matter */
        struct gm_watch *watch = watch_over(memory, LEN);
        assert_int_equal(gm_watch_page_size(watch), PAGE);
        assert_nothing(watch);
        for (uint64_t page = 0; page < PAGES; page++)
            assert_int_equal(memory[page * PAGE], page == 3); /* untouched, or not: reading is no write */
        assert_nothing(watch);
        memory[0] = 0; /* the same byte */
        memory[3 * PAGE + 4095] = 1;
        memory[700 * PAGE + 5] = 1;
        memory[701 * PAGE] = 1;
        memory[LEN - 1] = 1;
        ASSERT_WRITTEN(watch, {0, 1}, {3, 1}, {700, 2}, {1023, 1});
        assert_nothing(watch);
        memory[700 * PAGE + 6]++; /* and again */
        memory[700 * PAGE + 7]++;
        ASSERT_WRITTEN(watch, {700, 1});
        assert_nothing(watch);
        gm_watch_destroy(watch);
        unmap(memory, LEN);
    }
    close(file);
}

/* More ranges than the kernel is asked for at a time. */
static void many_ranges(void **state)
{
    volatile unsigned char *memory = anonymous(4 * LEN);
    struct gm_watch *watch = watch_over(memory, 4 * LEN);
    struct got got;
    (void)state;
    for (uint64_t page = 1; page < 3000; page += 2)
        memory[page * PAGE] = 1;
    assert_int_equal(harvest(watch, &whole, &got), UINT64_MAX);
    assert_int_equal(got.count, 1500);
    assert_true(got.calls > 1);
    for (size_t i = 0; i < got.count; i++) {
        assert_int_equal(got.range[i].first, 2 * i + 1);
        assert_int_equal(got.range[i].len, 1);
    }
    assert_nothing(watch);
    gm_watch_destroy(watch);
    unmap(memory, 4 * LEN);
}

/* More memory than is protected by one call, hardly any of it touched. */
static void large_ranges(void **state)
{
    const uint64_t gib = UINT64_C(1) << 30, len = 3 * gib + 5 * PAGE;
    volatile unsigned char *memory = NULL;
    (void)state;
    assert_true(map_of(len, -1, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, &memory));
    struct gm_watch *watch = watch_over(memory, len);
    assert_nothing(watch);
    memory[gib - 1] = memory[gib] = memory[2 * gib + 7] = memory[len - 1] = 1;
    ASSERT_WRITTEN(watch, {gib / PAGE - 1, 2}, {2 * gib / PAGE, 1}, {len / PAGE - 1, 1});
    gm_watch_destroy(watch);
    unmap(memory, len);
}

static void windows_take_their_pages_and_no_others(void **state)
{
    static const struct {
        uint64_t first, len, from, end; /* bytes asked for; pages taken */
    } window[] = {{10 * PAGE, PAGE, 10, 11},         {10 * PAGE + 4095, 2, 10, 12},       {0, 1, 0, 1},
                  {1000 * PAGE, 25 * PAGE, 1000, 1024}, {1023 * PAGE, UINT64_MAX, 1023, 1024}, {5 * PAGE, 0, 0, 0},
                  {1024 * PAGE, PAGE, 0, 0},         {UINT64_MAX, UINT64_MAX, 0, 0},      {9, LEN - 18, 0, 1024}};
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    (void)state;
    for (size_t i = 0; i < sizeof(window) / sizeof(window[0]); i++) {
        const struct gm_watch_request request = {.first = window[i].first, .len = window[i].len};
        struct got got;
        for (uint64_t page = 0; page < PAGES; page++)
            memory[page * PAGE]++;
        assert_int_equal(harvest(watch, &request, &got), UINT64_MAX);
        uint64_t pages = window[i].end - window[i].from;
        assert_int_equal(got.count, pages != 0);
        if (pages != 0) {
            assert_int_equal(got.range[0].first, window[i].from);
            assert_int_equal(got.range[0].len, pages);
        }
        harvest(watch, &whole, &got); /* the rest is still written */
        for (size_t range = 0; range < got.count; range++)
            pages += got.range[range].len;
        assert_int_equal(pages, PAGES);
    }
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

/* Slices: each has its budget, all but the last, and together they have every page once. */
static void slices_go_on_where_the_last_one_ended(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    (void)state;
    for (uint64_t budget = 1; budget <= 1200; budget = budget * 2 + 5) {
        struct gm_watch_request request = {.len = UINT64_MAX, .budget = budget};
        uint64_t written = 0, taken = 0, end = 0;
        for (uint64_t page = 2; page < PAGES; page += page % 100 == 0 ? 30 : 1 + page % 3, written++)
            memory[page * PAGE]++;
        while (request.first != UINT64_MAX) {
            struct got got;
            uint64_t slice = 0;
            request.first = harvest(watch, &request, &got);
            for (size_t i = 0; i < got.count; i++) {
                assert_true(got.range[i].first >= end);
                end = got.range[i].first + got.range[i].len;
                slice += got.range[i].len;
            }
            assert_true(request.first == UINT64_MAX ? slice <= budget : slice == budget && request.first >= end * PAGE);
            taken += slice;
        }
        assert_int_equal(taken, written);
    }
    assert_nothing(watch);
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

static struct gm_dirty *bitmap_of(uint64_t size, unsigned page_shift, unsigned flags)
{
    const struct gm_dirty_config config = {.size = size, .page_shift = page_shift, .numa_node = -1, .flags = flags};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

/* How many pages of that size the two pages of 4 KiB are parts of, as addresses from `at` on. */
static uint64_t pages_of_two(uint64_t at, uint64_t page)
{
    uint64_t first = (at + 7 * PAGE) / page, last = (at + 8 * PAGE - 1) / page;
    uint64_t second = (at + 1023 * PAGE) / page, end = (at + 1024 * PAGE - 1) / page;
    return last - first + 1 + end - second + 1 - (second == last);
}

/* At any address, with any page size, on or off. */
static void writes_go_into_a_bitmap(void **state)
{
    static const uint64_t to[] = {0, 5 * PAGE, (UINT64_C(4) << 30) + 123, HUGE_PAGE};
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        unsigned shift = (i & 4) != 0 ? 21 : 12;
        struct gm_dirty *dirty = bitmap_of(UINT64_C(5) << 30, shift, (i & 8) != 0 ? GM_DIRTY_ON : GM_DIRTY_LOCKED);
        uint64_t next = 1, at = to[i & 3];
        memory[7 * PAGE]++;
        memory[1023 * PAGE]++;
        assert_result(gm_watch_harvest_into(watch, &whole, dirty, at, &next), 0);
        assert_int_equal(next, UINT64_MAX);
        assert_int_equal(gm_dirty_is_marked(dirty, at + 7 * PAGE), 1);
        assert_int_equal(gm_dirty_is_marked(dirty, at + 1024 * PAGE - 1), 1);
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), pages_of_two(at, UINT64_C(1) << shift));
        assert_nothing(watch);
        gm_dirty_destroy(dirty);
    }
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

static void a_bitmap_that_is_too_small(void **state)
{
    static const uint64_t to[] = {PAGE, UINT64_MAX, UINT64_MAX - LEN + 1, UINT64_MAX - 5 * PAGE};
    const struct gm_watch_request window = {.first = 100 * PAGE, .len = 3 * PAGE};
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    struct gm_dirty *dirty = bitmap_of(LEN, 0, GM_DIRTY_ON);
    uint64_t next = 1;
    (void)state;
    memory[101 * PAGE] = 1;
    for (size_t i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
        assert_result(gm_watch_harvest_into(watch, &whole, dirty, to[i], &next), -ERANGE);
        assert_int_equal(next, 1);
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    }
    assert_result(gm_watch_harvest_into(watch, &window, dirty, LEN - 103 * PAGE, &next), 0); /* it is still written */
    assert_int_equal(gm_dirty_is_marked(dirty, LEN - 2 * PAGE), 1);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 1);
    gm_dirty_destroy(dirty);
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

/* What was found before the place that changed is handed out, and what lies behind it can be had. */
static void memory_that_was_replaced(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN);
    const struct gm_watch_request behind = {.first = 501 * PAGE, .len = UINT64_MAX};
    struct got got = {.count = 0};
    uint64_t next = 1;
    (void)state;
    memory[9 * PAGE] = memory[11 * PAGE] = memory[900 * PAGE] = 1;
    assert_true(mmap((void *)(uintptr_t)(memory + 500 * PAGE), PAGE, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
    memory[500 * PAGE] = 1;
    assert_result(gm_watch_harvest(watch, &whole, take, &got, &next), -ESTALE);
    assert_int_equal(next, 1);
    assert_int_equal(got.count, 2);
    assert_int_equal(got.range[0].first, 9);
    assert_int_equal(got.range[1].first, 11);
    assert_int_equal(harvest(watch, &behind, &got), UINT64_MAX);
    assert_int_equal(got.count, 1);
    assert_int_equal(got.range[0].first, 900);
    memory[8 * PAGE] = 1;
    struct gm_dirty *dirty = bitmap_of(LEN, 0, GM_DIRTY_ON);
    next = 1;
    assert_result(gm_watch_harvest_into(watch, &whole, dirty, 0, &next), -ESTALE);
    assert_int_equal(next, 1);
    assert_int_equal(gm_dirty_is_marked(dirty, 8 * PAGE), 1);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 1);
    gm_dirty_destroy(dirty);
    memory[1 * PAGE] = 1;
    unmap(memory + 500 * PAGE, PAGE); /* a hole is no hindrance */
    ASSERT_WRITTEN(watch, {1, 1});
    gm_watch_destroy(watch);
    unmap(memory, LEN);
}

static unsigned count_files(bool all)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        int flags = fcntl(atoi(entry->d_name), F_GETFD);
        count += all || (flags >= 0 && (flags & FD_CLOEXEC) != 0);
    }
    closedir(folder);
    return count;
}

static uint64_t map_entry(volatile const unsigned char *address)
{
    uint64_t entry = 0;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    off_t at = (off_t)((uintptr_t)address / PAGE * sizeof(entry));
    assert_int_equal(pread(fd, &entry, sizeof(entry), at), sizeof(entry));
    close(fd);
    return entry;
}

#define PROTECTED(address) (map_entry(address) >> 57 & 1)

static void all_is_as_before_in_the_end(void **state)
{
    volatile unsigned char *memory = anonymous(LEN);
    unsigned files = count_files(true), closed_on_exec = count_files(false);
    (void)state;
    memory[2 * PAGE] = 42;
    for (unsigned round = 0; round < 3; round++) {
        struct gm_watch *watch = watch_over(memory, LEN);
        assert_int_equal(count_files(true), files + 2);
        assert_int_equal(count_files(false), closed_on_exec + 2);
        assert_true(PROTECTED(memory + 2 * PAGE) && PROTECTED(memory + 3 * PAGE));
        gm_watch_destroy(watch);
        assert_int_equal(count_files(true), files);
        assert_false(PROTECTED(memory + 2 * PAGE) || PROTECTED(memory + 3 * PAGE));
        assert_int_equal(memory[2 * PAGE], 42);
        assert_int_equal(memory[3 * PAGE], 0);
    }
    gm_watch_destroy(NULL);
    unmap(memory, LEN);
}

static void mistakes(void **state)
{
    unsigned char *memory = (unsigned char *)(uintptr_t)anonymous(LEN);
    struct gm_watch *watch = watch_over(memory, LEN), *other = NULL;
    struct got got = {.count = 0};
    uint64_t next = 1;
    (void)state;
    assert_int_equal(gm_watch_page_size(NULL), 0);
    assert_result(gm_watch_create(memory, LEN, NULL), -EINVAL);
    assert_result(gm_watch_create(NULL, LEN, &other), -EINVAL);
    assert_result(gm_watch_create(memory, 0, &other), -EINVAL);
    assert_result(gm_watch_create(memory, LEN - 1, &other), -EINVAL);
    assert_result(gm_watch_create(memory + 8, LEN, &other), -EINVAL);
    assert_result(gm_watch_create(memory, UINT64_MAX - PAGE + 1, &other), -EINVAL);
    assert_result(gm_watch_create(memory, LEN, &other), -EBUSY);
    assert_result(gm_watch_create(memory + LEN - PAGE, PAGE, &other), -EBUSY);
    assert_null(other);
    memory[0] = 1;
    assert_result(gm_watch_harvest(NULL, &whole, take, &got, &next), -EINVAL);
    assert_result(gm_watch_harvest(watch, NULL, take, &got, &next), -EINVAL);
    assert_result(gm_watch_harvest(watch, &whole, NULL, &got, &next), -EINVAL);
    assert_result(gm_watch_harvest(watch, &whole, take, &got, NULL), -EINVAL);
    assert_result(gm_watch_harvest_into(watch, &whole, NULL, 0, &next), -EINVAL);
    assert_int_equal(next, 1);
    ASSERT_WRITTEN(watch, {0, 1}); /* those who failed took nothing away */
    gm_watch_destroy(watch);
    unmap(memory + 5 * PAGE, PAGE);
    assert_result(gm_watch_create(memory, LEN, &other), -EFAULT);
    assert_result(gm_watch_create(memory, 6 * PAGE, &other), -EFAULT);
    assert_result(gm_watch_create(memory, 5 * PAGE, &other), 0);
    gm_watch_destroy(other);
    unmap(memory, LEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_writes_count_and_each_once),
        cmocka_unit_test(many_ranges),
        cmocka_unit_test(large_ranges),
        cmocka_unit_test(windows_take_their_pages_and_no_others),
        cmocka_unit_test(slices_go_on_where_the_last_one_ended),
        cmocka_unit_test(writes_go_into_a_bitmap),
        cmocka_unit_test(a_bitmap_that_is_too_small),
        cmocka_unit_test(memory_that_was_replaced),
        cmocka_unit_test(all_is_as_before_in_the_end),
        cmocka_unit_test(mistakes),
    };
    need_watches();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
