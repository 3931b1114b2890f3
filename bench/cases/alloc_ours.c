/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The place where the library's own allocators are plugged into the benchmarks: everything else, rows, loads, floors
 * and peers, is there. When it has one, return a table here; rows take it from then on. See lib/arena.h.
 */
#include "alloc.h"

#include <errno.h>
#include <stdlib.h>

#include <guestmem/arena.h>
#include <guestmem/ids.h>

/*
 * In a slot: the rest is the handle of the range, which gives it back quicker than its bounds. Addresses are below, and
 * so are handles with their halves exchanged: the lower half of a handle says which range, of 2^31 at most.
 */
#define HANDLE (UINT64_C(1) << 63)

static inline uint64_t exchanged(uint64_t value)
{
    return value << 32 | value >> 32;
}

struct ours {
    struct gm_arena *arena;
    gm_range *placed; /* handles of what was placed: of slot i at i, for who has not put them into slots */
    size_t count, room;
};

static inline int take(struct ours *self, const struct bench_request *request, struct gm_range_info *info)
{
    static const enum gm_place places[] = {
        [BENCH_LOWEST] = GM_PLACE_LOWEST, [BENCH_HIGHEST] = GM_PLACE_HIGHEST, [BENCH_FIXED] = GM_PLACE_FIXED};
    const struct gm_request asked = {.size = request->size,
                                     .align = request->align,
                                     .min = request->min,
                                     .max = request->max,
                                     .near = request->min,
                                     .place = places[request->policy]};

    return gm_arena_take(self->arena, &asked, info);
}

static int ours_alloc(void *self, const struct bench_request *request, uint64_t *address)
{
    struct gm_range_info info;
    int result = take(self, request, &info);

    if (result == 0)
        *address = info.first;
    return result == 0 ? 0 : -ENOSPC;
}

static int ours_free(void *opaque, uint64_t address, uint64_t size)
{
    struct ours *self = opaque;

    return gm_arena_give_exact(self->arena, address, address + (size - 1), 0) == 0 ? 0 : -EINVAL;
}

static int make_room(struct ours *self, size_t count)
{
    size_t room = 2 * (self->count + count);
    gm_range *placed;

    if (self->count + count <= self->room)
        return 0;
    placed = realloc(self->placed, room * sizeof(*placed));
    if (placed == NULL)
        return -ENOMEM;
    self->placed = placed;
    self->room = room;
    return 0;
}

static int ours_place(void *opaque, const struct bench_extent *extents, size_t count)
{
    struct ours *self = opaque;
    int result = make_room(self, count);

    for (size_t i = 0; i < count && result == 0; i++) {
        uint64_t first = extents[i].address, last = first + (extents[i].size - 1);
        result = gm_arena_reserve(self->arena, first, last, 0, 0, &self->placed[self->count]);
        self->count += result == 0;
    }
    return result;
}

static inline int give(struct ours *self, uint32_t slot, uint64_t noted)
{
    if ((noted & HANDLE) != 0)
        return gm_arena_give(self->arena, exchanged(noted & ~HANDLE));
    return slot < self->count ? gm_arena_give(self->arena, self->placed[slot]) : -ENOENT;
}

void bench_arena_ours_slots(void *opaque, uint64_t *slots)
{
    const struct ours *self = opaque;

    for (size_t i = 0; i < self->count; i++)
        slots[i] = exchanged(self->placed[i]) | HANDLE;
}

/* As everybody's (lib/arena.h), but that slots get handles. */
static void ours_replay(void *opaque, const struct bench_request *requests, const struct bench_op *ops, size_t count,
                        uint64_t *slots, struct bench_answer *answer)
{
    struct ours *self = opaque;
    uint64_t sum = 0, failures = 0;

    for (size_t i = 0; i < count; i++) {
        uint32_t slot = ops[i].slot;
        uint64_t noted = BENCH_NOWHERE;
        int failed;
        if (ops[i].kind == BENCH_FREE) {
            failed = give(self, slot, slots[slot]) != 0;
        } else {
            struct gm_range_info info;
            failed = take(self, &requests[ops[i].request], &info) != 0;
            noted = failed ? BENCH_NOWHERE : exchanged(info.range) | HANDLE;
            sum += failed ? 0 : info.first;
        }
        slots[slot] = noted;
        failures += (uint64_t)failed;
    }
    answer->sum = sum;
    answer->failures = failures;
}

static void ours_destroy(void *opaque)
{
    struct ours *self = opaque;

    gm_arena_destroy(self->arena);
    free(self->placed);
    free(self);
}

static void *ours_create(uint64_t base, uint64_t size)
{
    const struct gm_arena_config config = {.first = base, .last = base + (size - 1), .numa_node = -1};
    struct gm_arena *arena;

    return gm_arena_create(&config, &arena) == 0 ? bench_arena_as_ours(arena) : NULL;
}

void *bench_arena_as_ours(struct gm_arena *arena)
{
    struct ours *self = calloc(1, sizeof(*self));

    if (self == NULL)
        gm_arena_destroy(arena);
    else
        self->arena = arena;
    return self;
}

struct gm_arena *bench_arena_in_ours(void *self)
{
    return ((struct ours *)self)->arena;
}

static const struct bench_arena ours = {
    .name = "guestmem",
    .what = "gm_arena_take, gm_arena_give",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = UINT64_MAX,
    .fill = UINT64_MAX,
    .create = ours_create,
    .destroy = ours_destroy,
    .alloc = ours_alloc,
    .free = ours_free,
    .place = ours_place,
    .replay = ours_replay,
};

const struct bench_arena *bench_arena_ours(void)
{
    return &ours;
}

static void *ids_create(uint32_t count)
{
    const struct gm_ids_config config = {.first = 0, .count = count, .numa_node = -1};
    struct gm_ids *ids;

    return gm_ids_create(&config, &ids) == 0 ? ids : NULL;
}

static void ids_destroy(void *self)
{
    gm_ids_destroy(self);
}

static void ids_fresh(void *self, uint32_t *slots, size_t count, struct bench_answer *answer)
{
    *answer = (struct bench_answer){0};
    for (size_t i = 0; i < count; i++) {
        uint32_t id = UINT32_MAX;

        answer->failures += gm_ids_take(self, &id) != 0;
        slots[i] = id;
        answer->sum += id == UINT32_MAX ? 0 : id;
    }
}

static void ids_pairs(void *self, uint32_t *slots, const uint32_t *order, size_t count, struct bench_answer *answer)
{
    *answer = (struct bench_answer){0};
    for (size_t i = 0; i < count; i++) {
        uint32_t id = UINT32_MAX;

        answer->failures += gm_ids_give(self, slots[order[i]]) != 0;
        answer->failures += gm_ids_take(self, &id) != 0;
        slots[order[i]] = id;
        answer->sum += id == UINT32_MAX ? 0 : id;
    }
}

static void ids_drop(void *self, const uint32_t *slots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        (void)gm_ids_give(self, slots[i]);
}

const struct bench_ids *bench_ids_ours(void)
{
    static const struct bench_ids ids = {
        .name = "guestmem",
        .what = "gm_ids_take, gm_ids_give",
        .threads = UINT32_MAX,
        .create = ids_create,
        .destroy = ids_destroy,
        .fresh = ids_fresh,
        .pairs = ids_pairs,
        .drop = ids_drop,
    };

    return &ids;
}
