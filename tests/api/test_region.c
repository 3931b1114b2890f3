/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a region is besides memory: kinds and their rights, node, name, pointer, backing; and that resize keeps it and a
 * snapshot shows it as it was.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <limits.h>

#define PAGES(n) ((n) * GMT_PAGE)

static struct gm_region_info info_at(const struct gm_view *view, gm_gpa gpa)
{
    struct gm_region_info info;
    assert_result(gm_region_find(view, gpa, &info), 0);
    return info;
}

/* Add, look, remove. The name points into the view, so it is gone after this. */
static struct gm_region_info look(struct gmt_rig *rig, const struct gm_region_desc *desc)
{
    gmt_add(rig->space, desc);
    struct gm_region_info info = info_at(gmt_pin(rig->space), desc->gpa);
    gm_unpin();
    gmt_remove(rig->space, desc->gpa, desc->size);
    info.name = NULL;
    return info;
}

static void rights_of_each_kind(void **state)
{
    static const struct {
        enum gm_kind kind;
        unsigned asked;
        int got; /* -1: refused */
    } cases[] = {
        {GM_KIND_RAM, 0, GM_RW},          {GM_KIND_RAM, GM_READ, GM_READ},
        {GM_KIND_RAM, GM_WRITE, GM_WRITE}, {GM_KIND_ROM, 0, GM_READ},
        {GM_KIND_ROM, GM_READ, GM_READ},  {GM_KIND_ROM, GM_RW, -1},
        {GM_KIND_DAX, 0, GM_RW},          {GM_KIND_DAX, GM_READ, GM_READ},
        {GM_KIND_DAX, GM_RW, GM_RW},      {GM_KIND_DAX, 4, -1},
        {GM_KIND_FIRMWARE, 0, GM_READ},   {GM_KIND_FIRMWARE, GM_READ, GM_READ},
        {GM_KIND_FIRMWARE, GM_RW, GM_RW}, {GM_KIND_FIRMWARE, 8, -1},
    };
    struct gmt_rig *rig = *state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(7), PAGES(2), PAGES(1));
        desc.kind = cases[i].kind;
        desc.rights = cases[i].asked;
        if (cases[i].got < 0) {
            gmt_assert_add_refused(rig, &desc, -EINVAL);
            continue;
        }
        struct gm_region_info info = look(rig, &desc);
        assert_int_equal(info.kind, cases[i].kind);
        assert_int_equal(info.rights, cases[i].got);
        assert_ptr_equal(info.address, (void *)(rig->host + PAGES(1)));
    }
}

/* DAX and firmware are host memory like any other: translated, refused without a backing. */
static void host_memory_of_each_kind(void **state)
{
    static const enum gm_kind kinds[] = {GM_KIND_RAM, GM_KIND_ROM, GM_KIND_DAX, GM_KIND_FIRMWARE};
    struct gmt_rig *rig = *state;
    for (size_t i = 0; i < 4; i++) {
        struct gm_region_desc desc = gmt_ram(rig, GMT_GIB + PAGES(i), PAGES(1), PAGES(i));
        desc.kind = kinds[i];
        gmt_add(rig->space, &desc);
        desc.gpa = 0;
        desc.offset = 0;
        desc.backing = NULL;
        gmt_assert_add_refused(rig, &desc, -EINVAL);
    }
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < 4; i++) {
        void *host = (void *)(rig->host + PAGES(i));
        bool writable = kinds[i] == GM_KIND_RAM || kinds[i] == GM_KIND_DAX;
        assert_ptr_equal(gm_translate(view, GMT_GIB + PAGES(i), GMT_PAGE, GM_READ), host);
        assert_ptr_equal(gm_translate(view, GMT_GIB + PAGES(i), GMT_PAGE, GM_WRITE), writable ? host : NULL);
        assert_int_equal(gm_region_kind(view, GMT_GIB + PAGES(i)), kinds[i]);
    }
    gm_unpin();
}

static void linear_spaces_map_each_kind(void **state)
{
    const struct gm_space_config config = {.linear_size = GMT_GIB, .numa_node = -1};
    static const enum gm_kind kinds[] = {GM_KIND_DAX, GM_KIND_FIRMWARE};
    struct gmt_rig *rig = *state;
    struct gm_space *space;
    assert_result(gm_space_create(&config, &space), 0);
    for (size_t i = 0; i < 2; i++) {
        struct gm_region_desc desc = {.gpa = PAGES(i), .size = GMT_PAGE, .kind = kinds[i]};
        gmt_add(space, &desc);
        struct gm_txn *txn = gmt_begin(space);
        desc.gpa = GMT_GIB;
        assert_result(gm_txn_add(txn, &desc), -ERANGE); /* past the reservation */
        desc.gpa = PAGES(9) + 1;
        assert_result(gm_txn_add(txn, &desc), -EINVAL);
        desc.gpa = PAGES(9);
        desc.backing = rig->ram;
        assert_result(gm_txn_add(txn, &desc), -EOPNOTSUPP);
        gm_txn_abort(txn);
    }
    const struct gm_view *view = gmt_pin(space);
    assert_ptr_equal(gm_translate(view, 0, 1, GM_RW), (void *)(uintptr_t)view->linear_base);
    assert_null(gm_translate(view, PAGES(1), 1, GM_WRITE));
    assert_int_equal(*(char *)gm_translate(view, PAGES(1), 1, GM_READ), 0);
    struct gm_region_info info = info_at(view, 0);
    assert_null(info.backing);
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
}

