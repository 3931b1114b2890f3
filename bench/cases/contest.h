/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Readers alone, and the same readers while writers publish: what rows on T8 share. A reader pins, translates 32
 * addresses and unpins; writers stay away from what readers read, so every sum is checked.
 */
#ifndef BENCH_CONTEST_H
#define BENCH_CONTEST_H

#include "many.h"

struct bench_contest {
    struct bench_writers writers;
    struct bench_loop idle, busy;
};

struct bench_contest_plan {
    size_t readers, writers;
    unsigned flags; /* of commits */
    uint64_t rate;  /* as in struct bench_writer */
};

/*
 * row->priv becomes the contest; its members are ours (with writers) and the floor (without). Writers have the first
 * CPUs, readers those behind them. 0; 1 with row->skipped.
 */
int bench_contest_prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members,
                          const struct bench_contest_plan *plan);

/* What both kinds of rows have in common: the share of the undisturbed speed that is left. */
void bench_contest_row(struct bench_row *row, const struct bench_input *input);

/* Skips the row when no writer published although one should have. Returns the achieved rate [commits/s]. */
double bench_contest_release(struct bench_row *row);

#endif
