/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty torture: is a page ever lost? Two markers write to pages and mark them, each several times, while a harvester
 * takes and copies them as it can: all at once, in slices, in windows, as words, and by switching marks off and on and
 * copying everything. Each marker has a counter of its own in each page, and marks one field of pages after the other.
 * When it comes back to a field, and one whole pass of the harvester has begun and ended in between, it looks at every
 * copy first: one that is older than the last write is a page that was lost. Each look is a round.
 *   The first half of the time one of the markers is another process, and marks are locked; in the second half both
 * are threads, which store nothing where a page is dirty already.
 *
 *   usage: dirty_torture [seed [threads]]    threads: all the time with threads
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when a page was lost, something was wrong or nothing was done
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <guestmem/dirty_harvest.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SECONDS 10
#define PAGE UINT64_C(4096)
#define PAGES 384
#define BASE UINT64_C(3900) /* of the pages that are used: words, groups and summaries are shared and cut */
#define SIZE ((BASE + PAGES + 100) * PAGE)
#define WINDOW ((PAGES + 63) / 64)
#define MARKERS 2
#define REST_MOST 30000 /* turns of an empty loop */
#define FIELDS 2
#define FIELD (PAGES / FIELDS)
#define REPEATS 6 /* at most, of each page before it is looked at */

struct cell {
    uint64_t value[8]; /* one a marker; a line to itself, as a page is */
};

/* In memory that processes share. */
struct torture {
    struct cell page[PAGES], copy[PAGES];
    uint64_t passes; /* of the harvester, begun and ended */
    uint64_t stop, checked, lost, wrong;
};

