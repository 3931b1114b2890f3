/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Streams between guest memory and descriptors of every sort: how much is moved, where it lands, what is marked. Tests
 * that carry the name of a scenario of vm-memory (io.rs, mmap) say so.
 */
#define _GNU_SOURCE
#include "lib/pieces.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define GARBAGE UINT64_C(0xdeadbeef)

static int file_of(const void *bytes, size_t len)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, 0), len);
    return fd;
}

static off_t position(int fd)
{
    return lseek(fd, 0, SEEK_CUR);
}

/* io.rs test_read_volatile: sources of 2, 4 and 5 bytes, a window of 4 in memory of 5. */
static void sources_shorter_equal_longer(void **state)
{
    struct pieces *on = *state;
    static const size_t lengths[] = {2, 4, 5};
    for (size_t i = 0; i < 3; i++) {
        const uint8_t bytes[] = {1, 2, 3, 4, 5};
        uint8_t want[5] = {0};
        uint64_t done = GARBAGE;
        int fd = file_of(bytes, lengths[i]);
        size_t moved = lengths[i] < 4 ? lengths[i] : 4;
        pieces_set(on, PIECES_SEAM - 2, want, 5);
        memcpy(want, bytes, moved);
        assert_result(gm_guest_from_fd(on->view, PIECES_SEAM - 2, 4, fd, GM_FD_HERE, &done), 0);
        assert_int_equal(done, moved);
        assert_int_equal(position(fd), moved);
        assert_bytes(on, PIECES_SEAM - 2, want, 5);
        assert_dirty_range(on->dirty, PIECES_SEAM - 2, moved);
        close(fd);
    }
}

/* io.rs test_read_volatile, read_exact of a short file: an error, but the bytes are there. */
static void all_of_a_file_that_is_too_short(void **state)
{
    struct pieces *on = *state;
    const uint8_t bytes[] = {9, 8, 7};
    uint64_t done = GARBAGE;
    int fd = file_of(bytes, 3);
    assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM - 1, 4, fd, GM_FD_HERE, &done), -ENODATA);
    assert_int_equal(done, 3);
    assert_bytes(on, PIECES_SEAM - 1, (const uint8_t[]){9, 8, 7, 0}, 4);
    assert_dirty_range(on->dirty, PIECES_SEAM - 1, 3);
    done = GARBAGE;
    assert_result(gm_guest_from_fd(on->view, 0, 4, fd, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 0); /* the end, told by a short count and not by an error */
    assert_result(gm_guest_from_fd_all(on->view, 0, 4, fd, GM_FD_HERE, &done), -ENODATA);
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, 0, 0);
    close(fd);
}

/* io.rs test_write_volatile and test_write_volatile_for_vec: exact into a file, and appended. */
static void into_a_file(void **state)
{
    struct pieces *on = *state;
    uint8_t bytes[32], got[40] = {0};
    uint64_t done = GARBAGE;
    int fd = file_of("", 0);
    fill_pattern(bytes, 32, 1);
    pieces_set(on, PIECES_SEAM - 16, bytes, 32);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM - 16, 20, fd, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 20);
    assert_result(gm_guest_to_fd_all(on->view, PIECES_SEAM + 4, 12, fd, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 12);
    assert_int_equal(pread(fd, got, 40, 0), 32);
    assert_memory_equal(got, bytes, 32);
    assert_dirty_range(on->dirty, 0, 0);
    close(fd);
}

/* preadv and pwritev: at an offset, and the position stays. */
static void at_an_offset(void **state)
{
    struct pieces *on = *state;
    uint8_t bytes[64], got[64];
    uint64_t done = GARBAGE;
    fill_pattern(bytes, 64, 2);
    int fd = file_of(bytes, 64);
    assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
    assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM - 10, 20, fd, 30, &done), 0);
    assert_int_equal(done, 20);
    assert_bytes(on, PIECES_SEAM - 10, bytes + 30, 20);
    assert_result(gm_guest_from_fd(on->view, 0, 20, fd, 60, &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_guest_to_fd_all(on->view, PIECES_SEAM - 10, 20, fd, 0, &done), 0);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM - 10, 5, fd, 20, &done), 0);
    assert_int_equal(done, 5);
    assert_int_equal(position(fd), 7);
    assert_int_equal(pread(fd, got, 64, 0), 64);
    assert_memory_equal(got, bytes + 30, 20);
    assert_memory_equal(got + 20, bytes + 30, 5);
    assert_memory_equal(got + 25, bytes + 25, 39);
    close(fd);
}

