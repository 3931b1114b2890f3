/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory by guest address: integers of 8 to 64 bits, in the host's byte order or a stated one. access_bulk.h
 * moves any number of bytes, access_atomic.h has atomic operations.
 *
 *     uint16_t index;
 *     int error = gm_guest_read_le16(view, ring + 2, &index);
 *     if (error == 0)
 *         error = gm_guest_write_u64(view, status, 1);
 *
 * What holds for every call of the three headers:
 *
 * Atomicity. Other threads and the guest's own processors may access the same memory at the same time.
 *   access                             what is guaranteed
 *   an integer, or a copy or fill of   any 2, 4 or 8 bytes of it that are naturally aligned for the guest (at a
 *   up to GM_UNITS_MOST (64) bytes     multiple of 2, 4, 8) are read or written at once, and each byte once, from the
 *                                      lowest address up: an aligned integer is never torn, nor is an aligned field of
 *                                      a small structure. A whole structure, or a misaligned integer, may be.
 *   longer copies, fills and compares  nothing: bytes in any order and of any width, and some may be read twice. What a
 *                                      read has put into the caller's buffer no longer changes.
 *   atomic operations                  aligned, or refused
 * This holds for any alignment of the caller's buffer and under every optimisation. Bytes of an access that lie in
 * several pieces of host memory (it crosses regions) are accesses of their own, one for each piece; regions that are
 * neighbours in host memory too are one piece. Atomic operations apart, nothing is ordered: fences are the caller's.
 *
 * Rights. Reads need GM_READ, writes GM_WRITE, atomic operations that do both GM_RW, of every byte.
 *
 * Errors. 0, or of the byte of the lowest address that cannot be accessed: -EFAULT (in no region), -ENXIO (a device),
 * -EACCES (a right is missing); and before anything else -EOVERFLOW (the last byte is past 2^64 - 1: nothing wraps).
 * What lies before that byte has been written by a write that fails, and by no other; out-parameters and the caller's
 * buffers are described at each call. A length of 0 is 0 at any address and accesses nothing.
 *
 * Dirty pages. What was written is marked in the bitmap of the view's space after it was written, and nothing else is:
 * also what comes before the error of a write that fails. Pages not below the bitmap's size are counted in its
 * statistics, and are no error.
 *
 * Context:  any thread that holds the view; view is not NULL. Buffers are the caller's own and no guest memory.
 * Progress: wait-free but for the page faults of host memory.
 * Cost:     a translation (two dependent loads at any number of regions), the access, and for writes the mark: tracking
 *           off, two loads; a page that is dirty already, four. What no block or line answers (misaligned integers
 *           too), and what crosses pieces, is a call: O(pieces * log regions).
 */
#ifndef GUESTMEM_ACCESS_H
#define GUESTMEM_ACCESS_H

#include <guestmem/access_unit.h>
#include <guestmem/api.h>
#include <guestmem/endian.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/*
 * What gm_guest_read_u8 .. and gm_guest_write_u8 .. call where no inlined translation answers: misaligned, in several
 * pieces, refused; not for callers. size is 1, 2, 4 or 8 [bytes]; of value the lowest bits are written.
 */
GM_API GM_MUST_CHECK int gm_guest_read_unit(const struct gm_view *view, gm_gpa gpa, void *out, unsigned size);
GM_API GM_MUST_CHECK int gm_guest_write_unit(const struct gm_view *view, gm_gpa gpa, uint64_t value, unsigned size);

/*
 * gm_guest_read_u8 .. _u64(view, gpa, &out):    an integer of the guest, in the host's byte order.
 * gm_guest_write_u8 .. _u64(view, gpa, value):  stores one.
 * gpa may have any alignment. out is written only on success.
 * Returns 0; -EFAULT, -ENXIO, -EACCES, -EOVERFLOW as above.
 */
#define GM_GUEST_INTEGER(bits)                                                                                         \
    GM_INLINE GM_MUST_CHECK int gm_guest_read_u##bits(const struct gm_view *view, gm_gpa gpa, uint##bits##_t *out)     \
    {                                                                                                                  \
        const void *place = gm_unit_place(view, gpa, bits / 8, GM_READ);                                               \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_guest_read_unit(view, gpa, out, bits / 8);                                                       \
        gm_unit_read##bits(out, place);                                                                                \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_guest_write_u##bits(const struct gm_view *view, gm_gpa gpa, uint##bits##_t value)   \
    {                                                                                                                  \
        void *place = gm_unit_place(view, gpa, bits / 8, GM_WRITE);                                                    \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_guest_write_unit(view, gpa, value, bits / 8);                                                    \
        gm_unit_write##bits(place, &value);                                                                            \
        gm_access_mark_page(view, gpa);                                                                                \
        return 0;                                                                                                      \
    }

GM_GUEST_INTEGER(8)
GM_GUEST_INTEGER(16)
GM_GUEST_INTEGER(32)
GM_GUEST_INTEGER(64)

/*
 * gm_guest_read_le16 .. _le64, _be16 .. _be64(view, gpa, &out):   the same of an integer that the guest stores in
 * gm_guest_write_le16 .. _le64, _be16 .. _be64(view, gpa, value): little- or big-endian order; values are the host's.
 */
#define GM_GUEST_ORDERED(name, bits, convert)                                                                          \
    GM_INLINE GM_MUST_CHECK int gm_guest_read_##name(const struct gm_view *view, gm_gpa gpa, uint##bits##_t *out)      \
    {                                                                                                                  \
        int error = gm_guest_read_u##bits(view, gpa, out);                                                             \
        if (GM_LIKELY(error == 0))                                                                                     \
            *out = convert(bits, *out);                                                                                \
        return error;                                                                                                  \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_guest_write_##name(const struct gm_view *view, gm_gpa gpa, uint##bits##_t value)    \
    {                                                                                                                  \
        return gm_guest_write_u##bits(view, gpa, convert(bits, value));                                                \
    }

GM_GUEST_ORDERED(le16, 16, GM_NATIVE_TO_LE)
GM_GUEST_ORDERED(le32, 32, GM_NATIVE_TO_LE)
GM_GUEST_ORDERED(le64, 64, GM_NATIVE_TO_LE)
GM_GUEST_ORDERED(be16, 16, GM_NATIVE_TO_BE)
GM_GUEST_ORDERED(be32, 32, GM_NATIVE_TO_BE)
GM_GUEST_ORDERED(be64, 64, GM_NATIVE_TO_BE)

GM_END_DECLS

#endif
