/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What share of its speed does a reader keep at so many commits a second (T8), and how many were there really
 * (T8-rate)? Two columns of one plot: a writer that is throttled from nothing to as fast as it can. At 0 its thread
 * sleeps, which shows what a second thread costs by itself.
 */
#include "contest.h"

#include "../lib/inputset.h"

static const struct {
    const char *name;
    uint64_t rate; /* [commits/s] */
} sweep[] = {{"0", 0}, {"1k", 1000}, {"10k", 10000}, {"100k", 100000}, {"max", BENCH_UNTHROTTLED}};
#define POINTS (sizeof(sweep) / sizeof(sweep[0]))

static double achieved[POINTS]; /* [commits/s]; < 0: that point was not measured */

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    const struct bench_contest_plan plan = {
        .readers = 1, .writers = 1, .flags = GM_COMMIT_ASYNC, .rate = sweep[row->param].rate};

    return bench_contest_prepare(row, session, members, &plan);
}

static void release(struct bench_row *row)
{
    double rate = bench_contest_release(row);

    if (row->has_ours && row->skipped[0] == '\0')
        achieved[row->param] = rate;
}

/* Comes after the row that measured. */
static int prepare_rate(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    (void)session;
    (void)members;
    if (achieved[row->param] < 0)
        return bench_row_skip(row, "T8/readers/commit-rate:%s was not measured", sweep[row->param].name);
    row->has_ours = 1;
    row->ours = achieved[row->param];
    row->ours_min = -1;
    return 0;
}

static void add_share(struct bench_session *session, const struct bench_input *input, size_t point)
{
    struct bench_row *row =
        bench_row_add(session, "T8", "ratio", "readers/commit-rate:%s/%s", sweep[point].name, input->label);

    if (row == NULL)
        return;
    bench_contest_row(row, input);
    row->prepare = prepare;
    row->release = release;
    row->param = point;
}

static void add_rate(struct bench_session *session, const struct bench_input *input, size_t point)
{
    struct bench_row *row = bench_row_add(session, "T8-rate", "commits/s", "readers/commit-rate:%s/%s",
                                          sweep[point].name, input->label);

    if (row == NULL)
        return;
    row->prepare = prepare_rate;
    row->input = input;
    row->param = point;
    row->value = BENCH_COUNTED;
    row->planned = 0;
}

void bench_case_commit_rate(struct bench_session *session)
{
    const struct bench_input *input = bench_input_guest(session);

    for (size_t i = 0; i < POINTS; i++) {
        achieved[i] = -1;
        add_share(session, input, i);
    }
    for (size_t i = 0; i < POINTS; i++)
        add_rate(session, input, i);
}