/* O_APPEND is stronger than an offset, of each of several transfers. */
static void appended_whatever_the_offset(void **state)
{
    struct pieces *on = *state;
    uint64_t done = GARBAGE;
    char got[16] = {0};
    int fd = file_of("0123456789", 10);
    assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
    pieces_set(on, PIECES_SEAM - 2, "abcd", 4);
    assert_result(gm_guest_to_fd_all(on->view, PIECES_SEAM - 2, 4, fd, 3, &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM, 1, fd, 0, &done), 0);
    assert_int_equal(position(fd), 0);
    assert_int_equal(pread(fd, got, 16, 0), 15);
    assert_memory_equal(got, "0123456789abcdc", 15);
    close(fd);
}

/* mmap: test_zero_length_accesses. No byte, no system call, whatever the address and the descriptor. */
static void length_zero(void **state)
{
    struct pieces *on = *state;
    static const gm_gpa gpas[] = {0, 7 * PAGE, 8 * PAGE, 6 * PAGE, UINT64_MAX};
    for (size_t i = 0; i < 5; i++) {
        uint64_t done = GARBAGE;
        assert_result(gm_guest_from_fd(on->view, gpas[i], 0, -1, GM_FD_HERE, &done), 0);
        assert_int_equal(done, 0);
        assert_result(gm_guest_to_fd(on->view, gpas[i], 0, -1, 5, &done), 0);
        assert_result(gm_guest_from_fd_all(on->view, gpas[i], 0, -1, 5, &done), 0);
        assert_result(gm_guest_to_fd_all(on->view, gpas[i], 0, -1, GM_FD_HERE, &done), 0);
    }
    assert_dirty_range(on->dirty, 0, 0);
}

struct refusal {
    gm_gpa gpa;
    uint64_t len;
    int from, to; /* results of the two directions */
};

