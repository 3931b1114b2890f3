/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Single translation where the inlined leaf or line does not answer. The table is asked first; only what it cannot
 * say (pages in part RAM, ranges beyond a piece) costs a search.
 */
#include "guestmem/translate.h"

#include <errno.h>

#include "base/math.h"
#include "map/walk.h"

static void *piece_pointer(const struct gm_piece *piece, gm_gpa gpa)
{
    return (void *)(uintptr_t)gm_word_address(piece->word, gpa);
}

/* Why a piece does not allow an access; 0 when it does. */
static int piece_error(const struct gm_piece *piece, unsigned rights)
{
    if (piece->word == GM_LEAF_HOLE)
        return -EFAULT;
    if (piece->word == GM_LEAF_ASK)
        return -ENXIO;
    return (piece->word & rights & GM_RW) != 0 ? -EACCES : 0;
}

/* Piece by piece over gpa..last: are they all allowed, and one in host memory? Who only wants a pointer need not know
 * what comes after a break. */
static int resolve(const struct gm_version *version, gm_gpa gpa, uint64_t last, unsigned rights, bool whole_truth,
                   void **hva)
{
    uint64_t delta = 0;
    bool contiguous = true;
    for (uint64_t at = gpa;;) {
        struct gm_piece piece = gm_walk_regions(version, at, last);
        int error = piece_error(&piece, rights);
        if (error != 0)
            return error;
        if (at == gpa) {
            delta = piece.word & GM_LEAF_DELTA_MASK;
            *hva = piece_pointer(&piece, gpa);
        }
        contiguous = contiguous && (piece.word & GM_LEAF_DELTA_MASK) == delta;
        if (last <= piece.last || (!contiguous && !whole_truth))
            return contiguous ? 0 : -EXDEV;
        at = piece.last + 1; /* no wrap: piece.last < last */
    }
}

void *gm_translate_slow(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    const struct gm_version *version = gm_version_of(view);
    struct gm_piece piece = gm_walk_table(version, gpa);
    uint64_t last;
    void *hva = NULL;
    if (piece.word == GM_LEAF_HOLE || !gm_range_last(gpa, len, &last))
        return NULL;
    if (last <= piece.last && piece_error(&piece, rights) == 0)
        return piece_pointer(&piece, gpa);
    return resolve(version, gpa, last, rights, false, &hva) == 0 ? hva : NULL;
}

int gm_translate_why(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    uint64_t last;
    void *ignored;
    if (len == 0)
        return -EINVAL;
    if (!gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    return resolve(gm_version_of(view), gpa, last, rights, true, &ignored);
}

int gm_translate_span_slow(const struct gm_view *view, gm_gpa gpa, struct gm_span *out)
{
    const struct gm_version *version = gm_version_of(view);
    struct gm_piece piece = gm_walk_table(version, gpa);
    if ((piece.word & GM_LEAF_INDIRECT) != 0 && piece.word != GM_LEAF_HOLE)
        piece = gm_walk_regions(version, gpa, gpa);
    int error = piece_error(&piece, GM_ANY);
    if (error != 0)
        return error;
    out->address = piece_pointer(&piece, gpa);
    out->len = piece.last - gpa + 1;
    out->rights = gm_word_rights(piece.word);
    return 0;
}
