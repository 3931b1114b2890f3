/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Where to look next. Mistakes in a translation table live at edges of regions, pages, 2 MiB blocks, windows
 * and of the address space itself, so most draws land within a few bytes of one.
 */
#include "lib/steps.h"

#define BLOCK UINT64_C(0x200000)

struct gmt_lens gmt_lens_open(struct gmt_world *world)
{
    unsigned which = (unsigned)gmt_pick(world->stream, 3 * GMT_SNAPSHOTS);
    if (which < GMT_SNAPSHOTS && world->snap[which].snapshot != NULL) {
        const struct gm_view *view = gm_snapshot_view(world->snap[which].snapshot);
        return (struct gmt_lens){view, &world->snap[which].model, false};
    }
    const struct gm_view *view = gm_pin(world->space);
    if (view == NULL)
        gmt_fail(world, "gm_pin: NULL for a registered reader");
    return (struct gmt_lens){view, &world->current, view != NULL};
}

void gmt_lens_close(const struct gmt_lens *lens)
{
    if (lens->pinned)
        gm_unpin();
}

/* An offset of a few bytes, or of a few pages, to either side. */
static uint64_t jitter(struct gmt_stream *stream)
{
    uint64_t value = gmt_take(stream, 1);
    uint64_t distance = (value & 7) << ((value & 8) != 0 ? GM_PAGE_SHIFT : 0);
    return (value & 16) != 0 ? 0 - distance : distance;
}

static gm_gpa inside_window(struct gmt_world *world)
{
    struct gmt_stream *stream = world->stream;
    const struct gmt_layout *layout = &world->profile->layout;
    const struct gmt_window *window = &layout->window[gmt_pick(stream, layout->windows)];
    return window->base + gmt_pick(stream, window->cells << window->shift);
}

static gm_gpa region_edge(struct gmt_world *world, const struct gmt_model *model)
{
    unsigned first = (unsigned)gmt_pick(world->stream, GMT_REGIONS);
    for (unsigned i = 0; i < 64; i++) {
        const struct gmt_region *region = &model->region[(first >> 4) + i];
        if (region->size != 0)
            return ((first & 1) != 0 ? region->gpa + region->size : region->gpa) + jitter(world->stream);
    }
    return inside_window(world);
}

static gm_gpa window_edge(struct gmt_world *world)
{
    const struct gmt_layout *layout = &world->profile->layout;
    const struct gmt_window *window = &layout->window[gmt_pick(world->stream, layout->windows)];
    uint64_t size = window->cells << window->shift;
    return window->base + (gmt_once_in(world->stream, 2) ? size : 0) + jitter(world->stream);
}

gm_gpa gmt_pick_gpa(struct gmt_world *world, const struct gmt_model *model)
{
    static const gm_gpa corner[4] = {0, GM_GPA_LAST + 1, UINT64_C(1) << 40, UINT64_C(1) << 63};
    switch (gmt_pick(world->stream, 16)) {
    case 0 ... 6:
        return inside_window(world);
    case 7 ... 11:
        return region_edge(world, model);
    case 12:
        return (inside_window(world) & ~(BLOCK - 1)) + jitter(world->stream);
    case 13:
        return window_edge(world);
    case 14:
        return corner[gmt_pick(world->stream, 4)] + jitter(world->stream);
    default:
        return gmt_take(world->stream, 8);
    }
}

static uint64_t to_region_end(const struct gmt_model *model, gm_gpa gpa)
{
    const struct gmt_region *region = gmt_model_at(model, gpa);
    return region == NULL ? 1 : region->gpa + region->size - gpa;
}

static uint64_t pick_len(struct gmt_world *world, const struct gmt_model *model, gm_gpa gpa)
{
    struct gmt_stream *stream = world->stream;
    const struct gmt_window *window = &world->profile->layout.window[0];
    switch (gmt_pick(stream, 32)) {
    case 0 ... 15:
        return 1 + gmt_pick(stream, 16);
    case 16 ... 20:
        return 1 + gmt_pick(stream, GM_PAGE_SIZE + 8);
    case 21 ... 24:
        return (gmt_pick(stream, 64) << window->shift) + gmt_pick(stream, 3);
    case 25 ... 27:
        return to_region_end(model, gpa) + gmt_pick(stream, 3) - 1;
    case 28:
        return BLOCK - (gpa & (BLOCK - 1)) + gmt_pick(stream, 3) - 1;
    case 29:
        return gmt_pick(stream, (window->cells << window->shift) + 1);
    case 30:
        return 0 - gpa + gmt_pick(stream, 3) - 1;
    default:
        return gmt_once_in(stream, 2) ? 0 : 0 - gmt_pick(stream, 4);
    }
}

struct gmt_access gmt_pick_access(struct gmt_world *world, const struct gmt_model *model)
{
    struct gmt_access access;
    access.gpa = gmt_pick_gpa(world, model);
    access.len = pick_len(world, model, access.gpa);
    access.rights = (unsigned)gmt_pick(world->stream, 4);
    if (gmt_once_in(world->stream, 16))
        access.rights |= ~(unsigned)GM_RW; /* bits that mean nothing are ignored */
    return access;
}
