/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Taking the marks of a window: a line is cleared before its words are looked at (protocol.h). Lines are cleared some
 * at a time, so that their words can be on their way from memory while others are taken; and which words have bits is
 * listed first, because a branch for each of them would be guessed wrong half of the time. A line that reaches beyond
 * the window is left set, and one that was cleared before the walk had to stop is set again: what is set too much costs
 * a later walk a look.
 */
#ifndef GM_DIRTY_WALK_H
#define GM_DIRTY_WALK_H

#include "dirty/protocol.h"
#ifndef GM_DIRTY_BACKEND
#include "dirty/scan/scan.h"
#endif

/* Gets a word with what was taken from the two sources; false: no more. */
typedef bool (*gm_dirty_keep_fn)(void *to, uint64_t word, uint64_t live, uint64_t own);

struct gm_dirty_window {
    uint64_t first, end; /* pages */
};

/* Lines that were set when they were looked at, and those of their words that have bits. */
struct gm_dirty_batch {
    uint64_t line[2 * GM_DIRTY_SPAN];
    uint64_t word[2 * GM_DIRTY_SPAN * GM_DIRTY_WORDS];
    unsigned lines, words;
};

/* Which bits of a word stand for pages of the window. */
static inline uint64_t gm_dirty_inside(const struct gm_dirty_window *window, uint64_t word)
{
    uint64_t base = word << GM_DIRTY_FAN_SHIFT, first = window->first, end = window->end;
    if (first >= end || end <= base || first >= base + GM_DIRTY_FAN)
        return 0;
    return gm_dirty_bits(first > base ? first - base : 0,
                         end - base < GM_DIRTY_FAN ? end - base - 1 : GM_DIRTY_FAN - 1);
}

/* Is all of a line in the window? */
static inline bool gm_dirty_whole_line(const struct gm_dirty_window *window, uint64_t line)
{
    return line << GM_DIRTY_LINE_SHIFT >= window->first && (line + 1) << GM_DIRTY_LINE_SHIFT <= window->end;
}

/* Clear the lines of a span that are set and in the window, and list them; those that are not all in it stay set. */
static inline void gm_dirty_take_span(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                      const struct gm_dirty_window *window, uint64_t span, uint64_t set,
                                      struct gm_dirty_batch *batch)
{
    const uint64_t first = window->first >> GM_DIRTY_LINE_SHIFT, last = (window->end - 1) >> GM_DIRTY_LINE_SHIFT;
    while (set != 0) {
        uint64_t line = span + (unsigned)__builtin_ctzll(set);
        set &= set - 1;
        if (line < first || line > last)
            continue;
        batch->line[batch->lines++] = line;
        if ((line == first || line == last) && !gm_dirty_whole_line(window, line))
            continue;
        gm_dirty_store(&live->lines[line], 0); /* [dirty-P1] */
        if (own != NULL)
            gm_store_relaxed(&own->lines[line], 0);
    }
}

/* The first span from at on with a line that is set in either of the two; end or beyond: there is none. */
static inline uint64_t gm_dirty_skip(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own, uint64_t at,
                                     uint64_t end)
{
#ifdef GM_DIRTY_BACKEND /* looks at every line itself */
    (void)live, (void)own, (void)end;
    return at;
#else
    uint64_t to = gm_dirty_scan(live->lines, at, end);
    return own == NULL || to == at ? to : gm_dirty_scan(own->lines, at, to < end ? to : end);
#endif
}

/* The lines of *span and of spans that follow, until the batch has enough. */
static inline void gm_dirty_take_lines(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                       const struct gm_dirty_window *window, uint64_t *span,
                                       struct gm_dirty_batch *batch)
{
    const uint64_t end = ((window->end - 1) >> GM_DIRTY_LINE_SHIFT) + 1;
    uint64_t at = *span;
    batch->lines = batch->words = 0;
    while (at < end && batch->lines < GM_DIRTY_SPAN) {
        uint64_t set = gm_dirty_span(&live->lines[at]);
        if (own != NULL)
            set |= gm_dirty_span(&own->lines[at]);
        gm_dirty_take_span(live, own, window, at, set, batch);
        at += GM_DIRTY_SPAN;
        if (set == 0 && at < end) /* a call that pays only where more than one is clean */
            at = gm_dirty_skip(live, own, at, end);
    }
    *span = at;
    if (batch->lines != 0)
        gm_fence_seq_cst(); /* [dirty-P1] */
}

