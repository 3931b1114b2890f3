/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Removing and resizing: exactly what is there, and each documented refusal without a trace. */
#include "lib/cm.h"
#include "lib/rig.h"

#define BASE (GMT_GIB - 4 * GMT_PAGE)
#define SIZE (8 * GMT_PAGE)

static void remove_needs_exactly_a_region(void **state)
{
    static const struct {
        gm_gpa gpa;
        uint64_t size;
    } bad[] = {
        {BASE, SIZE - 1},           {BASE, SIZE + 1},  {BASE, GMT_PAGE}, {BASE, SIZE + GMT_PAGE},
        {BASE + 1, SIZE - 1},       {BASE - 1, SIZE + 1}, {BASE + GMT_PAGE, GMT_PAGE},
        {BASE - GMT_PAGE, GMT_PAGE}, {BASE + SIZE, GMT_PAGE}, {0, SIZE}, {GMT_TOP, SIZE}, {UINT64_MAX, 1},
        {BASE, UINT64_MAX},         {BASE, 1},
    };
    struct gmt_rig *rig = *state;
    gmt_assert_remove_refused(rig, BASE, SIZE, -ENOENT); /* an empty space */
    gmt_add_ram(rig, BASE, SIZE, 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        gmt_assert_remove_refused(rig, bad[i].gpa, bad[i].size, -ENOENT);
    gmt_remove(rig->space, BASE, SIZE);
    gmt_assert_remove_refused(rig, BASE, SIZE, -ENOENT); /* twice */
}

static void remove_size_zero(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_assert_remove_refused(rig, 0, 0, -EINVAL);
    gmt_add_ram(rig, BASE, SIZE, 0);
    gmt_assert_remove_refused(rig, BASE, 0, -EINVAL);
}

static void remove_does_not_span_neighbours(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, BASE, SIZE, 0);
    gmt_add_ram(rig, BASE + SIZE, SIZE, SIZE); /* contiguous in guest and host: still two regions */
    gmt_assert_remove_refused(rig, BASE, 2 * SIZE, -ENOENT);
    gmt_remove(rig->space, BASE + SIZE, SIZE);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, BASE, SIZE, GM_RW), (void *)rig->host);
    assert_int_equal(gm_translate_why(view, BASE, SIZE + 1, GM_RW), -EFAULT);
    gm_unpin();
}

static void removed_device_is_a_hole(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(BASE, SIZE);
    gmt_add(rig->space, &desc);
    assert_int_equal(gm_translate_why(gmt_pin(rig->space), BASE, 1, GM_ANY), -ENXIO);
    gm_unpin();
    gmt_remove(rig->space, BASE, SIZE);
    assert_int_equal(gm_translate_why(gmt_pin(rig->space), BASE, 1, GM_ANY), -EFAULT);
    gm_unpin();
}

static void resize_of_what_is_not_there(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_assert_resize_refused(rig, BASE, SIZE, -ENOENT);
    gmt_add_ram(rig, BASE, SIZE, 0);
    gmt_assert_resize_refused(rig, BASE + 1, SIZE, -ENOENT);
    gmt_assert_resize_refused(rig, BASE - 1, SIZE, -ENOENT);
    gmt_assert_resize_refused(rig, BASE + GMT_PAGE, GMT_PAGE, -ENOENT);
    gmt_assert_resize_refused(rig, BASE + SIZE, GMT_PAGE, -ENOENT);
    gmt_assert_resize_refused(rig, GMT_TOP + BASE, GMT_PAGE, -ENOENT);
}

