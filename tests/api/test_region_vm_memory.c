/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of vm-memory's tests about collections of regions (region.rs, atomic.rs, and of mmap/mod.rs what looks
 * up and not accesses), by their names, and what goes wrong there: a panic at a region of no length, a range that goes
 * on at 0 behind 2^64, and host addresses that say nothing of how much follows.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <unistd.h>

#define MIB(n) ((uint64_t)(n) << 20)

static int from_ranges(struct gmt_rig *rig, const struct gm_boot_range *ranges, size_t count)
{
    return gm_space_add_ranges(rig->space, ranges, count);
}

static gm_gpa last_of(struct gmt_rig *rig)
{
    gm_gpa last = 0;
    int result = gm_region_last(gmt_pin(rig->space), GM_KINDS_ALL, &last);
    gm_unpin();
    return result == 0 ? last : UINT64_MAX;
}

static uint64_t num_regions(struct gmt_rig *rig)
{
    struct gm_space_stats stats;
    assert_result(gm_space_stats_get(rig->space, &stats), 0);
    return stats.regions;
}

/* An empty list is an error there, and an empty collection is not: here neither is. */
static void test_no_memory_region(void **state)
{
    assert_result(from_ranges(*state, NULL, 0), 0);
    assert_int_equal(num_regions(*state), 0);
    assert_true(last_of(*state) == UINT64_MAX); /* there, 0: as if byte 0 was there */
}

static void test_overlapping_memory_regions(void **state)
{
    const struct gm_boot_range ranges[] = {{.gpa = 0, .size = 100}, {.gpa = 99, .size = 100}};
    assert_result(from_ranges(*state, ranges, 2), -EEXIST);
    assert_int_equal(num_regions(*state), 0);
}

/* An error there. */
static void test_unsorted_memory_regions(void **state)
{
    const struct gm_boot_range ranges[] = {{.gpa = 100, .size = 100}, {.gpa = 0, .size = 100}};
    assert_result(from_ranges(*state, ranges, 2), 0);
    assert_true(last_of(*state) == 199);
}

static void test_valid_memory_regions(void **state)
{
    const struct gm_boot_range ranges[] = {{.gpa = 0, .size = 100}, {.gpa = 100, .size = 100}};
    assert_result(from_ranges(*state, ranges, 2), 0);
    assert_true(last_of(*state) == 199);
    assert_int_equal(num_regions(*state), 2); /* neighbours stay two */
}

/* Three out of order, one twice, and the collection from before as it was. */
static void test_mmap_insert_region(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0xc00, 0x400, 0xc00);
    struct gm_snapshot *before = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    gmt_add_ram(rig, 0x8000, 0x400, 0);
    gmt_add_ram(rig, 0x2000, 0x400, 0x1000);
    struct gm_region_desc again = gmt_ram(rig, 0x2000, 0x400, 0x1000);
    gmt_assert_add_refused(rig, &again, -EEXIST);
    static const gm_gpa sorted[] = {0, 0xc00, 0x2000, 0x8000};
    struct gm_region_info info;
    size_t i = 0;
    const struct gm_view *view = gmt_pin(rig->space);
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        assert_true(info.gpa == sorted[i++]);
    assert_int_equal(i, 4);
    gm_unpin();
    assert_int_equal(gm_region_kind(gm_snapshot_view(before), 0x2000), -ENOENT);
    gm_snapshot_put(before);
}

static void test_mmap_remove_region(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x1000, 0);
    gmt_add_ram(rig, 0x2000, 0x1000, 0x1000);
    gmt_assert_remove_refused(rig, 0, 0x800, -ENOENT);
    gmt_assert_remove_refused(rig, 0x4000, 0x1000, -ENOENT);
    gmt_assert_remove_refused(rig, 0, 0, -EINVAL);
    gmt_remove(rig->space, 0x2000, 0x1000);
    assert_true(last_of(rig) == 0xfff);
    gmt_remove(rig->space, 0, 0x1000); /* the last one, too */
    assert_int_equal(num_regions(rig), 0);
}

