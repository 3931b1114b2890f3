/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Moving words of an array by one place while other threads load them, relaxed, one by one. One thread moves.
 *
 * Each word is stored whole: what a vector move writes is single-copy atomic for each aligned element (Arm ARM, B2.2.1;
 * x86-64 does it, though its manuals promise it of eight aligned bytes only), and volatile keeps the compiler from
 * doing it in other pieces or twice. Between words there is no order. Who loads them has to check what they are all
 * the same, as words of two states may stand side by side. ThreadSanitizer knows no such moves and gets a loop.
 *
 * Blocks of eight move as a whole; in the first one a mask says which words stay. So the number of steps is one of few
 * and can be foreseen, and no branch depends on the position inside a block. The array is as long as the next multiple
 * of eight above what is moved, and GM_WORDS_BEHIND longer.
 */
#ifndef GM_BASE_WORDS_H
#define GM_BASE_WORDS_H

#include <stdint.h>

#include "base/atomic.h"

#define GM_WORDS_BEHIND 1 /* words that are loaded behind the end, and go nowhere */
#define GM_WORDS_BLOCK 8u

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
typedef int32_t gm_numbers4 __attribute__((vector_size(16)));
typedef uint32_t gm_words4_at __attribute__((vector_size(16), aligned(4), may_alias));

static inline gm_words4 gm_words_load(const uint32_t *from)
{
    return *(const volatile gm_words4_at *)from;
}

static inline void gm_words_store(uint32_t *to, gm_words4 words)
{
    *(volatile gm_words4_at *)to = words;
}

/* Those of four words, the first of which is number `at` of its block, that stand above a position in it. */
static inline gm_words4 gm_words_above(uint32_t at, uint32_t position)
{
    gm_numbers4 number = {(int32_t)at, (int32_t)at + 1, (int32_t)at + 2, (int32_t)at + 3};
    return (gm_words4)(number > (int32_t)position);
}

static inline gm_words4 gm_words_choose(gm_words4 mask, gm_words4 yes, gm_words4 no)
{
    return (yes & mask) | (no & ~mask);
}

/* words[position .. count) go one place up; what stands at position then is left open. */
static inline void gm_words_up(uint32_t *words, uint32_t position, uint32_t count)
{
    uint32_t inside = position % GM_WORDS_BLOCK;
    uint32_t *first = words + (position - inside);
    for (uint32_t *to = words + count / GM_WORDS_BLOCK * GM_WORDS_BLOCK; to > first; to -= GM_WORDS_BLOCK) {
        gm_words4 high = gm_words_load(to + 3), low = gm_words_load(to - 1);
        gm_words_store(to + 4, high);
        gm_words_store(to, low);
    }
    gm_words4 high = gm_words_load(first + 4), low = gm_words_load(first), beside = gm_words_load(first + 3);
    gm_words4 up = __builtin_shufflevector(low, low, 0, 0, 1, 2); /* the lowest is never above the position */
    gm_words_store(first + 4, gm_words_choose(gm_words_above(4, inside), beside, high));
    gm_words_store(first, gm_words_choose(gm_words_above(0, inside), up, low));
}

/* words(position .. count) go one place down. */
static inline void gm_words_down(uint32_t *words, uint32_t position, uint32_t count)
{
    uint32_t inside = position % GM_WORDS_BLOCK;
    uint32_t *first = words + (position - inside);
    gm_words4 low = gm_words_load(first), high = gm_words_load(first + 4);
    gm_words4 low_next = gm_words_load(first + 1), high_next = gm_words_load(first + 5);
    gm_words_store(first, gm_words_choose(gm_words_above(1, inside), low_next, low));
    gm_words_store(first + 4, gm_words_choose(gm_words_above(5, inside), high_next, high));
    for (uint32_t *to = first + GM_WORDS_BLOCK; to < words + count; to += GM_WORDS_BLOCK) {
        gm_words4 near = gm_words_load(to + 1), far = gm_words_load(to + 5);
        gm_words_store(to, near);
        gm_words_store(to + 4, far);
    }
}

#endif
#endif
