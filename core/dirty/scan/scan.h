/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Passing over lines that are not set: nearly all of them, in a guest that rests; and over words without bits, in lines
 * that are set. By the names of the batch kernels (translate/kernel.h), and chosen with them.
 *
 * Both only say where to look again, by gm_dirty_span or an exchange: memory is read as wide as the processor can, and
 * nothing is asked of a byte that changes meanwhile. A mark that has returned before is seen, since its store is. On
 * x86 wide loads are of one order with all others; elsewhere words are looked at one by one (protocol.h: c).
 */
#ifndef GM_DIRTY_SCAN_SCAN_H
#define GM_DIRTY_SCAN_SCAN_H

#include "base/tsan.h"
#include "dirty/protocol.h"

/* The first span from at on, both multiples of GM_DIRTY_SPAN, that is not all 0; end or beyond: there is none. */
typedef uint64_t gm_dirty_scan_fn(const gm_dirty_line *lines, uint64_t at, uint64_t end);

/*
 * Write down which words of so many lines are not 0. Returns how many, at most GM_DIRTY_WORDS a line; as many places as
 * there are words of these lines are there, and what is written behind the last has no meaning.
 */
typedef unsigned gm_dirty_list_fn(const gm_dirty_word *words, const uint64_t *lines, unsigned count, uint64_t *out);

struct gm_dirty_scanner {
    const char *name;
    gm_dirty_scan_fn *scan;
    gm_dirty_list_fn *list; /* NULL: the scalar one */
};

/* Ask for the words of a line that comes soon; of the last ones, for those of this line. */
static inline void gm_dirty_fetch_ahead(const gm_dirty_word *words, const uint64_t *lines, unsigned at, unsigned count)
{
    unsigned ahead = at + GM_DIRTY_FETCH < count ? at + GM_DIRTY_FETCH : at;
    gm_dirty_fetch(&words[lines[ahead] << GM_DIRTY_WORDS_SHIFT]);
}

extern const struct gm_dirty_scanner gm_dirty_scan_scalar;
#if defined(__x86_64__)
extern const struct gm_dirty_scanner gm_dirty_scan_avx2;
extern const struct gm_dirty_scanner gm_dirty_scan_avx512;
#elif defined(__aarch64__)
extern const struct gm_dirty_scanner gm_dirty_scan_neon;
#endif

/* Those in use. Written when the library is loaded, and by gm_isa_select, whose caller promises that nobody scans. */
extern gm_dirty_scan_fn *gm_dirty_scan;
extern gm_dirty_list_fn *gm_dirty_list;

/* Use the scanner of this name; one that this build lacks is the scalar one. */
void gm_dirty_scan_choose(const char *name);

#endif
