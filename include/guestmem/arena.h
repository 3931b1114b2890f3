/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Range allocator: an arena hands out disjoint ranges of a 64-bit number space (guest-physical addresses, port
 * numbers, IOVAs, DAX blocks) with any alignment, in any window, at the lowest or the highest place there is.
 *
 * Guarantee: for lowest, highest, fixed, near and next placement the answer is exact (no lower or higher place exists,
 * and a request fails only when no place exists) and costs O(log ranges), with any alignment, phase and window. Up to
 * GM_ARENA_CLASSES combinations of alignment and phase are indexed at a time; the first request of one that is neither
 * trivial (at most the granule) nor natural (size equal to alignment) builds its index once, in O(ranges). When more
 * are asked for in turn, those without an index stay exact, but may look at each gap that is long enough.
 * Source: an AVL tree (Adelson-Velsky and Landis 1962; Knuth, TAOCP 3, 6.2.3) of the used ranges, each with the gap
 * before it, augmented with what the gaps of each subtree can hold for each class of alignment; few ranges are kept as
 * a sorted array instead.
 *
 * Unless a declaration says otherwise:
 *   Context: changing calls on one arena are serialised by the caller, or by GM_ARENA_LOCKED. Calls that only look up
 *            (find, next, get) may run in any thread at any time, without registration, also during a change.
 *   Order:   a lookup sees each change whole or not at all; what happened before a change happens before the return
 *            of a lookup that saw it.
 *   Progress: changing calls are wait-free but for the lock and for memory; lookups are obstruction-free: they are
 *            repeated when a change came between, at most GM_ARENA_RETRIES times, and then answer -EAGAIN.
 *   Errors:  -EINVAL for NULL; state is unchanged after every error. When several apply, the one that stands first in
 *            a list is returned. Giving back allocates nothing and cannot fail for lack of memory.
 */
#ifndef GUESTMEM_ARENA_H
#define GUESTMEM_ARENA_H

#include <stdint.h>

#include <guestmem/api.h>

GM_BEGIN_DECLS

struct gm_arena;

#define GM_ARENA_CLASSES 32
#define GM_ARENA_RETRIES 1024
#define GM_ARENA_RANGES_DEFAULT (UINT64_C(1) << 24)
#define GM_ARENA_RANGES_MOST (UINT64_C(1) << 31)

/*
 * A range that was taken: its slot and the generation of that slot, so that a stale one is recognised. Generations
 * begin elsewhere in each arena, so that a handle of another one is recognised, too; unless both come from one image,
 * or have the same seed, which is not 0, and the same bounds. Never 0.
 */
typedef uint64_t gm_range;

enum gm_arena_flags {
    GM_ARENA_LOCKED = 1, /* changing calls take a lock of the arena's own, so that threads may make them at once */
    GM_ARENA_DEFER = 2   /* ranges may be deferred (arena_defer.h), which takes 16 bytes more for each */
};

struct gm_arena_config {
    uint64_t first, last; /* the numbers that it manages, inclusive: 0 and UINT64_MAX are all there are */
    uint64_t granule;     /* power of two; every size, alignment and address is a multiple of it; first and last + 1
                             too; 0 means 1 */
    uint64_t ranges_most; /* live ranges and guards at a time, <= GM_ARENA_RANGES_MOST; address space is reserved for
                             them, memory is taken as they come; 0 means GM_ARENA_RANGES_DEFAULT */
    unsigned flags;       /* of enum gm_arena_flags */
    int numa_node;        /* for the arena's own memory; -1 for no preference */
    uint64_t seed;        /* of GM_PLACE_RANDOM: the same seed and history give the same places; other than 0 also of
                             handles: the same bounds, granule and history give the same ones */
};

/*
 * Create an arena in which everything is free.
 * Returns 0; -EINVAL (first > last, a granule that is no power of two or does not divide the bounds, too many ranges,
 * an unknown flag, a node that is neither -1 nor 0..63); -ENOMEM.
 * Context: any thread.   Progress: blocking (mmap).   Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_arena_create(const struct gm_arena_config *config, struct gm_arena **out);

/*
 * Free an arena, whatever is still taken; a nested one gives its range back to its parent. NULL is ignored.
 * Returns 0; -EBUSY, and it is as before: it has children (arena_nest.h) or caches (arena_cache.h), or it or its parent
 * has no GM_ARENA_LOCKED and is in a transaction.
 * Context: no other call on it may run, or follow one that returns 0.   Progress: blocking (munmap; the parent's lock).
 * Cost: O(memory that it holds).
 */
