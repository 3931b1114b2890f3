/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "flat.h"

#include "bench.h"

static BENCH_CALL uint64_t translate(const struct bench_flat *flat, uint64_t gpa)
{
    return bench_flat_translate(flat, gpa);
}

uint64_t bench_flat_run_call(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += translate(self, gpa[i]);
    return sum;
}
