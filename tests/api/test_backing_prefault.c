/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Prefault: the memory is there afterwards (mincore, pagemap, smaps), in huge pages where they were asked for, what was
 * written meanwhile stays, and it stops when it is told to.
 */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define MIB(n) ((uint64_t)(n) << 20)

static struct gm_backing *create(unsigned kind, uint64_t size, unsigned flags)
{
    const struct gm_backing_config config = {
        .kind = (enum gm_backing_kind)kind, .size = size, .flags = flags, .align = MIB(8)};
    struct gm_backing *backing;
    assert_result(gm_backing_create(&config, &backing), 0);
    return backing;
}

static void all_of_it_is_there(void **state)
{
    (void)state;
    for (unsigned threads = 0; threads <= 8; threads++) {
        for (unsigned kind = 0; kind < 2; kind++) {
            struct gm_backing *backing = create(kind, MIB(37), 0);
            const struct gm_prefault how = {.threads = threads};
            uint64_t done = 0;
            char *memory = gm_backing_address(backing);
            assert_int_equal(gmt_present(memory, MIB(37)), 0);
            assert_result(gm_backing_prefault(backing, 0, MIB(37), &how, &done), 0);
            assert_int_equal(done, MIB(37));
            assert_int_equal(gmt_present(memory, MIB(37)), MIB(37) / GMT_PAGE);
            if (kind == GM_BACKING_KIND_MEMFD)
                assert_int_equal(gmt_resident(memory, MIB(37)), MIB(37) / GMT_PAGE);
            for (uint64_t at = 0; at < MIB(37); at += 1009)
                assert_int_equal(memory[at], 0);
            gm_backing_put(backing);
        }
    }
}

static void nothing_else_is(void **state)
{
    static const struct {
        uint64_t offset, size;
    } ranges[] = {{0, PAGES(1)}, {PAGES(7), PAGES(1)}, {PAGES(1), PAGES(4095)}, {MIB(31), MIB(1)}, {PAGES(3), MIB(17)}};
    (void)state;
    for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
        struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, MIB(32), 0);
        const char *memory = gm_backing_address(backing);
        uint64_t done = 0, pages = ranges[i].size / GMT_PAGE;
        assert_result(gm_backing_prefault(backing, ranges[i].offset, ranges[i].size, NULL, &done), 0);
        assert_int_equal(done, ranges[i].size);
        assert_int_equal(gmt_resident(memory, MIB(32)), pages);
        assert_int_equal(gmt_present(memory + ranges[i].offset, ranges[i].size), pages);
        gm_backing_put(backing);
    }
}

/* As much in huge pages as one thread gets by touching, which some would get by small pages. */
static void huge_pages_are_kept(void **state)
{
    struct gmt_smaps touched, filled;
    (void)state;
    struct gm_backing *first = create(GM_BACKING_KIND_ANONYMOUS, MIB(64), GM_BACKING_THP);
    memset(gm_backing_address(first), 1, MIB(64));
    assert_true(gmt_smaps_of(gm_backing_address(first), &touched));
    gm_backing_put(first);
    if (touched.anon_huge == 0) {
        print_message("SKIPPED: this machine gives no transparent huge pages\n");
        skip();
    }
    for (unsigned threads = 1; threads <= 4; threads += 3) {
        const struct gm_prefault how = {.threads = threads};
        struct gm_backing *backing = create(GM_BACKING_KIND_ANONYMOUS, MIB(64), GM_BACKING_THP);
        assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, NULL), 0);
        assert_true(gmt_smaps_of(gm_backing_address(backing), &filled));
        assert_int_equal(filled.rss, MIB(64) / 1024);
        assert_true(filled.anon_huge >= touched.anon_huge / 2);
        gm_backing_put(backing);
    }
}

struct counter {
    volatile uint64_t *words;
    uint64_t count;
    atomic_bool end;
};

static void *count_up(void *argument)
{
    struct counter *counter = argument;
    while (!atomic_load(&counter->end))
        for (uint64_t i = 0; i < counter->count; i++)
            counter->words[i * GMT_PAGE / 8]++;
    return NULL;
}

