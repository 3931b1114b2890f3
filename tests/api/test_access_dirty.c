/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Writes mark what they wrote and nothing else: at the edges of pages, before an error, on any bitmap, on and off. */
#include "lib/access_rig.h"
#include "lib/cm.h"

#define PAGES(n) ((n) * GMT_PAGE)

static uint8_t zeros[PAGES(20)];

static void at_the_edges_of_pages(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(100), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_u8(view, PAGES(1) - 1, 0), 0);
    gmt_assert_marked(0);
    assert_result(gm_guest_write_u8(view, PAGES(1), 0), 0);
    gmt_assert_marked(1);
    assert_result(gm_guest_write_u64(view, PAGES(2) - 8, 0), 0);
    gmt_assert_marked(1);
    assert_result(gm_guest_write_u64(view, PAGES(2) - 7, 0), 0);
    gmt_assert_marked(1, 2);
    assert_result(gm_guest_write(view, PAGES(3) - 1, zeros, PAGES(1) + 1), 0);
    gmt_assert_marked(2, 3);
    assert_result(gm_guest_write(view, PAGES(3) - 1, zeros, PAGES(1) + 2), 0);
    gmt_assert_marked(2, 3, 4);
    assert_result(gm_guest_fill(view, PAGES(5), 0, PAGES(2)), 0);
    gmt_assert_marked(5, 6);
    assert_result(gm_guest_copy(view, PAGES(9) - 1, PAGES(20), PAGES(1) + 1), 0);
    gmt_assert_marked(8, 9);
    assert_result(gm_guest_copy(view, PAGES(9) + 10, PAGES(9), PAGES(1)), 0); /* downwards */
    gmt_assert_marked(9, 10);
    gm_unpin();
}

/* Some pages of a range are marked before: the range is, whole, after. */
static void beside_pages_that_are_dirty_already(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(100), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned first = 10; first < 15; first++) {
        for (unsigned i = first; i < 16; i += 2)
            assert_result(gm_guest_write_u8(view, PAGES(i) + 7, 1), 0);
        assert_result(gm_guest_write(view, PAGES(10), zeros, PAGES(6)), 0);
        gmt_assert_marked(10, 11, 12, 13, 14, 15);
    }
    assert_result(gm_guest_fill(view, 50, 1, PAGES(60)), 0);
    assert_int_equal(gm_dirty_count(gmt_tracked(), 0, UINT64_MAX), 61);
    assert_result(gm_guest_fill(view, 50, 1, PAGES(60)), 0);
    assert_int_equal(gm_dirty_count(gmt_tracked(), 0, UINT64_MAX), 61);
    gm_unpin();
}

static void before_a_later_piece_fails(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc device = gmt_device(PAGES(4), PAGES(1));
    size_t done;
    gmt_add(rig->space, &device);
    gmt_add_ram(rig, 0, PAGES(1), 0);
    gmt_add_ram(rig, PAGES(1), PAGES(1), PAGES(5));
    gmt_add_ram(rig, PAGES(2), PAGES(2), PAGES(9));
    gmt_add_ram(rig, PAGES(5), PAGES(1), PAGES(20));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, PAGES(1) - 5, zeros, PAGES(4)), -ENXIO);
    gmt_assert_marked(0, 1, 2, 3);
    assert_result(gm_guest_write_some(view, PAGES(2) + 1, zeros, PAGES(4), &done), 0);
    assert_int_equal(done, PAGES(2) - 1);
    gmt_assert_marked(2, 3);
    assert_result(gm_guest_write_u64(view, PAGES(4) - 1, 0), -ENXIO);
    gmt_assert_marked(3);
    assert_result(gm_guest_write_u64(view, PAGES(5) - 1, 0), -ENXIO);
    assert_result(gm_guest_fill(view, PAGES(6), 0, 1), -EFAULT);
    gmt_assert_nothing_marked();
    gm_unpin();
}

static void reads_mark_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t u64;
    uint8_t back[100];
    int order;
    gmt_add_ram(rig, 0, PAGES(4), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u64(view, 8, &u64), 0);
    assert_result(gm_guest_read_u64(view, PAGES(1) - 3, &u64), 0);
    assert_result(gm_guest_read(view, PAGES(1) - 50, back, 100), 0);
    assert_result(gm_guest_compare(view, PAGES(1) - 50, back, 100, &order), 0);
    gm_unpin();
    gmt_assert_nothing_marked();
}

static void while_tracking_is_off(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, PAGES(4), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_dirty_disable(gmt_tracked()), 0);
    assert_result(gm_guest_write_u64(view, 8, 1), 0);
    assert_result(gm_guest_write(view, PAGES(1) - 50, zeros, 100), 0);
    assert_result(gm_guest_store_u64(view, PAGES(2), GM_RELEASE, 1), 0);
    gmt_assert_nothing_marked();
    assert_result(gm_dirty_enable(gmt_tracked()), 0);
    assert_result(gm_guest_write_u64(view, 8, 1), 0);
    gm_unpin();
    gmt_assert_marked(0);
}

