/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What harvests hand out: ranges, gaps, windows, slices, words; and what was refused. */
#include "lib/cm.h"

#include <stdbool.h>

#include "lib/dirty_got.h"

static void takes_all_and_leaves_nothing(void **state)
{
    struct gm_dirty *dirty = make(1000000, 0);
    struct got got;
    (void)state;
    assert_int_equal(harvest(dirty, &all, &got), UINT64_MAX);
    assert_int_equal(got.count, 0);
    mark(dirty, 0, 1);
    mark(dirty, 62, 4);
    mark(dirty, 128, 64);
    mark(dirty, 192, 8192);
    mark(dirty, 300000, 3);
    mark(dirty, 999999, 1);
    assert_int_equal(harvest(dirty, &all, &got), UINT64_MAX);
    ASSERT_RANGES(&got, {0, 1}, {62, 4}, {128, 8256}, {300000, 3}, {999999, 1});
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    assert_int_equal(harvest(dirty, &all, &got), UINT64_MAX);
    assert_int_equal(got.count, 0);
    mark(dirty, 62, 1); /* and begins anew */
    assert_int_equal(harvest(dirty, &all, &got), UINT64_MAX);
    ASSERT_RANGES(&got, {62, 1});
    gm_dirty_destroy(dirty);
}

static void gaps_are_bridged_up_to_the_limit(void **state)
{
    struct gm_dirty *dirty = make(1000, 0);
    struct gm_dirty_request request = {.len = UINT64_MAX, .gap = 2 * PAGE};
    struct got got;
    (void)state;
    mark(dirty, 1, 1);
    mark(dirty, 4, 1);
    mark(dirty, 8, 1);
    mark(dirty, 62, 1);
    mark(dirty, 65, 1);
    harvest(dirty, &request, &got);
    ASSERT_RANGES(&got, {1, 4}, {8, 1}, {62, 4});
    mark(dirty, 1, 1);
    mark(dirty, 4, 1);
    request.gap = 2 * PAGE - 1;
    harvest(dirty, &request, &got);
    ASSERT_RANGES(&got, {1, 1}, {4, 1});
    mark(dirty, 0, 1);
    mark(dirty, 999, 1);
    request.gap = UINT64_MAX;
    harvest(dirty, &request, &got);
    ASSERT_RANGES(&got, {0, 1000});
    gm_dirty_destroy(dirty);
}

/* Each window takes its pages and no others, whatever words, groups and summaries it cuts. */
static void windows_cut_anywhere(void **state)
{
    static const uint64_t edges[] = {0, 1, 63, 64, 65, 4095, 4096, 4097, 262143, 262144, 262145, 299999, 300000};
    const size_t count = sizeof(edges) / sizeof(edges[0]);
    struct gm_dirty *dirty = make(300000, 0);
    struct got got;
    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            const struct gm_dirty_request window = {.first = edges[i] * PAGE + 77,
                                                    .len = (edges[j] - edges[i]) * PAGE - 77};
            mark(dirty, 0, 300000);
            assert_int_equal(harvest(dirty, &window, &got), UINT64_MAX);
            ASSERT_RANGES(&got, {edges[i], edges[j] - edges[i]});
            assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 300000 - (edges[j] - edges[i]));
            harvest(dirty, &all, &got); /* the rest is there, and is found */
            assert_int_equal(got.count, (edges[i] > 0) + (edges[j] < 300000));
            assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
        }
    }
    gm_dirty_destroy(dirty);
}

static void windows_of_nothing(void **state)
{
    struct gm_dirty *dirty = make(100, 0);
    const struct gm_dirty_request empty = {.first = 5 * PAGE}, beyond = {.first = 100 * PAGE, .len = UINT64_MAX},
                                  past = {.first = 99 * PAGE, .len = 5 * PAGE};
    struct got got;
    (void)state;
    mark(dirty, 0, 100);
    assert_int_equal(harvest(dirty, &empty, &got), UINT64_MAX);
    assert_int_equal(got.count, 0);
    assert_int_equal(harvest(dirty, &beyond, &got), UINT64_MAX);
    assert_int_equal(got.count, 0);
    assert_int_equal(harvest(dirty, &past, &got), UINT64_MAX);
    ASSERT_RANGES(&got, {99, 1});
    gm_dirty_destroy(dirty);
}