/* A guest that runs already: no increment of its own may be lost. */
static void writers_are_not_disturbed(void **state)
{
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_ANONYMOUS, MIB(64), 0);
    struct counter counter = {.words = gm_backing_address(backing), .count = MIB(64) / GMT_PAGE};
    const struct gm_prefault how = {.threads = 2};
    pthread_t thread;
    atomic_init(&counter.end, false);
    assert_int_equal(pthread_create(&thread, NULL, count_up, &counter), 0);
    for (unsigned i = 0; i < 20; i++)
        assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, NULL), 0);
    atomic_store(&counter.end, true);
    pthread_join(thread, NULL);
    uint64_t rounds = counter.words[0];
    for (uint64_t i = 0; i < counter.count; i++)
        assert_true(counter.words[i * GMT_PAGE / 8] == rounds);
    gm_backing_put(backing);
}

struct reports {
    pthread_t caller;
    uint64_t calls, last, total, stop_at;
    bool backwards, elsewhere;
};

static int report(void *argument, uint64_t done, uint64_t total)
{
    struct reports *reports = argument;
    reports->calls++;
    reports->backwards |= done < reports->last;
    reports->elsewhere |= !pthread_equal(reports->caller, pthread_self());
    reports->last = done;
    reports->total = total;
    return done >= reports->stop_at;
}

static void progress(void **state)
{
    (void)state;
    for (unsigned threads = 1; threads <= 3; threads++) {
        struct gm_backing *backing = create(GM_BACKING_KIND_ANONYMOUS, MIB(64), 0);
        struct reports reports = {.caller = pthread_self(), .stop_at = UINT64_MAX};
        const struct gm_prefault how = {.threads = threads, .progress = report, .argument = &reports};
        assert_result(gm_backing_prefault(backing, MIB(1), MIB(60), &how, NULL), 0);
        assert_false(reports.backwards || reports.elsewhere);
        assert_int_equal(reports.last, MIB(60));
        assert_int_equal(reports.total, MIB(60));
        assert_true(reports.calls >= 1 && reports.calls <= 9);
        if (threads == 1)
            assert_int_equal(reports.calls, 9); /* eight pieces, the first one short, and the end */
        gm_backing_put(backing);
    }
}

static void progress_may_stop_it(void **state)
{
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, MIB(64), 0);
    struct reports reports = {.caller = pthread_self(), .stop_at = MIB(20)};
    const struct gm_prefault how = {.threads = 1, .progress = report, .argument = &reports};
    uint64_t done = 0;
    assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, &done), -ECANCELED);
    assert_true(done >= MIB(20) && done < MIB(40));
    assert_int_equal(reports.last, done);
    assert_int_equal(gmt_resident(gm_backing_address(backing), MIB(64)), done / GMT_PAGE);
    gm_backing_put(backing);
}

static _Atomic uint32_t cancel_word;

static int cancel_soon(void *argument, uint64_t done, uint64_t total)
{
    (void)total;
    if (done >= *(const uint64_t *)argument)
        atomic_store(&cancel_word, 1);
    return 0;
}

static void cancel(void **state)
{
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, MIB(64), 0);
    uint64_t done = 77, soon = MIB(16);
    struct gm_prefault how = {.threads = 2, .cancel = (const uint32_t *)&cancel_word};
    atomic_store(&cancel_word, 1);
    assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, &done), -ECANCELED);
    assert_int_equal(done, 0);
    assert_int_equal(gmt_resident(gm_backing_address(backing), MIB(64)), 0);
    atomic_store(&cancel_word, 0);
    how.progress = cancel_soon;
    how.argument = &soon;
    how.threads = 1;
    assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, &done), -ECANCELED);
    assert_int_equal(done, MIB(16));
    atomic_store(&cancel_word, 0);
    how.progress = NULL;
    assert_result(gm_backing_prefault(backing, 0, MIB(64), &how, &done), 0);
    assert_int_equal(done, MIB(64));
    gm_backing_put(backing);
}

static int dawdle(void *argument, uint64_t done, uint64_t total)
{
    const struct timespec pause = {.tv_nsec = 30000000};
    (void)argument;
    (void)done;
    (void)total;
    nanosleep(&pause, NULL);
    return 0;
}

