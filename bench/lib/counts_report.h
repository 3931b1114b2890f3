/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A row's counts in the three forms that rows are written in: table, JSON, and the fields of the twin program. */
#ifndef BENCH_COUNTS_REPORT_H
#define BENCH_COUNTS_REPORT_H

#include <stdio.h>

#include "row.h"

/* Lines below the row: hardware counts, and whether the row was disturbed. Nothing when there is neither. */
void bench_counts_print(const struct bench_row *row);

/* How many rows were disturbed, and what is not counted here; nothing when nothing was counted on purpose. */
void bench_counts_print_summary(const struct bench_row *rows, size_t count);

/* , "counters": {"ours": {...}, "floor": {...}}; nothing when nothing was counted. */
void bench_counts_json(FILE *out, const struct bench_row *row);

/* One more field, with a tab before it; takes what it wrote: see counts_report.c for the form. */
void bench_counts_write(FILE *out, const struct bench_row *row);
void bench_counts_take(struct bench_row *row, const char *field);

#endif
