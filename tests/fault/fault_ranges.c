/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Ranges of memory that are added, or a space that is made of them, while each step on the way fails in turn: nothing
 * of it stays, neither regions nor mappings nor descriptors.
 */
#include "fault/sweep.h"

#include "lib/rig.h"

#define GIB(n) ((uint64_t)(n) << 30)
#define LINEAR GIB(16)

struct world {
    struct gm_space *space;
    bool linear;
};

static struct world world;

static const struct gm_backing_config memfd = {.kind = GM_BACKING_KIND_MEMFD, .flags = GM_BACKING_NORESERVE};

static const struct gm_boot_range ranges[] = {
    {.gpa = GIB(4), .size = GIB(1), .name = "high", .numa = GM_NUMA_NODE(1)},
    {.gpa = 0, .size = GIB(2), .memory = &memfd},
    {.gpa = GIB(2), .size = GIB(1)},
};

#define RANGES (sizeof(ranges) / sizeof(ranges[0]))

static int open_world(bool linear)
{
    const struct gm_space_config config = {.linear_size = linear ? LINEAR : 0, .numa_node = -1};
    const struct gm_region_desc device = gmt_device(GIB(8), 0x1000);
    world = (struct world){.linear = linear};
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(&config, &world.space), 0);
    gmt_add(world.space, &device);
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_world(false);
}

static int open_linear(void **state)
{
    (void)state;
    return open_world(true);
}

static int close_world(void **state)
{
    (void)state;
    assert_result(gm_space_destroy(world.space), 0);
    assert_result(gm_reader_unregister(), 0);
    return 0;
}

static int add(void *ignored)
{
    (void)ignored;
    return gm_space_add_ranges(world.space, ranges, RANGES);
}

static void take_back(void *ignored)
{
    (void)ignored;
    assert_result(gm_space_reclaim(world.space), 0);
    struct gm_txn *txn = gmt_begin(world.space);
    for (size_t i = 0; i < RANGES; i++)
        assert_result(gm_txn_remove(txn, ranges[i].gpa, ranges[i].size), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_result(gm_space_reclaim(world.space), 0);
}

static int make(void *ignored)
{
    const struct gm_space_config config = {.linear_size = world.linear ? LINEAR : 0, .numa_node = -1};
    struct gm_space *made = NULL;
    int result = gm_space_from_ranges(&config, ranges, RANGES, &made);
    (void)ignored;
    if (result == 0)
        assert_result(gm_space_destroy(made), 0);
    else
        assert_null(made);
    return result;
}

static void adding(void **state)
{
    static const struct operation operation = {"add ranges", FAILS, add, take_back};
    (void)state;
    sweep(&operation, &world, &world.space);
}

static void making(void **state)
{
    static const struct operation operation = {"a space from ranges", FAILS, make, NULL};
    (void)state;
    sweep(&operation, &world, &world.space);
}

/* What asks and computes cannot fail. */
static void asking_has_no_steps(void **state)
{
    const struct gm_boot_node node = {.size = GIB(5)};
    struct gm_boot_range laid[4];
    struct gm_e820_entry table[4];
    size_t count;
    gm_gpa at;
    (void)state;
    assert_result(add(NULL), 0);
    gm_fault_arm(1);
    const struct gm_view *view = gm_pin(world.space);
    assert_result(gm_boot_layout(NULL, 0, &node, 1, laid, 4, &count), 0);
    assert_result(gm_e820_export(view, NULL, NULL, table, 4, &count), 0);
    assert_result(gm_region_last(view, GM_KINDS_ALL, &at), 0);
    assert_result(gm_range_check(view, 0, GIB(3), GM_RW), 0);
    assert_result(gm_range_offset(view, 0, GIB(3) - 1, &at), 0);
    assert_int_equal(gm_region_node(view, GIB(4)), 1);
    assert_result(gm_unpin(), 0);
    assert_false(gm_fault_disarm());
    take_back(NULL);
}

#define PLAIN(name) cmocka_unit_test_setup_teardown(name, open_plain, close_world)
#define IN_LINEAR(name) cmocka_unit_test_setup_teardown(name, open_linear, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PLAIN(adding), PLAIN(making), IN_LINEAR(adding), IN_LINEAR(making), PLAIN(asking_has_no_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
