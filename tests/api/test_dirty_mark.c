/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What marks make dirty: pages, ranges at every alignment, edges of the bitmap, on and off, and growth. */
#include "lib/cm.h"

#include <guestmem/guestmem.h>

#define PAGE UINT64_C(4096)

static struct gm_dirty *make_of(uint64_t pages, uint64_t pages_most, unsigned flags)
{
    const struct gm_dirty_config config = {
        .size = pages * PAGE, .size_most = pages_most * PAGE, .numa_node = -1, .flags = flags};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

static struct gm_dirty *make(uint64_t pages)
{
    return make_of(pages, 0, GM_DIRTY_ON);
}

/* Exactly the pages first..last are marked. */
static void assert_marked(const struct gm_dirty *dirty, uint64_t pages, uint64_t first, uint64_t last)
{
    for (uint64_t page = 0; page < pages; page++)
        assert_int_equal(gm_dirty_is_marked(dirty, page * PAGE), page >= first && page <= last);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), last - first + 1);
}

static void rounds_out_to_pages(void **state)
{
    const struct gm_dirty_config config = {.size = 8 * PAGE + 1, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_dirty_stats stats;
    struct gm_dirty *dirty;
    (void)state;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.size, 9 * PAGE);
    assert_int_equal(stats.size_most, 9 * PAGE);
    assert_result(gm_dirty_mark(dirty, PAGE, PAGE + 1), 0); /* pages 1 and 2 */
    assert_marked(dirty, 9, 1, 2);
    assert_result(gm_dirty_is_marked(dirty, 9 * PAGE - 1), 0);
    assert_result(gm_dirty_is_marked(dirty, 9 * PAGE), -ERANGE);
    gm_dirty_destroy(dirty);
}

static void one_page_for_any_part_of_it(void **state)
{
    (void)state;
    for (uint64_t page = 60; page < 70; page++) {
        static const uint64_t parts[][2] = {{0, 1}, {0, 4096}, {4095, 1}, {17, 8}, {4088, 8}};
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
            struct gm_dirty *dirty = make(130);
            for (unsigned again = 0; again < 2; again++)
                assert_result(gm_dirty_mark(dirty, page * PAGE + parts[i][0], parts[i][1]), 0);
            assert_marked(dirty, 130, page, page);
            gm_dirty_destroy(dirty);
        }
    }
}

static void ranges_at_every_alignment(void **state)
{
    static const uint64_t firsts[] = {0, 1, 62, 63, 64, 65, 127, 4094, 4095, 4096, 4097};
    static const uint64_t lengths[] = {1, 2, 63, 64, 65, 127, 128, 129, 191, 256, 4095, 4096, 4097, 4200};
    (void)state;
    for (unsigned flags = GM_DIRTY_ON; flags <= (GM_DIRTY_ON | GM_DIRTY_LOCKED); flags += GM_DIRTY_LOCKED) {
        for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
            for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
                struct gm_dirty *dirty = make_of(8400, 0, flags);
                for (unsigned again = 0; again < 2; again++)
                    assert_result(gm_dirty_mark(dirty, firsts[i] * PAGE + 9, lengths[j] * PAGE - 9), 0);
                assert_marked(dirty, 8400, firsts[i], firsts[i] + lengths[j] - 1);
                gm_dirty_destroy(dirty);
            }
        }
    }
}

static void length_zero_marks_nothing(void **state)
{
    struct gm_dirty *dirty = make(10);
    (void)state;
    assert_result(gm_dirty_mark(dirty, 0, 0), 0);
    assert_result(gm_dirty_mark(dirty, 5 * PAGE + 1, 0), 0);
    assert_result(gm_dirty_mark(dirty, 100 * PAGE, 0), 0);
    assert_result(gm_dirty_mark(dirty, UINT64_MAX, 0), 0);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

static void out_of_range_is_told_and_the_rest_is_marked(void **state)
{
    struct gm_dirty_stats stats;
    struct gm_dirty *dirty = make(10);
    (void)state;
    assert_result(gm_dirty_mark(dirty, 8 * PAGE, 100 * PAGE), -ERANGE);
    assert_marked(dirty, 10, 8, 9);
    assert_result(gm_dirty_mark(dirty, 10 * PAGE, 1), -ERANGE);
    assert_result(gm_dirty_mark(dirty, 9 * PAGE, PAGE + 1), -ERANGE);
    assert_result(gm_dirty_mark(dirty, UINT64_MAX, 1), -ERANGE);
    assert_result(gm_dirty_mark(dirty, UINT64_MAX, 2), -ERANGE); /* past 2^64 */
    assert_marked(dirty, 10, 8, 9);
    assert_result(gm_dirty_mark(dirty, 6 * PAGE, UINT64_MAX), -ERANGE);
    assert_marked(dirty, 10, 6, 9);
    /* A range that wraps back to the page it begins in is not one page. */
    assert_result(gm_dirty_mark(dirty, 6 * PAGE + 2048, UINT64_MAX - 1023), -ERANGE);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.out_of_range, 7);
    assert_result(gm_dirty_mark(dirty, 0, 10 * PAGE), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.out_of_range, 7);
    gm_dirty_destroy(dirty);
}

