/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Streams that are short, do not block, or are interrupted: the next transfer goes on at the next byte, across pieces
 * of guest memory too. The first three tests fail with vm-memory 0.18.
 */
#define _GNU_SOURCE
#include "lib/pieces.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "lib/feeder.h"

#define GARBAGE UINT64_C(0xdeadbeef)

/* Defect of vm-memory 0.17 on: a short read in the first of two pieces was continued in the second piece, which left
 * a gap, and was counted as if there were none. */
static void a_short_read_goes_on_at_the_next_byte(void **state)
{
    struct pieces *on = *state;
    struct feeder feeder;
    uint8_t bytes[32], want[32] = {0};
    fill_pattern(bytes, 32, 3);
    feeder_start(&feeder, bytes, 32, 5);
    for (uint64_t at = 0; at < 32;) {
        uint64_t done = GARBAGE;
        assert_result(gm_guest_from_fd(on->view, PIECES_SEAM - 16 + at, 32 - at, feeder.read, GM_FD_HERE, &done), 0);
        assert_true(done >= 1 && done <= 5);
        memcpy(want + at, bytes + at, done);
        assert_bytes(on, PIECES_SEAM - 16, want, 32); /* and nothing behind it */
        assert_dirty_range(on->dirty, PIECES_SEAM - 16 + at, done);
        at += done;
    }
    feeder_end(&feeder);
}

/* Defect of vm-memory: read_exact over several pieces made one pass and gave up although more was to come. */
static void all_of_a_source_of_short_reads(void **state)
{
    struct pieces *on = *state;
    for (size_t step = 1; step <= 17; step += 4) {
        struct feeder feeder;
        uint8_t bytes[100], rest[100];
        uint64_t done = GARBAGE;
        size_t left = 0;
        fill_pattern(bytes, 100, (unsigned)step);
        feeder_start(&feeder, bytes, 100, step);
        assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM - 30, 64, feeder.read, GM_FD_HERE, &done), 0);
        assert_int_equal(done, 64);
        assert_bytes(on, PIECES_SEAM - 30, bytes, 64);
        assert_int_equal(*pieces_at(on, PIECES_SEAM + 34), 0);
        assert_dirty_range(on->dirty, PIECES_SEAM - 30, 64);
        for (ssize_t got = 1; got > 0; left += (size_t)got)
            got = read(feeder.read, rest + left, 100 - left);
        assert_int_equal(left, 36); /* nothing beyond was taken */
        assert_memory_equal(rest, bytes + 64, 36);
        feeder_end(&feeder);
    }
}

/* Defect of vm-memory: a sink that takes less was an error (WriteZero), and the count was lost. */
static void a_short_sink_is_a_short_count(void **state)
{
    struct pieces *on = *state;
    int ends[2];
    uint8_t *bytes = malloc(6 * PAGE), *got = malloc(6 * PAGE);
    uint64_t done = GARBAGE, rest = GARBAGE;
    assert_true(bytes != NULL && got != NULL);
    fill_pattern(bytes, 6 * PAGE, 4);
    pieces_set(on, 0, bytes, 6 * PAGE);
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PAGE), PAGE);
    assert_result(gm_guest_to_fd(on->view, PIECES_SEAM - 100, 2 * PAGE, ends[1], GM_FD_HERE, &done), 0);
    assert_true(done >= 101 && done < 2 * PAGE); /* more than the first piece, less than all */
    assert_result(gm_guest_to_fd(on->view, 0, 10, ends[1], GM_FD_HERE, &rest), -EAGAIN);
    assert_int_equal(rest, 0);
    assert_int_equal(read(ends[0], got, 6 * PAGE), done);
    assert_memory_equal(got, bytes + PIECES_SEAM - 100, done);
    assert_result(gm_guest_to_fd_all(on->view, 0, 6 * PAGE, ends[1], GM_FD_HERE, &done), -EAGAIN);
    assert_true(done >= 1 && done <= PAGE);
    assert_int_equal(read(ends[0], got, 6 * PAGE), done);
    assert_memory_equal(got, bytes, done);
    assert_dirty_range(on->dirty, 0, 0);
    close(ends[0]);
    close(ends[1]);
    free(bytes);
    free(got);
}

static void does_not_block(void **state)
{
    struct pieces *on = *state;
    int ends[2];
    uint64_t done = GARBAGE;
    assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
    assert_result(gm_guest_from_fd(on->view, 0, 10, ends[0], GM_FD_HERE, &done), -EAGAIN);
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, 0, 0); /* nothing came, and nothing can have been written */
    assert_int_equal(write(ends[1], "abc", 3), 3);
    assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM - 2, 10, ends[0], GM_FD_HERE, &done), -EAGAIN);
    assert_int_equal(done, 3);
    assert_bytes(on, PIECES_SEAM - 2, "abc", 4);
    assert_dirty_range(on->dirty, PIECES_SEAM - 2, 3);
    assert_int_equal(write(ends[1], "defghij", 7), 7);
    assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM + 1, 7, ends[0], GM_FD_HERE, &done), 0);
    assert_bytes(on, PIECES_SEAM - 2, "abcdefghij", 10);
    close(ends[0]);
    close(ends[1]);
}

static unsigned interruptions;
static int interrupted_pipe;

static void interrupt(int number)
{
    (void)number;
    __atomic_add_fetch(&interruptions, 1, __ATOMIC_RELEASE);
}

/* Interrupt the reader until it has seen a few signals, then give it what it waits for, interrupt, and the rest. */
static void *interrupt_and_feed(void *argument)
{
    pthread_t reader = *(pthread_t *)argument;
    static const char *parts[] = {"ab", "cdefgh", "ij"};
    for (unsigned i = 0; i < 3; i++) {
        while (__atomic_load_n(&interruptions, __ATOMIC_ACQUIRE) < 3 * (i + 1)) {
            pthread_kill(reader, SIGUSR1);
            usleep(500);
        }
        if (write(interrupted_pipe, parts[i], strlen(parts[i])) < 0)
            return argument;
    }
    return NULL;
}

static void interrupted_by_signals(void **state)
{
    struct pieces *on = *state;
    struct sigaction action = {.sa_handler = interrupt}, before; /* no SA_RESTART: readv reports EINTR */
    pthread_t self = pthread_self(), thread;
    int ends[2];
    void *failed;
    uint64_t done = GARBAGE;
    assert_int_equal(pipe(ends), 0);
    interrupted_pipe = ends[1];
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(pthread_create(&thread, NULL, interrupt_and_feed, &self), 0);
    assert_result(gm_guest_from_fd_all(on->view, PIECES_SEAM - 4, 10, ends[0], GM_FD_HERE, &done), 0);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(done, 10);
    assert_bytes(on, PIECES_SEAM - 4, "abcdefghij", 10);
    assert_dirty_range(on->dirty, PIECES_SEAM - 4, 10);
    sigaction(SIGUSR1, &before, NULL);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(a_short_read_goes_on_at_the_next_byte),
        PIECES(all_of_a_source_of_short_reads),
        PIECES(a_short_sink_is_a_short_count),
        PIECES(does_not_block),
        PIECES(interrupted_by_signals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
