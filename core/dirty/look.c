/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Looking at marks without taking them: by the lines, which costs what is dirty and hardly what is there. */
#include <errno.h>

#include "dirty/dirty.h"
#include "dirty/find.h"

int gm_dirty_is_marked(const struct gm_dirty *dirty, uint64_t address)
{
    if (dirty == NULL)
        return -EINVAL;
    uint64_t page = address >> dirty->page_shift;
    if (page >= gm_dirty_pages(gm_dirty_whole(dirty)))
        return -ERANGE;
    return gm_dirty_bit(&dirty->live, page);
}

int gm_dirty_next(const struct gm_dirty *dirty, uint64_t from, uint64_t *out)
{
    if (dirty == NULL || out == NULL)
        return -EINVAL;
    uint64_t end = gm_dirty_pages(gm_dirty_whole(dirty));
    uint64_t page = gm_dirty_first(&dirty->live, from >> dirty->page_shift, end);
    if (page >= end)
        return -ENOENT;
    *out = page << dirty->page_shift;
    return 0;
}

uint64_t gm_dirty_count(const struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    struct gm_dirty_window window;
    uint64_t count = 0, page, bits;
    if (dirty == NULL || len == 0)
        return 0;
    (void)gm_dirty_range(gm_dirty_whole(dirty), first, len, &window.first, &window.end);
    while ((bits = gm_dirty_next_word(&dirty->live, &window, &page)) != 0)
        count += (uint64_t)__builtin_popcountll(bits);
    return count;
}

int gm_dirty_stats_get(const struct gm_dirty *dirty, struct gm_dirty_stats *out)
{
    if (dirty == NULL || out == NULL)
        return -EINVAL;
    const struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    *out = (struct gm_dirty_stats){.size = gm_dirty_pages(bitmap) << dirty->page_shift,
                                   .size_most = bitmap->pages_most << dirty->page_shift,
                                   .page_size = dirty->page_mask + 1,
                                   .out_of_range = gm_load_relaxed(&bitmap->out_of_range),
                                   .harvests = gm_load_relaxed(&bitmap->harvests),
                                   .barriers = gm_load_relaxed(&bitmap->barriers),
                                   .consumers = (unsigned)gm_load_relaxed(&bitmap->consumers),
                                   .is_on = gm_load_relaxed(&bitmap->head->on) != 0,
                                   .is_locked = bitmap->locked};
    return 0;
}
