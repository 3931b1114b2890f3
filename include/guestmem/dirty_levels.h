/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The words of a dirty bitmap: a bit for each page, and a byte for each line of eight such words, which are a line of
 * the caches as well. Public only because gm_dirty_mark is inlined; callers use dirty.h. core/dirty/protocol.h says why
 * the order matters.
 */
#ifndef GUESTMEM_DIRTY_LEVELS_H
#define GUESTMEM_DIRTY_LEVELS_H

#include <stdint.h>

#include <guestmem/api.h>

#ifdef GM_DIRTY_BACKEND /* a model checker has words and fences of its own */
#include GM_DIRTY_BACKEND
#else
typedef uint64_t gm_dirty_word;
typedef uint8_t gm_dirty_line;
#define GM_DIRTY_FAN_SHIFT 6
#define GM_DIRTY_LINE_SHIFT 9
#define GM_DIRTY_LOAD(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
/* The marker's half of the barrier: the write that it reports is not moved behind its looks by the compiler. */
#define GM_DIRTY_LIGHT() __asm__ volatile("" ::: "memory")
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__) && !defined(__SANITIZE_THREAD__)
#define GM_DIRTY_TESTB
#endif
#endif

#define GM_DIRTY_FAN (1u << GM_DIRTY_FAN_SHIFT) /* pages of a word */

struct gm_dirty_levels {
    gm_dirty_word *words; /* bit set: the page is dirty */
    gm_dirty_line *lines; /* 1, else 0: words of the line may have bits; 2^GM_DIRTY_LINE_SHIFT pages each */
};

GM_INLINE int gm_dirty_bit(const struct gm_dirty_levels *levels, uint64_t page)
{
    return (int)(GM_DIRTY_LOAD(&levels->words[page >> GM_DIRTY_FAN_SHIFT]) >> (page & (GM_DIRTY_FAN - 1))) & 1;
}

/*
 * Is the page marked, and will a harvest that begins now find it? First the page, then its line, never the reverse. On
 * x86 the look at the line is one instruction with the comparison: compilers make two of an atomic load.
 */
GM_INLINE int gm_dirty_shown(const struct gm_dirty_levels *levels, uint64_t page)
{
    uint64_t bits = GM_DIRTY_LOAD(&levels->words[page >> GM_DIRTY_FAN_SHIFT]) >> (page & (GM_DIRTY_FAN - 1));
#ifdef GM_DIRTY_TESTB
    int shown;
    __asm__ volatile("testb %b1, %2" : "=@ccnz"(shown) : "q"(bits), "m"(levels->lines[page >> GM_DIRTY_LINE_SHIFT]));
    return shown;
#else
    return (bits & GM_DIRTY_LOAD(&levels->lines[page >> GM_DIRTY_LINE_SHIFT])) != 0;
#endif
}

#endif
