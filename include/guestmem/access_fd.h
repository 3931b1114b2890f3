/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Streams: guest memory straight from and to a file descriptor, and guest memory as iovecs for those who make the
 * system calls themselves.
 *
 *     uint64_t done;
 *     int error = gm_guest_from_fd_all(view, gpa, 4096, fd, GM_FD_HERE, &done);     guest memory <- file, pipe, socket
 *
 * Two forms. The plain one is one transfer, as read(2) and write(2) are: it may move less, and one datagram, packet or
 * eventfd count goes by one call. The one with _all moves everything, at the next byte after each short transfer,
 * also where memory consists of several pieces; before the first system call it looks whether the guest's range is
 * there at all, so that a bad address takes nothing out of the descriptor.
 *
 * *done is always written, with success and with every error: the bytes moved, which are those from gpa on.
 *
 * Parameters of all calls:
 *   len     [bytes] any value; 0 does nothing, at any address
 *   fd      anything that readv and writev work on; blocking or not is the descriptor's affair
 *   offset  [bytes] into the file (preadv, pwritev; the file's position stays); GM_FD_HERE: at the position. Linux
 *           appends what is written to a file that was opened with O_APPEND, whatever the offset
 *
 * Dirty pages: what was read from a descriptor into guest memory is marked, exactly. When the system call fails, all
 * that it was to fill is marked, because the kernel may have written some of it. A call that a signal interrupted has
 * not written, and is made again; nor has one that would have had to wait (-EAGAIN).
 *
 * Errors, of all calls:
 *   -EINVAL     done is NULL; offset is below GM_FD_HERE
 *   -EOVERFLOW  the last byte is past 2^64 - 1; offset + len is past 2^63 - 1
 *   -EFAULT     a byte is in no region; or, from the kernel, host memory is not there behind it (a file that was
 *               truncated, recover.h)
 *   -ENXIO      a byte belongs to a device
 *   -EACCES     guest memory that may not be written (from_fd) or read (to_fd)
 *   -EAGAIN     the descriptor does not block, and would have to
 *   -EBADF, -EIO, -ENOSPC, -EPIPE, -ECONNRESET, -ESPIPE, ...: from the kernel, as it says. -EINTR is never returned.
 *               A write to a pipe or socket without reader raises SIGPIPE first, as write(2) does.
 * Context: holder of the view. The descriptor may make it wait, and meanwhile the pin delays commits: keep a snapshot
 *          (view.h) where that may be long.   Progress: blocking, as the descriptor is.
 * Order:   none beyond the system call's own.
 * Cost:    one system call for up to GM_IOV_LIMIT pieces of host memory, two loads to translate one piece. Where there
 *          are several, up to 16 KiB of stack.
 */
#ifndef GUESTMEM_ACCESS_FD_H
#define GUESTMEM_ACCESS_FD_H

#include <stdint.h>
#include <sys/uio.h>

#include <guestmem/api.h>
#include <guestmem/translate.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

#define GM_FD_HERE INT64_C(-1)

/*
 * One transfer from the descriptor into [gpa, gpa + len), as far as guest memory can be written from gpa on.
 * Returns 0: *done bytes were moved, 0 of them at the end of the file; or an error, with *done 0. Of guest memory only
 * the first byte's reason is an error: where memory ends later, less is moved.
 */
GM_API GM_MUST_CHECK int gm_guest_from_fd(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset,
                                          uint64_t *done);

/* One transfer from [gpa, gpa + len) to the descriptor; otherwise the same. */
GM_API GM_MUST_CHECK int gm_guest_to_fd(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset,
                                        uint64_t *done);

/*
 * All of [gpa, gpa + len) from the descriptor.
 * Returns 0, with *done == len; -ENODATA: the file ended after *done bytes; or an error. -EOVERFLOW, -ENXIO, -EACCES
 * and -EFAULT for a range that is not there move nothing; any other leaves *done bytes moved, and may be followed by
 * a call for the rest (-EAGAIN).
 * System calls: one for each short transfer, and each moves a byte at least.
 */
GM_API GM_MUST_CHECK int gm_guest_from_fd_all(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd,
                                              int64_t offset, uint64_t *done);

/* All of [gpa, gpa + len) to the descriptor; as gm_guest_from_fd_all, with -EIO where a call takes nothing and names no
 * reason. */
GM_API GM_MUST_CHECK int gm_guest_to_fd_all(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd,
                                            int64_t offset, uint64_t *done);

/*
 * As much of [gpa, gpa + len) as iov has room for and memory is there, in guest order; neighbours that are contiguous
 * in host memory are one. For readv, writev, sendmsg, io_uring: the array is the kernel's own type. gm_translate_iov is
 * the call for all or nothing.
 *
 *     int count = gm_guest_iov(view, gpa, len, GM_WRITE, iov, 64, &covered);
 *     ... the kernel writes; a snapshot keeps the memory while it does ...
 *     gm_guest_mark(view, gpa, result >= 0 ? result : covered);
 *
 * @param room     entries of iov; no more than GM_IOV_LIMIT are filled
 * @param covered  [bytes] sum of the entries, always written; less than len where room or memory ended
 * Returns the number of entries, 0 for len 0; -EINVAL (iov or covered NULL, room 0); -EOVERFLOW; and of the byte at
 * gpa: -EFAULT, -ENXIO, -EACCES. iov is untouched on error.
 * Context: holder of the view.   Progress: wait-free.   Cost: O(regions crossed * log regions), one leaf if it fits.
 */
GM_API GM_MUST_CHECK int gm_guest_iov(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights,
                                      struct iovec *iov, unsigned room, uint64_t *covered);

GM_END_DECLS

#endif
