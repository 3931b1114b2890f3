/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty pages of a space: what was written through a pointer or an iovec is reported here, by guest address. The calls
 * of access.h that write do it themselves.
 *
 *     struct iovec iov[8];
 *     int count = gm_translate_iov(view, gpa, len, GM_WRITE, iov, 8);
 *     ssize_t got = readv(fd, iov, count);
 *     gm_guest_mark(view, gpa, got >= 0 ? (uint64_t)got : len);      a failed call may have written any of it
 */
#ifndef GUESTMEM_MARK_H
#define GUESTMEM_MARK_H

#include <guestmem/api.h>
#include <guestmem/dirty.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/*
 * Note that [gpa, gpa + len) was written to, in the bitmap of the view's space (gm_space_config.dirty). Iovecs of
 * gm_translate_iov follow one another in guest order, so that the first n bytes of them are [gpa, gpa + n).
 * Returns 0; -ERANGE (some of it is not below the bitmap's size: what is, is marked, and gm_dirty_stats counts the
 * call). Where nothing is tracked, or tracking is off, it returns 0, whatever the range.
 * Context: holder of the view.   Progress: wait-free.
 * Order:   call it after the write: who copies the page after the harvest that hands it out copies what was written.
 * Cost:    off: two loads and a branch; otherwise as gm_dirty_mark.
 */
GM_INLINE int gm_guest_mark(const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    return gm_dirty_mark(view->dirty, gpa, len);
}

GM_END_DECLS

#endif
