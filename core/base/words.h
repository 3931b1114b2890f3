/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Moving words of an array by one place while other threads load them, relaxed, one by one. One thread moves.
 *
 * Each word is stored whole: what a vector move writes is single-copy atomic for each aligned element (Arm ARM, B2.2.1;
 * x86-64 does it, though its manuals promise it of eight aligned bytes only), and volatile keeps the compiler from
 * doing it in other pieces or twice. Between words there is no order. Who loads them has to check what they are all
 * the same, as words of two states may stand side by side. ThreadSanitizer knows no such moves and gets a loop.
 *
 * Blocks of eight move as a whole, counted from where the move begins. The last one takes along what lies behind the
 * end, which is put back then: words that readers may look at are wrong for a moment, as they are anyway during a move.
 * So the number of steps is one of few and can be foreseen, nothing is cut to size, and a move back loads just what the
 * move before has stored, which need not have reached the cache.
 */
#ifndef GM_BASE_WORDS_H
#define GM_BASE_WORDS_H

#include <stdint.h>

#include "base/atomic.h"

#define GM_WORDS_BLOCK 8u
#define GM_WORDS_BEHIND GM_WORDS_BLOCK /* words behind the most that there are, which mean nothing */

#if GM_TSAN

static inline void gm_words_up(uint32_t *words, uint32_t position, uint32_t count)
{
    for (uint32_t to = count; to > position; to--)
        gm_store_relaxed(&words[to], words[to - 1]);
}

static inline void gm_words_down(uint32_t *words, uint32_t position, uint32_t count)
{
    for (uint32_t to = position; to + 1 < count; to++)
        gm_store_relaxed(&words[to], words[to + 1]);
}

#else

typedef uint32_t gm_words4 __attribute__((vector_size(16)));
typedef uint32_t gm_words4_at __attribute__((vector_size(16), aligned(4), may_alias));

struct gm_words8 {
    gm_words4 low, high;
};

static inline struct gm_words8 gm_words_load(const uint32_t *from)
{
    return (struct gm_words8){*(const volatile gm_words4_at *)from, *(const volatile gm_words4_at *)(from + 4)};
}

static inline void gm_words_store(uint32_t *to, struct gm_words8 words)
{
    *(volatile gm_words4_at *)to = words.low;
    *(volatile gm_words4_at *)(to + 4) = words.high;
}

/* words[position .. count) go one place up, to the place of words[count]; what stands at position then is left open. */
static inline void gm_words_up(uint32_t *words, uint32_t position, uint32_t count)
{
    struct gm_words8 behind = gm_words_load(words + count + 1);
    uint32_t blocks = (count - position + (GM_WORDS_BLOCK - 1)) / GM_WORDS_BLOCK;
    for (uint32_t *from = words + position + blocks * GM_WORDS_BLOCK; from > words + position;) {
        from -= GM_WORDS_BLOCK;
        gm_words_store(from + 1, gm_words_load(from));
    }
    gm_words_store(words + count + 1, behind);
}

/* words(position .. count) go one place down; words[count - 1] is left open. There is a word at position. */
static inline void gm_words_down(uint32_t *words, uint32_t position, uint32_t count)
{
    struct gm_words8 behind = gm_words_load(words + count);
    for (uint32_t *to = words + position; to + 1 < words + count; to += GM_WORDS_BLOCK)
        gm_words_store(to, gm_words_load(to + 1));
    gm_words_store(words + count, behind);
}

#endif
#endif
