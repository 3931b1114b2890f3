/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Id torture: four threads take and give ids of one small allocator in every way, in rounds of three kinds.
 *   - All share all ids, and more are wanted than there are. An owner's mark in a table is exchanged at each change
 *     of hands, and a plain word is written, so that an id with two owners is seen, and a missing order by
 *     ThreadSanitizer.
 *   - Each thread has windows of its own, a quarter of each word, so that it knows which of its ids is the lowest
 *     free one. Leaves and all that is above them are shared: if that hides an id for a moment, a thread gets another
 *     or none.
 *   - The same with an owned allocator: whoever takes or gives holds a lock, and looks at ids without it.
 * After each round all ids are given back, the structure is proof-read, and all ids are taken in order by one thread.
 *
 *   usage: ids_torture [seed]
 *   GM_TORTURE_SECONDS   how long (default 10)
 *   exit code            0; 1 when something was wrong or nothing was done
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <guestmem/ids.h>

#include "lib/ids_check.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define THREADS 4
#define DEFAULT_SECONDS 10
#define FIRST 1000 /* in the middle of a word */
#define IDS 4200   /* 67 words under three summaries */
#define HOLDS 1200 /* of each thread: all together want more than there are */
#define STEPS 20000
#define QUARTER 16

enum kind { SHARE, APART, OWNED, KINDS };

struct torture {
    struct gm_ids *ids, *of_kind[KINDS];
    pthread_mutex_t lock; /* of the owned one */
    uint64_t owner[IDS];   /* number of a thread + 1, changed by exchange only */
    uint64_t payload[IDS]; /* plain: written by who owns the id */
    uint64_t errors;
};

struct worker {
    struct torture *torture;
    uint64_t random, taken, given, refused, groups;
    unsigned number;
    enum kind kind;
    unsigned held;
    uint32_t holds[HOLDS];
};

static void error(struct torture *torture, const char *what, uint64_t id)
{
    if (__atomic_fetch_add(&torture->errors, 1, __ATOMIC_RELAXED) < 10)
        fprintf(stderr, "ids_torture: %s: %" PRIu64 "\n", what, id);
}

static void came(struct worker *worker, uint32_t id)
{
    struct torture *torture = worker->torture;
    if (__atomic_exchange_n(&torture->owner[id - FIRST], worker->number + 1, __ATOMIC_RELAXED) != 0)
        error(torture, "taken while another has it", id);
    torture->payload[id - FIRST]++;
    worker->holds[worker->held++] = id;
    worker->taken++;
}

static void goes(struct worker *worker, uint32_t id)
{
    struct torture *torture = worker->torture;
    torture->payload[id - FIRST]++;
    if (__atomic_exchange_n(&torture->owner[id - FIRST], 0, __ATOMIC_RELAXED) != worker->number + 1)
        error(torture, "given by one who has it not", id);
    worker->given++;
}

static void give_one(struct worker *worker)
{
    uint64_t which = gmt_rand_below(&worker->random, worker->held);
    uint32_t id = worker->holds[which];
    worker->holds[which] = worker->holds[--worker->held];
    goes(worker, id);
    if (gm_ids_give(worker->torture->ids, id) != 0)
        error(worker->torture, "cannot be given back", id);
}

static void take_several(struct worker *worker)
{
    unsigned order = (unsigned)gmt_rand_below(&worker->random, 9);
    uint32_t count = UINT32_C(1) << order, first;
    if (worker->held + count > HOLDS)
        return;
    count -= gmt_rand_below(&worker->random, 2) == 0 ? count / 4 : 0;
    int result = gm_ids_take_range(worker->torture->ids, count, &first);
    worker->refused += result != 0;
    worker->groups += result == 0;
    if (result == 0 && (first & ((UINT32_C(1) << order) - 1)) != 0)
        error(worker->torture, "not aligned", first);
    for (uint32_t i = 0; result == 0 && i < count; i++)
        came(worker, first + i);
    if (result == 0 && gmt_rand_below(&worker->random, 2) == 0) { /* and back together */
        worker->held -= count;
        for (uint32_t i = 0; i < count; i++)
            goes(worker, first + i);
        if (gm_ids_give_range(worker->torture->ids, first, count) != 0)
            error(worker->torture, "group cannot be given back", first);
    }
}

