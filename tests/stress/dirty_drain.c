/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Draining logs that live: is each bit that is set moved once, and is what was written before seen by who harvests? A
 * thread ORs bytes and another process ORs words, as vhost-user back ends and the kernel do, while two threads drain
 * the one log, each into a bitmap of its own. A writer counts the bits that it has found clear and set; a drainer
 * harvests after each drain, copies what comes, and counts it. The log neither begins nor ends with a byte; the bits
 * beside it in those bytes are set, and have to stay so. Half of the time a bit of the log stands for two pages, and
 * its memory is aligned, so that it begins in the middle of a word.
 *
 *   usage: dirty_drain [seed]
 *   GM_TORTURE_SECONDS   how long (default 4)
 *   exit code            0; 1 when a bit was lost, moved twice or changed beside the log, or nothing was done
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <guestmem/dirty_harvest.h>
#include <guestmem/dirty_merge.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SECONDS 4
#define PAGE UINT64_C(4096)
#define BITS 1201u
#define HOT 20         /* so many bits at each end get three of four writes */
#define FIRST 4        /* bit of the log */
#define ASIDE_MOST 16  /* bytes, in front of the log */
#define TO (77 * PAGE) /* what the first bit stands for */
#define SIDES 2        /* writers, and drainers */
#define LOG_BYTES ((FIRST + BITS + 7) / 8)
#define REST_MOST 500  /* turns of an empty loop */

/* In memory that processes share. */
struct torture {
    unsigned char memory[ASIDE_MOST + LOG_BYTES] __attribute__((aligned(64)));
    unsigned char *log; /* in memory */
    uint64_t page[BITS];
    uint64_t set[SIDES][BITS];
    uint64_t stop, wrong;
};

struct drainer {
    struct torture *torture;
    struct gm_dirty *dirty;
    struct gm_dirty_log log;
    unsigned ratio; /* log2 of how many pages a bit stands for */
    uint64_t random, drains, taken[2 * BITS], copy[BITS];
};

struct writer {
    struct torture *torture;
    uint64_t random;
    unsigned side; /* 0: by bytes; 1: by words, where they belong to the log */
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void count(uint64_t *word)
{
    __atomic_store_n(word, load(word) + 1, __ATOMIC_RELAXED);
}

static void wrong(struct torture *torture)
{
    __atomic_fetch_add(&torture->wrong, 1, __ATOMIC_RELAXED);
}

static void rest(uint64_t *random)
{
    for (uint64_t i = gmt_rand_below(random, REST_MOST); i != 0; i--)
        __asm__ volatile("" ::: "memory");
}

/* Set a bit of the log; true: it was clear. */
static bool set_bit(struct torture *torture, uint64_t bit, bool by_words)
{
    unsigned char *log = torture->log, *byte = &log[bit / 8];
    unsigned in = (unsigned)((uintptr_t)byte % 8);
    if (!by_words || byte - in < log || byte - in + 8 > log + LOG_BYTES) {
        unsigned char only = (unsigned char)(1u << bit % 8);
        return (__atomic_fetch_or(byte, only, __ATOMIC_ACQ_REL) & only) == 0; /* [dirty-P6] */
    }
    uint64_t one = UINT64_C(1) << (8 * in + bit % 8);
    return (__atomic_fetch_or((uint64_t *)(void *)(byte - in), one, __ATOMIC_ACQ_REL) & one) == 0; /* [dirty-P6] */
}

static uint64_t pick(uint64_t *random)
{
    uint64_t near = gmt_rand_below(random, HOT);
    switch (gmt_rand_below(random, 4)) {
    case 0: return gmt_rand_below(random, BITS);
    case 1: return BITS - 1 - near;
    default: return near;
    }
}

static void *write_pages(void *argument)
{
    struct writer *writer = argument;
    struct torture *torture = writer->torture;
    while (load(&torture->stop) == 0) {
        uint64_t i = pick(&writer->random);
        __atomic_fetch_add(&torture->page[i], 1, __ATOMIC_RELAXED);
        if (set_bit(torture, FIRST + i, writer->side == 1))
            count(&torture->set[writer->side][i]);
    }
    return NULL;
}

static size_t copy_ranges(void *arg, const struct gm_dirty_range *ranges, size_t ranges_count)
{
    struct drainer *drainer = arg;
    for (size_t i = 0; i < ranges_count; i++) {
        uint64_t first = (ranges[i].first - TO) / PAGE;
        for (uint64_t page = first; page < first + ranges[i].len / PAGE; page++) {
            drainer->taken[page]++;
            drainer->copy[page >> drainer->ratio] = load(&drainer->torture->page[page >> drainer->ratio]);
        }
    }
    return ranges_count;
}

static void drain(struct drainer *drainer)
{
    const struct gm_dirty_request all = {.len = UINT64_MAX};
    uint64_t next;
    if (gm_dirty_drain(drainer->dirty, &drainer->log) != 0 ||
        gm_dirty_harvest(drainer->dirty, &all, copy_ranges, drainer, &next) != 0)
        wrong(drainer->torture);
    drainer->drains++;
}

static void *drain_on(void *argument)
{
    struct drainer *drainer = argument;
    while (load(&drainer->torture->stop) == 0) {
        drain(drainer);
        rest(&drainer->random);
    }
    return NULL;
}

/* Bits that were lost or moved twice, bits beside the log that have changed, and pages of which no copy is the last. */
static uint64_t judge(const struct torture *torture, const struct drainer *drainers, uint64_t *moved)
{
    const unsigned char *log = torture->log;
    uint64_t bad = torture->wrong;
    unsigned ratio = drainers->ratio;
    for (uint64_t i = 0; i < BITS; i++) {
        uint64_t set = torture->set[0][i] + torture->set[1][i];
        for (uint64_t page = i << ratio; page < (i + 1) << ratio; page++)
            bad += drainers[0].taken[page] + drainers[1].taken[page] != set;
        bad += drainers[0].copy[i] != torture->page[i] && drainers[1].copy[i] != torture->page[i];
        *moved += set;
    }
    for (uint64_t bit = 0; bit < LOG_BYTES * 8; bit++)
        bad += (log[bit / 8] >> bit % 8 & 1) != (bit < FIRST || bit >= FIRST + BITS);
    return bad;
}

static void *shared(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        perror("dirty_drain: mmap");
        exit(1);
    }
    return memory;
}