struct marker {
    struct torture *torture;
    struct gm_dirty *dirty;
    uint64_t random;
    unsigned number;
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* One page, or several with one mark, of so many that are left. */
static uint64_t write_and_mark(struct marker *marker, uint64_t at, uint64_t left, uint64_t value)
{
    uint64_t count = gmt_rand_below(&marker->random, 16) == 0 ? 1 + gmt_rand_below(&marker->random, 150) : 1;
    if (count > left)
        count = left;
    for (uint64_t i = 0; i < count; i++)
        __atomic_store_n(&marker->torture->page[at + i].value[marker->number], value, __ATOMIC_RELAXED);
    if (gm_dirty_mark(marker->dirty, (BASE + at) * PAGE + 8, count * PAGE - 8) != 0)
        __atomic_fetch_add(&marker->torture->wrong, 1, __ATOMIC_RELAXED);
    return count;
}

/* Those pages that were marked before this pass, and not since, were copied as they are. */
static void look_at(const struct marker *marker, uint64_t at, uint64_t end, uint64_t value)
{
    struct torture *torture = marker->torture;
    for (uint64_t i = at; i < end; i++) {
        if (load(&torture->copy[i].value[marker->number]) != value)
            __atomic_fetch_add(&torture->lost, 1, __ATOMIC_RELAXED);
    }
    __atomic_fetch_add(&torture->checked, end - at, __ATOMIC_RELAXED);
}

/* Several times all pages of a field. Returns which pass it was when the harvester was told that this is done. */
static uint64_t mark_field(struct marker *marker, uint64_t first, uint64_t end, uint64_t *value)
{
    for (uint64_t i = gmt_rand_below(&marker->random, REPEATS) + 1; i != 0; i--) {
        ++*value;
        for (uint64_t at = first; at < end;)
            at += write_and_mark(marker, at, end - at, *value);
    }
    return __atomic_fetch_add(&marker->torture->passes, 0, __ATOMIC_SEQ_CST);
}

/*
 * Field after field: one that comes round too early is marked again and not looked at. Where that happens all the time,
 * the harvester has no processor.
 */
static void *mark(void *argument)
{
    struct marker *marker = argument;
    struct torture *torture = marker->torture;
    uint64_t since[FIELDS], value[FIELDS] = {0}, early = 0;
    for (uint64_t field = 0; load(&torture->stop) == 0; field = (field + 1) % FIELDS) {
        uint64_t first = field * FIELD, end = first + FIELD;
        if (value[field] != 0 && __atomic_load_n(&torture->passes, __ATOMIC_ACQUIRE) >= since[field] + 2)
            look_at(marker, first, end, value[field]);
        else if (++early % 64 == 0)
            sched_yield();
        since[field] = mark_field(marker, first, end, &value[field]);
    }
    return NULL;
}

static void copy_page(struct torture *torture, uint64_t at)
{
    for (unsigned i = 0; i < MARKERS; i++)
        __atomic_store_n(&torture->copy[at].value[i], load(&torture->page[at].value[i]), __ATOMIC_RELAXED);
}

static size_t copy_ranges(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct torture *torture = arg;
    for (size_t i = 0; i < count; i++) {
        for (uint64_t at = 0; at < ranges[i].len / PAGE; at++)
            copy_page(torture, ranges[i].first / PAGE - BASE + at);
    }
    return count;
}

static void harvest(struct torture *torture, struct gm_dirty *dirty, uint64_t first, uint64_t len, uint64_t budget)
{
    struct gm_dirty_request request = {.first = first, .len = len, .budget = budget};
    while (request.first != UINT64_MAX) {
        uint64_t from = request.first;
        if (gm_dirty_harvest(dirty, &request, copy_ranges, torture, &request.first) != 0)
            __atomic_fetch_add(&torture->wrong, 1, __ATOMIC_RELAXED);
        if (request.first != UINT64_MAX)
            request.len -= request.first - from;
    }
}

static void harvest_words(struct torture *torture, struct gm_dirty *dirty)
{
    const struct gm_dirty_request request = {.first = BASE * PAGE, .len = PAGES * PAGE};
    uint64_t words[WINDOW] = {0}, next;
    if (gm_dirty_harvest_words(dirty, &request, words, WINDOW, &next) != 0)
        __atomic_fetch_add(&torture->wrong, 1, __ATOMIC_RELAXED);
    for (uint64_t at = 0; at < PAGES; at++) {
        if ((words[at / 64] >> at % 64 & 1) != 0)
            copy_page(torture, at);
    }
}

/* Marks that had no effect belong to writes that are seen when marks have an effect again. */
static void switch_off_and_on(struct torture *torture, struct gm_dirty *dirty)
{
    if (gm_dirty_disable(dirty) != 0 || gm_dirty_enable(dirty) != 0)
        __atomic_fetch_add(&torture->wrong, 1, __ATOMIC_RELAXED);
    for (uint64_t at = 0; at < PAGES; at++)
        copy_page(torture, at);
    harvest(torture, dirty, 0, SIZE, 0);
}

static void pass(struct torture *torture, struct gm_dirty *dirty, uint64_t *random)
{
    uint64_t cut = (BASE + gmt_rand_below(random, PAGES)) * PAGE;
    switch (gmt_rand_below(random, 8)) {
    case 0: harvest_words(torture, dirty); break;
    case 1: harvest(torture, dirty, 0, SIZE, 50); break;
    case 2:
        harvest(torture, dirty, cut, SIZE - cut, 0);
        harvest(torture, dirty, 0, cut, 0);
        break;
    case 3: switch_off_and_on(torture, dirty); break;
    default: harvest(torture, dirty, 0, SIZE, 0); break;
    }
}

static uint64_t now_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Markers come to nothing while they are interrupted by one barrier after the other. */
static void rest(uint64_t *random)
{
    if (gmt_rand_below(random, 2) == 0)
        return;
    for (uint64_t i = gmt_rand_below(random, REST_MOST); i != 0; i--)
        __asm__ volatile("" ::: "memory");
}

/* The harvester's part, until the time is over or a page was lost. Returns how long that was. */
static uint64_t take(struct torture *torture, struct gm_dirty *dirty, uint64_t *random, uint64_t ms)
{
    uint64_t begin = now_ms(), end = begin + ms;
    for (uint64_t i = 0; (i % 64 != 0 || now_ms() < end) && load(&torture->lost) == 0; i++) {
        pass(torture, dirty, random);
        __atomic_fetch_add(&torture->passes, 1, __ATOMIC_SEQ_CST);
        rest(random);
    }
    __atomic_store_n(&torture->stop, 1, __ATOMIC_RELAXED);
    return now_ms() - begin;
}

static int report(const char *what, const struct torture *torture, uint64_t ms)
{
    double seconds = (double)(ms + 1) / 1000;
    printf("%s: %" PRIu64 " passes, %" PRIu64 " rounds checked in %.0f s (10^9 take %.0f s), %" PRIu64
           " wrong answers, pages lost: %" PRIu64 "\n", what, torture->passes, torture->checked, seconds,
           1e9 * seconds / (double)(torture->checked + 1), torture->wrong, torture->lost);
    fflush(stdout);
    return torture->lost != 0 || torture->wrong != 0 || torture->checked == 0 || torture->passes < 2;
}

static void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("dirty_torture: mmap");
        exit(1);
    }
    return memory;
}