GM_API int gm_arena_destroy(struct gm_arena *arena);

/*
 * Let the arena manage more: new_first <= its first, new_last >= its last, both on the granule. What is added is free.
 * The range of a nested arena grows with it, in place.
 * Returns 0; -EINVAL; if it is nested also -EINVAL (not on the parent's granule), -ERANGE (leaves the parent), -EBUSY
 * (the parent has no GM_ARENA_LOCKED and is in a transaction), -EOPNOTSUPP (its range has guards), -EBUSY (something
 * there is taken).   Cost: O(log ranges).
 */
GM_API GM_MUST_CHECK int gm_arena_extend(struct gm_arena *arena, uint64_t new_first, uint64_t new_last);

enum gm_place {
    GM_PLACE_LOWEST = 0,
    GM_PLACE_HIGHEST = 1,
    GM_PLACE_FIXED = 2,  /* at `near`, or not at all */
    GM_PLACE_NEAR = 3,   /* at `near` if it is free and fits the alignment, else at the place with the least distance to
                            it, measured between first numbers; the lower one of two */
    GM_PLACE_NEXT = 4,   /* lowest place behind the newest range taken with GM_PLACE_NEXT, and where there is none, the
                            lowest in the window: addresses come back late */
    GM_PLACE_BEST = 5,   /* lowest place in the shortest gap that holds it, lowest of equally short ones; a gap counts
                            whole, also where the window cuts it. Cost: O(gaps long enough) */
    GM_PLACE_RANDOM = 6  /* each place that fits is equally likely. Cost: O(log ranges) expected where many places fit,
                            O(ranges) at worst */
};

/* Fields that are 0 ask for nothing, so that `{.size = n}` is a whole request: lowest place, aligned to the granule. */
struct gm_request {
    uint64_t size;         /* > 0, a multiple of the granule */
    uint64_t align;        /* power of two; below the granule it means the granule */
    uint64_t phase;        /* the range starts at phase modulo align; < align, a multiple of the granule */
    uint64_t ladder;       /* set of alignments, each the bit of its value: the largest one with which a place exists
                              is used; align and phase must be 0. Each is a search of its own, and one that finds
                              its class without an index makes it: more than GM_ARENA_CLASSES do so at each call */
    uint64_t min, max;     /* window: no number below min or above max, min <= max; max 0 means UINT64_MAX. They need
                              no alignment. The guards need not lie in the window */
    uint64_t near;         /* for GM_PLACE_FIXED and GM_PLACE_NEAR */
    uint64_t guard_before; /* so much before and after the range is free now, and stays untaken while the range */
    uint64_t guard_after;  /* lives; a multiple of the granule. Guards do not overlap, and lie within the arena */
    uint64_t no_cross;     /* power of two >= size, or 0: the range lies between two multiples of it. Cost: O(log
                              ranges) unless gaps hold the size only across such a multiple, each of which may be
                              looked at */
    uint64_t user;         /* the caller's; comes back in lookups */
    uint32_t owner;        /* the caller's; see gm_arena_give_exact */
    enum gm_place place;
};

enum gm_range_flags {
    GM_RANGE_GUARD = 1,    /* the guard of a neighbour; range, owner and user are that neighbour's */
    GM_RANGE_DEFERRED = 2, /* given back, but held until gm_arena_reclaim */
    GM_RANGE_NESTED = 4,   /* an arena of its own manages it (arena_nest.h) */
    GM_RANGE_CACHED = 8    /* given back to the cache of a thread (arena_cache.h), which may hand it out again */
};

struct gm_range_info {
    uint64_t first, last; /* inclusive */
    uint64_t user;
    gm_range range;
    uint32_t owner;
    uint32_t flags; /* of enum gm_range_flags */
};

/*
 * Take a range. out may be NULL.
 * Returns 0, or
 *   -EINVAL   a field contradicts its description
 *   -ERANGE   GM_PLACE_FIXED: outside the arena (a guard too) or the window, not at the alignment, or across no_cross
 *   -EBUSY    GM_PLACE_FIXED: something there is taken; gm_arena_why_not names it
 *   -ENOSPC   any other place: there is none; gm_arena_why_not says what stands against it
 *   -EDQUOT   ranges_most ranges are live
 *   -ENOMEM
 * Cost: O(log ranges), see the top and enum gm_place; memory for new ranges comes in steps.
 */
