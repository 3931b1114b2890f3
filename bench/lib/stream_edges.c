/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Addresses at which translators go wrong: the last bytes before a boundary and the first after it, holes,
 * what is there but is not RAM, past the end, and sums that wrap. For checks, and to see what a refusal
 * costs.
 */
#include "internal.h"

#include <stdlib.h>

enum edge { EDGE_BEFORE, EDGE_AT_END, EDGE_IN_SPAN, EDGE_NOT_RAM, EDGE_PAST, EDGE_WRAP, EDGE_KINDS };

static uint64_t draw_edge(const struct bench_layout *layout, uint64_t len, struct bench_rng *rng)
{
    const struct bench_range *range = &layout->ranges[bench_random_below(rng, layout->count)];
    uint64_t end = layout->ranges[layout->count - 1].last + 1;

    switch ((enum edge)bench_random_below(rng, EDGE_KINDS)) {
    case EDGE_BEFORE: /* the first byte too; wraps where the range begins at 0 */
        return range->first - bench_random_below(rng, len + 2);
    case EDGE_AT_END: /* from the last access that fits to the second byte after the range */
        return range->last + 2 - bench_random_below(rng, len + 2);
    case EDGE_NOT_RAM:
        if (range->kind != BENCH_RAM)
            return range->first + bench_random_below(rng, range->last - range->first + 1);
        return range->last + 1 + bench_random_below(rng, BENCH_PAGE);
    case EDGE_PAST:
        return end + bench_random_below(rng, (UINT64_C(1) << 52) - end + BENCH_PAGE);
    case EDGE_WRAP:
        return UINT64_MAX - bench_random_below(rng, 2 * len);
    case EDGE_IN_SPAN:
    case EDGE_KINDS:
    default:
        return bench_random_below(rng, end);
    }
}

uint64_t *bench_stream_edges(const struct bench_layout *layout, size_t count, uint64_t len, uint64_t seed)
{
    struct bench_rng rng = {seed};
    uint64_t *gpa;

    if (layout->count == 0 || count == 0 || len == 0 || len > BENCH_GPA_LAST)
        return NULL;
    gpa = calloc(count, sizeof(*gpa));
    for (size_t i = 0; gpa != NULL && i < count; i++)
        gpa[i] = draw_edge(layout, len, &rng);
    return gpa;
}
