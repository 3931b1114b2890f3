/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Moving bytes between iovecs and a descriptor: one system call, whatever its outcome. Returns 0 or -errno, leaves
 * errno alone, and can be made to fail by fault.h (-EIO, without the call).
 */
#ifndef GM_BASE_IO_H
#define GM_BASE_IO_H

#include <stdint.h>
#include <sys/uio.h>

/*
 * readv or writev; preadv or pwritev at offset when that is not GM_IO_HERE.
 * *moved: bytes, 0 on error. A failed read may have written to the iovecs all the same.
 */
#define GM_IO_HERE (-1)
int gm_io_read(int fd, const struct iovec *iov, unsigned count, int64_t offset, uint64_t *moved);
int gm_io_write(int fd, const struct iovec *iov, unsigned count, int64_t offset, uint64_t *moved);

#endif
