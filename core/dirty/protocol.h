/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How a page is marked and how marks are taken: all that markers and the harvester share; tests/model explores this
 * very code, and that of include/guestmem/dirty_levels.h; tests/stress/dirty_litmus.c runs it and mutants on hardware.
 *
 * Participants: any number of markers; one harvester at a time (a lock sees to that).
 * Shared words: words, a bit for each page, and lines, a byte for some words: it says that they may have bits. Markers
 *   set the bit, then the byte. The harvester clears the byte, then looks at all its words and takes their bits.
 *
 * Invariant I1: when a mark has returned and no harvest runs, the bit of its page was taken since the mark's write, by
 *   a harvest whose barrier came after that write; or the bit and the byte of its line are set.
 *
 * Argument. Bits are ORed, stored, looked at and taken, and lines cleared and looked at, in one order (seq_cst). Let a
 * harvest clear the line at b and look at the word at c: b < c.
 *   - A marker that sets the bit before c is taken at c. One that does so later then looks at the line: it finds what b
 *     has left, and sets it. If it finds it set, that was not cleared yet or was set again, and each clearing that
 *     comes later is followed by a look at the word. [dirty-P1]
 *   - Lines are set by plain stores. If a store of 1 is overtaken by the 0 of b, the marker has looked before b, and
 *     its bit is there before c. If a harvest passes while the store is on its way, both stay as they are: that harvest
 *     has begun before the mark returned, and a later one finds them. Only lines that are seen to be set are cleared.
 *   - A marker that finds the bit set, and then the line, returns without a store (gm_dirty_shown). If b comes later
 *     than the look at the line, then so does c, and this harvest takes the page. [dirty-P2]
 *     That it takes the bit is not enough, because the marker's write may still be on its way while the looks are
 *     done. Therefore the harvester calls a barrier after it has taken bits and before anybody copies pages: a marker
 *     that passes it after its write has made the write visible; one that passes it before its write looks at the words
 *     after the barrier, and so finds them as the harvest left them. [dirty-P3]
 *   - A marker that finds the bit set but not the line sets that: whoever set the bit may have come no further. One
 *     byte is all there is to be late with. Above a level more, whoever sets it could be late as well, and each mark
 *     would have to look at that, too; so there is none, and a harvest reads all lines.
 *   - Words that a range fills are stored, not ORed: no bit is lost, since all are set. That breaks the chain of
 *     read-modify-writes by which c would see the writes of earlier markers; the barrier sees to these as well.
 * Locked marks (no barrier, or other processes): each mark sets its bit by a read-modify-write, which c reads, so that
 *   the write before it is visible without a barrier. Full words are ORed too.
 * Progress: wait-free for markers; a harvest takes one step for each word of a line that is set.
 */
#ifndef GM_DIRTY_PROTOCOL_H
#define GM_DIRTY_PROTOCOL_H

#include <stdbool.h>

#include "base/atomic.h"
#include "guestmem/dirty_levels.h"

#define GM_DIRTY_FULL (~UINT64_C(0) >> (64 - GM_DIRTY_FAN))
#define GM_DIRTY_WORDS_SHIFT (GM_DIRTY_LINE_SHIFT - GM_DIRTY_FAN_SHIFT)
#define GM_DIRTY_WORDS (1u << GM_DIRTY_WORDS_SHIFT) /* of a line */
#define GM_DIRTY_FETCH 16 /* how many lines ahead words are asked for */

/* A span: as many lines as can be looked at together, eight at a time. Of a line only the lowest bit counts. */
#ifndef GM_DIRTY_BACKEND
#define GM_DIRTY_SPAN 64u
#define gm_dirty_fetch(word) __builtin_prefetch((word), 1)
/*
 * A seq_cst store where several come before the next look that has to stay behind them, and a locked instruction or a
 * fence before that look. On x86 a plain store and that fence are such a store. The model explores the other form.
 */
#ifdef __x86_64__
#define gm_dirty_store(p, v) gm_store_release(p, v)
#else
#define gm_dirty_store(p, v) gm_store_seq_cst(p, v)
#endif

typedef uint64_t __attribute__((may_alias)) gm_dirty_eight;

static inline uint64_t gm_dirty_lines(const gm_dirty_eight *eight)
{
    return gm_load_relaxed(eight);
}

