/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where ours joins the cases about dirty pages, in the form that its peers have. */
#include "dirty.h"

#include <guestmem/dirty_harvest.h>
#include <stdlib.h>
#include <string.h>

/* A bitmap, and room for what a harvest hands out, which callers keep from one harvest to the next. */
struct ours {
    struct gm_dirty *dirty;
    uint64_t pages;
    struct gm_dirty_range *range;
    size_t count, room;
    int failed;
};

static void *build(uint64_t pages, unsigned flags)
{
    const struct gm_dirty_config config = {.size = pages * DIRTY_PAGE, .numa_node = -1, .flags = flags};
    struct ours *ours = calloc(1, sizeof(*ours));

    if (ours != NULL && gm_dirty_create(&config, &ours->dirty) != 0) {
        free(ours);
        return NULL;
    }
    if (ours != NULL)
        ours->pages = pages;
    return ours;
}

static void *build_on(uint64_t pages)
{
    return build(pages, GM_DIRTY_ON);
}

static void *build_off(uint64_t pages)
{
    return build(pages, 0);
}

static void destroy(void *self)
{
    struct ours *ours = self;

    gm_dirty_destroy(ours->dirty);
    free(ours->range);
    free(ours);
}

static void mark(void *self, const uint64_t *address, size_t count, uint64_t len)
{
    struct gm_dirty *dirty = ((struct ours *)self)->dirty;

    for (size_t i = 0; i < count; i++)
        (void)gm_dirty_mark(dirty, address[i], len);
}

static void clear(void *self)
{
    struct ours *ours = self;

    ours->failed = gm_dirty_clear(ours->dirty, 0, ours->pages * DIRTY_PAGE);
}

static int test(const void *self, uint64_t page)
{
    return gm_dirty_is_marked(((const struct ours *)self)->dirty, page * DIRTY_PAGE) == 1;
}

static size_t keep(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct ours *ours = arg;

    if (ours->room - ours->count < count) {
        size_t room = ours->room * 2 + count;
        struct gm_dirty_range *range = realloc(ours->range, room * sizeof(*range));
        if (range == NULL)
            return 0;
        ours->range = range;
        ours->room = room;
    }
    memcpy(ours->range + ours->count, ranges, count * sizeof(*ranges));
    ours->count += count;
    return count;
}

static void *harvest(void *self)
{
    static const struct gm_dirty_request all = {.len = UINT64_MAX};
    struct ours *ours = self;
    uint64_t next;

    ours->count = 0;
    ours->failed = gm_dirty_harvest(ours->dirty, &all, keep, ours, &next);
    return ours;
}

static uint64_t harvested(const void *harvest, uint64_t *out, size_t room)
{
    const struct ours *ours = harvest;
    uint64_t pages = 0;

    for (size_t i = 0; i < ours->count && ours->failed == 0; i++) {
        uint64_t first = ours->range[i].first / DIRTY_PAGE, count = ours->range[i].len / DIRTY_PAGE;
        for (uint64_t j = 0; j < count && pages + j < room; j++)
            out[pages + j] = first + j;
        pages += count;
    }
    return pages;
}

static void drop(void *harvest)
{
    (void)harvest; /* the room is kept */
}

static const struct bench_dirty_peer on = {.name = BENCH_OURS,
                                           .what = "gm_dirty_mark, inlined; gm_dirty_harvest into ranges",
                                           .tracks = 1,
                                           .ranges = 1,
                                           .harvests = 1,
                                           .build = build_on,
                                           .destroy = destroy,
                                           .mark = mark,
                                           .clear = clear,
                                           .test = test,
                                           .harvest = harvest,
                                           .harvested = harvested,
                                           .drop = drop};
static const struct bench_dirty_peer off = {.name = BENCH_OURS,
                                            .what = "gm_dirty_mark while marks are off, inlined",
                                            .build = build_off,
                                            .destroy = destroy,
                                            .mark = mark,
                                            .clear = clear,
                                            .test = test};

const struct bench_dirty_peer *dirty_ours(void)
{
    return &on;
}

const struct bench_dirty_peer *dirty_ours_off(void)
{
    return &off;
}
