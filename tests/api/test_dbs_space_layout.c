/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of the tests of dbs-address-space about layouts, and of Dragonball about the layout at boot; and what
 * goes wrong there: bounds that are inclusive for one and exclusive for the other, no hole below 4 GiB, sizes that are
 * cut, and a hotplug of which the first half stays.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#define MIB(n) ((uint64_t)(n) << 20)
#define GIB(n) ((uint64_t)(n) << 30)

static const struct gm_layout layout = {.mem_first = 0x1000, .mem_last = 0xffffff, .phys_last = 0xfffffff};

static int allows(enum gm_kind kind, gm_gpa gpa, uint64_t size)
{
    return gm_layout_allows(&layout, kind, gpa, size);
}

/* test_is_region_valid, Default: below, over the end, too long, at 2^64 - 1, good; and the last byte, refused there */
static void default_memory(void **state)
{
    (void)state;
    assert_result(allows(GM_KIND_RAM, 0, 0x1000), -EDOM);
    assert_result(allows(GM_KIND_RAM, 0, 0x2000), -EDOM);
    assert_result(allows(GM_KIND_RAM, 0x1000000, 0x1000), -EDOM);
    assert_result(allows(GM_KIND_RAM, 0xfff000, 0x1001), -EDOM);
    assert_result(allows(GM_KIND_RAM, 0x1000, UINT64_MAX), -EOVERFLOW);
    assert_result(allows(GM_KIND_RAM, UINT64_MAX, 1), -EDOM);
    assert_result(allows(GM_KIND_RAM, UINT64_MAX, 2), -EOVERFLOW);
    assert_result(allows(GM_KIND_RAM, 0x1000, 0x1000), 0);
    assert_result(allows(GM_KIND_RAM, 0x1000, 0xfff000), 0); /* all of it, up to the last byte */
    assert_result(allows(GM_KIND_RAM, 0xffffff, 1), 0);
    assert_result(allows(GM_KIND_RAM, 0x1000, 0), -EINVAL); /* size 0 passes there */
}

/* test_is_region_valid, Device: below, at the end, too long, at 2^64 - 1, good; and none on the last byte of memory */
static void device_and_dax_memory(void **state)
{
    static const enum gm_kind kinds[] = {GM_KIND_DEVICE, GM_KIND_DAX};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        assert_result(allows(kinds[i], 0x1000, 0x1000), -EDOM);
        assert_result(allows(kinds[i], 0xffffff, 1), -EDOM); /* the last byte of memory: allowed there */
        assert_result(allows(kinds[i], 0xffffff, 0x1000), -EDOM);
        assert_result(allows(kinds[i], 0xfffffff, 1), 0); /* the last byte of all: refused there */
        assert_result(allows(kinds[i], 0xffff000, 0x1000), 0);
        assert_result(allows(kinds[i], 0xffff000, 0x1001), -EDOM);
        assert_result(allows(kinds[i], 0x10000000, 1), -EDOM);
        assert_result(allows(kinds[i], 0x1000000, UINT64_MAX), -EOVERFLOW);
        assert_result(allows(kinds[i], UINT64_MAX, 1), -EDOM);
        assert_result(allows(kinds[i], 0x1000000, 0x1000), 0);
        assert_result(allows(kinds[i], 0x1000000, 0xf000000), 0); /* all of it */
        assert_result(allows(kinds[i], 0x1000000, 0), -EINVAL);
    }
}

/* Firmware is not checked there at all. */
static void firmware_ends_somewhere(void **state)
{
    (void)state;
    assert_result(allows(GM_KIND_FIRMWARE, 0xffc000, 0x8000), 0);
    assert_result(allows(GM_KIND_FIRMWARE, 0xfffffff, 1), 0);
    assert_result(allows(GM_KIND_FIRMWARE, 0xfffffff, 2), -EDOM);
}

