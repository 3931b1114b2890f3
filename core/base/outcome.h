/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* How a system call that went through libc is answered: as a value, with errno as the caller had it. */
#ifndef GM_BASE_OUTCOME_H
#define GM_BASE_OUTCOME_H

#include <errno.h>
#include <stdbool.h>

/* 0, or -errno where it was not ok; errno is what was saved before the call. */
static inline int outcome(int saved, bool ok)
{
    int error = ok ? 0 : -errno;
    errno = saved;
    return error;
}

#endif
