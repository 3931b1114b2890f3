/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The operations that the interpreter chooses from, and what they share. */
#ifndef GM_TESTS_LIB_STEPS_H
#define GM_TESTS_LIB_STEPS_H

#include "lib/world.h"

/* A view to look through together with the state that it has to show. */
struct gmt_lens {
    const struct gm_view *view;
    const struct gmt_model *model;
    bool pinned;
};

struct gmt_access {
    gm_gpa gpa;
    uint64_t len;
    unsigned rights;
};

/* The current view (pinned) or a snapshot's, whichever the bytes say. */
struct gmt_lens gmt_lens_open(struct gmt_world *world);
void gmt_lens_close(const struct gmt_lens *lens);

/* Addresses are drawn near edges, where the answers change. */
gm_gpa gmt_pick_gpa(struct gmt_world *world, const struct gmt_model *model);
struct gmt_access gmt_pick_access(struct gmt_world *world, const struct gmt_model *model);

/* Lookups. */
void gmt_step_translate(struct gmt_world *world);
void gmt_step_span(struct gmt_world *world);
void gmt_step_iov(struct gmt_world *world);
void gmt_step_find(struct gmt_world *world);
void gmt_step_batch(struct gmt_world *world);
void gmt_step_linear(struct gmt_world *world);

/* Changes: gmt_step_edit opens a transaction when none is open. */
void gmt_step_edit(struct gmt_world *world);
void gmt_step_commit(struct gmt_world *world);
void gmt_step_misuse(struct gmt_world *world);
void gmt_step_reclaim(struct gmt_world *world);
void gmt_step_rebuild(struct gmt_world *world);

/* Single edits of the open transaction. */
void gmt_edit_add(struct gmt_world *world);
void gmt_edit_comb(struct gmt_world *world);
uint64_t gmt_pick_size(struct gmt_world *world, const struct gmt_window *window);
uint64_t gmt_fill_gap(const struct gmt_world *world, gm_gpa gpa, uint64_t size);

/* Things that are kept across changes. */
void gmt_step_snapshot(struct gmt_world *world);
void gmt_step_handle(struct gmt_world *world);

/* Compare a view with a state: its regions all, its translations at their edges all or in part. */
void gmt_verify(struct gmt_world *world, const struct gmt_lens *lens, bool all);

#endif
