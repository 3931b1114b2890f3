/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A radix tree over 4 KiB pages, nine bits a level, with the range that answered last in front of it: after
 * QEMU's memory dispatch. Entries that are uniform end at their level. The slot in front is one word for all
 * threads, as it is there, and written whenever another range answers.
 */
#include "competitor.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_SHIFT 12
#define LEVEL_SHIFT 9
#define FANOUT (1u << LEVEL_SHIFT)

/* An entry is a hole, the number of a range plus one, a page that several ranges share, or a node. */
#define HOLE 0u
#define SHARED 0x7fffffffu
#define NODE 0x80000000u

typedef uint32_t radix_node[FANOUT];

struct radix {
    size_t last; /* the range that answered last */
    const struct bench_ram *ranges;
    radix_node *nodes; /* nodes[0] is the root */
    uint64_t pages;    /* the root covers so many */
    unsigned shift;    /* of the root's index in a page number */
    size_t count;
    size_t used, room;
    struct bench_arrays arrays; /* for shared pages */
};

static uint32_t walk(const struct radix *self, uint64_t page)
{
    uint32_t entry = NODE;

    for (unsigned shift = self->shift; (entry & NODE) != 0; shift -= LEVEL_SHIFT)
        entry = self->nodes[entry & ~NODE][(page >> shift) % FANOUT];
    return entry;
}

BENCH_TRANSLATE uint64_t radix_translate(struct radix *self, uint64_t gpa)
{
    size_t last = __atomic_load_n(&self->last, __ATOMIC_RELAXED);
    const struct bench_ram *range = &self->ranges[last];

    if (bench_inside(gpa - range->gpa, range->size))
        return gpa - range->gpa + range->hva;
    if (gpa >> PAGE_SHIFT >= self->pages)
        return 0;
    uint32_t entry = walk(self, gpa >> PAGE_SHIFT);
    if (entry == HOLE)
        return 0;
    size_t found = entry != SHARED ? entry - 1 : bench_halve(self->arrays.starts, self->count, gpa);
    range = &self->ranges[found];
    if (!bench_inside(gpa - range->gpa, range->size))
        return 0;
    __atomic_store_n(&self->last, found, __ATOMIC_RELAXED);
    return gpa - range->gpa + range->hva;
}

BENCH_LOOPS(radix)

/* A new empty node, or 0, which is the root and nobody's child, when memory is short. */
static uint32_t new_node(struct radix *self)
{
    if (self->used == self->room) {
        radix_node *nodes = realloc(self->nodes, 2 * self->room * sizeof(*nodes));
        if (nodes == NULL)
            return 0;
        self->nodes = nodes;
        self->room *= 2;
    }
    memset(self->nodes[self->used], 0, sizeof(self->nodes[0]));
    return (uint32_t)self->used++;
}

/*
 * Put entry for pages first to last, which node covers with 2^shift pages each index; they are holes so far.
 */
static int put(struct radix *self, uint32_t node, unsigned shift, uint64_t first, uint64_t last,
               uint32_t entry)
{
    uint64_t span = UINT64_C(1) << shift;

    while (first <= last) {
        uint64_t end = first | (span - 1); /* the last page of this index */
        uint32_t *at = &self->nodes[node][(first >> shift) % FANOUT];
        if (first % span == 0 && end <= last) {
            *at = entry;
        } else {
            uint32_t child = (*at & NODE) != 0 ? *at & ~NODE : new_node(self);
            if (child == 0)
                return -1;
            self->nodes[node][(first >> shift) % FANOUT] = NODE | child; /* the array may have moved */
            if (put(self, child, shift - LEVEL_SHIFT, first, end < last ? end : last, entry) != 0)
                return -1;
        }
        first = end + 1;
    }
    return 0;
}

/* A page of which a range has only a part is that range's if nobody else has another part. */
static int put_part(struct radix *self, uint64_t page, uint32_t entry)
{
    return put(self, 0, self->shift, page, page, walk(self, page) == HOLE ? entry : SHARED);
}

static int put_range(struct radix *self, size_t index)
{
    const struct bench_ram *range = &self->ranges[index];
    uint64_t end = range->gpa + range->size;
    uint64_t first = range->gpa >> PAGE_SHIFT, last = (end - 1) >> PAGE_SHIFT;
    uint64_t first_whole = (range->gpa + (1u << PAGE_SHIFT) - 1) >> PAGE_SHIFT, end_whole = end >> PAGE_SHIFT;
    uint32_t entry = (uint32_t)index + 1;

    if (first < first_whole && put_part(self, first, entry) != 0)
        return -1;
    if (last >= end_whole && (last > first || first == first_whole) && put_part(self, last, entry) != 0)
        return -1;
    if (first_whole >= end_whole)
        return 0;
    return put(self, 0, self->shift, first_whole, end_whole - 1, entry);
}

static int fill(struct radix *self, const struct bench_ram *ranges, size_t count)
{
    struct bench_ram *copy = malloc(count * sizeof(*copy));
    uint64_t last_page = (ranges[count - 1].gpa + ranges[count - 1].size - 1) >> PAGE_SHIFT;

    self->ranges = copy;
    self->count = count;
    self->room = 16;
    self->nodes = malloc(self->room * sizeof(*self->nodes));
    if (copy == NULL || self->nodes == NULL || bench_arrays_build(&self->arrays, ranges, count) != 0)
        return -1;
    memcpy(copy, ranges, count * sizeof(*copy));
    while (last_page >> self->shift >= FANOUT)
        self->shift += LEVEL_SHIFT;
    self->pages = (uint64_t)FANOUT << self->shift;
    new_node(self);
    for (size_t i = 0; i < count; i++) {
        if (put_range(self, i) != 0)
            return -1;
    }
    return 0;
}

void *bench_radix_build(const struct bench_ram *ranges, size_t count)
{
    struct radix *self = calloc(1, sizeof(*self));

    if (self != NULL && fill(self, ranges, count) != 0) {
        bench_radix_destroy(self);
        self = NULL;
    }
    return self;
}

void bench_radix_destroy(void *self)
{
    struct radix *radix = self;

    bench_arrays_destroy(&radix->arrays);
    free(radix->nodes);
    free((void *)(uintptr_t)radix->ranges);
    free(radix);
}
