/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How bytes go into and out of guest memory one unit at a time, where an access stands, and its dirty mark. Public only
 * because access.h, access_bulk.h and access_atomic.h are inlined; callers use those, and the contract is there.
 *
 * A unit is 1, 2, 4 or 8 bytes at an address that is a multiple of that. It is moved by one relaxed atomic access,
 * which no compiler splits, joins or repeats. Host memory stands where the guest's does within a page (gm_txn_add sees
 * to it), so that what is aligned for the guest is for the host. The caller's buffer may have any alignment.
 */
#ifndef GUESTMEM_ACCESS_UNIT_H
#define GUESTMEM_ACCESS_UNIT_H

#include <stddef.h>
#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/dirty.h>
#include <guestmem/leaf.h>
#include <guestmem/translate.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/* The caller knows what its guest stores where; these may be looked at as anything. */
typedef uint8_t __attribute__((may_alias)) gm_unit8;
typedef uint16_t __attribute__((may_alias)) gm_unit16;
typedef uint32_t __attribute__((may_alias)) gm_unit32;
typedef uint64_t __attribute__((may_alias)) gm_unit64;

/* One unit out of guest memory (read) or into it (write); the pointer into guest memory is aligned. */
#define GM_UNIT_MOVES(bits)                                                                                            \
    GM_INLINE void gm_unit_read##bits(void *buf, const void *guest)                                                    \
    {                                                                                                                  \
        uint##bits##_t unit = __atomic_load_n((const gm_unit##bits *)guest, __ATOMIC_RELAXED);                         \
        __builtin_memcpy(buf, &unit, sizeof(unit));                                                                    \
    }                                                                                                                  \
    GM_INLINE void gm_unit_write##bits(void *guest, const void *buf)                                                   \
    {                                                                                                                  \
        uint##bits##_t unit;                                                                                           \
        __builtin_memcpy(&unit, buf, sizeof(unit));                                                                    \
        __atomic_store_n((gm_unit##bits *)guest, unit, __ATOMIC_RELAXED);                                              \
    }

GM_UNIT_MOVES(8)
GM_UNIT_MOVES(16)
GM_UNIT_MOVES(32)
GM_UNIT_MOVES(64)

/* Twice as much each time, from the lowest address up: loops that every level of optimisation has unrolled already. */
#define GM_UNIT_DOUBLE(step, bits, half)                                                                               \
    GM_INLINE void gm_unit_##step##bits(void *to, const void *from)                                                    \
    {                                                                                                                  \
        gm_unit_##step##half(to, from);                                                                                \
        gm_unit_##step##half((char *)to + half / 8, (const char *)from + half / 8);                                    \
    }

GM_UNIT_DOUBLE(read, 128, 64)
GM_UNIT_DOUBLE(read, 256, 128)
GM_UNIT_DOUBLE(read, 512, 256)
GM_UNIT_DOUBLE(write, 128, 64)
GM_UNIT_DOUBLE(write, 256, 128)
GM_UNIT_DOUBLE(write, 512, 256)

/* Copies of up to so many bytes are made of units. */
#define GM_UNITS_MOST 64

#define GM_UNITS_STEP(step, bits)                                                                                      \
    if ((len & (bits / 8)) != 0) {                                                                                     \
        gm_unit_##step##bits(to, from);                                                                                \
        to += bits / 8;                                                                                                \
        from += bits / 8;                                                                                              \
    }

/* 0..127 bytes in units of 8, then what is left in one of 4, 2 and 1: for guest addresses that are aligned as
 * gm_units_aligned says. */
#define GM_UNITS_MOVE(step)                                                                                            \
    GM_INLINE void gm_units_##step(char *to, const char *from, size_t len)                                             \
    {                                                                                                                  \
        GM_UNITS_STEP(step, 512)                                                                                       \
        GM_UNITS_STEP(step, 256)                                                                                       \
        GM_UNITS_STEP(step, 128)                                                                                       \
        GM_UNITS_STEP(step, 64)                                                                                        \
        GM_UNITS_STEP(step, 32)                                                                                        \
        GM_UNITS_STEP(step, 16)                                                                                        \
        GM_UNITS_STEP(step, 8)                                                                                         \
    }

GM_UNITS_MOVE(read)
GM_UNITS_MOVE(write)

/* Is this where gm_units_read and gm_units_write may begin? */
GM_INLINE int gm_units_aligned(const void *guest, size_t len)
{
    size_t unit = len == 1 || len == 2 || len == 4 ? len : 8;
    return ((uintptr_t)guest & (unit - 1)) == 0;
}

/* 0..GM_UNITS_MOST bytes at any guest address, in as few units as there can be; more, in no particular way. */
GM_API void gm_units_read_any(void *buf, const void *guest, size_t len);
GM_API void gm_units_write_any(void *guest, const void *buf, size_t len);

/* gm_leaf_load with the number of the GiB at hand. */
GM_INLINE uint64_t gm_leaf_at(const struct gm_view *view, uint64_t gib, gm_gpa gpa)
{
    const uint64_t *top = (const uint64_t *)(view + 1);
    return *(const uint64_t *)(uintptr_t)(top[gib] + (gpa >> GM_BLOCK_SHIFT) * sizeof(uint64_t));
}

/*
 * Where an aligned unit stands in host memory when the leaf word or a line says it, with these rights; else NULL.
 * @param size    1, 2, 4 or 8
 * @param rights  GM_READ, or for GM_WRITE and GM_RW both: what may only be written takes the slow path
 * A misaligned address is turned into one that is far out of bounds, so that one branch finds both. Memory with both
 * rights has nothing in the low bits of its word, which then need no mask: what may only be read is looked at again.
 */
GM_INLINE void *gm_unit_place(const struct gm_view *view, gm_gpa gpa, unsigned size, unsigned rights)
{
    const unsigned shift = size == 8 ? 3 : size == 4 ? 2 : size == 2 ? 1 : 0;
    const uint64_t turned = shift == 0 ? gpa : gpa >> shift | gpa << (64 - shift);
    const uint64_t denied = rights == GM_READ ? GM_LEAF_INDIRECT | GM_LEAF_NO_READ : GM_LEAF_DENY_ALL;
    const uint64_t gib = turned >> (GM_GIB_SHIFT - shift);
    if (GM_UNLIKELY(gib >= view->gib_count))
        return NULL;
    uint64_t leaf = gm_leaf_at(view, gib, gpa);
    if (GM_UNLIKELY((leaf & GM_LEAF_DENY_ALL) != 0)) {
        if (gm_leaf_is_line(leaf)) {
            void *place = gm_line_translate(gm_leaf_line(leaf), gpa, size, denied);
            if (place == NULL)
                return NULL;
            leaf = (uint64_t)(uintptr_t)place - gpa;
        } else if (rights != GM_READ || (leaf & denied) != 0) {
            return NULL;
        } else {
            leaf &= GM_LEAF_DELTA_MASK;
        }
    }
    __asm__("" : "+r"(leaf)); /* or gcc adds once for each way here, instead of by the access itself */
    uint64_t host = gpa + leaf;
    if (host == 0)
        __builtin_unreachable(); /* nothing is mapped at 0: saves callers their test for NULL */
    return (void *)(uintptr_t)host;
}

/* The mark of a write of any length, where it crosses pages or there is none. */
GM_API void gm_access_mark_pages(const struct gm_view *view, gm_gpa gpa, uint64_t len);

/* The mark of a write: as gm_dirty_mark, but what is not below the bitmap's size is counted there and is no error of
 * the write. One branch finds all that is rare, and marks that are off. */
GM_INLINE void gm_access_mark(const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    struct gm_dirty *dirty = view->dirty;
    uint64_t page = gpa >> GM_PAGE_SHIFT;
    GM_DIRTY_LIGHT(); /* [dirty-P3] */
    int64_t quick = (int64_t)GM_DIRTY_LOAD(&dirty->quick);
    if (GM_UNLIKELY((int64_t)page >= quick)) { /* off: 0; out of line: below 0 */
        if (GM_UNLIKELY(quick != 0))
            (void)gm_dirty_mark_slow(dirty, gpa, len);
    } else if (GM_UNLIKELY(len - 1 > (~gpa & (GM_PAGE_SIZE - 1)))) {
        gm_access_mark_pages(view, gpa, len);
    } else if (GM_UNLIKELY(!gm_dirty_shown(&dirty->live, page))) {
        (void)gm_dirty_mark_page(dirty, page);
    }
}

/* The same of an aligned unit, which never crosses pages. */
GM_INLINE void gm_access_mark_page(const struct gm_view *view, gm_gpa gpa)
{
    gm_access_mark(view, gpa, 1);
}

GM_END_DECLS

#endif
