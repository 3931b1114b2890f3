/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Regions staged where they collide, adjoin and go on in host memory, single and in combs of many small ones,
 * and now and then a request that is wrong in one of the documented ways. What is refused must leave the
 * transaction as it was, which shows when it is committed and compared.
 */
#include "lib/steps.h"

#include <inttypes.h>

#include "lib/expect.h"
#include "lib/judge.h"

#define MIB2 UINT64_C(0x200000)
#define GIB1 UINT64_C(0x40000000)

uint64_t gmt_pick_size(struct gmt_world *world, const struct gmt_window *window)
{
    struct gmt_stream *stream = world->stream;
    uint64_t cells;
    switch (gmt_pick(stream, 8)) {
    case 0 ... 2:
        cells = 1;
        break;
    case 3 ... 4:
        cells = 1 + gmt_pick(stream, 8);
        break;
    case 5:
        return (1 + gmt_pick(stream, 3)) * (window->cells << window->shift >= GIB1 ? GIB1 : MIB2);
    default:
        cells = 1 + gmt_pick(stream, world->profile->size_max);
        break;
    }
    return (cells <= window->cells ? cells : window->cells) << window->shift;
}

static gm_gpa pick_start(struct gmt_world *world, const struct gmt_window *window, uint64_t size)
{
    struct gmt_stream *stream = world->stream;
    uint64_t choice = gmt_pick(stream, 8);
    unsigned slot = (unsigned)gmt_pick(stream, world->staged.count + 1);
    const struct gmt_region *other = &world->staged.region[slot];
    if (choice < 3 && other->size != 0)
        return choice == 0 ? other->gpa - size : other->gpa + other->size;
    uint64_t room = window->cells - (size >> window->shift);
    gm_gpa gpa = window->base + (gmt_pick(stream, room + 1) << window->shift);
    if (choice == 3)
        gpa &= ~(MIB2 - 1);
    if (choice == 4)
        gpa &= ~(GIB1 - 1);
    return gpa;
}

/* The largest region that fits up to the next one, so that spaces without holes come about. */
uint64_t gmt_fill_gap(const struct gmt_world *world, gm_gpa gpa, uint64_t size)
{
    const struct gmt_region *next = gmt_expect_next(&world->staged, gpa);
    if (next == NULL || next->gpa <= gpa)
        return size;
    uint64_t gap = next->gpa - gpa;
    return gmt_layout_holds(&world->profile->layout, gpa, gap) ? gap : size;
}

/* Choose memory; often such that it goes on in host memory where the region below ends. Returns its index. */
static unsigned pick_memory(struct gmt_world *world, struct gm_region_desc *desc)
{
    struct gmt_stream *stream = world->stream;
    const struct gmt_profile *profile = world->profile;
    unsigned index = (unsigned)gmt_pick(stream, profile->backings);
    uint64_t pages = profile->backing_size >> GM_PAGE_SHIFT;
    uint64_t need = (desc->size + 2 * GM_PAGE_SIZE - 1) >> GM_PAGE_SHIFT;
    uint64_t page = need < pages ? gmt_pick(stream, pages - need) : 0;
    desc->offset = (page << GM_PAGE_SHIFT) + (desc->gpa & (GM_PAGE_SIZE - 1));
    const struct gmt_region *below = gmt_model_at(&world->staged, desc->gpa - 1);
    if (below != NULL && below->kind != GM_KIND_DEVICE && world->arena != NULL && gmt_once_in(stream, 2)) {
        uint64_t next = below->hva + below->size - (uintptr_t)world->arena;
        if (next < profile->backing_size * profile->backings) {
            index = (unsigned)(next / profile->backing_size);
            desc->offset = next % profile->backing_size;
        }
    }
    desc->backing = world->backing[index];
    if (profile->linear_size != 0 && gmt_once_in(stream, 2)) {
        desc->backing = NULL;
        desc->offset = 0;
    }
    return index;
}

static void spoil(struct gmt_world *world, struct gm_region_desc *desc)
{
    struct gmt_stream *stream = world->stream;
    switch (gmt_pick(stream, 12)) {
    case 0:
        desc->size = 0;
        break;
    case 1:
        desc->gpa = GM_GPA_LAST + 1 - desc->size + GM_PAGE_SIZE;
        break;
    case 2:
        desc->gpa = 0 - (desc->size >> 1 & ~(GM_PAGE_SIZE - 1)) - (desc->offset & (GM_PAGE_SIZE - 1));
        break;
    case 3:
        desc->offset += world->profile->backing_size;
        break;
    case 4:
        desc->offset -= (desc->offset & ~(GM_PAGE_SIZE - 1)) + GM_PAGE_SIZE;
        break;
    case 5:
        desc->offset += 1 + gmt_pick(stream, GM_PAGE_SIZE - 1);
        break;
    case 6:
        desc->rights = 4 + (unsigned)gmt_take(stream, 2);
        break;
    case 7:
        desc->kind = (enum gm_kind)5;
        break;
    case 8:
        desc->backing = desc->backing == NULL ? world->backing[0] : NULL;
        break;
    case 9:
        desc->kind = GM_KIND_ROM;
        desc->rights = GM_RW;
        break;
    case 10:
        desc->kind = GM_KIND_DEVICE;
        break;
    default:
        desc->gpa = gmt_take(stream, 8);
        break;
    }
}

