/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Deferred reuse under fire: one thread takes ranges, writes what is at their numbers, defers and reclaims them, and
 * spoils it; others look ranges up inside pins and read. A range that a pinned reader found, and that was not flagged,
 * stays as it was until the pin ends. What is there are plain words, so that ThreadSanitizer sees a missing grace
 * period.
 *
 *   usage: arena_defer_torture [seed]
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when something was wrong or nothing was done
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <guestmem/guestmem.h>

#include "lib/rand.h"

#define READERS 2
#define NUMBERS 256
#define LIVE 96
#define DEFAULT_SECONDS 10

struct torture {
    struct gm_arena *arena;
    struct gm_space *space;
    uint64_t word[NUMBERS]; /* plain */
    uint64_t reads, reclaimed, ready, errors;
    int stop;
};

static struct torture torture;

static void require(int condition, const char *what)
{
    if (!condition && __atomic_fetch_add(&torture.errors, 1, __ATOMIC_RELAXED) < 10)
        fprintf(stderr, "FAILED: %s\n", what);
}

static void look(uint64_t *seed, uint64_t *reads)
{
    struct gm_range_info info;
    if (gm_arena_find(torture.arena, gmt_rand_below(seed, NUMBERS), &info) != 0 || info.flags != 0)
        return;
    for (unsigned i = 0; i < 4; i++)
        for (uint64_t number = info.first; number <= info.last; number++)
            require(torture.word[number] == info.user, "a range was used again under a pin");
    (*reads)++;
}

static void *reader(void *argument)
{
    uint64_t seed = (uint64_t)(uintptr_t)argument, reads = 0;
    require(gm_reader_register() == 0, "gm_reader_register");
    while (!__atomic_load_n(&torture.stop, __ATOMIC_RELAXED)) {
        require(gm_pin(torture.space) != NULL, "gm_pin");
        for (unsigned i = 0; i < 8; i++)
            look(&seed, &reads);
        require(gm_unpin() == 0, "gm_unpin");
    }
    require(gm_reader_unregister() == 0, "gm_reader_unregister");
    __atomic_fetch_add(&torture.reads, reads, __ATOMIC_RELAXED);
    return NULL;
}

/* Random places, so that what is free again is soon found. */
static int take(uint64_t *seed, struct gm_range_info *info)
{
    struct gm_request request = {.size = 1 + gmt_rand_below(seed, 3), .place = GM_PLACE_RANDOM, .user = gmt_rand(seed)};
    uint64_t first = 0;
    request.max = NUMBERS - 1;
    if (gm_arena_would_fit(torture.arena, &request, &first) != 0)
        return 0;
    request.place = GM_PLACE_FIXED;
    request.near = first;
    for (uint64_t number = first; number < first + request.size; number++)
        torture.word[number] = request.user; /* before anybody can find it */
    require(gm_arena_take(torture.arena, &request, info) == 0, "gm_arena_take");
    return 1;
}

static void write_rounds(uint64_t seed, time_t until)
{
    static struct gm_range_info live[LIVE];
    uint64_t count;
    unsigned held = 0;
    for (uint64_t round = 0; time(NULL) < until; round++) {
        while (held < LIVE && take(&seed, &live[held]))
            held++;
        for (unsigned i = 0; i < 16 && held > 0; i++) {
            unsigned index = (unsigned)gmt_rand_below(&seed, held);
            require(gm_arena_defer(torture.arena, live[index].range) == 0, "gm_arena_defer");
            live[index] = live[--held];
        }
        if (round % 4 == 0) {
            require(gm_arena_reclaim_ready(torture.arena, &count) == 0, "gm_arena_reclaim_ready");
            torture.ready += count;
        }
        require(gm_arena_reclaim(torture.arena, &count) == 0, "gm_arena_reclaim");
        torture.reclaimed += count;
    }
}

int main(int argc, char **argv)
{
    const char *seconds = getenv("GM_TORTURE_SECONDS");
    const struct gm_arena_config config = {.last = NUMBERS - 1, .numa_node = -1, .flags = GM_ARENA_DEFER};
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : (uint64_t)time(NULL);
    pthread_t threads[READERS];
    printf("seed %" PRIu64 "\n", seed);
    require(gm_arena_create(&config, &torture.arena) == 0, "gm_arena_create");
    require(gm_space_create(NULL, &torture.space) == 0, "gm_space_create");
    for (uintptr_t i = 0; i < READERS; i++)
        require(pthread_create(&threads[i], NULL, reader, (void *)(seed + i + 1)) == 0, "pthread_create");
    write_rounds(seed, time(NULL) + (seconds != NULL ? atoi(seconds) : DEFAULT_SECONDS));
    __atomic_store_n(&torture.stop, 1, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < READERS; i++)
        require(pthread_join(threads[i], NULL) == 0, "pthread_join");
    require(gm_space_destroy(torture.space) == 0, "gm_space_destroy");
    gm_arena_destroy(torture.arena);
    printf("%" PRIu64 " reads, %" PRIu64 " reclaimed\n", torture.reads, torture.reclaimed);
    require(torture.reads > 100 && torture.reclaimed > 100, "work was done");
    return torture.errors != 0;
}
