/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The rounds of dirty_oracle.h, and its rules. */
#define _GNU_SOURCE
#include "lib/dirty_oracle.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/atomic.h"
#include "lib/rand.h"

#define PAGE UINT64_C(4096)
#define PAGES GMT_ORACLE_PAGES
#define LEN GMT_ORACLE_LEN
#define BASE GMT_ORACLE_BASE
#define SLIDE (UINT64_C(700) * PAGE) /* where the second bitmap has the memory */
#define THREADS 3
#define ROUND 1500 /* writes of a thread */

struct writer {
    struct gmt_oracle *oracle;
    uint64_t random, writes, skip; /* skip: of so many writes one is not marked; 0: none */
    uint64_t wrong;
};

static void note(uint64_t *last, uint64_t number, uint64_t *sum, const struct gm_dirty_range *range)
{
    for (uint64_t page = range->first / PAGE; page < (range->first + range->len) / PAGE; page++)
        last[page] = number;
    *sum += range->len / PAGE;
}

static size_t note_marks(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct gmt_oracle *oracle = arg;
    for (size_t i = 0; i < count; i++) {
        const struct gm_dirty_range range = {ranges[i].first - BASE, ranges[i].len};
        note(oracle->mark_last, oracle->number, &oracle->marked, &range);
    }
    return count;
}

static void note_seen(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct gmt_oracle *oracle = arg;
    for (size_t i = 0; i < count; i++)
        note(oracle->seen_last, oracle->number, &oracle->reported, &ranges[i]);
}

static size_t note_seen_bitmap(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct gm_dirty_range range = {ranges[i].first - SLIDE, ranges[i].len};
        note_seen(arg, &range, 1);
    }
    return count;
}

/* In slices now and then. */
static void harvest_kernel(struct gmt_oracle *oracle, uint64_t budget)
{
    struct gm_watch_request request = {.len = UINT64_MAX, .budget = budget};
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    while (request.first != UINT64_MAX && oracle->wrong == 0) {
        int error = oracle->by_bitmap
                        ? gm_watch_harvest_into(oracle->watch, &request, oracle->seen, SLIDE, &request.first)
                        : gm_watch_harvest(oracle->watch, &request, note_seen, oracle, &request.first);
        oracle->wrong += error != 0;
    }
    if (oracle->by_bitmap)
        oracle->wrong += gm_dirty_harvest(oracle->seen, &all, note_seen_bitmap, oracle, &next) != 0;
}

static void harvest_both(struct gmt_oracle *oracle, uint64_t *random)
{
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    oracle->number++;
    harvest_kernel(oracle, gmt_rand_below(random, 4) == 0 ? 1 + gmt_rand_below(random, 300) : 0);
    oracle->wrong += gm_dirty_harvest(oracle->marks, &all, note_marks, oracle, &next) != 0;
    oracle->harvests++;
}

void gmt_oracle_store(struct gmt_oracle *oracle, uint64_t first, uint64_t len, unsigned char value)
{
    unsigned char *at = oracle->memory + first;
    for (uint64_t done = 0; done < len; done += PAGE)
        gm_store_relaxed(at + done, value);
    if (len != 0)
        gm_store_relaxed(at + len - 1, value);
}

/* About an edge of a page, if there is room before it. */
static uint64_t to_an_edge(uint64_t first, uint64_t len)
{
    uint64_t edge = first / PAGE * PAGE;
    return edge >= len / 2 ? edge - len / 2 : first;
}

static void *write_and_mark(void *argument)
{
    struct writer *writer = argument;
    struct gmt_oracle *oracle = writer->oracle;
    writer->wrong += oracle->enter != NULL && oracle->enter(oracle) != 0;
    for (uint64_t i = 0; i < writer->writes; i++) {
        uint64_t kind = gmt_rand_below(&writer->random, 64);
        uint64_t most = kind == 0 ? GMT_ORACLE_LONGEST : kind < 16 ? 2 * PAGE : 70;
        uint64_t len = gmt_rand_below(&writer->random, most);
        uint64_t first = gmt_rand_below(&writer->random, LEN - len + 1);
        if (kind >= 48)
            first = to_an_edge(first, len);
        if (writer->skip != 0 && i % writer->skip == 0)
            gmt_oracle_store(oracle, first, len, (unsigned char)i);
        else
            writer->wrong += oracle->write(oracle, first, len, (unsigned char)i) != 0;
    }
    writer->wrong += oracle->leave != NULL && oracle->leave(oracle) != 0;
    gm_sub_release(&oracle->running, 1);
    return NULL;
}

/* The rules, for one round. */
static void judge(struct gmt_oracle *oracle)
{
    for (uint64_t page = 0; page < PAGES; page++) {
        oracle->lost += oracle->seen_last[page] != 0 && oracle->mark_last[page] + 1 < oracle->seen_last[page];
        oracle->made_up += oracle->mark_last[page] != 0 && oracle->seen_last[page] == 0;
    }
}

