/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the contract says that an arena answers in a given state of the model: result, place, reason. */
#ifndef GM_TESTS_LIB_ARENA_MODEL_PLACE_H
#define GM_TESTS_LIB_ARENA_MODEL_PLACE_H

#include "lib/arena_model.h"

/* gm_arena_would_fit. */
int gmt_expect_would_fit(struct gmt_arena_model *model, const struct gm_request *request, uint64_t *first);

/* gm_arena_take; first is where, and with GM_PLACE_RANDOM the lowest of where it may be. */
int gmt_expect_take(struct gmt_arena_model *model, const struct gm_request *request, uint64_t *first);

/* Whether GM_PLACE_RANDOM may choose this. */
bool gmt_expect_random(struct gmt_arena_model *model, const struct gm_request *request, uint64_t first);

/* gm_arena_why_not; largest and range of the answer are set only with the obstacles that have them. */
int gmt_expect_why_not(struct gmt_arena_model *model, const struct gm_request *request, struct gm_why_not *why);

int gmt_expect_largest(struct gmt_arena_model *model, uint64_t align, uint64_t *size);

int gmt_expect_reserve(const struct gmt_arena_model *model, uint64_t first, uint64_t last);

/* On 0 also the index of the range. */
int gmt_expect_give_exact(const struct gmt_arena_model *model, uint64_t first, uint64_t last, uint32_t owner,
                          unsigned *range);
int gmt_expect_give_at(const struct gmt_arena_model *model, uint64_t number, unsigned *range);

int gmt_expect_resize(const struct gmt_arena_model *model, unsigned range, uint64_t new_last);
int gmt_expect_relocate(const struct gmt_arena_model *model, unsigned range, uint64_t new_first);
int gmt_expect_extend(const struct gmt_arena_model *model, uint64_t new_first, uint64_t new_last);

/* Only what the contract fixes: ranges to largest_free. */
void gmt_expect_stats(const struct gmt_arena_model *model, struct gm_arena_stats *stats);

#endif
