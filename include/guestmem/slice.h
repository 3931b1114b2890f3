/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A slice: a window on guest memory that was translated and checked once, and is used by offset from then on. Device
 * code keeps it as long as it holds the view. It is a value: copies and parts of it need no memory and no freeing.
 *
 *     struct gm_slice ring;
 *     if (gm_slice_init(view, gpa, 4096, GM_RW, &ring) == 0)
 *         error = gm_slice_read_u16(&ring, 2, &index);           checked against the slice, whatever the offset
 *
 * It begins with a struct iovec, so that &slice.iov goes to readv, writev or io_uring as it is; for many see
 * gm_slices_iov. slice_atomic.h has the typed accesses and atomics, slice_array.h arrays of elements.
 *
 * Unless a declaration says otherwise:
 *   offset, len  [bytes] any value, counted from the beginning of the slice; a range of length 0 up to its end is valid
 *   Errors:   -EOVERFLOW (offset + len is past 2^64 - 1), -ERANGE (it is past the end), -EINVAL (misaligned), -EACCES
 *             (a right that the slice does not have); of several the first in this order. Nothing has happened then.
 *   Dirty:    what was written is marked by guest address, exactly; -ERANGE of the bitmap is only counted there.
 *   Context:  holder of the view that the slice is of; any thread.   Progress: wait-free.
 *   Order:    relaxed: none.
 *   Width:    a copy of up to 64 bytes is made of the largest aligned accesses of 1, 2, 4 and 8 bytes that there are,
 *             each of them single-copy atomic; a longer one has no promised width or order.
 */
#ifndef GUESTMEM_SLICE_H
#define GUESTMEM_SLICE_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <guestmem/access_bulk.h>
#include <guestmem/api.h>
#include <guestmem/dirty.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

struct gm_slice {
    struct iovec iov;       /* host memory; first, so that a slice can be looked at as an iovec */
    gm_gpa gpa;             /* of the first byte */
    struct gm_dirty *dirty; /* what marks go to; never NULL */
    unsigned rights;        /* gm_rights */
};

/* --- making slices --------------------------------------------------------------------------------------- */

/*
 * The slice [gpa, gpa + len) of a view.
 * @param len     [bytes] 0 needs a byte at gpa that is in a region, and gives an empty slice
 * @param rights  gm_rights that all of it has to have, and that the slice gets; other bits are ignored
 * Returns 0; -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV as gm_translate_why (gm_slice_list for the last).
 * Cost: as gm_translate.
 */
GM_API GM_MUST_CHECK int gm_slice_init(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights,
                                       struct gm_slice *out);

/*
 * The same where memory may consist of several pieces: a slice for each, in guest order.
 * @param room  entries of slices; no more than GM_IOV_LIMIT are filled
 * Returns the number of slices (>= 1); -EINVAL (len 0, slices NULL, room 0); -EOVERFLOW; -EFAULT, -ENXIO, -EACCES;
 * -ENOBUFS (more than room); of several the one of the lowest address. slices is untouched on error.
 * Cost: O(regions crossed * log regions).
 */
GM_API GM_MUST_CHECK int gm_slice_list(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights,
                                       struct gm_slice *slices, unsigned room);

/*
 * A slice of memory that no view knows: a buffer of the caller's, or a mapping that it manages itself.
 * @param gpa    what its first byte is called in dirty
 * @param dirty  NULL: nothing is marked
 * Returns 0; -EINVAL (address NULL and len > 0, rights beyond GM_RW); -EOVERFLOW (address + len or gpa + len wraps).
 */
GM_API GM_MUST_CHECK int gm_slice_wrap(void *address, uint64_t len, gm_gpa gpa, struct gm_dirty *dirty,
                                       unsigned rights, struct gm_slice *out);

/* Are [offset, offset + len) inside and the rights there? Returns 0, -EOVERFLOW, -ERANGE, -EACCES. */
GM_INLINE int gm_slice_check(const struct gm_slice *slice, uint64_t offset, uint64_t len, unsigned rights)
{
    if (GM_UNLIKELY(len > slice->iov.iov_len || offset > slice->iov.iov_len - len))
        return len != 0 && offset > UINT64_MAX - len ? -EOVERFLOW : -ERANGE;
    return GM_UNLIKELY((rights & ~slice->rights) != 0) ? -EACCES : 0;
}

/* Where the byte at offset stands; offset is inside. */
GM_INLINE void *gm_slice_at(const struct gm_slice *slice, uint64_t offset)
{
    return (void *)((uintptr_t)slice->iov.iov_base + (uintptr_t)offset); /* an empty slice may begin nowhere */
}

/* The part [offset, offset + len). out may be slice itself.   Returns 0, -EOVERFLOW, -ERANGE. */
GM_INLINE int gm_slice_sub(const struct gm_slice *slice, uint64_t offset, uint64_t len, struct gm_slice *out)
{
    int error = gm_slice_check(slice, offset, len, GM_ANY);
    if (error != 0)
        return error;
    *out = *slice;
    out->iov.iov_base = gm_slice_at(slice, offset);
    out->iov.iov_len = (size_t)len;
    out->gpa += offset;
    return 0;
}

/* All from offset on; nothing is left at offset == length.   Returns 0, -ERANGE. */
GM_INLINE int gm_slice_from(const struct gm_slice *slice, uint64_t offset, struct gm_slice *out)
{
    return offset > slice->iov.iov_len ? -ERANGE : gm_slice_sub(slice, offset, slice->iov.iov_len - offset, out);
}

