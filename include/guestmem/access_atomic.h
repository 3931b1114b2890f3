/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Atomic operations on integers of 8 to 64 bits in guest memory, in the host's byte order. access.h says what holds for
 * all accesses; what differs here:
 *
 *   - gpa is a multiple of the size, or the call is refused with -EINVAL, before anything else. It is the guest address
 *     that counts. An aligned integer can be cut in two only by a region that ends within it; then the error is -EXDEV.
 *   - An order that an operation cannot have becomes GM_SEQ_CST, as does a number that is no order's. None can make a
 *     call fail, or be weaker than what was asked for.
 *   - Exchange, compare-exchange and the fetch operations need GM_RW. A load needs GM_READ, a store GM_WRITE.
 *   - A compare-exchange that did not exchange has written nothing, and marks nothing. The other writes always mark.
 *
 * Returns, all of them: 0; -EINVAL (misaligned); -EFAULT, -ENXIO, -EACCES; -EXDEV. Out-parameters are written only when
 * that is 0.
 * Context:  holder of the view.
 * Progress: wait-free where the processor's instruction is: x86-64, and AArch64 with LSE.
 * Cost: as an integer's read or write; plus a locked instruction where it exchanges, fetches, or stores GM_SEQ_CST.
 */
#ifndef GUESTMEM_ACCESS_ATOMIC_H
#define GUESTMEM_ACCESS_ATOMIC_H

#include <stddef.h>

#include <guestmem/access_unit.h>
#include <guestmem/api.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/* The orders' numbers, which are not those of memory_order in C11: consume is missing. */
enum gm_order_number {
    GM_ORDER_RELAXED = 0,
    GM_ORDER_ACQUIRE = 1,
    GM_ORDER_RELEASE = 2,
    GM_ORDER_ACQ_REL = 3,
    GM_ORDER_SEQ_CST = 4
};

/* As memory_order of C11, which a header for C99 cannot name. A struct, so that an order and a value cannot be swapped:
 * C takes an enum for any integer, and would store it. */
typedef struct {
    int number; /* of enum gm_order_number; any other is as GM_ORDER_SEQ_CST */
} gm_order;

/*
 * The order of a number, of which any will do. Constants are inlined as what they say; an order that is known at run
 * time only may be carried out as GM_SEQ_CST.
 * Context: any.   Progress: wait-free.   Cost: nothing.
 */
GM_INLINE gm_order gm_order_make(int number)
{
    gm_order order;
    order.number = number;
    return order;
}

#define GM_RELAXED gm_order_make(GM_ORDER_RELAXED)
#define GM_ACQUIRE gm_order_make(GM_ORDER_ACQUIRE)
#define GM_RELEASE gm_order_make(GM_ORDER_RELEASE)
#define GM_ACQ_REL gm_order_make(GM_ORDER_ACQ_REL)
#define GM_SEQ_CST gm_order_make(GM_ORDER_SEQ_CST)

/* What the compiler's builtins are told. */
GM_INLINE int gm_order_of_load(gm_order order)
{
    return order.number == GM_ORDER_RELAXED   ? __ATOMIC_RELAXED
           : order.number == GM_ORDER_ACQUIRE ? __ATOMIC_ACQUIRE
                                              : __ATOMIC_SEQ_CST;
}

GM_INLINE int gm_order_of_store(gm_order order)
{
    return order.number == GM_ORDER_RELAXED   ? __ATOMIC_RELAXED
           : order.number == GM_ORDER_RELEASE ? __ATOMIC_RELEASE
                                              : __ATOMIC_SEQ_CST;
}

GM_INLINE int gm_order_of_both(gm_order order)
{
    return order.number == GM_ORDER_RELEASE   ? __ATOMIC_RELEASE
           : order.number == GM_ORDER_ACQ_REL ? __ATOMIC_ACQ_REL
                                              : gm_order_of_load(order);
}

/* Of a compare-exchange that finds another value: the half of the order that is about the load. */
GM_INLINE int gm_order_of_failure(gm_order order)
{
    return order.number == GM_ORDER_RELEASE   ? __ATOMIC_RELAXED
           : order.number == GM_ORDER_ACQ_REL ? __ATOMIC_ACQUIRE
                                              : gm_order_of_load(order);
}

/* Where an aligned integer stands if neither a block nor a line says it; NULL: gm_atomic_why has the error. */
GM_API void *gm_atomic_find(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights);
GM_API GM_COLD GM_MUST_CHECK int gm_atomic_why(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights);

GM_INLINE void *gm_atomic_place(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights)
{
    void *place = gm_unit_place(view, gpa, size, rights);
    return GM_LIKELY(place != NULL) ? place : gm_atomic_find(view, gpa, size, rights);
}