static int take_one(struct worker *worker, uint32_t *id)
{
    struct gm_ids *ids = worker->torture->ids;
    uint32_t at = FIRST + (uint32_t)gmt_rand_below(&worker->random, IDS);
    switch (gmt_rand_below(&worker->random, 8)) {
    case 0: return gm_ids_take_any(ids, id);
    case 1: return gm_ids_take_in(ids, at, at + 100, id);
    case 2: *id = at; return gm_ids_take_at(ids, at);
    default: return gm_ids_take(ids, id);
    }
}

static void step_of_share(struct worker *worker)
{
    uint32_t id;
    if (gmt_rand_below(&worker->random, 40) == 0)
        take_several(worker);
    else if (worker->held == HOLDS || (worker->held > 0 && gmt_rand_below(&worker->random, 9) < 4))
        give_one(worker);
    else if (take_one(worker, &id) == 0)
        came(worker, id);
    else
        worker->refused++;
}

static void share(struct worker *worker)
{
    for (unsigned step = 0; step < STEPS; step++)
        step_of_share(worker);
    while (worker->held > 0)
        give_one(worker);
}

/* An id that this thread has is seen to be taken, whatever the owner of the moment does. */
static void look(struct worker *worker)
{
    const struct gm_ids *ids = worker->torture->ids;
    uint32_t id = FIRST + (uint32_t)gmt_rand_below(&worker->random, IDS), next;
    if (gm_ids_is_taken(ids, id) < 0)
        error(worker->torture, "not of this allocator", id);
    if (worker->held == 0)
        return;
    id = worker->holds[gmt_rand_below(&worker->random, worker->held)];
    if (gm_ids_is_taken(ids, id) != 1 || gm_ids_next(ids, id, &next) != 0 || next != id)
        error(worker->torture, "held, and not seen to be taken", id);
}

static void own(struct worker *worker)
{
    pthread_mutex_t *lock = &worker->torture->lock;
    for (unsigned step = 0; step < STEPS; step++) {
        look(worker);
        pthread_mutex_lock(lock);
        step_of_share(worker);
        pthread_mutex_unlock(lock);
    }
    pthread_mutex_lock(lock);
    while (worker->held > 0)
        give_one(worker);
    pthread_mutex_unlock(lock);
}

/* Take from the thread's own quarter of a word, of which it knows what is free. */
static void take_own(struct worker *worker, uint32_t word, uint16_t *mine)
{
    uint32_t least = word * 64 + worker->number * QUARTER, id = UINT32_MAX;
    int result = gm_ids_take_in(worker->torture->ids, least, least + QUARTER - 1, &id);
    if (*mine == 0xffff) {
        if (result != -ENOSPC)
            error(worker->torture, "an id of a full window", id);
        return;
    }
    uint32_t want = least + (uint32_t)__builtin_ctz(~(unsigned)*mine);
    if (result != 0 || id != want)
        error(worker->torture, "not the lowest of the window, which is", want);
    *mine |= (uint16_t)(1u << (want - least));
    came(worker, want);
    worker->held--; /* mine knows */
}

static void give_own(struct worker *worker, uint32_t word, uint16_t *mine)
{
    uint32_t least = word * 64 + worker->number * QUARTER;
    unsigned bit = (unsigned)gmt_rand_below(&worker->random, QUARTER);
    if ((*mine >> bit & 1) == 0)
        return;
    *mine &= (uint16_t)~(1u << bit);
    goes(worker, least + bit);
    if (gm_ids_give(worker->torture->ids, least + bit) != 0)
        error(worker->torture, "own id cannot be given back", least + bit);
}

