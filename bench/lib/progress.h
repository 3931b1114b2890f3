/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Tells the person at the terminal how far the run is; writes to stderr only. */
#ifndef BENCH_PROGRESS_H
#define BENCH_PROGRESS_H

#include <stddef.h>

struct bench_progress {
    int silent, terminal;
    size_t done, total;
    double work_done, work_total; /* planned repetitions */
    unsigned long long began_ns;
};

void bench_progress_begin(struct bench_progress *progress, size_t total, double work, int silent);
void bench_progress_row(struct bench_progress *progress, const char *id, const char *name, double work);
void bench_progress_end(struct bench_progress *progress);

#endif
