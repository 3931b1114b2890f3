/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A trace and a layout: one that is made up from the addresses, whether one holds them all, and what host addresses
 * it gives them. Written for being right, like the oracle of single addresses.
 */
#include "trace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "internal.h"

#define COVER_REGIONS 64

static uint64_t last_of(const struct bench_access *access)
{
    return access->gpa + access->len - 1;
}

static int by_address(const void *left, const void *right)
{
    const struct bench_range *a = left, *b = right;

    return (a->first > b->first) - (a->first < b->first);
}

/* The pages of each access; sorted, and neighbours whose gap is below that many bytes joined. Returns their number. */
static size_t join(struct bench_range *ranges, size_t count, uint64_t gap)
{
    size_t kept = 0;

    for (size_t i = 1; i < count; i++) {
        if (ranges[i].first <= ranges[kept].last || ranges[i].first - ranges[kept].last <= gap) {
            if (ranges[i].last > ranges[kept].last)
                ranges[kept].last = ranges[i].last;
        } else {
            ranges[++kept] = ranges[i];
        }
    }
    return kept + 1;
}

static struct bench_range *pages_of(const struct bench_trace *trace)
{
    struct bench_range *ranges = calloc(trace->count, sizeof(*ranges));

    for (size_t i = 0; ranges != NULL && i < trace->count; i++) {
        ranges[i].first = bench_round_down(trace->accesses[i].gpa, BENCH_PAGE);
        ranges[i].last = last_of(&trace->accesses[i]) | (BENCH_PAGE - 1);
    }
    if (ranges != NULL)
        qsort(ranges, trace->count, sizeof(*ranges), by_address);
    return ranges;
}

static struct bench_layout *layout_of(const struct bench_trace *trace, const struct bench_range *ranges, size_t count)
{
    struct bench_layout *layout = bench_layout_new(count, count);

    for (size_t i = 0; layout != NULL && i < count; i++) {
        struct bench_range *range = &layout->ranges[i];
        *range = (struct bench_range){
            .first = ranges[i].first, .last = ranges[i].last, .object = (uint32_t)i, .kind = BENCH_RAM};
        snprintf(range->name, sizeof(range->name), "made-up%zu", i);
        snprintf(layout->objects[i].name, sizeof(layout->objects[i].name), "made-up%zu", i);
    }
    if (layout != NULL) {
        layout->count = layout->object_count = count;
        snprintf(layout->name, sizeof(layout->name), "%s", trace->name);
    }
    return layout;
}

int bench_trace_cover(const char *path, const struct bench_trace *trace, struct bench_layout **out, char *error,
                      size_t error_size)
{
    struct bench_range *ranges = pages_of(trace);
    struct bench_layout *layout = NULL;
    size_t count = trace->count;
    char fault[200] = "not enough memory";
    int result = -ENOMEM;

    if (ranges != NULL) {
        count = join(ranges, count, BENCH_BLOCK);
        for (uint64_t gap = BENCH_BLOCK * 2; count > COVER_REGIONS; gap *= 2)
            count = join(ranges, count, gap);
        layout = layout_of(trace, ranges, count);
    }
    if (layout != NULL)
        result = bench_layout_finish(layout, count, fault, sizeof(fault));
    free(ranges);
    if (result == 0) {
        *out = layout;
        return 0;
    }
    bench_layout_free(layout);
    return bench_fail(error, error_size, result, "%s: no layout can be made up for these addresses (%s): give one "
                      "with --layout", path, fault);
}

uint64_t bench_trace_oracle(const struct bench_layout *layout, const struct bench_access *access)
{
    uint64_t at = access->gpa, left = access->len, sum = 0;

    while (left > 0) { /* bound: the entries of RAM */
        ptrdiff_t index = bench_oracle_index(layout, at, 1);
        if (index < 0)
            return 0;
        const struct bench_ram *ram = &layout->ram[index];
        uint64_t room = ram->gpa + ram->size - at, part = left < room ? left : room;
        sum += ram->hva + (at - ram->gpa);
        at += part;
        left -= part;
    }
    return sum;
}

int bench_trace_fits(const char *path, const struct bench_trace *trace, const struct bench_layout *layout,
                     char *error, size_t error_size)
{
    for (size_t i = 0; i < trace->count; i++) {
        const struct bench_access *access = &trace->accesses[i];
        if (bench_trace_oracle(layout, access) == 0)
            return bench_fail(error, error_size, -EINVAL, "%s:%u: 0x%llx and %u bytes are not all RAM of layout '%s'",
                              path, access->line, (unsigned long long)access->gpa, access->len, layout->name);
    }
    return 0;
}
