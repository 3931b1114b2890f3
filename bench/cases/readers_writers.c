/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The share of its speed that the slowest of N readers keeps while W writers publish without pause (T8), when
 * --readers or --writers ask for it. Each writer has a region of its own, but a space has one transaction at a time:
 * gm_txn_begin makes writers wait for each other, so more writers do not mean more commits.
 */
#include "contest.h"

#include "../lib/inputset.h"

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    const struct bench_contest_plan plan = {.readers = session->options.readers,
                                            .writers = session->options.writers,
                                            .flags = (unsigned)row->param,
                                            .rate = BENCH_UNTHROTTLED};

    return bench_contest_prepare(row, session, members, &plan);
}

static void release(struct bench_row *row)
{
    (void)bench_contest_release(row);
}

static void add_row(struct bench_session *session, const struct bench_input *input, const char *name, unsigned flags)
{
    struct bench_row *row = bench_row_add(
        session, "T8", "ratio", "readers/readers:%llu/writers:%llu/%s/%s",
        (unsigned long long)session->options.readers, (unsigned long long)session->options.writers, name, input->label);

    if (row == NULL)
        return;
    bench_contest_row(row, input);
    row->prepare = prepare;
    row->release = release;
    row->param = flags;
}

void bench_case_readers_writers(struct bench_session *session)
{
    if (session->options.readers == 0)
        return;
    add_row(session, bench_input_guest(session), "async", GM_COMMIT_ASYNC);
    add_row(session, bench_input_guest(session), "wait", GM_COMMIT_WAIT);
}
