/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the files of this folder share and nobody else needs: a layout is filled with ranges by the file
 * reader or by a generator, and then finished in one place, so that both give host addresses by the same
 * rules.
 */
#ifndef BENCH_INTERNAL_H
#define BENCH_INTERNAL_H

#include "inputs.h"

#define BENCH_PAGE UINT64_C(4096)
#define BENCH_BLOCK (UINT64_C(2) << 20)
#define BENCH_GPA_LAST ((UINT64_C(1) << 52) - 1)

static inline uint64_t bench_round_down(uint64_t value, uint64_t align)
{
    return value & ~(align - 1);
}

static inline uint64_t bench_round_up(uint64_t value, uint64_t align)
{
    return bench_round_down(value + align - 1, align);
}

/* Write one line of text to error, if there is room for one, and return code. */
__attribute__((format(printf, 4, 5))) int bench_fail(char *error, size_t error_size, int code,
                                                     const char *format, ...);

/* A layout with room for so many ranges and objects, all zero and count 0; NULL: no memory. */
struct bench_layout *bench_layout_new(size_t ranges, size_t objects);

/*
 * Find the phases, reserve host addresses for the objects in an order drawn from seed, and make the oracle.
 */
int bench_layout_finish(struct bench_layout *layout, uint64_t seed, char *error, size_t error_size);

#endif
