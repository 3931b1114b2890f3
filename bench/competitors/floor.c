/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The floor: the least that a translation can be, a bounds check and an addition. It knows one delta, so its
 * answers are right for a single range only; its time is what everybody else's is a multiple of.
 */
#include "competitor.h"

#include <stdlib.h>

struct floor {
    uint64_t first;
    uint64_t last; /* distance from first of the last access that fits */
    uint64_t delta;
};

BENCH_TRANSLATE uint64_t floor_translate(struct floor *self, uint64_t gpa)
{
    return __builtin_expect(gpa - self->first <= self->last, 1) ? gpa + self->delta : 0;
}

BENCH_LOOPS(floor)

void *bench_floor_build(const struct bench_ram *ranges, size_t count)
{
    const struct bench_ram *end = &ranges[count - 1];
    struct floor *self = malloc(sizeof(*self));

    if (self != NULL) {
        self->first = ranges[0].gpa;
        self->last = end->gpa + end->size - ranges[0].gpa - BENCH_ACCESS_LEN;
        self->delta = ranges[0].hva - ranges[0].gpa;
    }
    return self;
}

void bench_floor_destroy(void *self)
{
    free(self);
}
