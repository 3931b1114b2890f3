/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Tells the person at the terminal how far the run is; writes to stderr only. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

struct bench_progress {
    int silent, terminal;
    size_t done, total;           /* rows */
    double work_done, work_total; /* planned repetitions */
    double work;                  /* of the row that runs */
    size_t built, builds;         /* inputs made ready so far, and to make ready in all */
    uint64_t began_ns, note_ns;   /* note_ns: when the preparation began that goes on; 0: none does */
    uint64_t building_ns;         /* spent on preparations */
    double budget_s;              /* what measuring is planned to take: an estimate until there is a better one */
    char row[96];
};

/* Inputs are made ready one by one: `builds` of them. */
void bench_progress_begin(struct bench_progress *progress, size_t total, double work, size_t builds, double budget_s,
                          int silent);
void bench_progress_row(struct bench_progress *progress, const char *id, const char *name, double work);

/*
 * An input is being made ready, which takes long where it is large: "building", and its name. Both NULL: it is ready.
 * Before a run has begun, the line is shown without a bar.
 */
void bench_progress_note(const char *what, const char *name);
void bench_progress_end(struct bench_progress *progress);

#endif