/* Nothing is taken out of the descriptor for a range that is not there. */
static void refused_before_the_first_call(void **state)
{
    struct pieces *on = *state;
    static const struct refusal cases[] = {
        {7 * PAGE, 1, -EFAULT, -EFAULT},          {8 * PAGE, 1, -ENXIO, -ENXIO},
        {6 * PAGE - 1, PAGE + 2, -EACCES, -EFAULT}, {8 * PAGE - 1, 2, -EFAULT, -EFAULT},
        {9 * PAGE - 1, 2, -ENXIO, -ENXIO},        {10 * PAGE - 4, 5, -EFAULT, -EFAULT},
        {PAGE, UINT64_MAX, -EOVERFLOW, -EOVERFLOW}, {UINT64_MAX, 2, -EOVERFLOW, -EOVERFLOW},
        {UINT64_MAX, 1, -EFAULT, -EFAULT},        {0, UINT64_MAX, -EACCES, -EFAULT},
    };
    const uint8_t bytes[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    int fd = file_of(bytes, 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t done = GARBAGE;
        assert_result(gm_guest_from_fd_all(on->view, cases[i].gpa, cases[i].len, fd, GM_FD_HERE, &done), cases[i].from);
        assert_int_equal(done, 0);
        done = GARBAGE;
        assert_result(gm_guest_to_fd_all(on->view, cases[i].gpa, cases[i].len, fd, GM_FD_HERE, &done), cases[i].to);
        assert_int_equal(done, 0);
        assert_int_equal(position(fd), 0);
        assert_dirty_range(on->dirty, 0, 0);
    }
    close(fd);
}

/* One transfer moves what is there before the hole, the ROM, the device; only the first byte makes it an error. */
static void one_transfer_ends_where_memory_does(void **state)
{
    struct pieces *on = *state;
    uint8_t bytes[64];
    uint64_t done = GARBAGE;
    fill_pattern(bytes, 64, 5);
    int fd = file_of(bytes, 64);
    assert_result(gm_guest_from_fd(on->view, 6 * PAGE - 10, 64, fd, 0, &done), 0);
    assert_int_equal(done, 10);
    assert_bytes(on, 6 * PAGE - 10, bytes, 10);
    assert_bytes(on, 6 * PAGE, (const uint8_t[]){0, 0, 0}, 3);
    assert_dirty_range(on->dirty, 6 * PAGE - 10, 10);
    assert_result(gm_guest_to_fd(on->view, 6 * PAGE - 10, 20, fd, 0, &done), 0);
    assert_int_equal(done, 20); /* ROM can be read */
    assert_result(gm_guest_to_fd(on->view, 7 * PAGE - 3, 20, fd, 0, &done), 0);
    assert_int_equal(done, 3);
    assert_result(gm_guest_from_fd(on->view, 10 * PAGE - 1, UINT64_MAX / 2, fd, 0, &done), 0);
    assert_int_equal(done, 1);
    done = GARBAGE;
    assert_result(gm_guest_from_fd(on->view, 6 * PAGE, 1, fd, 0, &done), -EACCES);
    assert_int_equal(done, 0);
    assert_result(gm_guest_from_fd(on->view, 7 * PAGE, 1, fd, 0, &done), -EFAULT);
    assert_result(gm_guest_to_fd(on->view, 8 * PAGE, 1, fd, 0, &done), -ENXIO);
    assert_result(gm_guest_to_fd(on->view, PAGE, UINT64_MAX, fd, 0, &done), -EOVERFLOW);
    assert_dirty_range(on->dirty, 10 * PAGE - 1, 1);
    close(fd);
}

static void bad_arguments(void **state)
{
    struct pieces *on = *state;
    uint64_t done = GARBAGE;
    int fd = file_of("abcd", 4);
    assert_result(gm_guest_from_fd(on->view, 0, 1, fd, GM_FD_HERE, NULL), -EINVAL);
    assert_result(gm_guest_to_fd_all(on->view, 0, 1, fd, GM_FD_HERE, NULL), -EINVAL);
    assert_result(gm_guest_from_fd(on->view, 0, 1, fd, -2, &done), -EINVAL);
    assert_int_equal(done, 0);
    assert_result(gm_guest_from_fd_all(on->view, 0, 1, fd, INT64_MIN, &done), -EINVAL);
    assert_result(gm_guest_to_fd(on->view, 0, 2, fd, INT64_MAX - 1, &done), -EOVERFLOW);
    assert_result(gm_guest_to_fd_all(on->view, 0, 1, fd, INT64_MAX, &done), -EOVERFLOW);
    assert_dirty_range(on->dirty, 0, 0); /* the kernel was not asked */
    assert_result(gm_guest_from_fd(on->view, 0, 1, fd, INT64_MAX - 1, &done), 0); /* far behind the end */
    assert_int_equal(done, 0);
    close(fd);
}

/* A call that fails may have written all that it was given; it is told, and errno is not touched. */
static void what_the_kernel_refuses(void **state)
{
    struct pieces *on = *state;
    int ends[2];
    uint64_t done = GARBAGE;
    assert_int_equal(pipe(ends), 0);
    errno = 77;
    assert_result(gm_guest_from_fd(on->view, PIECES_SEAM - 5, PAGE + 6, -1, GM_FD_HERE, &done), -EBADF);
    assert_int_equal(errno, 77);
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, PIECES_SEAM - 5, PAGE + 6);
    assert_result(gm_guest_from_fd_all(on->view, 5 * PAGE - 1, 2, ends[0], 0, &done), -ESPIPE);
    assert_dirty_range(on->dirty, 5 * PAGE - 1, 2);
    assert_result(gm_guest_to_fd(on->view, 0, 2, ends[0], GM_FD_HERE, &done), -EBADF); /* the wrong end */
    assert_dirty_range(on->dirty, 0, 0);
    close(ends[0]);
    signal(SIGPIPE, SIG_IGN);
    assert_result(gm_guest_to_fd_all(on->view, 0, 2, ends[1], GM_FD_HERE, &done), -EPIPE);
    assert_int_equal(errno, 77);
    close(ends[1]);
}