/* Slices: none takes much more than its budget, and together they have every page once. */
static void slices_go_on_where_the_last_one_ended(void **state)
{
    struct gm_dirty *dirty = make(600000, 0);
    (void)state;
    for (uint64_t budget = 1; budget <= 30000; budget = budget * 3 + 1) {
        struct gm_dirty_request request = {.len = UINT64_MAX, .budget = budget};
        uint64_t taken = 0, end = 0;
        struct got got;
        mark(dirty, 10, 200);
        mark(dirty, 4000, 9000);
        mark(dirty, 262100, 100);
        mark(dirty, 599990, 10);
        while (request.first != UINT64_MAX) {
            uint64_t slice = 0, left = gm_dirty_count(dirty, 0, UINT64_MAX), next = harvest(dirty, &request, &got);
            for (size_t i = 0; i < got.count; i++) {
                assert_true(got.range[i].first >= end);
                end = got.range[i].first + got.range[i].len;
                slice += got.range[i].len;
            }
            assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), left - slice);
            assert_true(slice < budget + 64 && (slice >= budget || next == UINT64_MAX));
            taken += slice;
            request.first = next;
        }
        assert_int_equal(taken, 200 + 9000 + 100 + 10);
    }
    gm_dirty_destroy(dirty);
}

static void what_is_refused_stays_dirty(void **state)
{
    struct gm_dirty *dirty = make(400000, 0);
    (void)state;
    for (size_t room = 0; room < 300; room++) {
        struct got got = {.room = room}, rest;
        uint64_t next = 1;
        for (uint64_t i = 0; i < 300; i++)
            mark(dirty, i * 1000, 1 + i % 3);
        assert_result(gm_dirty_harvest(dirty, &all, take, &got, &next), -ECANCELED);
        assert_int_equal(next, 1);
        assert_int_equal(got.count, room);
        harvest(dirty, &all, &rest);
        assert_int_equal(rest.count, 300 - room);
        for (uint64_t i = room; i < 300; i++) {
            assert_int_equal(rest.range[i - room].first, i * 1000);
            assert_int_equal(rest.range[i - room].len, 1 + i % 3);
        }
    }
    gm_dirty_destroy(dirty);
}

/* More words than a harvest holds at a time. */
static size_t add_up(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    uint64_t *sum = arg;
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(ranges[i].len, PAGE);
        assert_int_equal(ranges[i].first, sum[0]++ * 64 * PAGE);
    }
    return count;
}

static void more_than_one_piece(void **state)
{
    struct gm_dirty *dirty = make(UINT64_C(64) * 50000, 0);
    struct gm_dirty_stats stats;
    uint64_t sum = 0, next;
    (void)state;
    for (uint64_t i = 0; i < 50000; i++)
        mark(dirty, i * 64, 1);
    assert_result(gm_dirty_harvest(dirty, &all, add_up, &sum, &next), 0);
    assert_int_equal(sum, 50000);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, stats.is_locked ? 0 : 4);
    assert_int_equal(stats.harvests, 1);
    gm_dirty_destroy(dirty);
}

struct tally {
    uint64_t ranges, pages, end; /* pages: where the last one ends */
};

static size_t count_ranges(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct tally *tally = arg;
    for (size_t i = 0; i < count; i++) {
        assert_true(tally->ranges == 0 || ranges[i].first > tally->end);
        tally->ranges++;
        tally->pages += ranges[i].len / PAGE;
        tally->end = ranges[i].first + ranges[i].len;
    }
    return count;
}

