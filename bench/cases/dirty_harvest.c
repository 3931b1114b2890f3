/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How long does it take to learn which pages are dirty and to begin anew, without losing a mark made meanwhile: of a
 * guest that is clean (D4), and by how many are dirty (D5)? The pages are drawn from all of the guest, which leaves a
 * bitmap the least to skip.
 *
 * The floor of D4 reads a bitmap of one bit a page once, which a structure with summaries may undercut. That of D5
 * exchanges the words that are dirty, and knows beforehand which.
 */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

#define MOST_MEMBERS 6
#define ALL UINT64_MAX

struct harvester {
    const struct bench_dirty_peer *how;
    void *self;
};

static struct {
    uint64_t pages, dirty; /* how many */
    uint64_t *address;     /* of the dirty ones: one range when all are */
    size_t count;
    uint64_t len;
    struct dirty_bits *bits, *full; /* the floor's, and what it is refilled from */
    uint64_t *words;                /* the indexes of those that are not 0 */
    size_t word_count;
    struct harvester harvester[MOST_MEMBERS];
    size_t harvester_count;
} now; /* of the row in preparation */

static uint64_t pause(struct bench_run *run)
{
    bench_counters_pause(run->counters);
    return bench_now_ns();
}

static void resume(struct bench_run *run, uint64_t since)
{
    run->excluded_ns += bench_now_ns() - since;
    bench_counters_resume(run->counters);
}

/* What the harvest says is looked at when it is not timed; freeing it is timed. */
static void harvest_body(struct bench_run *run)
{
    const struct harvester *harvester = run->fixture;
    const struct bench_dirty_peer *how = harvester->how;

    bench_counters_begin(run->counters);
    for (uint64_t i = 0; i < run->iters; i++) {
        uint64_t since = pause(run);
        how->mark(harvester->self, now.address, now.count, now.len);
        resume(run, since);
        void *harvest = how->harvest(harvester->self);
        since = pause(run);
        run->wrong |= how->harvested(harvest, NULL, 0) != now.dirty;
        resume(run, since);
        how->drop(harvest);
    }
}

static void scan_body(struct bench_run *run)
{
    bench_counters_begin(run->counters);
    for (uint64_t i = 0; i < run->iters; i++)
        run->wrong |= dirty_scan(now.bits);
}

static uint64_t exchange_all(void)
{
    uint64_t any = 0;

    for (size_t i = 0; i < now.word_count; i++)
        any += __atomic_exchange_n(&now.bits->word[now.words[i]], 0, __ATOMIC_ACQ_REL);
    return any;
}

static void exchange_body(struct bench_run *run)
{
    uint64_t expected = 0;

    for (size_t i = 0; i < now.word_count; i++)
        expected += now.full->word[now.words[i]];
    bench_counters_begin(run->counters);
    for (uint64_t i = 0; i < run->iters; i++) {
        uint64_t since = pause(run);
        for (size_t j = 0; j < now.word_count; j++)
            now.bits->word[now.words[j]] = now.full->word[now.words[j]];
        resume(run, since);
        run->wrong |= exchange_all() != expected;
    }
}

/* Pages that are drawn twice count once: the floor's bitmap says how many there are. */
static int draw(uint64_t pages, uint64_t one_in, uint64_t seed)
{
    struct bench_rng rng = {seed};

    now.pages = pages;
    now.count = one_in == ALL ? 0 : one_in == 1 ? 1 : pages / one_in;
    now.len = one_in == 1 ? pages * DIRTY_PAGE : DIRTY_PAGE;
    now.address = calloc(now.count + 1, sizeof(*now.address));
    now.bits = dirty_floor_words.build(pages);
    now.full = dirty_floor_words.build(pages);
    if (now.address == NULL || now.bits == NULL || now.full == NULL)
        return -1;
    for (size_t i = 0; i < now.count && one_in != 1; i++)
        now.address[i] = bench_random_below(&rng, pages) * DIRTY_PAGE;
    dirty_floor_words.mark(now.full, now.address, now.count, now.len);
    now.words = calloc(now.full->count, sizeof(*now.words));
    for (size_t i = 0; now.words != NULL && i < now.full->count; i++) {
        now.dirty += (uint64_t)__builtin_popcountll(now.full->word[i]);
        if (now.full->word[i] != 0)
            now.words[now.word_count++] = i;
    }
    return now.words != NULL ? 0 : -1;
}

static int add(struct bench_members *members, const char *name, const struct bench_dirty_peer *how, int peer)
{
    struct harvester *harvester = &now.harvester[now.harvester_count];
    struct bench_member *member;

    if (now.harvester_count == MOST_MEMBERS)
        return 0;
    *harvester = (struct harvester){how, how->build(now.pages)};
    if (harvester->self == NULL)
        return -1;
    now.harvester_count++;
    member = bench_member_add(members, name, harvest_body, harvester, 1);
    if (member != NULL)
        member->peer = peer;
    return 0;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    uint64_t one_in = row->param;
    uint64_t mib = strcmp(row->text, "1t") == 0 ? UINT64_C(1) << 20 : UINT64_C(256) << 10;

    if (draw(dirty_pages_of_mib(mib), one_in, session->options.seed) != 0)
        return bench_row_skip(row, "no memory");
    bench_member_add(members, BENCH_FLOOR, one_in == ALL ? scan_body : exchange_body, NULL, 1);
    if (add(members, BENCH_OURS, dirty_ours(), 0) != 0)
        return bench_row_skip(row, "no memory for ours");
    for (const struct bench_dirty_peer *peer = bench_dirty_peers(); peer->name != NULL; peer++)
        if (peer->harvests && add(members, peer->name, peer, 1) != 0)
            return bench_row_skip(row, "no memory for %s", peer->name);
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    for (size_t i = 0; i < now.harvester_count; i++)
        now.harvester[i].how->destroy(now.harvester[i].self);
    if (now.bits != NULL)
        dirty_floor_words.destroy(now.bits);
    if (now.full != NULL)
        dirty_floor_words.destroy(now.full);
    free(now.address);
    free(now.words);
    memset(&now, 0, sizeof(now));
}

static void add_row(struct bench_session *session, const char *what, uint64_t one_in, const char *guest,
                    enum bench_rule rule, double limit)
{
    struct bench_row *row =
        bench_row_add(session, one_in == ALL ? "D4" : "D5", "ns", "dirty/harvest/%s/guest:%s", what, guest);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->param = one_in;
    row->text = guest;
    row->rule = rule;
    row->limit = limit;
    row->planned = 4;
}

void bench_case_dirty_harvest(struct bench_session *session)
{
    add_row(session, "clean", ALL, "256g", BENCH_AT_MOST, 10e3);
    add_row(session, "clean", ALL, "1t", BENCH_AT_MOST, 20e3);
    add_row(session, "dirty:1-in-10000", 10000, "256g", BENCH_AT_MOST, 100e3);
    add_row(session, "dirty:1-in-100", 100, "256g", BENCH_AT_MOST, 1000e3);
    add_row(session, "dirty:all", 1, "256g", BENCH_TIMES_FLOOR, 1.2);
}
