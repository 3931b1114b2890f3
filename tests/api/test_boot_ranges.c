/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_space_add_ranges and gm_space_from_ranges: what memory ranges get, of which kinds, and that it is all of them or
 * nothing at all.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define MIB(n) ((uint64_t)(n) << 20)

static struct gm_region_info info_at(const struct gm_view *view, gm_gpa gpa)
{
    struct gm_region_info info;
    assert_result(gm_region_find(view, gpa, &info), 0);
    return info;
}

static unsigned count_fds(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    assert_non_null(folder);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

/* [kB] of address space. */
static unsigned long mapped(void)
{
    unsigned long pages;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%lu", &pages), 1);
    fclose(file);
    return pages * (GMT_PAGE / 1024);
}

/* A file of that many pages, each filled with its number + 1. */
static int make_file(unsigned pages)
{
    char name[] = "/tmp/guestmem-ranges-XXXXXX";
    char page[4096];
    int fd = mkstemp(name);
    assert_true(fd >= 0);
    unlink(name);
    for (unsigned i = 0; i < pages; i++) {
        memset(page, (int)i + 1, sizeof(page));
        assert_int_equal(write(fd, page, sizeof(page)), sizeof(page));
    }
    return fd;
}

static void any_order_and_all_that_they_say(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_boot_range ranges[] = {
        {.gpa = GMT_GIB, .size = MIB(4), .tag = 1, .name = "high", .numa = GM_NUMA_NODE(1)},
        {.gpa = 0, .size = MIB(4), .tag = 2, .user = rig},
        {.gpa = MIB(4), .size = PAGES(3), .tag = 3}, /* touches the one below */
    };
    assert_result(gm_space_add_ranges(rig->space, ranges, 3), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 3; i++) {
        struct gm_region_info info = info_at(view, ranges[i].gpa);
        assert_true(info.gpa == ranges[i].gpa && info.size == ranges[i].size && info.tag == ranges[i].tag);
        assert_int_equal(info.kind, GM_KIND_RAM);
        assert_int_equal(info.rights, GM_RW);
        assert_int_equal(info.numa_node, i == 0 ? 1 : -1);
        assert_string_equal(info.name, i == 0 ? "high" : "");
        assert_ptr_equal(info.user, ranges[i].user);
        unsigned char *byte = info.address;
        assert_int_equal(byte[0] | byte[info.size - 1], 0);
        byte[0] = byte[info.size - 1] = 1;
    }
    gm_unpin();
    struct gm_space_stats stats;
    assert_result(gm_space_stats_get(rig->space, &stats), 0);
    assert_int_equal(stats.commits, 1); /* published at once */
}

static void not_of_whole_pages(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_boot_range ranges[] = {{.gpa = 0x1234, .size = 1}, {.gpa = GMT_GIB + 5, .size = MIB(8) + 77}};
    assert_result(gm_space_add_ranges(rig->space, ranges, 2), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_non_null(gm_translate(view, 0x1234, 1, GM_RW));
    assert_null(gm_translate(view, 0x1233, 1, GM_ANY));
    assert_null(gm_translate(view, 0x1235, 1, GM_ANY));
    char *whole = gm_translate(view, GMT_GIB + 5, MIB(8) + 77, GM_RW);
    assert_non_null(whole);
    whole[0] = whole[MIB(8) + 76] = 1;
    assert_int_equal((uintptr_t)whole % 4096, 5);
    gm_unpin();
}

/* So that the kernel can use huge pages: guest and host address agree modulo 2 MiB. */
static void congruent_for_huge_pages(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_backing_config memfd = {.kind = GM_BACKING_KIND_MEMFD, .flags = GM_BACKING_NORESERVE};
    int fd = make_file(1);
    assert_int_equal(ftruncate(fd, (off_t)MIB(64)), 0);
    const struct gm_backing_config file = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = MIB(2) + PAGES(5)};
    const struct gm_boot_range ranges[] = {
        {.gpa = MIB(3), .size = MIB(4)},
        {.gpa = MIB(128) + PAGES(7) + 9, .size = MIB(2)},
        {.gpa = MIB(64), .size = MIB(2) + PAGES(1), .memory = &memfd}, /* of sizes that do not fall into place */
        {.gpa = MIB(68), .size = MIB(2) + PAGES(3), .memory = &memfd},
        {.gpa = MIB(72), .size = MIB(3) + PAGES(5), .memory = &memfd},
        {.gpa = MIB(512) + PAGES(5), .size = MIB(2) + PAGES(1), .memory = &file},
        {.gpa = MIB(520) + PAGES(5), .size = MIB(3) + PAGES(3), .memory = &file},
        {.gpa = MIB(528) + PAGES(5), .size = MIB(5) + PAGES(1), .memory = &file},
        {.gpa = MIB(256) + PAGES(3), .size = MIB(2), .memory = &memfd}, /* in no way: taken all the same */
        {.gpa = MIB(260) + PAGES(3), .size = MIB(2), .memory = &file},
    };
    assert_result(gm_space_add_ranges(rig->space, ranges, 10), 0);
    close(fd);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 8; i++) {
        struct gm_region_info info = info_at(view, ranges[i].gpa);
        assert_true(((uintptr_t)info.address ^ info.gpa) % MIB(2) == 0);
    }
    assert_true(gm_backing_fd(info_at(view, MIB(64)).backing) >= 0);
    assert_int_equal(gm_backing_fd(info_at(view, MIB(3)).backing), -1);
    gm_unpin();
}

