/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What is counted of allocators, not timed: whether they find the only gap that is exactly as long as the request and
 * aligned (A4), how many ranges ours looks at on the loads that are made to mislead it (A6), and how many bytes it
 * holds for each range (A8).
 */
#include "cases.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/arena_query.h>

#include "alloc.h"

#define UNITS 1024 /* of each load, enough for whatever it repeats */
#define GAPS 100
#define MIB (UINT64_C(1) << 20)
#define BASE (UINT64_C(64) << 30)
#define PERIOD (8 * MIB)
#define BYTES_PER_RANGE 72
#define SMALL_ENOUGH_FOR_QUICK 50000

static const size_t sizes[] = {100, 1000, 10000, 50000, 1000000};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static const enum bench_load_kind misleading[] = {
    BENCH_LOAD_CHECKERBOARD, BENCH_LOAD_NO_FIT, BENCH_LOAD_HIGH_WINDOW, BENCH_LOAD_FIXED, BENCH_LOAD_NATURAL_TRAP,
    BENCH_LOAD_TRAP, BENCH_LOAD_LOW_WINDOW, BENCH_LOAD_LOW_WINDOW_HIGHEST, BENCH_LOAD_CHECKERBOARD_HIGHEST,
    BENCH_LOAD_WINDOW_EDGES, BENCH_LOAD_CHURN, BENCH_LOAD_IOVA};

static void counted(struct bench_row *row, double value)
{
    row->has_ours = 1;
    row->ours = value;
    row->ours_min = -1;
}

/* ---- one arena under one load -------------------------------------------------------------------------- */

static int played(const struct bench_load *load, struct gm_arena_stats *stats)
{
    const struct bench_arena *ours = bench_arena_ours();
    uint64_t *slots = calloc(load->slots, sizeof(*slots));
    void *arena = ours->create(load->base, load->size);
    struct bench_answer answer;
    size_t units = load->units < UNITS ? load->units : UNITS;
    int result = arena != NULL && slots != NULL ? 0 : -ENOMEM;

    if (result == 0)
        result = ours->place(arena, load->placed, load->placed_count);
    if (result == 0) {
        bench_load_slots(load, slots);
        ours->replay(arena, load->requests, load->ops, units * load->per_unit, slots, &answer);
        result = -EILSEQ;
        if (bench_load_right(load, 0, units, &answer))
            result = gm_arena_stats_get(bench_arena_in_ours(arena), stats);
    }
    if (arena != NULL)
        ours->destroy(arena);
    free(slots);
    return result;
}

static int prepare_played(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_load *load = NULL;
    struct gm_arena_stats stats;
    int result;

    (void)members;
    if (row->skipped[0] != '\0')
        return 1;
    result = bench_load_make((enum bench_load_kind)(row->param >> 32), (uint32_t)row->param, session->options.seed,
                             &load);
    if (result == 0)
        result = played(load, &stats);
    bench_load_free(load);
    row->wrong = result == -EILSEQ;
    if (row->wrong)
        snprintf(row->wrong_member, sizeof(row->wrong_member), "%s", BENCH_OURS);
    if (result != 0)
        return bench_row_skip(row, "cannot play the load: %s", strerror(-result));
    if (strcmp(row->id, "A6") == 0 && stats.tree == 0)
        row->rule = BENCH_NO_TARGET; /* few are an array, which is gone through */
    counted(row, strcmp(row->id, "A6") == 0 ? (double)stats.visited_most : (double)stats.bytes / (double)stats.ranges);
    return 0;
}

static struct bench_row *add(struct bench_session *session, const char *id, const char *unit, const char *what,
                             const char *load)
{
    struct bench_row *row = bench_row_add(session, id, unit, "allocate/%s/%s", what, load);

    if (row != NULL) {
        row->value = BENCH_COUNTED;
        row->rule = BENCH_AT_MOST;
        row->planned = 0;
        row->no_ours = bench_arena_ours() == NULL ? BENCH_NO_ARENA : NULL;
    }
    return row;
}

static void add_played(struct bench_session *session, const char *id, enum bench_load_kind kind, size_t n, double limit)
{
    int visited = strcmp(id, "A6") == 0;
    char name[64];
    struct bench_row *row;

    snprintf(name, sizeof(name), "%s/ranges:%zu", bench_load_name(kind), n);
    row = add(session, id, visited ? "visits" : "bytes", visited ? "visited" : "bytes-per-range", name);
    if (row == NULL)
        return;
    row->prepare = prepare_played;
    row->param = (uint64_t)kind << 32 | n;
    row->limit = limit;
    if (n > SMALL_ENOUGH_FOR_QUICK && strcmp(session->effort->name, "quick") == 0)
        (void)bench_row_skip(row, "more than %d ranges are not for --quick", SMALL_ENOUGH_FOR_QUICK);
}