/*
 * gm_guest_load_u8 .. _u64(view, gpa, order, &out)
 * gm_guest_store_u8 .. _u64(view, gpa, order, value)
 * gm_guest_exchange_u8 .. _u64(view, gpa, order, value, &old)
 * gm_guest_compare_exchange_u8 .. _u64(view, gpa, order, expected, value, &seen)
 *     stores value if expected stands there; seen is what stood there, so that it was exchanged if seen == expected.
 *     Never fails where they are equal. Otherwise it is a load, of the load's half of the order.
 */
#define GM_GUEST_ATOMIC(bits)                                                                                          \
    GM_INLINE GM_MUST_CHECK int gm_guest_load_u##bits(const struct gm_view *view, gm_gpa gpa, gm_order order,          \
                                                      uint##bits##_t *out)                                             \
    {                                                                                                                  \
        void *place = gm_atomic_place(view, gpa, bits / 8, GM_READ);                                                   \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_atomic_why(view, gpa, bits / 8, GM_READ);                                                        \
        *out = __atomic_load_n((gm_unit##bits *)place, gm_order_of_load(order));                                       \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_guest_store_u##bits(const struct gm_view *view, gm_gpa gpa, gm_order order,         \
                                                       uint##bits##_t value)                                           \
    {                                                                                                                  \
        void *place = gm_atomic_place(view, gpa, bits / 8, GM_WRITE);                                                  \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_atomic_why(view, gpa, bits / 8, GM_WRITE);                                                       \
        __atomic_store_n((gm_unit##bits *)place, value, gm_order_of_store(order));                                     \
        gm_access_mark_page(view, gpa);                                                                                \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_guest_exchange_u##bits(const struct gm_view *view, gm_gpa gpa, gm_order order,      \
                                                          uint##bits##_t value, uint##bits##_t *old)                   \
    {                                                                                                                  \
        void *place = gm_atomic_place(view, gpa, bits / 8, GM_RW);                                                     \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_atomic_why(view, gpa, bits / 8, GM_RW);                                                          \
        *old = __atomic_exchange_n((gm_unit##bits *)place, value, gm_order_of_both(order));                            \
        gm_access_mark_page(view, gpa);                                                                                \
        return 0;                                                                                                      \
    }                                                                                                                  \
    GM_INLINE GM_MUST_CHECK int gm_guest_compare_exchange_u##bits(const struct gm_view *view, gm_gpa gpa,              \
                                                                  gm_order order, uint##bits##_t expected,             \
                                                                  uint##bits##_t value, uint##bits##_t *seen)          \
    {                                                                                                                  \
        void *place = gm_atomic_place(view, gpa, bits / 8, GM_RW);                                                     \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_atomic_why(view, gpa, bits / 8, GM_RW);                                                          \
        gm_unit##bits found = expected;                                                                                \
        if (__atomic_compare_exchange_n((gm_unit##bits *)place, &found, value, 0, gm_order_of_both(order),             \
                                        gm_order_of_failure(order)))                                                   \
            gm_access_mark_page(view, gpa);                                                                            \
        *seen = found;                                                                                                 \
        return 0;                                                                                                      \
    }

GM_GUEST_ATOMIC(8)
GM_GUEST_ATOMIC(16)
GM_GUEST_ATOMIC(32)
GM_GUEST_ATOMIC(64)

/*
 * gm_guest_fetch_add_u8 .. _u64, fetch_and, fetch_or, fetch_xor(view, gpa, order, operand, &old): the sum, modulo the
 * size, or the bits, take the place of what stood there, which is old. NULL for old: the caller does not ask, which
 * spares x86 a loop for the bits.
 */
#define GM_GUEST_FETCH(what, bits)                                                                                     \
    GM_INLINE GM_MUST_CHECK int gm_guest_fetch_##what##_u##bits(const struct gm_view *view, gm_gpa gpa,                \
                                                                gm_order order, uint##bits##_t operand,                \
                                                                uint##bits##_t *old)                                   \
    {                                                                                                                  \
        void *place = gm_atomic_place(view, gpa, bits / 8, GM_RW);                                                     \
        if (GM_UNLIKELY(place == NULL))                                                                                \
            return gm_atomic_why(view, gpa, bits / 8, GM_RW);                                                          \
        if (old != NULL)                                                                                               \
            *old = __atomic_fetch_##what((gm_unit##bits *)place, operand, gm_order_of_both(order));                    \
        else                                                                                                           \
            (void)__atomic_fetch_##what((gm_unit##bits *)place, operand, gm_order_of_both(order));                     \
        gm_access_mark_page(view, gpa);                                                                                \
        return 0;                                                                                                      \
    }

#define GM_GUEST_FETCHES(what) GM_GUEST_FETCH(what, 8) GM_GUEST_FETCH(what, 16) GM_GUEST_FETCH(what, 32)               \
    GM_GUEST_FETCH(what, 64)

GM_GUEST_FETCHES(add)
GM_GUEST_FETCHES(and)
GM_GUEST_FETCHES(or)
GM_GUEST_FETCHES(xor)

GM_END_DECLS

#endif
