/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does a write to guest memory pay for being tracked: where its page is dirty already (D1), where it is clean
 * (D2), and for a megabyte at once (D3)? Addresses are drawn from all of the guest, so a small guest's bitmap lies in
 * the first-level cache and a big one's in the second. Where pages have to be clean, rounds begin with cleaning
 * them, untimed.
 */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

#define STORE 8 /* [bytes] */
#define RANGE_PAGES 256
#define MOST_MEMBERS 10
#define SAMPLES 61 /* marks between two that are looked at after a repetition */

enum kind { ALREADY, OFF, CLEAN_WORD, DIRTY_NEIGHBOUR, RANGE };

static const struct {
    const char *id, *name;
    const struct bench_dirty_peer *floor;
    enum bench_rule rule;
    double limit;
} kinds[] = {
    [ALREADY] = {"D1", "already-dirty", &dirty_floor_test, BENCH_AT_MOST, 1.0},
    [OFF] = {"D1", "tracking-off", &dirty_floor_nothing, BENCH_AT_MOST, 0.3},
    [CLEAN_WORD] = {"D2", "clean/word-clean", &dirty_floor_or, BENCH_TIMES_FLOOR, 2.3},
    [DIRTY_NEIGHBOUR] = {"D2", "clean/neighbour-dirty", &dirty_floor_or, BENCH_TIMES_FLOOR, 1.3},
    [RANGE] = {"D3", "256-pages/clean", &dirty_floor_words, BENCH_AT_MOST, 10},
};

struct marker {
    const struct bench_dirty_peer *how;
    void *self;
};

static struct {
    enum kind kind;
    uint64_t pages;
    uint64_t *address, *before; /* marked, and marked before each round; before is NULL where nothing is */
    size_t count;
    uint64_t len;
    struct marker marker[MOST_MEMBERS];
    size_t marker_count;
} now; /* of the row in preparation */

static void shuffle(uint64_t *list, size_t count, struct bench_rng *rng)
{
    for (size_t i = 1; i < count; i++) {
        size_t other = (size_t)bench_random_below(rng, i + 1);
        uint64_t moved = list[i];
        list[i] = list[other];
        list[other] = moved;
    }
}

/* A page for each word, in a random order; neighbours are another page of the same word, in the same order. */
static void draw_words(struct bench_rng *rng)
{
    for (size_t i = 0; i < now.count; i++)
        now.address[i] = (i * DIRTY_WORD + bench_random_below(rng, DIRTY_WORD)) * DIRTY_PAGE;
    shuffle(now.address, now.count, rng);
    for (size_t i = 0; now.before != NULL && i < now.count; i++) {
        uint64_t page = now.address[i] / DIRTY_PAGE, step = 1 + bench_random_below(rng, DIRTY_WORD - 1);
        now.before[i] = (page / DIRTY_WORD * DIRTY_WORD + (page + step) % DIRTY_WORD) * DIRTY_PAGE;
    }
}

/* Ranges that do not touch, at any page: every second 256 pages on average. */
static void draw_ranges(struct bench_rng *rng)
{
    for (size_t i = 0; i < now.count; i++)
        now.address[i] = (i * 2 * RANGE_PAGES + bench_random_below(rng, RANGE_PAGES)) * DIRTY_PAGE;
    shuffle(now.address, now.count, rng);
}

static void draw_stores(struct bench_rng *rng)
{
    for (size_t i = 0; i < now.count; i++)
        now.address[i] = bench_random_below(rng, now.pages * DIRTY_PAGE / STORE) * STORE;
}

static int draw(enum kind kind, uint64_t pages, const struct bench_options *options)
{
    struct bench_rng rng = {options->seed};

    now.kind = kind;
    now.pages = pages;
    now.len = kind == RANGE ? RANGE_PAGES * DIRTY_PAGE : STORE;
    now.count = kind == RANGE                    ? pages / (2 * RANGE_PAGES)
                : kind == ALREADY || kind == OFF ? options->addresses
                                                 : pages / DIRTY_WORD;
    now.address = calloc(now.count, sizeof(*now.address));
    now.before = kind == DIRTY_NEIGHBOUR ? calloc(now.count, sizeof(*now.before)) : NULL;
    if (now.address == NULL || (kind == DIRTY_NEIGHBOUR && now.before == NULL))
        return -1;
    if (kind == RANGE)
        draw_ranges(&rng);
    else if (kind == ALREADY || kind == OFF)
        draw_stores(&rng);
    else
        draw_words(&rng);
    return 0;
}

