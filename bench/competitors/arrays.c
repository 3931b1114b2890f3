/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Ranges as parallel arrays, for the competitors that search starts only. */
#include "competitor.h"

#include <stdlib.h>

int bench_arrays_build(struct bench_arrays *arrays, const struct bench_ram *ranges, size_t count)
{
    arrays->starts = calloc(3 * count, sizeof(uint64_t));
    if (arrays->starts == NULL)
        return -1;
    arrays->sizes = arrays->starts + count;
    arrays->deltas = arrays->sizes + count;
    arrays->count = count;
    for (size_t i = 0; i < count; i++) {
        arrays->starts[i] = ranges[i].gpa;
        arrays->sizes[i] = ranges[i].size;
        arrays->deltas[i] = ranges[i].hva - ranges[i].gpa;
    }
    return 0;
}

void bench_arrays_destroy(struct bench_arrays *arrays)
{
    free(arrays->starts);
}
