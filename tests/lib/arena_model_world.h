/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* One run of the interpreter: the arena, its twin, its model, and what the bytes said about the run as a whole. */
#ifndef GM_TESTS_LIB_ARENA_MODEL_WORLD_H
#define GM_TESTS_LIB_ARENA_MODEL_WORLD_H

#include "lib/arena_model_ops.h"
#include "lib/arena_model_place.h"
#include "lib/stream.h"

#define GMT_ARENA_STALE 64
#define GMT_ARENA_KINDS 20

/* An alignment and phase that the run asks for again and again. */
struct gmt_kind {
    uint64_t align, phase;
};

struct gmt_arena_world {
    struct gmt_stream *stream;
    struct gm_arena *arena;
    struct gm_arena *twin; /* NULL, or another that hears the same calls and has to give the same answers */
    struct gmt_arena_model *model;
    struct gmt_arena_report *report;
    gmt_arena_checker *check;
    unsigned profile;
    unsigned target;      /* live ranges that the run settles at */
    unsigned scale;       /* sizes are shifted by up to this */
    unsigned kinds;
    struct gmt_kind kind[GMT_ARENA_KINDS];
    bool plain;           /* no alignment but those of kind, natural and trivial ones: each search is O(log ranges) */
    bool was_tree;
    uint64_t until_verify;
    unsigned stale_count; /* handles that were given back */
    gm_range stale[GMT_ARENA_STALE];
};

void gmt_arena_fail(struct gmt_arena_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The request that the message is about, in the form of a designated initialiser. */
void gmt_arena_fail_request(struct gmt_arena_world *world, const struct gm_request *request, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool gmt_same_info(const struct gm_range_info *a, const struct gm_range_info *b);

/* Draws. A number is anywhere, most often at an edge of something; granules are not rounded for it. */
void gmt_draw_config(struct gmt_arena_world *world, struct gm_arena_config *config);
void gmt_draw_kinds(struct gmt_arena_world *world);
void gmt_draw_target(struct gmt_arena_world *world);
uint64_t gmt_draw_number(struct gmt_arena_world *world);
uint64_t gmt_draw_granules(struct gmt_arena_world *world);
struct gm_request gmt_draw_request(struct gmt_arena_world *world);
/* Index of a live range; there has to be one. */
unsigned gmt_draw_range(struct gmt_arena_world *world);

/* One operation, and all answers compared. */
void gmt_arena_step_take(struct gmt_arena_world *world);
void gmt_arena_step_reserve(struct gmt_arena_world *world);
void gmt_arena_step_give(struct gmt_arena_world *world);
void gmt_arena_step_give_wrong(struct gmt_arena_world *world);
void gmt_arena_step_stale(struct gmt_arena_world *world);
void gmt_arena_step_resize(struct gmt_arena_world *world);
void gmt_arena_step_relocate(struct gmt_arena_world *world);
void gmt_arena_step_update(struct gmt_arena_world *world);
void gmt_arena_step_extend(struct gmt_arena_world *world);
void gmt_arena_step_look(struct gmt_arena_world *world);
void gmt_arena_step_would_fit(struct gmt_arena_world *world);
void gmt_arena_step_why_not(struct gmt_arena_world *world);
void gmt_arena_step_largest(struct gmt_arena_world *world);
void gmt_arena_step_stats(struct gmt_arena_world *world);
/* All that there is: every range in order, every handle, the counters, the internal check. */
void gmt_arena_step_verify(struct gmt_arena_world *world);

#endif
