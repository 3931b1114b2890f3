/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Operations that name a range or bounds: reserve, give, resize, relocate, update, extend; and their misuse. */
#include <errno.h>

#include "lib/arena_model_world.h"

#define ULL(value) ((unsigned long long)(value))

static void remember_stale(struct gmt_arena_world *world, unsigned range)
{
    world->stale[world->stale_count++ % GMT_ARENA_STALE] = world->model->ranges[range].handle;
    gmt_arena_model_remove(world->model, range);
    world->report->given++;
}

void gmt_arena_step_reserve(struct gmt_arena_world *world)
{
    uint64_t granule = world->model->granule;
    uint64_t first = gmt_draw_number(world), last = gmt_draw_number(world);
    uint64_t kind = gmt_pick(world->stream, 8);
    first = kind < 7 ? first - first % granule : first;
    last = kind < 5 ? first + gmt_draw_granules(world) - 1 : kind < 7 ? last | (granule - 1) : last;
    struct gmt_range range = {.first = first, .last = last, .owner = 9, .user = world->report->ops};
    gm_range second = 0;
    int want = gmt_expect_reserve(world->model, first, last);
    int got = gm_arena_reserve(world->arena, first, last, range.owner, range.user, &range.handle);
    if (got != want || (got != 0) != (range.handle == 0))
        gmt_arena_fail(world, "reserve(%#llx, %#llx): %d handle %#llx, expected %d", ULL(first), ULL(last), got,
                       ULL(range.handle), want);
    if (world->twin != NULL &&
        (gm_arena_reserve(world->twin, first, last, range.owner, range.user, &second) != got || second != range.handle))
        gmt_arena_fail(world, "reserve(%#llx, %#llx): twins differ", ULL(first), ULL(last));
    if (got == 0 && !world->report->failed)
        gmt_arena_model_add(world->model, &range);
}

static int give_in_a_way(struct gm_arena *arena, const struct gmt_range *range, uint64_t way)
{
    switch (way) {
    case 0:
        return gm_arena_give_exact(arena, range->first, range->last, range->owner);
    case 1:
        return gm_arena_give_at(arena, range->first - range->before);
    case 2:
        return gm_arena_give_at(arena, range->last + range->after);
    default:
        return gm_arena_give(arena, range->handle);
    }
}

void gmt_arena_step_give(struct gmt_arena_world *world)
{
    if (world->model->live == 0)
        return;
    unsigned index = gmt_draw_range(world);
    const struct gmt_range *range = &world->model->ranges[index];
    uint64_t way = gmt_pick(world->stream, 6);
    int got = give_in_a_way(world->arena, range, way);
    if (got != 0 || (world->twin != NULL && give_in_a_way(world->twin, range, way) != 0))
        gmt_arena_fail(world, "give %#llx..%#llx handle %#llx in way %u: %d", ULL(range->first), ULL(range->last),
                       ULL(range->handle), (unsigned)way, got);
    remember_stale(world, index);
}

/* Bounds that are most often those of nothing. */
static void give_bounds(struct gmt_arena_world *world)
{
    uint64_t first = gmt_draw_number(world), last = gmt_draw_number(world);
    uint32_t owner = (uint32_t)gmt_pick(world->stream, 3);
    unsigned index = gmt_arena_model_next(world->model, first);
    if (index < world->model->count && gmt_once_in(world->stream, 2)) {
        first = world->model->pieces[index].first;
        last = world->model->pieces[index].last + gmt_pick(world->stream, 2) * world->model->granule;
    }
    int want = gmt_expect_give_exact(world->model, first, last, owner, &index);
    int got = gm_arena_give_exact(world->arena, first, last, owner);
    if (got != want || (world->twin != NULL && gm_arena_give_exact(world->twin, first, last, owner) != want))
        gmt_arena_fail(world, "give_exact(%#llx, %#llx, %u): %d, expected %d", ULL(first), ULL(last), owner, got, want);
    if (want == 0)
        remember_stale(world, index);
}

static void give_number(struct gmt_arena_world *world)
{
    uint64_t number = gmt_draw_number(world);
    unsigned index = 0;
    int want = gmt_expect_give_at(world->model, number, &index);
    int got = gm_arena_give_at(world->arena, number);
    if (got != want || (world->twin != NULL && gm_arena_give_at(world->twin, number) != want))
        gmt_arena_fail(world, "give_at(%#llx): %d, expected %d", ULL(number), got, want);
    if (want == 0)
        remember_stale(world, index);
}

void gmt_arena_step_give_wrong(struct gmt_arena_world *world)
{
    if (gmt_once_in(world->stream, 2))
        give_bounds(world);
    else
        give_number(world);
}

/* or_stale: -ESTALE is right, too. */
static void all_refuse(struct gmt_arena_world *world, gm_range handle, int want, bool or_stale)
{
    struct gm_range_info info;
    int got[] = {gm_arena_get(world->arena, handle, &info), gm_arena_update(world->arena, handle, 1, 1),
                 gm_arena_resize(world->arena, handle, world->model->last),
                 gm_arena_relocate(world->arena, handle, world->model->first), gm_arena_give(world->arena, handle)};
    for (unsigned i = 0; i < sizeof(got) / sizeof(got[0]); i++) {
        if (got[i] != want && !(or_stale && got[i] == -ESTALE))
            gmt_arena_fail(world, "handle %#llx, call %u: %d, expected %d", ULL(handle), i, got[i], want);
    }
}

