/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Taking the marks of a window, from the top level down: a summary is cleared before what it summarises is looked at
 * (protocol.h). A summary that reaches beyond the window is left set, and one that was cleared before the walk had to
 * stop is set again: what is set too much costs a later walk a look.
 */
#ifndef GM_DIRTY_WALK_H
#define GM_DIRTY_WALK_H

#include "dirty/protocol.h"

/* Gets a word of level 0 with what was taken from the two sources; false: no more. */
typedef bool (*gm_dirty_keep_fn)(void *to, uint64_t word, uint64_t live, uint64_t own);

struct gm_dirty_window {
    uint64_t first, end; /* pages */
};

/* Which bits of a word, of a level whose bits stand for 2^shift pages each, do so for pages of the window... */
static inline uint64_t gm_dirty_among(uint64_t word, uint64_t from, uint64_t end)
{
    uint64_t base = word << GM_DIRTY_FAN_SHIFT;
    if (from >= end || end <= base || from >= base + GM_DIRTY_FAN)
        return 0;
    return gm_dirty_bits(from > base ? from - base : 0, end - base < GM_DIRTY_FAN ? end - base - 1 : GM_DIRTY_FAN - 1);
}

static inline uint64_t gm_dirty_touched(const struct gm_dirty_window *window, uint64_t word, unsigned shift)
{
    return gm_dirty_among(word, window->first >> shift, ((window->end - 1) >> shift) + 1);
}

/* ... or for no others. */
static inline uint64_t gm_dirty_inside(const struct gm_dirty_window *window, uint64_t word, unsigned shift)
{
    uint64_t rest = (UINT64_C(1) << shift) - 1;
    return gm_dirty_among(word, (window->first + rest) >> shift, window->end >> shift);
}

/* Take a word of summaries from both sources. */
static inline uint64_t gm_dirty_take_both(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                          const struct gm_dirty_window *window, unsigned level, uint64_t word)
{
    unsigned shift = level * GM_DIRTY_FAN_SHIFT;
    uint64_t found = own != NULL ? gm_load_relaxed(&own->level[level][word]) : 0;
    found |= gm_load_seq_cst(&live->level[level][word]);
    if (found == 0)
        return 0;
    uint64_t look = gm_dirty_touched(window, word, shift), clear = gm_dirty_inside(window, word, shift);
    found = gm_dirty_take(&live->level[level][word], look, clear);
    return own == NULL ? found : found | gm_dirty_take(&own->level[level][word], look, clear);
}

static inline void gm_dirty_restore(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                    unsigned level, uint64_t word, uint64_t bits)
{
    if (bits == 0)
        return;
    gm_or_seq_cst(&live->level[level][word], bits);
    if (own != NULL)
        gm_or_seq_cst(&own->level[level][word], bits);
}

/* The words of level 0 under some bits of a word of level 1; returns the bits that were not come to. */
static inline __attribute__((always_inline)) uint64_t
gm_dirty_walk_group(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                    const struct gm_dirty_window *window, uint64_t group, uint64_t bits, gm_dirty_keep_fn keep,
                    void *to, uint64_t *next)
{
    while (bits != 0) {
        uint64_t word = (group << GM_DIRTY_FAN_SHIFT) + (uint64_t)__builtin_ctzll(bits);
        uint64_t clear = gm_dirty_inside(window, word, 0), from_own = 0;
        bits &= bits - 1;
        uint64_t from_live = gm_dirty_take(&live->level[0][word], clear, clear);
        if (own != NULL && gm_load_relaxed(&own->level[0][word]) != 0)
            from_own = gm_dirty_take(&own->level[0][word], clear, clear);
        if ((from_live | from_own) != 0 && !keep(to, word, from_live, from_own)) {
            *next = (word + 1) << GM_DIRTY_FAN_SHIFT;
            break;
        }
    }
    return bits;
}

/*
 * Take all marks of a window (not empty) from live and, unless it is NULL, own, until keep has enough. Returns the page
 * at which to go on: the window's end when it is done.
 */
static inline __attribute__((always_inline)) uint64_t
gm_dirty_walk(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
              const struct gm_dirty_window *window, gm_dirty_keep_fn keep, void *to)
{
    uint64_t next = window->end;
    uint64_t last = (window->end - 1) >> 3 * GM_DIRTY_FAN_SHIFT;
    for (uint64_t top = window->first >> 3 * GM_DIRTY_FAN_SHIFT; top <= last && next == window->end; top++) {
        uint64_t groups = gm_dirty_take_both(live, own, window, 2, top);
        while (groups != 0 && next == window->end) {
            uint64_t group = (top << GM_DIRTY_FAN_SHIFT) + (uint64_t)__builtin_ctzll(groups);
            uint64_t words = gm_dirty_take_both(live, own, window, 1, group);
            words = gm_dirty_walk_group(live, own, window, group, words, keep, to, &next);
            gm_dirty_restore(live, own, 1, group, words);
            if (words == 0)
                groups &= groups - 1;
        }
        gm_dirty_restore(live, own, 2, top, groups);
    }
    return next < window->end ? next : window->end;
}

#endif
