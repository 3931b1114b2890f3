/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How a page is marked and how marks are taken: all that markers and the harvester share; tests/model explores this
 * very code, and that of include/guestmem/dirty_levels.h.
 *
 * Participants: any number of markers; one harvester at a time (a lock sees to that).
 * Shared words: three levels. Level 0 has a bit for each page; a bit of level 1 or 2 says that a word of the level
 *   below may have bits. Markers set bits, from the page up. The harvester clears them, from the top down: a summary
 *   before what it summarises.
 *
 * Invariant I1: when a mark has returned and no harvest runs, the bit of its page was taken since the mark's write, by
 *   a harvest whose barrier came after that write; or the bit and both its summaries are set.
 *
 * Argument. All accesses have one order (seq_cst). Let a harvest clear the two summaries at a and b, and the word at c:
 * a < b < c.
 *   - A marker that sets the bit before c is taken at c. One that does so later then looks at the summaries; it finds
 *     what a and b have left and sets them again. If it finds one set, that was not cleared yet or was set again, and
 *     each clearing that comes later is followed by a look at the word. [dirty-P1]
 *   - A marker that finds the bit set, before it finds the summaries set, in this order, returns without a store
 *     (gm_dirty_shown). If a comes later than the last look, so do b and c: this harvest takes the page. If b comes
 *     later than the look at level 1, then so does c, and the harvest that is about to pass there takes it. [dirty-P2]
 *     That it takes the bit is not enough, because the marker's write may still be on its way while the looks are
 *     done. Therefore the harvester calls a barrier after it has taken bits and before anybody copies pages: a marker
 *     that passes it after its write has made the write visible; one that passes it before its write looks at the words
 *     after the barrier, and so finds them as the harvest left them. [dirty-P3]
 *   - A marker that finds the bit set but not a summary sets that: whoever set the bit may have come no further.
 *   - Words that are filled by a range are stored, not ORed: no bit is lost, since all are set. The store is followed
 *     by a locked instruction on the summary, which also keeps its looks behind it. It breaks the chain of
 *     read-modify-writes by which c would see the writes of earlier markers; the barrier sees to these as well.
 * Locked marks (no barrier, or other processes): each mark sets its bit by a read-modify-write, which c reads, so that
 *   the write before it is visible without a barrier. Full words are ORed too.
 * Progress: wait-free for markers; a harvest takes one step for each bit of a summary.
 */
#ifndef GM_DIRTY_PROTOCOL_H
#define GM_DIRTY_PROTOCOL_H

#include <stdbool.h>

#include "base/atomic.h"
#include "guestmem/dirty_levels.h"

#define GM_DIRTY_FULL (~UINT64_C(0) >> (64 - GM_DIRTY_FAN))

/* Bits from..last of a word. */
static inline uint64_t gm_dirty_bits(uint64_t from, uint64_t last)
{
    return (GM_DIRTY_FULL << from) & (GM_DIRTY_FULL >> (GM_DIRTY_FAN - 1 - last));
}

/* The word that holds the bit of a level; *bit: its mask there. */
static inline gm_atomic_u64 *gm_dirty_at(const struct gm_dirty_levels *levels, unsigned level, uint64_t index,
                                         uint64_t *bit)
{
    *bit = UINT64_C(1) << (index & (GM_DIRTY_FAN - 1));
    return &levels->level[level][index >> GM_DIRTY_FAN_SHIFT];
}

/* Let a bit of level 2 be set; its word of level 1 was changed, or looked at, before. */
static inline void gm_dirty_show_group(const struct gm_dirty_levels *levels, uint64_t group)
{
    uint64_t bit;
    gm_atomic_u64 *summary = gm_dirty_at(levels, 2, group, &bit);
    if ((gm_load_seq_cst(summary) & bit) == 0) /* [dirty-P1] */
        gm_or_seq_cst(summary, bit);
}

