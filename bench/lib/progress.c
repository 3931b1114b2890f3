/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One line that is overwritten, with the time left, where stderr is a terminal; a dot a row elsewhere, so
 * that logs stay readable.
 */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "bench.h"

void bench_progress_begin(struct bench_progress *progress, size_t total, double work, int silent)
{
    *progress = (struct bench_progress){
        .silent = silent, .terminal = isatty(STDERR_FILENO), .total = total, .work_total = work};
    progress->began_ns = bench_now_ns();
    if (!silent)
        fprintf(stderr, "measuring %zu rows%s", total, progress->terminal ? "\n" : " ");
}

static double seconds_left(const struct bench_progress *progress)
{
    double spent = (double)(bench_now_ns() - progress->began_ns) * 1e-9;

    if (progress->work_done <= 0)
        return -1;
    return spent / progress->work_done * (progress->work_total - progress->work_done);
}

void bench_progress_row(struct bench_progress *progress, const char *id, const char *name, double work)
{
    double left = seconds_left(progress);

    if (progress->silent)
        return;
    if (!progress->terminal) {
        fputc('.', stderr);
    } else {
        fprintf(stderr, "\r\033[K[%zu/%zu] ", progress->done + 1, progress->total);
        if (left >= 0)
            fprintf(stderr, "about %.0f s left  ", left);
        fprintf(stderr, "%s %.60s", id, name);
    }
    fflush(stderr);
    progress->done++;
    progress->work_done += work;
}

void bench_progress_end(struct bench_progress *progress)
{
    if (progress->silent)
        return;
    fputs(progress->terminal ? "\r\033[K" : "\n", stderr);
    fflush(stderr);
}