static struct torture *make(size_t aside)
{
    struct torture *torture = shared(sizeof(*torture));
    torture->log = &torture->memory[aside];
    torture->log[0] = (1u << FIRST) - 1;
    torture->log[LOG_BYTES - 1] = (unsigned char)(0xff << (FIRST + BITS) % 8);
    return torture;
}

static void open_drainer(struct drainer *drainer, struct torture *torture, unsigned ratio, uint64_t random)
{
    const struct gm_dirty_config config = {
        .size = TO + (uint64_t)(BITS << ratio) * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    *drainer = (struct drainer){.torture = torture, .ratio = ratio, .random = random};
    drainer->log = (struct gm_dirty_log){
        .bits = torture->log, .first = FIRST, .count = BITS, .page_shift = 12 + ratio, .to = TO};
    if (gm_dirty_create(&config, &drainer->dirty) != 0)
        exit(1);
}

static void sleep_ms(uint64_t ms)
{
    struct timespec time = {.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000)};
    while (nanosleep(&time, &time) != 0)
        ;
}

static int play(unsigned ratio, uint64_t random, uint64_t ms)
{
    static struct drainer drainers[SIDES];
    struct torture *torture = make(ratio == 0 ? 13 : ASIDE_MOST);
    struct writer by_bytes = {torture, random, 0}, by_words = {torture, random + 1, 1};
    pthread_t threads[SIDES + 1];
    int status = 0;
    pid_t child = fork(); /* first: no thread is there to fork with */
    if (child == 0) {
        (void)write_pages(&by_words);
        _exit(0);
    }
    for (unsigned i = 0; i < SIDES; i++)
        open_drainer(&drainers[i], torture, ratio, random + 2 + i);
    if (child < 0 || pthread_create(&threads[SIDES], NULL, write_pages, &by_bytes) != 0)
        exit(1);
    for (unsigned i = 0; i < SIDES; i++)
        if (pthread_create(&threads[i], NULL, drain_on, &drainers[i]) != 0)
            exit(1);
    sleep_ms(ms);
    __atomic_store_n(&torture->stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i <= SIDES; i++)
        pthread_join(threads[i], NULL);
    if (waitpid(child, &status, 0) != child || status != 0)
        wrong(torture);
    drain(&drainers[0]);
    uint64_t moved = 0, bad = judge(torture, drainers, &moved), drains = drainers[0].drains + drainers[1].drains;
    for (unsigned i = 0; i < SIDES; i++)
        gm_dirty_destroy(drainers[i].dirty);
    (void)munmap(torture, sizeof(*torture));
    printf("%u pages a bit: %" PRIu64 " drains, %" PRIu64 " bits set, wrong: %" PRIu64 "\n", 1u << ratio, drains, moved,
           bad);
    fflush(stdout);
    return bad != 0 || moved == 0 || drains < 10;
}

int main(int argc, char **argv)
{
    uint64_t seconds = torture_seconds(DEFAULT_SECONDS), seed = setting(argc, argv, 1, NULL, 1);
    int failed = play(0, gmt_mix(seed), seconds * 500);
    return play(1, gmt_mix(seed + 1), seconds * 500) | failed;
}
