/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Streams of slices: the scenarios of io.rs on one window, and descriptors that end, refuse, or deliver bit by bit. */
#define _GNU_SOURCE
#include "lib/pieces.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/feeder.h"

#define GARBAGE UINT64_C(0xdeadbeef)

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    return fd;
}

static struct gm_slice window(const struct pieces *on, gm_gpa gpa, uint64_t len)
{
    struct gm_slice slice;
    assert_result(gm_slice_init(on->view, gpa, len, GM_RW, &slice), 0);
    return slice;
}

/* io.rs: test_read_volatile; volatile_memory: test_read_from_exceeds_size (20 into 32). */
static void sources_shorter_equal_longer(void **state)
{
    struct pieces *on = *state;
    static const size_t lengths[] = {2, 4, 5};
    for (size_t i = 0; i < 3; i++) {
        uint8_t want[5] = {0};
        uint64_t done = GARBAGE;
        int fd = file_of("\1\2\3\4\5", lengths[i]);
        struct gm_slice slice = window(on, PAGE - 2, 4);
        size_t moved = lengths[i] < 4 ? lengths[i] : 4;
        pieces_set(on, PAGE - 2, want, 5);
        memcpy(want, "\1\2\3\4\5", moved);
        assert_result(gm_slice_from_fd(&slice, fd, GM_FD_HERE, &done), 0);
        assert_int_equal(done, moved);
        assert_bytes(on, PAGE - 2, want, 5);
        assert_dirty_range(on->dirty, PAGE - 2, moved);
        pieces_set(on, PAGE - 2, "\0\0\0\0\0", 5);
        assert_result(gm_slice_from_fd_all(&slice, fd, 0, &done), moved == 4 ? 0 : -ENODATA);
        assert_int_equal(done, moved); /* an error too leaves the bytes there */
        assert_bytes(on, PAGE - 2, want, 5);
        assert_dirty_range(on->dirty, PAGE - 2, moved);
        close(fd);
    }
    uint8_t bytes[20];
    uint64_t done = GARBAGE;
    fill_pattern(bytes, 20, 1);
    int fd = file_of(bytes, 20);
    struct gm_slice slice = window(on, 0, 32);
    assert_result(gm_slice_from_fd(&slice, fd, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 20);
    assert_bytes(on, 0, bytes, 20);
    close(fd);
}

/* io.rs: test_write_volatile; volatile_memory: mem_read_and_write, an empty file for an exact read. */
static void sinks(void **state)
{
    struct pieces *on = *state;
    uint8_t bytes[30], got[30];
    uint64_t done = GARBAGE;
    int fd = file_of("", 0);
    struct gm_slice slice = window(on, PAGE - 10, 30);
    assert_result(gm_slice_from_fd_all(&slice, fd, GM_FD_HERE, &done), -ENODATA);
    assert_int_equal(done, 0);
    fill_pattern(bytes, 30, 2);
    pieces_set(on, PAGE - 10, bytes, 30);
    assert_result(gm_slice_to_fd_all(&slice, fd, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 30);
    assert_result(gm_slice_to_fd(&slice, fd, 30, &done), 0);
    assert_int_equal(pread(fd, got, 30, 30), 30);
    assert_memory_equal(got, bytes, 30);
    assert_dirty_range(on->dirty, 0, 0);
    close(fd);
}

static void short_reads_go_on(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice = window(on, 5, PAGE);
    struct feeder feeder;
    uint8_t bytes[PAGE];
    uint64_t done = GARBAGE;
    fill_pattern(bytes, PAGE, 3);
    feeder_start(&feeder, bytes, PAGE, 111);
    assert_result(gm_slice_from_fd_all(&slice, feeder.read, GM_FD_HERE, &done), 0);
    assert_int_equal(done, PAGE);
    assert_bytes(on, 5, bytes, PAGE);
    feeder_end(&feeder);
}

static void refusals(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice = window(on, PAGE - 1, 2), empty, limited;
    uint64_t done = GARBAGE;
    int fd = file_of("abcd", 4);
    assert_result(gm_slice_from_fd(&slice, -1, GM_FD_HERE, &done), -EBADF);
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, PAGE - 1, 2);
    assert_result(gm_slice_to_fd_all(&slice, -1, GM_FD_HERE, &done), -EBADF);
    assert_dirty_range(on->dirty, 0, 0);
    assert_result(gm_slice_from_fd(&slice, fd, -2, &done), -EINVAL);
    assert_result(gm_slice_from_fd(&slice, fd, 0, NULL), -EINVAL);
    assert_result(gm_slice_from_fd_all(&slice, fd, INT64_MAX - 1, &done), -EOVERFLOW);
    assert_result(gm_slice_limit(&slice, GM_READ, &limited), 0);
    assert_result(gm_slice_from_fd(&limited, fd, 0, &done), -EACCES);
    assert_result(gm_slice_limit(&slice, GM_WRITE, &limited), 0);
    assert_result(gm_slice_to_fd_all(&limited, fd, 0, &done), -EACCES);
    assert_result(gm_slice_sub(&slice, 2, 0, &empty), 0);
    assert_result(gm_slice_from_fd_all(&empty, -1, 0, &done), 0); /* no byte, no call */
    assert_result(gm_slice_to_fd(&empty, -1, 0, &done), 0);
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, 0, 0);
    close(fd);
}

/* A chain of buffers is one call: the array of iovecs is made from the slices, and the marks by what was moved. */
static void several_slices_in_one_call(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slices[3] = {window(on, 9 * PAGE, 10), window(on, 0, 10), window(on, 5 * PAGE - 4, 8)};
    struct iovec iov[3];
    uint8_t bytes[26];
    fill_pattern(bytes, 26, 4);
    int fd = file_of(bytes, 26);
    int count = gm_slices_iov(slices, 3, GM_WRITE, iov);
    assert_int_equal(count, 3);
    assert_int_equal(readv(fd, iov, count), 26);
    assert_result(gm_slices_mark(slices, 3, 26), 0);
    assert_bytes(on, 9 * PAGE, bytes, 10);
    assert_bytes(on, 0, bytes + 10, 10);
    assert_bytes(on, 5 * PAGE - 4, bytes + 20, 6);
    static const int want[] = {1, 0, 0, 0, 1, 1, 0, 0, 0, 1};
    for (uint64_t page = 0; page < 10; page++)
        assert_int_equal(gm_dirty_is_marked(on->dirty, page * PAGE), want[page]);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(sources_shorter_equal_longer),
        PIECES(sinks),
        PIECES(short_reads_go_on),
        PIECES(refusals),
        PIECES(several_slices_in_one_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
