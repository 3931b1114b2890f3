/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does allocating and freeing cost when threads share an arena (A5)? Ours has its own lock, and in rows of their
 * own a cache for each thread; the B+tree is behind a mutex, as anything without a lock must be. Four of five requests
 * are for a page, the others for 2 to 64 pages. A thread swaps what it allocated for what lies in any of the slots that
 * all share, and frees that: mostly another thread's. Which address anybody gets is nobody's promise; that no two have
 * the same is checked in the end. The floor is the swap and twice the mutex.
 */
#include "cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/arena_cache.h>

#include "alloc.h"

#define SLOTS ((size_t)1 << 14)
#define BASE (UINT64_C(64) << 30)
#define SPACE (UINT64_C(64) << 30)
#define MAX_THREADS 2
#define MAX_PLAYERS 3
#define ORDERS 7      /* 1 to 64 pages */
#define PAGE_ORDER 12 /* of BENCH_PAGE */
#define CACHED UINT64_C(256) /* in a row's parameter, beside its threads */

struct player {
    const char *name;
    const struct bench_arena *arena; /* NULL: the floor */
    void *self;
    pthread_mutex_t *mutex; /* NULL: it has a lock of its own */
    uint64_t *slots;        /* address with its order in the lowest bits, or, with caches, a handle; 0 is neither */
    struct bench_rng rng[MAX_THREADS];
    struct gm_arena_cache *caches[MAX_THREADS]; /* all or none */
};

struct players {
    struct player list[MAX_PLAYERS];
    size_t count;
    pthread_mutex_t mutex;
};

static void lock(struct player *player)
{
    if (player->mutex != NULL)
        (void)pthread_mutex_lock(player->mutex);
}

static void unlock(struct player *player)
{
    if (player->mutex != NULL)
        (void)pthread_mutex_unlock(player->mutex);
}

static uint64_t take(struct player *player, int thread, unsigned order)
{
    if (player->caches[thread] != NULL) {
        struct gm_range_info info;
        int failed = gm_arena_cache_take(player->caches[thread], PAGE_ORDER + order, &info);
        return failed ? 0 : info.range;
    }
    const struct bench_request request = {
        .size = BENCH_PAGE << order, .align = BENCH_PAGE << order, .min = BASE, .max = BASE + SPACE - 1};
    uint64_t address = BASE;
    int result = 0;

    lock(player);
    if (player->arena != NULL)
        result = player->arena->alloc(player->self, &request, &address);
    unlock(player);
    return result == 0 ? address | order : 0;
}

static int give(struct player *player, int thread, uint64_t slot)
{
    int result = 0;

    if (player->caches[thread] != NULL)
        return gm_arena_cache_give(player->caches[thread], slot);
    lock(player);
    if (player->arena != NULL)
        result = player->arena->free(player->self, slot & ~(BENCH_PAGE - 1), BENCH_PAGE << (slot % BENCH_PAGE));
    unlock(player);
    return result;
}

static unsigned any_order(struct bench_rng *rng)
{
    uint64_t any = bench_random_below(rng, 5 * (ORDERS - 1));

    return any < ORDERS - 1 ? 1 + (unsigned)any : 0;
}

static void run(struct bench_run *run)
{
    struct player *player = run->fixture;
    struct bench_rng rng = player->rng[run->thread];
    int wrong = 0;

    for (uint64_t left = run->iters; left > 0; left--) {
        uint64_t taken = take(player, run->thread, any_order(&rng));
        uint64_t *slot = &player->slots[bench_random_below(&rng, SLOTS)];
        uint64_t old = __atomic_exchange_n(slot, taken, __ATOMIC_ACQ_REL);
        wrong |= taken == 0 || give(player, run->thread, old) != 0;
    }
    player->rng[run->thread] = rng;
    run->wrong |= wrong;
}

/* ---- what was left ------------------------------------------------------------------------------------- */

