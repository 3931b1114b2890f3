/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Consumers that come, rest and go while a thread writes and marks: is a page ever lost to one of them? Each switches
 * itself on, copies everything, harvests and copies what it gets some times, switches itself off, and takes what is
 * left. The bitmap's own switch is off, so that marks count only while one of them is on. Every second time a consumer
 * is made anew, and destroyed instead of coming to rest only.
 *   The marker notes each mark that has returned. What was noted before a harvest began, or before a consumer was
 * switched off, it has to have copied by the end of that harvest, or of the one after it was switched off.
 *
 *   usage: dirty_switch [seed]
 *   GM_TORTURE_SECONDS   how long (default 4)
 *   exit code            0; 1 when a page was lost, something was wrong or nothing was done
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <guestmem/dirty_harvest.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SECONDS 4
#define PAGE UINT64_C(4096)
#define PAGES 200
#define BASE UINT64_C(400) /* so that words and lines are cut */
#define CONSUMERS 2
#define REST_MOST 20000 /* turns of an empty loop */

struct cell {
    uint64_t value __attribute__((aligned(64)));
};

static struct cell page[PAGES], noted[PAGES]; /* written by the marker */
static struct gm_dirty *dirty;
static uint64_t stop, wrong;

struct taker {
    struct gm_dirty_consumer *consumer;
    uint64_t random, copy[PAGES], due[PAGES];
    uint64_t rounds, checked, lost;
};

static uint64_t load(const uint64_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void expect(int result)
{
    if (result != 0)
        __atomic_fetch_add(&wrong, 1, __ATOMIC_RELAXED);
}

static void *write_and_mark(void *argument)
{
    uint64_t *random = argument;
    for (uint64_t value = 1; load(&stop) == 0; value++) {
        uint64_t first = gmt_rand_below(random, PAGES), count = gmt_rand_below(random, 8) == 0 ? PAGES - first : 1;
        for (uint64_t at = first; at < first + count; at++)
            __atomic_store_n(&page[at].value, value, __ATOMIC_RELAXED);
        expect(gm_dirty_mark(dirty, (BASE + first) * PAGE, count * PAGE));
        for (uint64_t at = first; at < first + count; at++)
            __atomic_store_n(&noted[at].value, value, __ATOMIC_RELEASE);
    }
    return NULL;
}

static size_t copy_ranges(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct taker *taker = arg;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].first / PAGE - BASE;
        for (uint64_t at = first; at < first + ranges[i].len / PAGE; at++)
            taker->copy[at] = load(&page[at].value);
    }
    return count;
}

static void note_what_is_due(struct taker *taker)
{
    for (unsigned at = 0; at < PAGES; at++)
        taker->due[at] = __atomic_load_n(&noted[at].value, __ATOMIC_ACQUIRE);
}

static void harvest_and_look(struct taker *taker)
{
    struct gm_dirty_request request = {.len = UINT64_MAX, .consumer = taker->consumer};
    if (gmt_rand_below(&taker->random, 4) == 0)
        request.budget = 30;
    while (request.first != UINT64_MAX)
        expect(gm_dirty_harvest(dirty, &request, copy_ranges, taker, &request.first));
    for (unsigned at = 0; at < PAGES; at++)
        taker->lost += taker->copy[at] < taker->due[at];
    taker->checked += PAGES;
}

static void rest(struct taker *taker)
{
    for (uint64_t i = gmt_rand_below(&taker->random, REST_MOST); i != 0; i--)
        __asm__ volatile("" ::: "memory");
}

static void come(struct taker *taker)
{
    const struct gm_dirty_range all = {BASE * PAGE, PAGES * PAGE};
    if (taker->consumer == NULL)
        expect(gm_dirty_consumer_create(dirty, &taker->consumer));
    else
        expect(gm_dirty_consumer_enable(dirty, taker->consumer));
    (void)copy_ranges(taker, &all, 1);
}

static void go(struct taker *taker)
{
    note_what_is_due(taker);
    expect(gm_dirty_consumer_disable(dirty, taker->consumer));
    rest(taker);
    harvest_and_look(taker);
    if (++taker->rounds % 2 == 0) {
        gm_dirty_consumer_destroy(dirty, taker->consumer);
        taker->consumer = NULL;
    }
    rest(taker);
}

static void *take(void *argument)
{
    struct taker *taker = argument;
    while (load(&stop) == 0) {
        come(taker);
        for (uint64_t times = gmt_rand_below(&taker->random, 4); times != 0; times--) {
            rest(taker);
            note_what_is_due(taker);
            harvest_and_look(taker);
        }
        go(taker);
    }
    return NULL;
}

static int report(const struct taker *takers)
{
    uint64_t rounds = 0, checked = 0, lost = 0;
    bool idle = false;
    for (unsigned i = 0; i < CONSUMERS; i++) {
        rounds += takers[i].rounds;
        checked += takers[i].checked;
        lost += takers[i].lost;
        idle |= takers[i].rounds < 2;
    }
    printf("consumers came and went %" PRIu64 " times, %" PRIu64 " pages checked, %" PRIu64
           " wrong answers, pages lost: %" PRIu64 "\n", rounds, checked, wrong, lost);
    return lost != 0 || wrong != 0 || idle;
}

int main(int argc, char **argv)
{
    static const struct gm_dirty_config config = {.size = (BASE + PAGES) * PAGE, .numa_node = -1};
    static struct taker takers[CONSUMERS];
    const struct timespec time = {.tv_sec = (time_t)torture_seconds(DEFAULT_SECONDS)};
    uint64_t random = gmt_mix(setting(argc, argv, 1, NULL, 1)), marker_random = random + CONSUMERS;
    pthread_t threads[CONSUMERS], marker;
    if (gm_dirty_create(&config, &dirty) != 0 || pthread_create(&marker, NULL, write_and_mark, &marker_random) != 0)
        return 1;
    for (unsigned i = 0; i < CONSUMERS; i++) {
        takers[i].random = random + i;
        if (pthread_create(&threads[i], NULL, take, &takers[i]) != 0)
            return 1;
    }
    (void)nanosleep(&time, NULL);
    __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < CONSUMERS; i++)
        pthread_join(threads[i], NULL);
    pthread_join(marker, NULL);
    gm_dirty_destroy(dirty);
    return report(takers);
}