/* Words between the first and the last, which are not whole. Nearly full, so that summaries come and go. */
static void keep_apart(struct worker *worker)
{
    const uint32_t low = FIRST / 64 + 1, words = (FIRST + IDS) / 64 - low;
    uint16_t mine[IDS / 64] = {0};
    for (uint32_t word = 0; word < words; word++) {
        for (unsigned i = 0; i < QUARTER; i++)
            take_own(worker, low + word, &mine[word]);
    }
    for (unsigned step = 0; step < STEPS; step++) {
        uint32_t word = (uint32_t)gmt_rand_below(&worker->random, gmt_rand_below(&worker->random, 2) == 0 ? 2 : words);
        if (gmt_rand_below(&worker->random, 2) == 0)
            give_own(worker, low + word, &mine[word]);
        else
            take_own(worker, low + word, &mine[word]);
    }
    for (uint32_t word = 0; word < words; word++) {
        while (mine[word] != 0)
            give_own(worker, low + word, &mine[word]);
    }
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    switch (worker->kind) {
    case SHARE: share(worker); break;
    case APART: keep_apart(worker); break;
    default: own(worker);
    }
    return NULL;
}

/* Nobody else is there: the structure is sound, all ids are free, and they are taken from the lowest up. */
static void audit(struct torture *torture)
{
    struct gm_ids_stats stats;
    const char *wrong = gmt_ids_check(torture->ids);
    if (wrong != NULL)
        error(torture, wrong, 0);
    if (gm_ids_stats_get(torture->ids, &stats) != 0 || stats.taken != 0)
        error(torture, "ids are still taken", stats.taken);
    for (uint32_t want = FIRST; want < FIRST + IDS; want++) {
        uint32_t id = 0;
        if (gm_ids_take(torture->ids, &id) != 0 || id != want)
            error(torture, "alone, and not the lowest, which is", want);
    }
    if (gm_ids_give_range(torture->ids, FIRST, IDS) != 0)
        error(torture, "cannot give all back", 0);
}

static void round_of(struct torture *torture, struct worker *workers, enum kind kind)
{
    pthread_t threads[THREADS];
    torture->ids = torture->of_kind[kind];
    for (unsigned i = 0; i < THREADS; i++) {
        workers[i].kind = kind;
        if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0) {
            fprintf(stderr, "ids_torture: no thread\n");
            exit(1);
        }
    }
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    audit(torture);
}

static int report(const struct torture *torture, const struct worker *workers, uint64_t rounds)
{
    struct worker sum = {.number = 0};
    for (unsigned i = 0; i < THREADS; i++) {
        sum.taken += workers[i].taken;
        sum.given += workers[i].given;
        sum.refused += workers[i].refused;
        sum.groups += workers[i].groups;
    }
    printf("%" PRIu64 " rounds: %" PRIu64 " ids taken, %" PRIu64 " given, %" PRIu64 " groups, %" PRIu64 " refused; %"
           PRIu64 " errors\n", rounds, sum.taken, sum.given, sum.groups, sum.refused, torture->errors);
    bool idle = rounds < KINDS || sum.groups == 0 || sum.refused == 0 || sum.taken != sum.given;
    return torture->errors != 0 || idle ? 1 : 0;
}

int main(int argc, char **argv)
{
    static struct torture torture;
    static struct worker workers[THREADS];
    struct gm_ids_config config = {.first = FIRST, .count = IDS, .numa_node = -1};
    struct gm_ids *shared, *owned;
    time_t end = time(NULL) + (time_t)torture_seconds(DEFAULT_SECONDS);
    uint64_t seed = setting(argc, argv, 1, NULL, 1), rounds = 0;
    int result = gm_ids_create(&config, &shared);
    config.flags = GM_IDS_OWNED;
    if (result != 0 || gm_ids_create(&config, &owned) != 0) {
        fprintf(stderr, "ids_torture: cannot start\n");
        return 1;
    }
    torture.of_kind[SHARE] = torture.of_kind[APART] = shared;
    torture.of_kind[OWNED] = owned;
    pthread_mutex_init(&torture.lock, NULL);
    for (unsigned i = 0; i < THREADS; i++)
        workers[i] = (struct worker){.torture = &torture, .random = gmt_mix(seed) + i, .number = i};
    while (time(NULL) < end && torture.errors == 0)
        round_of(&torture, workers, (enum kind)(rounds++ % KINDS));
    pthread_mutex_destroy(&torture.lock);
    gm_ids_destroy(shared);
    gm_ids_destroy(owned);
    return report(&torture, workers, rounds);
}