/* test_address_in_range, test_check_address, test_to_region_addr: at each edge */
static void test_address_in_range(void **state)
{
    static const struct {
        gm_gpa gpa;
        int64_t offset; /* in its region; -1: in none */
    } cases[] = {{0, 0}, {0x200, 0x200}, {0x3ff, 0x3ff}, {0x400, -1}, {0x7ff, -1}, {0x800, 0}, {0xbff, 0x3ff},
                 {0xc00, -1}, {UINT64_MAX, -1}};
    struct gmt_rig *rig = *state;
    struct gm_region_info info;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0x800, 0x400, 0x1800);
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        int result = gm_region_find(view, cases[i].gpa, &info);
        assert_result(result, cases[i].offset < 0 ? -ENOENT : 0);
        assert_true(result != 0 || cases[i].gpa - info.gpa == (uint64_t)cases[i].offset);
        assert_int_equal(gm_range_check(view, cases[i].gpa, 1, GM_ANY), result != 0 ? -EFAULT : 0);
    }
    gm_unpin();
}

static void test_checked_offset(void **state)
{
    struct gmt_rig *rig = *state;
    gm_gpa at = 9;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0x800, 0x400, 0x800);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_range_offset(view, 0, 0x200, &at), 0);
    assert_true(at == 0x200);
    assert_result(gm_range_offset(view, 0xa00, 0x1ff, &at), 0);
    assert_true(at == 0xbff);
    assert_result(gm_range_offset(view, 0, 0xa00, &at), 0); /* over the hole */
    assert_true(at == 0xa00);
    at = 9;
    assert_result(gm_range_offset(view, 0, 0x400, &at), -EFAULT);
    assert_result(gm_range_offset(view, 0x7ff, 0x401, &at), -EFAULT); /* exactly the end */
    assert_result(gm_range_offset(view, 0xa00, SIZE_MAX, &at), -EOVERFLOW);
    assert_true(at == 9);
    gm_unpin();
}

static void test_check_range(void **state)
{
    static const struct {
        gm_gpa gpa;
        uint64_t len;
        int want;
    } cases[] = {
        {0, 0, 0},       {0, 0x200, 0},        {0, 0x400, 0},           {0, 0xa00, -EFAULT},   {0x7ff, 1, -EFAULT},
        {0x800, 0, 0},   {0x800, 0x400, 0},    {0x800, 0x401, 0},       {0x800, 0x800, 0},     {0xbff, 2, 0},
        {0x800, 0x801, -EFAULT}, {0xc00, 0x400, 0}, {0xc00, 0xc00, -EFAULT}, {0x600, 0, 0},    {0, SIZE_MAX, -EFAULT},
        {1, SIZE_MAX, -EFAULT}, {2, SIZE_MAX, -EOVERFLOW},
    };
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0x800, 0x400, 0x2800);
    gmt_add_ram(rig, 0xc00, 0x400, 0x4c00); /* adjacent, elsewhere in the host */
    const struct gm_view *view = gmt_pin(rig->space);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_result(gm_range_check(view, cases[i].gpa, cases[i].len, GM_RW), cases[i].want);
    gm_unpin();
}

/* A hole is an error, and the pointer comes with what may be done behind it. */
static void test_get_host_address(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_span span;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0x800, 0x400, 0x800);
    const struct gm_view *view = gmt_pin(rig->space);
    char *start = gm_translate(view, 0x800, 1, GM_RW);
    assert_ptr_equal(start, (void *)(rig->host + 0x800));
    assert_ptr_equal(gm_translate(view, 0x800 + 0x3ff, 1, GM_RW), start + 0x3ff);
    assert_null(gm_translate(view, 0x400, 1, GM_RW));
    assert_null(gm_translate(view, 0x123456, 1, GM_RW));
    assert_result(gm_translate_span(view, 0xa00, &span), 0);
    assert_true(span.address == start + 0x200 && span.len == 0x200 && span.rights == GM_RW);
    gm_unpin();
}

