/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What becomes of signals that are not ours: each case is a child process (lib/faulting.h), and what was there before
 * gets them as it would have without us.
 */
#define _GNU_SOURCE
#include "lib/faulting.h"

#include <pthread.h>
#include <sys/syscall.h>

static void counting(int number)
{
    (void)number;
    calls++;
}

/* Gives the page what it lacks, and lets the instruction run again. */
static void repairing(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    calls++;
    require(info->si_addr == missing && mprotect(missing, PAGE, PROT_READ) == 0);
}

static void fault_elsewhere(void)
{
    install();
    require(recovers());
    require(gm_recover_call(touch, missing, past, PAGE, NULL) == 0);
}

static void bus_fault_elsewhere(void)
{
    install();
    require(gm_recover_call(touch, past, missing, PAGE, NULL) == 0);
}

static int nothing(void *argument)
{
    (void)argument;
    return 0;
}

/* Handlers elsewhere, so that what a call has left on the stack stays there. */
static void use_another_stack(void)
{
    static char memory[1 << 16] __attribute__((aligned(64)));
    const stack_t stack = {.ss_sp = memory, .ss_size = sizeof(memory)};
    require(sigaltstack(&stack, NULL) == 0);
}

/* The range of a call is forgotten when the call ends, by itself or by a fault. */
static void fault_after_a_call(void)
{
    install();
    use_another_stack();
    require(gm_recover_call(nothing, NULL, missing, PAGE, NULL) == 0);
    require(calls++ == 0); /* and nobody comes back here */
    touch(missing);
}

static void fault_after_a_fault(void)
{
    install();
    use_another_stack();
    require(recovers());
    require(calls++ == 0);
    touch(past);
}

/* As the kernel reports a broken page to the thread that touched it: by the page, not by the byte. */
static int touch_a_broken_page(void *argument)
{
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AR, .si_addr = argument};
    info.si_addr_lsb = 12;
    (void)syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGBUS, &info);
    return 0;
}

static void broken_page(void)
{
    void *fault = NULL;
    install();
    require(gm_recover_call(touch_a_broken_page, missing, missing + 64, 8, &fault) == -EFAULT);
    require(fault == missing + 64);
    require(gm_recover_call(touch_a_broken_page, missing + 96, missing + 64, 8, &fault) == -EFAULT);
    require(fault == missing + 71);
    require(gm_recover_call(touch_a_broken_page, missing + 68, missing + 64, 8, &fault) == -EFAULT);
    require(fault == missing + 68);
}

static void another_broken_page(void)
{
    install();
    require(gm_recover_call(touch_a_broken_page, missing, missing + PAGE, 8, NULL) == 0);
}

static int waits[2];

static void *send_while_it_waits(void *argument)
{
    for (unsigned i = 0; i < 40; i++) {
        usleep(500);
        pthread_kill(*(pthread_t *)argument, SIGSEGV);
    }
    return write(waits[1], "x", 1) == 1 ? NULL : argument;
}

/* Who was not interrupted before is not now. */
static void not_interrupted(void)
{
    pthread_t self = pthread_self(), thread;
    char byte;
    install();
    require(pipe(waits) == 0 && pthread_create(&thread, NULL, send_while_it_waits, &self) == 0);
    require(read(waits[0], &byte, 1) == 1 && pthread_join(thread, NULL) == 0);
}

/* And who was, is. */
static void interrupted(void)
{
    pthread_t self = pthread_self(), thread;
    char byte;
    install();
    require(pipe(waits) == 0 && pthread_create(&thread, NULL, send_while_it_waits, &self) == 0);
    require(read(waits[0], &byte, 1) == -1 && errno == EINTR && pthread_join(thread, NULL) == 0);
}

static int send_itself(void *argument)
{
    (void)argument;
    kill(getpid(), SIGSEGV);
    return 0;
}

/* The kernel reports a broken page that nobody has touched yet: no access to leave. */
static int report_page(void *argument)
{
    siginfo_t info = {.si_signo = SIGBUS, .si_code = BUS_MCEERR_AO, .si_addr = argument};
    return (int)syscall(SYS_rt_sigqueueinfo, getpid(), SIGBUS, &info);
}

