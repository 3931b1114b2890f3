/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The calls of the interpreter, each beside what the oracle makes of it. */
#include "lib/dirty_ops.h"

#include <errno.h>
#include <guestmem/dirty_harvest.h>
#include <guestmem/dirty_merge.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stream.h"

#define PAGES_MOST 9000 /* three words of level 1 */
#define VIEWS 3         /* the bitmap's own, and two consumers */
#define LIVE VIEWS      /* what nobody has taken */
#define ANY UINT64_MAX

/* Which pages are dirty for whom, and what the harvest that runs has handed out. */
struct play {
    struct gmt_stream in;
    struct gm_dirty *dirty;
    struct gm_dirty_consumer *consumer[VIEWS]; /* 0: NULL */
    uint64_t pages, pages_most;
    unsigned shift;
    bool on[VIEWS], shared; /* on: the bitmap's switch, and consumers; shared: its view has words of its own */
    uint8_t is[VIEWS + 1][PAGES_MOST + 64], got[PAGES_MOST + 64];
    uint64_t room, after; /* the callback deals with so many ranges; pages up to after were handed out */
    struct gmt_dirty_report *report;
};

static void wrong(struct play *play, const char *what)
{
    if (play->report->wrong == NULL)
        play->report->wrong = what;
}

/* Do marks count? */
static bool any_on(const struct play *play)
{
    return play->on[0] || play->on[1] || play->on[2];
}

/* Pages first..end-1 that exist become dirty for those that are on, or clean for all. */
static void set_all(struct play *play, uint64_t first, uint64_t end, uint8_t value)
{
    for (uint64_t page = first; page < end && page < play->pages; page++) {
        play->is[LIVE][page] = value;
        for (unsigned view = 0; view < VIEWS; view++) {
            if (value == 0 || view == 0 || play->on[view])
                play->is[view][page] = value;
        }
    }
}

static uint64_t pick_page(struct play *play)
{
    return gmt_pick(&play->in, 2) == 0 ? gmt_pick(&play->in, 200) : gmt_pick(&play->in, play->pages_most + 70);
}

static uint64_t pick_count(struct play *play)
{
    switch (gmt_pick(&play->in, 3)) {
    case 0: return 0;
    case 1: return gmt_pick(&play->in, 140);
    default: return gmt_pick(&play->in, play->pages_most);
    }
}

/* A range of bytes that touches pages *first..*end-1. */
static void pick_range(struct play *play, uint64_t *from, uint64_t *len, uint64_t *first, uint64_t *end)
{
    uint64_t in = gmt_pick(&play->in, UINT64_C(1) << play->shift);
    *first = pick_page(play);
    *from = (*first << play->shift) + in;
    *len = (pick_count(play) << play->shift) + gmt_pick(&play->in, UINT64_C(1) << play->shift);
    *end = *len == 0 ? *first : ((*from + *len - 1) >> play->shift) + 1;
}

static void mark(struct play *play)
{
    uint64_t from, len, first, end;
    pick_range(play, &from, &len, &first, &end);
    int want = any_on(play) && len != 0 && end > play->pages ? -ERANGE : 0;
    if (gm_dirty_mark(play->dirty, from, len) != want)
        wrong(play, "mark: result");
    if (any_on(play) && len != 0)
        set_all(play, first, end, 1);
}

static void clear(struct play *play)
{
    uint64_t from, len, first, end;
    pick_range(play, &from, &len, &first, &end);
    int want = len != 0 && end > play->pages ? -ERANGE : 0;
    if (gm_dirty_clear(play->dirty, from, len) != want)
        wrong(play, "clear: result");
    uint64_t page_size = UINT64_C(1) << play->shift;
#ifdef GM_FUZZ_CANARY /* tests/fuzz/dirty_fuzz.c */
    len = (len + page_size - 1) & ~(page_size - 1);
#endif
    set_all(play, (from + page_size - 1) >> play->shift, (from + len) >> play->shift, 0);
}

static unsigned pick_view(struct play *play)
{
    unsigned view = (unsigned)gmt_pick(&play->in, VIEWS);
    return view != 0 && play->consumer[view] == NULL ? 0 : view;
}

