/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Any number of bytes of guest memory: into a buffer and out of one, set, compared, and from one guest address to
 * another. access.h says what holds for all of them: atomicity, errors, dirty pages, context, cost.
 *
 * A range may cross regions, and is then accessed piece by piece from the lowest address up. The map does not change
 * while the view is held, so that a range which could be accessed once can be again.
 */
#ifndef GUESTMEM_ACCESS_BULK_H
#define GUESTMEM_ACCESS_BULK_H

#include <guestmem/access.h>
#include <guestmem/access_unit.h>
#include <guestmem/api.h>
#include <guestmem/leaf.h>
#include <guestmem/types.h>

GM_BEGIN_DECLS

/* memcpy of a length that the compiler must not reason about: it knows that there are more than GM_UNITS_MOST, and
 * would warn of overflows that cannot be. */
GM_INLINE void gm_piece_copy(void *to, const void *from, size_t len)
{
    if (!__builtin_constant_p(len))
        __asm__("" : "+r"(len));
    __builtin_memcpy(to, from, len);
}

/* Lengths that the compiler knows are inlined up to here: a descriptor, a header. */
#define GM_INLINE_MOST 32

/* len bytes of one piece into a buffer, as the contract says for this length. */
GM_INLINE void gm_piece_read(void *buf, const void *guest, size_t len)
{
    if (__builtin_constant_p(len) && len <= GM_INLINE_MOST && gm_units_aligned(guest, len)) {
        gm_units_read((char *)buf, (const char *)guest, len);
    } else if (!__builtin_constant_p(len) || len <= GM_UNITS_MOST) {
        gm_units_read_any(buf, guest, len);
    } else {
        gm_piece_copy(buf, guest, len);
        __asm__ volatile("" ::: "memory"); /* or the compiler might read the guest's bytes anew */
    }
}

GM_INLINE void gm_piece_write(void *guest, const void *buf, size_t len)
{
    if (__builtin_constant_p(len) && len <= GM_INLINE_MOST && gm_units_aligned(guest, len))
        gm_units_write((char *)guest, (const char *)buf, len);
    else if (!__builtin_constant_p(len) || len <= GM_UNITS_MOST)
        gm_units_write_any(guest, buf, len);
    else
        gm_piece_copy(guest, buf, len);
}

/*
 * Where [gpa, gpa + len) stands when it lies in one uniform block with the right; else NULL. As gm_translate_direct,
 * but a length of 0 need not be refused, since nothing is accessed then.
 * @param right  GM_READ or GM_WRITE; what may only be written takes the slow path, as in gm_unit_place
 */
GM_INLINE void *gm_piece_place(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned right)
{
    const uint64_t denied = right == GM_READ ? GM_LEAF_INDIRECT | GM_LEAF_NO_READ : GM_LEAF_DENY_ALL;
    const uint64_t gib = gpa >> GM_GIB_SHIFT;
    if (GM_UNLIKELY(gib >= view->gib_count))
        return NULL;
    uint64_t leaf = gm_leaf_at(view, gib, gpa);
    if (GM_UNLIKELY((leaf & GM_LEAF_DENY_ALL) != 0)) {
        if (right != GM_READ || (leaf & denied) != 0)
            return NULL;
        leaf &= GM_LEAF_DELTA_MASK; /* of what may only be read */
    }
    if (GM_UNLIKELY(UINT64_C(0) - (gpa | ~(GM_BLOCK_SIZE - 1)) < len)) /* the room that is left in the block */
        return NULL;
    uint64_t host = gpa + leaf;
    if (host == 0)
        __builtin_unreachable(); /* nothing is mapped at 0: saves callers their test for NULL */
    return (void *)(uintptr_t)host;
}

/* gm_guest_write of a length that the compiler does not know: one call for all of it leaves callers their registers.
 * It also has the lengths between GM_INLINE_MOST and GM_UNITS_MOST, which would be a call in any case. */
GM_API GM_MUST_CHECK int gm_guest_write_any(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len);