static void off_marks_nothing(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= GM_DIRTY_LOCKED; flags += GM_DIRTY_LOCKED) {
        struct gm_dirty_stats stats;
        struct gm_dirty *dirty = make_of(100, 0, flags);
        assert_result(gm_dirty_mark(dirty, 0, 1), 0);
        assert_result(gm_dirty_mark(dirty, 0, 1000 * PAGE), 0);
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
        assert_result(gm_dirty_enable(dirty), 0);
        assert_result(gm_dirty_mark(dirty, 3 * PAGE, 1), 0);
        assert_marked(dirty, 100, 3, 3);
        assert_result(gm_dirty_stats_get(dirty, &stats), 0);
        assert_true(stats.is_on);
        assert_result(gm_dirty_disable(dirty), 0);
        assert_result(gm_dirty_mark(dirty, 4 * PAGE, 1), 0);
        assert_marked(dirty, 100, 3, 3); /* what was marked stays so */
        assert_result(gm_dirty_stats_get(dirty, &stats), 0);
        assert_false(stats.is_on);
        gm_dirty_destroy(dirty);
    }
}

static void grows_and_keeps_what_is_marked(void **state)
{
    struct gm_dirty *dirty = make_of(64, 300, GM_DIRTY_ON);
    (void)state;
    assert_result(gm_dirty_mark(dirty, 63 * PAGE, 2 * PAGE), -ERANGE);
    assert_result(gm_dirty_extend(dirty, 63 * PAGE), -EINVAL);
    assert_result(gm_dirty_extend(dirty, 0), -EINVAL);
    assert_result(gm_dirty_extend(dirty, 300 * PAGE + 1), -ERANGE);
    assert_result(gm_dirty_mark(dirty, 64 * PAGE, 1), -ERANGE);
    assert_result(gm_dirty_extend(dirty, 128 * PAGE), 0);
    assert_marked(dirty, 128, 63, 63);
    assert_result(gm_dirty_is_marked(dirty, 128 * PAGE), -ERANGE);
    assert_result(gm_dirty_mark(dirty, 65 * PAGE, 63 * PAGE), 0);
    assert_result(gm_dirty_mark(dirty, 64 * PAGE, PAGE), 0);
    assert_marked(dirty, 128, 63, 127);
    assert_result(gm_dirty_extend(dirty, 300 * PAGE), 0);
    assert_result(gm_dirty_mark(dirty, 299 * PAGE, PAGE), 0);
    assert_result(gm_dirty_clear(dirty, 0, 300 * PAGE), 0);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

static void growing_does_not_switch_on(void **state)
{
    struct gm_dirty *dirty = make_of(64, 300, 0);
    (void)state;
    assert_result(gm_dirty_extend(dirty, 100 * PAGE), 0);
    assert_result(gm_dirty_mark(dirty, 0, 1), 0);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

static void next_goes_from_mark_to_mark(void **state)
{
    static const uint64_t pages[] = {0, 1, 63, 64, 4095, 4096, 262143, 262144, 500000, 16777215, 16777216, 39999999};
    struct gm_dirty *dirty = make(40000000);
    uint64_t at = 0;
    (void)state;
    assert_result(gm_dirty_next(dirty, 0, &at), -ENOENT);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++)
        assert_result(gm_dirty_mark(dirty, pages[i] * PAGE + 5, 1), 0);
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        assert_result(gm_dirty_next(dirty, at, &at), 0);
        assert_int_equal(at, pages[i] * PAGE);
        at += PAGE;
    }
    assert_result(gm_dirty_next(dirty, at, &at), -ENOENT);
    assert_result(gm_dirty_next(dirty, UINT64_MAX, &at), -ENOENT);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 12);
    assert_int_equal(gm_dirty_count(dirty, PAGE, 63 * PAGE), 2);
    assert_int_equal(gm_dirty_count(dirty, 4096 * PAGE, 258048 * PAGE), 2);
    assert_int_equal(gm_dirty_count(dirty, 0, 0), 0);
    gm_dirty_destroy(dirty);
}