static void put_back(struct play *play)
{
    uint64_t from, len, first, end;
    unsigned view = pick_view(play);
    pick_range(play, &from, &len, &first, &end);
    int want = len != 0 && end > play->pages ? -ERANGE : 0;
    if (gm_dirty_put_back(play->dirty, play->consumer[view], from, len) != want)
        wrong(play, "put back: result");
    for (uint64_t page = first; page < end && page < play->pages; page++) {
        play->is[view][page] = 1;
        if (view == 0 && !play->shared)
            play->is[LIVE][page] = 1;
    }
}

static size_t got_ranges(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct play *play = arg;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].first >> play->shift, pages = ranges[i].len >> play->shift;
        if (play->room == 0)
            return i;
        play->room--;
        if (pages == 0 || pages << play->shift != ranges[i].len || first + pages > play->pages ||
            (play->after != ANY && first <= play->after))
            wrong(play, "harvest: ranges touch, go back or lie outside");
        else
            memset(&play->got[first], 1, pages);
        play->after = first + pages;
    }
    return count;
}

/* What was handed out of [first, end) is what was dirty; then it is so no more. gap: pages that may be bridged. */
static void compare_taken(struct play *play, unsigned view, uint64_t first, uint64_t end, uint64_t gap)
{
    uint64_t clean = 0;
    for (uint64_t page = 0; page < play->pages; page++) {
        bool inside = page >= first && page < end, want = inside && play->is[view][page];
        clean = want ? 0 : clean + 1;
        if (want && !play->got[page])
            wrong(play, "harvest: a dirty page is missing");
        if (play->got[page] && !want && (!inside || clean > gap))
            wrong(play, "harvest: a clean page was handed out");
        play->report->pages_taken += want;
        if (inside)
            play->is[view][page] = 0;
        if (inside && (view == 0 || play->on[view]))
            play->is[LIVE][page] = 0;
    }
}

static void harvest(struct play *play)
{
    uint64_t from, len, first, end, next = 1;
    unsigned view = pick_view(play);
    pick_range(play, &from, &len, &first, &end);
    uint64_t gap = gmt_pick(&play->in, 3), budget = gmt_pick(&play->in, 3) == 0 ? 1 + gmt_pick(&play->in, 300) : 0;
    if (gmt_pick(&play->in, 3) == 0)
        from = first = 0, len = ANY, end = play->pages;
    const struct gm_dirty_request request = {.first = from, .len = len, .gap = gap << play->shift, .budget = budget,
                                             .consumer = play->consumer[view]};
    memset(play->got, 0, sizeof(play->got));
    play->after = play->room = ANY;
    if (gm_dirty_harvest(play->dirty, &request, got_ranges, play, &next) != 0)
        wrong(play, "harvest: result");
    if (budget == 0 && next != ANY)
        wrong(play, "harvest: not the whole window");
    if (next != ANY) {
        play->report->slices++;
        end = next >> play->shift;
    }
    compare_taken(play, view, first, end < play->pages ? end : play->pages, gap);
}

/* The callback gives up after some ranges: those are clean, the rest is as it was. */
static void harvest_refused(struct play *play)
{
    const uint64_t room = gmt_pick(&play->in, 40);
    unsigned view = pick_view(play);
    const struct gm_dirty_request request = {.len = ANY, .consumer = play->consumer[view]};
    uint64_t next = 1, cut = 0, runs = 0;
    while (cut < play->pages && runs <= room) { /* to the end of the last run that is dealt with */
        if (play->is[view][cut] && (cut == 0 || !play->is[view][cut - 1]) && runs++ == room)
            break;
        cut++;
    }
    memset(play->got, 0, sizeof(play->got));
    play->after = ANY;
    play->room = room;
    int result = gm_dirty_harvest(play->dirty, &request, got_ranges, play, &next);
    if (result != (runs > room ? -ECANCELED : 0) || (next == 1) != (result != 0))
        wrong(play, "refused harvest: result");
    play->report->refused += result != 0;
    compare_taken(play, view, 0, cut, 0);
    for (uint64_t page = cut; page < play->pages && (view == 0 || play->on[view]); page++) /* taken too, and returned */
        play->is[LIVE][page] = view == 0 && !play->shared ? play->is[view][page] : 0;
}

