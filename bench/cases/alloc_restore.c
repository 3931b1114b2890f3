/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost, for each range, to make an arena from its image (A5)? The image is of one that natural blocks have
 * come to and gone from. Before anything is timed, what was loaded and what was saved are asked for the same 10000
 * things, and have to give the same addresses and handles. The floor copies the image.
 */
#include "cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/arena_image.h>

#include "alloc.h"

#define PLACEMENTS 10000
#define UNITS_BEFORE 20000 /* frees and allocations before it is saved: slots are not in order then */
#define QUICK 10000

struct restorer {
    struct bench_load *load;
    void *image, *copy;
    size_t size;
};

static const size_t sizes[] = {1000, QUICK, 100000, 1000000};

static void ours(struct bench_run *run)
{
    struct restorer *restorer = run->fixture;
    struct gm_arena *arena;

    for (uint64_t left = run->iters; left > 0 && !run->wrong; left -= restorer->load->n) {
        run->wrong |= gm_arena_load(restorer->image, restorer->size, NULL, &arena) != 0;
        uint64_t begin = bench_now_ns();
        if (!run->wrong)
            gm_arena_destroy(arena);
        run->excluded_ns += bench_now_ns() - begin;
    }
}

static void floor_of(struct bench_run *run)
{
    struct restorer *restorer = run->fixture;

    for (uint64_t left = run->iters; left > 0; left -= restorer->load->n) {
        memcpy(restorer->copy, restorer->image, restorer->size);
        bench_keep(restorer->copy);
    }
}

/* The same requests to both, which stay allocated. */
static int go_on_alike(const struct bench_load *load, struct gm_arena *saved, struct gm_arena *loaded)
{
    for (size_t i = 0; i < PLACEMENTS; i++) {
        const struct bench_request *request = &load->requests[i % load->request_count];
        const struct gm_request asked = {.size = request->size,
                                         .align = request->align,
                                         .place = i % 3 == 0 ? GM_PLACE_HIGHEST : GM_PLACE_LOWEST};
        struct gm_range_info one, other;
        int result = gm_arena_take(saved, &asked, &one);
        if (gm_arena_take(loaded, &asked, &other) != result)
            return 0;
        if (result == 0 && (one.first != other.first || one.range != other.range))
            return 0;
    }
    return 1;
}

static int save(struct restorer *restorer, struct gm_arena *arena)
{
    int result = gm_arena_save(arena, NULL, 0, &restorer->size);

    if (result != -ENOBUFS)
        return result != 0 ? result : -EINVAL;
    restorer->image = malloc(restorer->size);
    restorer->copy = malloc(restorer->size);
    if (restorer->image == NULL || restorer->copy == NULL)
        return -ENOMEM;
    return gm_arena_save(arena, restorer->image, restorer->size, &restorer->size);
}

static int save_and_compare(struct restorer *restorer, struct gm_arena *arena)
{
    struct gm_arena *loaded;
    int result = save(restorer, arena);

    if (result == 0)
        result = gm_arena_load(restorer->image, restorer->size, NULL, &loaded);
    if (result != 0)
        return result;
    result = go_on_alike(restorer->load, arena, loaded) ? 0 : -EILSEQ;
    gm_arena_destroy(loaded);
    return result;
}

static int fill(struct restorer *restorer)
{
    const struct bench_arena *arenas = bench_arena_ours();
    const struct bench_load *load = restorer->load;
    uint64_t *slots = calloc(load->slots, sizeof(*slots));
    void *arena = arenas->create(load->base, load->size);
    struct bench_answer answer;
    int result = slots != NULL && arena != NULL ? arenas->place(arena, load->placed, load->placed_count) : -ENOMEM;

    if (result == 0) {
        bench_load_slots(load, slots);
        arenas->replay(arena, load->requests, load->ops, UNITS_BEFORE * load->per_unit, slots, &answer);
        result = -EILSEQ;
        if (bench_load_right(load, 0, UNITS_BEFORE, &answer))
            result = save_and_compare(restorer, bench_arena_in_ours(arena));
    }
    if (arena != NULL)
        arenas->destroy(arena);
    free(slots);
    return result;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct restorer *restorer;
    int result;

    if (row->skipped[0] != '\0' || bench_arena_ours() == NULL)
        return 1;
    row->priv = restorer = calloc(1, sizeof(*restorer));
    if (restorer == NULL)
        return bench_row_skip(row, "no memory");
    result = bench_load_make(BENCH_LOAD_CHURN, row->param, session->options.seed, &restorer->load);
    if (result == 0)
        result = fill(restorer);
    if (result == -EILSEQ) {
        row->wrong = 1;
        strcpy(row->wrong_member, BENCH_OURS);
    }
    if (result != 0)
        return bench_row_skip(row, "cannot save and load the arena: %s", strerror(-result));
    (void)bench_member_add(members, BENCH_OURS, ours, restorer, row->param);
    (void)bench_member_add(members, BENCH_FLOOR, floor_of, restorer, row->param);
    return 0;
}

static void release(struct bench_row *row)
{
    struct restorer *restorer = row->priv;

    if (restorer == NULL)
        return;
    bench_load_free(restorer->load);
    free(restorer->image);
    free(restorer->copy);
    free(restorer);
    row->priv = NULL;
}

void bench_case_alloc_restore(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bench_row *row = bench_row_add(session, "A5", "ns", "allocate/restore/ranges:%zu", sizes[i]);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = sizes[i];
        row->planned = 2;
        row->no_ours = bench_arena_ours() == NULL ? BENCH_NO_ARENA : NULL;
        if (sizes[i] == QUICK || strcmp(session->effort->name, "quick") != 0)
            continue;
        (void)bench_row_skip(row, "--quick has it for %d ranges", QUICK);
        row->planned = 0;
    }
}
