/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory that is really there, for what reads and writes it and not only translates. A guest's working set in
 * miniature: pieces of 256 bytes, drawn as addresses are drawn elsewhere, and a long stream of draws among them. It is
 * so small (256 KiB) because the question is what the call costs. Over a whole guest the answer would be a cache miss
 * for everybody.
 */
#ifndef BENCH_TOUCHED_H
#define BENCH_TOUCHED_H

#include "fixture.h"

struct bench_touched {
    struct bench_addresses guest; /* the sums are of what is stored there: bench_touched_value of each address */
    struct bench_addresses flat;  /* the same bytes as distances from base, with the same sums: for the floor */
    char *base;
    uint64_t bytes; /* that base leads to */
};

/* What fill stores at an address, and what each address is set to by a run that writes: the address. */
static inline uint64_t bench_touched_value(uint64_t gpa)
{
    return gpa * UINT64_C(0x9e3779b97f4a7c15);
}

/* Makes the layout's memory accessible, draws `count` addresses (multiples of 8) and fills. 0, -ENOMEM or -errno. */
int bench_touched_build(struct bench_layout *layout, enum bench_stream_kind kind, size_t count, uint64_t seed,
                        struct bench_touched *out);

/* The same for accesses of len bytes, a power of two from 8 to 4096, at multiples of it; pieces are no shorter. */
int bench_touched_build_long(struct bench_layout *layout, enum bench_stream_kind kind, size_t len, size_t count,
                             uint64_t seed, struct bench_touched *out);

/* Stores bench_touched_value at every address. */
void bench_touched_fill(const struct bench_touched *touched);

/* Whether every address holds itself, as after a run that writes. */
int bench_touched_is_written(const struct bench_touched *touched);

void bench_touched_free(struct bench_touched *touched);

#endif
