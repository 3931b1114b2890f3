/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One line that is overwritten, a bar with the time left, where stderr is a terminal; a dot a row elsewhere, so that
 * logs stay readable. Measuring goes by the work that is planned, preparing by the number of inputs: the two have
 * nothing to do with each other, so each is extrapolated by itself.
 */
#include "progress.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "bench.h"

#define BAR 24   /* [columns] */
#define SHOWN 44 /* [columns] of a name: the whole stays below 100 */

static struct bench_progress *current; /* only one run at a time */

void bench_progress_begin(struct bench_progress *progress, size_t total, double work, size_t builds, double budget_s,
                          int silent)
{
    *progress = (struct bench_progress){.silent = silent,
                                        .terminal = isatty(STDERR_FILENO),
                                        .total = total,
                                        .work_total = work,
                                        .builds = builds,
                                        .budget_s = budget_s};
    progress->began_ns = bench_now_ns();
    current = progress;
    if (!silent)
        fprintf(stderr, "measuring %zu rows%s", total, progress->terminal ? "\n" : " ");
}

static double seconds_left(const struct bench_progress *progress)
{
    double preparing = (double)progress->building_ns * 1e-9;
    double measuring = (double)(bench_now_ns() - progress->began_ns) * 1e-9 - preparing;
    double left = progress->work_total - progress->work_done;

    left = progress->work_done > 0   ? measuring / progress->work_done * left
           : progress->work_total > 0 ? progress->budget_s
                                      : 0;
    if (progress->built > 0 && progress->builds > progress->built)
        left += preparing / (double)progress->built * (double)(progress->builds - progress->built);
    return left;
}

static void draw(const struct bench_progress *progress, const char *what, const char *name)
{
    static const char full[] = "########################", empty[] = "........................";
    double total = progress->work_total > 0 ? progress->work_total : 1;
    double share = progress->work_total > 0 ? progress->work_done / total
                                            : (double)progress->done / (double)(progress->total + 1);
    int filled = share >= 1 ? BAR : (int)(share * BAR);
    int left = (int)fmin(fmax(seconds_left(progress), 0), 1e6);

    fprintf(stderr, "\r\033[K[%.*s%.*s] %zu/%zu, %d:%02d left  %s %.*s", filled, full, BAR - filled, empty,
            progress->done, progress->total, left / 60, left % 60, what, SHOWN, name);
    fflush(stderr);
}

void bench_progress_row(struct bench_progress *progress, const char *id, const char *name, double work)
{
    progress->work_done += progress->work;
    progress->work = work;
    progress->done++;
    snprintf(progress->row, sizeof(progress->row), "%s %.80s", id, name);
    if (progress->silent)
        return;
    if (progress->terminal) {
        draw(progress, "", progress->row);
        return;
    }
    fputc('.', stderr);
    fflush(stderr);
}

void bench_progress_note(const char *what, const char *name)
{
    struct bench_progress *progress = current;

    if (progress == NULL) {
        if (isatty(STDERR_FILENO))
            fprintf(stderr, "\r\033[K%s%s%.80s", what != NULL ? what : "", what != NULL ? " " : "",
                    what != NULL ? name : "");
        return;
    }
    if (what == NULL && progress->note_ns != 0) {
        progress->building_ns += bench_now_ns() - progress->note_ns;
        progress->built++;
        progress->note_ns = 0;
    } else if (what != NULL) {
        progress->note_ns = bench_now_ns();
    }
    if (progress->terminal && !progress->silent)
        draw(progress, what != NULL ? what : "", what != NULL ? name : progress->row);
}

void bench_progress_end(struct bench_progress *progress)
{
    current = NULL;
    if (progress->silent)
        return;
    fputs(progress->terminal ? "\r\033[K" : "\n", stderr);
    fflush(stderr);
}
