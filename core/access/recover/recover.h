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

struct gm_recover_point {
    struct gm_recover_point *outer; /* the next one out on this thread's stack */
    uintptr_t first, last;          /* faults at these addresses, inclusive */
    uintptr_t fault;                /* the address of the one that was taken */
    sigjmp_buf resume;
};

/*
 * The innermost point of this thread. Fixed offset from the thread pointer, also in a library that was loaded late:
 * a handler may not run into the first use of a lazily allocated block.
 */
extern _Thread_local struct gm_recover_point *gm_recover_innermost __attribute__((tls_model("initial-exec")));

/* The compiler may not move memory accesses across. The handler runs on this thread: the machine need not be told. */
#define gm_recover_fence() __asm__ volatile("" ::: "memory")

bool gm_recover_is_installed(void);

/* Copy len bytes of one piece of guest memory. *moved: as *done of gm_guest_read_safe; *touched: how far it may have
 * got. Returns 0, -EFAULT. */
int gm_recover_copy(void *guest, void *local, uint64_t len, bool to_guest, uint64_t *moved, uint64_t *touched);

#endif