/* A region of no length panics there at the first lookup. */
static void zero_length(void **state)
{
    const struct gm_boot_range nothing = {.gpa = 0x1000, .size = 0};
    struct gm_region_desc desc = gmt_ram(*state, 0x1000, 0, 0);
    assert_result(from_ranges(*state, &nothing, 1), -EINVAL);
    gmt_assert_add_refused(*state, &desc, -EINVAL);
}

/* There, with memory at both ends of 2^64, 8 bytes at 2^64 - 4 go on at 0. Here the space ends at 2^52. */
static void nothing_goes_on_at_0(void **state)
{
    struct gmt_rig *rig = *state;
    struct iovec iov[2];
    gmt_add_ram(rig, 0, 0x1000, 0);
    gmt_add_ram(rig, GMT_TOP - 0x1000, 0x1000, 0x1000);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_range_check(view, GMT_TOP - 4, 8, GM_RW), -EFAULT);
    assert_result(gm_range_check(view, UINT64_MAX - 3, 8, GM_RW), -EOVERFLOW);
    assert_result(gm_translate_iov(view, UINT64_MAX - 3, 8, GM_RW, iov, 2), -EOVERFLOW);
    assert_result(gm_range_check(view, UINT64_MAX - 3, 4, GM_RW), -EFAULT);
    gm_unpin();
}

/* test_retrieve_fd_backing_memory_region, test_retrieve_offset_from_fd_backing_memory_region; from_ranges_with_files */
static void test_retrieve_offset_from_fd_backing_memory_region(void **state)
{
    struct gmt_rig *rig = *state;
    char name[] = "/tmp/guestmem-region-XXXXXX";
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    assert_int_equal(ftruncate(fd, 0x3000), 0);
    const struct gm_backing_config file = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = 0x1000};
    const struct gm_boot_range ranges[] = {{.gpa = 0, .size = 0x1000},
                                           {.gpa = 0x1000, .size = 0x2000, .memory = &file}};
    assert_result(from_ranges(rig, ranges, 2), 0);
    close(fd); /* the region's own stays open */
    struct gm_region_info info;
    struct gm_backing_info memory;
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, 0, &info), 0);
    assert_int_equal(gm_backing_fd(info.backing), -1);
    assert_result(gm_region_find(view, 0x1000, &info), 0);
    assert_result(gm_backing_info_get(info.backing, &memory), 0);
    assert_true(memory.offset + info.offset == 0x1000);
    char *byte = gm_translate(view, 0x1000 + 5, 1, GM_RW);
    *byte = 'x';
    char read_back = 0;
    assert_int_equal(pread(memory.fd, &read_back, 1, 0x1005), 1);
    assert_int_equal(read_back, 'x');
    gm_unpin();
}

/* The same memory at another guest address: removed and added in one step, with what is in it. */
static void test_change_region_addr(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0x10000, 0x400, 0);
    *(char *)gm_translate(gmt_pin(rig->space), 0x10000, 1, GM_RW) = 42;
    gm_unpin();
    const struct gm_region_desc desc = gmt_ram(rig, 0x20000, 0x400, 0);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_txn_remove(txn, 0x10000, 0x400), 0);
    assert_result(gm_txn_add(txn, &desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_null(gm_translate(view, 0x10000, 1, GM_ANY));
    assert_int_equal(*(char *)gm_translate(view, 0x20000, 1, GM_RW), 42);
    gm_unpin();
}

/* The regions that a view has, in order, as they begin; ended by one that cannot be. */
static void assert_begins(const struct gm_view *view, const gm_gpa *want)
{
    struct gm_region_info info;
    for (gm_gpa gpa = 0; gm_region_next(view, gpa, &info) == 0; gpa = info.gpa + info.size)
        assert_true(info.gpa == *want++);
    assert_true(*want == UINT64_MAX);
}

/* By address, whatever the order in which they came. */
static void test_iter(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, MIB(4), MIB(1), 0);
    gmt_add_ram(rig, 0, MIB(1), MIB(1));
    gmt_add_ram(rig, MIB(1), MIB(1), MIB(2));
    assert_begins(gmt_pin(rig->space), (const gm_gpa[]){0, MIB(1), MIB(4), UINT64_MAX});
    gm_unpin();
}

