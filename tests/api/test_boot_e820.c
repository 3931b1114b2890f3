/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_e820_export: types, order, what is joined and what is not, and too little room. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define ROOM 16

static struct gm_e820_entry got[ROOM];
static size_t count;

static void export(struct gmt_rig *rig, gm_e820_type_fn type_of, void *arg)
{
    memset(got, 0xa5, sizeof(got));
    assert_result(gm_e820_export(gmt_pin(rig->space), type_of, arg, got, ROOM, &count), 0);
    gm_unpin();
}

static void assert_entry(size_t i, uint64_t addr, uint64_t size, uint32_t type)
{
    assert_true(i < count);
    assert_true(got[i].addr == addr && got[i].size == size && got[i].type == type);
}

static void add(struct gmt_rig *rig, enum gm_kind kind, uint64_t page, uint64_t pages, unsigned rights)
{
    struct gm_region_desc desc = gmt_ram(rig, PAGES(page), PAGES(pages), 0);
    if (kind == GM_KIND_DEVICE)
        desc = gmt_device(PAGES(page), PAGES(pages));
    desc.kind = kind;
    desc.rights = rights;
    gmt_add(rig->space, &desc);
}

static void nothing(void **state)
{
    export(*state, NULL, NULL);
    assert_int_equal(count, 0);
    struct gmt_rig *rig = *state;
    count = 9;
    assert_result(gm_e820_export(gmt_pin(rig->space), NULL, NULL, NULL, 0, &count), 0);
    assert_int_equal(count, 0);
    gm_unpin();
}

static void type_of_each_kind(void **state)
{
    struct gmt_rig *rig = *state;
    add(rig, GM_KIND_FIRMWARE, 20, 1, GM_RW); /* from the top down: order is the table's */
    add(rig, GM_KIND_DAX, 16, 2, 0);
    add(rig, GM_KIND_DEVICE, 12, 1, 0);
    add(rig, GM_KIND_ROM, 8, 1, 0);
    add(rig, GM_KIND_RAM, 6, 1, GM_WRITE);
    add(rig, GM_KIND_RAM, 4, 1, GM_READ);
    add(rig, GM_KIND_RAM, 1, 2, 0);
    export(rig, NULL, NULL);
    assert_int_equal(count, 6);
    assert_entry(0, PAGES(1), PAGES(2), GM_E820_RAM);
    assert_entry(1, PAGES(4), PAGES(1), GM_E820_RESERVED);
    assert_entry(2, PAGES(6), PAGES(1), GM_E820_RESERVED);
    assert_entry(3, PAGES(8), PAGES(1), GM_E820_RESERVED);
    assert_entry(4, PAGES(16), PAGES(2), GM_E820_PMEM);
    assert_entry(5, PAGES(20), PAGES(1), GM_E820_RESERVED);
    assert_int_equal(got[6].type, 0xa5a5a5a5); /* no more is written */
}

static void neighbours_are_joined(void **state)
{
    struct gmt_rig *rig = *state;
    add(rig, GM_KIND_RAM, 0, 2, 0);
    add(rig, GM_KIND_RAM, 2, 1, 0); /* another region, host memory elsewhere */
    add(rig, GM_KIND_ROM, 3, 1, 0);
    add(rig, GM_KIND_FIRMWARE, 4, 2, 0); /* another kind, one type */
    add(rig, GM_KIND_RAM, 6, 1, 0);
    add(rig, GM_KIND_RAM, 8, 1, 0); /* a page between */
    add(rig, GM_KIND_DAX, 9, 1, 0);
    add(rig, GM_KIND_DAX, 10, 1, 0); /* each a device of its own */
    add(rig, GM_KIND_RAM, 11, 1, 0);
    add(rig, GM_KIND_DEVICE, 12, 1, 0);
    add(rig, GM_KIND_RAM, 13, 1, 0); /* not a neighbour of 11 */
    export(rig, NULL, NULL);
    assert_int_equal(count, 8);
    assert_entry(0, 0, PAGES(3), GM_E820_RAM);
    assert_entry(1, PAGES(3), PAGES(3), GM_E820_RESERVED);
    assert_entry(2, PAGES(6), PAGES(1), GM_E820_RAM);
    assert_entry(3, PAGES(8), PAGES(1), GM_E820_RAM);
    assert_entry(4, PAGES(9), PAGES(1), GM_E820_PMEM);
    assert_entry(5, PAGES(10), PAGES(1), GM_E820_PMEM);
    assert_entry(6, PAGES(11), PAGES(1), GM_E820_RAM);
    assert_entry(7, PAGES(13), PAGES(1), GM_E820_RAM);
}

