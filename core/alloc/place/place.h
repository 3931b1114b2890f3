/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where a request goes: one function for each policy of enum gm_place, above the search. */
#ifndef GM_ALLOC_PLACE_PLACE_H
#define GM_ALLOC_PLACE_PLACE_H

#include "alloc/place/ask.h"
#include "alloc/place/search.h"

struct gm_placement {
    struct gm_ask ask; /* of the rung that was chosen */
    struct gm_spot spot;
    uint64_t random; /* state of GM_PLACE_RANDOM after it */
};

/* Nothing but counters and rows is changed. Returns 0; -EINVAL; -ERANGE; -EBUSY; -ENOSPC; -ENOMEM. */
int gm_place(struct gm_arena *arena, const struct gm_request *request, struct gm_placement *out);

/* GM_PLACE_RANDOM, in random.c; *state is left alone unless it finds a place. */
int gm_place_random(struct gm_arena *arena, const struct gm_ask *ask, struct gm_spot *out, uint64_t *state);

/* Is [first, last], which lies in the arena, free? *slot is the first range that ends behind first. */
bool gm_place_is_free(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t *slot);

#endif