static void play_round(struct gmt_oracle *oracle, uint64_t *random, uint64_t writes, uint64_t skip)
{
    struct writer writer[THREADS];
    pthread_t thread[THREADS];
    memset(oracle->mark_last, 0, sizeof(oracle->mark_last));
    memset(oracle->seen_last, 0, sizeof(oracle->seen_last));
    oracle->by_bitmap = !oracle->by_bitmap;
    oracle->running = THREADS;
    for (unsigned i = 0; i < THREADS; i++) {
        writer[i] = (struct writer){.oracle = oracle, .random = gmt_rand(random), .writes = writes, .skip = skip};
        if (pthread_create(&thread[i], NULL, write_and_mark, &writer[i]) != 0)
            abort();
    }
    for (uint64_t pause = gmt_rand_below(random, 4); gm_load_acquire(&oracle->running) != 0;) {
        harvest_both(oracle, random);
        if (pause != 0) /* let pages become dirty that are dirty */
            usleep((useconds_t)gmt_rand_below(random, UINT64_C(100) << (2 * pause)));
    }
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        oracle->wrong += writer[i].wrong;
    }
    harvest_both(oracle, random);
    uint64_t marked = oracle->marked, reported = oracle->reported;
    harvest_both(oracle, random); /* all was taken, and what was taken is clean */
    oracle->wrong += marked != oracle->marked || reported != oracle->reported;
    judge(oracle);
}

/* Writes that are not marked, and a mark that has no write: the rules have to find both. */
static bool is_blind(struct gmt_oracle *oracle, uint64_t *random)
{
    uint64_t lost = oracle->lost, made_up = oracle->made_up;
    play_round(oracle, random, ROUND / 10, 20);
    bool blind = oracle->lost == lost;
    play_round(oracle, random, 0, 0);
    if (gm_dirty_mark(oracle->marks, BASE + 7 * PAGE, 1) != 0)
        return true;
    harvest_both(oracle, random);
    judge(oracle);
    blind = blind || oracle->made_up != made_up + 1;
    oracle->lost = lost;
    oracle->made_up = made_up;
    return blind;
}

static struct gm_dirty *bitmap_of(uint64_t size, unsigned flags)
{
    const struct gm_dirty_config config = {.size = size, .numa_node = -1, .flags = flags};
    struct gm_dirty *dirty = NULL;
    return gm_dirty_create(&config, &dirty) == 0 ? dirty : NULL;
}

int gmt_oracle_open(struct gmt_oracle *oracle, bool anonymous)
{
    int file = anonymous ? -1 : memfd_create("oracle", MFD_CLOEXEC);
    if (!anonymous && (file < 0 || ftruncate(file, (off_t)LEN) != 0))
        return -errno;
    memset(oracle, 0, sizeof(*oracle));
    oracle->number = 1;
    int flags = anonymous ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
    oracle->memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, flags, file, 0);
    if (file >= 0)
        close(file);
    if (oracle->memory == MAP_FAILED)
        return -ENOMEM;
    oracle->marks = bitmap_of(BASE + LEN, GM_DIRTY_ON);
    oracle->seen = bitmap_of(SLIDE + LEN, 0);
    if (oracle->marks == NULL || oracle->seen == NULL)
        return -ENOMEM;
    return gm_watch_create(oracle->memory, LEN, &oracle->watch);
}

void gmt_oracle_close(struct gmt_oracle *oracle)
{
    gm_watch_destroy(oracle->watch);
    gm_dirty_destroy(oracle->marks);
    gm_dirty_destroy(oracle->seen);
    munmap(oracle->memory, LEN);
}

int gmt_oracle_run(struct gmt_oracle *oracle, const char *name, uint64_t *random, uint64_t writes)
{
    uint64_t rounds = writes / (THREADS * ROUND) + 1;
    for (uint64_t round = 0; round < rounds && oracle->lost + oracle->made_up + oracle->wrong == 0; round++)
        play_round(oracle, random, ROUND, 0);
    bool failed = oracle->lost + oracle->made_up + oracle->wrong != 0 || oracle->reported == 0;
    printf("%s: %" PRIu64 " writes, %" PRIu64 " harvests, %" PRIu64 " pages reported by the kernel, %" PRIu64
           " marked; lost: %" PRIu64 ", made up: %" PRIu64 ", wrong answers: %" PRIu64 "\n", name,
           rounds * THREADS * ROUND, oracle->harvests, oracle->reported, oracle->marked, oracle->lost, oracle->made_up,
           oracle->wrong);
    if (!failed && is_blind(oracle, random)) {
        printf("%s: writes without marks, or marks without writes, were not noticed\n", name);
        return 1;
    }
    return failed;
}
