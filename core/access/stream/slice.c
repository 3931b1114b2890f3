/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Streams of a slice: one piece, already translated. */
#include <errno.h>

#include "access/stream/stream.h"
#include "guestmem/slice.h"

static struct gm_stream make(const struct gm_slice *slice, int fd, int64_t offset, bool fills)
{
    return (struct gm_stream){.delta = (uintptr_t)slice->iov.iov_base - (uintptr_t)slice->gpa,
                              .dirty = slice->dirty, .fd = fd, .offset = offset, .fills = fills};
}

static int check(const struct gm_slice *slice, const struct gm_stream *stream, uint64_t *done)
{
    int error = gm_stream_check(stream, slice->iov.iov_len, done);
    return error != 0 ? error : gm_slice_check(slice, 0, slice->iov.iov_len, gm_stream_rights(stream));
}

static int one(const struct gm_slice *slice, int fd, int64_t offset, bool fills, uint64_t *done)
{
    const struct gm_stream stream = make(slice, fd, offset, fills);
    int error = check(slice, &stream, done);
    return error != 0 ? error : gm_stream_one(&stream, slice->gpa, slice->iov.iov_len, done);
}

static int all(const struct gm_slice *slice, int fd, int64_t offset, bool fills, uint64_t *done)
{
    struct gm_stream stream = make(slice, fd, offset, fills);
    int error = check(slice, &stream, done);
    return error != 0 ? error : gm_stream_all(&stream, slice->gpa, slice->iov.iov_len, done);
}

int gm_slice_from_fd(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done)
{
    return one(slice, fd, offset, true, done);
}

int gm_slice_to_fd(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done)
{
    return one(slice, fd, offset, false, done);
}

int gm_slice_from_fd_all(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done)
{
    return all(slice, fd, offset, true, done);
}

int gm_slice_to_fd_all(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done)
{
    return all(slice, fd, offset, false, done);
}
