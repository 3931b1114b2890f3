/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of the tests of dbs-address-space about GuestRegionRaw, GuestRegionHybrid and GuestMemoryHybrid that
 * concern regions, lookup and host addresses: memory that the VMM mapped itself, beside memory of the library's, in one
 * space. Reads and writes are in the tests of access.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <sys/mman.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define RAW UINT64_C(0x400) /* [pages] */

struct world {
    struct gmt_rig *rig;
    char *raw; /* mapped here and not by the library */
    struct gm_backing *wrapped;
    unsigned released;
};

static struct world world;

static void note_release(void *argument)
{
    ++*(unsigned *)argument;
}

static int open_world(void **state)
{
    int result = gmt_rig_open(state);
    world = (struct world){.rig = *state};
    world.raw = mmap(NULL, PAGES(RAW), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(world.raw != MAP_FAILED);
    assert_result(gm_backing_wrap(world.raw, PAGES(RAW), note_release, &world.released, &world.wrapped), 0);
    return result;
}

static int close_world(void **state)
{
    int result = gmt_rig_close(state);
    gm_backing_put(world.wrapped);
    assert_int_equal(world.released, 1);
    assert_int_equal(munmap(world.raw, PAGES(RAW)), 0); /* never by the library */
    return result;
}

static struct gm_region_desc raw_region(gm_gpa gpa, uint64_t size, uint64_t offset)
{
    return (struct gm_region_desc){.gpa = gpa, .size = size, .kind = GM_KIND_DAX, .backing = world.wrapped,
                                   .offset = offset, .tag = gpa};
}

static void add_raw(gm_gpa gpa, uint64_t size, uint64_t offset)
{
    const struct gm_region_desc desc = raw_region(gpa, size, offset);
    gmt_add(world.rig->space, &desc);
}

/* test_region_new of both kinds */
static void a_region_of_either_sort(void **state)
{
    struct gm_region_info info;
    (void)state;
    gmt_add_ram(world.rig, 0, 0x800, 0);
    add_raw(0x1000, 0x800, 0x1000);
    const struct gm_view *view = gmt_pin(world.rig->space);
    assert_result(gm_region_find(view, 0x7ff, &info), 0);
    assert_ptr_equal(info.address, (void *)world.rig->host);
    assert_result(gm_region_find(view, 0x17ff, &info), 0);
    assert_ptr_equal(info.address, world.raw + 0x1000);
    assert_true(info.gpa == 0x1000 && info.size == 0x800);
    assert_ptr_equal(info.backing, world.wrapped);
    assert_int_equal(gm_backing_fd(info.backing), -1); /* file_offset: none */
    assert_result(gm_region_find(view, 0x800, &info), -ENOENT);
    gm_unpin();
}

/* slice_addr, host address arithmetic: for every address inside, and none outside */
static void host_addresses(void **state)
{
    (void)state;
    add_raw(0x1000, 0x800, 0x3000);
    const struct gm_view *view = gmt_pin(world.rig->space);
    for (gm_gpa gpa = 0x1000; gpa < 0x1800; gpa += 7) {
        assert_ptr_equal(gm_translate(view, gpa, 1, GM_RW), world.raw + 0x2000 + gpa);
        assert_ptr_equal(gm_translate(view, gpa, 0x1800 - gpa, GM_RW), world.raw + 0x2000 + gpa);
        assert_null(gm_translate(view, gpa, 0x1800 - gpa + 1, GM_RW));
    }
    assert_null(gm_translate(view, 0xfff, 1, GM_RW));
    assert_null(gm_translate(view, 0x1800, 1, GM_RW));
    assert_null(gm_translate(view, 0x1000, 0, GM_RW));
    assert_null(gm_translate(view, UINT64_MAX, 1, GM_RW));
    gm_unpin();
}

/* test_from_regions: ok, unsorted (an error there), empty (an error there); iterator in order */
static void regions_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(gm_region_kind(gmt_pin(world.rig->space), 0), -ENOENT); /* nothing is a space, too */
    gm_unpin();
    struct gm_txn *txn = gmt_begin(world.rig->space);
    const struct gm_region_desc raw = raw_region(PAGES(8), PAGES(1), 0);
    const struct gm_region_desc ram = gmt_ram(world.rig, PAGES(1), PAGES(1), 0);
    assert_result(gm_txn_add(txn, &raw), 0);
    assert_result(gm_txn_add(txn, &ram), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    struct gm_region_info info;
    const struct gm_view *view = gmt_pin(world.rig->space);
    assert_result(gm_region_next(view, 0, &info), 0);
    assert_true(info.gpa == PAGES(1));
    assert_result(gm_region_next(view, info.gpa + info.size, &info), 0);
    assert_true(info.gpa == PAGES(8));
    assert_result(gm_region_next(view, info.gpa + info.size, &info), -ENOENT);
    gm_unpin();
}

/* test_raw_insert_region: five out of order, and one twice */
static void insert_five_out_of_order(void **state)
{
    static const uint64_t places[] = {3, 0, 4, 1, 2};
    (void)state;
    for (size_t i = 0; i < 5; i++)
        add_raw(PAGES(2 * places[i]), PAGES(1), PAGES(places[i]));
    for (size_t i = 0; i < 5; i++) {
        struct gm_region_desc again = raw_region(PAGES(2 * i), PAGES(1), 0);
        gmt_assert_add_refused(world.rig, &again, -EEXIST);
    }
    const struct gm_view *view = gmt_pin(world.rig->space);
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(gm_translate(view, PAGES(2 * i), GMT_PAGE, GM_RW), world.raw + PAGES(i));
    gm_unpin();
}

/* test_raw_remove_region: another size, another base, and the one; what was taken before still has it */
static void remove_exactly(void **state)
{
    (void)state;
    add_raw(PAGES(1), PAGES(2), 0);
    add_raw(PAGES(4), PAGES(2), PAGES(2));
    struct gm_snapshot *before = gm_snapshot_take(gmt_pin(world.rig->space));
    gm_unpin();
    gmt_assert_remove_refused(world.rig, PAGES(1), PAGES(1), -ENOENT);
    gmt_assert_remove_refused(world.rig, PAGES(2), PAGES(2), -ENOENT);
    gmt_assert_remove_refused(world.rig, PAGES(1), PAGES(3), -ENOENT);
    gmt_remove(world.rig->space, PAGES(1), PAGES(2));
    assert_null(gm_translate(gmt_pin(world.rig->space), PAGES(1), 1, GM_ANY));
    gm_unpin();
    assert_ptr_equal(gm_translate(gm_snapshot_view(before), PAGES(1), PAGES(2), GM_RW), world.raw);
    assert_int_equal(world.released, 0);
    gm_snapshot_put(before);
}

/* test_guest_memory_get_slice: in a region, up to its end, across regions, across a hole */
static void slices_across_regions(void **state)
{
    struct iovec iov[4];
    (void)state;
    gmt_add_ram(world.rig, 0, PAGES(1), 0);
    add_raw(PAGES(1), PAGES(1), PAGES(9)); /* next in the guest, not in the host */
    add_raw(PAGES(3), PAGES(1), PAGES(11));
    const struct gm_view *view = gmt_pin(world.rig->space);
    assert_non_null(gm_translate(view, PAGES(1) - 8, 8, GM_RW));
    assert_null(gm_translate(view, PAGES(1) - 8, 16, GM_RW)); /* two pieces: */
    assert_int_equal(gm_translate_why(view, PAGES(1) - 8, 16, GM_RW), -EXDEV);
    assert_int_equal(gm_translate_iov(view, PAGES(1) - 8, 16, GM_RW, iov, 4), 2);
    assert_ptr_equal(iov[0].iov_base, (void *)(world.rig->host + PAGES(1) - 8));
    assert_ptr_equal(iov[1].iov_base, world.raw + PAGES(9));
    assert_true(iov[0].iov_len == 8 && iov[1].iov_len == 8);
    assert_int_equal(gm_translate_iov(view, PAGES(1), PAGES(2) + 1, GM_RW, iov, 4), -EFAULT); /* a hole between */
    assert_int_equal(gm_translate_iov(view, PAGES(2), 1, GM_RW, iov, 4), -EFAULT);
    gm_unpin();
}

/* test_checked_offset, test_check_range: with holes */
static void offsets_and_ranges_with_holes(void **state)
{
    gm_gpa at = 0;
    (void)state;
    gmt_add_ram(world.rig, 0, 0x1000, 0);
    add_raw(0x1000, 0x1000, 0);
    add_raw(0x4000, 0x1000, 0x1000);
    const struct gm_view *view = gmt_pin(world.rig->space);
    assert_result(gm_range_offset(view, 0, 0x1fff, &at), 0);
    assert_true(at == 0x1fff);
    assert_result(gm_range_offset(view, 0, 0x2000, &at), -EFAULT);
    assert_result(gm_range_offset(view, 0x1000, 0x3000, &at), 0);
    assert_true(at == 0x4000);
    assert_result(gm_range_offset(view, 0x1000, 0x4000, &at), -EFAULT);
    assert_result(gm_range_offset(view, 0x1000, UINT64_MAX, &at), -EOVERFLOW);
    assert_result(gm_range_check(view, 0, 0x2000, GM_RW), 0);
    assert_result(gm_range_check(view, 0, 0x2001, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, 0x1fff, 0x2001, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, 0x4000, 0x1000, GM_RW), 0);
    assert_result(gm_range_check(view, 0x4000, 0x1001, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, 0, UINT64_MAX, GM_RW), -EFAULT);
    gm_unpin();
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(a_region_of_either_sort),  WORLD(host_addresses),
        WORLD(regions_in_any_order),     WORLD(insert_five_out_of_order),
        WORLD(remove_exactly),           WORLD(slices_across_regions),
        WORLD(offsets_and_ranges_with_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
