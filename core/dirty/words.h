/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Words of bits in memory of others, which need not begin where a word of the bitmap does. */
#ifndef GM_DIRTY_WORDS_H
#define GM_DIRTY_WORDS_H

#include <stdint.h>

/* OR bits, the lowest of which stands for bit at of an array; bits before the array are 0. at may be below it. */
static inline void gm_dirty_or_shifted(uint64_t *words, int64_t at, uint64_t bits)
{
    if (at < 0) {
        words[0] |= bits >> -at;
        return;
    }
    uint64_t index = (uint64_t)at / 64, shift = (uint64_t)at % 64;
    words[index] |= bits << shift;
    if (shift != 0 && bits >> (64 - shift) != 0)
        words[index + 1] |= bits >> (64 - shift);
}

#endif
