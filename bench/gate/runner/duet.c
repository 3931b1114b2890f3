/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Duet, because what disturbs a machine lasts longer than a leg of 50 us and meets both sides. A round is four legs,
 * A B B A or B A A B, over two stretches of the input, so that each side comes first on one of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "runner.h"

#define LEG_NS 50000

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* A second thread, if there is one, does the same side's work from before the leg until after it. */
static uint64_t leg(const struct side *sides, unsigned which, uint64_t count, uint64_t first, uint64_t *sum)
{
    const struct side *side = &sides[which];
    if (side->now->beside != NULL)
        beside_on(which);
    uint64_t start = now_ns();
    *sum += side->run(count, first);
    uint64_t ns = now_ns() - start;
    if (side->now->beside != NULL) {
        beside_off();
        if (side->table->settle != NULL)
            side->table->settle();
    }
    return ns;
}

/* How many operations take about a leg. */
static uint64_t calibrate(const struct side *sides, unsigned which)
{
    uint64_t count = GATE_STEP, sum = 0;
    for (;;) {
        uint64_t best = UINT64_MAX;
        for (int i = 0; i < 3; i++) {
            uint64_t ns = leg(sides, which, count, 0, &sum);
            best = ns < best ? ns : best;
        }
        if (best >= LEG_NS / 4)
            return (count * LEG_NS / best + GATE_STEP - 1) / GATE_STEP * GATE_STEP;
        count *= 2;
    }
}

static int by_value(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static double median(double *values, unsigned count)
{
    qsort(values, count, sizeof(*values), by_value);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

int duet(const struct side *sides, unsigned rounds, unsigned order)
{
    double *ratio = calloc(rounds, 2 * sizeof(*ratio)), *each = ratio + rounds;
    if (ratio == NULL)
        return GATE_CANNOT;
    const uint64_t count = calibrate(sides, order % 2);
    uint64_t first = 0, sum[2] = {0, 0};
    for (unsigned round = 0; round < rounds; round++) {
        const unsigned one = (round + order) % 2, two = 1 - one;
        const uint64_t second = (first + count) % GATE_WORDS;
        uint64_t ns[2];
        ns[one] = leg(sides, one, count, first, &sum[one]);
        ns[two] = leg(sides, two, count, second, &sum[two]);
        ns[two] += leg(sides, two, count, first, &sum[two]);
        ns[one] += leg(sides, one, count, second, &sum[one]);
        ratio[round] = (double)ns[1] / (double)ns[0];
        each[round] = (double)ns[0] / 2 / (double)count;
        first = (second + count) % GATE_WORDS;
    }
    const struct gate_case *now = sides[0].now;
    const int differ = sides[0].table != sides[1].table && sum[0] != sum[1];
    if (differ)
        fprintf(stderr, "%s: the two sides answer differently\n", now->name);
    else
        printf("case\t%s\t%s\t%s\t%.6f\t%.4f\n", now->name, now->family, now->kind != NULL ? now->kind : "kernel",
               median(ratio, rounds), median(each, rounds));
    free(ratio);
    return differ ? GATE_CANNOT : 0;
}