static void the_end_of_the_space(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, GMT_TOP - 5, 5, GMT_PAGE - 5); /* to the byte */
    gmt_add(rig->space, &desc);
    export(rig, NULL, NULL);
    assert_int_equal(count, 1);
    assert_entry(0, GMT_TOP - 5, 5, GM_E820_RAM);
}

static uint32_t by_tag(void *arg, const struct gm_region_info *info)
{
    ++*(unsigned *)arg;
    return info->tag < 100 ? (uint32_t)info->tag : gm_e820_type_of(NULL, info);
}

static void types_of_the_callers(void **state)
{
    struct gmt_rig *rig = *state;
    unsigned calls = 0;
    const uint64_t tags[] = {GM_E820_ACPI, GM_E820_NVS, GM_E820_NVS, 0, 100, 0xfe & 99, GM_E820_UNUSABLE};
    for (unsigned i = 0; i < 7; i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(i), PAGES(1), 0);
        desc.tag = tags[i];
        gmt_add(rig->space, &desc);
    }
    struct gm_region_desc ecam = gmt_device(PAGES(9), PAGES(1));
    ecam.tag = GM_E820_RESERVED; /* a device that the guest is to know of */
    gmt_add(rig->space, &ecam);
    export(rig, by_tag, &calls);
    assert_int_equal(calls, 16);
    assert_int_equal(count, 6);
    assert_entry(0, 0, PAGES(1), GM_E820_ACPI);
    assert_entry(1, PAGES(1), PAGES(2), GM_E820_NVS);
    assert_entry(2, PAGES(4), PAGES(1), GM_E820_RAM);
    assert_entry(3, PAGES(5), PAGES(1), 0xfe & 99);
    assert_entry(4, PAGES(6), PAGES(1), GM_E820_UNUSABLE);
    assert_entry(5, PAGES(9), PAGES(1), GM_E820_RESERVED);
}

static uint32_t joined_once(void *arg, const struct gm_region_info *info)
{
    unsigned *calls = arg;
    return ++*calls <= 8 ? GM_E820_RAM : (uint32_t)(info->gpa / GMT_PAGE % 2 + 1);
}

static void room(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_e820_entry before[ROOM];
    unsigned calls = 0;
    for (unsigned i = 0; i < 8; i++)
        add(rig, GM_KIND_RAM, 2 * i, 1, 0);
    memset(got, 0x11, sizeof(got));
    memcpy(before, got, sizeof(got));
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t few = 0; few < 8; few++) {
        count = 99;
        assert_result(gm_e820_export(view, NULL, NULL, got, few, &count), -ENOBUFS);
        assert_int_equal(count, 8);
        assert_memory_equal(got, before, sizeof(got));
    }
    assert_result(gm_e820_export(view, NULL, NULL, NULL, 0, &count), -ENOBUFS);
    assert_result(gm_e820_export(view, NULL, NULL, NULL, 8, &count), -ENOBUFS);
    assert_int_equal(count, 8);
    assert_result(gm_e820_export(view, NULL, NULL, got, 8, &count), 0);
    assert_result(gm_e820_export(NULL, NULL, NULL, got, 8, &count), -EINVAL);
    assert_result(gm_e820_export(view, NULL, NULL, got, 8, NULL), -EINVAL);
    gm_unpin();
    for (unsigned i = 0; i < 7; i++)
        add(rig, GM_KIND_ROM, 2 * i + 1, 1, 0);
    memset(got, 0x11, sizeof(got)); /* a function that says another thing the second time writes no further than room */
    calls = 0;
    assert_result(gm_e820_export(gmt_pin(rig->space), joined_once, &calls, got, 8, &count), -ENOBUFS);
    gm_unpin();
    assert_memory_equal(&got[8], &before[8], sizeof(got) - 8 * sizeof(got[0]));
}

/* What the Linux boot protocol has: 20 bytes, no padding. */
static void layout_of_an_entry(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct gm_e820_entry), 20);
    assert_int_equal(offsetof(struct gm_e820_entry, type), 16);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(nothing),              RIG(type_of_each_kind), RIG(neighbours_are_joined), RIG(the_end_of_the_space),
        RIG(types_of_the_callers), RIG(room),              cmocka_unit_test(layout_of_an_entry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