static void from_files(void **state)
{
    struct gmt_rig *rig = *state;
    int fd = make_file(8);
    const struct gm_backing_config from_page_2 = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = PAGES(2)};
    const struct gm_backing_config inside_page_5 = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = PAGES(5) + 100};
    const struct gm_boot_range ranges[] = {{.gpa = PAGES(10), .size = PAGES(2), .memory = &from_page_2},
                                           {.gpa = PAGES(20) + 100, .size = 200, .memory = &inside_page_5}};
    assert_result(gm_space_add_ranges(rig->space, ranges, 2), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    char *page = gm_translate(view, PAGES(10), PAGES(2), GM_RW);
    assert_true(page[0] == 3 && page[4095] == 3 && page[4096] == 4 && page[8191] == 4);
    page[1] = 77;
    char byte;
    assert_int_equal(pread(fd, &byte, 1, 2 * 4096 + 1), 1);
    assert_int_equal(byte, 77);
    page = gm_translate(view, PAGES(20) + 100, 200, GM_RW);
    page[0] = 78;
    assert_int_equal(pread(fd, &byte, 1, 5 * 4096 + 100), 1);
    assert_int_equal(byte, 78);
    /* where a byte of a region is in the file, for those who share it with another process */
    struct gm_region_info info = info_at(view, PAGES(20) + 150);
    struct gm_backing_info memory;
    assert_result(gm_backing_info_get(info.backing, &memory), 0);
    assert_true(memory.offset + info.offset == PAGES(5) + 100);
    assert_true(memory.fd >= 0);
    gm_unpin();
    close(fd);
}

