/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Logs that are emptied into a bitmap: what is marked, and what is left, at any alignment, offset and page size. */
#include "lib/dirty_count.h"

#include <guestmem/guestmem.h>

#include "lib/rand.h"

#define PAGE UINT64_C(4096)
#define BYTES_MOST 1024 /* several times what is passed over together */

static struct gm_dirty *make(uint64_t pages, uint64_t pages_most, unsigned shift, unsigned flags)
{
    const struct gm_dirty_config config = {.size = pages << shift,
                                           .size_most = pages_most << shift,
                                           .page_shift = shift,
                                           .numa_node = -1,
                                           .flags = GM_DIRTY_ON | flags};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

/* Thin, thick, full and everything between, in stretches, so that words and bytes of each kind lie side by side. */
static void fill(unsigned char *log, size_t bytes, uint64_t *random)
{
    for (size_t i = 0, end; i < bytes; i = end) {
        uint64_t kind = gmt_rand_below(random, 5);
        end = i + 1 + gmt_rand_below(random, 200);
        for (size_t at = i; at < end && at < bytes; at++) {
            unsigned char some = (unsigned char)gmt_rand(random);
            log[at] = kind == 0 ? 0xff : kind == 1 ? some : kind == 2 && some < 8 ? 1 : 0;
        }
    }
}

static int bit_of(const unsigned char *log, uint64_t bit)
{
    return log[bit / 8] >> bit % 8 & 1;
}

/* A log that ends with its memory, so that a sanitizer sees a byte too many; and what there was before. */
struct drawn {
    unsigned char *memory, *was;
    size_t bytes;
    unsigned shift; /* of the bitmap */
    uint64_t pages;
    struct gm_dirty_log log;
};

static void draw(struct drawn *drawn, uint64_t *random)
{
    size_t aside = gmt_rand_below(random, 80);
    uint64_t most = 1 + gmt_rand_below(random, gmt_rand_below(random, 2) != 0 ? BYTES_MOST * 8 : 200);
    uint64_t first = gmt_rand_below(random, most), count = gmt_rand_below(random, most - first + 1);
    drawn->bytes = aside + (size_t)((first + count + 7) / 8);
    drawn->memory = malloc(drawn->bytes != 0 ? drawn->bytes : 1);
    drawn->was = malloc(drawn->bytes != 0 ? drawn->bytes : 1);
    assert_non_null(drawn->memory);
    assert_non_null(drawn->was);
    fill(drawn->memory, drawn->bytes, random);
    memcpy(drawn->was, drawn->memory, drawn->bytes);
    drawn->shift = 12 + (unsigned)gmt_rand_below(random, 3);
    drawn->pages = 1 + gmt_rand_below(random, 1 + most * 3 / 2);
    drawn->log = (struct gm_dirty_log){.bits = drawn->memory + aside, .first = first, .count = count,
                                       .page_shift = 12 + (unsigned)gmt_rand_below(random, 3),
                                       .to = gmt_rand_below(random, 300) << 12};
}

/* What the call has to do, bit by bit: want gets the pages, was what is left. Returns what it answers. */
static int expect(const struct drawn *drawn, char *want)
{
    const struct gm_dirty_log *log = &drawn->log;
    unsigned char *bits = drawn->was + ((const unsigned char *)log->bits - drawn->memory);
    uint64_t size = drawn->pages << drawn->shift;
    int result = 0;
    for (uint64_t i = 0; i < log->count; i++) {
        uint64_t from = log->to + (i << log->page_shift), end = from + (UINT64_C(1) << log->page_shift);
        uint64_t bit = log->first + i;
        if (!bit_of(bits, bit))
            continue;
        for (uint64_t at = from; at < end && at < size; at += PAGE)
            want[at >> drawn->shift] = 1;
        if (end > size)
            result = -ERANGE;
        else
            bits[bit / 8] &= (unsigned char)~(1u << bit % 8);
    }
    return result;
}

static void at_any_offset(void **state)
{
    uint64_t random = 21, left = 0;
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        struct drawn drawn;
        draw(&drawn, &random);
        struct gm_dirty *dirty = make(drawn.pages, drawn.pages, drawn.shift, round % 3 == 0 ? GM_DIRTY_LOCKED : 0);
        char *want = calloc(drawn.pages, 1);
        assert_non_null(want);
        int result = expect(&drawn, want);
        left += result != 0;
        if (round % 2 == 0)
            assert_result(gm_dirty_disable(dirty), 0);
        for (unsigned again = 0; again < 2; again++) { /* what was left is left again */
            assert_result(gm_dirty_drain(dirty, &drawn.log), result);
            assert_memory_equal(drawn.memory, drawn.was, drawn.bytes);
            for (uint64_t page = 0; page < drawn.pages; page++)
                assert_int_equal(gm_dirty_is_marked(dirty, page << drawn.shift), want[page]);
        }
        gm_dirty_destroy(dirty);
        free(want);
        free(drawn.memory);
        free(drawn.was);
    }
    assert_true(left > 400);
    assert_true(left < 3600);
}

