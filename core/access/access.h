/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the files of this folder share: a range of guest addresses, piece by piece. */
#ifndef GM_ACCESS_ACCESS_H
#define GM_ACCESS_ACCESS_H

#include <errno.h>

#include "base/math.h"
#include "guestmem/translate.h"
#include "map/walk.h"

/* The part of a range that begins at an address and is contiguous in host memory. */
struct gm_access_piece {
    char *host;
    uint64_t len; /* [bytes] >= 1 */
};

/* gm_access_next where the leaf word alone does not answer. */
int gm_access_find(const struct gm_view *view, gm_gpa at, uint64_t last, unsigned rights, struct gm_access_piece *out);

/*
 * The piece of [at, last] that begins at `at`, for an access with these rights. It may end although host memory goes
 * on, but only at a multiple of the page size, so that nothing that is aligned is cut in two.
 * Returns 0; -EFAULT, -ENXIO, -EACCES of the byte at `at`.
 */
static inline int gm_access_next(const struct gm_view *view, gm_gpa at, uint64_t last, unsigned rights,
                                 struct gm_access_piece *out)
{
    uint64_t leaf = GM_LEAF_HOLE;
    if (GM_LIKELY((at >> GM_GIB_SHIFT) < view->gib_count))
        leaf = gm_leaf_load(view, at);
    if (GM_UNLIKELY((leaf & (GM_LEAF_INDIRECT | (rights & GM_RW))) != 0))
        return gm_access_find(view, at, last, rights, out);
    out->host = (char *)(uintptr_t)gm_word_address(leaf, at);
    out->len = gm_min_u64(at | (GM_BLOCK_SIZE - 1), last) - at + 1;
    return 0;
}

/* All of a range, len >= 1: 0, or the error of its first byte that cannot be accessed. */
int gm_access_check(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights);

#endif
