/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How many iterations a repetition has, and how many repetitions a member: a share of the time that is left,
 * within limits. Short repetitions in many alternations see more of a noisy machine than a few long ones. The
 * trial runs that find out are also the warm-up.
 */
#include <math.h>
#include <string.h>

#include "session.h"

static const struct bench_effort efforts[] = {
    {.name = "quick",
     .repetitions = 21,
     .rival_repetitions = 5,
     .budget_s = 24,
     .shortest_ms = 0.5,
     .longest_ms = 3},
    {.name = "default",
     .repetitions = 41,
     .rival_repetitions = 9,
     .budget_s = 130,
     .shortest_ms = 1,
     .longest_ms = 6},
    {.name = "full",
     .repetitions = 63,
     .rival_repetitions = 21,
     .budget_s = 800,
     .shortest_ms = 5,
     .longest_ms = 40},
};

const struct bench_effort *bench_effort_find(const char *name)
{
    for (size_t i = 0; i < sizeof(efforts) / sizeof(efforts[0]); i++)
        if (strcmp(efforts[i].name, name) == 0)
            return &efforts[i];
    return NULL;
}

static int is_rival(const struct bench_member *member)
{
    return strcmp(member->name, BENCH_OURS) != 0 && strcmp(member->name, BENCH_FLOOR) != 0 &&
           strcmp(member->name, BENCH_LATENCY) != 0;
}

uint64_t bench_member_once(struct bench_member *member, uint64_t iters)
{
    struct bench_run run = {.iters = iters, .fixture = member->fixture, .threads = member->threads};
    uint64_t begin, ns;

    (void)bench_cpu_pin(member->cpu);
    if (member->start != NULL)
        member->failed = member->start(member->fixture);
    if (member->failed != 0)
        return 0;
    begin = bench_now_ns();
    member->body(&run);
    ns = bench_now_ns() - begin;
    if (member->stop != NULL)
        member->stop(member->fixture);
    member->wrong |= run.wrong;
    return ns;
}

/* Wall nanoseconds an iteration, from trials that grow until one is long enough to believe. */
static double trial(struct bench_member *member, double enough_ns)
{
    uint64_t iters = member->granule;

    for (;;) {
        double ns = (double)bench_member_once(member, iters);
        if (member->failed != 0 || ns >= enough_ns)
            return ns / (double)iters;
        double factor = fmin(16, fmax(2, enough_ns * 1.1 / fmax(ns, 1)));
        iters = (uint64_t)((double)iters * factor) / member->granule * member->granule;
    }
}

void bench_plan(const struct bench_effort *effort, struct bench_members *members, double seconds)
{
    unsigned repetitions = 0;
    double ns;

    for (size_t i = 0; i < members->count; i++) {
        struct bench_member *member = &members->list[i];
        member->repetitions = is_rival(member) ? effort->rival_repetitions : effort->repetitions;
        repetitions += member->repetitions;
    }
    ns = fmin(effort->longest_ms, fmax(effort->shortest_ms, seconds * 1e3 / fmax(repetitions, 1))) * 1e6;
    for (size_t i = 0; i < members->count; i++) {
        struct bench_member *member = &members->list[i];
        double granules = ns / fmax(trial(member, ns / 4), 1e-3) / (double)member->granule;
        member->iters = (uint64_t)fmax(1, granules) * member->granule;
    }
}
