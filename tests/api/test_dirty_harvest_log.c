/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Harvests into logs: any alignment, offset and page size; and a page that is written, logged, drained and copied. */
#include "lib/dirty_count.h"

#include <pthread.h>
#include <stdbool.h>

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

/* Any bitmap, window and log; the log ends with its memory, so that a sanitizer sees a byte too many. */
struct drawn {
    struct gm_dirty *dirty;
    uint64_t pages;
    unsigned shift; /* of the bitmap's pages */
    struct gm_dirty_request request;
    struct gm_dirty_log log;
    unsigned char *memory, *want;
    size_t bytes, aside; /* in front of the log */
};

static void draw(struct drawn *drawn, uint64_t *random)
{
    const uint64_t first = gmt_rand_below(random, 700), bits = gmt_rand_below(random, 1500);
    *drawn = (struct drawn){.shift = 12 + (unsigned)gmt_rand_below(random, 3), .aside = gmt_rand_below(random, 9)};
    drawn->pages = 1 + gmt_rand_below(random, 1000);
    drawn->dirty = make(drawn->pages, drawn->shift);
    drawn->request = (struct gm_dirty_request){.first = gmt_rand_below(random, drawn->pages << drawn->shift),
                                               .len = gmt_rand_below(random, 500 * PAGE),
                                               .budget = gmt_rand_below(random, 2) * 100,
                                               .gap = gmt_rand_below(random, 10) * PAGE};
    drawn->bytes = drawn->aside + (size_t)(first + bits + 7) / 8;
    drawn->memory = calloc(1, drawn->bytes + 1);
    drawn->want = calloc(1, drawn->bytes + 1);
    assert_non_null(drawn->memory);
    assert_non_null(drawn->want);
    for (size_t i = 0; i < drawn->bytes; i++)
        drawn->memory[i] = drawn->want[i] = (unsigned char)(gmt_rand(random) & gmt_rand(random));
    drawn->log = (struct gm_dirty_log){.bits = drawn->memory + drawn->aside,
                                       .first = first,
                                       .count = bits,
                                       .page_shift = 12 + (unsigned)gmt_rand_below(random, 3),
                                       .to = gmt_rand_below(random, drawn->request.first + 1)};
    if (gmt_rand_below(random, 2) != 0)
        drawn->log.to = drawn->request.first & ~((UINT64_C(1) << drawn->shift) - 1);
}

static void clean_up(struct drawn *drawn)
{
    gm_dirty_destroy(drawn->dirty);
    free(drawn->memory);
    free(drawn->want);
}

static void mark_some(struct drawn *drawn, uint64_t *random)
{
    uint64_t marks = gmt_rand_below(random, 100);
    for (uint64_t i = 0; i < marks; i++)
        assert_result(gm_dirty_mark(drawn->dirty, gmt_rand_below(random, drawn->pages) << drawn->shift, 1), 0);
}

/* The window in whole pages of the bitmap, as what begins and ends it; false: it is empty. */
static bool window_of(const struct drawn *drawn, uint64_t *begin, uint64_t *end)
{
    uint64_t mask = (UINT64_C(1) << drawn->shift) - 1, size = drawn->pages << drawn->shift;
    *begin = drawn->request.first & ~mask;
    *end = (drawn->request.first + drawn->request.len + mask) & ~mask;
    *end = *end < size ? *end : size;
    return drawn->request.len != 0 && *begin < *end;
}

static bool log_covers(const struct gm_dirty_log *log, uint64_t begin, uint64_t end)
{
    return begin >= log->to && end - log->to <= log->count << log->page_shift;
}

/* Set the bits that a page touches. */
static void want_page(struct drawn *drawn, uint64_t first)
{
    unsigned char *bytes = drawn->want + drawn->aside;
    uint64_t last = first + (UINT64_C(1) << drawn->shift) - 1;
    for (uint64_t bit = (first - drawn->log.to) >> drawn->log.page_shift;
         bit <= (last - drawn->log.to) >> drawn->log.page_shift; bit++)
        bytes[(drawn->log.first + bit) / 8] |= (unsigned char)(1u << (drawn->log.first + bit) % 8);
}

/* Returns whether it was refused. */
static bool check_drawn(struct drawn *drawn)
{
    uint64_t begin = 0, end = 0, next = 1, before = gm_dirty_count(drawn->dirty, 0, UINT64_MAX);
    bool some = window_of(drawn, &begin, &end);
    int want = some && !log_covers(&drawn->log, begin, end) ? -ERANGE : 0;
    bool was[1000];
    for (uint64_t page = 0; page < drawn->pages; page++)
        was[page] = gm_dirty_is_marked(drawn->dirty, page << drawn->shift);
    assert_result(gm_dirty_harvest_log(drawn->dirty, &drawn->request, &drawn->log, &next), want);
    if (want != 0) {
        assert_int_equal(gm_dirty_count(drawn->dirty, 0, UINT64_MAX), before);
        assert_int_equal(next, 1);
    } else {
        end = next == UINT64_MAX ? end : next;
        for (uint64_t page = begin >> drawn->shift; some && page < end >> drawn->shift; page++) {
            assert_int_equal(gm_dirty_is_marked(drawn->dirty, page << drawn->shift), 0);
            if (was[page])
                want_page(drawn, page << drawn->shift);
            before -= was[page];
        }
        assert_int_equal(gm_dirty_count(drawn->dirty, 0, UINT64_MAX), before);
    }
    assert_memory_equal(drawn->memory, drawn->want, drawn->bytes + 1);
    return want != 0;
}