/* Each word begins and ends with a page that is dirty, so wherever a piece ends, it does within a range. */
static void ranges_span_pieces(void **state)
{
    const uint64_t words = 2000;
    struct gm_dirty *dirty = make(words * 64, 0);
    struct gm_dirty_stats stats;
    struct tally tally = {0};
    uint64_t next = 0;
    (void)state;
    for (uint64_t page = 0; page < words * 64; page++) {
        if (page % 2 == 0 || page % 64 == 63)
            mark(dirty, page, 1);
    }
    assert_result(gm_dirty_harvest(dirty, &all, count_ranges, &tally, &next), 0);
    assert_true(tally.pages == words * 33 && tally.ranges == words * 32 - (words - 1));
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_true(stats.barriers > 1 || stats.is_locked); /* there were several pieces */
    gm_dirty_destroy(dirty);
}

static void clean_costs_no_barrier(void **state)
{
    struct gm_dirty *dirty = make(1000, 0);
    struct gm_dirty_stats stats;
    struct got got;
    (void)state;
    harvest(dirty, &all, &got);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, 0);
    mark(dirty, 1, 1);
    harvest(dirty, &all, &got);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, !stats.is_locked);
    struct gm_dirty_request by_other = all; /* what another harvest has taken for it needs none either */
    assert_result(gm_dirty_consumer_create(dirty, &by_other.consumer), 0);
    mark(dirty, 1, 1);
    harvest(dirty, &all, &got);
    harvest(dirty, &by_other, &got);
    ASSERT_RANGES(&got, {1, 1});
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, stats.is_locked ? 0 : 2);
    gm_dirty_destroy(dirty);
}

static void words_begin_at_the_window(void **state)
{
    struct gm_dirty *dirty = make(5000, 0);
    (void)state;
    for (uint64_t base = 0; base < 200; base++) {
        const struct gm_dirty_request window = {.first = base * PAGE, .len = 300 * PAGE};
        static const uint64_t marks[] = {0, 1, 31, 63, 64, 65, 200, 255, 256, 299};
        uint64_t words[6] = {0}, want[6] = {0}, next = 1;
        words[5] = want[5] = 12345;
        words[2] = want[2] = 1; /* what is there stays */
        mark(dirty, base + 300, 1);
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
            mark(dirty, base + marks[i], 1);
            want[marks[i] / 64] |= UINT64_C(1) << marks[i] % 64;
        }
        assert_result(gm_dirty_harvest_words(dirty, &window, words, 4, &next), -ENOBUFS);
        assert_int_equal(next, 1);
        assert_result(gm_dirty_harvest_words(dirty, &window, words, 5, &next), 0);
        assert_int_equal(next, UINT64_MAX);
        assert_memory_equal(words, want, sizeof(words));
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 1);
        assert_result(gm_dirty_clear(dirty, 0, 5000 * PAGE), 0);
    }
    gm_dirty_destroy(dirty);
}

/* Wherever a window begins, and whatever the budget: slice after slice goes into the same words. */
static void words_in_slices(void **state)
{
    struct gm_dirty *dirty = make(5000, 0);
    struct gm_dirty_consumer *consumer = NULL;
    (void)state;
    for (uint64_t base = 0; base < 130; base++) {
        uint64_t words[12] = {0}, want[12] = {0}, slices = 0, next = 0;
        struct gm_dirty_request window = {.first = base * PAGE, .budget = 1 + base % 50, .consumer = consumer};
        for (uint64_t i = 0; i < 700; i += 1 + i % 5 + i / 90 * 9) {
            mark(dirty, base + i, 1);
            want[i / 64] |= UINT64_C(1) << i % 64;
        }
        for (uint64_t done = 0; next != UINT64_MAX; window.first = next, slices++) {
            window.len = (base + 700) * PAGE - window.first;
            assert_result(gm_dirty_harvest_words(dirty, &window, words + done, 11 - done, &next), 0);
            if (next == UINT64_MAX)
                break;
            assert_int_equal((next / PAGE - base) % 64, 0);
            done = (next / PAGE - base) / 64;
            assert_true(next > window.first && done < 11);
            assert_memory_equal(words, want, done * sizeof(*words)); /* and of the rest nothing */
            for (uint64_t i = done; i < 12; i++)
                assert_int_equal(words[i], 0);
        }
        assert_true(slices >= 1);
        assert_memory_equal(words, want, sizeof(words));
        assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
        if (base == 65) /* then with words of its own */
            assert_result(gm_dirty_consumer_create(dirty, &consumer), 0);
    }
    gm_dirty_destroy(dirty);
}

