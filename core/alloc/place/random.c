/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * GM_PLACE_RANDOM. All numbers at which a range could start if nothing were taken are counted from 0, so that such a
 * start can be told from its number and back. A few draws from the whole window are tried first; when most of it is
 * taken, the places that are free are counted, gap by gap, and one of these is drawn. Either way each is as likely as
 * any other.
 */
#include "alloc/place/place.h"

#include <errno.h>

#include "alloc/order/ranges.h"
#include "base/math.h"

#define DRAWS 32

__extension__ typedef unsigned __int128 wide;

/* Starts of the inner range: `count` of them, `step` apart, from `phase` on in each `block` of numbers. */
struct starts {
    uint64_t block, phase, step, count;
};

static struct starts starts_of(const struct gm_ask *ask)
{
    struct starts starts = {.step = ask->mask + 1, .count = 1};
    starts.phase = (ask->phase + ask->before) & ask->mask;
    starts.block = starts.step;
    if (ask->cross == 0)
        return starts;
    uint64_t offset = starts.phase & (ask->cross - 1);
    bool any = offset <= ask->cross - ask->inner;
    if (starts.step < ask->cross) {
        starts.block = ask->cross;
        starts.count = any ? (ask->cross - ask->inner - offset) / starts.step + 1 : 0;
    } else {
        starts.count = any;
    }
    return starts;
}

/* How many lie below x. */
static wide number_of(const struct starts *starts, wide x)
{
    uint64_t rest = (uint64_t)x & (starts->block - 1);
    uint64_t in_block = 0;
    if (rest > starts->phase)
        in_block = gm_min_u64((rest - starts->phase - 1) / starts->step + 1, starts->count);
    return x / starts->block * starts->count + in_block;
}

static uint64_t start_of(const struct starts *starts, wide number)
{
    uint64_t block = (uint64_t)(number / starts->count);
    return block * starts->block + starts->phase + (uint64_t)(number % starts->count) * starts->step;
}

/* The places in a gap: *from is the number of the first. */
static wide places_in(const struct gm_ask *ask, const struct starts *starts, struct gm_gap gap, wide *from)
{
    if (!gm_fit_clip(ask, &gap) || gap.last - gap.first < ask->reach)
        return 0;
    *from = number_of(starts, (wide)gap.first + ask->before);
    return number_of(starts, (wide)(gap.last - ask->reach) + ask->before + 1) - *from;
}

/* Steele, Lea, Flood: Fast splittable pseudorandom number generators, OOPSLA 2014. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* Below a bound, 1 .. 2^64, each equally likely. Lemire: Fast random integer generation in an interval, 2019. */
static uint64_t draw_below(uint64_t *state, wide bound)
{
    uint64_t low = (uint64_t)bound;
    if (low == 0)
        return draw(state);
    uint64_t unfair = (0 - low) % low;
    wide product = (wide)draw(state) * low;
    while ((uint64_t)product < unfair)
        product = (wide)draw(state) * low;
    return (uint64_t)(product >> 64);
}

static bool draw_from_all(struct gm_arena *arena, const struct gm_ask *ask, const struct starts *starts,
                          struct gm_spot *out, uint64_t *state)
{
    wide from;
    wide count = places_in(ask, starts, (struct gm_gap){arena->block->first, arena->block->last}, &from);
    for (unsigned i = 0; i < DRAWS && count != 0; i++) {
        out->first = start_of(starts, from + draw_below(state, count)) - ask->before;
        if (gm_place_is_free(arena, out->first, out->first + ask->reach, &out->slot))
            return true;
    }
    return false;
}

static bool draw_from_free(struct gm_arena *arena, const struct gm_ask *ask, const struct starts *starts,
                           struct gm_spot *out, uint64_t *state)
{
    wide from, count = 0;
    for (struct gm_walk walk = {.any = false}; gm_search_walk(arena, ask, &walk);)
        count += places_in(ask, starts, walk.gap, &from);
    if (count == 0)
        return false;
    wide left = draw_below(state, count);
    for (struct gm_walk walk = {.any = false}; gm_search_walk(arena, ask, &walk); left -= count) {
        count = places_in(ask, starts, walk.gap, &from);
        if (left >= count)
            continue;
        *out = (struct gm_spot){start_of(starts, from + left) - ask->before, walk.slot};
        return true;
    }
    return false;
}

int gm_place_random(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out, uint64_t *state)
{
    struct starts starts = starts_of(ask);
    uint64_t next = *state;
    if (starts.count == 0 ||
        (!draw_from_all(arena, ask, &starts, out, &next) && !draw_from_free(arena, ask, &starts, out, &next)))
        return -ENOSPC;
    *state = next;
    return 0;
}