static void any_window_into_any_log(void **state)
{
    uint64_t random = 1, refused = 0;
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        struct drawn drawn;
        draw(&drawn, &random);
        mark_some(&drawn, &random);
        refused += check_drawn(&drawn);
        clean_up(&drawn);
    }
    assert_in_range(refused, 500, 3500);
}

static void refusals(void **state)
{
    struct gm_dirty *dirty = make(10, 12);
    unsigned char bits[2] = {0, 0};
    struct gm_dirty_log log = {.bits = bits, .count = 10};
    struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next = 1;
    (void)state;
    assert_result(gm_dirty_mark(dirty, 9 * PAGE, 1), 0);
    assert_result(gm_dirty_harvest_log(NULL, &all, &log, &next), -EINVAL);
    assert_result(gm_dirty_harvest_log(dirty, NULL, &log, &next), -EINVAL);
    assert_result(gm_dirty_harvest_log(dirty, &all, NULL, &next), -EINVAL);
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, NULL), -EINVAL);
    log.count = 9;
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, &next), -ERANGE);
    log = (struct gm_dirty_log){.bits = bits, .count = 10, .to = PAGE};
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, &next), -ERANGE);
    log = (struct gm_dirty_log){.bits = NULL, .count = 10};
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, &next), -EINVAL);
    log = (struct gm_dirty_log){.bits = bits, .count = 10, .page_shift = 11};
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, &next), -EINVAL);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 1);
    assert_int_equal(bits[0] | bits[1], 0);
    log.page_shift = 0;
    assert_result(gm_dirty_harvest_log(dirty, &all, &log, &next), 0);
    assert_int_equal(next, UINT64_MAX);
    assert_int_equal(bits[0], 0);
    assert_int_equal(bits[1], 2);
    gm_dirty_destroy(dirty);
}

#define RELAYED 60000u

struct relay {
    struct gm_dirty *front;
    unsigned char log[(RELAYED + 7) / 8 + 1] __attribute__((aligned(8)));
    uint64_t page[RELAYED], copy[RELAYED];
    unsigned running;
};

struct back {
    struct relay *relay;
    uint64_t side; /* 0 or 1: it writes even pages or odd ones */
};

/* Writes each page once, marks it, and logs what it has marked. Another one logs to the same words. */
static void *back_end(void *arg)
{
    const struct back *back = arg;
    struct relay *relay = back->relay;
    struct gm_dirty *dirty = make(RELAYED, 12);
    const struct gm_dirty_log log = {.bits = relay->log, .first = 3, .count = RELAYED};
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    int result = 0;
    for (uint64_t page = back->side; page < RELAYED && result == 0; page += 2) {
        __atomic_store_n(&relay->page[page], page + 1, __ATOMIC_RELAXED);
        result = gm_dirty_mark(dirty, page * PAGE, 8);
        if (result == 0 && page / 2 % 4 == 0)
            result = gm_dirty_harvest_log(dirty, &all, &log, &next);
    }
    if (result == 0)
        result = gm_dirty_harvest_log(dirty, &all, &log, &next);
    gm_dirty_destroy(dirty);
    (void)__atomic_fetch_sub(&relay->running, 1, __ATOMIC_ACQ_REL);
    return (void *)(intptr_t)result;
}

static size_t copy_pages(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct relay *relay = arg;
    for (size_t i = 0; i < count; i++)
        for (uint64_t page = ranges[i].first / PAGE; page < (ranges[i].first + ranges[i].len) / PAGE; page++)
            relay->copy[page] = __atomic_load_n(&relay->page[page], __ATOMIC_RELAXED);
    return count;
}

/* A front end: drains the log, harvests, copies. Once the others have stopped, one more time has to be enough. */
static void what_is_logged_is_copied(void **state)
{
    static struct relay relay;
    struct back backs[2] = {{&relay, 0}, {&relay, 1}};
    const struct gm_dirty_log log = {.bits = relay.log, .first = 3, .count = RELAYED};
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    pthread_t threads[2];
    uint64_t next;
    bool last;
    (void)state;
    relay = (struct relay){.front = make(RELAYED, 12), .log = {7}, .running = 2};
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, back_end, &backs[i]), 0);
    do {
        last = __atomic_load_n(&relay.running, __ATOMIC_ACQUIRE) == 0;
        assert_result(gm_dirty_drain(relay.front, &log), 0);
        assert_result(gm_dirty_harvest(relay.front, &all, copy_pages, &relay, &next), 0);
    } while (!last);
    for (unsigned i = 0; i < 2; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_result((int)(intptr_t)result, 0);
    }
    assert_memory_equal(relay.copy, relay.page, sizeof(relay.page));
    assert_int_equal(relay.log[0], 7); /* what is beside the log stays */
    gm_dirty_destroy(relay.front);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_window_into_any_log),
        cmocka_unit_test(refusals),
        cmocka_unit_test(what_is_logged_is_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
