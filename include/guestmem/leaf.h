/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The leaf word: what one 64-bit load says about 2 MiB (or, inside a mixed block, about a piece) of guest memory.
 * Public only because gm_translate is inlined; callers use translate.h.
 *
 *    63                                   12 11           6 5    3   2     1     0
 *   +---------------------------------------+--------------+------+-----+-----+-----+
 *   | direct:   HVA - GPA, modulo 2^64      |      0       |  0   |  0  | no W| no R|
 *   | indirect: address of a 64-byte line or of 512 words  | form |  1  |  1  |  1  |
 *   +---------------------------------------+--------------+------+-----+-----+-----+
 *
 * Rights are stored as what is *denied*, so that "present, direct, and with the rights asked for" is one AND with a
 * constant and one branch. The delta is kept in place (pages are congruent), so that the host address is one AND
 * and one ADD.
 */
#ifndef GUESTMEM_LEAF_H
#define GUESTMEM_LEAF_H

#include <guestmem/api.h>
#include <guestmem/types.h>

#define GM_LEAF_NO_READ UINT64_C(1)
#define GM_LEAF_NO_WRITE UINT64_C(2)
#define GM_LEAF_INDIRECT UINT64_C(4)

#define GM_LEAF_DELTA_MASK (~UINT64_C(0xfff))
#define GM_LEAF_POINTER_MASK (~UINT64_C(0x3f))
#define GM_LEAF_FORM_MASK UINT64_C(0x38)

#define GM_LEAF_DENY_ALL (GM_LEAF_NO_READ | GM_LEAF_NO_WRITE | GM_LEAF_INDIRECT)
#define GM_LEAF_HOLE GM_LEAF_DENY_ALL                          /* nothing at all */
#define GM_LEAF_ASK (GM_LEAF_DENY_ALL | UINT64_C(0x08))        /* the region decides: device, or page in part RAM */
#define GM_LEAF_FORM_LINE (GM_LEAF_DENY_ALL | UINT64_C(0x10))  /* pointer to a line of up to five pieces */
#define GM_LEAF_FORM_PAGES (GM_LEAF_DENY_ALL | UINT64_C(0x18)) /* pointer to one word for each page */

#define GM_GIB_SHIFT 30
#define GM_BLOCK_SHIFT 21
#define GM_BLOCK_SIZE (UINT64_C(1) << GM_BLOCK_SHIFT)
#define GM_GIB_BLOCKS 512
#define GM_BLOCK_PAGES 512

#define GM_LINE_PIECES 5

/*
 * A mixed block of few pieces: one cache line. Piece i begins at page start[i - 1] and ends before page start[i];
 * piece 0 begins at page 0. Starts that are not used are GM_BLOCK_PAGES, which no page reaches and which is where
 * the last piece ends; the last four entries always are.
 */
struct gm_line {
    uint64_t word[GM_LINE_PIECES]; /* direct, GM_LEAF_HOLE or GM_LEAF_ASK */
    uint16_t start[GM_LINE_PIECES + 3];
    uint64_t birth; /* the writer's */
};

/* Which piece holds the page: how many of the first four starts are at or below it, counted in parallel. */
GM_INLINE unsigned gm_line_piece(const struct gm_line *line, unsigned page)
{
    uint64_t ones = UINT64_C(0x0001000100010001);
    uint64_t starts;
    __asm__("" : "+r"(ones)); /* two multiplications cost less than the shifts and sums that compilers make of them */
    __builtin_memcpy(&starts, line->start, sizeof(starts));
    uint64_t at_or_above = ((page * ones) | (ones << 15)) - starts; /* top bit of a lane: page >= start */
    return (unsigned)((((at_or_above >> 15) & ones) * ones) >> 48);
}

GM_INLINE int gm_leaf_is_line(uint64_t leaf)
{
    const uint64_t mask = GM_LEAF_INDIRECT | GM_LEAF_FORM_MASK;
    return (leaf & mask) == (GM_LEAF_FORM_LINE & mask);
}

GM_INLINE const struct gm_line *gm_leaf_line(uint64_t leaf)
{
    return (const struct gm_line *)(uintptr_t)(leaf & GM_LEAF_POINTER_MASK);
}

#endif