static void harvest_words(struct play *play)
{
    const uint64_t first = pick_page(play), count = pick_count(play);
    uint64_t words[PAGES_MOST / 64 + 3] = {0}, done = 0, next = 1;
    unsigned view = pick_view(play);
    struct gm_dirty_request request = {.first = first << play->shift,
                                       .len = count << play->shift,
                                       .budget = gmt_pick(&play->in, 3) == 0 ? 1 + gmt_pick(&play->in, 300) : 0,
                                       .consumer = play->consumer[view]};
    while (next != ANY && play->report->wrong == NULL) {
        if (gm_dirty_harvest_words(play->dirty, &request, words + done, PAGES_MOST / 64 + 3 - done, &next) != 0 ||
            (next != ANY && (request.budget == 0 || next <= request.first)))
            wrong(play, "harvest of words: result");
        done = ((next >> play->shift) - first) / 64;
        request.len = ((first + count) << play->shift) - next;
        request.first = next;
        play->report->slices += next != ANY;
    }
    memset(play->got, 0, sizeof(play->got));
    for (uint64_t i = 0; i < count && first + i < play->pages; i++)
        play->got[first + i] = words[i / 64] >> i % 64 & 1;
    compare_taken(play, view, first, first + count, 0);
}

/* What is left in a log is what stands for pages that are not there, and bits before the first. */
static void compare_left(struct play *play, const uint8_t *was, const struct gm_dirty_log *log, uint64_t page)
{
    const uint8_t *now = log->bits;
    for (uint64_t bit = 0; bit < log->first + log->count; bit++) {
        bool left = bit < log->first || page + bit - log->first >= play->pages;
        if ((now[bit / 8] >> bit % 8 & 1) != (left ? was[bit / 8] >> bit % 8 & 1 : 0))
            wrong(play, "drain: what is left");
    }
}

static void merge(struct play *play)
{
    uint8_t bits[80], was[sizeof(bits)];
    const size_t bytes = 1 + gmt_pick(&play->in, sizeof(bits));
    const uint64_t first = gmt_pick(&play->in, bytes * 8), page = pick_page(play);
    const struct gm_dirty_log log = {.bits = bits, .first = first, .count = bytes * 8 - first,
                                     .page_shift = play->shift, .to = page << play->shift};
    bool beyond = false;
    for (size_t i = 0; i < bytes; i++)
        bits[i] = (uint8_t)gmt_take(&play->in, 1);
    for (uint64_t i = 0; i < log.count; i++) {
        bool set = bits[(first + i) / 8] >> (first + i) % 8 & 1;
        beyond |= set && page + i >= play->pages;
        if (set)
            set_all(play, page + i, page + i + 1, 1);
    }
    memcpy(was, bits, bytes);
    bool drain = gmt_pick(&play->in, 2) == 0;
    if ((drain ? gm_dirty_drain(play->dirty, &log) : gm_dirty_merge(play->dirty, &log)) != (beyond ? -ERANGE : 0))
        wrong(play, "merge: result");
    if (drain)
        compare_left(play, was, &log, page);
    else if (memcmp(was, bits, bytes) != 0)
        wrong(play, "merge: the log has changed");
    *(drain ? &play->report->drained : &play->report->merged) += 1;
}

static void consumers(struct play *play)
{
    unsigned view = 1 + (unsigned)gmt_pick(&play->in, VIEWS - 1);
    if (play->consumer[view] != NULL) {
        gm_dirty_consumer_destroy(play->dirty, play->consumer[view]);
        play->consumer[view] = NULL;
        play->on[view] = false;
    } else if (gm_dirty_consumer_create(play->dirty, &play->consumer[view]) != 0) {
        wrong(play, "no consumer");
    } else {
        memcpy(play->is[view], play->is[LIVE], sizeof(play->is[view]));
        play->on[view] = play->shared = true;
    }
}

