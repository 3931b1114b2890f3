/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the program says about its command line. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <stddef.h>

/* The text of --help, at most 100 columns wide. */
extern const char bench_help[];

/* The nearest of these names (ends with NULL), or NULL when none is near enough to be meant. */
const char *bench_nearest(const char *word, const char *const *names);

#endif
