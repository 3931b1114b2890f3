/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter's loop. Half of all operations change what is taken, drawn towards a number of live ranges that
 * changes itself, so that an arena goes from one form to the other and back.
 */
#include "lib/arena_model_ops.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "lib/arena_model_world.h"

__attribute__((format(printf, 3, 0)))
static void report(struct gmt_arena_world *world, const char *about, const char *format, va_list arguments)
{
    char *message = world->report->message;
    if (world->report->failed) /* the first reason is the one that counts */
        return;
    world->report->failed = true;
    int used = vsnprintf(message, GMT_ARENA_MESSAGE, format, arguments);
    if (used < 0 || used >= GMT_ARENA_MESSAGE)
        return;
    snprintf(message + used, (size_t)(GMT_ARENA_MESSAGE - used), "%s\n  arena %#llx..%#llx granule %#llx, %u pieces%s",
             about, (unsigned long long)world->model->first, (unsigned long long)world->model->last,
             (unsigned long long)world->model->granule, world->model->count,
             world->model->quarrel ? "; THE ORACLES DISAGREE" : "");
}

void gmt_arena_fail(struct gmt_arena_world *world, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    report(world, "", format, arguments);
    va_end(arguments);
}

void gmt_arena_fail_request(struct gmt_arena_world *world, const struct gm_request *r, const char *format, ...)
{
    char about[500];
    va_list arguments;
    snprintf(about, sizeof(about), "\n  {.size = %#llx, .align = %#llx, .phase = %#llx, .ladder = %#llx, .min = %#llx, "
             ".max = %#llx, .near = %#llx, .guard_before = %#llx, .guard_after = %#llx, .no_cross = %#llx, "
             ".place = %d}",
             (unsigned long long)r->size, (unsigned long long)r->align, (unsigned long long)r->phase,
             (unsigned long long)r->ladder, (unsigned long long)r->min, (unsigned long long)r->max,
             (unsigned long long)r->near, (unsigned long long)r->guard_before, (unsigned long long)r->guard_after,
             (unsigned long long)r->no_cross, (int)r->place);
    va_start(arguments, format);
    report(world, about, format, arguments);
    va_end(arguments);
}

bool gmt_same_info(const struct gm_range_info *a, const struct gm_range_info *b)
{
    return a->first == b->first && a->last == b->last && a->user == b->user && a->range == b->range &&
           a->owner == b->owner && a->flags == b->flags;
}

/* Towards the target, with some back and forth. */
static void step_change(struct gmt_arena_world *world)
{
    struct gmt_arena_model *model = world->model;
    bool grow = model->live < world->target;
    if (gmt_once_in(world->stream, 5))
        grow = !grow;
    if (grow && model->live < GMT_ARENA_RANGES)
        gmt_arena_step_take(world);
    else
        gmt_arena_step_give(world);
}

static void step_rest(struct gmt_arena_world *world)
{
    if (gmt_once_in(world->stream, 16))
        gmt_arena_step_extend(world);
    if (gmt_once_in(world->stream, 24))
        gmt_draw_target(world);
    gmt_arena_step_stats(world);
}

static void step_reserve(struct gmt_arena_world *world)
{
    if (world->model->live < GMT_ARENA_RANGES)
        gmt_arena_step_reserve(world);
}

static void step(struct gmt_arena_world *world)
{
    static void (*const steps[26])(struct gmt_arena_world *) = {
        step_reserve,            gmt_arena_step_give_wrong, gmt_arena_step_give_wrong, gmt_arena_step_stale,
        gmt_arena_step_resize,   gmt_arena_step_resize,     gmt_arena_step_resize,     gmt_arena_step_resize,
        gmt_arena_step_relocate, gmt_arena_step_relocate,   gmt_arena_step_relocate,   gmt_arena_step_update,
        gmt_arena_step_look,     gmt_arena_step_look,       gmt_arena_step_look,       gmt_arena_step_look,
        gmt_arena_step_look,     gmt_arena_step_look,       gmt_arena_step_would_fit,  gmt_arena_step_would_fit,
        gmt_arena_step_would_fit, gmt_arena_step_why_not,   gmt_arena_step_why_not,    gmt_arena_step_why_not,
        gmt_arena_step_largest,  step_rest};
    uint64_t which = gmt_pick(world->stream, 60);
    if (which < 26)
        steps[which](world);
    else
        step_change(world);
}

/* Forms and sizes that the run went through; cheap enough to look after each operation. */
static void observe(struct gmt_arena_world *world)
{
    struct gmt_arena_report *report = world->report;
    struct gm_arena_stats stats;
    if (gm_arena_stats_get(world->arena, &stats) != 0) {
        gmt_arena_fail(world, "gm_arena_stats_get failed");
        return;
    }
    report->ops++;
    report->tree_ops += stats.tree;
    report->conversions += stats.tree != world->was_tree;
    world->was_tree = stats.tree != 0;
    if (stats.ranges > report->ranges_most)
        report->ranges_most = (unsigned)stats.ranges;
    if (stats.classes > report->classes_most)
        report->classes_most = stats.classes;
    report->builds = stats.class_builds;
    if (stats.ranges != world->model->count)
        gmt_arena_fail(world, "%llu ranges are live, expected %u", (unsigned long long)stats.ranges,
                       world->model->count);
    if (world->model->quarrel)
        gmt_arena_fail(world, "the two oracles disagree");
}

static void play(struct gmt_arena_world *world)
{
    while (!gmt_stream_done(world->stream) && !world->report->failed) {
        step(world);
        observe(world);
        if (world->until_verify-- == 0) {
            gmt_arena_step_verify(world);
            world->until_verify = 30 + 2 * (uint64_t)world->model->count;
        }
    }
    if (!world->report->failed)
        gmt_arena_step_verify(world);
}

static int open_arenas(struct gmt_arena_world *world)
{
    struct gm_arena_config config;
    gmt_draw_config(world, &config);
    gmt_arena_model_init(world->model, &config);
    int error = gm_arena_create(&config, &world->arena);
    if (error == 0 && gmt_once_in(world->stream, 4))
        error = gm_arena_create(&config, &world->twin);
    gmt_draw_kinds(world);
    gmt_draw_target(world);
    return error;
}

int gmt_arena_ops_run(const uint8_t *bytes, size_t len, gmt_arena_checker *check, struct gmt_arena_report *out)
{
    static struct gmt_arena_model model; /* a fuzzer should not wait for so much memory each time */
    struct gmt_stream stream = {bytes, len, 0};
    struct gmt_arena_world world = {.stream = &stream, .report = out, .check = check, .model = &model};
    memset(out, 0, sizeof(*out));
    world.profile = (unsigned)gmt_pick(&stream, GMT_ARENA_PROFILES);
    out->profile = gmt_arena_profiles[world.profile];
    int error = open_arenas(&world);
    if (error == 0)
        play(&world);
    if ((gm_arena_destroy(world.arena) | gm_arena_destroy(world.twin)) != 0)
        gmt_arena_fail(&world, "destroy: refused");
    return error;
}
