/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Recovery points: armed around a function, found again by the handler of access/recover/signal.c.
 *
 * Participants: one thread, and the handler that interrupts it. Other threads have lists of their own.
 * Invariant: the list from gm_recover_innermost on holds points of frames that are live. A point is linked after it is
 *   complete and unlinked before its frame ends; the fences keep the compiler from moving the accesses of the function
 *   out of the time in which it is linked. A fault that is taken unlinks all points further in before it leaves their
 *   frames.
 */
#include "access/recover/recover.h"

#include <errno.h>
#include <stddef.h>

#include "base/math.h"
#include "guestmem/recover.h"

_Thread_local struct gm_recover_point *gm_recover_innermost;

/* The frame that the handler returns to; apart, so that no local of the caller lives in it. */
static __attribute__((noinline)) int call_with(struct gm_recover_point *point, int (*function)(void *argument),
                                               void *argument)
{
    const int saved = errno;
    if (sigsetjmp(point->resume, 0) != 0) {
        errno = saved; /* whatever handlers did on the way here */
        return -EFAULT;
    }
    point->outer = gm_recover_innermost;
    gm_recover_fence();
    gm_recover_innermost = point;
    gm_recover_fence();
    int result = function(argument);
    gm_recover_fence();
    gm_recover_innermost = point->outer;
    return result;
}

int gm_recover_run(struct gm_recover_point *point, int (*function)(void *argument), void *argument)
{
    int result = call_with(point, function, argument);
    gm_recover_fence(); /* the handler writes to the point */
    return result;
}

int gm_recover_call(int (*function)(void *argument), void *argument, const void *address, uint64_t len, void **fault)
{
    struct gm_recover_point point;
    uint64_t last;
    if (function == NULL || len == 0)
        return -EINVAL;
    if (!gm_range_last((uintptr_t)address, len, &last))
        return -EOVERFLOW;
    if (!gm_recover_is_installed())
        return -EPERM;
    point.view = NULL;
    point.first = (uintptr_t)address;
    point.last = (uintptr_t)last;
    point.fault = 0;
    int result = gm_recover_run(&point, function, argument);
    if (fault != NULL)
        *fault = (void *)(uintptr_t)point.fault;
    return result;
}
