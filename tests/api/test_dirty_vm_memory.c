/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of vm-memory's tests of bitmaps (atomic_bitmap.rs; slice.rs is in test_slice.c), by their names. Pages
 * are powers of two from 4 KiB on here: what counts bytes there counts in units of 32.
 */
#include "lib/cm.h"

#include <guestmem/guestmem.h>

#define UNIT 32           /* 128 bytes a page there, 4096 here */
#define AT(bytes) ((uint64_t)(bytes) * UNIT)
#define PAGE GM_PAGE_SIZE

static struct gm_dirty *create(uint64_t size, uint64_t size_most)
{
    const struct gm_dirty_config config = {
        .size = size, .size_most = size_most, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_dirty *dirty;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

/* The pages first..last are marked, and no other. */
static void assert_pages(const struct gm_dirty *dirty, uint64_t first, uint64_t last)
{
    struct gm_dirty_stats stats;
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    for (uint64_t page = 0; page < stats.size / PAGE; page++)
        assert_int_equal(gm_dirty_is_marked(dirty, page * PAGE), page >= first && page <= last);
}

static void assert_none(const struct gm_dirty *dirty)
{
    assert_pages(dirty, 1, 0);
}

/* 1025 bytes of 128 are 9 pages; 128 bytes from 128 on are page 1; what is taken is clean then. */
static void test_bitmap_basic(void **state)
{
    struct gm_dirty *dirty = create(AT(1025), 0);
    struct gm_dirty_stats stats;
    uint64_t words[1] = {0}, next;
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    (void)state;
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_true(stats.size == 9 * PAGE && stats.page_size == PAGE);
    assert_none(dirty);
    assert_result(gm_dirty_mark(dirty, AT(128), AT(129)), 0);
    assert_pages(dirty, 1, 2);
    assert_result(gm_dirty_clear(dirty, 0, stats.size), 0);
    assert_none(dirty);
    assert_result(gm_dirty_mark(dirty, AT(128), AT(129)), 0);
    assert_result(gm_dirty_harvest_words(dirty, &all, words, 1, &next), 0);
    assert_true(words[0] == 6 && next == UINT64_MAX); /* 0b110 */
    assert_none(dirty);
    gm_dirty_destroy(dirty);
}

static void test_bitmap_reset(void **state)
{
    struct gm_dirty *dirty = create(AT(1024), 0);
    (void)state;
    assert_result(gm_dirty_mark(dirty, AT(128), AT(129)), 0);
    assert_pages(dirty, 1, 2);
    assert_result(gm_dirty_clear(dirty, AT(128), AT(128)), 0);
    assert_pages(dirty, 2, 2);
    assert_result(gm_dirty_mark(dirty, AT(384), 1), 0);
    assert_result(gm_dirty_clear(dirty, AT(256), AT(129)), 0); /* there, page 3 as well, of which this is one byte */
    assert_pages(dirty, 3, 3);
    gm_dirty_destroy(dirty);
}

/* Partly past the end: inside it is set, outside there is nothing. There in silence; here it is told and counted. */
static void test_bitmap_out_of_range(void **state)
{
    struct gm_dirty *dirty = create(AT(1024), 0);
    struct gm_dirty_stats stats;
    (void)state;
    assert_result(gm_dirty_mark(dirty, AT(768), AT(512)), -ERANGE);
    assert_pages(dirty, 6, 7);
    assert_result(gm_dirty_is_marked(dirty, AT(1024)), -ERANGE);
    assert_result(gm_dirty_is_marked(dirty, UINT64_MAX), -ERANGE);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.out_of_range, 1);
    gm_dirty_destroy(dirty);
}

/* The contract of every bitmap there, and of a window of it at 0x400: here a slice whose first byte is called that. */
static void test_bitmap_impl(void **state)
{
    struct gm_dirty *dirty = create(AT(0x2000), 0);
    struct gm_slice window;
    char memory[PAGE];
    (void)state;
    assert_result(gm_dirty_mark(dirty, AT(0x100), 0), 0);
    assert_none(dirty);
    assert_result(gm_dirty_mark(dirty, AT(0x100), 1), 0);
    assert_pages(dirty, 2, 2);
    assert_result(gm_dirty_clear(dirty, 0, AT(0x2000)), 0);
    assert_result(gm_slice_wrap(memory, sizeof(memory), AT(0x400), dirty, GM_RW, &window), 0);
    assert_result(gm_slice_mark(&window, 0, 0), 0);
    assert_none(dirty);
    assert_result(gm_slice_mark(&window, 5, 1), 0);
    assert_pages(dirty, 8, 8);
    gm_dirty_destroy(dirty);
}

/* From 64 to 128 pages; there nobody else may use it meanwhile. */
static void test_bitmap_enlarge(void **state)
{
    struct gm_dirty *dirty = create(64 * PAGE, 128 * PAGE);
    (void)state;
    assert_result(gm_dirty_mark(dirty, 63 * PAGE, PAGE), 0);
    assert_result(gm_dirty_mark(dirty, 64 * PAGE, PAGE), -ERANGE);
    assert_result(gm_dirty_extend(dirty, 128 * PAGE), 0);
    assert_pages(dirty, 63, 63);
    assert_result(gm_dirty_mark(dirty, 64 * PAGE, 64 * PAGE), 0);
    assert_pages(dirty, 63, 127);
    assert_result(gm_dirty_clear(dirty, 0, 128 * PAGE), 0);
    assert_none(dirty);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitmap_basic), cmocka_unit_test(test_bitmap_reset),
        cmocka_unit_test(test_bitmap_out_of_range), cmocka_unit_test(test_bitmap_impl),
        cmocka_unit_test(test_bitmap_enlarge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