static void nodes(void **state)
{
    static const struct {
        unsigned numa;
        int node;
    } cases[] = {{0, -1}, {GM_NUMA_NODE(-1), -1}, {GM_NUMA_NODE(0), 0}, {GM_NUMA_NODE(1), 1}, {GM_NUMA_NODE(63), 63},
                 {GM_NUMA_NODE(INT_MAX), INT_MAX}};
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        desc.numa = cases[i].numa;
        assert_int_equal(look(rig, &desc).numa_node, cases[i].node);
    }
    desc.numa = GM_NUMA_NODE(INT_MAX) + 1;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc.numa = UINT_MAX;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc = gmt_device(PAGES(1), 5);
    desc.numa = GM_NUMA_NODE(3); /* a device is near a node, too */
    assert_int_equal(look(rig, &desc).numa_node, 3);
}

static void names(void **state)
{
    char name[GM_REGION_NAME_MOST + 2];
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    for (size_t length = 0; length <= GM_REGION_NAME_MOST; length++) {
        memset(name, 'a' + (int)length % 26, sizeof(name));
        name[length] = 0;
        char expected[sizeof(name)];
        memcpy(expected, name, sizeof(name));
        desc.gpa = PAGES(length);
        desc.name = name;
        gmt_add(rig->space, &desc);
        memset(name, '!', sizeof(name)); /* the caller's may go */
        assert_string_equal(info_at(gmt_pin(rig->space), desc.gpa).name, expected);
        gm_unpin();
    }
    memset(name, 'z', sizeof(name));
    name[GM_REGION_NAME_MOST + 1] = 0;
    desc.gpa = PAGES(99);
    desc.name = name;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    char *endless = malloc(GM_REGION_NAME_MOST + 1); /* not one byte behind this is looked at */
    assert_non_null(endless);
    memset(endless, 'z', GM_REGION_NAME_MOST + 1);
    desc.name = endless;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    free(endless);
    desc.name = NULL;
    gmt_add(rig->space, &desc);
    assert_string_equal(info_at(gmt_pin(rig->space), desc.gpa).name, "");
    gm_unpin();
}

static struct gm_region_desc labelled(struct gmt_rig *rig, void *user)
{
    struct gm_region_desc desc = gmt_ram(rig, PAGES(8), PAGES(4), PAGES(2));
    desc.kind = GM_KIND_FIRMWARE;
    desc.rights = GM_RW;
    desc.name = "flash.vars";
    desc.numa = GM_NUMA_NODE(2);
    desc.user = user;
    return desc;
}

static void assert_labelled(const struct gm_view *view, struct gmt_rig *rig, uint64_t size)
{
    struct gm_region_info info = info_at(view, PAGES(9));
    assert_true(info.gpa == PAGES(8) && info.size == size && info.offset == PAGES(2));
    assert_int_equal(info.kind, GM_KIND_FIRMWARE);
    assert_int_equal(info.rights, GM_RW);
    assert_string_equal(info.name, "flash.vars");
    assert_int_equal(info.numa_node, 2);
    assert_ptr_equal(info.user, rig);
    assert_ptr_equal(info.backing, rig->ram);
    assert_true(info.tag == (PAGES(8) ^ UINT64_C(0x7a67000000000000)));
}

static void resize_keeps_all_of_it(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_region_desc desc = labelled(rig, rig);
    gmt_add(rig->space, &desc);
    assert_labelled(gmt_pin(rig->space), rig, PAGES(4));
    struct gm_snapshot *snapshot = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    gm_unpin();
    static const uint64_t sizes[] = {PAGES(9), PAGES(2), PAGES(4)};
    for (size_t i = 0; i < 3; i++) {
        gmt_resize(rig->space, PAGES(8), sizes[i]);
        assert_labelled(gmt_pin(rig->space), rig, sizes[i]);
        gm_unpin();
    }
    gmt_remove(rig->space, PAGES(8), PAGES(4));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_labelled(gm_snapshot_view(snapshot), rig, PAGES(4)); /* its name, too, is there as long as the view */
    gm_snapshot_put(snapshot);
}

/* Every address, mapped or not, by each of the questions; device, node and hole are told apart. */
static void one_thing_about_an_address(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, PAGES(1), PAGES(1), 0);
    desc.rights = GM_READ;
    desc.numa = GM_NUMA_NODE(0);
    gmt_add(rig->space, &desc);
    desc = gmt_device(PAGES(3), 100);
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    static const gm_gpa holes[] = {0, PAGES(1) - 1, PAGES(2), PAGES(3) - 1, PAGES(3) + 100, GMT_TOP, UINT64_MAX};
    for (size_t i = 0; i < sizeof(holes) / sizeof(holes[0]); i++) {
        assert_result(gm_region_kind(view, holes[i]), -ENOENT);
        assert_result(gm_region_rights(view, holes[i]), -ENOENT);
        assert_result(gm_region_node(view, holes[i]), -ENOENT);
    }
    for (gm_gpa gpa = PAGES(1); gpa < PAGES(2); gpa += 4095) {
        assert_result(gm_region_kind(view, gpa), GM_KIND_RAM);
        assert_result(gm_region_rights(view, gpa), GM_READ);
        assert_result(gm_region_node(view, gpa), 0);
    }
    for (gm_gpa gpa = PAGES(3); gpa < PAGES(3) + 100; gpa += 99) {
        assert_result(gm_region_kind(view, gpa), GM_KIND_DEVICE);
        assert_result(gm_region_rights(view, gpa), 0);
        assert_result(gm_region_node(view, gpa), -ENODATA);
    }
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(rights_of_each_kind),   RIG(host_memory_of_each_kind),
        RIG(linear_spaces_map_each_kind), RIG(nodes),
        RIG(names),                 RIG(resize_keeps_all_of_it),
        RIG(one_thing_about_an_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
