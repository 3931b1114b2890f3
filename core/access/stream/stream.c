/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Streams. A transfer is one system call over all pieces that fit into one, so that "short" has one meaning only: it
 * ended at some byte, and the next transfer begins at the byte behind it.
 */
#include "access/stream/stream.h"

#include <errno.h>
#include <stddef.h>

#include "base/io.h"
#include "guestmem/access_fd.h"

_Static_assert(GM_FD_HERE == GM_IO_HERE, "the same -1");

/* One system call for the target bytes from gpa on that the iovecs are. */
static int move(const struct gm_stream *stream, gm_gpa gpa, const struct iovec *iov, unsigned count, uint64_t target,
                uint64_t *moved)
{
    int error;
    do { /* ends when signals do: a call that reports EINTR has moved nothing */
        error = stream->fills ? gm_io_read(stream->fd, iov, count, stream->offset, moved)
                              : gm_io_write(stream->fd, iov, count, stream->offset, moved);
    } while (error == -EINTR);
    if (stream->fills && error != -EAGAIN) /* nor has one that would have had to wait */
        (void)gm_dirty_mark(stream->dirty, gpa, error == 0 ? *moved : target); /* what it misses, it counts */
    return error;
}

/* Apart, because of its stack. */
static __attribute__((noinline)) int move_pieces(const struct gm_stream *stream, gm_gpa gpa, uint64_t len,
                                                 uint64_t *moved)
{
    struct iovec iov[GM_IOV_LIMIT];
    uint64_t target;
    int count = gm_guest_iov(stream->view, gpa, len, gm_stream_rights(stream), iov, GM_IOV_LIMIT, &target);
    return count < 0 ? count : move(stream, gpa, iov, (unsigned)count, target, moved);
}

static int transfer(const struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *moved)
{
    struct iovec whole = {.iov_len = len};
    if (stream->view == NULL)
        whole.iov_base = (void *)(stream->delta + (uintptr_t)gpa);
    else
        whole.iov_base = gm_translate(stream->view, gpa, len, gm_stream_rights(stream));
    if (GM_UNLIKELY(whole.iov_base == NULL))
        return move_pieces(stream, gpa, len, moved);
    return move(stream, gpa, &whole, 1, len, moved);
}

int gm_stream_check(const struct gm_stream *stream, uint64_t len, uint64_t *done)
{
    if (done == NULL)
        return -EINVAL;
    *done = 0;
    if (stream->offset < GM_FD_HERE)
        return -EINVAL;
    if (stream->offset != GM_FD_HERE && len > (uint64_t)(INT64_MAX - stream->offset))
        return -EOVERFLOW;
    return 0;
}

int gm_stream_one(const struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done)
{
    return len == 0 ? 0 : transfer(stream, gpa, len, done);
}

int gm_stream_all(struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done)
{
    while (*done < len) { /* each turn moves one byte at least */
        uint64_t moved = 0;
        int error = transfer(stream, gpa + *done, len - *done, &moved);
        if (error != 0)
            return error;
        if (moved == 0)
            return stream->fills ? -ENODATA : -EIO;
        *done += moved;
        if (stream->offset != GM_FD_HERE)
            stream->offset += (int64_t)moved; /* fits: offset + len does */
    }
    return 0;
}