GM_API GM_MUST_CHECK int gm_arena_take(struct gm_arena *arena, const struct gm_request *request,
                                       struct gm_range_info *out);

/*
 * Take exactly [first, last], on the granule; the one way to take all 2^64 numbers. out may be NULL.
 * Returns 0; -EINVAL (first > last, not on the granule); -ERANGE (outside the arena); -EBUSY; -EDQUOT; -ENOMEM.
 */
GM_API GM_MUST_CHECK int gm_arena_reserve(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner,
                                          uint64_t user, gm_range *out);

/*
 * Give a range back, with its guards: by handle; by its exact bounds and owner; or by any number in it or in one of
 * its guards. Allocates nothing.
 * Returns 0, or
 *   -EINVAL  exact: first > last
 *   -ESTALE  by handle: given back before, also when its slot is in use again (told apart for 2^32 - 1 uses of a slot);
 *            in each way: the range that is meant (exact: exactly this) is deferred or in a cache, which is given back
 *            too
 *   -ENOENT  nothing there is taken (a double or a wild free); by handle: not a handle of this arena
 *   -ERANGE  exact: something there is taken, but not exactly this (part of a range, more than one, a guard)
 *   -EBUSY   an arena of its own manages it; first gm_arena_destroy that one
 *   -EPERM   exact: it belongs to another owner
 * Cost: O(log ranges).
 */
GM_API GM_MUST_CHECK int gm_arena_give(struct gm_arena *arena, gm_range range);
GM_API GM_MUST_CHECK int gm_arena_give_exact(struct gm_arena *arena, uint64_t first, uint64_t last, uint32_t owner);
GM_API GM_MUST_CHECK int gm_arena_give_at(struct gm_arena *arena, uint64_t number);

/*
 * Grow or shrink a range in place; its first number stays, a guard after it moves along. Alignment, window and
 * no_cross of the request are not remembered.
 * Returns 0; -ESTALE, -ENOENT, -EBUSY (as gm_arena_give); -EINVAL (last below first, not on the granule); -ERANGE (it
 * or its guard leaves the arena); -EBUSY (what it would grow over is taken).   Cost: O(log ranges); allocates nothing.
 */
GM_API GM_MUST_CHECK int gm_arena_resize(struct gm_arena *arena, gm_range range, uint64_t new_last);

/*
 * Move a range in one step (a BAR that the guest reprograms): the new place may overlap the old one, handle, owner and
 * user stay, and lookups find it at the old place or at the new one, never at both or neither.
 * Returns 0; -ESTALE, -ENOENT, -EBUSY (as gm_arena_give); -EINVAL (not on the granule); -EOPNOTSUPP (a range with
 * guards); -ERANGE (leaves the arena, or wraps); -EBUSY (another range or guard is there).   Cost: O(log ranges);
 * allocates nothing.
 */
GM_API GM_MUST_CHECK int gm_arena_relocate(struct gm_arena *arena, gm_range range, uint64_t new_first);

/* Set the caller's words of a range.   Returns 0; -ESTALE, -ENOENT, -EBUSY (as gm_arena_give).   Cost: O(1). */
GM_API GM_MUST_CHECK int gm_arena_update(struct gm_arena *arena, gm_range range, uint32_t owner, uint64_t user);

/*
 * Lookups. find: the range that holds the number. next: the first range that ends at or above it, so that starting at
 * 0 and going on at last + 1 (until that wraps) visits all in order; what changes meanwhile may or may not be seen,
 * what does not is seen once. get: by handle. Ranges that are deferred and guards are found like others, and flagged.
 * Returns 0; -ENOENT (none, or not a handle of this arena); -ESTALE (get); -EAGAIN (a change came between
 * GM_ARENA_RETRIES times).   Context: any thread, also inside a pin.   Cost: O(log ranges), get: O(1).
 */
GM_API GM_MUST_CHECK int gm_arena_find(const struct gm_arena *arena, uint64_t number, struct gm_range_info *out);
GM_API GM_MUST_CHECK int gm_arena_next(const struct gm_arena *arena, uint64_t number, struct gm_range_info *out);
GM_API GM_MUST_CHECK int gm_arena_get(const struct gm_arena *arena, gm_range range, struct gm_range_info *out);

GM_END_DECLS

#endif
