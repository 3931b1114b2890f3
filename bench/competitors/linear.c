/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Ranges are looked at one after the other until one fits: what most back ends began with, and what DPDK's
 * vhost library and crosvm do. Hard to beat for one or two ranges.
 */
#include "competitor.h"

#include <stdlib.h>
#include <string.h>

struct linear {
    size_t count;
    struct bench_ram ranges[];
};

BENCH_TRANSLATE uint64_t linear_translate(struct linear *self, uint64_t gpa)
{
    for (size_t i = 0; i < self->count; i++) {
        const struct bench_ram *range = &self->ranges[i];
        uint64_t distance = gpa - range->gpa;
        if (distance < range->size)
            return bench_inside(distance, range->size) ? range->hva + distance : 0;
    }
    return 0;
}

BENCH_LOOPS(linear)

void *bench_linear_build(const struct bench_ram *ranges, size_t count)
{
    struct linear *self = malloc(sizeof(*self) + count * sizeof(*ranges));

    if (self != NULL) {
        self->count = count;
        memcpy(self->ranges, ranges, count * sizeof(*ranges));
    }
    return self;
}

void bench_linear_destroy(void *self)
{
    free(self);
}