static void a_space_without_a_bitmap(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_space *space;
    const struct gm_region_desc ram = gmt_ram(rig, 0, PAGES(3), 0);
    assert_result(gm_space_create(NULL, &space), 0);
    gmt_add(space, &ram);
    const struct gm_view *view = gmt_pin(space);
    assert_result(gm_guest_write_u64(view, 8, 5), 0);
    assert_result(gm_guest_write(view, PAGES(1) - 5, zeros, 10), 0);
    assert_result(gm_guest_fetch_or_u8(view, 3, GM_SEQ_CST, 1, NULL), 0);
    assert_int_equal(*gmt_host(rig, 8), 5);
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
    gmt_assert_nothing_marked();
}

/* Memory above the bitmap's end is written all the same; its statistics say that something is missing. */
static void memory_that_is_not_tracked(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_dirty_stats stats;
    gmt_add_ram(rig, GMT_TRACKED_SIZE - PAGES(1), PAGES(4), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_u64(view, GMT_TRACKED_SIZE, 5), 0);
    assert_result(gm_guest_write(view, GMT_TRACKED_SIZE - 10, zeros + 1, 20), 0);
    assert_result(gm_guest_fetch_add_u32(view, GMT_TRACKED_SIZE, GM_RELAXED, 3, NULL), 0);
    gm_unpin();
    assert_int_equal(*gmt_host(rig, PAGES(1)), 3);
    assert_result(gm_dirty_stats_get(gmt_tracked(), &stats), 0);
    assert_int_equal(stats.out_of_range, 3);
    gmt_assert_marked(GMT_TRACKED_SIZE / PAGES(1) - 1);
}

/* Lengths that are known at run time only, in a block that one region fills. */
static void assert_each_length_marks(const struct gm_view *view, struct gm_dirty *dirty)
{
    static const volatile size_t lens[] = {3, 16, 64, 65, 3000};
    assert_result(gm_dirty_clear(dirty, 0, GMT_TRACKED_SIZE / 8), 0);
    for (unsigned i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
        assert_result(gm_guest_write(view, GMT_BLOCK + PAGES(i), zeros, lens[i]), 0);
        assert_result(gm_dirty_is_marked(dirty, GMT_BLOCK + PAGES(i)), 1);
        assert_result(gm_dirty_clear(dirty, 0, GMT_TRACKED_SIZE / 8), 0);
    }
}

/* Bitmaps whose marks are made out of line: pages of 2 MiB, and locked marks. */
static void on_bitmaps_of_other_kinds(void **state)
{
    struct gmt_rig *rig = *state;
    static const struct gm_dirty_config configs[] = {
        {.size = UINT64_C(1) << 30, .page_shift = 21, .numa_node = -1, .flags = GM_DIRTY_ON},
        {.size = UINT64_C(1) << 30, .numa_node = -1, .flags = GM_DIRTY_ON | GM_DIRTY_LOCKED},
    };
    for (unsigned i = 0; i < 2; i++) {
        struct gm_space_config config = {.numa_node = -1};
        struct gm_space *space;
        const struct gm_region_desc ram = gmt_ram(rig, GMT_BLOCK - PAGES(4), 2 * GMT_BLOCK, GMT_BLOCK - PAGES(4));
        assert_result(gm_dirty_create(&configs[i], &config.dirty), 0);
        assert_result(gm_space_create(&config, &space), 0);
        gmt_add(space, &ram);
        const struct gm_view *view = gmt_pin(space);
        assert_result(gm_guest_write_u64(view, GMT_BLOCK - 8, 5), 0);
        assert_int_equal(gm_dirty_count(config.dirty, 0, UINT64_MAX), 1);
        assert_result(gm_dirty_is_marked(config.dirty, GMT_BLOCK - 8), 1);
        assert_result(gm_guest_write_u16(view, GMT_BLOCK - 1, 5), 0);
        assert_int_equal(gm_dirty_count(config.dirty, 0, UINT64_MAX), 2);
        assert_result(gm_guest_write(view, GMT_BLOCK - PAGES(1), zeros, PAGES(3)), 0);
        assert_int_equal(gm_dirty_count(config.dirty, 0, UINT64_MAX), i == 0 ? 2 : 3);
        assert_each_length_marks(view, config.dirty);
        gm_unpin();
        assert_result(gm_space_destroy(space), 0);
        gm_dirty_destroy(config.dirty);
    }
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(at_the_edges_of_pages),
        RIG(beside_pages_that_are_dirty_already),
        RIG(before_a_later_piece_fails),
        RIG(reads_mark_nothing),
        RIG(while_tracking_is_off),
        RIG(a_space_without_a_bitmap),
        RIG(memory_that_is_not_tracked),
        RIG(on_bitmaps_of_other_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
