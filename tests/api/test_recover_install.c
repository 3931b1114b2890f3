/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Putting the handlers in place and taking them away, also with those of others over them. Each case is a child process
 * (lib/faulting.h).
 */
#define _GNU_SOURCE
#include "lib/faulting.h"

static struct sigaction beneath; /* what passing() found */

static void counting(int number)
{
    (void)number;
    calls++;
}

/* Somebody who was installed over ours, and passes on as he should. */
static void passing(int number, siginfo_t *info, void *context)
{
    bool blocked = is_blocked(SIGUSR1);
    calls++;
    errno = 99;
    beneath.sa_sigaction(number, info, context);
    require(is_blocked(SIGUSR1) == blocked);
}

static bool is_set(int number, void (*handler)(int), int flags)
{
    struct sigaction now;
    require(sigaction(number, NULL, &now) == 0);
    return now.sa_handler == handler && (now.sa_flags & flags) == flags;
}

static void put_back(void)
{
    for (unsigned i = 0; i < 100; i++) { /* the same action again needs no room */
        install();
        install();
        require(recovers() && !is_set(SIGSEGV, plain, 0) && !is_set(SIGBUS, plain, 0));
        require(gm_recover_remove() == 0 && recovers());
        require(gm_recover_remove() == 0 && gm_recover_remove() == -ENOENT);
        require(is_set(SIGSEGV, plain, (int)SA_RESTART) && is_set(SIGBUS, plain, (int)SA_RESTART));
        require(gm_recover_call(touch, missing, missing, PAGE, NULL) == -EPERM);
    }
}

/* Another handler over ours: it stays, ours stay beneath it, and are used again when there is a user again. */
static void somebody_over_ours(void)
{
    install();
    set_informed(passing, 0, &beneath);
    errno = 55;
    require(recovers() && calls == 2 && errno == 55);
    require(!is_blocked(SIGSEGV) && !is_blocked(SIGBUS) && !is_blocked(SIGUSR2));
    require(gm_recover_remove() == 0 && is_set(SIGSEGV, (void (*)(int))(void (*)(void))passing, SA_SIGINFO));
    install();
    require(recovers() && calls == 4 && is_set(SIGBUS, (void (*)(int))(void (*)(void))passing, SA_SIGINFO));
    require(gm_recover_remove() == 0);
    touch(missing); /* through him and ours to the first */
}

static void somebody_over_ours_and_both_return(void)
{
    install();
    set_informed(passing, 0, &beneath);
    raise(SIGBUS);
    require(calls == 2 && recovers());
}

static void somebody_goes_again(void)
{
    install();
    set_informed(passing, 0, &beneath);
    require(gm_recover_remove() == 0);
    require(sigaction(SIGSEGV, &beneath, NULL) == 0 && sigaction(SIGBUS, &beneath, NULL) == 0);
    install();
    require(recovers() && calls == 0 && gm_recover_remove() == 0);
    require(is_set(SIGSEGV, plain, 0) && is_set(SIGBUS, plain, 0));
}

static void somebody_throws_ours_away(void)
{
    install();
    set_informed(passing, 0, &beneath);
    require(gm_recover_remove() == 0);
    set_both(SIG_DFL, 0);
    install();
    require(recovers() && gm_recover_remove() == 0 && is_set(SIGSEGV, SIG_DFL, 0));
}

static void too_many_different_ones(void)
{
    struct sigaction action = {.sa_handler = counting};
    unsigned good = 0;
    for (int number = SIGRTMIN; number < SIGRTMIN + 20; number++) {
        sigaddset(&action.sa_mask, number);
        require(sigaction(SIGBUS, &action, NULL) == 0);
        int result = gm_recover_install();
        require(result == (good < 16 ? 0 : -ENOSPC));
        require(result == 0 || (is_set(SIGBUS, counting, 0) && is_set(SIGSEGV, plain, 0)));
        good += result == 0;
        require(gm_recover_remove() == (result == 0 ? 0 : -ENOENT));
    }
    require(good == 16);
}

static void before_counting(void)
{
    set_both(counting, 0);
}

static void counted_and_put_back(void **state)
{
    (void)state;
    assert_int_equal(run(before_plain, put_back), 0);
    assert_int_equal(run(before_plain, too_many_different_ones), 0);
}

static void others_over_ours(void **state)
{
    (void)state;
    assert_int_equal(run(before_informed, somebody_over_ours), INFORMED);
    assert_int_equal(run(before_counting, somebody_over_ours_and_both_return), 0);
    assert_int_equal(run(before_plain, somebody_goes_again), 0);
    assert_int_equal(run(before_plain, somebody_throws_ours_away), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counted_and_put_back),
        cmocka_unit_test(others_over_ours),
    };
    return cmocka_run_group_tests(tests, map_pages, NULL);
}
