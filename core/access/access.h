/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the files of this folder share: a range of guest addresses, piece by piece. */
#ifndef GM_ACCESS_ACCESS_H
#define GM_ACCESS_ACCESS_H

#include <errno.h>

#include "base/math.h"
#include "map/walk.h"

/* The part of a range that begins at an address and is contiguous in host memory. */
struct gm_access_piece {
    char *host;
    uint64_t len; /* [bytes] >= 1 */
};

/* gm_walk_regions, on into neighbours that differ in no more than other rights than these. */
struct gm_piece gm_access_regions(const struct gm_version *version, gm_gpa at, uint64_t last, unsigned rights);

/*
 * The piece of [at, last] that begins at `at`, for an access with these rights. It may end although host memory goes
 * on, but only at a multiple of the page size, so that nothing that is aligned is cut in two.
 * Returns 0; -EFAULT, -ENXIO, -EACCES of the byte at `at`.
 */
static inline int gm_access_next(const struct gm_view *view, gm_gpa at, uint64_t last, unsigned rights,
                                 struct gm_access_piece *out)
{
    const struct gm_version *version = gm_version_of(view);
    struct gm_piece piece = gm_walk_table(version, at);
    if ((piece.word & GM_LEAF_INDIRECT) != 0)
        piece = gm_access_regions(version, at, last, rights);
    if (piece.word == GM_LEAF_HOLE)
        return -EFAULT;
    if (piece.word == GM_LEAF_ASK)
        return -ENXIO;
    if ((piece.word & rights) != 0)
        return -EACCES;
    out->host = (char *)(uintptr_t)gm_word_address(piece.word, at);
    out->len = gm_min_u64(piece.last, last) - at + 1;
    return 0;
}

/* All of a range, len >= 1: 0, or the error of its first byte that cannot be accessed. */
int gm_access_check(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights);

#endif
