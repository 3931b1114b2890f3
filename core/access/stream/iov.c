/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * As many iovecs as there is room and memory for. Unlike translate/iov.c one walk is enough: only the first byte can
 * be refused, and nothing was filled before it.
 */
#include "guestmem/access_fd.h"

#include <stddef.h>

#include "access/access.h"

/* gm_access_next, but memory that goes on behind its block is one piece as far as the region does. */
static int next_piece(const struct gm_view *view, uint64_t at, uint64_t last, unsigned rights,
                      struct gm_access_piece *out)
{
    int error = gm_access_next(view, at, last, rights, out);
    if (error == 0 && out->len <= last - at && gm_is_aligned(at + out->len, GM_BLOCK_SIZE))
        out->len = gm_min_u64(gm_walk_regions(gm_version_of(view), at, last).last, last) - at + 1;
    return error;
}

/* The walk ends where room does, whatever length the guest named. */
static int fill(const struct gm_view *view, gm_gpa first, uint64_t last, unsigned rights, struct iovec *iov,
                unsigned room, uint64_t *covered)
{
    char *end = NULL; /* just behind the newest entry */
    unsigned count = 0;
    for (uint64_t at = first;;) {
        struct gm_access_piece piece;
        int error = next_piece(view, at, last, rights & GM_RW, &piece);
        if (error != 0)
            return count == 0 ? error : (int)count;
        if (count != 0 && piece.host == end)
            iov[count - 1].iov_len += piece.len;
        else if (count == room)
            return (int)count;
        else
            iov[count++] = (struct iovec){.iov_base = piece.host, .iov_len = piece.len};
        *covered += piece.len;
        end = piece.host + piece.len;
        if (last - at < piece.len)
            return (int)count;
        at += piece.len; /* no wrap: at + len <= last */
    }
}

int gm_guest_iov(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, struct iovec *iov,
                 unsigned room, uint64_t *covered)
{
    uint64_t last;
    if (covered == NULL)
        return -EINVAL;
    *covered = 0;
    if (iov == NULL || room == 0)
        return -EINVAL;
    if (len == 0)
        return 0;
    if (!gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    void *whole = gm_translate_direct(view, gpa, len, rights);
    if (GM_LIKELY(whole != NULL)) {
        *iov = (struct iovec){.iov_base = whole, .iov_len = len};
        *covered = len;
        return 1;
    }
    return fill(view, gpa, last, rights, iov, room < GM_IOV_LIMIT ? room : GM_IOV_LIMIT, covered);
}
