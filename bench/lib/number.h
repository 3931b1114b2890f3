/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Numbers as people write them in options and files. */
#ifndef BENCH_NUMBER_H
#define BENCH_NUMBER_H

#include <stdint.h>

/*
 * The whole text as a number: decimal digits, or 0x and hexadecimal ones.
 * Returns 0; -EINVAL (anything else: signs, blanks, nothing); -ERANGE (above 2^64 - 1).
 */
int bench_number(const char *text, uint64_t *out);

/* The same, and after decimal digits one of k, M, G, T (K, m, g, t): times 2^10, 2^20, 2^30, 2^40. */
int bench_number_scaled(const char *text, uint64_t *out);

#endif
