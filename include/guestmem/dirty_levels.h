/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The words of a dirty bitmap: a bit for each page, a bit for each of those words, and a bit for each of these. Public
 * only because gm_dirty_mark is inlined; callers use dirty.h. core/dirty/protocol.h says why the order matters.
 */
#ifndef GUESTMEM_DIRTY_LEVELS_H
#define GUESTMEM_DIRTY_LEVELS_H

#include <stdint.h>

#include <guestmem/api.h>

#ifdef GM_DIRTY_BACKEND /* a model checker has words and fences of its own */
#include GM_DIRTY_BACKEND
#else
typedef uint64_t gm_dirty_word;
#define GM_DIRTY_FAN_SHIFT 6
#define GM_DIRTY_LOAD(p) __atomic_load_n((p), __ATOMIC_SEQ_CST)
/* The marker's half of the barrier: the write that it reports is not moved behind its looks by the compiler. */
#define GM_DIRTY_LIGHT() __asm__ volatile("" ::: "memory")
#endif

#define GM_DIRTY_FAN (1u << GM_DIRTY_FAN_SHIFT)
#define GM_DIRTY_LEVELS 3

struct gm_dirty_levels {
    gm_dirty_word *level[GM_DIRTY_LEVELS]; /* pages, words of pages, words of those */
};

/* Is this bit of a level set? */
GM_INLINE int gm_dirty_bit(const struct gm_dirty_levels *levels, unsigned level, uint64_t index)
{
    return (int)(GM_DIRTY_LOAD(&levels->level[level][index >> GM_DIRTY_FAN_SHIFT]) >> (index & (GM_DIRTY_FAN - 1))) & 1;
}

/* Is the page marked, and will a harvest that begins now find it? From the page up, never in another order. */
GM_INLINE int gm_dirty_shown(const struct gm_dirty_levels *levels, uint64_t page)
{
    if (!gm_dirty_bit(levels, 0, page))
        return 0;
    int shown = gm_dirty_bit(levels, 1, page >> GM_DIRTY_FAN_SHIFT);
    return shown & gm_dirty_bit(levels, 2, page >> 2 * GM_DIRTY_FAN_SHIFT);
}

#endif
