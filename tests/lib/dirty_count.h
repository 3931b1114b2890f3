/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* For tests that only ask how many pages a harvest hands out; dirty_got.h is for those that ask which. */
#ifndef GM_TESTS_LIB_DIRTY_COUNT_H
#define GM_TESTS_LIB_DIRTY_COUNT_H

#include "lib/cm.h"

#include <guestmem/dirty_harvest.h>

static inline size_t add_pages(void *pages, const struct gm_dirty_range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        *(uint64_t *)pages += ranges[i].len / GM_PAGE_SIZE;
    return count;
}

/* Harvest all for a consumer (NULL: the bitmap's own view); fails the test unless that returns exactly want. */
static inline uint64_t harvest_by(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer, int want)
{
    const struct gm_dirty_request all = {.len = UINT64_MAX, .consumer = consumer};
    const uint64_t untouched = 1;
    uint64_t pages = 0, next = untouched;
    assert_result(gm_dirty_harvest(dirty, &all, add_pages, &pages, &next), want);
    assert_int_equal(next, want == 0 ? UINT64_MAX : untouched);
    return pages;
}

static inline uint64_t harvest_pages(struct gm_dirty *dirty)
{
    return harvest_by(dirty, NULL, 0);
}

#endif
