/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The system call behind barrier.h. errno is saved and restored: the library's contract is to leave it alone. */
#define _GNU_SOURCE
#include "base/barrier.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"

static int command(int what)
{
    int saved = errno;
    int error = syscall(SYS_membarrier, what, 0) >= 0 ? 0 : -errno;
    errno = saved;
    return error;
}

bool gm_barrier_able(void)
{
    if (gm_fault_due())
        return false;
    return command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0 &&
           command(MEMBARRIER_CMD_PRIVATE_EXPEDITED) == 0;
}

int gm_barrier(void)
{
    if (gm_fault_due())
        return -ENOMEM;
    return command(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}
