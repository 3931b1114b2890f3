/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_translate and gm_translate_why: holes, devices, rights, ranges that wrap, and what is contiguous. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)

/* The pointer and the reason have to agree, on the fast path and on the slow one. */
static void assert_access(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, int want,
                          uintptr_t host)
{
    void *pointer = want == 0 ? (void *)host : NULL;
    assert_int_equal(gm_translate_why(view, gpa, len, rights), want);
    assert_ptr_equal(gm_translate(view, gpa, len, rights), pointer);
    assert_ptr_equal(gm_translate_slow(view, gpa, len, rights), pointer);
    void *direct = gm_translate_direct(view, gpa, len, rights);
    assert_true(direct == NULL || direct == pointer);
}

static void length_zero(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, 0, 0, GM_ANY, -EINVAL, 0);
    assert_access(view, 17, 0, GM_RW, -EINVAL, 0);
    assert_access(view, GMT_GIB, 0, GM_RW, -EINVAL, 0);
    assert_access(view, UINT64_MAX, 0, GM_RW, -EINVAL, 0);
    gm_unpin();
}

static void range_wraps(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    gmt_add_ram(rig, GMT_TOP - GMT_PAGE, GMT_PAGE, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, UINT64_MAX, 2, GM_ANY, -EOVERFLOW, 0);
    assert_access(view, UINT64_MAX, UINT64_MAX, GM_ANY, -EOVERFLOW, 0);
    assert_access(view, 2, UINT64_MAX, GM_ANY, -EOVERFLOW, 0);
    assert_access(view, GMT_PAGE, UINT64_MAX - 1, GM_ANY, -EOVERFLOW, 0);
    assert_access(view, GM_GPA_LAST, 0 - GM_GPA_LAST + 1, GM_ANY, -EOVERFLOW, 0);
    assert_access(view, 0, UINT64_MAX, GM_ANY, -EFAULT, 0); /* too long, but does not wrap */
    assert_access(view, UINT64_MAX, 1, GM_ANY, -EFAULT, 0); /* the last byte that has an address */
    assert_access(view, 0 - GMT_PAGE, GMT_PAGE, GM_ANY, -EFAULT, 0);
    assert_access(view, 0 - GMT_PAGE, GMT_PAGE + 1, GM_ANY, -EOVERFLOW, 0);
    gm_unpin();
}

static void holes(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_PAGE, GMT_PAGE, 0);
    gmt_add_ram(rig, PAGES(3), GMT_PAGE, PAGES(2)); /* contiguous with the first, were there no hole */
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, 0, 1, GM_ANY, -EFAULT, 0);
    assert_access(view, GMT_PAGE - 1, 1, GM_ANY, -EFAULT, 0);
    assert_access(view, GMT_PAGE - 1, 2, GM_ANY, -EFAULT, 0);
    assert_access(view, GMT_PAGE, GMT_PAGE, GM_RW, 0, rig->host);
    assert_access(view, GMT_PAGE, GMT_PAGE + 1, GM_RW, -EFAULT, 0);
    assert_access(view, PAGES(2) - 1, 1, GM_RW, 0, rig->host + GMT_PAGE - 1);
    assert_access(view, PAGES(2) - 1, 2, GM_RW, -EFAULT, 0);
    assert_access(view, GMT_PAGE, PAGES(3), GM_RW, -EFAULT, 0);
    assert_access(view, PAGES(4), 1, GM_ANY, -EFAULT, 0);
    assert_access(view, GMT_GIB, 1, GM_ANY, -EFAULT, 0);
    gm_unpin();
}

