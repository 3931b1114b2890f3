/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A request, checked and brought to a form without guards: the outer range is the range with its guards, and what was
 * asked for the inner one (alignment, window) is turned into what that means for the outer one.
 */
#ifndef GM_ALLOC_PLACE_ASK_H
#define GM_ALLOC_PLACE_ASK_H

#include "alloc/block/arena.h"
#include "base/math.h"

enum gm_index_kind {
    GM_INDEX_MAX,   /* any place in a gap is good */
    GM_INDEX_ORDER, /* natural: as long as its alignment */
    GM_INDEX_ROW,   /* a class of alignment with a row */
    GM_INDEX_LOOSE  /* by length; the gaps found may turn out not to fit */
};

struct gm_ask {
    uint64_t reach;                /* from the first number of the outer range to its last: its size less one */
    uint64_t mask, phase;          /* it starts at phase modulo mask + 1 */
    uint64_t min, max;             /* its window, inclusive */
    uint64_t before, after, inner; /* guards, and the size that was asked for */
    uint64_t cross;                /* the inner range crosses no multiple of it; 0: it may */
    const struct gm_caps *caps;    /* GM_INDEX_ROW */
    enum gm_index_kind kind;
    uint8_t order; /* of the natural block, plus 1 */
};

/* What can be told of a request without looking for a place. 0 or -EINVAL. */
int gm_ask_check(const struct gm_arena *arena, const struct gm_request *request);

/*
 * The request with one alignment, which is that of the request or a rung of its ladder. Returns 0, or -ENOSPC when no
 * arena could hold it because its size and guards exceed 64 bits.
 */
int gm_ask_make(const struct gm_arena *arena, const struct gm_request *request, uint64_t align, struct gm_ask *out);

/* Choose the index to search by, and build it where it takes one. 0 or -ENOMEM. */
int gm_ask_index(struct gm_arena *arena, struct gm_ask *ask);

/* Alignments to try, the largest first: 0 when there is none below `above`, which is 0 for the first. */
static inline uint64_t gm_ask_rung(const struct gm_request *request, uint64_t above)
{
    if (request->ladder == 0)
        return above == 0 ? gm_max_u64(request->align, 1) : 0;
    uint64_t left = request->ladder & (above == 0 ? UINT64_MAX : above - 1);
    return left == 0 ? 0 : UINT64_C(1) << (63 - (unsigned)__builtin_clzll(left));
}

/* The bound that the request means by max. */
static inline uint64_t gm_ask_window_last(const struct gm_request *request)
{
    return request->max == 0 ? UINT64_MAX : request->max;
}

#endif
