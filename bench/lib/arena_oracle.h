/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What every arena has to answer: exactly the lowest or the highest address that fits. */
#ifndef BENCH_ARENA_ORACLE_H
#define BENCH_ARENA_ORACLE_H

#include "arena.h"

/* Arenas end below 2^64; an allocation takes the square of the number of used ranges. */
extern const struct bench_arena bench_arena_oracle;

#endif