static void resize_refusals(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, BASE, SIZE, GMT_PAGE);
    gmt_add_ram(rig, BASE + 2 * SIZE, SIZE, 0);
    struct gm_region_desc desc = gmt_device(GMT_TOP - 2 * GMT_PAGE, GMT_PAGE);
    gmt_add(rig->space, &desc);
    gmt_assert_resize_refused(rig, BASE, 0, -EINVAL);
    gmt_assert_resize_refused(rig, BASE, 2 * SIZE + 1, -EEXIST);
    gmt_assert_resize_refused(rig, BASE, 2 * SIZE + GMT_PAGE, -EEXIST);
    gmt_assert_resize_refused(rig, BASE, 4 * SIZE, -EEXIST);
    gmt_assert_resize_refused(rig, BASE + 2 * SIZE, GMT_RIG_MEMORY + 1, -ERANGE);
    gmt_assert_resize_refused(rig, BASE + 2 * SIZE, GMT_RIG_MEMORY + GMT_PAGE, -ERANGE);
    gmt_assert_resize_refused(rig, GMT_TOP - 2 * GMT_PAGE, 2 * GMT_PAGE + 1, -ERANGE);
    gmt_assert_resize_refused(rig, GMT_TOP - 2 * GMT_PAGE, GMT_TOP, -ERANGE);
    gmt_assert_resize_refused(rig, BASE + 2 * SIZE, UINT64_MAX, -EOVERFLOW);
    gmt_assert_resize_refused(rig, GMT_TOP - 2 * GMT_PAGE, UINT64_MAX, -EOVERFLOW);
}

static void assert_extent(struct gmt_rig *rig, uint64_t size)
{
    struct gm_region_info info;
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, BASE, &info), 0);
    assert_true(info.gpa == BASE && info.size == size && info.tag == gmt_ram(rig, BASE, 1, 0).tag);
    assert_ptr_equal(info.address, (void *)(rig->host + GMT_PAGE));
    assert_ptr_equal(gm_translate(view, BASE, size, GM_RW), (void *)(rig->host + GMT_PAGE));
    assert_int_equal(gm_translate_why(view, BASE, size + 1, GM_RW), -EFAULT);
    gm_unpin();
}

static void resize_grows_and_shrinks(void **state)
{
    static const uint64_t sizes[] = {SIZE + GMT_PAGE, GMT_PAGE, 1, 3 * GMT_BLOCK + 5, GMT_PAGE - 1,
                                     2 * GMT_BLOCK, 2 * GMT_BLOCK, SIZE};
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, BASE, SIZE, GMT_PAGE);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        gmt_resize(rig->space, BASE, sizes[i]);
        assert_extent(rig, sizes[i]);
    }
}

static void resize_up_to_a_neighbour_and_the_ends(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, BASE, GMT_PAGE, GMT_PAGE);
    gmt_add_ram(rig, BASE + SIZE, GMT_PAGE, 0);
    gmt_resize(rig->space, BASE, SIZE);
    gmt_resize(rig->space, BASE + SIZE, GMT_RIG_MEMORY); /* all of the backing */
    gmt_add_ram(rig, GMT_TOP - 2 * GMT_PAGE, GMT_PAGE, 0);
    gmt_resize(rig->space, GMT_TOP - 2 * GMT_PAGE, 2 * GMT_PAGE);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, GM_GPA_LAST, 1, GM_RW), (void *)(rig->host + 2 * GMT_PAGE - 1));
    assert_ptr_equal(gm_translate(view, BASE + SIZE, GMT_RIG_MEMORY, GM_RW), (void *)rig->host);
    assert_int_equal(gm_translate_why(view, BASE, SIZE + 1, GM_RW), -EXDEV);
    gm_unpin();
}

static void resize_keeps_rights_and_kind(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, BASE, SIZE, 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    gmt_resize(rig->space, BASE, SIZE + 7);
    struct gm_region_info info;
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, BASE + SIZE + 6, &info), 0);
    assert_int_equal(info.kind, GM_KIND_ROM);
    assert_int_equal(info.rights, GM_READ);
    assert_int_equal(gm_translate_why(view, BASE + SIZE, 7, GM_WRITE), -EACCES);
    assert_non_null(gm_translate(view, BASE + SIZE, 7, GM_READ));
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(remove_needs_exactly_a_region),
        RIG(remove_size_zero),
        RIG(remove_does_not_span_neighbours),
        RIG(removed_device_is_a_hole),
        RIG(resize_of_what_is_not_there),
        RIG(resize_refusals),
        RIG(resize_grows_and_shrinks),
        RIG(resize_up_to_a_neighbour_and_the_ends),
        RIG(resize_keeps_rights_and_kind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