static int by_address(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Handles become addresses, with orders. */
static int resolve(const struct player *player)
{
    struct gm_range_info info;

    for (size_t i = 0; i < SLOTS && player->caches[0] != NULL; i++) {
        if (gm_arena_get(bench_arena_in_ours(player->self), player->slots[i], &info) != 0)
            return 0;
        player->slots[i] = info.first | ((unsigned)__builtin_ctzll(info.last + 1 - info.first) - PAGE_ORDER);
    }
    return 1;
}

/* No two of them overlap. */
static int disjoint(const struct player *player)
{
    uint64_t end = BASE;

    if (!resolve(player))
        return 0;
    qsort(player->slots, SLOTS, sizeof(*player->slots), by_address);
    for (size_t i = 0; i < SLOTS; i++) {
        uint64_t first = player->slots[i] & ~(BENCH_PAGE - 1);
        if (first < end)
            return 0;
        end = first + (BENCH_PAGE << (player->slots[i] % BENCH_PAGE));
    }
    return 1;
}

/* ---- the row ------------------------------------------------------------------------------------------- */

static void *ours_locked(void)
{
    const struct gm_arena_config config = {
        .first = BASE, .last = BASE + SPACE - 1, .flags = GM_ARENA_LOCKED, .numa_node = -1};
    struct gm_arena *arena;

    return gm_arena_create(&config, &arena) == 0 ? bench_arena_as_ours(arena) : NULL;
}

static int add(struct players *players, struct bench_members *members, const struct player *as, int threads,
               uint64_t seed)
{
    struct player *player = &players->list[players->count++];

    *player = *as;
    player->slots = calloc(SLOTS, sizeof(*player->slots));
    if (player->slots == NULL || (player->arena != NULL && player->self == NULL))
        return -ENOMEM;
    for (int i = 0; i < MAX_THREADS; i++)
        player->rng[i] = (struct bench_rng){seed + (uint64_t)i};
    for (size_t i = 0; i < SLOTS; i++) {
        player->slots[i] = take(player, 0, any_order(&player->rng[0]));
        if (player->slots[i] == 0)
            return -ENOSPC;
    }
    bench_member_add(members, player->name, run, player, 1)->threads = threads;
    return 0;
}

static int open_caches(struct player *player)
{
    const struct gm_arena_cache_config config = {.order_least = PAGE_ORDER, .orders = ORDERS};
    int result = 0;

    for (int i = 0; i < MAX_THREADS && result == 0 && player->self != NULL; i++)
        result = gm_arena_cache_create(bench_arena_in_ours(player->self), &config, &player->caches[i]);
    return result;
}

static int add_all(struct players *players, struct bench_members *members, uint64_t param, uint64_t seed)
{
    int threads = (int)(param % CACHED);
    struct player floor = {.name = BENCH_FLOOR, .mutex = &players->mutex};
    struct player ours = {.name = BENCH_OURS, .arena = bench_arena_ours()};
    struct player btree = {.name = "b+tree+mutex", .arena = &bench_arena_btree, .mutex = &players->mutex};
    int result = add(players, members, &floor, threads, seed);

    if (result == 0 && ours.arena != NULL) {
        ours.self = ours_locked();
        if (param >= CACHED)
            result = open_caches(&ours);
        if (result == 0)
            result = add(players, members, &ours, threads, seed);
    }
    if (result != 0 || param >= CACHED)
        return result;
    btree.self = btree.arena->create(BASE, SPACE);
    return add(players, members, &btree, threads, seed);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    int threads = (int)(row->param % CACHED), result;
    struct players *players;

    if (threads > bench_cpu_count())
        return bench_row_skip(row, "needs %d CPUs, this process has %d", threads, bench_cpu_count());
    row->priv = players = calloc(1, sizeof(*players));
    if (players == NULL)
        return bench_row_skip(row, "no memory");
    (void)pthread_mutex_init(&players->mutex, NULL);
    result = add_all(players, members, row->param, session->options.seed);
    return result == 0 ? 0 : bench_row_skip(row, "cannot fill the arenas: %s", strerror(-result));
}

static void release(struct bench_row *row)
{
    struct players *players = row->priv;

    for (size_t i = 0; players != NULL && i < players->count; i++) {
        struct player *player = &players->list[i];
        if (player->arena != NULL && row->skipped[0] == '\0' && !row->wrong && !disjoint(player)) {
            row->wrong = 1;
            snprintf(row->wrong_member, sizeof(row->wrong_member), "%s", player->name);
        }
        for (int thread = 0; thread < MAX_THREADS; thread++)
            gm_arena_cache_destroy(player->caches[thread]);
        if (player->self != NULL)
            player->arena->destroy(player->self);
        free(player->slots);
    }
    free(players);
    row->priv = NULL;
}

static void add_row(struct bench_session *session, const char *kind, uint64_t param)
{
    unsigned threads = (unsigned)(param % CACHED);
    struct bench_row *row = bench_row_add(session, "A5", "ns", "allocate/%s/threads:%u", kind, threads);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->param = param;
    row->planned = param >= CACHED ? 2 : 3;
    row->no_ours = bench_arena_ours() == NULL ? BENCH_NO_ARENA : NULL;
}

void bench_case_alloc_threads(struct bench_session *session)
{
    for (uint64_t threads = 1; threads <= MAX_THREADS; threads++)
        add_row(session, "shared", threads);
    for (uint64_t threads = 1; threads <= MAX_THREADS; threads++)
        add_row(session, "shared/cached", CACHED + threads);
}
