/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The heavy half of an asymmetric fence: whoever calls it makes every running thread of the process pass a full fence,
 * so that those threads' own half is nothing but a barrier to the compiler. Linux: membarrier, private expedited.
 */
#ifndef GM_BASE_BARRIER_H
#define GM_BASE_BARRIER_H

#include <stdbool.h>

/* Can this process do it? Registers the process with the kernel. False where the kernel, or a filter, says no. */
bool gm_barrier_able(void);

/*
 * For each other thread of the process there is a moment during the call at which it is, or passes, a full fence.
 * Returns 0, or -errno when the kernel has come to refuse (a filter that was set up after gm_barrier_able).
 * Cost: below 1 us alone, some more for each processor that runs another thread of the process.
 */
int gm_barrier(void);

#endif