/* Let the summaries of a word of level 0 be set, whose bits were set before. */
static inline void gm_dirty_show(const struct gm_dirty_levels *levels, uint64_t word)
{
    uint64_t bit;
    gm_atomic_u64 *summary = gm_dirty_at(levels, 1, word, &bit);
    if ((gm_load_seq_cst(summary) & bit) == 0) /* [dirty-P1] */
        gm_or_seq_cst(summary, bit);
    gm_dirty_show_group(levels, word >> GM_DIRTY_FAN_SHIFT);
}

static inline void gm_dirty_set(const struct gm_dirty_levels *levels, uint64_t word, uint64_t bits)
{
    gm_or_seq_cst(&levels->level[0][word], bits); /* [dirty-P1] */
    gm_dirty_show(levels, word);
}

/* Set bits of one word of a range, summaries apart; false: they were set. */
static inline bool gm_dirty_fill(gm_atomic_u64 *word, uint64_t bits, bool locked)
{
    if (!locked && (gm_load_seq_cst(word) & bits) == bits) /* [dirty-P2] */
        return false;
    if (bits == GM_DIRTY_FULL && !locked)
        gm_store_release(word, bits); /* [dirty-P1] */
    else
        gm_or_seq_cst(word, bits); /* [dirty-P1] */
    return true;
}

/* The same where they were set by gm_dirty_fill, maybe by a plain store. */
static inline void gm_dirty_show_filled(const struct gm_dirty_levels *levels, uint64_t word)
{
    uint64_t bit;
    gm_atomic_u64 *summary = gm_dirty_at(levels, 1, word, &bit);
    gm_or_seq_cst(summary, bit); /* [dirty-P1] */
    gm_dirty_show_group(levels, word >> GM_DIRTY_FAN_SHIFT);
}

/* Set pages first..last, which lie in one word of level 1. */
static inline void gm_dirty_set_group(const struct gm_dirty_levels *levels, uint64_t first, uint64_t last, bool locked)
{
    uint64_t low = first >> GM_DIRTY_FAN_SHIFT, high = last >> GM_DIRTY_FAN_SHIFT;
    uint64_t head = gm_dirty_bits(first & (GM_DIRTY_FAN - 1), GM_DIRTY_FAN - 1);
    uint64_t tail = gm_dirty_bits(0, last & (GM_DIRTY_FAN - 1));
    gm_atomic_u64 *word = levels->level[0];
    bool changed = gm_dirty_fill(&word[low], low == high ? head & tail : head, locked);
    for (uint64_t at = low + 1; at < high; at++)
        changed |= gm_dirty_fill(&word[at], GM_DIRTY_FULL, locked);
    if (low != high)
        changed |= gm_dirty_fill(&word[high], tail, locked);
    uint64_t group = low >> GM_DIRTY_FAN_SHIFT;
    uint64_t bits = gm_dirty_bits(low & (GM_DIRTY_FAN - 1), high & (GM_DIRTY_FAN - 1));
    gm_atomic_u64 *summary = &levels->level[1][group];
    if (changed || (gm_load_seq_cst(summary) & bits) != bits) /* [dirty-P2] */
        gm_or_seq_cst(summary, bits);                         /* [dirty-P1] */
    gm_dirty_show_group(levels, group);
}

/* Set pages first..last. */
static inline void gm_dirty_set_pages(const struct gm_dirty_levels *levels, uint64_t first, uint64_t last, bool locked)
{
    const uint64_t rest = (UINT64_C(1) << 2 * GM_DIRTY_FAN_SHIFT) - 1;
    for (; (first | rest) < last; first = (first | rest) + 1)
        gm_dirty_set_group(levels, first, first | rest, locked);
    gm_dirty_set_group(levels, first, last, locked);
}

/* Take those bits of a word that are set and in clear; bits in look are only looked at. */
static inline uint64_t gm_dirty_take(gm_atomic_u64 *word, uint64_t look, uint64_t clear)
{
    uint64_t found = look & ~clear;
    if (found != 0)
        found &= gm_load_seq_cst(word);
    if (clear == GM_DIRTY_FULL)
        found |= gm_exchange_seq_cst(word, 0); /* [dirty-P1] [dirty-P2] */
    else if (clear != 0)
        found |= gm_and_seq_cst(word, ~clear) & clear; /* [dirty-P1] [dirty-P2] */
    return found;
}

#endif
