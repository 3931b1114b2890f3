/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Marks that store something; more pages. */
#include <errno.h>

#include "dirty/dirty.h"
#include "dirty/untracked.h"

struct gm_dirty gm_dirty_untracked;

/* Not inlined by link-time optimisation either: what is rare would take registers from what is not. */

__attribute__((noinline)) int gm_dirty_mark_page(struct gm_dirty *dirty, uint64_t page)
{
    gm_dirty_set(&dirty->live, page >> GM_DIRTY_FAN_SHIFT, UINT64_C(1) << (page & (GM_DIRTY_FAN - 1)));
    return 0;
}

/* Do marks count? The caller's write is visible to whoever makes them count from now on. */
static bool is_on(const struct gm_dirty_bitmap *bitmap)
{
    if (!bitmap->locked)
        return gm_load_seq_cst(&bitmap->dirty.quick) != 0; /* [dirty-P4] */
    gm_fence_seq_cst();                                    /* [dirty-P4] */
    return gm_load_seq_cst(&bitmap->head->on) != 0;
}

/* Locked marks, pages of other sizes, and ranges that end beyond the bitmap. */
static __attribute__((noinline)) int mark_any(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    uint64_t from, end;
    if (!is_on(bitmap))
        return 0;
    bool whole = gm_dirty_range(bitmap, first, len, &from, &end);
    if (from < end)
        gm_dirty_set_pages(&dirty->live, from, end - 1, bitmap->locked);
    if (whole)
        return 0;
    gm_add_relaxed(&bitmap->out_of_range, 1);
    return -ERANGE;
}

/* What quick says is enough for nearly all marks. */
__attribute__((noinline)) int gm_dirty_mark_slow(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    uint64_t last;
    if (len == 0)
        return 0;
    int64_t quick = (int64_t)gm_load_seq_cst(&dirty->quick); /* [dirty-P4] */
    if (GM_UNLIKELY(!gm_range_last(first, len, &last) || (int64_t)(last >> GM_PAGE_SHIFT) >= quick))
        return mark_any(dirty, first, len);
    gm_dirty_set_pages(&dirty->live, first >> GM_PAGE_SHIFT, last >> GM_PAGE_SHIFT, false);
    return 0;
}

/* Another process may raise it too: it never comes down. -EINVAL: there are more already. */
static int raise_pages(gm_atomic_u64 *pages, uint64_t to)
{
    uint64_t now = gm_load_acquire(pages);
    while (now < to && !gm_cas_seq_cst(pages, &now, to))
        ;
    return now <= to ? 0 : -EINVAL;
}

int gm_dirty_extend(struct gm_dirty *dirty, uint64_t size)
{
    if (dirty == NULL || size == 0)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    uint64_t pages = ((size - 1) >> dirty->page_shift) + 1;
    if (pages > bitmap->pages_most)
        return -ERANGE;
    pthread_mutex_lock(&bitmap->lock);
    int error = raise_pages(&bitmap->head->pages, pages);
    gm_dirty_publish(bitmap);
    pthread_mutex_unlock(&bitmap->lock);
    return error;
}