/* ---- the only gap -------------------------------------------------------------------------------------- */

/* All gaps hold the size, and all but the one in the middle only where it is not aligned. */
static size_t lay_out(struct bench_extent *placed, uint64_t size, uint64_t *gap)
{
    uint64_t from = BASE;

    for (size_t i = 0; i < GAPS; i++) {
        int only = i == GAPS / 2;
        uint64_t to = BASE + (i + 1) * PERIOD + (only ? 0 : BENCH_PAGE);
        placed[i] = (struct bench_extent){from, to - from};
        from = to + size;
        *gap = only ? to : *gap;
    }
    placed[GAPS] = (struct bench_extent){from, PERIOD};
    return GAPS + 1;
}

/* The window: everything, the gap, or a page more on each side. */
static int missed(const struct bench_arena *arena, uint64_t size, uint32_t policy, unsigned window)
{
    struct bench_extent placed[GAPS + 1];
    uint64_t gap = 0, address = 0, all = (GAPS + 3) * PERIOD;
    size_t count = lay_out(placed, size, &gap);
    struct bench_request request = {.size = size, .align = 2 * MIB, .min = BASE, .max = BASE + all - 1};
    void *self = arena->create(BASE, all);
    int result;

    request.policy = policy;
    if (window != 0) {
        request.min = gap - (window - 1) * BENCH_PAGE;
        request.max = gap + size + (window - 1) * BENCH_PAGE - 1;
    }
    placed[count - 1].size = BASE + all - placed[count - 1].address;
    if (self == NULL)
        return 1;
    result = arena->place(self, placed, count);
    if (result == 0)
        result = arena->alloc(self, &request, &address);
    arena->destroy(self);
    return result != 0 || address != gap;
}

/* Of what the arena can be asked for. */
static unsigned all_missed(const struct bench_arena *arena)
{
    const uint64_t lengths[] = {2 * MIB, 384 * BENCH_PAGE}; /* natural, and not */
    unsigned count = 0;

    for (size_t i = 0; i < 2; i++)
        for (uint32_t policy = BENCH_LOWEST; policy <= BENCH_HIGHEST; policy++)
            for (unsigned window = 0; window < 3; window++) {
                if ((policy == BENCH_HIGHEST && !bench_arena_can(arena, BENCH_CAN_HIGHEST)) ||
                    (policy == BENCH_LOWEST && (arena->can & BENCH_NOT_LOWEST) != 0) ||
                    (window != 0 && !bench_arena_can(arena, BENCH_CAN_WINDOW)))
                    continue;
                count += (unsigned)missed(arena, lengths[i], policy, window);
            }
    return count;
}

static void add_rival(struct bench_row *row, const struct bench_arena *arena)
{
    struct bench_rival *rival = &row->rivals[row->rival_count++];

    snprintf(rival->name, sizeof(rival->name), "%s", arena->name);
    rival->peer = (int)arena->peer;
    rival->ns = rival->min = all_missed(arena);
}

static int prepare_only_gap(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    (void)session;
    (void)members;
    if (bench_arena_ours() != NULL)
        counted(row, all_missed(bench_arena_ours()));
    for (const struct bench_arena *const *rival = bench_arena_rivals; *rival != NULL; rival++)
        add_rival(row, *rival);
    for (const struct bench_arena *peer = bench_arena_peers(); peer->name != NULL; peer++)
        add_rival(row, peer);
    return 0;
}

void bench_case_alloc_counted(struct bench_session *session)
{
    struct bench_row *row = add(session, "A4", "missed", "only-gap", "of:12");

    if (row != NULL)
        row->prepare = prepare_only_gap;
    for (size_t i = 0; i < sizeof(misleading) / sizeof(misleading[0]); i++)
        for (size_t j = 0; j < SIZES; j++)
            add_played(session, "A6", misleading[i], sizes[j], 3 * log2((double)sizes[j]) + 8);
    for (size_t j = 1; j < SIZES; j++)
        add_played(session, "A8", BENCH_LOAD_CHURN, sizes[j], BYTES_PER_RANGE);
}
