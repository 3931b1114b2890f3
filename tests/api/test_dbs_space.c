/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of the tests of dbs-address-space about regions and their set, and what goes wrong there: panics,
 * regions that are kept out of order, inserts that are lost, and no way to take one out.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <pthread.h>

#define PAGES(n) ((n) * GMT_PAGE)

static const struct gm_layout layout = {.mem_last = GMT_GIB - 1, .phys_last = 4 * GMT_GIB - 1};

static int open_rig(void **state)
{
    const struct gm_space_config config = {.numa_node = -1, .layout = &layout};
    int result = gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&config, &rig->space), 0);
    return result;
}

/* test_address_space_base_from_regions, _layout */
static void from_a_device_region_and_read_the_layout(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc device = gmt_device(GMT_GIB, 0x1000);
    struct gm_layout got;
    gmt_add(rig->space, &device);
    assert_result(gm_space_layout(rig->space, &got), 0);
    assert_memory_equal(&got, &layout, sizeof(got));
}

/* test_address_space_base_new_with_invalid_region: a panic there */
static void an_invalid_region_is_an_error(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, UINT64_MAX & ~(GMT_PAGE - 1), PAGES(2), 0);
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
    desc = gmt_ram(rig, 0, 0, 0); /* there, size 0 passes the layout */
    gmt_assert_add_refused(rig, &desc, -EINVAL);
}

/* test_address_space_base_new_with_overlapping_regions: a panic there; in whichever order they come */
static void overlapping_regions_are_an_error(void **state)
{
    struct gmt_rig *rig = *state;
    for (unsigned first = 0; first < 2; first++) {
        const struct gm_region_desc two[] = {gmt_ram(rig, 0x100000, 0x2000, 0), gmt_ram(rig, 0x101000, 0x2000, 0)};
        struct gm_txn *txn = gmt_begin(rig->space);
        assert_result(gm_txn_add(txn, &two[first]), 0);
        assert_result(gm_txn_add(txn, &two[1 - first]), -EEXIST);
        gm_txn_abort(txn);
    }
}

/* test_address_space_base_insert: ok, outside of the layout, overlapping, told apart */
static void insert(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0x100000, 0x100000, 0);
    gmt_add_ram(rig, 0x300000, 0x100000, 0);
    struct gm_region_desc desc = gmt_ram(rig, GMT_GIB - 0x1000, 0x2000, 0);
    gmt_assert_add_refused(rig, &desc, -EDOM);
    desc = gmt_ram(rig, 0x180000, 0x1000, 0);
    gmt_assert_add_refused(rig, &desc, -EEXIST);
    struct gm_region_info info; /* what was there is there: an insert that fails loses nothing */
    assert_result(gm_region_find(gmt_pin(rig->space), 0x3fffff, &info), 0);
    gm_unpin();
}

/* insert_region pushes to the end there, and the list is no longer sorted */
static void inserts_are_in_order(void **state)
{
    static const uint64_t places[] = {5, 1, 4, 2, 3};
    struct gmt_rig *rig = *state;
    for (size_t i = 0; i < 5; i++)
        gmt_add_ram(rig, PAGES(places[i]), GMT_PAGE, 0);
    struct gm_region_info info;
    uint64_t expected = 1;
    const struct gm_view *view = gmt_pin(rig->space);
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        assert_true(info.gpa == PAGES(expected++));
    assert_int_equal(expected, 6);
    gm_unpin();
}

static int stop_at_a_device(const struct gm_region_info *info, unsigned *visited)
{
    ++*visited;
    return info->kind == GM_KIND_DEVICE ? -EPERM : 0;
}

/* test_address_space_base_walk_regions: the caller's loop ends when the caller wants, and sees what it returned */
static void walk(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc device = gmt_device(GMT_GIB, PAGES(1));
    gmt_add_ram(rig, 0, PAGES(1), 0);
    gmt_add_ram(rig, PAGES(2), PAGES(1), 0);
    gmt_add(rig->space, &device);
    device.gpa += PAGES(1);
    gmt_add(rig->space, &device);
    struct gm_region_info info;
    unsigned visited = 0;
    int result = 0;
    const struct gm_view *view = gmt_pin(rig->space);
    for (gm_gpa gpa = 0; result == 0 && gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        result = stop_at_a_device(&info, &visited);
    assert_int_equal(result, -EPERM);
    assert_int_equal(visited, 3);
    gm_unpin();
}

/* test_convert_into_vm_as: there is nothing to convert; the view is what device threads use */
static void the_space_is_what_devices_use(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0x100000, PAGES(2), 0);
    struct gm_snapshot *snapshot = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    gmt_remove(rig->space, 0x100000, PAGES(2));
    char *memory = gm_translate(gm_snapshot_view(snapshot), 0x100000, PAGES(2), GM_RW);
    assert_non_null(memory);
    memory[PAGES(2) - 1] = 3;
    gm_snapshot_put(snapshot);
}

