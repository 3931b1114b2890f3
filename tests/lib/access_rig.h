/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The rig of the interface's tests with a space that tracks dirty pages, and questions that tests of accesses ask. */
#ifndef GM_TESTS_LIB_ACCESS_RIG_H
#define GM_TESTS_LIB_ACCESS_RIG_H

#include "lib/rig.h"

#define GMT_TRACKED_SIZE (UINT64_C(8) << 30)

/* cmocka set-up and tear-down; *state is a struct gmt_rig. */
int gmt_tracked_open(void **state);
int gmt_tracked_close(void **state);

/* The bitmap of the rig that is open. */
struct gm_dirty *gmt_tracked(void);

/* Exactly these pages (numbers, ascending) are marked; then none is. */
#define gmt_assert_marked(...)                                                                                         \
    gmt_assert_marked_pages((const uint64_t[]){__VA_ARGS__}, sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
void gmt_assert_marked_pages(const uint64_t *pages, size_t count);
void gmt_assert_nothing_marked(void);

/* The byte of host memory at an offset into the rig's backing. */
static inline uint8_t *gmt_host(const struct gmt_rig *rig, uint64_t offset)
{
    return (uint8_t *)rig->host + offset;
}

#endif