/* A PC with more than 3 GiB, as it is: devices in the hole and firmware at its end, RAM on both sides. */
static void a_hole_below_4_gib(void **state)
{
    const struct gm_layout pc = {.mem_last = GIB(64) - 1, .phys_last = GIB(1024) - 1, .holes = 1,
                                 .hole = {{GIB(3), GIB(4) - 1}}};
    const struct gm_space_config config = {.numa_node = -1, .layout = &pc};
    struct gmt_rig *rig = *state;
    struct gm_space *space;
    assert_result(gm_space_create(&config, &space), 0);
    struct gm_region_desc descs[] = {
        gmt_ram(rig, GIB(3) - MIB(1), MIB(1), 0), gmt_ram(rig, GIB(4), MIB(1), MIB(1)), gmt_device(0xfec00000, 0x1000),
        gmt_device(GIB(64), GIB(32)), gmt_ram(rig, GIB(4) - MIB(2), MIB(2), MIB(4))};
    descs[4].kind = GM_KIND_FIRMWARE;
    for (size_t i = 0; i < 5; i++)
        gmt_add(space, &descs[i]);
    struct gm_txn *txn = gmt_begin(space);
    struct gm_region_desc bar = gmt_device(GIB(8), MIB(16)); /* where DIMMs will be plugged in */
    assert_result(gm_txn_add(txn, &bar), -EDOM);
    gm_txn_abort(txn);
    assert_result(gm_space_destroy(space), 0);
}

static size_t boot(uint64_t size, struct gm_boot_range *ranges)
{
    const struct gm_boot_node node = {.size = size};
    size_t count = 0;
    assert_result(gm_boot_layout(NULL, GM_BOOT_PIECE_LEAST, &node, 1, ranges, 9, &count), 0);
    return count;
}

/* test_create_address_space, one region and two: and the space that is made of them */
static void boot_layout_of_one_region_and_two(void **state)
{
    struct gm_boot_range ranges[9];
    struct gm_space *space;
    gm_gpa last;
    (void)state;
    assert_int_equal(boot(MIB(128), ranges), 1);
    assert_int_equal(boot(MIB(3072), ranges), 1);
    assert_int_equal(boot(MIB(4096), ranges), 2);
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), 0);
    const struct gm_view *view = gmt_pin(space);
    assert_result(gm_region_last(view, GM_KIND_BIT(GM_KIND_RAM), &last), 0);
    assert_true(last == GIB(5) - 1);
    assert_int_equal(gm_region_kind(view, GIB(3) - 1), GM_KIND_RAM);
    assert_int_equal(gm_region_kind(view, GIB(3)), -ENOENT);
    assert_int_equal(gm_region_kind(view, GIB(4) - 1), -ENOENT);
    assert_int_equal(gm_region_kind(view, GIB(4)), GM_KIND_RAM);
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
}

/* size_in_mib.checked_shl(20) says nothing of bits that are lost: 2^44 + 1 MiB are 1 MiB there. */
static void a_size_is_not_cut(void **state)
{
    struct gm_boot_range ranges[2];
    struct gm_boot_node node = {.size = UINT64_C(1) << 63};
    size_t count = 0;
    (void)state;
    assert_result(gm_boot_layout(NULL, 0, &node, 1, ranges, 2, &count), -ERANGE);
    node.size = UINT64_MAX;
    assert_result(gm_boot_layout(NULL, 0, &node, 1, ranges, 2, &count), -EINVAL); /* no whole pages */
    assert_int_equal(count, 0);
}

/* Hotplug there: slot, memory, address space, and no way back. Here the last step refuses, and nothing has happened. */
static void a_hotplug_that_fails_has_not_begun(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_boot_range dimms[] = {{.gpa = GIB(4), .size = MIB(128)}, {.gpa = GIB(5), .size = MIB(128)},
                                          {.gpa = GIB(6), .size = MIB(128)}};
    gmt_add_ram(rig, GIB(6) + MIB(64), MIB(1), 0);
    gmt_remember(rig);
    assert_result(gm_space_add_ranges(rig->space, dimms, 3), -EEXIST);
    gmt_assert_unchanged(rig);
    gmt_remove(rig->space, GIB(6) + MIB(64), MIB(1));
    assert_result(gm_space_add_ranges(rig->space, dimms, 3), 0);
}

/* test_invalid_numa_node: a node that cannot be, is refused and not warned of */
static void an_invalid_node(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_backing_config config = {.kind = GM_BACKING_KIND_ANONYMOUS, .numa_policy = GM_NUMA_PREFER,
                                             .numa_nodes = UINT64_C(1) << 63};
    const struct gm_boot_range range = {.size = MIB(2), .memory = &config};
    gmt_remember(rig);
    assert_int_not_equal(gm_space_add_ranges(rig->space, &range, 1), 0);
    gmt_assert_unchanged(rig);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(default_memory),
        cmocka_unit_test(device_and_dax_memory),
        cmocka_unit_test(firmware_ends_somewhere),
        RIG(a_hole_below_4_gib),
        RIG(boot_layout_of_one_region_and_two),
        cmocka_unit_test(a_size_is_not_cut),
        RIG(a_hotplug_that_fails_has_not_begun),
        RIG(an_invalid_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
