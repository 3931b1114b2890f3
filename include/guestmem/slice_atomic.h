/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Integers of 8 to 64 bits in a slice (slice.h, whose conventions hold), by offset: plain ones at any alignment, and
 * atomic operations.
 *
 * What is aligned is one access of its size, which nobody sees half of. The host address counts, and the guest's is the
 * same within a page. A plain integer that is misaligned is several accesses; an atomic operation on one is refused
 * with -EINVAL.
 *
 * Orders are those of access_atomic.h: none can make a call fail. What an operation cannot have becomes GM_SEQ_CST.
 *
 * Returns, all of them: 0; -EOVERFLOW, -ERANGE, -EINVAL, -EACCES, of several the first. Out-parameters are written only
 * on 0.   Progress: wait-free where the processor's instruction is.
 * Cost: two compares and the access; of writes the mark.
 */
#ifndef GUESTMEM_SLICE_ATOMIC_H
#define GUESTMEM_SLICE_ATOMIC_H

#include <guestmem/access_atomic.h>
#include <guestmem/access_unit.h>
#include <guestmem/api.h>
#include <guestmem/endian.h>
#include <guestmem/slice.h>

GM_BEGIN_DECLS

/*
 * gm_slice_read_u8 .. _u64(slice, offset, &out):    needs GM_READ; in the host's byte order
 * gm_slice_write_u8 .. _u64(slice, offset, value):  needs GM_WRITE
 */
