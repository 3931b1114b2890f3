/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does an id cost (A7), of a million: one never used before, and one freed and one allocated while all others are
 * taken? Two threads share the ids half and half, and a few are left free: if all were taken, a search without a lock
 * could miss the one that moves behind its back, and say rightly that none was free all the time. Which thread gets
 * which id is nobody's promise, so what is checked is that no two have the same; for one thread, the sum as well.
 *
 * One thread is asked twice: of an allocator that belongs to it, as the published ones do that are borrowed alone, and
 * of one that others could use as well. Both have the same target.
 */
#include "cases.h"

#include <errno.h>
#include <guestmem/ids.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc_ids.h"

#define IDS (UINT32_C(1) << 20)
#define ORDER ((size_t)1 << 18) /* random slots, gone through again and again */
#define LEFT_FREE UINT32_C(1024) /* between threads that free and allocate */
#define MAX_PLAYERS 6
#define MAX_THREADS 2
#define OWNED UINT64_C(256) /* beside the number of threads: ours is the allocator for one */
#define FRESH "fresh"
#define FREE_ALLOCATE "free-allocate"

struct player {
    const struct bench_ids *ids;
    void *self;
    uint32_t *slots;       /* IDS, a share for each thread */
    const uint32_t *order; /* indices in a share */
    size_t share;
    size_t used[MAX_THREADS]; /* of a thread's share, in fresh; position in order, in pairs */
    int threads;
};

struct players {
    struct player list[MAX_PLAYERS];
    size_t count;
    uint32_t *order;
};

static int reset(struct player *player)
{
    if (player->self != NULL)
        player->ids->destroy(player->self);
    memset(player->used, 0, sizeof(player->used));
    player->self = player->ids->create(IDS);
    return player->self != NULL ? 0 : -ENOMEM;
}

static int start_fresh(void *fixture)
{
    return reset(fixture);
}

/*
 * A thread that has used up its share begins again: alone with new ids, else with its own ones freed, because the other
 * thread is still at work. A repetition with threads is shorter than that by default.
 */
static int next_lap(struct player *player, int thread)
{
    if (player->threads == 1)
        return reset(player);
    player->ids->drop(player->self, player->slots + (size_t)thread * player->share, player->share);
    player->used[thread] = 0;
    return 0;
}

static void fresh(struct bench_run *run)
{
    struct player *player = run->fixture;
    uint32_t *slots = player->slots + (size_t)run->thread * player->share;
    size_t *used = &player->used[run->thread];

    for (uint64_t left = run->iters; left > 0 && !run->wrong;) {
        size_t count = left < player->share - *used ? (size_t)left : player->share - *used;
        struct bench_answer answer;
        player->ids->fresh(player->self, slots + *used, count, &answer);
        run->wrong |= answer.failures != 0;
        if (player->threads == 1) /* count numbers from *used on */
            run->wrong |= answer.sum != (2 * *used + count - 1) * count / 2;
        *used += count;
        left -= count;
        if (*used == player->share && left > 0) {
            uint64_t begin = bench_now_ns();
            run->wrong |= next_lap(player, run->thread) != 0;
            run->excluded_ns += bench_now_ns() - begin;
        }
    }
}

static uint64_t sum_of(const struct player *player, const uint32_t *slots, size_t from, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = from; i < from + count; i++)
        sum += slots[player->order[i]];
    return sum;
}

static void pairs(struct bench_run *run)
{
    struct player *player = run->fixture;
    uint32_t *slots = player->slots + (size_t)run->thread * player->share;
    size_t *at = &player->used[run->thread];

    for (uint64_t left = run->iters; left > 0 && !run->wrong;) {
        size_t count = left < ORDER - *at ? (size_t)left : ORDER - *at;
        uint64_t begin = bench_now_ns(), expected = sum_of(player, slots, *at, count);
        struct bench_answer answer;
        run->excluded_ns += bench_now_ns() - begin;
        player->ids->pairs(player->self, slots, player->order + *at, count, &answer);
        run->wrong |= answer.failures != 0;
        if (player->threads == 1) /* the only free id is the one just freed */
            run->wrong |= answer.sum != expected;
        *at = (*at + count) % ORDER;
        left -= count;
    }
}

/* All that are in use are different: 1. */
static int distinct(const struct player *player, int in_fresh)
{
    unsigned char *seen = calloc(IDS, 1);
    int different = seen != NULL;

    for (int thread = 0; thread < player->threads; thread++) {
        const uint32_t *slots = player->slots + (size_t)thread * player->share;
        size_t count = in_fresh ? player->used[thread] : player->share;
        for (size_t i = 0; i < count && different; i++) {
            different = slots[i] < IDS && !seen[slots[i]];
            if (different)
                seen[slots[i]] = 1;
        }
    }
    free(seen);
    return different;
}

/* A counter that is set back while the other thread counts on does not promise that: the floor may be wrong. */
static int right(const struct player *player, int in_fresh)
{
    return strcmp(player->ids->name, BENCH_FLOOR) == 0 || distinct(player, in_fresh);
}

static void *create_owned(uint32_t count)
{
    const struct gm_ids_config config = {.count = count, .numa_node = -1, .flags = GM_IDS_OWNED};
    struct gm_ids *ids;

    return gm_ids_create(&config, &ids) == 0 ? ids : NULL;
}