static void devices(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, GMT_PAGE, 0);
    struct gm_region_desc desc = gmt_device(GMT_PAGE, GMT_PAGE);
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(2), GMT_PAGE, PAGES(2));
    desc = gmt_device(UINT64_C(1) << 45, GMT_PAGE); /* above all RAM */
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned rights = GM_ANY; rights <= GM_RW; rights++) {
        assert_access(view, GMT_PAGE, 1, rights, -ENXIO, 0);
        assert_access(view, PAGES(2) - 1, 2, rights, -ENXIO, 0);
        assert_access(view, GMT_PAGE - 1, 2, rights, -ENXIO, 0);
        assert_access(view, 0, PAGES(3), rights, -ENXIO, 0);
        assert_access(view, UINT64_C(1) << 45, 8, rights, -ENXIO, 0);
    }
    assert_access(view, (UINT64_C(1) << 45) - 1, 8, GM_ANY, -EFAULT, 0);
    gm_unpin();
}

static void rights_are_enough_or_not(void **state)
{
    static const unsigned region_rights[] = {GM_READ, GM_WRITE, GM_RW};
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 3; i++) {
        struct gm_region_desc desc = gmt_ram(rig, i * GMT_BLOCK, GMT_BLOCK, 0);
        desc.rights = region_rights[i];
        gmt_add(rig->space, &desc);
        desc = gmt_ram(rig, GMT_GIB + i * GMT_BLOCK + 1, 5, 1); /* the same by the slow path */
        desc.rights = region_rights[i];
        gmt_add(rig->space, &desc);
    }
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned rights = GM_ANY; rights <= GM_RW; rights++) {
            int want = (rights & ~region_rights[i]) != 0 ? -EACCES : 0;
            assert_access(view, i * GMT_BLOCK, 8, rights, want, rig->host);
            assert_access(view, GMT_GIB + i * GMT_BLOCK + 1, 5, rights, want, rig->host + 1);
        }
    }
    gm_unpin();
}

static void rom_is_not_written(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_PAGE, 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, 0, GMT_PAGE, GM_READ, 0, rig->host);
    assert_access(view, 0, GMT_PAGE, GM_ANY, 0, rig->host);
    assert_access(view, 0, GMT_PAGE, GM_WRITE, -EACCES, 0);
    assert_access(view, 0, GMT_PAGE, GM_RW, -EACCES, 0);
    gm_unpin();
}

static void bits_that_are_no_rights_are_ignored(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, GMT_BLOCK + 5, 0);
    desc.rights = GM_READ;
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned bit = 2; bit < 32; bit++) {
        assert_access(view, 8, 8, GM_READ | 1u << bit, 0, rig->host + 8);
        assert_access(view, GMT_BLOCK, 5, 1u << bit, 0, rig->host + GMT_BLOCK);
        assert_access(view, 8, 8, GM_WRITE | 1u << bit, -EACCES, 0);
        assert_access(view, GMT_GIB, 8, 1u << bit, -EFAULT, 0);
    }
    gm_unpin();
}

static void across_regions_when_contiguous(void **state)
{
    struct gmt_rig *rig = *state;
    const gm_gpa base = GMT_GIB - PAGES(2);
    gmt_add_ram(rig, base, PAGES(2), 0);
    gmt_add_ram(rig, GMT_GIB, PAGES(1), PAGES(2)); /* goes on */
    gmt_add_ram(rig, GMT_GIB + PAGES(1), PAGES(1), PAGES(5)); /* a gap in host memory */
    struct gm_region_desc desc = gmt_ram(rig, GMT_GIB + PAGES(2), PAGES(1), PAGES(6));
    desc.rights = GM_READ;
    gmt_add(rig->space, &desc); /* goes on, but cannot be written */
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, base, PAGES(3), GM_RW, 0, rig->host);
    assert_access(view, GMT_GIB - 1, 2, GM_RW, 0, rig->host + PAGES(2) - 1);
    assert_access(view, base, PAGES(3) + 1, GM_RW, -EXDEV, 0);
    assert_access(view, GMT_GIB + PAGES(1) - 1, 2, GM_ANY, -EXDEV, 0);
    assert_access(view, GMT_GIB + PAGES(1), PAGES(2), GM_READ, 0, rig->host + PAGES(5));
    assert_access(view, GMT_GIB + PAGES(1), PAGES(2), GM_WRITE, -EACCES, 0);
    assert_access(view, base, PAGES(5), GM_WRITE, -EACCES, 0); /* lower: the gap is no reason of its own */
    assert_access(view, base, PAGES(5), GM_READ, -EXDEV, 0);
    assert_access(view, base, PAGES(5) + 1, GM_READ, -EFAULT, 0);
    gm_unpin();
}

