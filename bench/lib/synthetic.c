/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Layouts that no machine has, to show how the cost grows. Real maps have few regions that matter; these have
 * as many as one likes, none aligned to the 2 MiB that tables would like, or even a boundary in every 2 MiB.
 */
#include "internal.h"

#include <errno.h>
#include <stdio.h>

#define DEFAULT_SPAN (UINT64_C(1) << 40)
#define SMALLEST_SHARE (UINT64_C(8) << 20)

#define MIXED_REGIONS 32764

static void add_region(struct bench_layout *layout, uint64_t gpa, uint64_t size)
{
    size_t i = layout->count++;
    struct bench_range *range = &layout->ranges[i];

    *range = (struct bench_range){
        .first = gpa, .last = gpa + size - 1, .object = (uint32_t)i, .kind = BENCH_RAM};
    snprintf(range->name, sizeof(range->name), "region%zu", i);
    snprintf(layout->objects[i].name, sizeof(layout->objects[i].name), "object%zu", i);
    layout->object_count = layout->count;
}

static int finish(struct bench_layout *layout, uint64_t seed, struct bench_layout **out)
{
    int result = bench_layout_finish(layout, seed, NULL, 0);

    layout->weight = BENCH_BY_RANGE;
    if (result == 0)
        *out = layout;
    else
        bench_layout_free(layout);
    return result;
}

/* One page more where a boundary would be aligned to a block. */
static uint64_t misalign(uint64_t address)
{
    return address % BENCH_BLOCK == 0 ? address + BENCH_PAGE : address;
}

int bench_layout_uniform(size_t regions, uint64_t span, uint64_t seed, struct bench_layout **out)
{
    struct bench_rng rng = {seed};
    struct bench_layout *layout;

    span = span == 0 ? DEFAULT_SPAN : span;
    if (regions == 0 || regions > BENCH_MAX_RANGES || span > BENCH_GPA_LAST ||
        span / regions < SMALLEST_SHARE)
        return -EINVAL;
    layout = bench_layout_new(regions, regions);
    if (layout == NULL)
        return -ENOMEM;
    snprintf(layout->name, sizeof(layout->name), "uniform-%zu", regions);
    uint64_t share = span / regions / BENCH_PAGE; /* [pages] */
    for (size_t i = 0; i < regions; i++) {
        uint64_t pages = share / 2 + bench_random_below(&rng, share * 2 / 5);
        /* three pages are kept back for the two that misalign() may add, and for a gap */
        uint64_t skip = bench_random_below(&rng, share - pages - 3);
        uint64_t first = misalign((i * share + skip) * BENCH_PAGE);
        uint64_t end = misalign(first + pages * BENCH_PAGE);
        add_region(layout, first, end - first);
    }
    return finish(layout, bench_random(&rng), out);
}

/*
 * Where region i of the mixed layout begins: inside block i, and not so near to its ends that a gap eats a
 * region.
 */
static uint64_t mixed_start(uint64_t i, struct bench_rng *rng)
{
    return i * BENCH_BLOCK + (64 + bench_random_below(rng, 384)) * BENCH_PAGE;
}

int bench_layout_mixed(uint64_t seed, struct bench_layout **out)
{
    struct bench_rng rng = {seed};
    struct bench_layout *layout = bench_layout_new(MIXED_REGIONS, MIXED_REGIONS);

    if (layout == NULL)
        return -ENOMEM;
    snprintf(layout->name, sizeof(layout->name), "mixed-%d", MIXED_REGIONS);
    uint64_t first = mixed_start(0, &rng);
    for (uint64_t i = 0; i < MIXED_REGIONS; i++) {
        uint64_t next = mixed_start(i + 1, &rng);
        uint64_t gap = bench_random_below(&rng, 2) == 0 ? 0 : (1 + bench_random_below(&rng, 16)) * BENCH_PAGE;
        add_region(layout, first, next - gap - first);
        first = next;
    }
    return finish(layout, bench_random(&rng), out);
}
