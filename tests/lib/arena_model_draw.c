/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What to ask for. Mistakes in an allocator live where things touch: at edges of ranges, of windows, of blocks and
 * of the number space itself, so most draws land there; and where a structure changes its form, so the number of
 * live ranges goes up and down.
 */
#include "lib/arena_model_world.h"

const char *const gmt_arena_profiles[GMT_ARENA_PROFILES] = {"tiny", "small", "dense", "wide", "whole", "classes"};

/* Cells at most; 0 for a space that has too many. */
static const unsigned cells_most[GMT_ARENA_PROFILES] = {24, 300, 2500, 0, 0, 1200};

/* A start that leaves room for cells: at 0, at the top, across 2^32, anywhere. */
static uint64_t place_space(struct gmt_stream *stream, uint64_t cells, unsigned shift)
{
    uint64_t room = (UINT64_MAX >> shift) - (cells - 1);
    switch (gmt_pick(stream, 4)) {
    case 0:
        return 0;
    case 1:
        return room << shift;
    case 2:
        return ((UINT64_C(1) << 32) >> shift) > cells ? (((UINT64_C(1) << 32) >> shift) - cells / 2) << shift : 0;
    default:
        return (gmt_take(stream, 8) % room) << shift;
    }
}

static void draw_bounds(struct gmt_arena_world *world, struct gm_arena_config *config)
{
    struct gmt_stream *stream = world->stream;
    unsigned shift = gmt_once_in(stream, 3) ? 0 : (unsigned)gmt_pick(stream, 13);
    uint64_t cells = cells_most[world->profile];
    world->scale = 0;
    if (cells != 0)
        cells = 1 + gmt_pick(stream, cells);
    else if (world->profile == 3)
        cells = (UINT64_C(1) << 24) + (gmt_take(stream, 2) << 4);
    if (cells != 0) {
        config->first = place_space(stream, cells, shift);
        config->last = config->first + ((cells - 1) << shift) + ((UINT64_C(1) << shift) - 1);
        world->scale = cells > GMT_ARENA_CELLS ? 12 : 0;
    } else {
        shift = gmt_once_in(stream, 3) ? 0 : (unsigned)gmt_pick(stream, 64);
        config->first = 0;
        config->last = UINT64_MAX;
        world->scale = 58 - (shift < 58 ? shift : 58);
    }
    config->granule = shift == 0 && gmt_once_in(stream, 2) ? 0 : UINT64_C(1) << shift;
}

void gmt_draw_config(struct gmt_arena_world *world, struct gm_arena_config *config)
{
    struct gmt_stream *stream = world->stream;
    *config = (struct gm_arena_config){.numa_node = -1};
    draw_bounds(world, config);
    config->ranges_most = gmt_once_in(stream, 6) ? 1 + gmt_pick(stream, 200) : 20000;
    config->flags = gmt_once_in(stream, 4) ? GM_ARENA_LOCKED : 0;
    config->flags |= gmt_once_in(stream, 4) ? GM_ARENA_DEFER : 0;
    config->seed = 1 + gmt_take(stream, 2); /* not 0: a twin has the same handles */
}

void gmt_draw_kinds(struct gmt_arena_world *world)
{
    struct gmt_stream *stream = world->stream;
    uint64_t granule = world->model->granule;
    world->plain = gmt_once_in(stream, 3);
    world->kinds = (unsigned)gmt_pick(stream, GMT_ARENA_KINDS + 1);
    if (world->profile == 5)
        world->kinds = GMT_ARENA_KINDS;
    if (world->plain && world->kinds > GM_ARENA_CLASSES)
        world->kinds = GM_ARENA_CLASSES;
    for (unsigned i = 0; i < world->kinds; i++) {
        uint64_t align = granule << gmt_pick(stream, world->scale + 6);
        align = align <= UINT64_MAX / 2 && align != 0 ? align * 2 : UINT64_C(1) << 63;
        uint64_t phase = gmt_once_in(stream, 2) ? gmt_take(stream, 8) & (align - 1) & (0 - granule) : 0;
        world->kind[i] = (struct gmt_kind){align, phase};
    }
}

void gmt_draw_target(struct gmt_arena_world *world)
{
    static const unsigned targets[8] = {0, 5, 20, 50, 130, 200, 600, 2000};
    world->target = targets[gmt_pick(world->stream, 8)];
}

unsigned gmt_draw_range(struct gmt_arena_world *world)
{
    return world->model->live_index[gmt_pick(world->stream, world->model->live)];
}

/* A few numbers or a few granules to either side, most often none. */
static uint64_t jitter(struct gmt_arena_world *world)
{
    uint64_t value = gmt_take(world->stream, 1);
    uint64_t distance = (value & 3) * ((value & 8) != 0 ? world->model->granule : 1);
    return (value & 64) != 0 ? 0 : (value & 16) != 0 ? 0 - distance : distance;
}

uint64_t gmt_draw_number(struct gmt_arena_world *world)
{
    struct gmt_arena_model *model = world->model;
    struct gmt_stream *stream = world->stream;
    uint64_t granules = (model->last - model->first) / model->granule;
    switch (gmt_pick(stream, 8)) {
    case 0:
        return model->first + jitter(world);
    case 1:
        return model->last + jitter(world);
    case 2: case 3: case 4:
        if (model->count != 0) {
            const struct gmt_piece *piece = &model->pieces[gmt_pick(stream, model->count)];
            return (gmt_once_in(stream, 2) ? piece->first : piece->last) + jitter(world);
        }
        return 0 - gmt_take(stream, 1);
    case 5:
        return gmt_take(stream, 8);
    default:
        return model->first + gmt_take(stream, 8) % (granules == UINT64_MAX ? granules : granules + 1) * model->granule;
    }
}

