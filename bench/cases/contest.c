/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The contest of readers and writers. */
#include "contest.h"

#include <stdlib.h>
#include <string.h>

#define PER_PIN 32

static uint64_t run_reader(void *self, const uint64_t *gpa, size_t count)
{
    const struct bench_contest *contest = self;
    struct gm_space *space = contest->writers.list[0].space;
    uint64_t sum = 0;

    for (size_t at = 0; at < count; at += PER_PIN) {
        const struct gm_view *view = gm_pin(space);
        for (size_t i = at; i < at + PER_PIN; i++)
            sum += (uintptr_t)gm_translate(view, gpa[i], BENCH_ACCESS_LEN, GM_READ);
        (void)gm_unpin();
    }
    return sum;
}

static int start_writers(void *fixture)
{
    struct bench_contest *contest = ((struct bench_loop *)fixture)->self;

    return bench_writers_start(&contest->writers);
}

static void stop_writers(void *fixture)
{
    struct bench_contest *contest = ((struct bench_loop *)fixture)->self;

    (void)bench_writers_stop(&contest->writers); /* each writer keeps its error: release looks at it */
}

int bench_contest_prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members,
                          const struct bench_contest_plan *plan)
{
    size_t cpus = (size_t)bench_cpu_count(), wanted = plan->readers + plan->writers;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct bench_contest *contest;
    struct bench_member *ours;
    int result;

    if (wanted > cpus && !session->options.force)
        return bench_row_skip(row, "needs %zu CPUs, this process has %zu", wanted, cpus);
    result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);
    if (result != 0 || row->wrong)
        return result;
    row->priv = contest = calloc(1, sizeof(*contest));
    if (contest == NULL)
        return bench_row_skip(row, "no memory");
    result = bench_writers_open(&contest->writers, fixture, plan->writers, plan->flags, plan->rate);
    if (result != 0)
        return bench_row_skip(row, "no memory for the writers' regions: %s", strerror(-result));
    contest->idle = (struct bench_loop){.run = run_reader, .self = contest, .addresses = addresses};
    contest->busy = contest->idle;
    ours = bench_many_add(members, BENCH_OURS, &contest->busy, (int)plan->readers, (int)plan->writers);
    ours->start = start_writers;
    ours->stop = stop_writers;
    bench_many_add(members, BENCH_FLOOR, &contest->idle, (int)plan->readers, (int)plan->writers);
    return 0;
}

void bench_contest_row(struct bench_row *row, const struct bench_input *input)
{
    row->input = input;
    row->value = BENCH_SPEED_OF_FLOOR;
    row->rule = BENCH_AT_LEAST;
    row->limit = 0.95;
}

double bench_contest_release(struct bench_row *row)
{
    struct bench_contest *contest = row->priv;
    double rate = 0;

    if (contest == NULL)
        return 0;
    for (size_t i = 0; i < contest->writers.count; i++) {
        const struct bench_writer *writer = &contest->writers.list[i];
        if (writer->worker.error != 0)
            (void)bench_row_skip(row, "writer %zu failed: %s", i, strerror(-writer->worker.error));
        else if (row->has_ours && writer->commits == 0 && writer->rate > 0)
            (void)bench_row_skip(row, "writer %zu never published", i);
    }
    rate = bench_writers_rate(&contest->writers);
    bench_writers_close(&contest->writers);
    free(contest);
    row->priv = NULL;
    return rate;
}
