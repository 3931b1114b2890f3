/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * dbs, the monitor around it: memory that is saved to a file, and guests that begin from it as from a template, each
 * with writes of its own; and a file that is not of this guest's layout.
 */
#define _GNU_SOURCE
#include "lib/cm.h"
#include "lib/rig.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define LOW PAGES(32)
#define HIGH PAGES(16)

/* The guest's RAM: below and above the hole, one behind the other in the file. */
static void ranges_of(struct gm_boot_range ranges[2], const struct gm_backing_config memory[2])
{
    ranges[0] = (struct gm_boot_range){.gpa = 0, .size = LOW, .memory = &memory[0]};
    ranges[1] = (struct gm_boot_range){.gpa = 4 * GMT_GIB, .size = HIGH, .memory = &memory[1]};
}

static void template_of(struct gm_backing_config memory[2], int fd)
{
    memory[0] = (struct gm_backing_config){.kind = GM_BACKING_KIND_FILE, .fd = fd, .flags = GM_BACKING_PRIVATE};
    memory[1] = memory[0];
    memory[1].offset = LOW;
}

static void write_each_page(const struct gm_view *view, unsigned salt)
{
    for (uint64_t at = 0; at < LOW; at += GMT_PAGE)
        assert_result(gm_guest_write_u64(view, at + 8, at + salt), 0);
    for (uint64_t at = 0; at < HIGH; at += GMT_PAGE)
        assert_result(gm_guest_write_u64(view, 4 * GMT_GIB + at + 8, ~at - salt), 0);
}

static void assert_each_page(const struct gm_view *view, unsigned salt)
{
    uint64_t value;
    for (uint64_t at = 0; at < LOW; at += GMT_PAGE) {
        assert_result(gm_guest_read_u64(view, at + 8, &value), 0);
        assert_true(value == at + salt);
    }
    for (uint64_t at = 0; at < HIGH; at += GMT_PAGE) {
        assert_result(gm_guest_read_u64(view, 4 * GMT_GIB + at + 8, &value), 0);
        assert_true(value == ~at - salt);
    }
}

/* A file with what a guest's memory held. */
static int save(void)
{
    static const struct gm_backing_config plain[2] = {{.kind = GM_BACKING_KIND_MEMFD}, {.size = 0}};
    struct gm_boot_range ranges[2];
    struct gm_space *space;
    uint64_t done;
    int fd = memfd_create("snapshot", MFD_CLOEXEC);
    assert_true(fd >= 0);
    ranges_of(ranges, plain);
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), 0);
    const struct gm_view *view = gmt_pin(space);
    write_each_page(view, 5);
    assert_result(gm_guest_to_fd_all(view, 0, LOW, fd, 0, &done), 0);
    assert_result(gm_guest_to_fd_all(view, 4 * GMT_GIB, HIGH, fd, (int64_t)LOW, &done), 0);
    assert_int_equal(done, HIGH);
    assert_result(gm_unpin(), 0);
    assert_result(gm_space_destroy(space), 0);
    return fd;
}

static void snapshot_round_trip(void **state)
{
    struct gm_backing_config memory[2];
    struct gm_boot_range ranges[2];
    struct gm_space *guests[2];
    (void)state;
    int fd = save();
    template_of(memory, fd);
    ranges_of(ranges, memory);
    for (unsigned i = 0; i < 2; i++) {
        assert_result(gm_space_from_ranges(NULL, ranges, 2, &guests[i]), 0);
        assert_each_page(gmt_pin(guests[i]), 5);
        write_each_page(gmt_pin(guests[i]), 77 + i); /* stays in this guest */
        assert_result(gm_unpin(), 0);
        assert_result(gm_unpin(), 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        assert_each_page(gmt_pin(guests[i]), 77 + i);
        assert_result(gm_unpin(), 0);
        assert_result(gm_space_destroy(guests[i]), 0);
    }
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &guests[0]), 0); /* the file is as it was */
    assert_each_page(gmt_pin(guests[0]), 5);
    assert_result(gm_unpin(), 0);
    assert_result(gm_space_destroy(guests[0]), 0);
    close(fd);
}

/* More memory than was saved, or at other places of the file: an error now, and no SIGBUS later. Nothing is left. */
static void snapshot_layout_mismatch(void **state)
{
    struct gm_backing_config memory[2];
    struct gm_boot_range ranges[2];
    struct gm_space *space = (struct gm_space *)state;
    int fd = save();
    template_of(memory, fd);
    ranges_of(ranges, memory);
    ranges[1].size += GMT_PAGE;
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), -ENXIO);
    ranges_of(ranges, memory);
    memory[1].offset += GMT_PAGE;
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), -ENXIO);
    memory[1].offset = LOW - 8;
    assert_result(gm_space_from_ranges(NULL, ranges, 2, &space), -EINVAL);
    assert_ptr_equal(space, state);
    close(fd);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {RIG(snapshot_round_trip), RIG(snapshot_layout_mismatch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
