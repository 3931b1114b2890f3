/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Ends of transactions, reclaim, and calls that come at the wrong time: refused, and nothing has happened. */
#include "lib/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void verify_current(struct gmt_world *world, bool all)
{
    struct gmt_lens lens = {gm_pin(world->space), &world->current, true};
    if (lens.view == NULL) {
        gmt_fail(world, "gm_pin: NULL for a registered reader");
        return;
    }
    gmt_verify(world, &lens, all);
    bool moved = lens.view->generation != world->generation;
    if (world->edits != 0 && !moved)
        gmt_fail(world, "generation %" PRIu64 " stayed although a commit changed regions", world->generation);
    world->generation = lens.view->generation;
    gm_unpin();
}

void gmt_step_commit(struct gmt_world *world)
{
    uint64_t choice = gmt_pick(world->stream, 16);
    if (world->txn == NULL)
        return;
    if (choice < 2) {
        gm_txn_abort(world->txn);
        world->edits = 0;
    } else {
        int error = gm_txn_commit(world->txn, choice < 11 ? GM_COMMIT_ASYNC : GM_COMMIT_WAIT);
        if (error != 0)
            gmt_fail(world, "gm_txn_commit: %d, expected 0", error);
        gmt_model_copy(&world->current, &world->staged);
        if (world->current.count > world->regions_max)
            world->regions_max = world->current.count;
    }
    world->txn = NULL;
    verify_current(world, choice >= 13);
    world->edits = 0;
    gmt_world_check_memory(world);
}

/* Old views that a count keeps, each counted once. */
static uint64_t old_views(const struct gmt_world *world)
{
    uint64_t old = 0;
    for (unsigned i = 0; i < GMT_SNAPSHOTS; i++) {
        bool counts = world->snap[i].snapshot != NULL && world->snap[i].generation != world->generation;
        for (unsigned j = 0; j < i && counts; j++) {
            const struct gmt_snap *other = &world->snap[j];
            counts = other->snapshot == NULL || other->generation != world->snap[i].generation;
        }
        old += counts;
    }
    return old;
}

void gmt_step_reclaim(struct gmt_world *world)
{
    int error = gm_space_reclaim(world->space);
    int want = world->txn != NULL ? -EDEADLK : 0;
    if (error != want)
        gmt_fail(world, "gm_space_reclaim: %d, expected %d", error, want);
    if (world->txn != NULL)
        return;
    gmt_world_check_memory(world);
    gmt_world_check_reclaimed(world);
    struct gm_space_stats stats;
    error = gm_space_stats_get(world->space, &stats);
    uint64_t old = old_views(world);
    if (error != 0 || stats.regions != world->current.count || stats.generation != world->generation ||
        stats.snapshots != old || stats.map_bytes > stats.metadata_bytes)
        gmt_fail(world,
                 "gm_space_stats_get: %d regions %" PRIu64 " generation %" PRIu64 " snapshots %" PRIu64
                 " bytes %" PRIu64 " of %" PRIu64 ", model 0 regions %u generation %" PRIu64 " snapshots %"
                 PRIu64, error, stats.regions, stats.generation, stats.snapshots, stats.map_bytes,
                 stats.metadata_bytes, world->current.count, world->generation, old);
    if (gmt_world_has_snapshot(world))
        return;
    if (stats.retired != 0)
        gmt_fail(world, "%" PRIu64 " objects still retired after reclaim without snapshots", stats.retired);
    for (unsigned w = 0; w < world->profile->layout.windows; w++)
        memset(world->busy[w], 0, world->profile->layout.window[w].cells);
}

void gmt_step_rebuild(struct gmt_world *world)
{
    unsigned index = (unsigned)gmt_pick(world->stream, world->profile->backings);
    int error = gmt_world_rebuild(world, index);
    if (error != 0)
        gmt_fail(world, "a new backing: %d, expected 0", error);
    gmt_world_check_memory(world);
}

static void expect_result(struct gmt_world *world, const char *what, int got, int want)
{
    if (got != want)
        gmt_fail(world, "%s: %d, expected %d", what, got, want);
}

static void misuse_pinned(struct gmt_world *world)
{
    struct gm_txn *txn = NULL;
    expect_result(world, "gm_txn_begin while pinned", gm_txn_begin(world->space, &txn), -EDEADLK);
    expect_result(world, "gm_space_reclaim while pinned", gm_space_reclaim(world->space), -EDEADLK);
    expect_result(world, "gm_reader_unregister while pinned", gm_reader_unregister(), -EBUSY);
    if (world->txn != NULL) {
        int result = gm_txn_commit(world->txn, GM_COMMIT_ASYNC);
        expect_result(world, "gm_txn_commit while pinned", result, -EDEADLK);
    } else if (!gmt_world_has_snapshot(world)) {
        int result = gm_space_destroy(world->space);
        expect_result(world, "gm_space_destroy while pinned", result, -EDEADLK);
    }
    if (txn != NULL)
        gmt_fail(world, "gm_txn_begin wrote its result on error");
}

void gmt_step_misuse(struct gmt_world *world)
{
    struct gm_txn *txn = NULL;
    expect_result(world, "gm_unpin without a pin", gm_unpin(), -EPERM);
    expect_result(world, "gm_reader_register twice", gm_reader_register(), -EALREADY);
    if (gmt_once_in(world->stream, 2)) {
        const struct gm_view *view = gm_pin(world->space);
        if (view == NULL)
            gmt_fail(world, "gm_pin: NULL for a registered reader");
        else
            misuse_pinned(world);
        if (view != NULL)
            gm_unpin();
        return;
    }
    if (world->txn != NULL) {
        unsigned flags = GM_COMMIT_ASYNC + 1 + (unsigned)gmt_take(world->stream, 2);
        expect_result(world, "gm_txn_begin twice", gm_txn_begin(world->space, &txn), -EDEADLK);
        expect_result(world, "gm_txn_commit, unknown flag", gm_txn_commit(world->txn, flags), -EINVAL);
    }
    if (world->txn != NULL || gmt_world_has_snapshot(world))
        expect_result(world, "gm_space_destroy while in use", gm_space_destroy(world->space), -EBUSY);
}
