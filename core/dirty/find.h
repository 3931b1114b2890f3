/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Finding marks without taking them, by the summaries. */
#ifndef GM_DIRTY_FIND_H
#define GM_DIRTY_FIND_H

#include "base/math.h"
#include "dirty/walk.h"

/*
 * The first bit at or above from, below end, that is set in level 0; end: none. Goes up where a word has no more, and
 * down where a summary says that there is something.
 */
static inline uint64_t gm_dirty_first(const struct gm_dirty_levels *levels, uint64_t from, uint64_t end)
{
    unsigned level = 0;
    uint64_t at = from; /* in bits of the level */
    while (at << level * GM_DIRTY_FAN_SHIFT < end) {
        uint64_t word = gm_load_seq_cst(&levels->level[level][at >> GM_DIRTY_FAN_SHIFT]);
        word &= GM_DIRTY_FULL << (at & (GM_DIRTY_FAN - 1));
        if (word == 0) {
            at = (at >> GM_DIRTY_FAN_SHIFT) + 1;
            if (level + 1 < GM_DIRTY_LEVELS)
                level++;
            else
                at <<= GM_DIRTY_FAN_SHIFT;
            continue;
        }
        at = (at & ~(uint64_t)(GM_DIRTY_FAN - 1)) + (uint64_t)__builtin_ctzll(word);
        if (level == 0)
            return gm_min_u64(at, end);
        level--;
        at <<= GM_DIRTY_FAN_SHIFT;
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
        uint64_t among = gm_dirty_inside(window, word, 0);
        if (among != 0)
            bits = gm_load_seq_cst(&levels->level[0][word]) & among;
        window->first = *page + GM_DIRTY_FAN;
    }
    return bits;
}

#endif
