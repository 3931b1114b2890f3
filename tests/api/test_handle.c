/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Handles: one translation kept across commits, spaces and snapshots, and always equal to a fresh one. */
#include "lib/cm.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)

static void zeroed_handle_is_empty(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_handle handle;
    memset(&handle, 0, sizeof(handle));
    gmt_add_ram(rig, 0, GMT_BLOCK, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_null(gm_handle_get(&handle, view));
    assert_null(gm_handle_get(&handle, view));
    gm_unpin();
}

static void init_says_what_translate_why_says(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_ram(rig, 0, PAGES(1), 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    desc = gmt_device(PAGES(1), PAGES(1));
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(3), PAGES(1), PAGES(3));
    gmt_add_ram(rig, PAGES(4), PAGES(1), PAGES(8));
    static const struct {
        gm_gpa gpa;
        uint64_t len;
        unsigned rights;
        int want;
    } cases[] = {
        {0, 8, GM_READ, 0},          {0, 0, GM_READ, -EINVAL},         {UINT64_MAX, 2, GM_ANY, -EOVERFLOW},
        {0, 8, GM_WRITE, -EACCES},   {PAGES(1), 8, GM_ANY, -ENXIO},    {PAGES(2), 8, GM_ANY, -EFAULT},
        {PAGES(4) - 1, 2, GM_RW, -EXDEV}, {PAGES(3), PAGES(1), GM_RW, 0},
    };
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_handle handle;
        memset(&handle, 0x5a, sizeof(handle));
        int result = gm_handle_init(&handle, view, cases[i].gpa, cases[i].len, cases[i].rights);
        assert_result(result, cases[i].want);
        if (cases[i].want != 0)
            assert_true(handle.generation == 0);
        void *want = gm_translate(view, cases[i].gpa, cases[i].len, cases[i].rights);
        assert_ptr_equal(gm_handle_get(&handle, view), want);
    }
    gm_unpin();
}

static void *get_pinned(struct gmt_rig *rig, struct gm_handle *handle)
{
    void *hva = gm_handle_get(handle, gmt_pin(rig->space));
    gm_unpin();
    return hva;
}

static void follows_commits(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_handle handle;
    gmt_add_ram(rig, PAGES(1), PAGES(2), 0);
    assert_result(gm_handle_init(&handle, gmt_pin(rig->space), PAGES(1) + 16, 64, GM_RW), 0);
    gm_unpin();
    assert_ptr_equal(get_pinned(rig, &handle), (void *)(rig->host + 16));
    gmt_add_ram(rig, GMT_GIB, PAGES(1), 0); /* something else changes */
    assert_ptr_equal(get_pinned(rig, &handle), (void *)(rig->host + 16));
    gmt_remove(rig->space, PAGES(1), PAGES(2));
    assert_null(get_pinned(rig, &handle));
    assert_null(get_pinned(rig, &handle));
    gmt_add_ram(rig, PAGES(1), PAGES(2), PAGES(5)); /* comes back elsewhere */
    assert_ptr_equal(get_pinned(rig, &handle), (void *)(rig->host + PAGES(5) + 16));
    gmt_resize(rig->space, PAGES(1), 40); /* no longer all there */
    assert_null(get_pinned(rig, &handle));
    gmt_resize(rig->space, PAGES(1), 80);
    assert_ptr_equal(get_pinned(rig, &handle), (void *)(rig->host + PAGES(5) + 16));
}

static void rights_are_kept(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_handle writes, reads;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_handle_init(&writes, view, 0, 64, GM_RW), 0);
    assert_result(gm_handle_init(&reads, view, 0, 64, GM_READ), 0);
    gm_unpin();
    gmt_remove(rig->space, 0, PAGES(1));
    struct gm_region_desc desc = gmt_ram(rig, 0, PAGES(1), 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    assert_null(get_pinned(rig, &writes));
    assert_ptr_equal(get_pinned(rig, &reads), (void *)rig->host);
}

static void failed_init_stays_empty(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_handle handle;
    gmt_add_ram(rig, 0, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_handle_init(&handle, view, 0, 8, GM_RW), 0);
    assert_result(gm_handle_init(&handle, view, PAGES(1), 8, GM_RW), -EFAULT);
    assert_null(gm_handle_get(&handle, view));
    gm_unpin();
    gmt_add_ram(rig, PAGES(1), PAGES(1), PAGES(1)); /* an empty handle names no range that could appear */
    assert_null(get_pinned(rig, &handle));
}

static void serves_several_spaces_and_snapshots(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *other;
    struct gm_handle handle;
    assert_result(gm_space_create(NULL, &other), 0);
    gmt_add_ram(rig, 0, PAGES(1), 0);
    struct gm_region_desc desc = gmt_ram(rig, 0, PAGES(1), PAGES(1));
    gmt_add(other, &desc);
    const struct gm_view *here = gmt_pin(rig->space);
    const struct gm_view *there = gmt_pin(other);
    assert_result(gm_handle_init(&handle, here, 8, 8, GM_RW), 0);
    struct gm_snapshot *snapshot = gm_snapshot_take(here);
    for (unsigned i = 0; i < 3; i++) {
        assert_ptr_equal(gm_handle_get(&handle, here), (void *)(rig->host + 8));
        assert_ptr_equal(gm_handle_get(&handle, there), (void *)(rig->host + PAGES(1) + 8));
    }
    gm_unpin();
    gm_unpin();
    gmt_remove(rig->space, 0, PAGES(1));
    assert_null(get_pinned(rig, &handle));
    assert_ptr_equal(gm_handle_get(&handle, gm_snapshot_view(snapshot)), (void *)(rig->host + 8));
    assert_null(get_pinned(rig, &handle));
    gm_snapshot_put(snapshot);
    assert_result(gm_space_destroy(other), 0);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(zeroed_handle_is_empty),
        RIG(init_says_what_translate_why_says),
        RIG(follows_commits),
        RIG(rights_are_kept),
        RIG(failed_init_stays_empty),
        RIG(serves_several_spaces_and_snapshots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