/* A size: small ones so that there are many, sometimes as much as there is or more than could be. */
uint64_t gmt_draw_granules(struct gmt_arena_world *world)
{
    struct gmt_stream *stream = world->stream;
    uint64_t granule = world->model->granule;
    unsigned shift = world->scale != 0 ? (unsigned)gmt_pick(stream, world->scale + 1) : 0;
    uint64_t kind = gmt_pick(stream, 64);
    if (kind < 40)
        return (1 + kind % 4) * granule << shift;
    if (kind < 56)
        return (1 + gmt_pick(stream, 64)) * granule << shift;
    if (kind < 62)
        return granule << (kind - 56 + shift);
    return kind == 62 ? world->model->last - world->model->first + 1 : gmt_take(stream, 8) & (0 - granule);
}

static uint64_t power_above(uint64_t value)
{
    uint64_t power = 1;
    while (power < value && power != 0)
        power <<= 1;
    return power;
}

static void draw_align(struct gmt_arena_world *world, struct gm_request *request)
{
    struct gmt_stream *stream = world->stream;
    uint64_t granule = world->model->granule;
    uint64_t kind = gmt_pick(stream, 16);
    if (kind < 6)
        return;
    if (kind < 9) { /* natural */
        uint64_t power = power_above(request->size);
        request->align = power != 0 ? power : UINT64_C(1) << 63;
        request->size = request->align;
    } else if (kind < 14 && world->kinds != 0) {
        const struct gmt_kind *chosen = &world->kind[gmt_pick(stream, world->kinds)];
        request->align = chosen->align;
        request->phase = chosen->phase;
    } else if (kind == 14 && !world->plain) {
        request->ladder = gmt_take(stream, 8) & gmt_take(stream, 8);
        request->ladder = gmt_once_in(stream, 2) ? request->ladder : granule | granule << 3 | granule << 6 | 1;
    } else if (!world->plain) {
        request->align = UINT64_C(1) << gmt_pick(stream, 64);
        request->phase = gmt_once_in(stream, 3) ? gmt_take(stream, 8) & (request->align - 1) & (0 - granule) : 0;
    }
}

/* A window about as long as what is asked for, at either edge of a gap, give or take one. */
static void draw_snug_window(struct gmt_arena_world *world, struct gm_request *request)
{
    const struct gmt_arena_model *model = world->model;
    uint64_t first = model->first, last = model->last;
    int piece = (int)gmt_pick(world->stream, model->count + 1) - 1;
    uint64_t ways = gmt_take(world->stream, 1);
    if (!gmt_arena_model_gap(model, piece, &first, &last))
        return;
    uint64_t slack = (ways >> 1 & 3) == 3 ? model->granule : ways >> 1 & 3;
    request->min = (ways & 1) != 0 ? first : last - (request->size - 1);
    request->max = (ways & 1) != 0 ? first + (request->size - 1) : last;
    if ((ways & 8) != 0)
        request->min += (ways & 16) != 0 ? slack : 0 - slack;
    if ((ways & 32) != 0)
        request->max += (ways & 64) != 0 ? slack : 0 - slack;
    if (request->min > request->max && (ways & 128) != 0)
        request->min = request->max;
}

static void draw_window(struct gmt_arena_world *world, struct gm_request *request)
{
    if (gmt_once_in(world->stream, 2)) {
        draw_snug_window(world, request);
        return;
    }
    uint64_t a = gmt_draw_number(world), b = gmt_draw_number(world);
    request->min = a < b || gmt_once_in(world->stream, 32) ? a : b;
    request->max = request->min == a ? b : a;
}

static void draw_extras(struct gmt_arena_world *world, struct gm_request *request)
{
    struct gmt_stream *stream = world->stream;
    if (gmt_once_in(stream, 3))
        draw_window(world, request);
    if (gmt_once_in(stream, 8) && !world->plain) {
        request->guard_before = gmt_pick(stream, 3) * world->model->granule;
        request->guard_after = gmt_pick(stream, 3) * world->model->granule;
        if (gmt_once_in(stream, 16))
            request->guard_after = gmt_draw_granules(world);
    }
    if (gmt_once_in(stream, 8))
        request->no_cross = power_above(request->size) << gmt_pick(stream, 5);
}

/* One field is anything at all. */
static void spoil(struct gmt_arena_world *world, struct gm_request *request)
{
    uint64_t *const fields[] = {&request->size, &request->align, &request->phase, &request->ladder, &request->min,
                                &request->max, &request->guard_before, &request->guard_after, &request->no_cross};
    uint64_t which = gmt_pick(world->stream, 10);
    uint64_t value = gmt_take(world->stream, 8) >> gmt_pick(world->stream, 64);
    if (which < 9)
        *fields[which] = value;
    else
        request->place = (enum gm_place)(value & 15);
}

struct gm_request gmt_draw_request(struct gmt_arena_world *world)
{
    static const uint8_t places[16] = {0, 0, 0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6};
    struct gmt_stream *stream = world->stream;
    struct gm_request request = {.size = gmt_draw_granules(world)};
    request.place = (enum gm_place)places[gmt_pick(stream, 16)];
    draw_align(world, &request);
    draw_extras(world, &request);
    if (request.place == GM_PLACE_FIXED || request.place == GM_PLACE_NEAR)
        request.near = gmt_draw_number(world) & (gmt_once_in(stream, 8) ? UINT64_MAX : 0 - world->model->granule);
    request.owner = (uint32_t)gmt_pick(stream, 3);
    request.user = gmt_take(stream, 1);
    if (!world->plain && gmt_once_in(stream, 40))
        spoil(world, &request);
    return request;
}
