/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Places, gap by gap, in arithmetic that is wide enough never to wrap. */
#include "lib/arena_model.h"

__extension__ typedef __int128 wide;

#define NOWHERE ((wide)-1)

static wide least(wide a, wide b)
{
    return a < b ? a : b;
}

static wide most(wide a, wide b)
{
    return a > b ? a : b;
}

/* a modulo a power of two, never negative: in two's complement, its low bits */
static wide modulo(wide a, wide power)
{
    return a & (power - 1);
}

static bool crosses(const struct gmt_want *want, wide start)
{
    return want->no_cross != 0 && modulo(start, want->no_cross) + want->size > want->no_cross;
}

static wide aligned_up(const struct gmt_want *want, wide from)
{
    return from + modulo((wide)want->phase - from, want->align);
}

static wide next_block(const struct gmt_want *want, wide start)
{
    return start - modulo(start, want->no_cross) + want->no_cross;
}

/* First start in [low, high]; a start that crosses is put off to the next block, if the offset changes with it. */
static wide first_start(const struct gmt_want *want, wide low, wide high)
{
    wide start = aligned_up(want, low);
    if (crosses(want, start) && want->align < want->no_cross)
        start = aligned_up(want, next_block(want, start));
    return start <= high && !crosses(want, start) ? start : NOWHERE;
}

static wide last_start(const struct gmt_want *want, wide low, wide high)
{
    wide start = high - modulo(high - want->phase, want->align);
    if (crosses(want, start)) {
        start = next_block(want, start) - want->size;
        start -= modulo(start - want->phase, want->align);
    }
    return start >= low && !crosses(want, start) ? start : NOWHERE;
}

/* Where in the gap a range may start, from alignment apart. */
static void clip(const struct gmt_want *want, uint64_t first, uint64_t last, wide *low, wide *end)
{
    *low = most((wide)first + want->before, want->min);
    *end = least((wide)last - want->after, want->max) + 1;
}

bool gmt_gaps_up(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                 uint64_t *start)
{
    uint64_t first = 0, last = 0;
    for (int i = -1; i < (int)model->count; i++) {
        wide low, end;
        if (!gmt_arena_model_gap(model, i, &first, &last) || last < from)
            continue;
        clip(want, first, last, &low, &end);
        wide found = first_start(want, most(low, from), least(end - want->size, to));
        if (found != NOWHERE) {
            *start = (uint64_t)found;
            return true;
        }
    }
    return false;
}

bool gmt_gaps_down(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                   uint64_t *start)
{
    uint64_t first = 0, last = 0;
    for (int i = (int)model->count - 1; i >= -1; i--) {
        wide low, end;
        if (!gmt_arena_model_gap(model, i, &first, &last) || first > to)
            continue;
        clip(want, first, last, &low, &end);
        wide found = last_start(want, most(low, from), least(end - want->size, to));
        if (found != NOWHERE) {
            *start = (uint64_t)found;
            return true;
        }
    }
    return false;
}

static wide room_from(const struct gmt_arena_model *model, const struct gmt_want *want, wide start, wide end)
{
    wide stop = want->no_cross != 0 ? least(end, next_block(want, start)) : end;
    wide room = most(stop - start, 0);
    return room - modulo(room, model->granule);
}

/* A range that may not cross is longest from its first start on, or from the first one in the block behind. */
uint64_t gmt_gaps_largest(const struct gmt_arena_model *model, const struct gmt_want *want)
{
    uint64_t first = 0, last = 0;
    wide room = 0;
    for (int i = -1; i < (int)model->count; i++) {
        wide low, end;
        if (!gmt_arena_model_gap(model, i, &first, &last))
            continue;
        clip(want, first, last, &low, &end);
        wide start = aligned_up(want, low);
        room = most(room, room_from(model, want, start, end));
        if (want->no_cross != 0)
            room = most(room, room_from(model, want, aligned_up(want, next_block(want, start)), end));
    }
    return (uint64_t)least(room, UINT64_MAX);
}
