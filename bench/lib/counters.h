/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Counters of the processor and of the kernel, for the calling thread, over the part of a repetition that is timed.
 * They run by themselves: the loop that is measured does nothing for them, and system calls are outside of the time.
 *
 * Each thread opens a set of its own. Every function takes NULL for a set and then does nothing.
 */
#ifndef BENCH_COUNTERS_H
#define BENCH_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "counts.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_EVENT_GROUPS 3

struct bench_reading {
    uint64_t count[BENCH_EVENTS];
    uint64_t enabled_ns[BENCH_EVENT_GROUPS], running_ns[BENCH_EVENT_GROUPS];
    int valid[BENCH_EVENT_GROUPS];
    uint64_t preempted;
};

struct bench_counters {
    int fd[BENCH_EVENTS]; /* -1: not there */
    int leader[BENCH_EVENT_GROUPS];
    struct bench_reading before;
};

/*
 * Once, before other threads are there: finds out what can be counted here. With `wanted` 0 nothing is, and
 * bench_counters_open fails.
 */
void bench_counters_setup(int wanted);

/* What is not counted, and why; NULL when everything is. */
const char *bench_counters_skipped(void);

/* Opens what setup found, for the calling thread, stopped. 0, or -ENOTSUP when counting is off. */
int bench_counters_open(struct bench_counters *set);
void bench_counters_close(struct bench_counters *set);

/* Counts from here on; what was counted before is forgotten. */
void bench_counters_begin(struct bench_counters *set);

/* Around what is not the question. */
void bench_counters_pause(struct bench_counters *set);
void bench_counters_resume(struct bench_counters *set);

/* Stops, and adds what `ops` operations cost. A group that cannot be read adds nothing. */
void bench_counters_end(struct bench_counters *set, uint64_t ops, struct bench_counts *out);

/* The system calls, which a test replaces. Type and configuration are those of perf_event_open(2). */
struct bench_counters_system {
    int (*open)(uint32_t type, uint64_t config, int with_kernel, int leader); /* stopped; descriptor or -errno */
    int (*run)(int leader, int on);                                           /* the whole group */
    long (*read)(int leader, uint64_t *words, size_t bytes);                  /* bytes read or -errno */
    void (*close)(int fd);
    int (*paranoid)(void); /* kernel.perf_event_paranoid; INT_MAX: unknown */
};

/* NULL: the real ones. Before bench_counters_setup. */
void bench_counters_use(const struct bench_counters_system *system);

/* ---- between the files of this part ---------------------------------------------------------------------------- */

struct bench_event_source {
    uint32_t type;
    uint64_t config;
    int group, with_kernel;
};

/* counters_system.c: what the kernel knows each event by. */
extern const struct bench_event_source bench_event_sources[BENCH_EVENTS];
extern const struct bench_counters_system bench_counters_real;

/* counters_why.c: which events are missing, and why; empty when none is. missing: -errno, or 0, for each. */
void bench_counters_why(const int missing[BENCH_EVENTS], int paranoid, char *out, size_t size);

#ifdef __cplusplus
}
#endif

#endif
