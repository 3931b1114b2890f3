/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Streams of a view's range. All or nothing of it, where all is asked for, is settled before the first system call. */
#include <errno.h>
#include <stddef.h>

#include "access/stream/stream.h"
#include "guestmem/access_fd.h"

static struct gm_stream make(const struct gm_view *view, int fd, int64_t offset, bool fills)
{
    return (struct gm_stream){.view = view, .dirty = view->dirty, .fd = fd, .offset = offset, .fills = fills};
}

static int one(const struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done)
{
    int error = gm_stream_check(stream, len, done);
    return error != 0 ? error : gm_stream_one(stream, gpa, len, done);
}

static int all(struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done)
{
    int error = gm_stream_check(stream, len, done);
    if (error != 0 || len == 0)
        return error;
    if (gm_translate_direct(stream->view, gpa, len, gm_stream_rights(stream)) == NULL)
        error = gm_translate_why(stream->view, gpa, len, gm_stream_rights(stream));
    return error != 0 && error != -EXDEV ? error : gm_stream_all(stream, gpa, len, done);
}

int gm_guest_from_fd(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset, uint64_t *done)
{
    const struct gm_stream stream = make(view, fd, offset, true);
    return one(&stream, gpa, len, done);
}

int gm_guest_to_fd(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset, uint64_t *done)
{
    const struct gm_stream stream = make(view, fd, offset, false);
    return one(&stream, gpa, len, done);
}

int gm_guest_from_fd_all(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset, uint64_t *done)
{
    struct gm_stream stream = make(view, fd, offset, true);
    return all(&stream, gpa, len, done);
}

int gm_guest_to_fd_all(const struct gm_view *view, gm_gpa gpa, uint64_t len, int fd, int64_t offset, uint64_t *done)
{
    struct gm_stream stream = make(view, fd, offset, false);
    return all(&stream, gpa, len, done);
}
