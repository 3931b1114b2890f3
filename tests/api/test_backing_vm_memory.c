/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of vm-memory's tests of mappings (mmap/unix.rs, and what guest_memory.rs and mmap/mod.rs say of them),
 * by their names. Where we answer otherwise on purpose, the test says so. Windows and Xen have no counterpart.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <fcntl.h>

#define PAGES(n) ((n) * GMT_PAGE)

static int file_of(uint64_t pages)
{
    int fd = memfd_create("mmap", MFD_CLOEXEC);
    assert_true(fd >= 0);
    for (uint64_t i = 0; i < pages; i++) {
        char page[GMT_PAGE];
        memset(page, (int)i + 1, sizeof(page));
        assert_int_equal(pwrite(fd, page, sizeof(page), (off_t)PAGES(i)), sizeof(page));
    }
    return fd;
}

static struct gm_backing *create(const struct gm_backing_config *config)
{
    struct gm_backing *backing;
    assert_result(gm_backing_create(config, &backing), 0);
    return backing;
}

static struct gm_backing_config of_file(int fd, uint64_t offset, uint64_t size)
{
    return (struct gm_backing_config){.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = offset, .size = size};
}

static struct gm_backing_info info_of(const struct gm_backing *backing)
{
    struct gm_backing_info info;
    assert_result(gm_backing_info_get(backing, &info), 0);
    return info;
}

/* Size 0 is refused; what comes out is private and anonymous, and can be read and written. */
static void test_mmap_region_new(void **state)
{
    struct gm_backing *backing = NULL;
    (void)state;
    assert_result(gm_backing_anonymous(0, 0, &backing), -EINVAL);
    assert_null(backing);
    assert_result(gm_backing_anonymous(4096, 0, &backing), 0);
    assert_int_equal(gm_backing_size(backing), 4096);
    assert_int_equal(gm_backing_fd(backing), -1);
    assert_int_equal(gmt_touch(gm_backing_address(backing), true), 0);
    assert_false(gmt_has_vm_flag(gm_backing_address(backing), "sh"));
    gm_backing_put(backing);
}

/* There a label that the caller sets, of three values, and nothing looks at; here what the pages are. */
static void test_mmap_region_set_hugetlbfs(void **state)
{
    const struct gm_backing_config small = {.size = 4096}, huge = {.kind = GM_BACKING_KIND_HUGETLB, .size = 4096};
    struct gm_backing *backing;
    (void)state;
    backing = create(&small);
    assert_int_equal(info_of(backing).page_size, 4096);
    gm_backing_put(backing);
    int result = gm_backing_create(&huge, &backing);
    if (result == -ENOMEM || result == -ENODEV) {
        print_message("SKIPPED in part: no huge page is free; test_backing_hugetlb.c reserves some\n");
        return;
    }
    assert_result(result, 0);
    assert_int_equal(info_of(backing).page_size, GMT_BLOCK);
    gm_backing_put(backing);
}

static void test_mmap_region_from_file(void **state)
{
    (void)state;
    int fd = file_of(2);
    const struct gm_backing_config config = of_file(fd, PAGES(1), PAGES(1));
    struct gm_backing *backing = create(&config);
    const char *memory = gm_backing_address(backing);
    assert_true(memory[0] == 2 && memory[GMT_PAGE - 1] == 2);
    assert_true(gmt_has_vm_flag(memory, "sh"));
    assert_true(info_of(backing).offset == PAGES(1));
    gm_backing_put(backing);
    close(fd);
}

/* An offset that overflows, MAP_FIXED, an offset within a page: refused. What goes together is made as it was asked. */
static void test_mmap_region_build(void **state)
{
    (void)state;
    int fd = file_of(4);
    struct gm_backing_config config = of_file(fd, UINT64_MAX & ~(GMT_PAGE - 1), PAGES(4));
    struct gm_backing *backing = NULL;
    assert_result(gm_backing_create(&config, &backing), -EOVERFLOW); /* there EINVAL */
    config.offset = 1;
    assert_result(gm_backing_create(&config, &backing), -EINVAL);
    config.offset = 0;
    config.flags = 0x10; /* MAP_FIXED has no name here: the bit means another thing, for another kind */
    assert_result(gm_backing_create(&config, &backing), -EOPNOTSUPP);
    assert_null(backing);
    config.flags = GM_BACKING_PRIVATE | GM_BACKING_NORESERVE;
    config.size = PAGES(3);
    config.offset = PAGES(1);
    backing = create(&config);
    assert_true(gm_backing_size(backing) == PAGES(3) && info_of(backing).flags == config.flags);
    assert_false(gmt_has_vm_flag(gm_backing_address(backing), "sh"));
    assert_true(gmt_has_vm_flag(gm_backing_address(backing), "nr"));
    gm_backing_put(backing);
    close(fd);
}

