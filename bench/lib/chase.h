/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The load-to-use latency of as much memory as a table takes, by following a random ring of cache lines. */
#ifndef BENCH_CHASE_H
#define BENCH_CHASE_H

#include "bench.h"

struct bench_chase;

/* NULL: no memory. */
struct bench_chase *bench_chase_new(uint64_t bytes, uint64_t seed);
void bench_chase_free(struct bench_chase *chase);

/* Body of a member whose fixture is a chase; an iteration is one load. */
void bench_chase_body(struct bench_run *run);

#endif