static const struct gm_dirty_config config = {.size = SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};

static int with_threads(uint64_t seed, uint64_t ms)
{
    struct torture *torture = shared(sizeof(*torture));
    struct marker markers[MARKERS];
    pthread_t threads[MARKERS];
    struct gm_dirty *dirty;
    uint64_t random = gmt_mix(seed);
    struct gm_dirty_stats stats;
    if (gm_dirty_create(&config, &dirty) != 0 || gm_dirty_stats_get(dirty, &stats) != 0)
        return 1;
    if (stats.is_locked || sysconf(_SC_NPROCESSORS_ONLN) < 2)
        printf("locked marks, or one processor: nothing can be late\n");
    for (unsigned i = 0; i < MARKERS; i++) {
        markers[i] = (struct marker){torture, dirty, random + i, i};
        if (pthread_create(&threads[i], NULL, mark, &markers[i]) != 0)
            exit(1);
    }
    ms = take(torture, dirty, &random, ms);
    for (unsigned i = 0; i < MARKERS; i++)
        pthread_join(threads[i], NULL);
    gm_dirty_destroy(dirty);
    return report("threads", torture, ms);
}

static int with_a_process(uint64_t seed, uint64_t ms)
{
    struct torture *torture = shared(sizeof(*torture));
    uint64_t bytes = gm_dirty_bytes(&config), random = gmt_mix(seed);
    void *memory = shared(bytes);
    struct marker mine = {.torture = torture, .random = random + 1}, other = {torture, NULL, random + 2, 1};
    pthread_t thread;
    int status = 0;
    if (gm_dirty_create_in(&config, memory, bytes, &mine.dirty) != 0)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        if (gm_dirty_attach(memory, bytes, &other.dirty) != 0)
            _exit(1);
        (void)mark(&other);
        gm_dirty_destroy(other.dirty);
        _exit(0);
    }
    if (child < 0 || pthread_create(&thread, NULL, mark, &mine) != 0)
        exit(1);
    ms = take(torture, mine.dirty, &random, ms);
    pthread_join(thread, NULL);
    if (waitpid(child, &status, 0) != child || status != 0)
        torture->wrong++;
    gm_dirty_destroy(mine.dirty);
    return report("a thread and a process", torture, ms);
}

int main(int argc, char **argv)
{
    uint64_t seconds = torture_seconds(DEFAULT_SECONDS), seed = setting(argc, argv, 1, NULL, 1);
    if (argc > 2 && strcmp(argv[2], "threads") == 0)
        return with_threads(seed, seconds * 1000);
    int failed = with_a_process(seed, seconds * 500); /* first: no thread is there to fork with */
    return with_threads(seed, seconds * 500) | failed;
}
