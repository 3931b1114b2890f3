/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Loads of many different requests whose answers are known beforehand: alignments in turn, and windows of all kinds. */
#include "load.h"

#include "inputs.h"

#define GIB (UINT64_C(1) << 30)
#define BASE (64 * GIB)
#define CLASSES 20u
#define CLASS_UNITS 1020 /* a multiple of CLASSES */
#define GAP_PAGES 8
#define WINDOWS 512u
#define WINDOW_UNITS 1024

static void arena_is(struct bench_load *load, uint64_t base, uint64_t end)
{
    load->base = base;
    load->size = end - base;
}

/* Unit i allocates request i modulo their number, into the slot behind those of the ranges that are there. */
static void in_turn(struct bench_load *load)
{
    uint32_t slot = (uint32_t)load->placed_count;

    for (size_t i = 0; i < load->units; i++) {
        uint16_t request = (uint16_t)(i % load->request_count);
        load->ops[2 * i] = (struct bench_op){.slot = slot, .request = request, .kind = BENCH_ALLOCATE};
        load->ops[2 * i + 1] = (struct bench_op){.slot = slot, .request = request, .kind = BENCH_FREE};
    }
    load->neutral = 1;
}

int bench_load_checkerboard_highest(struct bench_load *load)
{
    int result = bench_load_room(load, load->n, WINDOW_UNITS, 2, load->n + 1);

    if (result != 0)
        return result;
    arena_is(load, BASE, BASE + GIB + 2 * load->n * BENCH_PAGE);
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] = (struct bench_extent){BASE + GIB + 2 * i * BENCH_PAGE, BENCH_PAGE};
    load->requests[0] = (struct bench_request){.size = 2 * BENCH_PAGE,
                                               .align = BENCH_PAGE,
                                               .min = BASE,
                                               .max = BASE + (load->size - 1),
                                               .policy = BENCH_HIGHEST};
    load->request_count = 1;
    load->needs = BENCH_CAN_HIGHEST;
    in_turn(load);
    for (size_t i = 0; i < load->units; i++)
        load->answers[i] = BASE + GIB - 2 * BENCH_PAGE;
    return 0;
}

/*
 * Gaps of `length` pages begin one page behind a multiple of twice as many, but for the last, which begins at one. Of
 * the others, alignment to 2^k pages leaves length + 1 - 2^k, and a page more is asked for.
 */
int bench_load_classes(struct bench_load *load)
{
    const uint64_t length = (UINT64_C(2) << CLASSES) * BENCH_PAGE, period = 2 * length;
    int result = bench_load_room(load, load->n + 1, CLASS_UNITS, 2, load->n + 2);
    uint64_t from = BASE & ~(period - 1);

    if (result != 0)
        return result;
    load->base = from;
    for (size_t i = 0; i <= load->n; i++) {
        uint64_t to = load->base + (i + 1) * period + (i < load->n ? BENCH_PAGE : 0);
        load->placed[i] = (struct bench_extent){from, to - from};
        from = to + length;
    }
    arena_is(load, load->base, from);
    for (unsigned k = 1; k <= CLASSES; k++) {
        uint64_t align = BENCH_PAGE << k;
        load->requests[k - 1] = (struct bench_request){.size = length + 2 * BENCH_PAGE - align,
                                                       .align = align,
                                                       .min = load->base,
                                                       .max = from - 1};
    }
    load->request_count = CLASSES;
    in_turn(load);
    for (size_t i = 0; i < load->units; i++)
        load->answers[i] = from - length;
    return 0;
}

/* Two pages; 0: the window begins in a gap that has one left; 1: it is just enough; 2: it ends in the gap behind. */
static struct bench_request through(uint64_t gap, uint64_t next_gap, unsigned how, uint64_t *answer)
{
    struct bench_request request = {.size = 2 * BENCH_PAGE, .align = BENCH_PAGE};

    request.min = gap + (how == 1 ? 3 : GAP_PAGES - 1) * BENCH_PAGE;
    request.max = how == 1 ? request.min + 2 * BENCH_PAGE - 1 : next_gap + (how == 2 ? 2 : 5) * BENCH_PAGE - 1;
    *answer = how == 1 ? request.min : next_gap;
    return request;
}

int bench_load_window_edges(struct bench_load *load, uint64_t seed)
{
    const uint64_t period = 2 * GAP_PAGES * BENCH_PAGE;
    int result = bench_load_room(load, load->n, WINDOW_UNITS, 2, load->n + 1);
    struct bench_rng rng = {seed};

    if (result != 0)
        return result;
    arena_is(load, BASE, BASE + (load->n + 1) * period);
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] = (struct bench_extent){BASE + i * period + GAP_PAGES * BENCH_PAGE, GAP_PAGES * BENCH_PAGE};
    load->request_count = WINDOWS;
    for (unsigned i = 0; i < WINDOWS; i++) {
        uint64_t gap = BASE + bench_random_below(&rng, load->n) * period;
        load->requests[i] = through(gap, gap + period, i % 3, &load->answers[i]);
    }
    for (size_t i = WINDOWS; i < load->units; i++)
        load->answers[i] = load->answers[i % WINDOWS];
    load->needs = BENCH_CAN_WINDOW;
    in_turn(load);
    return 0;
}
