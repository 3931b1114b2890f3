/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Child processes that fault: what is missing, handlers that tell who was called and how, and a case run in a child. A
 * child that gets to the end of its case exits with 0; handlers exit with numbers of their own.
 */
#ifndef GM_TESTS_LIB_FAULTING_H
#define GM_TESTS_LIB_FAULTING_H

#include "lib/cm.h"

#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestmem/recover.h>

#if defined(__SANITIZE_THREAD__)
#define MASKS_TELL 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MASKS_TELL 0
#endif
#endif
#ifndef MASKS_TELL
#define MASKS_TELL 1
#endif

#define PAGE 4096
#define PLAIN 41
#define INFORMED 42
#define WRONG 43

static uint8_t *missing; /* PROT_NONE: touching it is SIGSEGV */
static uint8_t *past;    /* of an empty file: SIGBUS */
static volatile sig_atomic_t calls;

static inline void require(bool good)
{
    if (!good)
        _exit(WRONG);
}

static inline int touch(void *argument)
{
    return *(volatile uint8_t *)argument;
}

static inline bool recovers(void)
{
    return gm_recover_call(touch, missing, missing, PAGE, NULL) == -EFAULT &&
           gm_recover_call(touch, past, past, PAGE, NULL) == -EFAULT;
}

static inline bool is_blocked(int number)
{
    sigset_t mask;
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    return sigismember(&mask, number) == 1;
}

/* In a handler. ThreadSanitizer blocks all signals there. */
static inline bool mask_is(int number, bool itself, bool first, bool second)
{
    return !MASKS_TELL ||
           (is_blocked(number) == itself && is_blocked(SIGUSR1) == first && is_blocked(SIGUSR2) == second);
}

static inline void plain(int number)
{
    require(mask_is(number, true, true, false));
    _exit(PLAIN);
}

static inline void informed(int number, siginfo_t *info, void *context)
{
    bool whole = context != NULL && info->si_signo == number && info->si_code > 0;
    require(whole && (info->si_addr == missing || info->si_addr == past));
    require(calls != 0 || mask_is(number, false, false, true)); /* of this handler, unless it is not the first */
    _exit(INFORMED);
}

static inline void set(int number, void (*handler)(int), int flags)
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    sigaddset(&action.sa_mask, SIGUSR1);
    require(sigaction(number, &action, NULL) == 0);
}

static inline void set_informed(void (*handler)(int, siginfo_t *, void *), int flags, struct sigaction *before)
{
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
    sigaddset(&action.sa_mask, SIGUSR2);
    require(sigaction(SIGSEGV, &action, before) == 0);
    require(sigaction(SIGBUS, &action, NULL) == 0);
}

static inline void set_both(void (*handler)(int), int flags)
{
    set(SIGSEGV, handler, flags);
    set(SIGBUS, handler, flags);
}

static inline void install(void)
{
    require(gm_recover_install() == 0);
}

/* How the child ends: its exit status, or less than 0 the signal. */
static inline int run(void (*before)(void), void (*body)(void))
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        before();
        body();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void before_plain(void)
{
    set_both(plain, SA_RESTART);
}

static inline void before_informed(void)
{
    set_informed(informed, SA_NODEFER, NULL);
}

static inline int map_pages(void **state)
{
    int fd = memfd_create("empty", 0);
    (void)state;
    if (!MASKS_TELL)
        print_message("SKIPPED: signal masks inside handlers; ThreadSanitizer blocks all signals there\n");
    missing = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    past = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return missing == MAP_FAILED || past == MAP_FAILED;
}

#endif
