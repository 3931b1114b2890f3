/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* For tests of harvests: a bitmap, marks by page, and what was handed out. */
#ifndef GM_TESTS_LIB_DIRTY_GOT_H
#define GM_TESTS_LIB_DIRTY_GOT_H

#include "lib/cm.h"

#include <guestmem/dirty_harvest.h>

#define PAGE UINT64_C(4096)
#define MOST 400

struct got {
    struct gm_dirty_range range[MOST]; /* in pages */
    size_t count, room;                /* room: deals with no more than these */
};

static const struct gm_dirty_request all = {.len = UINT64_MAX};

static inline struct gm_dirty *make(uint64_t pages, unsigned flags)
{
    const struct gm_dirty_config config = {.size = pages * PAGE, .numa_node = -1, .flags = flags | GM_DIRTY_ON};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&config, &dirty), 0);
    return dirty;
}

static inline void mark(struct gm_dirty *dirty, uint64_t page, uint64_t pages)
{
    assert_result(gm_dirty_mark(dirty, page * PAGE, pages * PAGE), 0);
}

static inline size_t take(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct got *got = arg;
    assert_true(count >= 1);
    for (size_t i = 0; i < count; i++) {
        if (got->count == got->room)
            return i;
        assert_true(got->count < MOST);
        got->range[got->count++] = (struct gm_dirty_range){ranges[i].first / PAGE, ranges[i].len / PAGE};
    }
    return count;
}

static inline uint64_t harvest(struct gm_dirty *dirty, const struct gm_dirty_request *request, struct got *got)
{
    uint64_t next = 1;
    *got = (struct got){.room = SIZE_MAX};
    assert_result(gm_dirty_harvest(dirty, request, take, got, &next), 0);
    return next;
}

static inline void assert_ranges(const struct got *got, const uint64_t (*want)[2], size_t count)
{
    assert_int_equal(got->count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got->range[i].first, want[i][0]);
        assert_int_equal(got->range[i].len, want[i][1]);
    }
}

#define ASSERT_RANGES(got, ...) \
    assert_ranges(got, (const uint64_t[][2]){__VA_ARGS__}, sizeof((const uint64_t[][2]){__VA_ARGS__}) / 16)

#endif
