/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Finding marks without taking them, by the lines. */
#ifndef GM_DIRTY_FIND_H
#define GM_DIRTY_FIND_H

#include "base/math.h"
#include "dirty/walk.h"

/* The first line at or above at that is set, or one at or beyond end. */
static inline uint64_t gm_dirty_first_line(const struct gm_dirty_levels *levels, uint64_t at, uint64_t end)
{
    while (at < end) {
        uint64_t span = at & ~(uint64_t)(GM_DIRTY_SPAN - 1), set = gm_dirty_span(&levels->lines[span]) >> (at - span);
        if (set != 0)
            return at + (unsigned)__builtin_ctzll(set);
        at = span + GM_DIRTY_SPAN < end ? gm_dirty_skip(levels, NULL, span + GM_DIRTY_SPAN, end) : end;
    }
    return at;
}

/* The first bit at or above from, below end, that is set; end: none. */
static inline uint64_t gm_dirty_first(const struct gm_dirty_levels *levels, uint64_t from, uint64_t end)
{
    const uint64_t lines = ((end - 1) >> GM_DIRTY_LINE_SHIFT) + 1;
    while (from < end) {
        if (from % (GM_DIRTY_WORDS * GM_DIRTY_FAN) == 0) /* inside of a line its words are as quickly looked at */
            from = gm_dirty_first_line(levels, from >> GM_DIRTY_LINE_SHIFT, lines) << GM_DIRTY_LINE_SHIFT;
        if (from >= end)
            break;
        uint64_t word = gm_load_seq_cst(&levels->words[from >> GM_DIRTY_FAN_SHIFT]) >> (from & (GM_DIRTY_FAN - 1));
        if (word != 0)
            return gm_min_u64(from + (uint64_t)__builtin_ctzll(word), end);
        from = (from | (GM_DIRTY_FAN - 1)) + 1;
    }
    return end;
}

/*
 * The next word of a window that has marks there: those; 0: there is none. *page: which page its lowest bit stands for,
 * were it set. The window shrinks by what was looked at.
 */
static inline uint64_t gm_dirty_next_word(const struct gm_dirty_levels *levels, struct gm_dirty_window *window,
                                          uint64_t *page)
{
    uint64_t bits = 0;
    while (bits == 0 && window->first < window->end) {
        uint64_t word = gm_dirty_first(levels, window->first, window->end) >> GM_DIRTY_FAN_SHIFT;
        *page = word << GM_DIRTY_FAN_SHIFT;
        uint64_t among = gm_dirty_inside(window, word);
        if (among != 0)
            bits = gm_load_seq_cst(&levels->words[word]) & among;
        window->first = *page + GM_DIRTY_FAN;
    }
    return bits;
}

#endif
