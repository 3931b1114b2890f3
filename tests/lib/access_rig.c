/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A rig whose space tracks dirty pages. One at a time: a group of tests opens and closes it for each. */
#include "lib/access_rig.h"

#include "lib/cm.h"

static struct gm_dirty *tracked;

struct gm_dirty *gmt_tracked(void)
{
    return tracked;
}

int gmt_tracked_open(void **state)
{
    const struct gm_dirty_config dirty = {.size = GMT_TRACKED_SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};
    struct gm_space_config config = {.numa_node = -1};
    int result = gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_dirty_create(&dirty, &tracked), 0);
    config.dirty = tracked;
    assert_result(gm_space_create(&config, &rig->space), 0);
    return result;
}

int gmt_tracked_close(void **state)
{
    int result = gmt_rig_close(state);
    gm_dirty_destroy(tracked);
    tracked = NULL;
    return result;
}

void gmt_assert_marked_pages(const uint64_t *pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_result(gm_dirty_is_marked(tracked, pages[i] * GMT_PAGE), 1);
    assert_int_equal(gm_dirty_count(tracked, 0, UINT64_MAX), count);
    assert_result(gm_dirty_clear(tracked, 0, GMT_TRACKED_SIZE), 0);
}

void gmt_assert_nothing_marked(void)
{
    assert_int_equal(gm_dirty_count(tracked, 0, UINT64_MAX), 0);
}