/* test_address_space_region_valid: the last byte of the space can be used; there, one that ends at 2^64 is invalid */
static void valid_up_to_the_last_byte(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *space;
    assert_result(gm_space_create(NULL, &space), 0);
    struct gm_region_desc desc = gmt_ram(rig, GM_GPA_LAST - 0xfff, 0x1000, 0);
    gmt_add(space, &desc);
    struct gm_region_info info;
    assert_result(gm_region_find(gmt_pin(space), GM_GPA_LAST, &info), 0);
    assert_true(info.gpa + (info.size - 1) == GM_GPA_LAST);
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
}

/* test_address_space_region_new, _build, _accessors, _create_device_region */
static void accessors(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info info;
    struct gm_region_desc desc = gmt_ram(rig, 0x1000, 0x2000, 0x3000);
    desc.numa = GM_NUMA_NODE(0); /* node 0 is a node, and not the absence of one */
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, 0x1000, &info), 0);
    assert_true(info.gpa == 0x1000 && info.size == 0x2000 && info.offset == 0x3000);
    assert_int_equal(info.kind, GM_KIND_RAM);
    assert_int_equal(info.rights, GM_RW);
    assert_int_equal(info.numa_node, 0);
    assert_ptr_equal(info.backing, rig->ram);
    assert_int_equal(gm_backing_fd(info.backing), -1); /* anonymous */
    gm_unpin();
    desc = gmt_device(GMT_GIB, 0x1000);
    gmt_add(rig->space, &desc);
    assert_result(gm_region_find(gmt_pin(rig->space), GMT_GIB, &info), 0);
    gm_unpin();
    assert_true(info.address == NULL && info.backing == NULL && info.rights == 0 && info.numa_node == -1);
}

/* test_address_space_region_intersection: adjacent, itself, contained, around, past 2^64 */
static void intersection(void **state)
{
    static const struct {
        uint64_t gpa, size;
        int want;
    } cases[] = {{0x1000, 0x1000, 0},       {0x3000, 0x1000, 0},       {0x2000, 0x1000, -EEXIST},
                 {0x2100, 0x100, -EEXIST},  {0x1000, 0x3000, -EEXIST}, {0x1fff, 2, -EEXIST},
                 {0x2fff, 2, -EEXIST},      {0x1fff, 1, 0},            {0x3000, 1, 0}};
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0x2000, 0x1000, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_region_desc desc = gmt_ram(rig, cases[i].gpa, cases[i].size, cases[i].gpa & 0xfff);
        struct gm_txn *txn = gmt_begin(rig->space);
        assert_result(gm_txn_add(txn, &desc), cases[i].want);
        gm_txn_abort(txn);
    }
    struct gm_region_desc desc = gmt_ram(rig, 0x2000, UINT64_MAX, 0); /* there, this one intersects everything */
    gmt_assert_add_refused(rig, &desc, -EOVERFLOW);
}

/* There is no remove there. A snapshot from before still shows the region. */
static void remove_one(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info info;
    gmt_add_ram(rig, 0, PAGES(4), 0);
    struct gm_snapshot *before = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    gmt_assert_remove_refused(rig, 0, PAGES(3), -ENOENT);
    gmt_assert_remove_refused(rig, PAGES(1), PAGES(4), -ENOENT);
    gmt_remove(rig->space, 0, PAGES(4));
    assert_result(gm_region_find(gmt_pin(rig->space), 0, &info), -ENOENT);
    gm_unpin();
    assert_result(gm_region_find(gm_snapshot_view(before), 0, &info), 0);
    gm_snapshot_put(before);
}

/* --- two who insert at once: by load, change and swap, one of them is lost */

#define EACH 400

struct inserter {
    struct gmt_rig *rig;
    uint64_t first; /* even or odd pages */
};

static void *insert_many(void *argument)
{
    const struct inserter *inserter = argument;
    int result = 0;
    for (uint64_t i = 0; result == 0 && i < EACH; i++) {
        struct gm_region_desc desc = gmt_ram(inserter->rig, PAGES(2 * i + inserter->first), GMT_PAGE, 0);
        struct gm_txn *txn;
        result = gm_txn_begin(inserter->rig->space, &txn);
        if (result == 0)
            result = gm_txn_add(txn, &desc);
        if (result == 0)
            result = gm_txn_commit(txn, GM_COMMIT_ASYNC);
    }
    return (void *)(intptr_t)result;
}

static void no_insert_is_lost(void **state)
{
    struct inserter two[] = {{*state, 0}, {*state, 1}};
    struct gmt_rig *rig = *state;
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, insert_many, &two[0]), 0);
    assert_null(insert_many(&two[1]));
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_null(result);
    struct gm_space_stats stats;
    assert_result(gm_space_stats_get(rig->space, &stats), 0);
    assert_int_equal(stats.regions, 2 * EACH);
    const struct gm_view *view = gmt_pin(rig->space);
    for (uint64_t page = 0; page < 2 * EACH; page++)
        assert_int_equal(gm_region_kind(view, PAGES(page)), GM_KIND_RAM);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_rig, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(from_a_device_region_and_read_the_layout),
        RIG(an_invalid_region_is_an_error),
        RIG(overlapping_regions_are_an_error),
        RIG(insert),
        RIG(inserts_are_in_order),
        RIG(walk),
        RIG(the_space_is_what_devices_use),
        RIG(valid_up_to_the_last_byte),
        RIG(accessors),
        RIG(intersection),
        RIG(remove_one),
        RIG(no_insert_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