/* Ours for one thread: the same calls. */
static const struct bench_ids *ours_owned(void)
{
    static struct bench_ids owned;

    owned = *bench_ids_ours();
    owned.what = "gm_ids_take, gm_ids_give of GM_IDS_OWNED";
    owned.threads = 1;
    owned.create = create_owned;
    return &owned;
}

static int is_fresh(const struct bench_row *row)
{
    return strcmp(row->text, FRESH) == 0;
}

static int threads_of(const struct bench_row *row)
{
    return (int)(row->param & (OWNED - 1));
}

static size_t share_of(const struct bench_row *row)
{
    size_t threads = (size_t)threads_of(row);

    return threads == 1 || is_fresh(row) ? IDS / threads : (IDS - LEFT_FREE) / threads;
}

static int add(struct bench_row *row, struct players *players, struct bench_members *members, const char *name,
               const struct bench_ids *ids)
{
    int threads = threads_of(row);
    struct player *player = &players->list[players->count];
    struct bench_member *member;
    struct bench_answer answer = {0};

    if (players->count == MAX_PLAYERS)
        return -ENOBUFS;
    players->count++;
    *player = (struct player){.ids = ids, .order = players->order, .share = share_of(row), .threads = threads};
    player->slots = calloc(IDS, sizeof(*player->slots));
    if (player->slots == NULL || reset(player) != 0)
        return -ENOMEM;
    memset(player->slots, 0xff, IDS * sizeof(*player->slots)); /* the pages are there before anything is timed */
    if (!is_fresh(row))
        ids->fresh(player->self, player->slots, player->share * (size_t)threads, &answer);
    row->wrong |= answer.failures != 0;
    member = bench_member_add(members, name, is_fresh(row) ? fresh : pairs, player, 1);
    member->threads = threads;
    member->peer = (int)ids->peer;
    member->start = is_fresh(row) ? start_fresh : NULL;
    return 0;
}

static int add_all(struct bench_row *row, struct players *players, struct bench_members *members)
{
    const struct bench_ids *ours = bench_ids_ours();
    int alone = threads_of(row) == 1;
    int result = add(row, players, members, BENCH_FLOOR, alone ? &bench_ids_floor_alone : &bench_ids_floor_shared);

    if (ours != NULL && result == 0)
        result = add(row, players, members, BENCH_OURS, (row->param & OWNED) != 0 ? ours_owned() : ours);
    for (const struct bench_ids *peer = bench_ids_peers(); peer->name != NULL && result == 0; peer++)
        if (alone == (peer->threads == 1)) /* nobody takes a lock to be alone */
            result = add(row, players, members, peer->name, peer);
    return result;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_rng rng = {session->options.seed};
    struct players *players;
    int result;

    if (threads_of(row) > bench_cpu_count())
        return bench_row_skip(row, "needs %d CPUs, this process has %d", threads_of(row), bench_cpu_count());
    row->priv = players = calloc(1, sizeof(*players));
    if (players == NULL)
        return bench_row_skip(row, "no memory");
    players->order = calloc(ORDER, sizeof(*players->order));
    if (players->order == NULL)
        return bench_row_skip(row, "no memory");
    for (size_t i = 0; i < ORDER; i++)
        players->order[i] = (uint32_t)bench_random_below(&rng, share_of(row));
    result = add_all(row, players, members);
    return result == 0 ? 0 : bench_row_skip(row, "cannot make the ids: %s", strerror(-result));
}

static void release(struct bench_row *row)
{
    struct players *players = row->priv;

    for (size_t i = 0; players != NULL && i < players->count; i++) {
        struct player *player = &players->list[i];
        if (player->self != NULL && row->skipped[0] == '\0' && !row->wrong && !right(player, is_fresh(row))) {
            row->wrong = 1;
            snprintf(row->wrong_member, sizeof(row->wrong_member), "%s", player->ids->name);
        }
        if (player->self != NULL)
            player->ids->destroy(player->self);
        free(player->slots);
    }
    if (players != NULL)
        free(players->order);
    free(players);
    row->priv = NULL;
}

static void add_row(struct bench_session *session, const char *kind, uint64_t owned, int threads, double limit)
{
    struct bench_row *row = bench_row_add(session, "A7", "ns", "ids/%s%s/threads:%d", kind,
                                          owned != 0 ? "/owned" : "", threads);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->text = kind;
    row->param = owned | (uint64_t)threads;
    row->planned = 3;
    row->rule = threads == 1 ? BENCH_AT_MOST : BENCH_NO_TARGET;
    row->limit = limit;
    row->no_ours = bench_ids_ours() == NULL ? BENCH_NO_IDS : NULL;
}

void bench_case_alloc_ids(struct bench_session *session)
{
    add_row(session, FRESH, OWNED, 1, 3.5);
    add_row(session, FREE_ALLOCATE, OWNED, 1, 8);
    for (int threads = 1; threads <= MAX_THREADS; threads++) {
        add_row(session, FRESH, 0, threads, 3.5);
        add_row(session, FREE_ALLOCATE, 0, threads, 8);
    }
}
