/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory that is missing when it is touched, for real: a truncated file. What is copied
 * before it is counted, what may have been written is marked, and the process goes on.
 */
#define _GNU_SOURCE
#include "lib/vanish.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/socket.h>

#define GARBAGE UINT64_C(0xdeadbeef)

static void copies_end_at_the_missing_page(void **state)
{
    struct vanish on;
    static const uint64_t firsts[] = {0, 1, PAGE - 1, 2 * PAGE, 4 * PAGE - 64, 4 * PAGE - 3, 4 * PAGE, 5 * PAGE + 9};
    static const uint64_t lengths[] = {1, 4, 8, 64, PAGE, 3 * PAGE, 9 * PAGE + 5};
    uint8_t *buffer = malloc(VANISH_PAGES * PAGE), *pattern = malloc(VANISH_PAGES * PAGE);
    (void)state;
    assert_true(buffer != NULL && pattern != NULL);
    assert_result(gm_recover_install(), 0);
    vanish_open(&on, 4);
    fill_pattern(pattern, VANISH_PAGES * PAGE, 3);
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        for (size_t j = 0; j < sizeof(lengths) / sizeof(lengths[0]); j++) {
            const uint64_t first = firsts[i], len = lengths[j];
            const uint64_t there = first >= 4 * PAGE ? 0 : first + len > 4 * PAGE ? 4 * PAGE - first : len;
            const uint64_t next = (first + there) / PAGE * PAGE + PAGE; /* where the page that is missing ends */
            uint64_t done = GARBAGE;
            memset(buffer, 0, len);
            assert_result(gm_guest_read_safe(on.view, first, buffer, len, &done), there == len ? 0 : -EFAULT);
            assert_int_equal(done, there);
            assert_memory_equal(buffer, pattern + first, there);
            assert_dirty_range(on.dirty, 0, 0);
            done = GARBAGE;
            assert_result(gm_guest_write_safe(on.view, first, pattern + first, len, &done), there == len ? 0 : -EFAULT);
            assert_int_equal(done, there);
            assert_dirty_range(on.dirty, first, there == len || next - first > len ? len : next - first);
        }
    }
    assert_memory_equal(on.host, pattern, 4 * PAGE);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
    free(buffer);
    free(pattern);
}