static void timeout(void **state)
{
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, MIB(256), 0);
    struct gm_prefault how = {.threads = 1, .timeout_ms = 40, .progress = dawdle};
    uint64_t done = 0;
    assert_result(gm_backing_prefault(backing, 0, MIB(256), &how, &done), -ETIMEDOUT);
    assert_true(done >= MIB(8) && done < MIB(256));
    assert_int_equal(gmt_resident(gm_backing_address(backing), MIB(256)), done / GMT_PAGE);
    how = (struct gm_prefault){.threads = 2, .timeout_ms = 600000};
    assert_result(gm_backing_prefault(backing, 0, MIB(256), &how, &done), 0);
    assert_int_equal(done, MIB(256));
    gm_backing_put(backing);
}

static int at_the_end(void *argument, uint64_t done, uint64_t total)
{
    (void)argument;
    atomic_store(&cancel_word, done == total);
    return done == total;
}

/* All of it is there by the time: that is no failure, whatever was said. */
static void stopped_too_late(void **state)
{
    const struct gm_prefault cases[] = {
        {.threads = 1, .progress = at_the_end},
        {.threads = 1, .progress = at_the_end, .cancel = (const uint32_t *)&cancel_word},
        {.threads = 1, .progress = dawdle, .timeout_ms = 20},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, MIB(1), 0);
        uint64_t done = 0;
        atomic_store(&cancel_word, 0);
        assert_result(gm_backing_prefault(backing, 0, MIB(1), &cases[i], &done), 0);
        assert_int_equal(done, MIB(1));
        gm_backing_put(backing);
    }
    atomic_store(&cancel_word, 0);
}

static void refusals(void **state)
{
    static const struct {
        uint64_t offset, size;
        int want;
    } bad[] = {
        {0, 0, -EINVAL},        {1, GMT_PAGE, -EINVAL},      {0, GMT_PAGE - 1, -EINVAL},
        {0, PAGES(5), -ERANGE}, {PAGES(4), PAGES(1), -ERANGE}, {UINT64_MAX - 1, PAGES(1), -EOVERFLOW},
        {PAGES(1), UINT64_MAX, -EOVERFLOW},
    };
    struct gm_prefault how = {.threads = GM_PREFAULT_THREADS_MOST + 1};
    uint64_t done = 77;
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, PAGES(4), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_result(gm_backing_prefault(backing, bad[i].offset, bad[i].size, NULL, &done), bad[i].want);
    assert_result(gm_backing_prefault(NULL, 0, PAGES(1), NULL, &done), -EINVAL);
    assert_result(gm_backing_prefault(backing, 0, PAGES(1), &how, &done), -EINVAL);
    assert_int_equal(done, 77);
    assert_int_equal(gmt_resident(gm_backing_address(backing), PAGES(4)), 0);
    how.threads = GM_PREFAULT_THREADS_MOST;
    assert_result(gm_backing_prefault(backing, 0, PAGES(4), &how, &done), 0);
    gm_backing_put(backing);
}

/* The caller's memory as well, to its last byte; but what cannot be written is not touched. */
static void memory_of_the_caller(void **state)
{
    (void)state;
    struct gm_backing *backing;
    uint64_t done = 0;
    char *memory = mmap(NULL, MIB(9), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_result(gm_backing_wrap(memory, MIB(8) + 5, NULL, NULL, &backing), 0);
    int result = gm_backing_prefault(backing, PAGES(2), MIB(8) + 5 - PAGES(2), NULL, &done);
    if (result == -EOPNOTSUPP) {
        print_message("SKIPPED: no MADV_POPULATE_WRITE in this kernel\n");
        skip();
    }
    assert_result(result, 0);
    assert_int_equal(gmt_present(memory, MIB(9)), MIB(8) / GMT_PAGE + 1 - 2);
    assert_int_equal(mprotect(memory, MIB(9), PROT_READ), 0);
    assert_true(gm_backing_prefault(backing, 0, PAGES(1), NULL, &done) < 0);
    assert_int_equal(done, 0);
    gm_backing_put(backing);
    munmap(memory, MIB(9));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_it_is_there),   cmocka_unit_test(nothing_else_is),
        cmocka_unit_test(huge_pages_are_kept),  cmocka_unit_test(writers_are_not_disturbed),
        cmocka_unit_test(progress),             cmocka_unit_test(progress_may_stop_it),
        cmocka_unit_test(cancel),               cmocka_unit_test(timeout),
        cmocka_unit_test(stopped_too_late),     cmocka_unit_test(refusals),
        cmocka_unit_test(memory_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