/* atomic.rs: memory() of a container, of its clone, of what it was made from; into_inner of a guard. */
static void test_atomic_memory(void **state)
{
    struct gmt_rig *rig = *state;
    static const gm_gpa two[] = {0, MIB(2), UINT64_MAX};
    gmt_add_ram(rig, 0, MIB(1), 0);
    gmt_add_ram(rig, MIB(2), MIB(1), MIB(1));
    const struct gm_view *view = gmt_pin(rig->space);
    assert_begins(view, two);
    assert_begins(gmt_pin(rig->space), two); /* a second guard */
    gm_unpin();
    struct gm_snapshot *inner = gm_snapshot_take(view);
    gm_unpin();
    assert_begins(gm_snapshot_view(inner), two);
    gm_snapshot_put(inner);
}

/* atomic.rs: a clone outlives the guard that it was made from. */
static void test_clone_guard(void **state)
{
    struct gmt_rig *rig = *state;
    static const gm_gpa one[] = {0, UINT64_MAX};
    gmt_add_ram(rig, 0, MIB(1), 0);
    struct gm_snapshot *guard = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    struct gm_snapshot *clone = gm_snapshot_take(gm_snapshot_view(guard));
    assert_ptr_equal(gm_snapshot_view(clone), gm_snapshot_view(guard));
    gm_snapshot_put(guard);
    gmt_add_ram(rig, MIB(2), MIB(1), MIB(1)); /* the map that is current is another now */
    assert_begins(gm_snapshot_view(clone), one);
    gm_snapshot_put(clone);
}

/* atomic.rs: a snapshot iterates two regions, whoever else holds it, and whatever comes after it. */
static void test_atomic_hotplug(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, MIB(1), 0);
    gmt_add_ram(rig, MIB(2), MIB(1), MIB(1));
    struct gm_snapshot *old = gm_snapshot_take(gmt_pin(rig->space));
    gm_unpin();
    struct gm_snapshot *clone = gm_snapshot_take(gm_snapshot_view(old));
    struct gm_txn *txn = gmt_begin(rig->space);
    for (unsigned i = 0; i < 3; i++) {
        const struct gm_region_desc desc = gmt_ram(rig, MIB(4 + 2 * i), MIB(1), MIB(2 + i));
        assert_result(gm_txn_add(txn, &desc), 0);
    }
    const struct gm_region_desc overlapping = gmt_ram(rig, MIB(4), MIB(1), 0);
    assert_result(gm_txn_add(txn, &overlapping), -EEXIST); /* the others stay staged */
    gmt_commit(txn, GM_COMMIT_WAIT);
    assert_int_equal(num_regions(rig), 5);
    gm_snapshot_put(old); /* the clone outlives it */
    struct gm_region_info info;
    unsigned count = 0;
    for (gm_gpa gpa = 0; gm_region_next(gm_snapshot_view(clone), gpa, &info) == 0; gpa = info.gpa + info.size)
        count++;
    assert_int_equal(count, 2);
    gm_snapshot_put(clone);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(test_no_memory_region),
        RIG(test_overlapping_memory_regions),
        RIG(test_unsorted_memory_regions),
        RIG(test_valid_memory_regions),
        RIG(test_mmap_insert_region),
        RIG(test_mmap_remove_region),
        RIG(test_address_in_range),
        RIG(test_checked_offset),
        RIG(test_check_range),
        RIG(test_get_host_address),
        RIG(zero_length),
        RIG(nothing_goes_on_at_0),
        RIG(test_retrieve_offset_from_fd_backing_memory_region),
        RIG(test_change_region_addr),
        RIG(test_iter),
        RIG(test_atomic_memory),
        RIG(test_clone_guard),
        RIG(test_atomic_hotplug),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
