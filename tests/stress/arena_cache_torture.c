/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Caches under fire: threads take and give blocks through caches of their own, also blocks that another one took; one
 * takes everything there is from the arena itself, which empties all caches, saves images and proof-reads. Each granule
 * has an owner's mark, changed by exchange, so that a block with two owners is seen, and a plain word, so that
 * ThreadSanitizer sees a missing order.
 *
 *   usage: arena_cache_torture [seed]
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when something was wrong or nothing was done
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <guestmem/guestmem.h>

#include "lib/rand.h"

#define WORKERS 3
#define NUMBERS 2048
#define HOLDS 120
#define MAILBOXES 16
#define ORDERS 4
#define DEFAULT_SECONDS 10

static struct {
    struct gm_arena *arena;
    uint64_t mark[NUMBERS];
    uint64_t word[NUMBERS]; /* plain: written by who owns it */
    gm_range mailbox[MAILBOXES];
    uint64_t takes, passed, whole, errors;
    int stop;
} torture;

struct worker {
    struct gm_arena_cache *cache;
    uint64_t name, seed, takes, passed;
    unsigned count;
    struct gm_range_info held[HOLDS];
};

static void require(int condition, const char *what)
{
    if (!condition && __atomic_fetch_add(&torture.errors, 1, __ATOMIC_RELAXED) < 10)
        fprintf(stderr, "FAILED: %s\n", what);
}

static void own(const struct gm_range_info *info, uint64_t from, uint64_t to)
{
    for (uint64_t i = info->first; i <= info->last; i++) {
        require(__atomic_exchange_n(&torture.mark[i], to, __ATOMIC_RELAXED) == from, "a number has one owner");
        torture.word[i] = to;
    }
}

static void take(struct worker *worker)
{
    struct gm_range_info *info = &worker->held[worker->count];
    int result = gm_arena_cache_take(worker->cache, (unsigned)gmt_rand_below(&worker->seed, ORDERS), info);
    require(result == 0 || result == -ENOSPC, "gm_arena_cache_take");
    if (result != 0)
        return;
    own(info, 0, worker->name);
    worker->count++;
    worker->takes++;
}

/* Into a mailbox, from which another thread gives it. What stood there is given here. */
static void pass(struct worker *worker, gm_range range)
{
    gm_range *box = &torture.mailbox[gmt_rand_below(&worker->seed, MAILBOXES)];
    gm_range other = __atomic_exchange_n(box, range, __ATOMIC_ACQ_REL);
    worker->passed++;
    if (other == 0)
        return;
    int result = gm_arena_cache_give(worker->cache, other);
    require(result == 0, "gm_arena_cache_give of what another thread took");
}

static void give(struct worker *worker)
{
    unsigned index = (unsigned)gmt_rand_below(&worker->seed, worker->count);
    gm_range range = worker->held[index].range;
    uint64_t kind = gmt_rand_below(&worker->seed, 8);
    own(&worker->held[index], worker->name, 0);
    worker->held[index] = worker->held[--worker->count];
    if (kind < 2)
        pass(worker, range);
    else if (kind == 2)
        require(gm_arena_give(torture.arena, range) == 0, "gm_arena_give");
    else
        require(gm_arena_cache_give(worker->cache, range) == 0, "gm_arena_cache_give");
}

static void *work(void *argument)
{
    static const struct gm_arena_cache_config config = {.orders = ORDERS, .blocks = 12, .owner = 4};
    struct worker *worker = argument;
    require(gm_arena_cache_create(torture.arena, &config, &worker->cache) == 0, "gm_arena_cache_create");
    while (!__atomic_load_n(&torture.stop, __ATOMIC_RELAXED)) {
        if (worker->count < HOLDS && gmt_rand_below(&worker->seed, 2 * HOLDS) > worker->count)
            take(worker);
        else if (worker->count != 0)
            give(worker);
        if (gmt_rand_below(&worker->seed, 5000) == 0) {
            gm_arena_cache_destroy(worker->cache);
            require(gm_arena_cache_create(torture.arena, &config, &worker->cache) == 0, "gm_arena_cache_create");
        }
    }
    while (worker->count != 0)
        give(worker);
    gm_arena_cache_destroy(worker->cache);
    __atomic_fetch_add(&torture.takes, worker->takes, __ATOMIC_RELAXED);
    __atomic_fetch_add(&torture.passed, worker->passed, __ATOMIC_RELAXED);
    return NULL;
}

/* A large range empties all caches when it does not fit at once. */
static void take_large(uint64_t *seed)
{
    struct gm_request request = {.size = UINT64_C(64) << gmt_rand_below(seed, 4), .align = 64};
    struct gm_range_info info;
    int result = gm_arena_take(torture.arena, &request, &info);
    require(result == 0 || result == -ENOSPC, "gm_arena_take");
    if (result != 0)
        return;
    own(&info, 0, 99);
    own(&info, 99, 0);
    require(gm_arena_give(torture.arena, info.range) == 0, "gm_arena_give");
    torture.whole++;
}

static void check(void)
{
    static uint8_t image[1 << 18];
    struct gm_arena_verdict verdict;
    struct gm_arena *copy = NULL;
    size_t size = 0;
    require(gm_arena_verify(torture.arena, &verdict) == 0 && verdict.wrong == NULL, "gm_arena_verify");
    require(gm_arena_save(torture.arena, image, sizeof(image), &size) == 0, "gm_arena_save");
    require(gm_arena_load(image, size, NULL, &copy) == 0, "gm_arena_load");
    gm_arena_destroy(copy);
}

int main(int argc, char **argv)
{
    static struct worker workers[WORKERS];
    const char *seconds = getenv("GM_TORTURE_SECONDS");
    const struct gm_arena_config config = {.last = NUMBERS - 1, .numa_node = -1, .flags = GM_ARENA_LOCKED};
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    time_t until = time(NULL) + (seconds != NULL ? atoi(seconds) : DEFAULT_SECONDS);
    pthread_t threads[WORKERS];
    struct gm_arena_stats stats;
    printf("seed %" PRIu64 "\n", seed);
    require(gm_arena_create(&config, &torture.arena) == 0, "gm_arena_create");
    for (unsigned i = 0; i < WORKERS; i++) {
        workers[i].name = i + 1;
        workers[i].seed = gmt_mix(seed + i);
        require(pthread_create(&threads[i], NULL, work, &workers[i]) == 0, "pthread_create");
    }
    for (unsigned i = 0; time(NULL) < until; i++) {
        take_large(&seed);
        if (i % 64 == 0)
            check();
    }
    __atomic_store_n(&torture.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < WORKERS; i++)
        require(pthread_join(threads[i], NULL) == 0, "pthread_join");
    for (unsigned i = 0; i < MAILBOXES; i++)
        if (torture.mailbox[i] != 0)
            require(gm_arena_give(torture.arena, torture.mailbox[i]) == 0, "gm_arena_give");
    require(gm_arena_stats_get(torture.arena, &stats) == 0 && stats.ranges == 0, "all came back");
    require(gm_arena_destroy(torture.arena) == 0, "gm_arena_destroy");
    printf("%" PRIu64 " takes, %" PRIu64 " passed on, %" PRIu64 " large ones\n", torture.takes, torture.passed,
           torture.whole);
    require(torture.takes > 1000 && torture.passed > 100 && torture.whole > 10, "work was done");
    return torture.errors != 0;
}
