/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What is counted beside the time, and what becomes of it: sums over the repetitions and threads of a member, and from
 * them counts per operation. How an event is counted is the business of counters.c alone.
 */
#ifndef BENCH_COUNTS_H
#define BENCH_COUNTS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* First those of the processor, then those of the kernel. */
enum bench_event {
    BENCH_CYCLES,
    BENCH_INSTRUCTIONS,
    BENCH_BRANCH_MISSES,
    BENCH_L1D_LOAD_MISSES,
    BENCH_DTLB_LOAD_MISSES,
    BENCH_TASK_CLOCK,
    BENCH_PAGE_FAULTS,
    BENCH_CONTEXT_SWITCHES,
    BENCH_CPU_MIGRATIONS,
    BENCH_EVENTS
};
#define BENCH_HARDWARE_EVENTS BENCH_TASK_CLOCK

/* An event that shares a counter with others runs for a part of the time that it is enabled. */
struct bench_tally {
    uint64_t count, enabled_ns, running_ns;
    uint64_t ops; /* done while the event was enabled */
};

struct bench_counts {
    struct bench_tally event[BENCH_EVENTS];
    uint64_t preempted; /* times that somebody else was given the processor */
};

/* A member's counts as the report has them. */
struct bench_counted {
    unsigned samples;            /* 0: nothing was counted */
    unsigned disturbed;          /* repetitions in which a thread lost its processor */
    double per_op[BENCH_EVENTS]; /* < 0: not counted */
    double share[BENCH_EVENTS];  /* of the time; below 1, per_op is extrapolated */
};

/* A share from here on is the whole time: switching counters on and off takes some of it. */
#define BENCH_WHOLE_SHARE 0.995

/* "cycles", as in the report. */
const char *bench_event_name(enum bench_event event);

void bench_counts_add(struct bench_counts *sum, const struct bench_counts *more);

/* Extrapolates events that shared a counter. An event that never ran is not counted, and never zero. */
void bench_counts_evaluate(const struct bench_counts *counts, unsigned samples, unsigned disturbed,
                           struct bench_counted *out);

#ifdef __cplusplus
}
#endif

#endif
