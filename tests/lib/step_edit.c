/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Regions removed and resized, right and wrong, and the choice of what the next edits of a transaction are.
 */
#include "lib/steps.h"

#include <inttypes.h>

#include "lib/expect.h"
#include "lib/judge.h"

/* Linear spaces: what goes away may keep its host addresses for a while. */
static void note_busy(struct gmt_world *world, gm_gpa gpa, uint64_t size)
{
    const struct gmt_layout *layout = &world->profile->layout;
    for (unsigned w = 0; w < layout->windows && world->profile->linear_size != 0; w++) {
        const struct gmt_window *window = &layout->window[w];
        for (uint64_t i = 0; i < window->cells; i++) {
            uint64_t at = window->base + (i << window->shift);
            if (at >= gpa && at - gpa < size)
                world->busy[w][i] = 1;
        }
    }
}

/* A region that stands, mostly; slots fill from below, so the lower ones are likely in use. */
static struct gmt_region pick_region(struct gmt_world *world)
{
    unsigned slot = (unsigned)gmt_pick(world->stream, world->staged.count + 2) % GMT_REGIONS;
    if (world->staged.region[slot].size == 0) {
        gm_gpa gpa = gmt_pick_gpa(world, &world->staged) & ~(GM_PAGE_SIZE - 1);
        slot = gmt_model_slot(&world->staged, gpa);
        if (slot == GMT_REGIONS)
            return (struct gmt_region){.gpa = gpa, .kind = GM_KIND_DEVICE};
    }
    return world->staged.region[slot];
}

static void edit_remove(struct gmt_world *world)
{
    struct gmt_region region = pick_region(world);
    uint64_t size = region.size;
    if (gmt_once_in(world->stream, 8))
        size += GM_PAGE_SIZE - (gmt_pick(world->stream, 3) << GM_PAGE_SHIFT);
    if (gmt_once_in(world->stream, 32))
        size = 0;
    struct gmt_verdict verdict = gmt_judge_remove(world, region.gpa, size);
    int result = gm_txn_remove(world->txn, region.gpa, size);
    if (!gmt_verdict_allows(&verdict, result))
        gmt_fail(world, "gm_txn_remove %#" PRIx64 "+%#" PRIx64 ": %d, model %d", region.gpa, size, result,
                 verdict.errors != 0 ? verdict.allowed[0] : 0);
    if (result != 0 || world->failed)
        return;
    gmt_model_remove(&world->staged, gmt_model_slot(&world->staged, region.gpa));
    note_busy(world, region.gpa, size);
    world->edits++;
}

static void edit_resize(struct gmt_world *world)
{
    const struct gmt_layout *layout = &world->profile->layout;
    struct gmt_region region = pick_region(world);
    uint64_t size = gmt_pick_size(world, &layout->window[gmt_pick(world->stream, layout->windows)]);
    if (gmt_once_in(world->stream, 4))
        size = gmt_fill_gap(world, region.gpa + region.size, GM_PAGE_SIZE) + region.size;
    if (gmt_once_in(world->stream, 16))
        size = gmt_take(world->stream, 8) << GM_PAGE_SHIFT;
    struct gmt_verdict verdict = gmt_judge_resize(world, region.gpa, size);
    if (verdict.errors == 0 && !gmt_layout_holds(layout, region.gpa, size))
        return;
    int result = gm_txn_resize(world->txn, region.gpa, size);
    if (!gmt_verdict_allows(&verdict, result))
        gmt_fail(world, "gm_txn_resize %#" PRIx64 "+%#" PRIx64 " to %#" PRIx64 ": %d, model %d%s", region.gpa,
                 region.size, size, result, verdict.errors != 0 ? verdict.allowed[0] : 0,
                 verdict.errors > 1 ? " (or another)" : "");
    if (result != 0 || world->failed)
        return;
    gmt_model_resize(&world->staged, gmt_model_slot(&world->staged, region.gpa), size);
    if (size < region.size)
        note_busy(world, region.gpa + size, region.size - size);
    world->edits += size != region.size;
}

void gmt_step_edit(struct gmt_world *world)
{
    if (world->txn == NULL) {
        int error = gm_txn_begin(world->space, &world->txn);
        if (error != 0) {
            gmt_fail(world, "gm_txn_begin: %d, expected 0", error);
            return;
        }
        gmt_model_copy(&world->staged, &world->current);
        world->edits = 0;
    }
    uint64_t edits = 1 + gmt_pick(world->stream, 8);
    for (uint64_t i = 0; i < edits && !world->failed; i++) {
        bool filling = world->staged.count < world->target;
        uint64_t choice = gmt_pick(world->stream, 16);
        if (choice == 0 && filling && world->target > 100)
            gmt_edit_comb(world);
        else if (choice < (filling ? 13 : 5) && world->staged.count < GMT_REGIONS - 1)
            gmt_edit_add(world);
        else if ((choice & 3) != 0)
            edit_remove(world);
        else
            edit_resize(world);
    }
}