static void linear_spaces(void **state)
{
    const struct gm_space_config config = {.linear_size = GMT_GIB, .numa_node = -1};
    const struct gm_backing_config memfd = {.kind = GM_BACKING_KIND_MEMFD};
    const struct gm_backing_config anonymous = {.kind = GM_BACKING_KIND_ANONYMOUS, .flags = GM_BACKING_GUARD};
    struct gm_boot_range ranges[] = {{.gpa = 0, .size = MIB(4)}, {.gpa = MIB(8), .size = MIB(4), .memory = &memfd}};
    struct gm_space *space;
    (void)state;
    assert_result(gm_space_from_ranges(&config, ranges, 2, &space), 0);
    const struct gm_view *view = gmt_pin(space);
    assert_ptr_equal(gm_translate(view, MIB(8), MIB(4), GM_RW), (void *)(uintptr_t)(view->linear_base + MIB(8)));
    assert_ptr_equal(gm_translate(view, 0, MIB(4), GM_RW), (void *)(uintptr_t)view->linear_base);
    gm_unpin();
    ranges[0] = (struct gm_boot_range){.gpa = MIB(16), .size = PAGES(1)};
    ranges[1] = (struct gm_boot_range){.gpa = MIB(32), .size = MIB(4), .memory = &anonymous};
    assert_result(gm_space_add_ranges(space, ranges, 2), -EOPNOTSUPP);
    ranges[1] = (struct gm_boot_range){.gpa = MIB(32) + 1, .size = MIB(4)};
    assert_result(gm_space_add_ranges(space, ranges, 2), -EINVAL);
    assert_null(gm_translate(gmt_pin(space), MIB(16), 1, GM_ANY));
    gm_unpin();
    assert_result(gm_space_destroy(space), 0);
}

/* A good range, and then one that is refused: the good one does not stay, nor does anything else. */
static void all_or_nothing(void **state)
{
    struct gmt_rig *rig = *state;
    int fd = make_file(2);
    const struct gm_backing_config too_short = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = PAGES(1)};
    const struct gm_backing_config skew = {.kind = GM_BACKING_KIND_FILE, .fd = fd, .offset = 8};
    const struct gm_backing_config unknown = {.kind = (enum gm_backing_kind)99};
    const struct gm_backing_config callers = {.kind = GM_BACKING_KIND_CALLER, .address = (void *)GMT_GIB};
    const struct gm_backing_config memfd = {.kind = GM_BACKING_KIND_MEMFD};
    const struct {
        struct gm_boot_range range;
        int want;
    } bad[] = {
        {{.gpa = PAGES(9), .size = 0}, -EINVAL},
        {{.gpa = PAGES(9) + 1, .size = 0}, -EINVAL},
        {{.gpa = PAGES(1), .size = PAGES(1)}, -EEXIST}, /* over the first one */
        {{.gpa = GMT_GIB, .size = PAGES(1)}, -EEXIST},  /* over what was there */
        {{.gpa = GMT_TOP, .size = PAGES(1)}, -ERANGE},
        {{.gpa = PAGES(9) + 1, .size = UINT64_MAX}, -EOVERFLOW},
        {{.gpa = PAGES(9), .size = UINT64_MAX}, -EOVERFLOW},
        {{.gpa = PAGES(9), .size = PAGES(1), .name = "a name that is far too long for a region"}, -EINVAL},
        {{.gpa = PAGES(9), .size = PAGES(1), .numa = UINT32_MAX}, -EINVAL},
        {{.gpa = PAGES(9), .size = PAGES(2), .memory = &too_short}, -ENXIO},
        {{.gpa = PAGES(9), .size = PAGES(1), .memory = &skew}, -EINVAL},
        {{.gpa = PAGES(9), .size = PAGES(1), .memory = &unknown}, -EINVAL},
        {{.gpa = PAGES(9), .size = PAGES(1), .memory = &callers}, -EOPNOTSUPP},
    };
    gmt_add_ram(rig, GMT_GIB, PAGES(1), 0);
    gmt_remember(rig);
    unsigned fds = count_fds();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct gm_boot_range ranges[] = {{.gpa = 0, .size = PAGES(2), .memory = &memfd}, bad[i].range};
        int result = gm_space_add_ranges(rig->space, ranges, 2);
        if (result != bad[i].want)
            fail_msg("case %zu: %d instead of %d", i, result, bad[i].want);
        gmt_assert_unchanged(rig);
        struct gm_space *space = NULL;
        if (bad[i].range.gpa != GMT_GIB)
            assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), bad[i].want);
        assert_null(space);
        assert_int_equal(count_fds(), fds);
    }
    close(fd);
}

