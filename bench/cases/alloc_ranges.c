/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost to allocate a range of addresses, and to free it again: in an arena that fills up (A1), where the
 * one place that fits is hard to find (A2), where alignment and windows hide it (A3), and where blocks come and go
 * (A5)? lib/load.h says what each load is; a unit is a pair of an allocation and its free, but for filling and for the
 * request that nothing fits, which have no free. Small arenas stand beside a plain sorted array: what is good for a
 * million ranges must not be bad for sixteen.
 */
#include "cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define SMALL_ENOUGH_FOR_QUICK 10000
#define QUICK 1000 /* the one size that --quick has of loads beyond the first ones */
#define SMALL 500 /* ranges: the target is what anybody writes first */
#define VMM_RANGES 884 /* 64 functions with 6 BARs, 500 memory slots */

/* Of so many ranges; the target is that of the next number for which one is set. */
struct limit {
    size_t n;
    double ns;
};

struct question {
    const char *id;
    enum bench_load_kind kind;
    struct limit limits[3]; /* ends with n 0 */
    int beyond;             /* the first ones, which --quick has of two sizes */
};

static const size_t sizes[] = {100, 1000, 10000, 50000, 1000000};
static const size_t churn_sizes[] = {16, 100, 500, 1000, 10000, 50000, 1000000};
static const size_t vmm_sizes[] = {VMM_RANGES};

static const struct question questions[] = {
    {"A1", BENCH_LOAD_BUMP, {{1000000, 60}}, 0},
    {"A1", BENCH_LOAD_PACKED, {{0}}, 0},
    {"A1", BENCH_LOAD_PACKED_HIGHEST, {{0}}, 0},
    {"A2", BENCH_LOAD_CHECKERBOARD, {{50000, 600}, {1000000, 1200}}, 0},
    {"A2", BENCH_LOAD_NO_FIT, {{1000000, 20}}, 0},
    {"A2", BENCH_LOAD_HIGH_WINDOW, {{50000, 600}, {1000000, 1200}}, 0},
    {"A2", BENCH_LOAD_FIXED, {{50000, 600}, {1000000, 1200}}, 0},
    {"A3", BENCH_LOAD_NATURAL_TRAP, {{50000, 700}, {1000000, 1500}}, 0},
    {"A3", BENCH_LOAD_TRAP, {{50000, 700}, {1000000, 1500}}, 0},
    {"A3", BENCH_LOAD_LOW_WINDOW, {{50000, 700}, {1000000, 1500}}, 0},
    {"A3", BENCH_LOAD_LOW_WINDOW_HIGHEST, {{50000, 700}, {1000000, 1500}}, 0},
    {"A5", BENCH_LOAD_CHURN, {{1000, 250}, {10000, 350}, {1000000, 900}}, 0},
    {"A2", BENCH_LOAD_CHECKERBOARD_HIGHEST, {{50000, 600}, {1000000, 1200}}, 1},
    {"A3", BENCH_LOAD_WINDOW_EDGES, {{0}}, 1},
    {"A3", BENCH_LOAD_CLASSES, {{0}}, 1},
    {"A5", BENCH_LOAD_IOVA, {{0}}, 1},
    {"A5", BENCH_LOAD_VMM, {{0}}, 1},
};

/* Kind and number of a row, in its parameter. */
static uint64_t param_of(enum bench_load_kind kind, size_t n)
{
    return (uint64_t)kind << 32 | n;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_players *players;
    int result = -ENOMEM;

    if (row->skipped[0] != '\0')
        return 1;
    row->priv = players = calloc(1, sizeof(*players));
    if (players != NULL)
        result = bench_load_make((enum bench_load_kind)(row->param >> 32), (uint32_t)row->param,
                                 session->options.seed, &players->load);
    if (result == 0)
        result = bench_players_add(players, members);
    return result == 0 ? 0 : bench_row_skip(row, "cannot fill the arenas: %s", strerror(-result));
}

static void release(struct bench_row *row)
{
    if (row->priv != NULL)
        bench_players_free(row->priv);
    row->priv = NULL;
}

static void aim(struct bench_row *row, const struct question *question, size_t n)
{
    if (n <= SMALL) {
        row->rule = BENCH_TIMES_RIVAL;
        row->limit = 1;
        row->beside = bench_arena_sorted_array.name;
        return;
    }
    for (const struct limit *limit = question->limits; limit->n != 0; limit++) {
        if (n > limit->n)
            continue;
        row->rule = BENCH_AT_MOST;
        row->limit = limit->ns;
        return;
    }
}

/* Floor, ours, re-implementations, and the peers. */
static unsigned members_expected(void)
{
    unsigned count = bench_arena_ours() != NULL ? 2 : 1;

    for (const struct bench_arena *const *rival = bench_arena_rivals; *rival != NULL; rival++)
        count++;
    for (const struct bench_arena *peer = bench_arena_peers(); peer->name != NULL; peer++)
        count++;
    return count;
}

static struct bench_row *add(struct bench_session *session, const struct question *question, const char *name, size_t n)
{
    struct bench_row *row = bench_row_add(session, question->id, "ns", "allocate/%s/ranges:%zu", name, n);

    if (row == NULL)
        return NULL;
    row->prepare = prepare;
    row->release = release;
    row->param = param_of(question->kind, n);
    row->planned = members_expected();
    row->no_ours = bench_arena_ours() == NULL ? BENCH_NO_ARENA : NULL;
    if (strcmp(session->effort->name, "quick") != 0)
        return row;
    if (n > SMALL_ENOUGH_FOR_QUICK)
        (void)bench_row_skip(row, "more than %d ranges are not for --quick", SMALL_ENOUGH_FOR_QUICK);
    else if (question->kind != BENCH_LOAD_CHURN && question->kind != BENCH_LOAD_VMM && n != QUICK &&
             (question->beyond || n < QUICK))
        (void)bench_row_skip(row, "--quick has it for %d ranges", QUICK);
    row->planned = row->skipped[0] == '\0' ? row->planned : 0;
    return row;
}

#define ADD_SIZES(session, question, list) add_sizes(session, question, list, sizeof(list) / sizeof(list[0]))

static void add_sizes(struct bench_session *session, const struct question *question, const size_t *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct bench_row *row = add(session, question, bench_load_name(question->kind), list[i]);
        if (row != NULL)
            aim(row, question, list[i]);
    }
}

void bench_case_alloc_ranges(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
        const struct question *question = &questions[i];
        if (question->kind == BENCH_LOAD_VMM)
            ADD_SIZES(session, question, vmm_sizes);
        else if (question->kind == BENCH_LOAD_CHURN)
            ADD_SIZES(session, question, churn_sizes);
        else
            ADD_SIZES(session, question, sizes);
    }
}
