/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Taking ranges. All that can fail is done before the write section opens. */
#include "alloc/apply.h"

#include <errno.h>

#include "alloc/block/block.h"
#include "alloc/cache.h"
#include "alloc/change.h"
#include "alloc/order/index.h"
#include "alloc/place/place.h"
#include "alloc/place/plain.h"
#include "base/math.h"

#define APART __attribute__((noinline)) /* so that gm_apply_take only chooses, without a frame of its own */

static uint32_t add_guard(struct gm_arena *arena, uint64_t first, uint64_t size, uint32_t before)
{
    uint32_t slot = gm_change_add(arena, first, first + (size - 1), before);
    gm_store_relaxed(&gm_node_of(arena, slot)->state, (uint8_t)(GM_NODE_LIVE | GM_NODE_GUARD));
    return slot;
}

/* The range with its guards, from low to high, all into the same gap. */
static uint32_t add(struct gm_arena *arena, const struct gm_ask *ask, const struct gm_spot *spot)
{
    uint32_t before = 0, after = 0;
    uint64_t first = spot->first + ask->before;
    uint64_t last = first + (ask->inner - 1);
    if (ask->before != 0)
        before = add_guard(arena, spot->first, ask->before, spot->slot);
    uint32_t slot = gm_change_add(arena, first, last, spot->slot);
    if (ask->after != 0)
        after = add_guard(arena, last + 1, ask->after, spot->slot);
    uint8_t state = GM_NODE_LIVE;
    if (before != 0) {
        gm_store_relaxed(&gm_node_of(arena, before)->owner, slot);
        state |= GM_NODE_BEFORE;
    }
    if (after != 0) {
        gm_store_relaxed(&gm_node_of(arena, after)->owner, slot);
        state |= GM_NODE_AFTER;
    }
    gm_store_relaxed(&gm_node_of(arena, slot)->state, state);
    return slot;
}

static void tell(const struct gm_arena *arena, uint32_t slot, const struct gm_request *request, uint64_t first,
                 struct gm_range_info *out)
{
    if (out != NULL) /* not from the node, which is too new to be read fast */
        *out = (struct gm_range_info){first, first + (request->size - 1), request->user,
                                      gm_handle_of(arena, slot, gm_node_of(arena, slot)->generation),
                                      request->owner, 0};
}

static APART int take_anywhere(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    struct gm_placement placement;
    int result = gm_place(arena, request, &placement);
    if (result == 0)
        result = gm_block_room(arena, 1u + (request->guard_before != 0) + (request->guard_after != 0));
    if (result != 0)
        return result;
    gm_block_expect(arena, request->user);
    gm_change_open(arena);
    uint32_t slot = add(arena, &placement.ask, &placement.spot);
    gm_change_label(arena, slot, request->owner, request->user);
    gm_change_close(arena);
    arena->block->random = placement.random;
    uint64_t first = placement.spot.first + placement.ask.before;
    if (request->place == GM_PLACE_NEXT)
        arena->block->cursor = first + request->size;
    tell(arena, slot, request, first, out);
    return 0;
}

/*
 * The place of a plain request in the tail. Alignments for which gm_place makes an index are left to it, and so are
 * errors.
 */
static inline bool in_tail(const struct gm_arena *arena, const struct gm_request *request, uint64_t *first)
{
    const struct gm_block *block = arena->block;
    uint64_t rest = request->guard_before | request->guard_after | request->phase | request->ladder |
                    request->no_cross | (uint64_t)request->place;
    uint64_t align = gm_max_u64(request->align, block->granule);
    uint64_t size = request->size;
    if (rest != 0 || size == 0 || !gm_is_aligned(size, block->granule) || (request->align & (request->align - 1)) != 0)
        return false;
    if (!block->has_tail || (align != size && align != block->granule))
        return false;
    uint64_t last = gm_min_u64(block->last, gm_ask_window_last(request));
    return gm_align_up(gm_max_u64(block->tail_first, request->min), align, first) && *first <= last &&
           last - *first >= size - 1;
}

