/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Building and tearing down one run of the random tests, and the bookkeeping of its host memory. */
#include "lib/world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GMT_BATCH_ROOM 4096

void gmt_fail(struct gmt_world *world, const char *format, ...)
{
    if (world->failed)
        return;
    world->failed = true;
    va_list args;
    va_start(args, format);
    vsnprintf(world->message, sizeof(world->message), format, args);
    va_end(args);
}

static void count_release(void *argument)
{
    ++*(int *)argument;
}

int gmt_world_rebuild(struct gmt_world *world, unsigned index)
{
    uint64_t size = world->profile->backing_size;
    struct gm_backing *backing;
    int error;
    if (world->tokens == GMT_TOKENS)
        return 0;
    unsigned token = world->tokens;
    if (world->profile->linear_size != 0)
        error = gm_backing_memfd("guestmem-test", size, GM_BACKING_NORESERVE, &backing);
    else
        error = gm_backing_wrap(world->arena + index * size, size, count_release, &world->released[token],
                                &backing);
    if (error != 0)
        return error;
    world->tokens++;
    if (world->backing[index] != NULL) {
        world->dropped[world->token_of[index]] = true;
        gm_backing_put(world->backing[index]);
    }
    world->backing[index] = backing;
    world->token_of[index] = token;
    return 0;
}

static int open_memory(struct gmt_world *world)
{
    const struct gmt_profile *profile = world->profile;
    if (profile->linear_size == 0) {
        void *arena = mmap(NULL, profile->backing_size * profile->backings, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (arena == MAP_FAILED)
            return -errno;
        world->arena = arena;
    }
    int error = 0;
    for (unsigned i = 0; i < profile->backings && error == 0; i++)
        error = gmt_world_rebuild(world, i);
    return error;
}

static int open_models(struct gmt_world *world)
{
    const struct gmt_layout *layout = &world->profile->layout;
    int error = gmt_model_init(&world->current, layout);
    if (error == 0)
        error = gmt_model_init(&world->staged, layout);
    for (unsigned i = 0; i < GMT_SNAPSHOTS && error == 0; i++)
        error = gmt_model_init(&world->snap[i].model, layout);
    for (unsigned w = 0; w < layout->windows && error == 0; w++) {
        world->busy[w] = calloc(layout->window[w].cells, 1);
        error = world->busy[w] == NULL ? -ENOMEM : 0;
    }
    return error;
}

int gmt_world_open(struct gmt_world *world, const struct gmt_profile *profile, struct gmt_stream *stream)
{
    memset(world, 0, sizeof(*world));
    world->profile = profile;
    world->stream = stream;
    world->next_tag = 1;
    for (unsigned i = 0; i < GMT_HANDLES; i++)
        world->held[i].empty = true;
    struct gm_space_config config = {.linear_size = profile->linear_size, .numa_node = -1};
    int error = open_models(world);
    if (error == 0)
        error = gmt_guard_open(&world->gpas, GMT_BATCH_ROOM);
    if (error == 0)
        error = gmt_guard_open(&world->hvas, GMT_BATCH_ROOM);
    if (error == 0)
        error = open_memory(world);
    if (error == 0)
        error = gm_space_create(&config, &world->space);
    const struct gm_view *view = error == 0 ? gm_pin(world->space) : NULL;
    if (view == NULL)
        return error == 0 ? -EINVAL : error;
    world->generation = view->generation;
    world->linear_base = view->linear_base;
    gm_unpin();
    return 0;
}

static void close_space(struct gmt_world *world)
{
    gm_txn_abort(world->txn);
    world->txn = NULL;
    for (unsigned i = 0; i < GMT_SNAPSHOTS; i++) {
        gm_snapshot_put(world->snap[i].snapshot);
        world->snap[i].snapshot = NULL;
    }
    int error = gm_space_destroy(world->space);
    if (error != 0)
        gmt_fail(world, "gm_space_destroy: %d, expected 0", error);
    for (unsigned i = 0; i < GMT_BACKINGS; i++)
        gm_backing_put(world->backing[i]);
    for (unsigned token = 0; token < world->tokens && world->profile->linear_size == 0; token++) {
        if (world->released[token] != 1)
            gmt_fail(world, "backing lifetime %u: released %d times after everything ended, expected once",
                     token, world->released[token]);
    }
}

void gmt_world_close(struct gmt_world *world)
{
    close_space(world);
    if (world->arena != NULL)
        munmap(world->arena, world->profile->backing_size * world->profile->backings);
    gmt_guard_close(&world->gpas);
    gmt_guard_close(&world->hvas);
    gmt_model_free(&world->current);
    gmt_model_free(&world->staged);
    for (unsigned i = 0; i < GMT_SNAPSHOTS; i++)
        gmt_model_free(&world->snap[i].model);
    for (unsigned w = 0; w < GMT_WINDOWS; w++)
        free(world->busy[w]);
}

/* Mark the tokens that a state shows. */
static void mark_tokens(const struct gmt_model *model, bool *shown)
{
    for (unsigned slot = 0; slot < GMT_REGIONS; slot++) {
        const struct gmt_region *region = &model->region[slot];
        if (region->size != 0 && region->kind != GM_KIND_DEVICE)
            shown[region->token] = true;
    }
}

static void mark_all(const struct gmt_world *world, bool *shown)
{
    memset(shown, 0, GMT_TOKENS * sizeof(*shown));
    mark_tokens(&world->current, shown);
    if (world->txn != NULL)
        mark_tokens(&world->staged, shown);
    for (unsigned i = 0; i < GMT_SNAPSHOTS; i++) {
        if (world->snap[i].snapshot != NULL)
            mark_tokens(&world->snap[i].model, shown);
    }
}

void gmt_world_check_memory(struct gmt_world *world)
{
    bool shown[GMT_TOKENS];
    mark_all(world, shown);
    for (unsigned token = 0; token < world->tokens; token++) {
        bool held = shown[token] || !world->dropped[token];
        if (world->released[token] > 1 || (held && world->released[token] != 0))
            gmt_fail(world, "backing lifetime %u: released %d times, %s", token, world->released[token],
                     shown[token] ? "though a state that is held shows it" : "once at most is right");
    }
}

void gmt_world_check_reclaimed(struct gmt_world *world)
{
    bool shown[GMT_TOKENS];
    mark_all(world, shown);
    for (unsigned token = 0; token < world->tokens && world->profile->linear_size == 0; token++) {
        if (!shown[token] && world->dropped[token] && world->released[token] != 1)
            gmt_fail(world, "backing lifetime %u: no state shows it, yet reclaim did not release it", token);
    }
}

bool gmt_world_has_snapshot(const struct gmt_world *world)
{
    for (unsigned i = 0; i < GMT_SNAPSHOTS; i++) {
        if (world->snap[i].snapshot != NULL)
            return true;
    }
    return false;
}