/* gm_guest_read and gm_guest_write where one inlined translation does not answer. */
GM_API GM_MUST_CHECK int gm_guest_read_slow(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len);
GM_API GM_MUST_CHECK int gm_guest_write_slow(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len);

/*
 * All of [gpa, gpa + len) into buf, or an error.
 * @param buf  room for len bytes; on error those before the byte that could not be read have been put there
 * @param len  [bytes] any
 * Returns 0; -EFAULT, -ENXIO, -EACCES, -EOVERFLOW.
 */
GM_INLINE GM_MUST_CHECK int gm_guest_read(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len)
{
    const void *guest = gm_piece_place(view, gpa, len, GM_READ);
    if (GM_UNLIKELY(guest == NULL))
        return gm_guest_read_slow(view, gpa, buf, len);
    gm_piece_read(buf, guest, len);
    return 0;
}

/*
 * All of buf to [gpa, gpa + len), or an error: then what lies before the byte that could not be written has been
 * written, and marked.
 * Returns 0; -EFAULT, -ENXIO, -EACCES, -EOVERFLOW.
 */
GM_INLINE GM_MUST_CHECK int gm_guest_write(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len)
{
    if (!__builtin_constant_p(len) || (len > GM_INLINE_MOST && len <= GM_UNITS_MOST))
        return gm_guest_write_any(view, gpa, buf, len);
    void *guest = gm_piece_place(view, gpa, len, GM_WRITE);
    if (GM_UNLIKELY(guest == NULL))
        return gm_guest_write_slow(view, gpa, buf, len);
    gm_piece_write(guest, buf, len);
    gm_access_mark(view, gpa, len);
    return 0;
}

/* The same for an object that a pointer leads to, whose length is that of its type. */
#define gm_guest_read_object(view, gpa, object) gm_guest_read((view), (gpa), (object), sizeof(*(object)))
#define gm_guest_write_object(view, gpa, object) gm_guest_write((view), (gpa), (object), sizeof(*(object)))

/*
 * As much of [gpa, gpa + len) as there is before the first byte that cannot be accessed.
 * @param done  [bytes] how much that was: 1..len, or 0 when len is 0
 * Returns 0; when not one byte could be moved -EFAULT, -ENXIO, -EACCES. Also -EOVERFLOW; -EINVAL (done NULL). Asking
 * for what is left of a short count tells why it was short.
 */
GM_API GM_MUST_CHECK int gm_guest_read_some(const struct gm_view *view, gm_gpa gpa, void *buf, size_t len,
                                            size_t *done);
GM_API GM_MUST_CHECK int gm_guest_write_some(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len,
                                             size_t *done);

/*
 * Set every byte of [gpa, gpa + len) to a value. On error as gm_guest_write.
 * Returns 0; -EFAULT, -ENXIO, -EACCES, -EOVERFLOW.
 */
GM_API GM_MUST_CHECK int gm_guest_fill(const struct gm_view *view, gm_gpa gpa, uint8_t value, uint64_t len);

/*
 * Compare [gpa, gpa + len) with a buffer, up to the first byte that differs.
 * @param order  below, equal to or above 0, as the guest's bytes are, taken as unsigned, below, equal to or above buf's
 * Returns 0, also when what follows the first difference could not be read; -EFAULT, -ENXIO, -EACCES (a byte before any
 * difference); -EOVERFLOW; -EINVAL (order NULL).
 */
GM_API GM_MUST_CHECK int gm_guest_compare(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len,
                                          int *order);

/*
 * Copy [source, source + len) to [target, target + len) inside guest memory. The two may overlap: the target then holds
 * what the source held, as after memmove. Overlap that guest addresses do not show, because two regions show the same
 * host memory, is no overlap for the order in which pieces are copied.
 * Up to GM_UNITS_MOST bytes are read at once, as gm_guest_read, and then written.
 * Returns 0; -EFAULT, -ENXIO, -EACCES, -EOVERFLOW, of source before target, and nothing was written.
 */
GM_API GM_MUST_CHECK int gm_guest_copy(const struct gm_view *view, gm_gpa target, gm_gpa source, uint64_t len);

GM_END_DECLS

#endif
