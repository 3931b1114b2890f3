/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What is not translation: marks of dirty pages, ranges and ids. Each operation leaves the world as it was, or in a
 * state that depends on nothing but what was done before; sums count successes, which both revisions share.
 */
#include <string.h>

#include "cases.h"

#define RANGES 1024 /* live ones; a power of two */
#define IDS 65536
#define FLOOR_WORDS 4096 /* of 64 pages: 1 GiB, where the regions of these cases end */
#define GRANULE UINT64_C(4096)

static struct {
    gm_range range[RANGES];
    uint32_t id[RANGES];
    uint64_t bits[FLOOR_WORDS];
} live __attribute__((aligned(4096)));

uint64_t run_mark(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += gm_dirty_mark(gate.dirty, gate.memory.words[i % GATE_WORDS], 8) == 0;
    }
    return sum;
}

/* The least that tells whether a page is marked: a load and a test, in a bitmap without anything above it. */
uint64_t floor_mark(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const uint64_t page = gate.memory.words[i % GATE_WORDS] >> 12;
        sum += __atomic_load_n(&live.bits[page / 64 % FLOOR_WORDS], __ATOMIC_RELAXED) >> (page % 64) & 1;
    }
    return sum;
}

/* 255 or 256 pages, dirty already. */
uint64_t run_mark_range(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += gm_dirty_mark(gate.dirty, gate.memory.words[i % GATE_WORDS], 255 * GRANULE) == 0;
    }
    return sum;
}

static size_t add_up(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    uint64_t *sum = arg;
    for (size_t i = 0; i < count; i++)
        *sum += ranges[i].first / GRANULE + ranges[i].len / GRANULE;
    return count;
}

/* Clean pages anywhere are marked, and then all that is dirty is taken; an operation is a page. Marks are locked, or
   the harvest would make a system call. */
uint64_t run_harvest(uint64_t count, uint64_t first)
{
    const struct gm_dirty_request request = {.len = UINT64_MAX};
    uint64_t sum = 0, next = 0;
    for (uint64_t i = first; i < first + count; i += GATE_HARVEST) {
        HARVEST_MORE();
        for (uint64_t j = i; j < i + GATE_HARVEST; j++)
            sum += gm_dirty_mark(gate.dirty, gate.memory.words[j % GATE_WORDS], 8) == 0;
        sum += gm_dirty_harvest(gate.dirty, &request, add_up, &sum, &next) == 0;
    }
    return sum;
}

/* A block of 1, 2, 4 or 8 granules goes, and one of another size is taken. */
uint64_t run_churn(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const uint64_t word = gate.memory.words[i % GATE_WORDS] >> 12;
        const uint64_t size = GRANULE << ((word >> 10) & 3);
        const struct gm_request request = {.size = size, .align = size};
        struct gm_range_info taken;
        ONE_MORE();
        if (gm_arena_give(gate.arena, live.range[word % RANGES]) != 0)
            continue;
        sum += gm_arena_take(gate.arena, &request, &taken) == 0;
        live.range[word % RANGES] = taken.range;
    }
    return sum;
}

uint64_t run_ids(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        uint32_t *slot = &live.id[(gate.memory.words[i % GATE_WORDS] >> 12) % RANGES];
        ONE_MORE();
        sum += gm_ids_give(gate.ids, *slot) == 0 && gm_ids_take(gate.ids, slot) == 0;
    }
    return sum;
}

static int setup_bitmap(unsigned flags)
{
    const struct gm_dirty_config config = {.size = gate.last + 8, .numa_node = -1, .flags = GM_DIRTY_ON | flags};
    return gm_dirty_create(&config, &gate.dirty);
}

static int setup_marks(void)
{
    const int error = setup_bitmap(0);
    memset(live.bits, 0xff, sizeof(live.bits));
    return error != 0 ? error : gm_dirty_mark(gate.dirty, 0, gate.last + 8);
}

static int setup_ranges(void)
{
    const struct gm_arena_config config = {
        .last = UINT32_MAX, .granule = GRANULE, .ranges_most = 2 * RANGES, .numa_node = -1};
    int error = gm_arena_create(&config, &gate.arena);
    for (unsigned i = 0; error == 0 && i < RANGES; i++) {
        const uint64_t size = GRANULE << (i & 3);
        const struct gm_request request = {.size = size, .align = size};
        struct gm_range_info taken;
        error = gm_arena_take(gate.arena, &request, &taken);
        live.range[i] = taken.range;
    }
    return error;
}

static int setup_ids(void)
{
    const struct gm_ids_config config = {.count = IDS, .numa_node = -1};
    int error = gm_ids_create(&config, &gate.ids);
    for (unsigned i = 0; error == 0 && i < RANGES; i++)
        error = gm_ids_take(gate.ids, &live.id[i]);
    return error;
}

int gate_work_setup(enum gate_work work)
{
    switch (work) {
    case GATE_MARKS:
    case GATE_TRACKED:
        return setup_marks();
    case GATE_HARVESTS:
        return setup_bitmap(GM_DIRTY_LOCKED);
    case GATE_RANGES:
        return setup_ranges();
    case GATE_IDS:
        return setup_ids();
    case GATE_TRANSLATES:
    case GATE_ACCESSES:
    case GATE_CHAINS:
    case GATE_INDIRECT:
        break;
    }
    return 0;
}

void gate_work_teardown(void)
{
    gm_dirty_destroy(gate.dirty);
    gate.dirty = NULL;
    (void)gm_arena_destroy(gate.arena);
    gate.arena = NULL;
    gm_ids_destroy(gate.ids);
    gate.ids = NULL;
}
