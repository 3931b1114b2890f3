/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Marks out of logs at any offset and of any page size, marks out of other bitmaps, and marks written out. */
#include "lib/cm.h"

#include <guestmem/guestmem.h>

#include "lib/rand.h"

#define PAGE UINT64_C(4096)

static struct gm_dirty *make(uint64_t pages, unsigned shift)
{
    const struct gm_dirty_config config = {
        .size = pages << shift, .page_shift = shift, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

static size_t ignore(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    (void)arg, (void)ranges;
    return count;
}

static void take_all(struct gm_dirty *dirty)
{
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    assert_result(gm_dirty_harvest(dirty, &all, ignore, NULL, &next), 0);
}

/* The bits lie at the end of their memory, so that a sanitizer sees a byte too many. */
static unsigned char *random_bits(uint64_t bits, uint64_t *random)
{
    size_t bytes = (size_t)((bits + 7) / 8);
    unsigned char *log = malloc(bytes != 0 ? bytes : 1);
    assert_non_null(log);
    gmt_rand_fill(random, log, bytes);
    for (size_t i = 0; i < bytes; i++)
        log[i] &= (unsigned char)gmt_rand(random);
    return log;
}

static int bit_of(const unsigned char *log, uint64_t bit)
{
    return log[bit / 8] >> bit % 8 & 1;
}

/* Any two page sizes, any first bit, any place: a page is dirty if a bit that touches it is set. */
static void logs_at_any_offset(void **state)
{
    uint64_t random = 7;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        unsigned shift = 12 + (unsigned)gmt_rand_below(&random, 3);
        unsigned log_shift = 12 + (unsigned)gmt_rand_below(&random, 3);
        uint64_t first = gmt_rand_below(&random, 140), count = gmt_rand_below(&random, 400);
        uint64_t to = gmt_rand_below(&random, 200) << 12, pages = 1 + gmt_rand_below(&random, 500);
        unsigned char *bits = random_bits(first + count, &random);
        struct gm_dirty *dirty = make(pages, shift);
        struct gm_dirty_log log = {.bits = bits, .first = first, .count = count, .page_shift = log_shift, .to = to};
        char *want = calloc(pages, 1);
        int beyond = 0;
        for (uint64_t i = 0; i < count; i++) {
            uint64_t from = to + (i << log_shift), last = from + (UINT64_C(1) << log_shift) - 1;
            for (uint64_t page = from >> shift; page <= last >> shift && bit_of(bits, first + i); page++)
                page < pages ? (void)(want[page] = 1) : (void)(beyond = 1);
        }
        if (round % 2 == 0)
            assert_result(gm_dirty_disable(dirty), 0);
        for (unsigned again = 0; again < 2; again++) {
            assert_result(gm_dirty_merge(dirty, &log), beyond ? -ERANGE : 0);
            for (uint64_t page = 0; page < pages; page++)
                assert_int_equal(gm_dirty_is_marked(dirty, page << shift), want[page]);
        }
        take_all(dirty); /* summaries are there */
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
        gm_dirty_destroy(dirty);
        free(want);
        free(bits);
    }
}

static void logs_at_the_top_of_all_addresses(void **state)
{
    struct gm_dirty *dirty = make(200, 12);
    uint64_t bits[2] = {UINT64_MAX, UINT64_MAX};
    struct gm_dirty_log log = {.bits = bits, .count = 64, .to = UINT64_MAX - PAGE + 1};
    (void)state;
    assert_result(gm_dirty_merge(dirty, &log), -ERANGE);
    log.page_shift = 13;
    assert_result(gm_dirty_merge(dirty, &log), -ERANGE);
    bits[0] = 2;
    assert_result(gm_dirty_merge(dirty, &log), -ERANGE);
    bits[0] = 0;
    log.count = 128;
    assert_result(gm_dirty_merge(dirty, &log), -ERANGE);
    bits[1] = 0;
    assert_result(gm_dirty_merge(dirty, &log), 0); /* what is clean may stand for anything */
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0); /* nothing wraps to the first pages */
    log.count = 0;
    assert_result(gm_dirty_merge(dirty, &log), 0);
    gm_dirty_destroy(dirty);
}

static void bitmaps_at_any_offset(void **state)
{
    uint64_t random = 9;
    (void)state;
    for (unsigned round = 0; round < 1000; round++) {
        uint64_t first = gmt_rand_below(&random, 300), len = gmt_rand_below(&random, 300) * PAGE;
        uint64_t to = gmt_rand_below(&random, 300);
        struct gm_dirty *from = make(400, 12), *dirty = make(500, 12);
        int beyond = 0;
        for (unsigned i = 0; i < 200; i++)
            assert_result(gm_dirty_mark(from, gmt_rand_below(&random, 400) * PAGE, 1), 0);
        for (uint64_t page = first; page < first + len / PAGE && page < 400; page++)
            beyond |= gm_dirty_is_marked(from, page * PAGE) && page - first + to >= 500;
        assert_result(gm_dirty_merge_from(dirty, from, first * PAGE, len, to * PAGE), beyond ? -ERANGE : 0);
        for (uint64_t page = 0; page < 500; page++) {
            uint64_t there = page - to + first;
            int want = page >= to && there < first + len / PAGE && there < 400;
            want = want && gm_dirty_is_marked(from, there * PAGE);
            assert_int_equal(gm_dirty_is_marked(dirty, page * PAGE), want);
        }
        gm_dirty_destroy(from);
        gm_dirty_destroy(dirty);
    }
}

