/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "lib/arena_walk.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/rand.h"

#define WINDOW_SHIFT 10 /* windows end within so many granules */

struct gm_request gmt_walk_request(uint64_t *seed, uint64_t granule)
{
    struct gm_request request = {.size = (1 + gmt_rand_below(seed, 12)) * granule,
                                 .owner = (uint32_t)gmt_rand_below(seed, 5), .user = gmt_rand(seed),
                                 .place = (enum gm_place)gmt_rand_below(seed, GM_PLACE_RANDOM + 1)};
    uint64_t kind = gmt_rand_below(seed, 16);
    if (kind < 4)
        request.align = granule << gmt_rand_below(seed, 5);
    if (kind == 0)
        request.phase = request.align / 2 & ~(granule - 1);
    if (kind == 4)
        request.ladder = granule * 0x15;
    if (kind == 5)
        request.no_cross = 64 * granule;
    if (kind == 6 || kind == 7)
        request.guard_before = gmt_rand_below(seed, 3) * granule;
    if (kind == 7 || kind == 8)
        request.guard_after = gmt_rand_below(seed, 3) * granule;
    if (kind >= 13) {
        request.min = gmt_rand_below(seed, UINT64_C(1) << WINDOW_SHIFT) * granule;
        request.max = request.min + (gmt_rand_below(seed, UINT64_C(1) << WINDOW_SHIFT)) * granule;
    }
    request.near = gmt_rand_below(seed, UINT64_C(1) << (WINDOW_SHIFT + 2)) * granule;
    return request;
}

void gmt_walk_init(struct gmt_walk *walk, struct gm_arena *arena, uint64_t granule, unsigned most, uint64_t seed)
{
    memset(walk, 0, sizeof(*walk));
    walk->arena = arena;
    walk->granule = granule;
    walk->most = most;
    walk->seed = seed;
}

static void fold(struct gmt_walk *walk, uint64_t value)
{
    walk->digest = gmt_mix(walk->digest ^ value);
}

static void take(struct gmt_walk *walk)
{
    struct gm_request request = gmt_walk_request(&walk->seed, walk->granule);
    struct gm_range_info info;
    int result = walk->txn != NULL ? gm_arena_txn_take(walk->txn, walk->arena, &request, &info)
                                   : gm_arena_take(walk->arena, &request, &info);
    fold(walk, (uint64_t)result);
    if (result != 0)
        return;
    fold(walk, info.first);
    fold(walk, info.last);
    fold(walk, info.range);
    if (walk->count < GMT_WALK_RANGES)
        walk->ranges[walk->count++] = info.range;
}

/* One handle in eight stays with the walk after it is given, so that stale ones are tried too. */
static void give(struct gmt_walk *walk, unsigned index)
{
    gm_range range = walk->ranges[index];
    int result = walk->txn != NULL ? gm_arena_txn_give(walk->txn, walk->arena, range)
                                   : gm_arena_give(walk->arena, range);
    fold(walk, (uint64_t)result);
    if (gmt_rand_below(&walk->seed, 8) != 0 || result != 0)
        walk->ranges[index] = walk->ranges[--walk->count];
}

static void change(struct gmt_walk *walk, gm_range range, bool resize)
{
    struct gm_range_info info = {.first = 0};
    uint64_t by = gmt_rand_below(&walk->seed, 24) * walk->granule;
    int result = gm_arena_get(walk->arena, range, &info);
    uint64_t to = resize ? info.first + by + walk->granule - 1 : info.first + by - 12 * walk->granule;
    if (walk->txn != NULL)
        result = resize ? gm_arena_txn_resize(walk->txn, walk->arena, range, to)
                        : gm_arena_txn_relocate(walk->txn, walk->arena, range, to);
    else
        result = resize ? gm_arena_resize(walk->arena, range, to) : gm_arena_relocate(walk->arena, range, to);
    fold(walk, (uint64_t)result);
    if (gm_arena_get(walk->arena, range, &info) != 0)
        return;
    fold(walk, info.first);
    fold(walk, info.last);
    fold(walk, info.user ^ info.owner);
}

static void step(struct gmt_walk *walk)
{
    uint64_t dice = gmt_rand_below(&walk->seed, 2 * walk->most);
    uint64_t kind = gmt_rand_below(&walk->seed, 8);
    unsigned index = walk->count == 0 ? 0 : (unsigned)gmt_rand_below(&walk->seed, walk->count);
    if (walk->count != 0 && kind < 2)
        change(walk, walk->ranges[index], kind == 0);
    else if (walk->count == 0 || dice > walk->count)
        take(walk);
    else
        give(walk, index);
}

void gmt_walk_steps(struct gmt_walk *walk, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++)
        step(walk);
}

bool gmt_walk_same(struct gmt_walk *a, struct gmt_walk *b, unsigned steps)
{
    for (unsigned i = 0; i < steps; i++) {
        step(a);
        step(b);
        if (a->digest == b->digest && a->count == b->count)
            continue;
        fprintf(stderr, "the histories part after %u steps\n", i + 1);
        return false;
    }
    return true;
}
