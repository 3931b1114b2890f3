/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How many iterations a repetition has, and how many repetitions a member: a share of the time that is left,
 * within limits. Many short repetitions instead of a few long ones: one that is shorter than a time slice is
 * either disturbed or not, and the median is one that is not as long as those are the majority. The trial
 * runs that find out are also the warm-up.
 */
#include <math.h>
#include <string.h>

#include "session.h"

#define LEAST_REPETITIONS 7
#define LEAST_RIVAL_REPETITIONS 3
#define LEAST_TRIALS 3

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

const struct bench_effort *bench_effort_of_seconds(uint64_t seconds)
{
    static struct bench_effort effort = {
        .name = "seconds", .repetitions = LEAST_REPETITIONS, .rival_repetitions = LEAST_RIVAL_REPETITIONS};

    effort.budget_s = (double)seconds;
    effort.longest_ms = effort.shortest_ms = (double)seconds * 1e3 / LEAST_REPETITIONS;
    return &effort;
}

static int is_rival(const struct bench_member *member)
{
    return strcmp(member->name, BENCH_OURS) != 0 && strcmp(member->name, BENCH_FLOOR) != 0 &&
           strcmp(member->name, BENCH_LATENCY) != 0;
}

/* What a repetition is expected to take: warm-up once, and then each iteration, with what is excluded. */
struct cost {
    double warm_ns, iter_ns;
};

static void once(struct bench_member *member, uint64_t iters, struct cost *cost)
{
    struct bench_run run = {.iters = iters, .fixture = member->fixture, .threads = member->threads};
    uint64_t begin, ns;

    (void)bench_cpu_pin(member->cpu);
    if (member->start != NULL)
        member->failed = member->start(member->fixture);
    if (member->failed != 0)
        return;
    begin = bench_now_ns();
    member->body(&run);
    ns = bench_now_ns() - begin;
    if (member->stop != NULL)
        member->stop(member->fixture);
    member->wrong |= run.wrong;
    cost->warm_ns = (double)run.warm_ns;
    cost->iter_ns = (double)(ns - run.warm_ns) / (double)iters;
}

/* The shortest of several trials: one that was preempted looks long enough after a single iteration. */
static struct cost shortest(struct bench_member *member, uint64_t iters)
{
    struct cost best = {.warm_ns = INFINITY, .iter_ns = INFINITY};

    for (unsigned i = 0; i < LEAST_TRIALS && member->failed == 0 && !member->wrong; i++) {
        struct cost cost = {0};
        once(member, iters, &cost);
        best.warm_ns = fmin(best.warm_ns, cost.warm_ns);
        best.iter_ns = fmin(best.iter_ns, cost.iter_ns);
    }
    return best;
}

/* Trials that grow until one is long enough to believe. */
static struct cost trial(struct bench_member *member, double enough_ns)
{
    uint64_t iters = member->granule;

    for (;;) {
        struct cost cost = {0};
        once(member, iters, &cost);
        double ns = cost.iter_ns * (double)iters;
        if (ns >= enough_ns) {
            cost = shortest(member, iters);
            ns = cost.iter_ns * (double)iters;
        }
        if (member->failed != 0 || member->wrong || ns >= enough_ns)
            return cost;
        double factor = fmin(16, fmax(2, enough_ns * 1.1 / fmax(ns, 1)));
        iters = (uint64_t)((double)iters * factor) / member->granule * member->granule;
    }
}

/* Fewer repetitions where even the shortest do not fit, as on a machine that is busy with something else. */
static void choose_repetitions(const struct bench_effort *effort, struct bench_members *members,
                               const struct cost *costs, double seconds)
{
    double least_ns = 0, share;

    for (size_t i = 0; i < members->count; i++) {
        struct bench_member *member = &members->list[i];
        member->repetitions = is_rival(member) ? effort->rival_repetitions : effort->repetitions;
        least_ns += (costs[i].warm_ns + effort->shortest_ms * 1e6) * member->repetitions;
    }
    share = fmin(1, fmax(0, seconds * 1e9 / fmax(least_ns, 1)));
    for (size_t i = 0; i < members->count; i++) {
        struct bench_member *member = &members->list[i];
        member->repetitions = (unsigned)fmax(is_rival(member) ? LEAST_RIVAL_REPETITIONS : LEAST_REPETITIONS,
                                              member->repetitions * share);
    }
}

void bench_plan(const struct bench_effort *effort, struct bench_members *members, double seconds)
{
    struct cost costs[BENCH_MAX_MEMBERS];
    double repetitions = 0, ns = seconds * 1e9;

    for (size_t i = 0; i < members->count; i++)
        costs[i] = trial(&members->list[i], effort->longest_ms * 1e6 / 4);
    choose_repetitions(effort, members, costs, seconds);
    for (size_t i = 0; i < members->count; i++) {
        repetitions += members->list[i].repetitions;
        ns -= costs[i].warm_ns * members->list[i].repetitions;
    }
    ns = fmin(effort->longest_ms * 1e6, fmax(effort->shortest_ms * 1e6, ns / fmax(repetitions, 1)));
    for (size_t i = 0; i < members->count; i++) {
        struct bench_member *member = &members->list[i];
        double granules = ns / fmax(costs[i].iter_ns, 1e-3) / (double)member->granule;
        member->iters = (uint64_t)fmax(1, granules) * member->granule;
    }
}