static void written_out(void **state)
{
    uint64_t random = 11;
    (void)state;
    for (unsigned round = 0; round < 500; round++) {
        struct gm_dirty *dirty = make(9000, 12);
        uint64_t words[200] = {0}, runs[9000], page, run = 0;
        uint64_t first = gmt_rand_below(&random, 5000), count = 1 + gmt_rand_below(&random, 4000);
        size_t used = 1;
        for (unsigned i = 0; i < 40; i++)
            assert_result(gm_dirty_mark(dirty, gmt_rand_below(&random, 8800) * PAGE,
                                        (1 + gmt_rand_below(&random, 199)) * PAGE), 0);
        size_t need = (size_t)((count + 63) / 64);
        assert_result(gm_dirty_export(dirty, first * PAGE, count * PAGE, words, need - 1), -ENOBUFS);
        assert_result(gm_dirty_export(dirty, first * PAGE, count * PAGE, words, need), 0);
        assert_result(gm_dirty_export_runs(dirty, first * PAGE, count * PAGE, runs, 9000, &used), 0);
        assert_int_equal(used % 2, 0);
        for (page = 0; page < need * 64; page++) {
            int want = page < count && gm_dirty_is_marked(dirty, (first + page) * PAGE) == 1;
            assert_int_equal(words[page / 64] >> page % 64 & 1, want);
        }
        for (size_t i = 1; i < used; i++)
            assert_true(runs[i] != 0);
        for (page = 0; page < count; page++) { /* in which run it is, which says what it is */
            while (run < used && runs[run] == 0)
                run++;
            assert_int_equal(gm_dirty_is_marked(dirty, (first + page) * PAGE), run < used ? run % 2 : 0);
            if (run < used)
                runs[run]--;
        }
        if (used > 0)
            assert_result(gm_dirty_export_runs(dirty, first * PAGE, count * PAGE, runs, used - 1, &used), -ENOBUFS);
        gm_dirty_destroy(dirty);
    }
}

static void refuses_nonsense(void **state)
{
    struct gm_dirty *dirty = make(10, 12);
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    struct gm_dirty_log log = {.bits = &log, .count = 8};
    struct gm_dirty_consumer *consumer;
    uint64_t next, word = 0;
    size_t count;
    (void)state;
    assert_result(gm_dirty_harvest(NULL, &all, ignore, NULL, &next), -EINVAL);
    assert_result(gm_dirty_harvest(dirty, NULL, ignore, NULL, &next), -EINVAL);
    assert_result(gm_dirty_harvest(dirty, &all, NULL, NULL, &next), -EINVAL);
    assert_result(gm_dirty_harvest(dirty, &all, ignore, NULL, NULL), -EINVAL);
    assert_result(gm_dirty_harvest_words(dirty, &all, NULL, 1, &next), -EINVAL);
    assert_result(gm_dirty_harvest_words(dirty, &all, &word, 1, NULL), -EINVAL);
    assert_result(gm_dirty_consumer_create(NULL, &consumer), -EINVAL);
    assert_result(gm_dirty_consumer_create(dirty, NULL), -EINVAL);
    assert_result(gm_dirty_put_back(NULL, NULL, 0, 1), -EINVAL);
    assert_result(gm_dirty_clear(NULL, 0, 1), -EINVAL);
    assert_result(gm_dirty_merge(NULL, &log), -EINVAL);
    assert_result(gm_dirty_merge(dirty, NULL), -EINVAL);
    log.page_shift = 11;
    assert_result(gm_dirty_merge(dirty, &log), -EINVAL);
    log.page_shift = 31;
    assert_result(gm_dirty_merge(dirty, &log), -EINVAL);
    log = (struct gm_dirty_log){.bits = &log, .first = 8, .count = UINT64_MAX - 7};
    assert_result(gm_dirty_merge(dirty, &log), -EINVAL);
    log = (struct gm_dirty_log){.count = 1};
    assert_result(gm_dirty_merge(dirty, &log), -EINVAL);
    assert_result(gm_dirty_merge_from(dirty, dirty, 0, 1, 0), -EINVAL);
    assert_result(gm_dirty_merge_from(dirty, NULL, 0, 1, 0), -EINVAL);
    assert_result(gm_dirty_export(dirty, 0, 1, NULL, 1), -EINVAL);
    assert_result(gm_dirty_export_runs(dirty, 0, 1, &word, 1, NULL), -EINVAL);
    assert_result(gm_dirty_export_runs(dirty, 0, 1, NULL, 1, &count), -EINVAL);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logs_at_any_offset),
        cmocka_unit_test(logs_at_the_top_of_all_addresses),
        cmocka_unit_test(bitmaps_at_any_offset),
        cmocka_unit_test(written_out),
        cmocka_unit_test(refuses_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