static int begins_clean(void)
{
    return now.kind != ALREADY && now.kind != OFF;
}

static void begin_round(struct bench_run *run, const struct marker *marker)
{
    uint64_t begin = bench_now_ns();

    bench_counters_pause(run->counters);
    marker->how->clear(marker->self);
    if (now.before != NULL)
        marker->how->mark(marker->self, now.before, now.count, STORE);
    bench_counters_resume(run->counters);
    run->excluded_ns += bench_now_ns() - begin;
}

/* After a round what was marked is dirty; and where only ranges were marked, the page before each is not. */
static int as_marked(const struct marker *marker)
{
    int right = 1;

    for (size_t i = 0; i < now.count; i += SAMPLES) {
        uint64_t first = now.address[i] / DIRTY_PAGE, last = (now.address[i] + now.len - 1) / DIRTY_PAGE;
        right &= marker->how->test(marker->self, first) && marker->how->test(marker->self, last);
        right &= now.kind != RANGE || first == 0 || !marker->how->test(marker->self, first - 1);
    }
    return right;
}

static void mark_body(struct bench_run *run)
{
    const struct marker *marker = run->fixture;
    uint64_t begin = bench_now_ns();

    /* The first pass makes dirty what has to be, and brings the bitmap into the caches. */
    marker->how->mark(marker->self, now.address, now.count, now.len);
    bench_counters_begin(run->counters);
    run->warm_ns = bench_now_ns() - begin;
    for (uint64_t left = run->iters; left >= now.count; left -= now.count) {
        if (begins_clean())
            begin_round(run, marker);
        marker->how->mark(marker->self, now.address, now.count, now.len);
    }
    begin = bench_now_ns();
    bench_counters_pause(run->counters);
    run->wrong |= marker->how->tracks && !as_marked(marker);
    bench_counters_resume(run->counters);
    run->excluded_ns += bench_now_ns() - begin;
}

static int add(struct bench_members *members, const char *name, const struct bench_dirty_peer *how, int peer)
{
    struct marker *marker = &now.marker[now.marker_count];
    struct bench_member *member;

    if (now.marker_count == MOST_MEMBERS)
        return 0;
    *marker = (struct marker){how, how->build(now.pages)};
    if (marker->self == NULL)
        return -1;
    now.marker_count++;
    member = bench_member_add(members, name, mark_body, marker, now.count);
    if (member != NULL)
        member->peer = peer;
    return 0;
}

static int fits(const struct bench_dirty_peer *peer)
{
    return peer->tracks == (now.kind != OFF) && (peer->ranges || now.kind != RANGE);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    enum kind kind = (enum kind)(row->param & 0xff);

    if (draw(kind, row->param >> 8, &session->options) != 0 || add(members, BENCH_FLOOR, kinds[kind].floor, 0) != 0)
        return bench_row_skip(row, "no memory");
    if (add(members, BENCH_OURS, kind == OFF ? dirty_ours_off() : dirty_ours(), 0) != 0)
        return bench_row_skip(row, "no memory for ours");
    for (const struct bench_dirty_peer *peer = bench_dirty_peers(); peer->name != NULL; peer++)
        if (fits(peer) && add(members, peer->name, peer, 1) != 0)
            return bench_row_skip(row, "no memory for %s", peer->name);
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    for (size_t i = 0; i < now.marker_count; i++)
        now.marker[i].how->destroy(now.marker[i].self);
    free(now.address);
    free(now.before);
    memset(&now, 0, sizeof(now));
}

static void add_row(struct bench_session *session, enum kind kind, const char *guest, uint64_t mib)
{
    struct bench_row *row =
        bench_row_add(session, kinds[kind].id, "ns", "dirty/mark/%s/guest:%s", kinds[kind].name, guest);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->param = dirty_pages_of_mib(mib) << 8 | kind;
    row->rule = kinds[kind].rule;
    row->limit = kinds[kind].limit;
    row->planned = 6;
}

void bench_case_dirty_mark(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        add_row(session, (enum kind)i, "512m", 512);
        if (i != OFF)
            add_row(session, (enum kind)i, "16g", 16 * 1024);
    }
}