/* What is before offset, and what is from it on.   Returns 0, -ERANGE. */
GM_INLINE int gm_slice_split(const struct gm_slice *slice, uint64_t offset, struct gm_slice *before,
                             struct gm_slice *behind)
{
    struct gm_slice whole = *slice; /* either of the others may be slice itself */
    if (offset > whole.iov.iov_len)
        return -ERANGE;
    (void)gm_slice_sub(&whole, 0, offset, before);
    return gm_slice_from(&whole, offset, behind);
}

/* The same memory with fewer rights.   Returns 0; -EACCES (one that the slice does not have). */
GM_INLINE int gm_slice_limit(const struct gm_slice *slice, unsigned rights, struct gm_slice *out)
{
    if ((rights & ~slice->rights) != 0)
        return -EACCES;
    *out = *slice;
    out->rights = rights;
    return 0;
}

/* --- raw pointers ---------------------------------------------------------------------------------------- */

/*
 * The host address of [offset, offset + len), for code that needs one; valid while the view is held.
 * Who writes through it calls gm_slice_mark afterwards: nobody else does.
 */
GM_INLINE int gm_slice_pointer(const struct gm_slice *slice, uint64_t offset, uint64_t len, unsigned rights,
                               void **out)
{
    int error = gm_slice_check(slice, offset, len, rights);
    if (error == 0)
        *out = gm_slice_at(slice, offset);
    return error;
}

/*
 * Note that [offset, offset + len) was written to; to be called after the write. Returns 0, -EOVERFLOW, -ERANGE (not
 * inside the slice: nothing is marked; not below the bitmap's size: what is, is marked).   Cost: as gm_dirty_mark.
 */
GM_INLINE int gm_slice_mark(const struct gm_slice *slice, uint64_t offset, uint64_t len)
{
    int error = gm_slice_check(slice, offset, len, GM_ANY);
    return error != 0 ? error : gm_dirty_mark(slice->dirty, slice->gpa + offset, len);
}

/* --- copies ---------------------------------------------------------------------------------------------- */

/* Copy exactly len bytes. Returns 0, -EOVERFLOW, -ERANGE, -EACCES.   Cost: inlined where len is a small constant. */
GM_INLINE GM_MUST_CHECK int gm_slice_read(const struct gm_slice *slice, uint64_t offset, void *to, uint64_t len)
{
    int error = gm_slice_check(slice, offset, len, GM_READ);
    if (GM_LIKELY(error == 0))
        gm_piece_read(to, gm_slice_at(slice, offset), (size_t)len);
    return error;
}

GM_INLINE GM_MUST_CHECK int gm_slice_write(const struct gm_slice *slice, uint64_t offset, const void *from,
                                           uint64_t len)
{
    int error = gm_slice_check(slice, offset, len, GM_WRITE);
    if (GM_UNLIKELY(error != 0))
        return error;
    gm_piece_write(gm_slice_at(slice, offset), from, (size_t)len);
    (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, len);
    return 0;
}

/*
 * Copy up to len bytes, as many as there are from offset on.
 * @param done  [bytes] copied, always written
 * Returns 0; -ERANGE (offset is at the end or beyond, and len > 0); -EACCES; -EINVAL (done NULL).
 */
GM_API GM_MUST_CHECK int gm_slice_read_some(const struct gm_slice *slice, uint64_t offset, void *to, uint64_t len,
                                            uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_write_some(const struct gm_slice *slice, uint64_t offset, const void *from,
                                             uint64_t len, uint64_t *done);

/* Set exactly len bytes. Returns 0, -EOVERFLOW, -ERANGE, -EACCES. */
GM_API GM_MUST_CHECK int gm_slice_fill(const struct gm_slice *slice, uint64_t offset, uint8_t value, uint64_t len);

/*
 * Copy from one slice to the other, as much as the shorter has; they may overlap.
 * @param done  [bytes] copied, always written; only these are marked, in the bitmap of the slice that is written
 * Returns 0; -EACCES; -EINVAL (done NULL).
 */
GM_API GM_MUST_CHECK int gm_slice_copy(const struct gm_slice *to, const struct gm_slice *from, uint64_t *done);

/* --- streams --------------------------------------------------------------------------------------------- */

/*
 * Between a whole slice (gm_slice_sub for less) and a descriptor: as the calls of access_fd.h, with the same results;
 * of guest memory only -EACCES is left.
 */
GM_API GM_MUST_CHECK int gm_slice_from_fd(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_to_fd(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_from_fd_all(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_to_fd_all(const struct gm_slice *slice, int fd, int64_t offset, uint64_t *done);

/*
 * The iovecs of several slices, as an array for one system call.
 * @param iov  room for count entries
 * Returns count; -EINVAL (NULL); -ENOBUFS (count is above GM_IOV_LIMIT); -EACCES (a slice has not the rights).
 * Cost: O(count).
 */
GM_API GM_MUST_CHECK int gm_slices_iov(const struct gm_slice *slices, unsigned count, unsigned rights,
                                       struct iovec *iov);

/*
 * Note that the first len bytes of several slices, one behind the other, were written to; more than there are is all.
 * Returns 0; -EINVAL (NULL); -ERANGE (not all of it is below the size of its bitmap; the rest is marked).
 * Cost: O(count), and as gm_dirty_mark for each.
 */
GM_API int gm_slices_mark(const struct gm_slice *slices, unsigned count, uint64_t len);

GM_END_DECLS

#endif
