/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One ring through all lines in random order (Sattolo's shuffle makes a single cycle), so that every load
 * depends on the one before and no prefetcher can guess the next.
 */
#include "chase.h"

#include <stdlib.h>

#include "inputs.h"

#define LINE 64

union line {
    union line *next;
    char pad[LINE];
};

struct bench_chase {
    union line *lines, *at;
    size_t count;
};

struct bench_chase *bench_chase_new(uint64_t bytes, uint64_t seed)
{
    size_t count = bytes / LINE < 8 ? 8 : bytes / LINE;
    struct bench_chase *chase = malloc(sizeof(*chase));
    size_t *order = malloc(count * sizeof(*order));
    struct bench_rng rng = {seed};

    if (chase != NULL)
        chase->lines = aligned_alloc(LINE, count * LINE);
    if (chase == NULL || order == NULL || chase->lines == NULL) {
        free(order);
        bench_chase_free(chase);
        return NULL;
    }
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    for (size_t i = count - 1; i > 0; i--) {
        size_t j = bench_random_below(&rng, i), kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
    for (size_t i = 0; i < count; i++)
        chase->lines[i].next = &chase->lines[order[i]];
    chase->at = chase->lines;
    chase->count = count;
    free(order);
    return chase;
}

void bench_chase_free(struct bench_chase *chase)
{
    if (chase != NULL)
        free(chase->lines);
    free(chase);
}

static void follow(struct bench_chase *chase, uint64_t count)
{
    union line *at = chase->at;

    for (uint64_t i = 0; i < count; i++) {
        at = at->next;
        bench_opaque(at);
    }
    chase->at = at;
}

void bench_chase_body(struct bench_run *run)
{
    struct bench_chase *chase = run->fixture;
    uint64_t begin = bench_now_ns();

    follow(chase, chase->count); /* what is asked for is the latency where the lines are at home */
    bench_counters_begin(run->counters);
    run->warm_ns = bench_now_ns() - begin;
    follow(chase, run->iters);
}