static void note_added(struct gmt_world *world, const struct gm_region_desc *desc, unsigned index)
{
    struct gmt_region region = {
        .gpa = desc->gpa, .size = desc->size, .limit = UINT64_MAX, .tag = desc->tag, .kind = desc->kind};
    if (desc->kind != GM_KIND_DEVICE) {
        region.offset = desc->offset;
        if (desc->backing != NULL)
            region.limit = world->profile->backing_size - desc->offset;
        region.token = world->token_of[index];
        region.rights = desc->rights != 0 ? desc->rights : desc->kind == GM_KIND_RAM ? GM_RW : GM_READ;
        if (world->profile->linear_size != 0)
            region.hva = world->linear_base + desc->gpa;
        else
            region.hva = (uintptr_t)gm_backing_address(desc->backing) + desc->offset;
    }
    gmt_model_add(&world->staged, &region);
    world->edits++;
}

/* Hand one request to the space, judge the answer, and note what was accepted. */
static void submit(struct gmt_world *world, const struct gm_region_desc *desc, unsigned index)
{
    struct gmt_verdict verdict = gmt_judge_add(world, desc, world->profile->backing_size);
    if (verdict.errors == 0 && !gmt_layout_holds(&world->profile->layout, desc->gpa, desc->size))
        return; /* right, but the model has no cells there */
    int result = gm_txn_add(world->txn, desc);
    if (!gmt_verdict_allows(&verdict, result))
        gmt_fail(world,
                 "gm_txn_add gpa %#" PRIx64 " size %#" PRIx64 " kind %u rights %u backing %p offset %#" PRIx64
                 ": %d, model %d%s", desc->gpa, desc->size, (unsigned)desc->kind, desc->rights,
                 (void *)desc->backing, desc->offset, result, verdict.errors != 0 ? verdict.allowed[0] : 0,
                 verdict.errors > 1 ? " (or another)" : "");
    else if (result == 0)
        note_added(world, desc, index);
}

/* A request out of the bytes, right as far as the region alone goes. Returns the number of its backing. */
static unsigned pick_request(struct gmt_world *world, const struct gmt_window *window,
                             struct gm_region_desc *desc)
{
    static const unsigned ram_rights[8] = {0, 0, 0, GM_RW, GM_RW, GM_READ, GM_READ, GM_WRITE};
    struct gmt_stream *stream = world->stream;
    *desc = (struct gm_region_desc){.size = gmt_pick_size(world, window), .tag = world->next_tag++};
    desc->gpa = pick_start(world, window, desc->size);
    if (gmt_once_in(stream, 8))
        desc->size = gmt_fill_gap(world, desc->gpa, desc->size);
    uint64_t kind = gmt_pick(stream, 16);
    if (kind < 2) {
        desc->kind = GM_KIND_DEVICE;
        return 0;
    }
    desc->kind = kind < 4 ? GM_KIND_ROM : GM_KIND_RAM;
    desc->rights = desc->kind == GM_KIND_ROM ? (unsigned)kind & GM_READ : ram_rights[gmt_pick(stream, 8)];
    return pick_memory(world, desc);
}

static const struct gmt_window *pick_window(struct gmt_world *world)
{
    const struct gmt_layout *layout = &world->profile->layout;
    return &layout->window[gmt_pick(world->stream, layout->windows)];
}

void gmt_edit_add(struct gmt_world *world)
{
    struct gm_region_desc desc;
    unsigned index = pick_request(world, pick_window(world), &desc);
    if (gmt_once_in(world->stream, 16))
        spoil(world, &desc);
    submit(world, &desc, index);
}

/*
 * One-cell regions side by side, a step apart in host memory: a step of one cell makes them one piece again.
 */
void gmt_edit_comb(struct gmt_world *world)
{
    struct gm_region_desc desc;
    const struct gmt_window *window = pick_window(world);
    unsigned index = pick_request(world, window, &desc);
    uint64_t cell = UINT64_C(1) << window->shift;
    uint64_t step = cell + (gmt_once_in(world->stream, 4) ? 0 : GM_PAGE_SIZE);
    uint64_t teeth = 1 + gmt_pick(world->stream, 128);
    desc.size = cell;
    for (uint64_t i = 0; i < teeth && !world->failed && world->staged.count < world->target; i++) {
        submit(world, &desc, index);
        desc.gpa += cell;
        desc.offset += desc.backing != NULL ? step : 0;
        desc.tag = world->next_tag++;
    }
}
