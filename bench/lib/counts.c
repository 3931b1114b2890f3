/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Sums of counts, and what they are per operation. */
#include "counts.h"

#include <math.h>

static const char *const names[BENCH_EVENTS] = {
    [BENCH_CYCLES] = "cycles",
    [BENCH_INSTRUCTIONS] = "instructions",
    [BENCH_BRANCH_MISSES] = "branch_misses",
    [BENCH_L1D_LOAD_MISSES] = "l1d_load_misses",
    [BENCH_DTLB_LOAD_MISSES] = "dtlb_load_misses",
    [BENCH_TASK_CLOCK] = "task_clock_ns",
    [BENCH_PAGE_FAULTS] = "page_faults",
    [BENCH_CONTEXT_SWITCHES] = "context_switches",
    [BENCH_CPU_MIGRATIONS] = "cpu_migrations",
};

const char *bench_event_name(enum bench_event event)
{
    return names[event];
}

void bench_counts_add(struct bench_counts *sum, const struct bench_counts *more)
{
    for (int event = 0; event < BENCH_EVENTS; event++) {
        sum->event[event].count += more->event[event].count;
        sum->event[event].enabled_ns += more->event[event].enabled_ns;
        sum->event[event].running_ns += more->event[event].running_ns;
        sum->event[event].ops += more->event[event].ops;
    }
    sum->preempted += more->preempted;
}

void bench_counts_evaluate(const struct bench_counts *counts, unsigned samples, unsigned disturbed,
                           struct bench_counted *out)
{
    out->samples = samples;
    out->disturbed = disturbed;
    for (int event = 0; event < BENCH_EVENTS; event++) {
        const struct bench_tally *tally = &counts->event[event];
        out->per_op[event] = -1;
        out->share[event] = 0;
        if (tally->ops == 0 || tally->running_ns == 0 || tally->enabled_ns == 0)
            continue;
        out->share[event] = fmin(1, (double)tally->running_ns / (double)tally->enabled_ns);
        out->per_op[event] = (double)tally->count / out->share[event] / (double)tally->ops;
    }
}
