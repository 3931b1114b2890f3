/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Questions to an arena that change nothing: would a request fit, why does it not, how much is left and in what pieces.
 * Context: these look at more than a lookup may, so they are serialised with changing calls, by the caller or by
 * GM_ARENA_LOCKED.
 */
#ifndef GUESTMEM_ARENA_QUERY_H
#define GUESTMEM_ARENA_QUERY_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/arena.h>

GM_BEGIN_DECLS

/*
 * Where would gm_arena_take put it? first is where the range would start. GM_PLACE_RANDOM is answered with the lowest
 * place. The answer holds until the next change.
 * Returns as gm_arena_take, but never -EDQUOT; -ENOMEM only when the index of a new class cannot be built.
 */
GM_API GM_MUST_CHECK int gm_arena_would_fit(struct gm_arena *arena, const struct gm_request *request, uint64_t *first);

enum gm_obstacle {
    GM_OBSTACLE_NONE = 0,      /* it would fit */
    GM_OBSTACLE_SPACE = 1,     /* no gap anywhere is long enough, guards included */
    GM_OBSTACLE_ALIGNMENT = 2, /* a gap is long enough, but not with alignment, phase and no_cross */
    GM_OBSTACLE_WINDOW = 3,    /* it would fit outside the window */
    GM_OBSTACLE_TAKEN = 4,     /* fixed address: `range` is in the way, the lowest if there are several */
    GM_OBSTACLE_BOUNDS = 5     /* fixed address: outside the arena or the window, or not at the alignment */
};

struct gm_why_not {
    enum gm_obstacle obstacle;
    uint64_t largest;           /* SPACE, ALIGNMENT, WINDOW: the largest size that would fit with all else as it was
                                   asked, of a ladder its lowest rung; 0 for none, UINT64_MAX for that or more */
    struct gm_range_info range; /* TAKEN */
};

/*
 * What stands against a request.
 * Returns 0; -EINVAL; -ENOMEM (as above).   Cost: O(log ranges), but O(ranges) for `largest` with an alignment that has
 * no index or with no_cross.
 */
GM_API GM_MUST_CHECK int gm_arena_why_not(struct gm_arena *arena, const struct gm_request *request,
                                          struct gm_why_not *out);

/*
 * The longest range that could be taken with this alignment (a power of two, 0 for the granule): 0 for none, UINT64_MAX
 * for that or more.
 * Returns 0; -EINVAL; -ENOMEM (as above).   Cost: O(log ranges) once the alignment has an index.
 */
GM_API GM_MUST_CHECK int gm_arena_largest(struct gm_arena *arena, uint64_t align, uint64_t *size);

struct gm_arena_stats {
    uint64_t ranges;        /* live: taken, guards and deferred ones */
    uint64_t deferred;      /* of these */
    uint64_t used_minus_1;  /* numbers in live ranges, less one, so that 2^64 can be said; meaningless if ranges is 0 */
    uint64_t free_minus_1;  /* numbers that are free, less one; meaningless if largest_free is 0 */
    uint64_t gaps;          /* pieces in which they lie */
    uint64_t largest_free;  /* longest of them; UINT64_MAX for that or more */
    uint64_t bytes;         /* memory that the arena holds */
    uint64_t tree;          /* 1: ranges are kept as a tree, 0: as a sorted array, which is quicker for few */
    uint64_t classes;       /* of alignment and phase that are indexed */
    uint64_t class_builds;  /* times that an index was built */
    uint64_t visited;       /* ranges looked at by the newest search for a place, at most 3 log2(ranges) + 8 where it
                               is O(log ranges) and they are kept as a tree */
    uint64_t visited_most;  /* by any search since creation */
    uint64_t first, last;   /* the numbers that it manages, inclusive, as created, loaded or extended */
    uint64_t granule;
    uint64_t ranges_most;
};

/* 1 - largest_free / free is how fragmented it is.   Returns 0; -EINVAL.   Cost: O(1). */
GM_API GM_MUST_CHECK int gm_arena_stats_get(struct gm_arena *arena, struct gm_arena_stats *out);

GM_END_DECLS

#endif