static void put_back_is_found_again(void **state)
{
    struct gm_dirty *dirty = make(1000, 0);
    struct got got;
    (void)state;
    mark(dirty, 10, 10);
    harvest(dirty, &all, &got);
    assert_result(gm_dirty_disable(dirty), 0);
    assert_result(gm_dirty_put_back(dirty, NULL, 12 * PAGE + 9, PAGE), 0);
    assert_result(gm_dirty_put_back(dirty, NULL, 999 * PAGE, 2 * PAGE), -ERANGE);
    assert_result(gm_dirty_put_back(dirty, NULL, 0, 0), 0);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {12, 2}, {999, 1});
    gm_dirty_destroy(dirty);
}

static void clear_takes_whole_pages_only(void **state)
{
    struct gm_dirty *dirty = make(1000, 0);
    struct got got;
    (void)state;
    mark(dirty, 0, 1000);
    assert_result(gm_dirty_clear(dirty, 10 * PAGE + 1, 100 * PAGE), 0); /* 11..109 */
    assert_result(gm_dirty_clear(dirty, 200 * PAGE, PAGE), 0);
    assert_result(gm_dirty_clear(dirty, 300 * PAGE + 1, PAGE - 1), 0);
    assert_result(gm_dirty_clear(dirty, 400 * PAGE, 0), 0);
    assert_result(gm_dirty_clear(dirty, 990 * PAGE, 11 * PAGE), -ERANGE);
    assert_result(gm_dirty_clear(dirty, 1000 * PAGE + 1, 5), -ERANGE);
    harvest(dirty, &all, &got);
    ASSERT_RANGES(&got, {0, 11}, {110, 90}, {201, 789});
    gm_dirty_destroy(dirty);
}

/* Who copies everything after that copies the writes that the dropped marks belong to. */
static void clear_has_the_barrier(void **state)
{
    struct gm_dirty *dirty = make(1000, 0);
    struct gm_dirty_stats stats;
    (void)state;
    assert_result(gm_dirty_clear(dirty, 0, 1000 * PAGE), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, 0); /* nothing was dropped */
    mark(dirty, 7, 1);
    assert_result(gm_dirty_clear(dirty, 0, 1000 * PAGE), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, !stats.is_locked);
    assert_result(gm_dirty_clear(dirty, 0, 1000 * PAGE), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_int_equal(stats.barriers, !stats.is_locked);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_all_and_leaves_nothing),
        cmocka_unit_test(gaps_are_bridged_up_to_the_limit),
        cmocka_unit_test(windows_cut_anywhere),
        cmocka_unit_test(windows_of_nothing),
        cmocka_unit_test(slices_go_on_where_the_last_one_ended),
        cmocka_unit_test(what_is_refused_stays_dirty),
        cmocka_unit_test(more_than_one_piece),
        cmocka_unit_test(ranges_span_pieces),
        cmocka_unit_test(clean_costs_no_barrier),
        cmocka_unit_test(words_begin_at_the_window),
        cmocka_unit_test(words_in_slices),
        cmocka_unit_test(put_back_is_found_again),
        cmocka_unit_test(clear_takes_whole_pages_only),
        cmocka_unit_test(clear_has_the_barrier),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
