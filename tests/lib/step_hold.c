/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Snapshots and handles: taken from one state, and looked at again many states later. */
#include "lib/steps.h"

#include <inttypes.h>

#include "lib/expect.h"

static void snapshot_take(struct gmt_world *world, struct gmt_snap *snap)
{
    struct gmt_lens lens = gmt_lens_open(world);
    if (lens.view != NULL) {
        snap->generation = lens.view->generation;
        snap->snapshot = gm_snapshot_take(lens.view);
        gmt_model_copy(&snap->model, lens.model);
        if (snap->snapshot == NULL)
            gmt_fail(world, "gm_snapshot_take: NULL for a view");
        else if (gm_snapshot_view(snap->snapshot)->generation != snap->generation)
            gmt_fail(world, "gm_snapshot_view: another generation than the view it was taken of");
    }
    gmt_lens_close(&lens);
}

void gmt_step_snapshot(struct gmt_world *world)
{
    struct gmt_snap *snap = &world->snap[gmt_pick(world->stream, GMT_SNAPSHOTS)];
    if (snap->snapshot == NULL) {
        snapshot_take(world, snap);
        return;
    }
    struct gmt_lens lens = {gm_snapshot_view(snap->snapshot), &snap->model, false};
    gmt_verify(world, &lens, gmt_once_in(world->stream, 4));
    gm_snapshot_put(snap->snapshot);
    snap->snapshot = NULL;
    gmt_world_check_memory(world);
}

static void handle_init(struct gmt_world *world, struct gmt_held *held, const struct gmt_lens *lens)
{
    struct gmt_access access = gmt_pick_access(world, lens->model);
    uintptr_t hva;
    int want = gmt_expect_access(lens->model, access.gpa, access.len, access.rights, &hva);
    int got = gm_handle_init(&held->handle, lens->view, access.gpa, access.len, access.rights);
    if (got != want)
        gmt_fail(world, "gm_handle_init %#" PRIx64 " + %#" PRIx64 " rights %#x: %d, model %d", access.gpa,
                 access.len, access.rights, got, want);
    held->empty = got != 0;
    if (held->empty && held->handle.generation != 0)
        gmt_fail(world, "gm_handle_init failed with %d, yet the handle is not empty", got);
}

void gmt_step_handle(struct gmt_world *world)
{
    struct gmt_held *held = &world->held[gmt_pick(world->stream, GMT_HANDLES)];
    struct gmt_lens lens = gmt_lens_open(world);
    if (lens.view != NULL && gmt_once_in(world->stream, held->empty ? 2 : 8))
        handle_init(world, held, &lens);
    if (lens.view != NULL) {
        struct gm_handle *handle = &held->handle;
        void *want = NULL;
        if (!held->empty)
            want = gmt_expect_pointer(lens.model, handle->gpa, handle->len, handle->rights);
        void *got = gm_handle_get(handle, lens.view);
        if (got != want)
            gmt_fail(world, "gm_handle_get %#" PRIx64 " + %#" PRIx64 " rights %#x%s: %p, model %p",
                     handle->gpa, handle->len, handle->rights, held->empty ? " (empty)" : "", got, want);
    }
    gmt_lens_close(&lens);
}