static void slices_too(void **state)
{
    struct vanish on;
    struct gm_slice slice;
    uint8_t buffer[2 * PAGE];
    uint64_t done = GARBAGE;
    (void)state;
    vanish_open(&on, 4);
    assert_result(gm_slice_init(on.view, PAGE, 8 * PAGE, GM_RW, &slice), 0);
    assert_result(gm_slice_read_safe(&slice, 0, buffer, 4, &done), -EPERM);
    assert_int_equal(done, 0);
    assert_result(gm_recover_install(), 0);
    assert_result(gm_slice_read_safe(&slice, 2 * PAGE + 5, buffer, 2 * PAGE, &done), -EFAULT);
    assert_int_equal(done, PAGE - 5);
    assert_memory_equal(buffer, on.host + 3 * PAGE + 5, PAGE - 5);
    assert_result(gm_slice_write_safe(&slice, 2 * PAGE + 5, buffer, 2 * PAGE, &done), -EFAULT);
    assert_int_equal(done, PAGE - 5);
    assert_dirty_range(on.dirty, 3 * PAGE, 2 * PAGE);
    assert_result(gm_slice_write_safe(&slice, 8, buffer, 8, &done), 0);
    assert_int_equal(done, 8);
    assert_dirty_range(on.dirty, PAGE + 8, 8);
    assert_result(gm_slice_read_safe(&slice, 8 * PAGE, buffer, 1, &done), -ERANGE);
    assert_result(gm_slice_limit(&slice, GM_READ, &slice), 0);
    assert_result(gm_slice_write_safe(&slice, 0, buffer, 1, &done), -EACCES);
    assert_result(gm_slice_read_safe(&slice, 0, buffer, 1, NULL), -EINVAL);
    assert_dirty_range(on.dirty, 0, 0);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

/* Streams need no handler: the kernel meets the missing page itself. A datagram shows why all is marked then: its
 * beginning is written although the call fails. */
static void streams_report_it(void **state)
{
    struct vanish on;
    uint8_t bytes[2 * PAGE];
    uint64_t done = GARBAGE;
    int ends[2], source = memfd_create("source", 0);
    (void)state;
    vanish_open(&on, 4);
    fill_pattern(bytes, sizeof(bytes), 50);
    assert_int_equal(write(source, bytes, sizeof(bytes)), sizeof(bytes));
    assert_result(gm_guest_from_fd_all(on.view, 3 * PAGE + 9, 2 * PAGE, source, 0, &done), -EFAULT);
    assert_int_equal(done, PAGE - 9);
    assert_memory_equal(on.host + 3 * PAGE + 9, bytes, PAGE - 9);
    assert_dirty_range(on.dirty, 3 * PAGE + 9, 2 * PAGE);
    assert_result(gm_guest_from_fd(on.view, 5 * PAGE, 10, source, 0, &done), -EFAULT);
    assert_int_equal(done, 0);
    assert_dirty_range(on.dirty, 5 * PAGE, 10);
    assert_result(gm_guest_to_fd_all(on.view, 3 * PAGE + 9, 2 * PAGE, source, 0, &done), -EFAULT);
    assert_int_equal(done, PAGE - 9);
    assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    memset(on.host + 3 * PAGE, 0, PAGE);
    fill_pattern(bytes, sizeof(bytes), 51);
    assert_int_equal(send(ends[0], bytes, sizeof(bytes), 0), sizeof(bytes));
    assert_result(gm_guest_from_fd(on.view, 3 * PAGE, 2 * PAGE, ends[1], GM_FD_HERE, &done), -EFAULT);
    assert_int_equal(done, 0);
    assert_int_equal(on.host[3 * PAGE], bytes[0]); /* written, and not counted */
    assert_dirty_range(on.dirty, 3 * PAGE, 2 * PAGE);
    vanish_close(&on);
    close(ends[0]);
    close(ends[1]);
    close(source);
}

static int add_up(void *argument)
{
    volatile uint8_t **at = argument;
    int sum = 0;
    for (unsigned i = 0; i < 3; i++, *at += PAGE)
        sum += **at;
    return sum;
}

static void any_function(void **state)
{
    struct vanish on;
    void *fault = &on;
    volatile uint8_t *at;
    (void)state;
    vanish_open(&on, 4);
    on.host[0] = 1;
    on.host[PAGE] = 2;
    on.host[2 * PAGE] = 4;
    at = on.host;
    assert_result(gm_recover_call(add_up, &at, on.host, VANISH_PAGES * PAGE, &fault), -EPERM);
    assert_ptr_equal(fault, &on);
    assert_result(gm_recover_install(), 0);
    assert_result(gm_recover_call(add_up, &at, on.host, VANISH_PAGES * PAGE, &fault), 7);
    assert_null(fault);
    at = on.host + 2 * PAGE + 5;
    assert_result(gm_recover_call(add_up, &at, on.host, VANISH_PAGES * PAGE, &fault), -EFAULT);
    assert_ptr_equal(fault, on.host + 4 * PAGE + 5);
    assert_ptr_equal(at, fault); /* what was written before the fault is written */
    assert_result(gm_recover_call(add_up, &at, on.host, VANISH_PAGES * PAGE, NULL), -EFAULT);
    assert_result(gm_recover_call(NULL, &at, on.host, 1, NULL), -EINVAL);
    assert_result(gm_recover_call(add_up, &at, on.host, 0, NULL), -EINVAL);
    assert_result(gm_recover_call(add_up, &at, on.host, UINT64_MAX, NULL), -EOVERFLOW);
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

static void refused_before_anything(void **state)
{
    struct pieces *on = *state;
    uint8_t byte[2] = {7, 9};
    uint64_t done = GARBAGE;
    assert_result(gm_guest_read_safe(on->view, 0, byte, 1, &done), -EPERM);
    assert_int_equal(done, 0);
    assert_result(gm_recover_install(), 0);
    done = GARBAGE;
    assert_result(gm_guest_read_safe(on->view, 7 * PAGE - 1, byte, 2, &done), -EFAULT);
    assert_int_equal(done, 0);
    assert_result(gm_guest_read_safe(on->view, 8 * PAGE, byte, 1, &done), -ENXIO);
    assert_result(gm_guest_write_safe(on->view, 6 * PAGE - 1, byte, 2, &done), -EACCES);
    assert_result(gm_guest_write_safe(on->view, UINT64_MAX, byte, 2, &done), -EOVERFLOW);
    assert_result(gm_guest_read_safe(on->view, 7 * PAGE, byte, 0, &done), 0);
    assert_result(gm_guest_read_safe(on->view, 0, byte, 1, NULL), -EINVAL);
    assert_int_equal(byte[0], 7);
    assert_dirty_range(on->dirty, 0, 0);
    assert_result(gm_guest_write_safe(on->view, PIECES_SEAM - 1, byte, 2, &done), 0);
    assert_int_equal(done, 2);
    assert_bytes(on, PIECES_SEAM - 1, byte, 2);
    assert_dirty_range(on->dirty, PIECES_SEAM - 1, 2);
    assert_result(gm_recover_remove(), 0);
}

static int touch(void *argument)
{
    return **(volatile uint8_t **)argument;
}

struct nest {
    uint8_t *inner, *outer; /* pages that are missing */
    uint8_t *touch;
    int result;
    bool came_back;
};

static int inner_call(void *argument)
{
    struct nest *nest = argument;
    nest->result = gm_recover_call(touch, &nest->touch, nest->inner, PAGE, NULL);
    nest->came_back = true;
    return nest->result == -EFAULT ? 5 : touch(&nest->outer);
}

/* The innermost range that holds the address decides; the ranges inside it are gone. */
static void calls_nest(void **state)
{
    struct vanish on;
    void *fault = NULL;
    (void)state;
    vanish_open(&on, 0);
    assert_result(gm_recover_install(), 0);
    struct nest nest = {.inner = on.host, .outer = on.host + PAGE, .touch = on.host};
    assert_result(gm_recover_call(inner_call, &nest, on.host, 4 * PAGE, &fault), 5);
    assert_null(fault);
    assert_true(nest.came_back);
    nest = (struct nest){.inner = on.host, .outer = on.host + PAGE, .touch = on.host + PAGE};
    assert_result(gm_recover_call(inner_call, &nest, on.host, 4 * PAGE, &fault), -EFAULT);
    assert_ptr_equal(fault, on.host + PAGE);
    assert_false(nest.came_back);
    assert_result(gm_recover_call(inner_call, &nest, on.host, 4 * PAGE, &fault), -EFAULT); /* and the next one works */
    nest = (struct nest){.inner = on.host, .outer = on.host + 2 * PAGE, .touch = on.host};
    assert_result(gm_recover_call(inner_call, &nest, on.host + 2 * PAGE, PAGE, &fault), 5);
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

#define ROUNDS 300

static void *many_faults(void *argument)
{
    struct vanish *on = argument;
    uint64_t wrong = 0;
    static char stack[4][1 << 16] __attribute__((aligned(64)));
    static unsigned threads;
    stack_t own = {.ss_sp = stack[__atomic_fetch_add(&threads, 1, __ATOMIC_RELAXED) % 4], .ss_size = sizeof(stack[0])};
    stack_t before;
    wrong += sigaltstack(&own, &before) != 0; /* the handler runs on it, and leaves it by a jump */
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint8_t bytes[3 * PAGE];
        uint64_t done = GARBAGE;
        wrong += gm_guest_read_safe(on->view, 3 * PAGE - i, bytes, 3 * PAGE, &done) != -EFAULT || done != PAGE + i;
        wrong += gm_guest_read_safe(on->view, i, bytes, 64, &done) != 0 || done != 64;
    }
    stack_t after;
    wrong += sigaltstack(&before, &after) != 0 || (after.ss_flags & SS_ONSTACK) != 0;
    return (void *)(uintptr_t)wrong;
}

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31) /* Linux 4.7 */
#endif

/* A stack that the kernel forgets while a handler is on it: it is gone after the first fault, and no harm is done. */
static void *faults_without_their_stack(void *argument)
{
    struct vanish *on = argument;
    uint64_t wrong = 0, done;
    uint8_t byte;
    stack_t own = {.ss_size = 1 << 16, .ss_flags = (int)SS_AUTODISARM};
    own.ss_sp = mmap(NULL, own.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    wrong += own.ss_sp == MAP_FAILED || sigaltstack(&own, NULL) != 0;
    for (unsigned i = 0; i < 3; i++)
        wrong += gm_guest_read_safe(on->view, 5 * PAGE, &byte, 1, &done) != -EFAULT || done != 0;
    return (void *)(uintptr_t)wrong;
}

static void stacks_that_are_forgotten(void **state)
{
    struct vanish on;
    pthread_t thread;
    void *wrong;
    (void)state;
    vanish_open(&on, 4);
    assert_result(gm_recover_install(), 0);
    assert_int_equal(pthread_create(&thread, NULL, faults_without_their_stack, &on), 0);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

static void threads_have_their_own(void **state)
{
    struct vanish on;
    pthread_t threads[4];
    (void)state;
    vanish_open(&on, 4);
    assert_result(gm_recover_install(), 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, many_faults, &on), 0);
    for (unsigned i = 0; i < 4; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

/* The thread's signal mask and errno are after a fault what they were before. */
static void nothing_else_changes(void **state)
{
    struct vanish on;
    sigset_t mask, before, after;
    uint8_t byte;
    uint64_t done;
    (void)state;
    vanish_open(&on, 0);
    assert_result(gm_recover_install(), 0);
    sigemptyset(&mask);
    sigaddset(&mask, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mask, &before);
    errno = 55;
    for (unsigned i = 0; i < 3; i++)
        assert_result(gm_guest_read_safe(on.view, 0, &byte, 1, &done), -EFAULT);
    assert_int_equal(errno, 55);
    pthread_sigmask(SIG_SETMASK, &before, &after);
    for (int number = 1; number < NSIG; number++)
        assert_int_equal(sigismember(&after, number) == 1, number == SIGUSR2 || sigismember(&before, number) == 1);
    assert_result(gm_recover_remove(), 0);
    vanish_close(&on);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_end_at_the_missing_page),
        cmocka_unit_test(slices_too),
        cmocka_unit_test(streams_report_it),
        cmocka_unit_test(any_function),
        PIECES(refused_before_anything),
        cmocka_unit_test(calls_nest),
        cmocka_unit_test(stacks_that_are_forgotten),
        cmocka_unit_test(threads_have_their_own),
        cmocka_unit_test(nothing_else_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
