/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Marks that store something; switching marks on and off; more pages. */
#include <errno.h>

#include "base/barrier.h"
#include "dirty/dirty.h"

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

__attribute__((noinline)) int gm_dirty_mark_slow(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    uint64_t from, end;
    if (len == 0 || !is_on(bitmap))
        return 0;
    bool whole = gm_dirty_range(bitmap, first, len, &from, &end);
    if (from < end)
        gm_dirty_set_pages(&dirty->live, from, end - 1, bitmap->locked);
    if (whole)
        return 0;
    gm_add_relaxed(&bitmap->out_of_range, 1);
    return -ERANGE;
}

static void switch_to(struct gm_dirty_bitmap *bitmap, bool on)
{
    gm_store_seq_cst(&bitmap->head->on, on); /* [dirty-P4] */
    gm_dirty_publish(bitmap);
}

int gm_dirty_enable(struct gm_dirty *dirty)
{
    if (dirty == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    int error = 0;
    pthread_mutex_lock(&bitmap->lock);
    bool was_on = gm_load_relaxed(&bitmap->head->on) != 0;
    switch_to(bitmap, true);
    if (bitmap->locked)
        gm_fence_seq_cst(); /* [dirty-P4] */
    else
        error = gm_barrier();
    if (error != 0)
        switch_to(bitmap, was_on);
    pthread_mutex_unlock(&bitmap->lock);
    return error;
}

int gm_dirty_disable(struct gm_dirty *dirty)
{
    if (dirty == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    pthread_mutex_lock(&bitmap->lock);
    switch_to(bitmap, false);
    pthread_mutex_unlock(&bitmap->lock);
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
