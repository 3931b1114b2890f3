/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Passing over lines that are not set: nearly all of them, in a guest that rests. By the names of the batch kernels
 * (translate/kernel.h), and chosen with them.
 *
 * A scan only says where to look again, by gm_dirty_span: the bytes are read as wide as the processor can, and nothing
 * is asked of a byte that changes meanwhile. A mark that has returned before is seen, since its store is.
 */
#ifndef GM_DIRTY_SCAN_SCAN_H
#define GM_DIRTY_SCAN_SCAN_H

#include "base/tsan.h"
#include "dirty/protocol.h"

/* The first span from at on, both multiples of GM_DIRTY_SPAN, that is not all 0; end or beyond: there is none. */
typedef uint64_t gm_dirty_scan_fn(const gm_dirty_line *lines, uint64_t at, uint64_t end);

struct gm_dirty_scanner {
    const char *name;
    gm_dirty_scan_fn *scan;
};

extern const struct gm_dirty_scanner gm_dirty_scan_scalar;
#if defined(__x86_64__)
extern const struct gm_dirty_scanner gm_dirty_scan_avx2;
extern const struct gm_dirty_scanner gm_dirty_scan_avx512;
#elif defined(__aarch64__)
extern const struct gm_dirty_scanner gm_dirty_scan_neon;
#endif

/* The one in use. Written when the library is loaded, and by gm_isa_select, whose caller promises that nobody scans. */
extern gm_dirty_scan_fn *gm_dirty_scan;

/* Use the scanner of this name; one that this build lacks is the scalar one. */
void gm_dirty_scan_choose(const char *name);

#endif
