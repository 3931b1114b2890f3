/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of the tests of dbs-address-space about what is known of an address, and what goes wrong there: lookups
 * that visit region after region, and a node of which nobody can say whether it is none or of nowhere.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <time.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define NOT_DAX (GM_KINDS_ALL & ~GM_KIND_BIT(GM_KIND_DAX))

static void add_kind(struct gmt_rig *rig, enum gm_kind kind, gm_gpa gpa, uint64_t size)
{
    struct gm_region_desc desc = gmt_ram(rig, gpa, size, 0);
    if (kind == GM_KIND_DEVICE)
        desc = gmt_device(gpa, size);
    desc.kind = kind;
    gmt_add(rig->space, &desc);
}

/* test_address_space_base_last_addr: of all that is not DAX; devices and firmware count */
static void last_addr(void **state)
{
    struct gmt_rig *rig = *state;
    gm_gpa last = 0;
    assert_result(gm_region_last(gmt_pin(rig->space), NOT_DAX, &last), -ENOENT);
    gm_unpin();
    add_kind(rig, GM_KIND_RAM, 0x100000, 0x200000);
    add_kind(rig, GM_KIND_RAM, 0x500000, 0x100000);
    assert_result(gm_region_last(gmt_pin(rig->space), NOT_DAX, &last), 0);
    gm_unpin();
    assert_true(last == 0x5fffff);
    add_kind(rig, GM_KIND_DAX, 0x10000000, 0x1000);
    assert_result(gm_region_last(gmt_pin(rig->space), NOT_DAX, &last), 0);
    assert_true(last == 0x5fffff);
    gm_unpin();
    add_kind(rig, GM_KIND_DEVICE, 0x700000, 0x1000);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_last(view, NOT_DAX, &last), 0);
    assert_true(last == 0x700fff);
    assert_result(gm_region_last(view, GM_KIND_BIT(GM_KIND_RAM), &last), 0); /* what e820 needs, there no question */
    assert_true(last == 0x5fffff);
    assert_result(gm_region_last(view, GM_KINDS_ALL, &last), 0);
    assert_true(last == 0x10000fff);
    gm_unpin();
}

/* test_address_space_base_is_dax_region: first, inside, last byte, one past, one before, in RAM, nowhere */
static void is_dax_region(void **state)
{
    static const struct {
        gm_gpa gpa;
        int want;
    } cases[] = {{0x300000, GM_KIND_DAX}, {0x380000, GM_KIND_DAX},  {0x3fffff, GM_KIND_DAX}, {0x400000, -ENOENT},
                 {0x2fffff, GM_KIND_RAM}, {0x100000, GM_KIND_RAM},  {0, -ENOENT},            {UINT64_MAX, -ENOENT},
                 {0x500000, GM_KIND_DEVICE}};
    struct gmt_rig *rig = *state;
    add_kind(rig, GM_KIND_RAM, 0x100000, 0x200000);
    add_kind(rig, GM_KIND_DAX, 0x300000, 0x100000);
    add_kind(rig, GM_KIND_DEVICE, 0x500000, 0x1000);
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(gm_region_kind(view, cases[i].gpa), cases[i].want);
    gm_unpin();
}

/* test_address_space_base_prot_flags: as asked for, by default, unmapped */
static void prot_flags(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0x100000, 0x1000, 0);
    desc.rights = GM_READ;
    gmt_add(rig->space, &desc);
    add_kind(rig, GM_KIND_RAM, 0x300000, 0x1000);
    add_kind(rig, GM_KIND_DEVICE, 0x500000, 0x1000);
    add_kind(rig, GM_KIND_FIRMWARE, 0x700000, 0x1000);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_region_rights(view, 0x100000), GM_READ);
    assert_int_equal(gm_region_rights(view, 0x300fff), GM_RW);
    assert_int_equal(gm_region_rights(view, 0x500000), 0);
    assert_int_equal(gm_region_rights(view, 0x700000), GM_READ);
    assert_int_equal(gm_region_rights(view, 0x600000), -ENOENT);
    gm_unpin();
}

/* test_address_space_base_numa_node_id: set, none and unmapped; the last two are one there */
static void numa_node_id(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0x100000, 0x1000, 0);
    desc.numa = GM_NUMA_NODE(0);
    gmt_add(rig->space, &desc);
    desc = gmt_ram(rig, 0x300000, 0x1000, 0);
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_region_node(view, 0x100fff), 0);
    assert_int_equal(gm_region_node(view, 0x300000), -ENODATA);
    assert_int_equal(gm_region_node(view, 0x200000), -ENOENT);
    gm_unpin();
}

/* test_get_numa_nodes_map: which ranges a node has; node 63, which is out of reach of a mask of 63 bits, included */
static void numa_map(void **state)
{
    static const unsigned owner[] = {0, 1, 63, 1, 64, 0};
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 6; i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(2 * i), GMT_PAGE, 0);
        desc.numa = GM_NUMA_NODE(owner[i]);
        gmt_add(rig->space, &desc);
    }
    struct gm_region_info info;
    unsigned pages[65] = {0};
    const struct gm_view *view = gmt_pin(rig->space);
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        pages[info.numa_node] += (unsigned)(info.size / GMT_PAGE);
    gm_unpin();
    assert_true(pages[0] == 2 && pages[1] == 2 && pages[63] == 1 && pages[64] == 1);
}

/* --- each lookup is as quick among thousands as among few */

static uint64_t now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void fill(struct gmt_rig *rig, uint64_t from, uint64_t to)
{
    struct gm_txn *txn = gmt_begin(rig->space);
    for (uint64_t i = from; i < to; i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(2 * i), GMT_PAGE, 0);
        desc.numa = GM_NUMA_NODE(i % 4);
        assert_result(gm_txn_add(txn, &desc), 0);
    }
    gmt_commit(txn, GM_COMMIT_WAIT);
}

/* The best of some rounds of lookups of all sorts over all regions. */
static uint64_t cost(struct gmt_rig *rig, uint64_t regions)
{
    uint64_t best = UINT64_MAX;
    uint64_t sum = 0;
    for (unsigned round = 0; round < 12; round++) {
        const struct gm_view *view = gmt_pin(rig->space);
        uint64_t start = now_ns();
        for (uint64_t i = 0; i < 2000; i++) {
            gm_gpa gpa = PAGES(2 * (i * 7919 % regions)) + 5;
            gm_gpa last = 0;
            sum += (uint64_t)gm_region_kind(view, gpa) + (uint64_t)gm_region_rights(view, gpa);
            sum += (uint64_t)gm_region_node(view, gpa);
            sum += gm_region_last(view, NOT_DAX, &last) == 0 ? last : 0;
        }
        uint64_t spent = now_ns() - start;
        best = spent < best ? spent : best;
        gm_unpin();
    }
    assert_true(sum != 0);
    return best;
}

static void lookups_are_not_linear(void **state)
{
    struct gmt_rig *rig = *state;
    fill(rig, 0, 8);
    uint64_t few = cost(rig, 8);
    fill(rig, 8, 16384);
    uint64_t many = cost(rig, 16384);
    print_message("8 regions: %lu ns, 16384 regions: %lu ns\n", (unsigned long)few / 2000, (unsigned long)many / 2000);
    assert_true(many < 60 * few); /* linear would be 2048 times as much, a logarithm and its misses are below 20 */
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(last_addr),    RIG(is_dax_region), RIG(prot_flags),
        RIG(numa_node_id), RIG(numa_map),      RIG(lookups_are_not_linear),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