/* Who is on again has what nobody has taken. */
static void switch_view(struct play *play)
{
    unsigned view = pick_view(play);
    struct gm_dirty_consumer *consumer = play->consumer[view];
    bool on = play->on[view] = !play->on[view];
    struct gm_dirty_stats stats;
    int result;
    if (view == 0)
        result = on ? gm_dirty_enable(play->dirty) : gm_dirty_disable(play->dirty);
    else
        result = on ? gm_dirty_consumer_enable(play->dirty, consumer)
                    : gm_dirty_consumer_disable(play->dirty, consumer);
    for (uint64_t page = 0; view != 0 && on && page < play->pages; page++)
        play->is[view][page] |= play->is[LIVE][page];
    if (view != 0 && !on) /* handed on to all that are on */
        memset(play->is[LIVE], 0, sizeof(play->is[LIVE]));
    if (result != 0 || gm_dirty_stats_get(play->dirty, &stats) != 0 || (stats.is_on != 0) != any_on(play))
        wrong(play, "on or off: result");
}

static void change(struct play *play)
{
    uint64_t pages = play->pages + gmt_pick(&play->in, 300);
    switch (gmt_pick(&play->in, 3)) {
    case 0: switch_view(play); break;
    case 1:
        if (gm_dirty_extend(play->dirty, pages << play->shift) != (pages > play->pages_most ? -ERANGE : 0))
            wrong(play, "extend: result");
        if (pages <= play->pages_most)
            play->pages = pages;
        break;
    default: consumers(play); break;
    }
}

/* What each view has of a window. */
static void count_views(struct play *play)
{
    uint64_t from, len, first, end, count;
    pick_range(play, &from, &len, &first, &end);
    for (unsigned view = 0; view < VIEWS; view++) {
        uint64_t want = 0;
        if (view != 0 && play->consumer[view] == NULL)
            continue;
        for (uint64_t page = first; page < end && page < play->pages; page++)
            want += play->is[view][page];
        if (gm_dirty_consumer_count(play->dirty, play->consumer[view], from, len, &count) != 0 || count != want)
            wrong(play, "count of a view");
    }
}

static void look(struct play *play)
{
    uint64_t count = 0, at = 0;
    for (uint64_t page = 0; page < play->pages; page++) {
        if (gm_dirty_is_marked(play->dirty, page << play->shift) != play->is[LIVE][page])
            wrong(play, "look: a page");
        count += play->is[LIVE][page];
    }
    if (gm_dirty_count(play->dirty, 0, ANY) != count)
        wrong(play, "count");
    for (; gm_dirty_next(play->dirty, at, &at) == 0; at += UINT64_C(1) << play->shift)
        count--;
    if (count != 0)
        wrong(play, "next: how many");
}

static void step(struct play *play)
{
    switch (gmt_pick(&play->in, 16)) {
    case 0: clear(play); break;
    case 1: put_back(play); break;
    case 2:
    case 3: harvest(play); break;
    case 4: harvest_words(play); break;
    case 5: harvest_refused(play); break;
    case 6:
    case 7: merge(play); break;
    case 8: change(play); break;
    case 9: look(play); break;
    case 10: count_views(play); break;
    default: mark(play); break;
    }
}

int gmt_dirty_ops_run(const uint8_t *bytes, size_t len, struct gmt_dirty_report *report)
{
    struct play *play = calloc(1, sizeof(*play));
    memset(report, 0, sizeof(*report));
    if (play == NULL)
        return -ENOMEM;
    play->in = (struct gmt_stream){.bytes = bytes, .len = len};
    play->report = report;
    play->shift = gmt_pick(&play->in, 3) == 0 ? 14 : 12;
    play->pages_most = 1 + gmt_pick(&play->in, PAGES_MOST);
    play->pages = 1 + gmt_pick(&play->in, play->pages_most);
    play->on[0] = true;
    const struct gm_dirty_config config = {.size = play->pages << play->shift,
                                           .size_most = play->pages_most << play->shift,
                                           .page_shift = play->shift,
                                           .numa_node = -1,
                                           .flags = GM_DIRTY_ON | (gmt_once_in(&play->in, 3) ? GM_DIRTY_LOCKED : 0)};
    int error = gm_dirty_create(&config, &play->dirty);
    while (error == 0 && !gmt_stream_done(&play->in) && report->wrong == NULL) {
        step(play);
        report->ops++;
    }
    if (error == 0 && report->wrong == NULL)
        look(play);
    gm_dirty_destroy(play->dirty);
    free(play);
    return error;
}