/* Nothing has to be translated or looked for, as no gap but the tail is long enough. */
static APART int take_behind_all(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    uint64_t first;
    if (!in_tail(arena, request, &first))
        return take_anywhere(arena, request, out);
    arena->visited = arena->looked_at = 1; /* the root */
    arena->visited_most = gm_max_u64(arena->visited_most, 1);
    int result = gm_block_room(arena, 1);
    if (result != 0)
        return result;
    gm_block_expect(arena, request->user);
    gm_change_open(arena);
    uint32_t slot = gm_change_add(arena, first, first + (request->size - 1), 0);
    gm_change_label(arena, slot, request->owner, request->user);
    gm_change_close(arena);
    tell(arena, slot, request, first, out);
    return 0;
}

/* The array, and what most ask for: nothing is translated, and the place is not looked for again to put a range in. */
static APART int take_in_array(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    const struct gm_block *block = arena->block;
    struct gm_plain_spot spot;
    if (block->count == GM_FLAT || block->count + 1 >= arena->capacity)
        return take_anywhere(arena, request, out);
    int result = gm_plain_place(arena, request, &spot);
    if (result != 0)
        return result > 0 ? take_anywhere(arena, request, out) : result;
    gm_block_expect(arena, request->user);
    uint64_t opened = gm_change_open(arena);
    uint32_t slot = gm_change_node(arena, spot.first, spot.first + (request->size - 1));
    gm_flat_insert(arena, spot.position, slot);
    gm_change_label(arena, slot, request->owner, request->user);
    gm_change_end(arena, opened);
    tell(arena, slot, request, spot.first, out);
    return 0;
}

/* A fixed place behind all ranges, as they come when a known layout is built: nothing is looked for, nothing moves. */
static APART int take_fixed(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    const struct gm_block *block = arena->block;
    uint64_t first = request->near, last = first + (request->size - 1);
    bool ready = block->flat_end < GM_FLAT && block->count + 1 < arena->capacity &&
                 (request->user == 0 || arena->users_capacity != 0);
    if (!ready || !block->has_tail || first < block->tail_first || !gm_plain_is_fixed(block, request, last))
        return take_in_array(arena, request, out);
    arena->visited = 0;
    uint64_t opened = gm_change_open(arena);
    uint32_t slot = gm_change_node(arena, first, last);
    gm_flat_append(arena, slot, first, last);
    gm_change_label(arena, slot, request->owner, request->user);
    gm_change_end(arena, opened);
    tell(arena, slot, request, first, out);
    return 0;
}

/* While an arena fills up, the tail is all there is. */
int gm_apply_take(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    const struct gm_block *block = arena->block;
    if (!block->tree)
        return request->place == GM_PLACE_FIXED ? take_fixed(arena, request, out) : take_in_array(arena, request, out);
    bool behind_all = gm_index_longest(gm_node_of(arena, block->root)) < request->size;
    return behind_all ? take_behind_all(arena, request, out) : take_anywhere(arena, request, out);
}

static APART int take_locked(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    gm_arena_lock(arena);
    int result = gm_apply_take(arena, request, out);
    if (gm_cache_again(arena, result))
        result = gm_apply_take(arena, request, out);
    return gm_arena_unlock(arena, result);
}

int gm_arena_take(struct gm_arena *arena, const struct gm_request *request, struct gm_range_info *out)
{
    if (arena == NULL || request == NULL)
        return -EINVAL;
    return arena->locked ? take_locked(arena, request, out) : gm_apply_take(arena, request, out); /* else no caches */
}

int gm_apply_reserve(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner, uint64_t user,
                     gm_range *out)
{
    const struct gm_block *block = arena->block;
    uint32_t before;
    if (first > last || !gm_is_aligned(first | (last + 1), block->granule))
        return -EINVAL;
    if (first < block->first || last > block->last)
        return -ERANGE;
    if (!gm_place_is_free(arena, first, last, &before))
        return -EBUSY;
    int result = gm_block_room(arena, 1);
    if (result != 0)
        return result;
    gm_block_expect(arena, user);
    gm_change_open(arena);
    uint32_t slot = gm_change_add(arena, first, last, before);
    gm_change_label(arena, slot, owner, user);
    gm_change_close(arena);
    if (out != NULL)
        *out = gm_handle_of(arena, slot, gm_node_of(arena, slot)->generation);
    return 0;
}

int gm_arena_reserve(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner, uint64_t user,
                     gm_range *out)
{
    if (arena == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    int result = gm_apply_reserve(arena, first, last, owner, user, out);
    if (gm_cache_again(arena, result))
        result = gm_apply_reserve(arena, first, last, owner, user, out);
    return gm_arena_unlock(arena, result);
}
