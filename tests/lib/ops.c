/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter's loop. Shares are by the table: most operations look, about a sixth change, and every kind
 * comes often enough to meet every other.
 */
#include "lib/ops.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/steps.h"

static void (*const steps[64])(struct gmt_world *) = {
    gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate,
    gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate,
    gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate,
    gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate, gmt_step_translate,
    gmt_step_span,      gmt_step_span,      gmt_step_span,      gmt_step_span,      gmt_step_span,
    gmt_step_iov,       gmt_step_iov,       gmt_step_iov,       gmt_step_iov,       gmt_step_iov,
    gmt_step_batch,     gmt_step_batch,     gmt_step_batch,     gmt_step_batch,     gmt_step_batch,
    gmt_step_batch,     gmt_step_find,      gmt_step_find,      gmt_step_find,      gmt_step_find,
    gmt_step_handle,    gmt_step_handle,    gmt_step_handle,    gmt_step_handle,    gmt_step_handle,
    gmt_step_linear,    gmt_step_edit,      gmt_step_edit,      gmt_step_edit,      gmt_step_edit,
    gmt_step_edit,      gmt_step_edit,      gmt_step_edit,      gmt_step_edit,      gmt_step_edit,
    gmt_step_commit,    gmt_step_commit,    gmt_step_commit,    gmt_step_snapshot,  gmt_step_snapshot,
    gmt_step_misuse,    gmt_step_reclaim,   gmt_step_rebuild,   gmt_step_translate,
};

/* How many regions a run settles at; the numbers around 16 are where the batch kernels change strategy. */
static unsigned pick_target(struct gmt_stream *stream, const struct gmt_profile *profile)
{
    static const unsigned targets[8] = {3, 8, 15, 16, 17, 33, 200, 1000};
    unsigned target = targets[gmt_pick(stream, 8)];
    return target < profile->target_max ? target : profile->target_max;
}

static void play(struct gmt_world *world, struct gmt_ops_report *report)
{
    while (!gmt_stream_done(world->stream) && !world->failed) {
        steps[gmt_pick(world->stream, 64)](world);
        report->ops++;
    }
}

int gmt_ops_run(const uint8_t *bytes, size_t len, struct gmt_ops_report *report)
{
    struct gmt_stream stream = {bytes, len, 0};
    struct gmt_world *world = malloc(sizeof(*world));
    if (world == NULL)
        return -ENOMEM;
    memset(report, 0, sizeof(*report));
    const struct gmt_profile *profile = &gmt_profiles[gmt_pick(&stream, GMT_PROFILES)];
    report->profile = profile->name;
    int error = gmt_world_open(world, profile, &stream);
    if (error == 0) {
        world->target = pick_target(&stream, profile);
        play(world, report);
        gmt_world_close(world);
        report->regions_max = world->regions_max;
        report->failed = world->failed;
        snprintf(report->message, sizeof(report->message), "%s", world->message);
    }
    free(world);
    return error;
}
