/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The handlers for SIGSEGV and SIGBUS: take the faults that a recovery point waits for, pass on all others.
 *
 * Why the handler may do what it does:
 *  - It runs on the thread that faulted, at the access that faulted. Leaving by siglongjmp is what POSIX calls
 *    undefined only if the interrupted function is not async-signal-safe and others are called afterwards; what is
 *    interrupted here is a plain load or store of the function given to gm_recover_call, because an address inside its
 *    range faulted, and that function promises to hold nothing. No lock of the library is held there.
 *  - The signal mask is the same after as before: it is taken from the context of the interrupted code, so that
 *    sigsetjmp need not save it. (SA_NODEFER and an empty mask are not enough: whoever passes the fault on to this
 *    handler may have more signals blocked.) A thread that is on its alternate stack leaves it by the jump; the kernel
 *    goes by the stack pointer.
 *  - It reads one thread-local word with a fixed offset, the list behind it, which its own thread made (recover.c), the
 *    regions of views that its own thread holds (view.c), and one pointer to an action that is never changed once it is
 *    published. It calls what is async-signal-safe: sigaction, pthread_sigmask, raise, siglongjmp.
 *
 * Shared words: users, previous[]. Written under the lock; read by any thread.
 * Invariant: from before a handler stands in the kernel's table on, previous[] points to a complete action. Actions
 *   are never reused, because a handler on another thread may still read one: hence their number is bounded.
 * Pairs: [recover-P1] an action is published (release) and read by the handler (acquire).
 */
#undef _FORTIFY_SOURCE /* its siglongjmp takes a stack that SS_AUTODISARM has hidden for a wrong one, and aborts */

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "access/recover/recover.h"
#include "base/atomic.h"
#include "base/math.h"
#include "guestmem/recover.h"

#ifndef SEGV_MTEAERR
#define SEGV_MTEAERR 8 /* Linux 5.10, AArch64 */
#endif

#define KERNEL_SIGSET 8 /* [bytes] of the set that the kernel writes; the type of the C library is longer */
#define SIGNALS 2
#define ACTIONS_LIMIT 16 /* for each signal; see gm_recover_install */

static const int numbers[SIGNALS] = {SIGSEGV, SIGBUS};
static const struct sigaction plain = {.sa_handler = SIG_DFL};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static gm_atomic_u64 users;
static const struct sigaction *previous[SIGNALS];
static struct sigaction actions[SIGNALS][ACTIONS_LIMIT];
static unsigned action_count[SIGNALS];
static bool placed[SIGNALS]; /* and not taken back since: it is the handler, or somebody's earlier one */

bool gm_recover_is_installed(void)
{
    return gm_load_relaxed(&users) != 0;
}

/* --- in the handler ---------------------------------------------------------------------------------------- */

/* Is this the access of the instruction that was interrupted? Else somebody sent it, or it comes late. */
static bool is_fault(int number, const siginfo_t *info)
{
    if (info->si_code <= 0) /* kill, sigqueue */
        return false;
    return number == SIGBUS ? info->si_code != BUS_MCEERR_AO : info->si_code != SEGV_MTEAERR;
}

/* Of memory that is broken the kernel may know no more than the page. */
static struct gm_recover_missing missing_of(int number, const siginfo_t *info)
{
    uintptr_t address = (uintptr_t)info->si_addr, page = 0;
    if (number == SIGBUS && info->si_code == BUS_MCEERR_AR && info->si_addr_lsb > 0 && info->si_addr_lsb < 64)
        page = ((uintptr_t)1 << info->si_addr_lsb) - 1;
    return (struct gm_recover_missing){address & ~page, address, address | page};
}

static bool waits_for(const struct gm_recover_point *point, const struct gm_recover_missing *missing, uint64_t *where)
{
    if (point->view != NULL)
        return gm_recover_shown(point->view, missing, where);
    return gm_recover_within(missing, point->first, point->last, where);
}

/* The innermost point that waits for it. *where: what that point reports. */
static struct gm_recover_point *find_point(const struct gm_recover_missing *missing, uint64_t *where)
{
    struct gm_recover_point *point = gm_recover_innermost;
    while (point != NULL && !waits_for(point, missing, where))
        point = point->outer;
    return point;
}

/* What the kernel does where no handler is. A fault is ignored by nobody; the instruction runs again, and the process
 * ends at it. */
static void end_process(int number, bool fault)
{
    (void)sigaction(number, &plain, NULL);
    if (!fault)
        (void)raise(number);
}

