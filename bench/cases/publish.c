/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does publishing one region added or removed cost its writer (S1)? An edit is one transaction: begin,
 * one add or remove, commit. The grace period is not part of it: old tables are reclaimed outside the timed
 * part, every 64 edits. Regions are of 2 to 4 GiB while that fits 1 TiB; "span:1TiB" has few and huge ones,
 * whose edits change as much of the table as edits can. With a reader at work the floor column is the same
 * edit without one, and the target 1.2 times it.
 */
#include "edit.h"

#include <string.h>

#define EDITS_PER_RECLAIM 64

static const size_t regions[] = {2, 8, 16, 64, 512, 4096, 32764};
#define COUNTS (sizeof(regions) / sizeof(regions[0]))

static void edit_body(struct bench_run *run)
{
    struct bench_edit *edit = run->fixture;

    for (uint64_t left = run->iters; left > 0; left -= EDITS_PER_RECLAIM) {
        uint64_t begin;
        for (int i = 0; i < EDITS_PER_RECLAIM / 2; i++)
            run->wrong |= bench_edit_toggle(edit, GM_COMMIT_ASYNC) != 0;
        begin = bench_now_ns();
        bench_counters_pause(run->counters);
        run->wrong |= gm_space_reclaim(edit->space.space) != 0;
        bench_counters_resume(run->counters);
        run->excluded_ns += bench_now_ns() - begin;
    }
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_edit *edit;
    int result = bench_edit_prepare(row, session, &edit);

    if (result == 0)
        bench_member_add(members, BENCH_OURS, edit_body, edit, EDITS_PER_RECLAIM);
    return result;
}

static int prepare_with_reader(struct bench_row *row, struct bench_session *session,
                               struct bench_members *members)
{
    struct bench_edit *edit;
    struct bench_member *ours;
    int result;

    if (bench_cpu_count() < 2)
        return bench_row_skip(row, "needs 2 CPUs, this process has 1");
    result = bench_edit_prepare(row, session, &edit);
    if (result != 0)
        return result;
    ours = bench_member_add(members, BENCH_OURS, edit_body, edit, EDITS_PER_RECLAIM);
    ours->start = bench_edit_start_reader;
    ours->stop = bench_edit_stop_reader;
    bench_member_add(members, BENCH_FLOOR, edit_body, edit, EDITS_PER_RECLAIM);
    return 0;
}

static struct bench_row *add_row(struct bench_session *session, size_t count, const char *name,
                                 const char *link)
{
    struct bench_row *row =
        bench_row_add(session, "S1", "ns", "publish/one-edit/%sregions:%zu/%s", name, count, link);

    if (row == NULL)
        return NULL;
    row->release = bench_edit_release;
    row->param = count;
    return row;
}

static void add_alone(struct bench_session *session, size_t count, const char *name, const char *link)
{
    struct bench_row *row = add_row(session, count, name, link);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->planned = 1;
    row->rule = BENCH_AT_MOST;
    row->limit = count <= 16 ? 1000 : 5000;
    row->text = name[0] != '\0' ? name : NULL;
    row->remote = strcmp(link, BENCH_LINK) != 0;
}

/* The shared library keeps its tables in a heap of its own, so an edit's time depends on the link. */
void bench_case_edit(struct bench_session *session)
{
    for (size_t i = 0; bench_links[i] != NULL; i++)
        for (size_t j = 0; j < COUNTS; j++)
            add_alone(session, regions[j], "", bench_links[i]);
}

void bench_case_edit_more(struct bench_session *session)
{
    for (size_t i = 0; i < COUNTS && regions[i] <= 64; i++)
        add_alone(session, regions[i], "span:1TiB/", BENCH_LINK);
    for (size_t i = 0; i < COUNTS; i++) {
        struct bench_row *row = add_row(session, regions[i], "reader:1/", BENCH_LINK);
        if (row == NULL)
            continue;
        row->prepare = prepare_with_reader;
        row->rule = BENCH_TIMES_FLOOR;
        row->limit = 1.2;
    }
}
