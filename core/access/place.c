/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Atomic operations where the inlined translation does not answer, and marks of more than one page. */
#include "guestmem/access_atomic.h"

#include <errno.h>

#include "base/math.h"
#include "guestmem/access_unit.h"
#include "guestmem/translate.h"

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
