/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What fits at some place fits there when it is shorter too. So the largest size is found bit by bit, with one search
 * for each.
 */
#include "alloc/place/most.h"

#include "alloc/place/ask.h"
#include "alloc/block/gap.h"
#include "alloc/place/search.h"

uint64_t gm_most_free(const struct gm_arena *arena)
{
    const struct gm_block *block = arena->block;
    uint64_t most = 0;
    if (block->tree) {
        const struct gm_node *root = gm_node_of(arena, block->root);
        most = gm_max_u64(root->gap, gm_max_u64(root->max[0], root->max[1]));
    } else {
        for (uint32_t i = 0; i < block->flat_end; i++)
            most = gm_max_u64(most, gm_node_of(arena, block->flat_slot[i])->gap);
    }
    uint64_t tail = block->last - block->tail_first; /* less one, so that 2^64 is UINT64_MAX */
    if (block->has_tail)
        most = gm_max_u64(most, tail == UINT64_MAX ? tail : tail + 1);
    return most;
}

/* The ask of a request, with another size. False: too long for 64 bits, or for no_cross. */
static bool sized(const struct gm_ask *ask, uint64_t size, struct gm_ask *out)
{
    uint64_t outer;
    *out = *ask;
    out->inner = size;
    if (!gm_add_ok(size - 1, ask->before, &outer) || !gm_add_ok(outer, ask->after, &out->reach))
        return false;
    return ask->cross == 0 || size <= ask->cross;
}

/* A search says nothing of 2^64 numbers: that takes an arena of that many, empty, and a request without conditions. */
static bool all_there_is(const struct gm_arena *arena, const struct gm_ask *ask)
{
    const struct gm_block *block = arena->block;
    return block->count == 0 && block->first == 0 && block->last == UINT64_MAX && ask->min == 0 &&
           ask->max == UINT64_MAX && ask->phase == 0 && ask->before == 0 && ask->after == 0 && ask->cross == 0;
}

int gm_most_of_request(struct gm_arena *arena, const struct gm_request *request, uint64_t *size)
{
    struct gm_request smallest = *request;
    struct gm_ask ask, tried;
    struct gm_spot spot;
    uint64_t most = 0, granule = arena->block->granule;
    uint64_t align = request->ladder != 0 ? request->ladder & (0 - request->ladder) : gm_max_u64(request->align, 1);
    smallest.size = granule;
    *size = 0;
    if (gm_ask_make(arena, &smallest, align, &ask) != 0)
        return 0;           /* guards alone exceed 64 bits */
    ask.reach = UINT64_MAX; /* no natural block, whatever its size will be */
    int result = gm_ask_index(arena, &ask);
    if (result != 0)
        return result;
    for (uint64_t bit = UINT64_C(1) << 63; bit >= granule; bit >>= 1)
        if (sized(&ask, most | bit, &tried) && gm_search(arena, &tried, 0, &spot) == 0)
            most |= bit;
    *size = all_there_is(arena, &ask) ? UINT64_MAX : most;
    return 0;
}

int gm_most_aligned(struct gm_arena *arena, uint64_t align, uint64_t *size)
{
    const struct gm_request request = {.size = arena->block->granule, .align = align};
    return gm_most_of_request(arena, &request, size);
}
