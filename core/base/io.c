/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The system calls behind io.h; errno as in mem.c. */
#define _GNU_SOURCE
#include "base/io.h"

#include <errno.h>

#include "base/fault.h"

static int outcome(int saved, ssize_t got, uint64_t *moved)
{
    int error = got < 0 ? -errno : 0;
    errno = saved;
    *moved = got < 0 ? 0 : (uint64_t)got;
    return error;
}

static int injected(uint64_t *moved)
{
    *moved = 0;
    return -EIO;
}

int gm_io_read(int fd, const struct iovec *iov, unsigned count, int64_t offset, uint64_t *moved)
{
    int saved = errno;
    if (gm_fault_due())
        return injected(moved);
    if (offset == GM_IO_HERE)
        return outcome(saved, readv(fd, iov, (int)count), moved);
    return outcome(saved, preadv(fd, iov, (int)count, (off_t)offset), moved);
}

int gm_io_write(int fd, const struct iovec *iov, unsigned count, int64_t offset, uint64_t *moved)
{
    int saved = errno;
    if (gm_fault_due())
        return injected(moved);
    if (offset == GM_IO_HERE)
        return outcome(saved, writev(fd, iov, (int)count), moved);
    return outcome(saved, pwritev(fd, iov, (int)count, (off_t)offset), moved);
}
