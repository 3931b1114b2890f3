/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Harvests of write watches. The kernel counts in pages of 4 KiB and takes hugetlb pages only whole: windows and
 * budgets are made of whole pages here, or it would pass over those that are cut and not say so.
 */
#include <errno.h>

#include "dirty/dirty.h"
#include "dirty/watch/uapi.h"
#include "dirty/watch/watch.h"
#include "dirty/watch/kernel.h"
#include "guestmem/watch.h"

#define BATCH 128

struct window {
    uint64_t at, end; /* [bytes] from the watch's address */
    uint64_t budget;  /* [4 KiB] */
};

static struct window window_of(const struct gm_watch *watch, const struct gm_watch_request *request)
{
    uint64_t last, mask = watch->page - 1;
    struct window window = {.at = watch->len, .end = watch->len};
    if (request->first < watch->len && request->len != 0) {
        window.at = request->first & ~mask;
        if (gm_range_last(request->first, request->len, &last) && last < watch->len)
            window.end = (last | mask) + 1;
    }
    if (request->budget == 0 || !gm_align_up(request->budget, watch->page / GM_PAGE_SIZE, &window.budget))
        window.budget = UINT64_MAX;
    return window;
}

/* Hand out what the kernel has found. Returns how much that is [4 KiB]. */
static uint64_t hand_out(const struct gm_watch *watch, const struct gm_watch_scan *scan, gm_watch_ranges_fn ranges,
                         void *arg)
{
    struct gm_dirty_range batch[BATCH];
    uint64_t bytes = 0;
    for (size_t i = 0; i < scan->count; i++) {
        const struct page_region *found = &scan->found[i];
        batch[i] = (struct gm_dirty_range){found->start - watch->start, found->end - found->start};
        bytes += batch[i].len;
    }
    if (scan->count != 0)
        ranges(arg, batch, scan->count);
    return bytes / GM_PAGE_SIZE;
}

static int take(const struct gm_watch *watch, struct window *window, gm_watch_ranges_fn ranges, void *arg)
{
    struct page_region found[BATCH];
    struct gm_watch_scan scan = {.start = watch->start + window->at,
                                 .end = watch->start + window->end,
                                 .pages_most = window->budget != UINT64_MAX ? window->budget : 0,
                                 .found = found,
                                 .room = BATCH};
    int error = gm_watch_scan(watch->map_fd, &scan);
    uint64_t pages = hand_out(watch, &scan, ranges, arg);
    if (window->budget != UINT64_MAX)
        window->budget -= gm_min_u64(pages, window->budget);
    window->at = scan.start - watch->start;
    return error;
}

int gm_watch_harvest(struct gm_watch *watch, const struct gm_watch_request *request, gm_watch_ranges_fn ranges,
                     void *arg, uint64_t *next)
{
    int error = 0;
    if (watch == NULL || request == NULL || ranges == NULL || next == NULL)
        return -EINVAL;
    struct window window = window_of(watch, request);
    while (error == 0 && window.at < window.end && window.budget != 0)
        error = take(watch, &window, ranges, arg);
    if (error == 0)
        *next = window.at < window.end ? window.at : UINT64_MAX;
    return error;
}

struct target {
    struct gm_dirty_bitmap *bitmap;
    uint64_t to;
};

/* That all pages exist was looked at before: bitmaps do not shrink. */
static void mark(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    const struct target *target = arg;
    struct gm_dirty_bitmap *bitmap = target->bitmap;
    for (size_t i = 0; i < count; i++) {
        uint64_t from, end;
        if (gm_dirty_range(bitmap, target->to + ranges[i].first, ranges[i].len, &from, &end))
            gm_dirty_set_pages(&bitmap->dirty.live, from, end - 1, bitmap->locked);
    }
}

int gm_watch_harvest_into(struct gm_watch *watch, const struct gm_watch_request *request, struct gm_dirty *dirty,
                          uint64_t to, uint64_t *next)
{
    if (watch == NULL || request == NULL || dirty == NULL || next == NULL)
        return -EINVAL;
    struct target target = {.bitmap = gm_dirty_whole(dirty), .to = to};
    struct window window = window_of(watch, request);
    uint64_t first, from, end;
    if (window.at < window.end && (!gm_add_ok(to, window.at, &first) ||
                                   !gm_dirty_range(target.bitmap, first, window.end - window.at, &from, &end)))
        return -ERANGE;
    return gm_watch_harvest(watch, request, mark, &target, next);
}