static bool is_live(const struct gmt_arena_model *model, gm_range handle)
{
    for (unsigned i = 0; i < model->live; i++) {
        if (model->ranges[model->live_index[i]].handle == handle)
            return true;
    }
    return false;
}

/* Handles beside good ones: of the next generation of a slot, of another slot, perhaps of a guard. */
static void forge(struct gmt_arena_world *world, gm_range handle)
{
    const struct gmt_arena_model *model = world->model;
    if (model->live != 0 && gmt_once_in(world->stream, 2))
        handle = model->ranges[gmt_draw_range(world)].handle;
    handle += gmt_pick(world->stream, 3);
    handle += (gmt_pick(world->stream, 3) - 1) << 32;
    if (!is_live(model, handle))
        all_refuse(world, handle, -ENOENT, true);
}

void gmt_arena_step_stale(struct gmt_arena_world *world)
{
    unsigned known = world->stale_count < GMT_ARENA_STALE ? world->stale_count : GMT_ARENA_STALE;
    if (known == 0 || gmt_once_in(world->stream, 16)) {
        all_refuse(world, gmt_once_in(world->stream, 2) ? 0 : UINT64_MAX, -ENOENT, false);
        return;
    }
    gm_range handle = world->stale[gmt_pick(world->stream, known)];
    if (gmt_once_in(world->stream, 3))
        forge(world, handle);
    else
        all_refuse(world, handle, -ESTALE, false);
}

void gmt_arena_step_resize(struct gmt_arena_world *world)
{
    struct gmt_arena_model *model = world->model;
    if (model->live == 0)
        return;
    unsigned index = gmt_draw_range(world);
    const struct gmt_range *range = &model->ranges[index];
    uint64_t last = gmt_draw_number(world);
    uint64_t kind = gmt_pick(world->stream, 8);
    if (kind < 3)
        last = range->last + gmt_draw_granules(world);
    else if (kind < 5)
        last = range->first + gmt_draw_granules(world) - 1;
    else if (kind < 7)
        last |= model->granule - 1;
    int want = gmt_expect_resize(model, index, last);
    int got = gm_arena_resize(world->arena, range->handle, last);
    if (got != want || (world->twin != NULL && gm_arena_resize(world->twin, range->handle, last) != want))
        gmt_arena_fail(world, "resize %#llx..%#llx (guards %#llx %#llx) to %#llx: %d, expected %d", ULL(range->first),
                       ULL(range->last), ULL(range->before), ULL(range->after), ULL(last), got, want);
    world->report->edited++;
    if (want == 0)
        gmt_arena_model_move(model, index, range->first, last);
}

void gmt_arena_step_relocate(struct gmt_arena_world *world)
{
    struct gmt_arena_model *model = world->model;
    if (model->live == 0)
        return;
    unsigned index = gmt_draw_range(world);
    const struct gmt_range *range = &model->ranges[index];
    uint64_t kind = gmt_pick(world->stream, 8);
    uint64_t first = gmt_draw_number(world);
    if (kind < 3)
        first = range->first + gmt_draw_granules(world) * (kind == 0 ? 1 : UINT64_MAX);
    else if (kind < 7)
        first -= first % model->granule;
    int want = gmt_expect_relocate(model, index, first);
    int got = gm_arena_relocate(world->arena, range->handle, first);
    if (got != want || (world->twin != NULL && gm_arena_relocate(world->twin, range->handle, first) != want))
        gmt_arena_fail(world, "relocate %#llx..%#llx to %#llx: %d, expected %d", ULL(range->first), ULL(range->last),
                       ULL(first), got, want);
    world->report->edited++;
    if (want == 0)
        gmt_arena_model_move(model, index, first, first + (range->last - range->first));
}

void gmt_arena_step_update(struct gmt_arena_world *world)
{
    if (world->model->live == 0)
        return;
    struct gmt_range *range = &world->model->ranges[gmt_draw_range(world)];
    range->owner = (uint32_t)gmt_pick(world->stream, 3);
    range->user = world->report->ops;
    if (gm_arena_update(world->arena, range->handle, range->owner, range->user) != 0 ||
        (world->twin != NULL && gm_arena_update(world->twin, range->handle, range->owner, range->user) != 0))
        gmt_arena_fail(world, "update of %#llx failed", ULL(range->handle));
}

void gmt_arena_step_extend(struct gmt_arena_world *world)
{
    struct gmt_arena_model *model = world->model;
    uint64_t kind = gmt_pick(world->stream, 16);
    uint64_t below = gmt_pick(world->stream, 3) * model->granule, above = gmt_pick(world->stream, 3) * model->granule;
    uint64_t first = model->first - (below < model->first ? below : model->first);
    uint64_t last = model->last + (above < UINT64_MAX - model->last ? above : UINT64_MAX - model->last);
    if (kind == 0)
        first = gmt_draw_number(world);
    if (kind == 1)
        last = gmt_draw_number(world);
    int want = gmt_expect_extend(model, first, last);
    int got = gm_arena_extend(world->arena, first, last);
    if (got != want || (world->twin != NULL && gm_arena_extend(world->twin, first, last) != want))
        gmt_arena_fail(world, "extend(%#llx, %#llx) of %#llx..%#llx: %d, expected %d", ULL(first), ULL(last),
                       ULL(model->first), ULL(model->last), got, want);
    if (want == 0)
        gmt_arena_model_extend(model, first, last);
}
