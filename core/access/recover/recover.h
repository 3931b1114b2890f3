/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A recovery point: where a thread goes on when it touches memory that is not there. Between the code that arms points
 * (recover.c) and the signal handler that uses them (access/recover/signal.c).
 */
#ifndef GM_ACCESS_RECOVER_RECOVER_H
#define GM_ACCESS_RECOVER_RECOVER_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/math.h"
#include "guestmem/types.h"
#include "guestmem/view.h"

struct gm_recover_point {
    struct gm_recover_point *outer; /* the next one out on this thread's stack */
    const struct gm_view *view;     /* faults in all that it shows; NULL: in the range */
    uintptr_t first, last;          /* inclusive */
    uint64_t fault;                 /* where the one that was taken was: in host memory, of a view a guest address */
    sigjmp_buf resume;
};

/* Host memory that is not there, inclusive, and the byte in it that was wanted. */
struct gm_recover_missing {
    uintptr_t first, at, last;
};

/*
 * The innermost point of this thread. Fixed offset from the thread pointer, also in a library that was loaded late:
 * a handler may not run into the first use of a lazily allocated block.
 */
extern _Thread_local struct gm_recover_point *gm_recover_innermost __attribute__((tls_model("initial-exec")));

/* The compiler may not move memory accesses across. The handler runs on this thread: the machine need not be told. */
#define gm_recover_fence() __asm__ volatile("" ::: "memory")

bool gm_recover_is_installed(void);

/* Call function(argument) with this point armed: what it waits for is set, and fault to what it is without one. The
 * handlers are installed. Returns what function returns; -EFAULT: it was left. */
int gm_recover_run(struct gm_recover_point *point, int (*function)(void *argument), void *argument);

/* Is some of [first, last] missing? *where: a byte of it, the one that was wanted if that is in there. */
static inline bool gm_recover_within(const struct gm_recover_missing *missing, uintptr_t first, uintptr_t last,
                                     uint64_t *where)
{
    if (missing->last < first || missing->first > last)
        return false;
    *where = gm_min_u64(gm_max_u64(missing->at, first), last);
    return true;
}

/* Does the view show what is missing, and where? The lowest guest address. Async-signal-safe; the view is held. */
bool gm_recover_shown(const struct gm_view *view, const struct gm_recover_missing *missing, gm_gpa *where);

/* Copy len bytes of one piece of guest memory. *moved: as *done of gm_guest_read_safe; *touched: how far it may have
 * got. Returns 0, -EFAULT. */
int gm_recover_copy(void *guest, void *local, uint64_t len, bool to_guest, uint64_t *moved, uint64_t *touched);

#endif