/* And a mark by a drain shows in the summary: a harvest finds it, and after that it is clean. */
static void what_was_left_is_moved_after_growth(void **state)
{
    struct gm_dirty *dirty = make(100, 1000, 12, 0);
    uint64_t words[16] = {[1] = UINT64_MAX, [9] = 5};
    const struct gm_dirty_log log = {.bits = words, .count = 1000};
    (void)state;
    assert_result(gm_dirty_drain(dirty, &log), -ERANGE);
    assert_int_equal(harvest_pages(dirty), 36);
    assert_true(words[1] == UINT64_MAX << 36);
    assert_int_equal(words[9], 5);
    assert_result(gm_dirty_extend(dirty, 577 * PAGE), 0);
    assert_result(gm_dirty_drain(dirty, &log), -ERANGE);
    assert_int_equal(harvest_pages(dirty), 29);
    assert_int_equal(words[9], 4);
    assert_result(gm_dirty_extend(dirty, 1000 * PAGE), 0);
    assert_result(gm_dirty_drain(dirty, &log), 0);
    assert_int_equal(harvest_pages(dirty), 1);
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(words[i], 0);
    assert_result(gm_dirty_drain(dirty, &log), 0);
    assert_int_equal(harvest_pages(dirty), 0);
    gm_dirty_destroy(dirty);
}

/* Log pages of 16 KiB over a size of 10 pages: the third one is there in part. */
static void what_is_there_in_part_is_marked_and_left(void **state)
{
    struct gm_dirty *dirty = make(10, 12, 12, 0);
    unsigned char bits = 4;
    const struct gm_dirty_log log = {.bits = &bits, .count = 8, .page_shift = 14};
    (void)state;
    assert_result(gm_dirty_drain(dirty, &log), -ERANGE);
    assert_int_equal(bits, 4);
    assert_int_equal(gm_dirty_is_marked(dirty, 7 * PAGE), 0);
    assert_int_equal(harvest_pages(dirty), 2);
    assert_result(gm_dirty_extend(dirty, 12 * PAGE), 0);
    assert_result(gm_dirty_drain(dirty, &log), 0);
    assert_int_equal(bits, 0);
    assert_int_equal(harvest_pages(dirty), 4);
    gm_dirty_destroy(dirty);
}

static void at_the_top_of_all_addresses(void **state)
{
    struct gm_dirty *dirty = make(200, 200, 12, 0);
    uint64_t bits[2] = {1, 1};
    struct gm_dirty_log log = {.bits = bits, .count = 128, .to = UINT64_MAX - PAGE + 1};
    (void)state;
    for (log.page_shift = 12; log.page_shift <= GM_DIRTY_PAGE_SHIFT_MOST; log.page_shift++)
        assert_result(gm_dirty_drain(dirty, &log), -ERANGE);
    assert_int_equal(bits[0], 1);
    assert_int_equal(bits[1], 1);
    bits[0] = bits[1] = 0;
    log.page_shift = 12;
    assert_result(gm_dirty_drain(dirty, &log), 0); /* what is clean may stand for anything */
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

static void refuses_nonsense(void **state)
{
    struct gm_dirty *dirty = make(10, 10, 12, 0);
    uint64_t word = UINT64_MAX;
    const struct gm_dirty_log good = {.bits = &word, .count = 8};
    struct gm_dirty_log log = good;
    (void)state;
    assert_result(gm_dirty_drain(NULL, &log), -EINVAL);
    assert_result(gm_dirty_drain(dirty, NULL), -EINVAL);
    log.page_shift = 11;
    assert_result(gm_dirty_drain(dirty, &log), -EINVAL);
    log.page_shift = GM_DIRTY_PAGE_SHIFT_MOST + 1;
    assert_result(gm_dirty_drain(dirty, &log), -EINVAL);
    log = (struct gm_dirty_log){.bits = &word, .first = 8, .count = UINT64_MAX - 7};
    assert_result(gm_dirty_drain(dirty, &log), -EINVAL);
    log = (struct gm_dirty_log){.count = 1};
    assert_result(gm_dirty_drain(dirty, &log), -EINVAL);
    log = good;
    log.count = 0;
    assert_result(gm_dirty_drain(dirty, &log), 0);
    assert_true(word == UINT64_MAX);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_any_offset),
        cmocka_unit_test(what_was_left_is_moved_after_growth),
        cmocka_unit_test(what_is_there_in_part_is_marked_and_left),
        cmocka_unit_test(at_the_top_of_all_addresses),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