static void call_previous(const struct sigaction *action, int number, siginfo_t *info, void *context)
{
    sigset_t block = action->sa_mask;
    sigset_t before;
    if ((action->sa_flags & SA_NODEFER) == 0)
        (void)sigaddset(&block, number);
    (void)pthread_sigmask(SIG_BLOCK, &block, &before);
    if ((action->sa_flags & SA_SIGINFO) != 0)
        action->sa_sigaction(number, info, context);
    else
        action->sa_handler(number);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pass_on(int number, siginfo_t *info, void *context)
{
    unsigned which = number == SIGBUS;
    bool fault = is_fault(number, info);
    const struct sigaction *action = gm_load_acquire(&previous[which]); /* [recover-P1] */
    if ((action->sa_flags & SA_SIGINFO) == 0 && action->sa_handler == SIG_IGN && !fault)
        return;
    if ((action->sa_flags & SA_SIGINFO) == 0 && (action->sa_handler == SIG_DFL || action->sa_handler == SIG_IGN)) {
        end_process(number, fault);
        return;
    }
    if ((action->sa_flags & (int)SA_RESETHAND) != 0)
        gm_store_release(&previous[which], &plain); /* [recover-P1] once only */
    call_previous(action, number, info, context);
}

/* Go on at the point, as if the handler had returned there. */
static _Noreturn void resume(struct gm_recover_point *point, uint64_t where, const ucontext_t *interrupted)
{
    sigset_t mask;
    (void)sigemptyset(&mask);
    memcpy(&mask, &interrupted->uc_sigmask, KERNEL_SIGSET);
    gm_recover_innermost = point->outer;
    point->fault = where;
    (void)pthread_sigmask(SIG_SETMASK, &mask, NULL);
    siglongjmp(point->resume, 1);
}

static void handle(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    const struct gm_recover_missing missing = missing_of(number, info);
    uint64_t where;
    struct gm_recover_point *point = is_fault(number, info) ? find_point(&missing, &where) : NULL;
    if (point != NULL)
        resume(point, where, context);
    pass_on(number, info, context);
    errno = saved;
}

/* --- putting it in place ----------------------------------------------------------------------------------- */

static bool is_ours(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 && action->sa_sigaction == handle;
}

static bool is_function(const struct sigaction *action)
{
    return (action->sa_flags & SA_SIGINFO) != 0 || (action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN);
}

static bool same(const struct sigaction *a, const struct sigaction *b)
{
    if (a->sa_flags != b->sa_flags || a->sa_handler != b->sa_handler) /* one word under two names */
        return false;
    for (int number = 1; number < NSIG; number++) {
        if (sigismember(&a->sa_mask, number) != sigismember(&b->sa_mask, number))
            return false;
    }
    return true;
}

/* Let this be the previous action. False: the limit. */
static bool remember(unsigned which, const struct sigaction *action)
{
    unsigned at = 0;
    while (at < action_count[which] && !same(&actions[which][at], action))
        at++;
    if (at == ACTIONS_LIMIT)
        return false;
    if (at == action_count[which]) {
        actions[which][at] = *action;
        action_count[which]++;
    }
    gm_store_release(&previous[which], &actions[which][at]); /* [recover-P1] */
    return true;
}

static int place(unsigned which)
{
    struct sigaction ours = {.sa_sigaction = handle, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
    struct sigaction now;
    (void)sigemptyset(&ours.sa_mask);
    (void)sigaction(numbers[which], NULL, &now);
    if (is_ours(&now) || (placed[which] && is_function(&now)))
        return 0; /* it is there, or below one that passes on */
    if (!remember(which, &now))
        return -ENOSPC;
    /* who ignores a signal is not interrupted by it either */
    ours.sa_flags |= is_function(&now) ? now.sa_flags & SA_RESTART : SA_RESTART;
    (void)sigaction(numbers[which], &ours, NULL);
    placed[which] = true;
    return 0;
}

/* Put back what was there, unless another stands there now. */
static void take_back(unsigned which)
{
    struct sigaction now;
    (void)sigaction(numbers[which], NULL, &now);
    if (!placed[which] || !is_ours(&now))
        return;
    (void)sigaction(numbers[which], previous[which], NULL);
    placed[which] = false;
}

int gm_recover_install(void)
{
    int saved = errno;
    int error = 0;
    (void)pthread_mutex_lock(&lock);
    if (gm_load_relaxed(&users) == 0) {
        error = place(0);
        if (error == 0 && (error = place(1)) != 0)
            take_back(0);
    }
    if (error == 0)
        gm_add_relaxed(&users, 1);
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
    return error;
}

int gm_recover_remove(void)
{
    int saved = errno;
    int error = -ENOENT;
    (void)pthread_mutex_lock(&lock);
    if (gm_load_relaxed(&users) != 0) {
        error = 0;
        if (gm_add_relaxed(&users, UINT64_MAX) == 1) {
            take_back(0);
            take_back(1);
        }
    }
    (void)pthread_mutex_unlock(&lock);
    errno = saved;
    return error;
}