static void page_sizes(void **state)
{
    (void)state;
    for (unsigned shift = 12; shift <= GM_DIRTY_PAGE_SHIFT_MOST; shift++) {
        const struct gm_dirty_config config = {
            .size = UINT64_C(100) << shift, .page_shift = shift, .numa_node = -1, .flags = GM_DIRTY_ON};
        struct gm_dirty *dirty;
        uint64_t at;
        assert_result(gm_dirty_create(&config, &dirty), 0);
        assert_result(gm_dirty_mark(dirty, (UINT64_C(70) << shift) - 1, 2), 0);
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 2);
        assert_result(gm_dirty_next(dirty, 0, &at), 0);
        assert_int_equal(at, UINT64_C(69) << shift);
        for (uint64_t page = 0; page < 64; page++) { /* anywhere in a page, be it larger than those of the machine */
            assert_result(gm_dirty_mark(dirty, (page << shift) + ((UINT64_C(1) << shift) - 8) / 64 * page, 8), 0);
            assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), page + 3);
            assert_result(gm_dirty_is_marked(dirty, page << shift), 1);
        }
        gm_dirty_destroy(dirty);
    }
}

static void the_largest(void **state)
{
    const struct gm_dirty_config config = {
        .size = UINT64_C(1) << 46, .size_most = UINT64_C(1) << 46, .numa_node = -1, .flags = GM_DIRTY_ON};
    const uint64_t last = (UINT64_C(1) << 46) - 1;
    struct gm_dirty *dirty;
    uint64_t at;
    (void)state;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    assert_result(gm_dirty_mark(dirty, last, 1), 0);
    assert_result(gm_dirty_mark(dirty, last, 2), -ERANGE);
    assert_result(gm_dirty_next(dirty, 0, &at), 0);
    assert_int_equal(at, last - PAGE + 1);
    gm_dirty_destroy(dirty);
}

static void refuses_nonsense(void **state)
{
    static const struct {
        struct gm_dirty_config config;
        int error;
    } wrong[] = {
        {{.size = 0, .numa_node = -1}, -EINVAL},
        {{.size = 8192, .size_most = 4096, .numa_node = -1}, -EINVAL},
        {{.size = 8192, .page_shift = 11, .numa_node = -1}, -EINVAL},
        {{.size = 8192, .page_shift = 31, .numa_node = -1}, -EINVAL},
        {{.size = 8192, .numa_node = -2}, -EINVAL},
        {{.size = 8192, .numa_node = 64}, -EINVAL},
        {{.size = 8192, .numa_node = -1, .flags = 4}, -EINVAL},
        {{.size = (UINT64_C(1) << 52) + 1, .numa_node = -1}, -ERANGE},
        {{.size = 1, .size_most = UINT64_MAX, .numa_node = -1}, -ERANGE},
    };
    struct gm_dirty *const before = (struct gm_dirty *)state;
    struct gm_dirty *dirty = before;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_result(gm_dirty_create(&wrong[i].config, &dirty), wrong[i].error);
        assert_int_equal(gm_dirty_bytes(&wrong[i].config), 0);
        assert_ptr_equal(dirty, before);
    }
    assert_result(gm_dirty_create(NULL, &dirty), -EINVAL);
    assert_result(gm_dirty_create(&wrong[1].config, NULL), -EINVAL);
    assert_result(gm_dirty_enable(NULL), -EINVAL);
    assert_result(gm_dirty_disable(NULL), -EINVAL);
    assert_result(gm_dirty_extend(NULL, 1), -EINVAL);
    assert_result(gm_dirty_is_marked(NULL, 0), -EINVAL);
    gm_dirty_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rounds_out_to_pages),
        cmocka_unit_test(one_page_for_any_part_of_it),
        cmocka_unit_test(ranges_at_every_alignment),
        cmocka_unit_test(length_zero_marks_nothing),
        cmocka_unit_test(out_of_range_is_told_and_the_rest_is_marked),
        cmocka_unit_test(off_marks_nothing),
        cmocka_unit_test(grows_and_keeps_what_is_marked),
        cmocka_unit_test(growing_does_not_switch_on),
        cmocka_unit_test(next_goes_from_mark_to_mark),
        cmocka_unit_test(page_sizes),
        cmocka_unit_test(the_largest),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
