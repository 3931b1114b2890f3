/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The counters of a space follow what was done to it. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)

static struct gm_space_stats stats_of(struct gmt_rig *rig)
{
    struct gm_space_stats stats;
    memset(&stats, 0x5a, sizeof(stats));
    assert_result(gm_space_stats_get(rig->space, &stats), 0);
    return stats;
}

static void generation_is_the_views(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 4; i++) {
        assert_true(stats_of(rig).generation == gmt_pin(rig->space)->generation);
        gm_unpin();
        gmt_add_ram(rig, PAGES(2 * i), PAGES(1), 0);
    }
}

static void regions_and_commits_are_counted(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space_stats first = stats_of(rig);
    assert_true(first.regions == 0 && first.snapshots == 0);
    for (unsigned i = 0; i < 10; i++) {
        gmt_add_ram(rig, PAGES(2 * i), PAGES(1), 0);
        assert_true(stats_of(rig).regions == i + 1);
        assert_true(stats_of(rig).commits == first.commits + i + 1);
    }
    gmt_resize(rig->space, 0, PAGES(2));
    assert_true(stats_of(rig).regions == 10);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, 0, PAGES(2)), 0);
    gm_txn_abort(txn);
    assert_true(stats_of(rig).regions == 10);
    assert_true(stats_of(rig).commits == first.commits + 11);
    gmt_remove(rig->space, 0, PAGES(2));
    assert_true(stats_of(rig).regions == 9);
}

static void bytes_are_plausible(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    struct gm_space_stats small = stats_of(rig);
    assert_true(small.map_bytes >= GM_GIB_BLOCKS * 8); /* one table at least */
    assert_true(small.metadata_bytes >= small.map_bytes);
    for (unsigned i = 1; i < 40; i++)
        gmt_add_ram(rig, i * GMT_GIB, PAGES(1), 0);
    struct gm_space_stats large = stats_of(rig);
    assert_true(large.map_bytes > small.map_bytes);
    assert_true(large.metadata_bytes >= large.map_bytes);
}

static void only_old_views_count_as_snapshots(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    struct gm_snapshot *first = gm_snapshot_take(gmt_pin(rig->space));
    struct gm_snapshot *second = gm_snapshot_take(gm_snapshot_view(first));
    gm_unpin();
    assert_true(stats_of(rig).snapshots == 0); /* held, but current */
    gmt_remove(rig->space, 0, PAGES(1));
    assert_true(stats_of(rig).snapshots == 1); /* one view, two counts */
    assert_true(stats_of(rig).retired > 0);
    gm_snapshot_put(first);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_true(stats_of(rig).snapshots == 1);
    gm_snapshot_put(second);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_true(stats_of(rig).snapshots == 0);
    assert_true(stats_of(rig).retired == 0);
}

static void reclaim_leaves_nothing_retired(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 30; i++) {
        struct gm_txn *txn = gmt_begin(rig->space);
        struct gm_region_desc desc = gmt_ram(rig, PAGES(3 * i), PAGES(1), 0);
        assert_result(gm_txn_add(txn, &desc), 0);
        gmt_commit(txn, GM_COMMIT_ASYNC);
    }
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_true(stats_of(rig).retired == 0);
    assert_true(stats_of(rig).regions == 30);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(generation_is_the_views),
        RIG(regions_and_commits_are_counted),
        RIG(bytes_are_plausible),
        RIG(only_old_views_count_as_snapshots),
        RIG(reclaim_leaves_nothing_retired),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
