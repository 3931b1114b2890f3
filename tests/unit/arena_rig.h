/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * An arena for white-box tests: filled at random, proof-read after each step, and asked what brute force is asked too.
 */
#ifndef GM_TESTS_UNIT_ARENA_RIG_H
#define GM_TESTS_UNIT_ARENA_RIG_H

#include "lib/cm.h"

#include "alloc/place/ask.h"
#include "alloc/order/check.h"
#include "alloc/place/fit.h"
#include "alloc/order/ranges.h"
#include "guestmem/arena_query.h"
#include "lib/rand.h"

static inline struct gm_arena *arena_new(uint64_t first, uint64_t last, uint64_t granule)
{
    const struct gm_arena_config config = {.first = first, .last = last, .granule = granule, .numa_node = -1};
    struct gm_arena *arena;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static inline void assert_checked(const struct gm_arena *arena)
{
    const char *wrong = gm_arena_check(arena);
    if (wrong != NULL)
        fail_msg("gm_arena_check: %s", wrong);
}

/* The k-th range in order is [k * pitch, k * pitch + length - 1]; handles go into ranges, if it is not NULL. */
static inline void arena_comb(struct gm_arena *arena, uint64_t count, uint64_t pitch, uint64_t length, gm_range *ranges)
{
    for (uint64_t i = 0; i < count; i++)
        assert_result(
            gm_arena_reserve(arena, i * pitch, i * pitch + length - 1, 0, i, ranges != NULL ? &ranges[i] : NULL), 0);
}

static inline struct gm_arena_stats arena_stats(struct gm_arena *arena)
{
    struct gm_arena_stats stats;
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    return stats;
}

/* The lowest or highest place, by looking at each gap. */
static inline bool brute_force(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, uint64_t *first)
{
    struct gm_gap gap;
    bool found = false;
    uint32_t slot = gm_ranges_seek(arena, 0);
    for (bool last = false; !last; slot = gm_ranges_beside(arena, slot, 1)) {
        last = slot == 0;
        uint64_t at;
        if (!gm_ranges_gap(arena, slot, &gap) || (found && end == 0))
            continue;
        if (end == 0 ? gm_fit_lowest(ask, gap, &at) : gm_fit_highest(ask, gap, &at)) {
            *first = at;
            found = true;
        }
    }
    return found;
}

#endif
