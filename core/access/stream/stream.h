/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A transfer between guest memory and a descriptor, of a view's range or of a slice. */
#ifndef GM_ACCESS_STREAM_STREAM_H
#define GM_ACCESS_STREAM_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem/dirty.h"
#include "guestmem/types.h"
#include "guestmem/view.h"

struct gm_stream {
    const struct gm_view *view; /* NULL: the memory is contiguous and stands at delta + GPA */
    uintptr_t delta;
    struct gm_dirty *dirty;
    int fd;
    int64_t offset; /* in the file, or GM_FD_HERE */
    bool fills;     /* guest memory is written */
};

static inline unsigned gm_stream_rights(const struct gm_stream *stream)
{
    return stream->fills ? GM_WRITE : GM_READ;
}

/* Whether the offsets in the file can be numbered; sets *done to 0. The range of guest memory is looked at later. */
int gm_stream_check(const struct gm_stream *stream, uint64_t len, uint64_t *done);

/* One system call; all of it. To be called after a check that returned 0; *done counts on from what it is. */
int gm_stream_one(const struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done);
int gm_stream_all(struct gm_stream *stream, gm_gpa gpa, uint64_t len, uint64_t *done);

#endif