/* Which lines of a span are set. Marks that have returned are seen; of others nothing is asked. */
static inline uint64_t gm_dirty_span(const gm_dirty_line *lines)
{
    const gm_dirty_eight *at = (const gm_dirty_eight *)(const void *)lines;
    uint64_t set = 0;
    if ((gm_dirty_lines(at) | gm_dirty_lines(at + 1) | gm_dirty_lines(at + 2) | gm_dirty_lines(at + 3) |
         gm_dirty_lines(at + 4) | gm_dirty_lines(at + 5) | gm_dirty_lines(at + 6) | gm_dirty_lines(at + 7)) == 0)
        return 0;
    for (unsigned i = 0; i < 8; i++) /* the product gathers the lowest bit of each byte */
        set |= ((gm_dirty_lines(at + i) & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080)) >> 56 << 8 * i;
    return set;
}
#endif

/* Bits from..last of a word. */
static inline uint64_t gm_dirty_bits(uint64_t from, uint64_t last)
{
    return (GM_DIRTY_FULL << from) & (GM_DIRTY_FULL >> (GM_DIRTY_FAN - 1 - last));
}

/* Let a line be set, of which a word was changed by a locked instruction, or looked at, before. */
static inline void gm_dirty_show(const struct gm_dirty_levels *levels, uint64_t line)
{
    if (gm_load_seq_cst(&levels->lines[line]) == 0)  /* [dirty-P1] */
        gm_store_release(&levels->lines[line], 1); /* [dirty-P1] */
}

/* Set bits of one word. */
static inline void gm_dirty_set(const struct gm_dirty_levels *levels, uint64_t word, uint64_t bits)
{
    gm_or_seq_cst(&levels->words[word], bits); /* [dirty-P1] */
    gm_dirty_show(levels, word >> GM_DIRTY_WORDS_SHIFT);
}

/* Set some bits of a word, its line apart; nothing is stored where they are set, unless it has to be. */
static inline void gm_dirty_join(gm_atomic_u64 *word, uint64_t bits, bool always)
{
    if (always || (gm_load_seq_cst(word) & bits) != bits) /* [dirty-P2] */
        gm_or_seq_cst(word, bits);                        /* [dirty-P1] */
}

/* Set all bits of a word, its line apart; true: by a store. */
static inline bool gm_dirty_fill(gm_atomic_u64 *word)
{
    if (gm_load_seq_cst(word) == GM_DIRTY_FULL) /* [dirty-P2] */
        return false;
    gm_dirty_store(word, GM_DIRTY_FULL); /* [dirty-P1] */
    return true;
}

/* Set pages first..last: whole words, then the others, then the lines. */
static inline void gm_dirty_set_pages(const struct gm_dirty_levels *levels, uint64_t first, uint64_t last, bool locked)
{
    gm_atomic_u64 *const low = &levels->words[first >> GM_DIRTY_FAN_SHIFT];
    gm_atomic_u64 *const high = &levels->words[last >> GM_DIRTY_FAN_SHIFT];
    uint64_t head = gm_dirty_bits(first & (GM_DIRTY_FAN - 1), GM_DIRTY_FAN - 1);
    uint64_t tail = gm_dirty_bits(0, last & (GM_DIRTY_FAN - 1));
    bool filled = false;
    if (low == high)
        head = head & tail;
    for (gm_atomic_u64 *at = low + 1; at < high; at++) {
        if (locked)
            gm_or_seq_cst(at, GM_DIRTY_FULL);
        else
            filled |= gm_dirty_fill(at);
    }
    gm_dirty_join(low, head, locked);
    if (low != high)
        gm_dirty_join(high, tail, locked || filled); /* what gm_dirty_store asks for */
    for (uint64_t line = first >> GM_DIRTY_LINE_SHIFT; line <= last >> GM_DIRTY_LINE_SHIFT; line++)
        gm_dirty_show(levels, line);
}

/* Take those bits of a word that are set and in clear; known: there were some at the last look. */
static inline uint64_t gm_dirty_take(gm_atomic_u64 *word, uint64_t clear, bool known)
{
    if (!known && (gm_load_seq_cst(word) & clear) == 0) /* [dirty-P1] */
        return 0;
    if (clear == GM_DIRTY_FULL)
        return gm_exchange_seq_cst(word, 0);       /* [dirty-P1] [dirty-P2] */
    return gm_and_seq_cst(word, ~clear) & clear; /* [dirty-P1] [dirty-P2] */
}

#endif
