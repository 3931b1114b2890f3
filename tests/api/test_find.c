/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_region_find and gm_region_next: what a region reports, and that going on visits each once and in order.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)

static void assert_info(const struct gm_region_info *info, const struct gm_region_desc *desc, uintptr_t host,
                        unsigned rights)
{
    assert_true(info->gpa == desc->gpa && info->size == desc->size && info->tag == desc->tag);
    assert_int_equal(info->kind, desc->kind);
    assert_int_equal(info->rights, rights);
    assert_ptr_equal(info->address, (void *)host);
}

static void assert_found(struct gmt_rig *rig, const struct gm_region_desc *desc, uintptr_t host,
                         unsigned rights)
{
    struct gm_region_info info;
    gmt_add(rig->space, desc);
    const struct gm_view *view = gmt_pin(rig->space);
    const gm_gpa inside[] = {desc->gpa, desc->gpa + desc->size / 2, desc->gpa + desc->size - 1};
    for (unsigned i = 0; i < 3; i++) {
        assert_result(gm_region_find(view, inside[i], &info), 0);
        assert_info(&info, desc, host, rights);
        assert_result(gm_region_next(view, inside[i], &info), 0);
        assert_info(&info, desc, host, rights);
    }
    assert_result(gm_region_find(view, desc->gpa - 1, &info), -ENOENT);
    assert_result(gm_region_find(view, desc->gpa + desc->size, &info), -ENOENT);
    gm_unpin();
    gmt_remove(rig->space, desc->gpa, desc->size);
}

static void each_kind_reports_itself(void **state)
{
    static const unsigned rights[] = {GM_READ, GM_WRITE, GM_RW};
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, GMT_GIB, PAGES(3), PAGES(5));
    assert_found(rig, &desc, rig->host + PAGES(5), GM_RW);
    for (unsigned i = 0; i < 3; i++) {
        desc.rights = rights[i];
        desc.tag = UINT64_MAX - i;
        assert_found(rig, &desc, rig->host + PAGES(5), rights[i]);
    }
    desc.kind = GM_KIND_ROM;
    desc.rights = 0;
    assert_found(rig, &desc, rig->host + PAGES(5), GM_READ);
    desc.rights = GM_READ;
    assert_found(rig, &desc, rig->host + PAGES(5), GM_READ);
    desc = gmt_device(GMT_GIB + 3, 5);
    assert_found(rig, &desc, 0, 0);
    desc = gmt_ram(rig, GMT_GIB + 100, 7, PAGES(1) + 100);
    assert_found(rig, &desc, rig->host + PAGES(1) + 100, GM_RW);
}

static void next_visits_all_in_order(void **state)
{
    static const gm_gpa starts[] = {0, PAGES(1), PAGES(3), GMT_BLOCK, GMT_GIB - PAGES(1), GMT_GIB,
                                    UINT64_C(1) << 40, GMT_TOP - PAGES(1)};
    const size_t count = sizeof(starts) / sizeof(starts[0]);
    struct gmt_rig *rig = *state;
    for (size_t i = count; i-- > 0;) {
        struct gm_region_desc desc = gmt_ram(rig, starts[i], PAGES(1), PAGES(i));
        if (i % 3 == 2 || i >= 6)
            desc = gmt_device(starts[i], PAGES(1));
        gmt_add(rig->space, &desc);
    }
    struct gm_region_info info;
    const struct gm_view *view = gmt_pin(rig->space);
    size_t visited = 0;
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size) {
        assert_true(visited < count);
        assert_true(info.gpa == starts[visited]);
        visited++;
    }
    assert_int_equal(visited, count);
    gm_unpin();
}

static void next_from_between(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info info = {.tag = 99};
    gmt_add_ram(rig, PAGES(2), PAGES(1), 0);
    struct gm_region_desc device = gmt_device(PAGES(8), PAGES(1));
    gmt_add(rig->space, &device);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_next(view, 0, &info), 0);
    assert_true(info.gpa == PAGES(2));
    assert_result(gm_region_next(view, PAGES(3) - 1, &info), 0);
    assert_true(info.gpa == PAGES(2));
    assert_result(gm_region_next(view, PAGES(3), &info), 0);
    assert_true(info.gpa == PAGES(8));
    info.tag = 99;
    assert_result(gm_region_next(view, PAGES(9), &info), -ENOENT);
    assert_result(gm_region_next(view, GMT_TOP, &info), -ENOENT);
    assert_result(gm_region_next(view, UINT64_MAX, &info), -ENOENT);
    assert_result(gm_region_find(view, UINT64_MAX, &info), -ENOENT);
    assert_result(gm_region_find(view, GMT_TOP + PAGES(2), &info), -ENOENT);
    assert_true(info.tag == 99); /* nothing is written on error */
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(each_kind_reports_itself),
        RIG(next_visits_all_in_order),
        RIG(next_from_between),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
