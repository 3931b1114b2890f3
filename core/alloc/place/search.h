/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Searching the gaps, in order of their numbers from either end. gm_ask_index has chosen the index to go by. */
#ifndef GM_ALLOC_PLACE_SEARCH_H
#define GM_ALLOC_PLACE_SEARCH_H

#include "alloc/place/ask.h"
#include "alloc/place/fit.h"

struct gm_spot {
    uint64_t first; /* of the outer range */
    uint32_t slot;  /* whose gap it lies in; 0: the tail */
};

/* The lowest (0) or highest (1) place there is. 0 or -ENOSPC. */
int gm_search(struct gm_arena *arena, const struct gm_ask *ask, unsigned end, struct gm_spot *out);

/*
 * The gaps that are long enough, as far as the index can tell, and touch the window, upwards. Begin with walk->any
 * false; each call moves on to the next gap and returns false behind the last one.
 */
struct gm_walk {
    struct gm_gap gap;
    uint32_t slot;
    bool any;
};

bool gm_search_walk(struct gm_arena *arena, const struct gm_ask *ask, struct gm_walk *walk);

#endif