/* List those words of a line that have bits in the window. */
static inline void gm_dirty_list_words(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                       const struct gm_dirty_window *window, uint64_t line,
                                       struct gm_dirty_batch *batch)
{
    bool whole = gm_dirty_whole_line(window, line);
    uint64_t word = line << GM_DIRTY_WORDS_SHIFT;
    unsigned count = batch->words;
    for (unsigned i = 0; i < GM_DIRTY_WORDS; i++, word++) {
        uint64_t bits = gm_load_seq_cst(&live->words[word]); /* [dirty-P1] */
        if (own != NULL)
            bits |= gm_load_relaxed(&own->words[word]);
        if (!whole)
            bits &= gm_dirty_inside(window, word);
        batch->word[count] = word;
        count += bits != 0;
    }
    batch->words = count;
}

static inline void gm_dirty_look_at_lines(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                          const struct gm_dirty_window *window, struct gm_dirty_batch *batch)
{
    if (batch->lines == 0)
        return;
#ifndef GM_DIRTY_BACKEND
    if (own == NULL && gm_dirty_whole_line(window, batch->line[0]) &&
        gm_dirty_whole_line(window, batch->line[batch->lines - 1])) {
        batch->words = gm_dirty_list(live->words, batch->line, batch->lines, batch->word);
        return;
    }
#endif
    for (unsigned i = 0; i < batch->lines && i < GM_DIRTY_FETCH; i++)
        gm_dirty_fetch(&live->words[batch->line[i] << GM_DIRTY_WORDS_SHIFT]);
    for (unsigned i = 0; i < batch->lines; i++) {
        if (i + GM_DIRTY_FETCH < batch->lines)
            gm_dirty_fetch(&live->words[batch->line[i + GM_DIRTY_FETCH] << GM_DIRTY_WORDS_SHIFT]);
        gm_dirty_list_words(live, own, window, batch->line[i], batch);
    }
}

/* Set the lines again from this one on. */
static inline void gm_dirty_restore(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
                                    const struct gm_dirty_batch *batch, uint64_t from)
{
    for (unsigned i = 0; i < batch->lines; i++) {
        if (batch->line[i] < from)
            continue;
        gm_dirty_show(live, batch->line[i]);
        if (own != NULL)
            gm_dirty_show(own, batch->line[i]);
    }
}

/*
 * Take all marks of a window (not empty) from live and, unless it is NULL, own, until keep has enough. Returns the page
 * at which to go on: the window's end when it is done.
 */
static inline __attribute__((always_inline)) uint64_t
gm_dirty_walk(const struct gm_dirty_levels *live, const struct gm_dirty_levels *own,
              const struct gm_dirty_window *window, gm_dirty_keep_fn keep, void *to)
{
    struct gm_dirty_batch batch;
    const uint64_t lines = ((window->end - 1) >> GM_DIRTY_LINE_SHIFT) + 1;
    const uint64_t low = window->first >> GM_DIRTY_FAN_SHIFT, high = (window->end - 1) >> GM_DIRTY_FAN_SHIFT;
    uint64_t span = window->first >> GM_DIRTY_LINE_SHIFT & ~(uint64_t)(GM_DIRTY_SPAN - 1);
    while (span < lines) {
        gm_dirty_take_lines(live, own, window, &span, &batch);
        gm_dirty_look_at_lines(live, own, window, &batch);
        for (unsigned i = 0; i < batch.words; i++) {
            uint64_t word = batch.word[i], from_own = 0;
            uint64_t clear = word == low || word == high ? gm_dirty_inside(window, word) : GM_DIRTY_FULL;
            uint64_t from_live = gm_dirty_take(&live->words[word], clear, own == NULL);
            if (own != NULL && gm_load_relaxed(&own->words[word]) != 0)
                from_own = gm_dirty_take(&own->words[word], clear, false);
            if (!keep(to, word, from_live, from_own)) {
                uint64_t next = (word + 1) << GM_DIRTY_FAN_SHIFT;
                gm_dirty_restore(live, own, &batch, word >> GM_DIRTY_WORDS_SHIFT); /* it may have more words */
                return next < window->end ? next : window->end;
            }
        }
    }
    return window->end;
}

#endif