static void keeps_to_the_layout(void **state)
{
    const struct gm_layout layout = {.mem_last = GMT_GIB - 1, .phys_last = 2 * GMT_GIB, .holes = 1,
                                     .hole = {{MIB(16), MIB(32) - 1}}};
    const struct gm_space_config config = {.numa_node = -1, .layout = &layout};
    const struct gm_boot_node nodes[] = {{.size = MIB(12)}, {.size = MIB(12)}};
    struct gm_boot_range ranges[8];
    size_t count;
    struct gm_space *space;
    (void)state;
    assert_result(gm_boot_layout(&layout, 0, nodes, 2, ranges, 8, &count), 0);
    assert_int_equal(count, 3);
    assert_result(gm_space_from_ranges(&config, ranges, count, &space), 0); /* what the helper lays out, fits */
    gm_gpa last;
    assert_result(gm_region_last(gmt_pin(space), GM_KIND_BIT(GM_KIND_RAM), &last), 0);
    gm_unpin();
    assert_true(last == MIB(40) - 1);
    ranges[0].gpa = MIB(16) - PAGES(1);
    ranges[0].size = PAGES(2);
    assert_result(gm_space_add_ranges(space, ranges, 1), -EDOM);
    assert_result(gm_space_destroy(space), 0);
}

static void nothing_and_nobody(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_boot_range range = {.size = PAGES(1)};
    struct gm_space *space = NULL;
    assert_result(gm_space_add_ranges(NULL, &range, 1), -EINVAL);
    assert_result(gm_space_add_ranges(rig->space, NULL, 1), -EINVAL);
    uint64_t generation = gmt_pin(rig->space)->generation;
    assert_result(gm_space_add_ranges(rig->space, &range, 1), -EDEADLK); /* pinned */
    const struct gm_space_config large = {.linear_size = UINT64_C(1) << 40, .numa_node = -1};
    unsigned long before = mapped();
    assert_result(gm_space_from_ranges(&large, &range, 1, &space), -EDEADLK);
    assert_null(space);
    assert_true(mapped() < before + (1 << 20)); /* [kB]: the reservation of a space is not left behind */
    gm_unpin();
    assert_result(gm_space_add_ranges(rig->space, NULL, 0), 0);
    assert_true(gmt_pin(rig->space)->generation == generation);
    gm_unpin();
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_space_add_ranges(rig->space, &range, 1), -EDEADLK); /* its transaction is open */
    gm_txn_abort(txn);
    assert_result(gm_space_from_ranges(NULL, &range, 1, NULL), -EINVAL);
    const struct gm_space_config bad = {.linear_size = 1, .numa_node = -1};
    assert_result(gm_space_from_ranges(&bad, &range, 1, &space), -EINVAL);
    assert_null(space);
    assert_result(gm_space_from_ranges(NULL, NULL, 0, &space), 0); /* an empty space is one */
    assert_result(gm_space_destroy(space), 0);
}

/* Made and dropped again and again: neither descriptors nor mappings stay. */
static void ten_thousand_times(void **state)
{
    const struct gm_backing_config memfd = {.kind = GM_BACKING_KIND_MEMFD, .flags = GM_BACKING_NORESERVE};
    const struct gm_boot_range ranges[] = {{.gpa = 0, .size = MIB(1), .memory = &memfd},
                                           {.gpa = GMT_GIB, .size = MIB(4), .memory = &memfd}};
    struct gm_space *space;
    unsigned fds = 0;
    unsigned long before = 0;
    (void)state;
    for (unsigned i = 0; i < 10000; i++) {
        if (i == 1000) {
            fds = count_fds();
            before = mapped();
        }
        assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), 0);
        assert_result(gm_space_destroy(space), 0);
    }
    assert_int_equal(count_fds(), fds);
    assert_true(mapped() < before + 64 * 1024); /* [kB]; a leak would be 45 GB */
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(any_order_and_all_that_they_say),
        RIG(not_of_whole_pages),
        RIG(congruent_for_huge_pages),
        RIG(from_files),
        RIG(linear_spaces),
        RIG(all_or_nothing),
        RIG(keeps_to_the_layout),
        RIG(nothing_and_nobody),
        RIG(ten_thousand_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