static void reported_during_a_call(void)
{
    install();
    require(gm_recover_call(report_page, missing, missing, PAGE, NULL) == 0);
}

static void sent_during_a_call(void)
{
    install();
    require(gm_recover_call(send_itself, NULL, missing, PAGE, NULL) == 0);
}

static void sent_and_counted(void)
{
    install();
    raise(SIGBUS);
    require(calls == 1 && recovers());
    raise(SIGBUS); /* of a handler for once: now there is none */
}

static void *touch_on_a_thread(void *argument)
{
    return (void *)(uintptr_t)touch(argument);
}

static int wait_for_another(void *argument)
{
    pthread_t thread;
    require(pthread_create(&thread, NULL, touch_on_a_thread, argument) == 0);
    return pthread_join(thread, NULL);
}

static void fault_of_another_thread(void)
{
    install();
    require(gm_recover_call(wait_for_another, missing, missing, PAGE, NULL) == 0);
}

static void repaired_and_run_again(void)
{
    install();
    require(touch(missing) == 0 && calls == 1 && touch(missing) == 0 && calls == 1);
}

static void before_default(void)
{
    set_both(SIG_DFL, 0);
}

static void before_ignored(void)
{
    set_both(SIG_IGN, 0);
}

static void before_once(void)
{
    set_both(counting, (int)SA_RESETHAND);
}

static void before_restarting(void)
{
    set_both(counting, SA_RESTART);
}

static void before_interrupting(void)
{
    set_both(counting, 0);
}

static void before_repairing(void)
{
    set_informed(repairing, 0, NULL);
}

static void no_handler_before(void **state)
{
    (void)state;
    assert_int_equal(run(before_default, fault_elsewhere), -SIGSEGV);
    assert_int_equal(run(before_default, bus_fault_elsewhere), -SIGBUS);
    assert_int_equal(run(before_default, sent_during_a_call), -SIGSEGV);
    assert_int_equal(run(before_default, reported_during_a_call), -SIGBUS);
    assert_int_equal(run(before_default, fault_of_another_thread), -SIGSEGV);
}

static void ignored_before(void **state)
{
    (void)state;
    assert_int_equal(run(before_ignored, sent_during_a_call), 0);
    assert_int_equal(run(before_ignored, fault_elsewhere), -SIGSEGV); /* nobody can ignore a fault */
    assert_int_equal(run(before_ignored, bus_fault_elsewhere), -SIGBUS);
}

static void plain_handler_before(void **state)
{
    (void)state;
    assert_int_equal(run(before_plain, fault_elsewhere), PLAIN);
    assert_int_equal(run(before_plain, bus_fault_elsewhere), PLAIN);
    assert_int_equal(run(before_plain, sent_during_a_call), PLAIN);
    assert_int_equal(run(before_plain, reported_during_a_call), PLAIN);
    assert_int_equal(run(before_plain, fault_after_a_call), PLAIN);
    assert_int_equal(run(before_plain, fault_after_a_fault), PLAIN);
    assert_int_equal(run(before_once, sent_and_counted), -SIGBUS);
}

static void informed_handler_before(void **state)
{
    (void)state;
    assert_int_equal(run(before_informed, fault_elsewhere), INFORMED);
    assert_int_equal(run(before_informed, bus_fault_elsewhere), INFORMED);
    assert_int_equal(run(before_informed, fault_of_another_thread), INFORMED);
    assert_int_equal(run(before_repairing, repaired_and_run_again), 0);
}

static void broken_memory(void **state)
{
    (void)state;
    assert_int_equal(run(before_plain, broken_page), 0);
    assert_int_equal(run(before_plain, another_broken_page), PLAIN);
}

static void calls_that_wait(void **state)
{
    (void)state;
    assert_int_equal(run(before_restarting, not_interrupted), 0);
    assert_int_equal(run(before_ignored, not_interrupted), 0);
    assert_int_equal(run(before_interrupting, interrupted), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_handler_before),
        cmocka_unit_test(ignored_before),
        cmocka_unit_test(plain_handler_before),
        cmocka_unit_test(informed_handler_before),
        cmocka_unit_test(broken_memory),
        cmocka_unit_test(calls_that_wait),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