#define GM_SLICE_INTEGER(bits)                                                                                         \
    GM_INLINE GM_MUST_CHECK int gm_slice_read_u##bits(const struct gm_slice *slice, uint64_t offset,                   \
                                                      uint##bits##_t *out)                                             \
    {                                                                                                                  \
        uint##bits##_t value = 0;                                                                                      \
        int error = gm_slice_check(slice, offset, bits / 8, GM_READ);                                                  \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        const void *place = gm_slice_at(slice, offset);                                                                \
        if (GM_LIKELY(gm_units_aligned(place, bits / 8)))                                                              \
            gm_unit_read##bits(&value, place);                                                                         \
        else                                                                                                           \
            gm_units_read_any(&value, place, bits / 8);                                                                \
        *out = value;                                                                                                  \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_slice_write_u##bits(const struct gm_slice *slice, uint64_t offset,                  \
                                                       uint##bits##_t value)                                           \
    {                                                                                                                  \
        int error = gm_slice_check(slice, offset, bits / 8, GM_WRITE);                                                 \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        void *place = gm_slice_at(slice, offset);                                                                      \
        if (GM_LIKELY(gm_units_aligned(place, bits / 8)))                                                              \
            gm_unit_write##bits(place, &value);                                                                        \
        else                                                                                                           \
            gm_units_write_any(place, &value, bits / 8);                                                               \
        (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, bits / 8);                                              \
        return 0;                                                                                                      \
    }

GM_SLICE_INTEGER(8)
GM_SLICE_INTEGER(16)
GM_SLICE_INTEGER(32)
GM_SLICE_INTEGER(64)

/*
 * gm_slice_read_le16 .. _le64, _be16 .. _be64(slice, offset, &out):   the same of an integer that is stored in little-
 * gm_slice_write_le16 .. _le64, _be16 .. _be64(slice, offset, value): or big-endian order; values are the host's
 */
#define GM_SLICE_ORDERED(name, bits, convert)                                                                          \
    GM_INLINE GM_MUST_CHECK int gm_slice_read_##name(const struct gm_slice *slice, uint64_t offset,                    \
                                                     uint##bits##_t *out)                                              \
    {                                                                                                                  \
        uint##bits##_t stored = 0;                                                                                     \
        int error = gm_slice_read_u##bits(slice, offset, &stored);                                                     \
        if (GM_LIKELY(error == 0))                                                                                     \
            *out = convert(bits, stored);                                                                              \
        return error;                                                                                                  \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_slice_write_##name(const struct gm_slice *slice, uint64_t offset,                   \
                                                      uint##bits##_t value)                                            \
    {                                                                                                                  \
        return gm_slice_write_u##bits(slice, offset, convert(bits, value));                                            \
    }

GM_SLICE_ORDERED(le16, 16, GM_NATIVE_TO_LE)
GM_SLICE_ORDERED(le32, 32, GM_NATIVE_TO_LE)
GM_SLICE_ORDERED(le64, 64, GM_NATIVE_TO_LE)
GM_SLICE_ORDERED(be16, 16, GM_NATIVE_TO_BE)
GM_SLICE_ORDERED(be32, 32, GM_NATIVE_TO_BE)
GM_SLICE_ORDERED(be64, 64, GM_NATIVE_TO_BE)

/* Where the aligned integer at offset stands. */
GM_INLINE GM_MUST_CHECK int gm_slice_place(const struct gm_slice *slice, uint64_t offset, unsigned size,
                                           unsigned rights, void **place)
{
    int error = gm_slice_check(slice, offset, size, GM_ANY);
    if (GM_UNLIKELY(error != 0))
        return error;
    *place = gm_slice_at(slice, offset);
    if (GM_UNLIKELY(((uintptr_t)*place & (size - 1)) != 0))
        return -EINVAL;
    return GM_UNLIKELY((rights & ~slice->rights) != 0) ? -EACCES : 0;
}

/*
 * gm_slice_load_u8 .. _u64(slice, offset, order, &out):             needs GM_READ
 * gm_slice_store_u8 .. _u64(slice, offset, order, value):           needs GM_WRITE
 * gm_slice_exchange_u8 .. _u64(slice, offset, order, value, &old):  needs GM_RW
 * gm_slice_compare_exchange_u8 .. _u64(slice, offset, order, expected, value, &seen): needs GM_RW
 *     stores value if expected stands there; seen is what stood there, so that it was exchanged, and marked, if
 *     seen == expected. Never fails where they are equal. Otherwise it is a load, of the load's half of the order.
 */
#define GM_SLICE_ATOMIC(bits)                                                                                          \
    GM_INLINE GM_MUST_CHECK int gm_slice_load_u##bits(const struct gm_slice *slice, uint64_t offset,                   \
                                                      gm_order order, uint##bits##_t *out)                             \
    {                                                                                                                  \
        void *place;                                                                                                   \
        int error = gm_slice_place(slice, offset, bits / 8, GM_READ, &place);                                          \
        if (GM_LIKELY(error == 0))                                                                                     \
            *out = __atomic_load_n((gm_unit##bits *)place, gm_order_of_load(order));                                   \
        return error;                                                                                                  \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_slice_store_u##bits(const struct gm_slice *slice, uint64_t offset,                  \
                                                       gm_order order, uint##bits##_t value)                           \
    {                                                                                                                  \
        void *place;                                                                                                   \
        int error = gm_slice_place(slice, offset, bits / 8, GM_WRITE, &place);                                         \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        __atomic_store_n((gm_unit##bits *)place, value, gm_order_of_store(order));                                     \
        (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, bits / 8);                                              \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_slice_exchange_u##bits(const struct gm_slice *slice, uint64_t offset,               \
                                                          gm_order order, uint##bits##_t value,                        \
                                                          uint##bits##_t *old)                                         \
    {                                                                                                                  \
        void *place;                                                                                                   \
        int error = gm_slice_place(slice, offset, bits / 8, GM_RW, &place);                                            \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        *old = __atomic_exchange_n((gm_unit##bits *)place, value, gm_order_of_both(order));                            \
        (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, bits / 8);                                              \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_slice_compare_exchange_u##bits(                                                     \
        const struct gm_slice *slice, uint64_t offset, gm_order order, uint##bits##_t expected,                        \
        uint##bits##_t value, uint##bits##_t *seen)                                                                    \
    {                                                                                                                  \
        void *place;                                                                                                   \
        int error = gm_slice_place(slice, offset, bits / 8, GM_RW, &place);                                            \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        gm_unit##bits found = expected;                                                                                \
        if (__atomic_compare_exchange_n((gm_unit##bits *)place, &found, value, 0, gm_order_of_both(order),             \
                                        gm_order_of_failure(order)))                                                   \
            (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, bits / 8);                                          \
        *seen = found;                                                                                                 \
        return 0;                                                                                                      \
    }

GM_SLICE_ATOMIC(8)
GM_SLICE_ATOMIC(16)
GM_SLICE_ATOMIC(32)
GM_SLICE_ATOMIC(64)

/*
 * gm_slice_fetch_add_u8 .. _u64, fetch_and, fetch_or, fetch_xor(slice, offset, order, operand, &old): needs GM_RW. The
 * sum, modulo the size, or the bits, take the place of what stood there, which is old; NULL if the caller does not ask.
 */
#define GM_SLICE_FETCH(what, bits)                                                                                     \
    GM_INLINE GM_MUST_CHECK int gm_slice_fetch_##what##_u##bits(const struct gm_slice *slice, uint64_t offset,         \
                                                                gm_order order, uint##bits##_t operand,                \
                                                                uint##bits##_t *old)                                   \
    {                                                                                                                  \
        void *place;                                                                                                   \
        int error = gm_slice_place(slice, offset, bits / 8, GM_RW, &place);                                            \
        if (GM_UNLIKELY(error != 0))                                                                                   \
            return error;                                                                                              \
        if (old != NULL)                                                                                               \
            *old = __atomic_fetch_##what((gm_unit##bits *)place, operand, gm_order_of_both(order));                    \
        else                                                                                                           \
            (void)__atomic_fetch_##what((gm_unit##bits *)place, operand, gm_order_of_both(order));                     \
        (void)gm_dirty_mark(slice->dirty, slice->gpa + offset, bits / 8);                                              \
        return 0;                                                                                                      \
    }

#define GM_SLICE_FETCHES(what) GM_SLICE_FETCH(what, 8) GM_SLICE_FETCH(what, 16) GM_SLICE_FETCH(what, 32)               \
    GM_SLICE_FETCH(what, 64)

GM_SLICE_FETCHES(add)
GM_SLICE_FETCHES(and)
GM_SLICE_FETCHES(or)
GM_SLICE_FETCHES(xor)

GM_END_DECLS

#endif
