/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The search that is usually written: a sorted array of structures, and at each step "below, inside or
 * above". It can stop early, and pays a mispredicted branch or two a step where addresses are spread.
 * libvhost-user does so; vm-memory is of the same kind, with one more pointer to follow.
 */
#include "competitor.h"

#include <stdlib.h>
#include <string.h>

struct branchy {
    size_t count;
    struct bench_ram ranges[];
};

BENCH_TRANSLATE uint64_t branchy_translate(struct branchy *self, uint64_t gpa)
{
    size_t low = 0, high = self->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bench_ram *range = &self->ranges[middle];
        if (gpa < range->gpa)
            high = middle;
        else if (gpa - range->gpa >= range->size)
            low = middle + 1;
        else
            return bench_inside(gpa - range->gpa, range->size) ? gpa - range->gpa + range->hva : 0;
    }
    return 0;
}

BENCH_LOOPS(branchy)

void *bench_branchy_build(const struct bench_ram *ranges, size_t count)
{
    struct branchy *self = malloc(sizeof(*self) + count * sizeof(*ranges));

    if (self != NULL) {
        self->count = count;
        memcpy(self->ranges, ranges, count * sizeof(*ranges));
    }
    return self;
}

void bench_branchy_destroy(void *self)
{
    free(self);
}
