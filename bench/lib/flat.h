/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The floor under a single translation: one bounds check and one addition, which is what a guest with a
 * single region at address 0 would need. Its answers are wrong for every other guest; its time is what ours
 * is held against, in the same loop over the same addresses.
 */
#ifndef BENCH_FLAT_H
#define BENCH_FLAT_H

#include "inputs.h"

struct bench_flat {
    uint64_t last; /* the last address at which an access may begin */
    uint64_t delta;
};

static inline struct bench_flat bench_flat_of(const struct bench_layout *layout)
{
    const struct bench_ram *end = &layout->ram[layout->ram_count - 1];

    return (struct bench_flat){.last = end->gpa + end->size - BENCH_ACCESS_LEN,
                               .delta = layout->ram[0].hva - layout->ram[0].gpa};
}

static inline __attribute__((always_inline)) uint64_t bench_flat_translate(const struct bench_flat *flat,
                                                                           uint64_t gpa)
{
    return __builtin_expect(gpa <= flat->last, 1) ? gpa + flat->delta : 0;
}

/* The loop with each translation behind a call: the floor of rows whose translations are calls. self: a bench_flat. */
uint64_t bench_flat_run_call(void *self, const uint64_t *gpa, size_t count);

#endif
