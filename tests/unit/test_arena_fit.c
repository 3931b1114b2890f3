/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Fitting a request into one gap, against trying each number: windows, phases, guards and no_cross in one small gap,
 * and the same gap at the upper end of all numbers, where every sum could wrap.
 */
#include "lib/cm.h"

#include "alloc/place/fit.h"
#include "lib/rand.h"

#define SPACE 96
#define TOP_SHIFT (0 - (uint64_t)SPACE) /* number 0 of the space becomes 2^64 - SPACE */

/* In the terms of the request: is the outer range at `first` one that fits? */
static bool is_good(const struct gm_ask *ask, struct gm_gap gap, uint64_t first)
{
    uint64_t last = first + ask->reach;
    uint64_t inner = first + ask->before;
    if (first < gap.first || last > gap.last || first < ask->min || last > ask->max)
        return false;
    if (first % (ask->mask + 1) != ask->phase)
        return false;
    return ask->cross == 0 || inner / ask->cross == (inner + ask->inner - 1) / ask->cross;
}

static void draw(uint64_t *seed, struct gm_ask *ask, struct gm_gap *gap)
{
    gap->first = gmt_rand_below(seed, SPACE);
    gap->last = gap->first + gmt_rand_below(seed, SPACE - gap->first);
    *ask = (struct gm_ask){.inner = 1 + gmt_rand_below(seed, 24), .min = 0, .max = SPACE - 1};
    if (gmt_rand_below(seed, 3) == 0)
        ask->before = gmt_rand_below(seed, 6);
    if (gmt_rand_below(seed, 3) == 0)
        ask->after = gmt_rand_below(seed, 6);
    ask->reach = ask->before + ask->inner + ask->after - 1;
    ask->mask = (UINT64_C(1) << gmt_rand_below(seed, 6)) - 1;
    ask->phase = gmt_rand(seed) & ask->mask;
    if (gmt_rand_below(seed, 2) == 0) {
        ask->min = gmt_rand_below(seed, SPACE);
        ask->max = gmt_rand_below(seed, SPACE); /* may lie below min */
    }
    if (gmt_rand_below(seed, 2) == 0)
        for (ask->cross = 1u << gmt_rand_below(seed, 6); ask->cross < ask->inner;)
            ask->cross *= 2;
}

static void judge(const struct gm_ask *ask, struct gm_gap gap, uint64_t shift)
{
    struct gm_ask moved = *ask;
    struct gm_gap there = {gap.first + shift, gap.last + shift};
    uint64_t lowest = SPACE, highest = SPACE, got;
    for (uint64_t first = 0; first + ask->reach < SPACE; first++) {
        if (!is_good(ask, gap, first))
            continue;
        lowest = lowest == SPACE ? first : lowest;
        highest = first;
    }
    moved.min += shift;
    moved.max += shift;
    assert_int_equal(gm_fit_lowest(&moved, there, &got), lowest != SPACE);
    if (lowest != SPACE)
        assert_true(got == lowest + shift);
    assert_int_equal(gm_fit_highest(&moved, there, &got), lowest != SPACE);
    if (lowest != SPACE)
        assert_true(got == highest + shift);
}

static void random_requests(void **state)
{
    uint64_t seed = 20261120;
    unsigned fits = 0;
    (void)state;
    for (unsigned i = 0; i < 300000; i++) {
        struct gm_ask ask;
        struct gm_gap gap;
        uint64_t got;
        draw(&seed, &ask, &gap);
        judge(&ask, gap, 0);
        judge(&ask, gap, TOP_SHIFT);
        judge(&ask, gap, UINT64_C(1) << 63);
        fits += gm_fit_lowest(&ask, gap, &got);
    }
    assert_in_range(fits, 20000, 250000);
}

/* Alignments up to 2^63, and a gap of all there is. */
static void extremes(void **state)
{
    const struct gm_gap all = {0, UINT64_MAX};
    uint64_t first;
    (void)state;
    for (unsigned k = 0; k < 64; k++) {
        uint64_t size = UINT64_C(1) << k;
        struct gm_ask ask = {.reach = size - 1, .inner = size, .mask = size - 1, .max = UINT64_MAX};
        assert_true(gm_fit_lowest(&ask, all, &first) && first == 0);
        assert_true(gm_fit_highest(&ask, all, &first) && first == 0 - size);
        ask.cross = size;
        ask.mask = 0;
        ask.min = 1; /* the next place that crosses nothing is the second one, if there are two */
        assert_int_equal(gm_fit_lowest(&ask, all, &first), true);
        assert_true(first == (k == 0 ? 1 : size));
    }
    struct gm_ask most = {.reach = UINT64_MAX - 1, .inner = UINT64_MAX, .max = UINT64_MAX};
    assert_true(gm_fit_lowest(&most, all, &first) && first == 0);
    assert_true(gm_fit_highest(&most, all, &first) && first == 1);
    most.reach = UINT64_MAX; /* with guards of one number */
    assert_true(gm_fit_lowest(&most, all, &first) && first == 0);
    assert_true(gm_fit_highest(&most, all, &first) && first == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_requests), cmocka_unit_test(extremes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
