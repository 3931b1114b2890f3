/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The best that a plain search can do: sorted starts in an array of their own, halved without a branch.
 * Nobody is known to ship it, so it is the strongest of the simple competitors and not anyone's.
 */
#include "competitor.h"

#include <stdlib.h>

struct halving {
    struct bench_arrays arrays;
};

BENCH_TRANSLATE uint64_t halving_translate(struct halving *self, uint64_t gpa)
{
    const struct bench_arrays *arrays = &self->arrays;
    size_t at = bench_halve(arrays->starts, arrays->count, gpa);

    return bench_inside(gpa - arrays->starts[at], arrays->sizes[at]) ? gpa + arrays->deltas[at] : 0;
}

BENCH_LOOPS(halving)

void *bench_halving_build(const struct bench_ram *ranges, size_t count)
{
    struct halving *self = malloc(sizeof(*self));

    if (self != NULL && bench_arrays_build(&self->arrays, ranges, count) != 0) {
        free(self);
        self = NULL;
    }
    return self;
}

void bench_halving_destroy(void *self)
{
    bench_arrays_destroy(&((struct halving *)self)->arrays);
    free(self);
}
