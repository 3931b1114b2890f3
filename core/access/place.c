/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Atomic operations where no inlined translation answers, pieces of several regions, and marks of several pages. */
#include "guestmem/access_atomic.h"

#include <errno.h>

#include "access/access.h"
#include "base/math.h"
#include "guestmem/access_unit.h"
#include "guestmem/translate.h"

/* gm_walk_regions, on into neighbours that differ in no more than other rights than these. */
static struct gm_piece walk_regions(const struct gm_version *version, gm_gpa at, uint64_t last, unsigned rights)
{
    const uint64_t denied = GM_LEAF_INDIRECT | rights;
    struct gm_piece piece = gm_walk_regions(version, at, last);
    while (piece.last < last && (piece.word & denied) == 0) { /* a region each turn */
        struct gm_piece next = gm_walk_regions(version, piece.last + 1, last);
        if (((next.word ^ piece.word) & GM_LEAF_DELTA_MASK) != 0 || (next.word & denied) != 0)
            break;
        piece.last = next.last;
    }
    return piece;
}

/* Not inlined, not even by the linker: callers would keep less in registers for what is rare. */
__attribute__((noinline)) int gm_access_find(const struct gm_view *view, gm_gpa at, uint64_t last, unsigned rights,
                                             struct gm_access_piece *out)
{
    const struct gm_version *version = gm_version_of(view);
    struct gm_piece piece = gm_walk_table(version, at);
    if ((piece.word & GM_LEAF_INDIRECT) != 0)
        piece = walk_regions(version, at, last, rights);
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

void *gm_atomic_find(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights)
{
    return gm_is_aligned(gpa, size) ? gm_translate(view, gpa, size, rights) : NULL;
}

int gm_atomic_why(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights)
{
    return gm_is_aligned(gpa, size) ? gm_translate_why(view, gpa, size, rights) : -EINVAL;
}

/* How many pages are looked at one by one; ranges that are longer are marked by the word. */
#define LOOKS 32

void gm_access_mark_pages(const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    struct gm_dirty *dirty = view->dirty;
    GM_DIRTY_LIGHT(); /* [dirty-P3] */
    int64_t quick = (int64_t)GM_DIRTY_LOAD(&dirty->quick);
    uint64_t page = gpa >> GM_PAGE_SHIFT, last = (gpa + (len - 1)) >> GM_PAGE_SHIFT;
    if (quick == 0 || len == 0)
        return;
    if ((int64_t)last < quick && last - page < LOOKS) {
        while (page <= last && gm_dirty_shown(&dirty->live, page))
            page++;
        if (page > last)
            return;
    }
    (void)gm_dirty_mark_slow(dirty, gpa, len);
}