/* The caller's memory: its address is a page's, its size any; it is not unmapped. */
static void test_mmap_region_build_raw(void **state)
{
    struct gm_backing *backing = NULL;
    (void)state;
    char *memory = mmap(NULL, PAGES(2), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    assert_result(gm_backing_wrap(memory + 1, 4096, NULL, NULL, &backing), -EINVAL);
    assert_null(backing);
    assert_result(gm_backing_wrap(memory, 4096 + 77, NULL, NULL, &backing), 0);
    assert_ptr_equal(gm_backing_address(backing), memory);
    assert_int_equal(gm_backing_size(backing), 4096 + 77);
    gm_backing_put(backing);
    memory[4096 + 77] = 1; /* still there */
    munmap(memory, PAGES(2));
}

/* Adjacent ranges of a file do not overlap, ranges that share a byte do; another file, or none, never does. */
static void test_mmap_region_fds_overlap(void **state)
{
    (void)state;
    int fd = file_of(4), other = file_of(4);
    const struct gm_backing_config configs[] = {of_file(fd, 0, PAGES(2)), of_file(fd, PAGES(2), PAGES(2)),
                                                of_file(fd, PAGES(1), PAGES(2)), of_file(other, 0, PAGES(2)),
                                                {.size = PAGES(2)}};
    static const int with_first[] = {1, 0, 1, 0, 0};
    struct gm_backing *made[5];
    for (size_t i = 0; i < 5; i++)
        made[i] = create(&configs[i]);
    for (size_t i = 0; i < 5; i++) {
        assert_result(gm_backing_overlaps(made[0], made[i]), with_first[i]);
        assert_result(gm_backing_overlaps(made[i], made[0]), with_first[i]);
    }
    for (size_t i = 0; i < 5; i++)
        gm_backing_put(made[i]);
    close(fd);
    close(other);
}

/* guest_memory.rs: the file of a region and where in it; the file's own descriptor may be closed. */
static void test_file_offset(void **state)
{
    (void)state;
    int fd = file_of(3);
    const struct gm_backing_config config = of_file(fd, PAGES(2), PAGES(1));
    struct gm_backing *backing = create(&config);
    char byte = 0;
    close(fd);
    assert_int_equal(pread(gm_backing_fd(backing), &byte, 1, (off_t)info_of(backing).offset), 1);
    assert_int_equal(byte, 3);
    gm_backing_put(backing);
}

/* guest_memory.rs: None for memory of small pages. */
static void test_guest_memory_mmap_is_hugetlbfs(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info info;
    gmt_add_ram(rig, 0x1000, PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, 0x1000, &info), 0);
    assert_int_equal(info_of(info.backing).page_size, 4096);
    gm_unpin();
}

/* mmap/mod.rs: of 1 MiB at 0, from the backing to the byte. */
static void basic_map(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_boot_range range = {.size = 1 << 20};
    struct gm_region_info info;
    assert_result(gm_space_add_ranges(rig->space, &range, 1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, 0, &info), 0);
    assert_int_equal(info.size, 1 << 20);
    assert_ptr_equal(info.address, gm_backing_address(info.backing));
    gm_unpin();
}

/* mmap/mod.rs: the first 5 of 16 bytes of a file. */
static void mapped_file_read(void **state)
{
    struct gmt_rig *rig = *state;
    static const char text[16] = "sixteen bytes ..";
    char five[5];
    int fd = memfd_create("sixteen", MFD_CLOEXEC);
    assert_int_equal(pwrite(fd, text, sizeof(text), 0), sizeof(text));
    const struct gm_backing_config file = {.kind = GM_BACKING_KIND_FILE, .fd = fd};
    const struct gm_boot_range range = {.size = sizeof(text), .memory = &file};
    assert_result(gm_space_add_ranges(rig->space, &range, 1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read(view, 0, five, 5), 0);
    assert_memory_equal(five, text, 5);
    gm_unpin();
    close(fd);
}

/* mmap/mod.rs: a region as one slice. */
static void test_guest_memory_mmap_as_volatile_slice(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info info;
    struct gm_slice slice;
    gmt_add_ram(rig, 0x1000, 0x400, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_region_find(view, 0x1000, &info), 0);
    assert_result(gm_slice_init(view, info.gpa, info.size, info.rights, &slice), 0);
    assert_int_equal(slice.iov.iov_len, 0x400);
    assert_ptr_equal(slice.iov.iov_base, info.address);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mmap_region_new),
        cmocka_unit_test(test_mmap_region_set_hugetlbfs),
        cmocka_unit_test(test_mmap_region_from_file),
        cmocka_unit_test(test_mmap_region_build),
        cmocka_unit_test(test_mmap_region_build_raw),
        cmocka_unit_test(test_mmap_region_fds_overlap),
        cmocka_unit_test(test_file_offset),
        RIG(test_guest_memory_mmap_is_hugetlbfs),
        RIG(basic_map),
        RIG(mapped_file_read),
        RIG(test_guest_memory_mmap_as_volatile_slice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