static void lowest_reason_counts(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc rom = gmt_ram(rig, 0, GMT_PAGE, 0);
    rom.kind = GM_KIND_ROM;
    gmt_add(rig->space, &rom);
    struct gm_region_desc device = gmt_device(PAGES(1), GMT_PAGE);
    gmt_add(rig->space, &device);
    rom.gpa = PAGES(3); /* a hole at 2 */
    gmt_add(rig->space, &rom);
    device.gpa = PAGES(4);
    gmt_add(rig->space, &device);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, 0, PAGES(5), GM_WRITE, -EACCES, 0);
    assert_access(view, 0, PAGES(5), GM_READ, -ENXIO, 0);
    assert_access(view, PAGES(1), PAGES(4), GM_WRITE, -ENXIO, 0);
    assert_access(view, PAGES(2), PAGES(3), GM_WRITE, -EFAULT, 0);
    assert_access(view, PAGES(3), PAGES(2), GM_WRITE, -EACCES, 0);
    assert_access(view, PAGES(3), PAGES(2), GM_READ, -ENXIO, 0);
    assert_access(view, PAGES(4), PAGES(2), GM_READ, -ENXIO, 0);
    gm_unpin();
}

static void across_blocks_and_gibs_of_one_region(void **state)
{
    struct gmt_rig *rig = *state;
    const gm_gpa base = GMT_GIB - 5 * GMT_BLOCK - PAGES(3);
    gmt_add_ram(rig, base, 20 * GMT_BLOCK, PAGES(1));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_access(view, base, 20 * GMT_BLOCK, GM_RW, 0, rig->host + PAGES(1));
    assert_access(view, base, 20 * GMT_BLOCK + 1, GM_RW, -EFAULT, 0);
    for (gm_gpa edge = GMT_GIB - 4 * GMT_BLOCK; edge < GMT_GIB + 8 * GMT_BLOCK; edge += GMT_BLOCK) {
        uintptr_t host = rig->host + PAGES(1) + (edge - base);
        assert_access(view, edge - 1, 2, GM_RW, 0, host - 1);
        assert_access(view, edge, GMT_BLOCK, GM_RW, 0, host);
        assert_access(view, edge, GMT_BLOCK + 1, GM_RW, 0, host);
        assert_access(view, edge + 1, GMT_BLOCK, GM_RW, 0, host + 1);
    }
    gm_unpin();
}

static void fast_path_serves_uniform_blocks(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, GMT_BLOCK, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate_direct(view, GMT_BLOCK, GMT_BLOCK, GM_RW), (void *)rig->host);
    void *last = (void *)(rig->host + GMT_BLOCK - 1);
    assert_ptr_equal(gm_translate_direct(view, 2 * GMT_BLOCK - 1, 1, GM_RW), last);
    assert_null(gm_translate_direct(view, 2 * GMT_BLOCK - 1, 2, GM_RW));
    assert_null(gm_translate_direct(view, GMT_BLOCK, 0, GM_RW));
    assert_null(gm_translate_direct(view, 0, 1, GM_ANY));
    assert_null(gm_translate_direct(view, UINT64_MAX, 1, GM_ANY));
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(length_zero),
        RIG(range_wraps),
        RIG(holes),
        RIG(devices),
        RIG(rights_are_enough_or_not),
        RIG(rom_is_not_written),
        RIG(bits_that_are_no_rights_are_ignored),
        RIG(across_regions_when_contiguous),
        RIG(lowest_reason_counts),
        RIG(across_blocks_and_gibs_of_one_region),
        RIG(fast_path_serves_uniform_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
