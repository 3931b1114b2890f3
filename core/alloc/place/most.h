/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The largest range that could be taken. A size of 2^64 is said as UINT64_MAX. */
#ifndef GM_ALLOC_PLACE_MOST_H
#define GM_ALLOC_PLACE_MOST_H

#include "alloc/block/arena.h"
#include "guestmem/arena_query.h"

/* The longest gap. O(1), in the array O(GM_FLAT). */
uint64_t gm_most_free(const struct gm_arena *arena);

/* With this alignment, anywhere. 0 or -ENOMEM. */
int gm_most_aligned(struct gm_arena *arena, uint64_t align, uint64_t *size);

/* With all that a request asks for besides its size. 0 or -ENOMEM. */
int gm_most_of_request(struct gm_arena *arena, const struct gm_request *request, uint64_t *size);

#endif