/* Datagrams and counts go by one call, although guest memory is in two pieces. */
static void one_call_for_all_pieces(void **state)
{
    struct pieces *on = *state;
    int ends[2];
    uint64_t done = GARBAGE, count = 5;
    uint8_t bytes[64], got[64];
    fill_pattern(bytes, 64, 6);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    assert_int_equal(send(ends[0], bytes, 64, 0), 64);
    assert_int_equal(send(ends[0], bytes, 10, 0), 10);
    assert_result(gm_guest_from_fd(on->view, PIECES_SEAM - 40, 100, ends[1], GM_FD_HERE, &done), 0);
    assert_int_equal(done, 64);
    assert_bytes(on, PIECES_SEAM - 40, bytes, 64);
    assert_result(gm_guest_from_fd(on->view, 0, 100, ends[1], GM_FD_HERE, &done), 0);
    assert_int_equal(done, 10);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM - 40, 64, ends[1], GM_FD_HERE, &done), 0);
    assert_int_equal(recv(ends[0], got, 64, MSG_DONTWAIT), 64);
    assert_memory_equal(got, bytes, 64);
    close(ends[0]);
    close(ends[1]);
    int counter = eventfd(0, EFD_NONBLOCK);
    pieces_set(on, PIECES_SEAM - 8, &count, 8);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM - 8, 8, counter, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 8);
    assert_result(gm_guest_from_fd(on->view, PIECES_SEAM, 8, counter, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 8);
    assert_bytes(on, PIECES_SEAM, &count, 8);
    assert_result(gm_guest_from_fd(on->view, PIECES_SEAM, 8, counter, GM_FD_HERE, &done), -EAGAIN);
    close(counter);
}

/* mmap: read_to_and_write_from_mem. Zeros in, out again to where nothing is kept, and on through a socket. */
static void devices_and_sockets(void **state)
{
    struct pieces *on = *state;
    int ends[2], zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_WRONLY);
    uint64_t done = GARBAGE;
    uint8_t *bytes = calloc(2, PAGE);
    assert_true(zero >= 0 && null >= 0 && bytes != NULL);
    memset(pieces_at(on, 3 * PAGE), 0xff, PAGE);
    memset(pieces_at(on, 4 * PAGE), 0xff, PAGE);
    assert_result(gm_guest_from_fd_all(on->view, 3 * PAGE, 2 * PAGE, zero, GM_FD_HERE, &done), 0);
    assert_bytes(on, 3 * PAGE, bytes, 2 * PAGE);
    assert_result(gm_guest_to_fd_all(on->view, 3 * PAGE, 2 * PAGE, null, GM_FD_HERE, &done), 0);
    assert_int_equal(done, 2 * PAGE);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    fill_pattern(bytes, 2 * PAGE, 7);
    pieces_set(on, 3 * PAGE, bytes, 2 * PAGE);
    assert_result(gm_guest_to_fd_all(on->view, 3 * PAGE, 2 * PAGE, ends[0], GM_FD_HERE, &done), 0);
    assert_result(gm_guest_from_fd_all(on->view, 0, 2 * PAGE, ends[1], GM_FD_HERE, &done), 0);
    assert_bytes(on, 0, bytes, 2 * PAGE);
    close(ends[0]);
    assert_result(gm_guest_from_fd_all(on->view, 0, 5, ends[1], GM_FD_HERE, &done), -ENODATA);
    close(ends[1]);
    close(zero);
    close(null);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(sources_shorter_equal_longer),
        PIECES(all_of_a_file_that_is_too_short),
        PIECES(into_a_file),
        PIECES(at_an_offset),
        PIECES(appended_whatever_the_offset),
        PIECES(length_zero),
        PIECES(refused_before_the_first_call),
        PIECES(one_transfer_ends_where_memory_does),
        PIECES(bad_arguments),
        PIECES(what_the_kernel_refuses),
        PIECES(one_call_for_all_pieces),
        PIECES(devices_and_sockets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
