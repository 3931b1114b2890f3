/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Short copies at any guest address, whose length need not be known to the compiler, and writes of such lengths. The
 * range is cut into the largest aligned units that lie in it: 1, 2 and 4 bytes up to the first multiple of 8, words of
 * 8, and 4, 2 and 1 at the end. Whatever is naturally aligned in the range lies in one of them.
 */
#include "access/wide.h"
#include "guestmem/access_bulk.h"

/* A range that ends before the next larger unit goes on with the smaller ones at its end, which are aligned there. */
#define TO_A_MULTIPLE_OF_TWICE(step, bits)                                                                             \
    if (((uintptr_t)guest & (bits / 8)) != 0 && len >= bits / 8) {                                                     \
        gm_unit_##step##bits(to, from);                                                                                \
        to += bits / 8;                                                                                                \
        from += bits / 8;                                                                                              \
        guest += bits / 8;                                                                                             \
        len -= bits / 8;                                                                                               \
    }

#define TO_A_WORD(step)                                                                                                \
    TO_A_MULTIPLE_OF_TWICE(step, 8)                                                                                    \
    TO_A_MULTIPLE_OF_TWICE(step, 16)                                                                                   \
    TO_A_MULTIPLE_OF_TWICE(step, 32)

/* What the processor can, in a form that answers what is asked as well. Until the library is loaded, the least. */
static struct {
    uint64_t no_pairs; /* bits of an address and a length, of which any says that pairs do not make it all */
    size_t wide_most, widest_most; /* up to what length registers of 32 and 64 bytes are used; 0: there are none */
} can = {.no_pairs = UINT64_MAX};

#if defined(__x86_64__)
__attribute__((constructor)) static void look_what_it_can(void)
{
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx"))
        return;
    can.no_pairs = sizeof(uint64_t[2]) - 1;
    can.wide_most = GM_WIDE_MOST;
    if (__builtin_cpu_supports("avx512f"))
        can.widest_most = GM_WIDE_MOST;
}
#endif

/*
 * Two words at once, from addresses that are multiples of 16: processors with AVX promise that such an access is atomic
 * as a whole (Intel SDM 3A, 9.1.1; AMD APM 2, 7.3.2). In assembly, so that compilers have no part in it; an instruction
 * that every x86-64 has.
 */
#if defined(__x86_64__)
#define HAS_PAIRS() (can.no_pairs != UINT64_MAX)

typedef uint64_t __attribute__((vector_size(16), may_alias)) pair;

static inline void gm_unit_read_pair(char *to, const char *from)
{
    pair both;
    __asm__ volatile("movdqa %1, %0" : "=x"(both) : "m"(*(const pair *)(const void *)from));
    __builtin_memcpy(to, &both, sizeof(both));
}

static inline void gm_unit_write_pair(char *to, const char *from)
{
    pair both;
    __builtin_memcpy(&both, from, sizeof(both));
    __asm__ volatile("movdqa %1, %0" : "=m"(*(pair *)(void *)to) : "x"(both));
}
#else
#define HAS_PAIRS() 0
#define gm_unit_read_pair gm_unit_read128
#define gm_unit_write_pair gm_unit_write128
#endif

/* Pairs from the lowest up, then what is left. Places do not depend on the length, which may be late. */
#define NEXT(step, at)                                                                                                 \
    if (len < (at) + 16)                                                                                               \
        goto rest;                                                                                                     \
    gm_unit_##step##_pair(to + (at), from + (at));

#define PAIRS(step)                                                                                                    \
    static inline void step##_pairs(char *to, const char *from, size_t len)                                            \
    {                                                                                                                  \
        NEXT(step, 0)                                                                                                  \
        NEXT(step, 16)                                                                                                 \
        NEXT(step, 32)                                                                                                 \
        NEXT(step, 48)                                                                                                 \
    rest:                                                                                                              \
        if (GM_UNLIKELY((len & 15) != 0))                                                                              \
            gm_units_##step(to + (len & ~(size_t)15), from + (len & ~(size_t)15), len & 15);                           \
    }

PAIRS(read)
PAIRS(write)

/*
 * What is longer than units are made for. What is compiled for other processors is in functions of its own; they are
 * called last, which costs a jump.
 */
#if defined(__x86_64__)
GM_WIDE_64 static __attribute__((noinline)) void copy_widest(char *to, const char *from, size_t len)
{
    gm_wide_copy64(to, from, len);
}

GM_WIDE_32 static __attribute__((noinline)) void copy_wide(char *to, const char *from, size_t len)
{
    gm_wide_copy32(to, from, len);
}
#else
#define copy_widest gm_piece_copy
#define copy_wide gm_piece_copy
#endif

static inline void copy_long(char *to, const char *from, size_t len)
{
    if (len <= can.widest_most)
        copy_widest(to, from, len);
    else if (len <= can.wide_most)
        copy_wide(to, from, len);
    else
        gm_piece_copy(to, from, len);
}

/* Not inlined where the length is a constant either: what is common is inlined by the headers. */

__attribute__((noinline)) void gm_units_read_any(void *buf, const void *place, size_t len)
{
    char *to = buf;
    const char *from = place, *guest = place;
    if (len > GM_UNITS_MOST) {
        copy_long(to, from, len);
        return;
    }
    if (GM_UNLIKELY(len == 0)) /* the buffer may be NULL */
        return;
    if (GM_LIKELY(((uintptr_t)place & can.no_pairs) == 0)) {
        read_pairs(to, from, len);
        return;
    }
    TO_A_WORD(read)
    if (HAS_PAIRS()) {
        TO_A_MULTIPLE_OF_TWICE(read, 64)
        read_pairs(to, from, len);
    } else {
        gm_units_read(to, from, len);
    }
}

__attribute__((noinline)) void gm_units_write_any(void *place, const void *buf, size_t len)
{
    char *to = place;
    const char *from = buf, *guest = place;
    if (len > GM_UNITS_MOST) {
        copy_long(to, from, len);
        return;
    }
    if (GM_UNLIKELY(len == 0)) /* the buffer may be NULL */
        return;
    if (GM_LIKELY(((uintptr_t)place & can.no_pairs) == 0)) {
        write_pairs(to, from, len);
        return;
    }
    TO_A_WORD(write)
    if (HAS_PAIRS()) {
        TO_A_MULTIPLE_OF_TWICE(write, 64)
        write_pairs(to, from, len);
    } else {
        gm_units_write(to, from, len);
    }
}

/*
 * Writes of a length that is known at run time only. When many follow one another, each begins while the places of
 * those before it are still being looked up. Processors let loads pass stores whose addresses they do not know, and
 * have to do the work anew where both turn out to be the same within a page. So there are few such loads here: no saved
 * registers, since whatever is called is called last; and those from the buffer wait until the place is known.
 */

static __attribute__((noinline)) int mark_rest(const struct gm_view *view, gm_gpa gpa, size_t len)
{
    gm_access_mark(view, gpa, len);
    return 0;
}

/* gm_access_mark without a call where off, or one page that is dirty already, is all there is to it. Returns 0. */
static inline int mark(const struct gm_view *view, gm_gpa gpa, size_t len)
{
    struct gm_dirty *dirty = view->dirty;
    const uint64_t page = gpa >> GM_PAGE_SHIFT;
    GM_DIRTY_LIGHT(); /* [dirty-P3] */
    int64_t quick = (int64_t)GM_DIRTY_LOAD(&dirty->quick);
    if (GM_LIKELY(quick == 0))
        return 0;
    if (GM_LIKELY((int64_t)page < quick && len - 1 <= (~gpa & (GM_PAGE_SIZE - 1)) &&
                  gm_dirty_shown(&dirty->live, page)))
        return 0;
    return mark_rest(view, gpa, len);
}

#if defined(__x86_64__)
/* Never by 64 bytes: where addresses of stores are known late, that has measured slower, unlike for reads. */
GM_WIDE_32 static __attribute__((noinline)) int write_wide(const struct gm_view *view, gm_gpa gpa, const void *buf,
                                                           size_t len, void *place)
{
    gm_wide_copy32(place, buf, len);
    return mark(view, gpa, len);
}
#else
#define write_wide write_long
#endif

static __attribute__((noinline)) int write_long(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len,
                                                void *place)
{
    gm_piece_copy(place, buf, len);
    return mark(view, gpa, len);
}

static __attribute__((noinline)) int write_units(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len,
                                                 void *place)
{
    gm_units_write_any(place, buf, len);
    return mark(view, gpa, len);
}

/* The buffer, by an addition of nothing that waits for the place: the highest bit of an address in user space. */
static inline const char *after(const void *buf, const void *place)
{
#ifdef __x86_64__
    uint64_t nothing = (uint64_t)(uintptr_t)place >> 63;
    __asm__("" : "+r"(nothing)); /* compilers do not know it either */
    return (const char *)((uintptr_t)buf + nothing);
#else
    (void)place;
    return buf;
#endif
}

__attribute__((noinline)) int gm_guest_write_any(const struct gm_view *view, gm_gpa gpa, const void *buf, size_t len)
{
    char *place = gm_piece_place(view, gpa, len, GM_WRITE);
    if (GM_UNLIKELY(place == NULL))
        return gm_guest_write_slow(view, gpa, buf, len);
    const char *from = after(buf, place);
    if (len > GM_UNITS_MOST)
        return len <= can.wide_most ? write_wide(view, gpa, from, len, place)
                                    : write_long(view, gpa, from, len, place);
    if (GM_UNLIKELY((((uintptr_t)place | len) & can.no_pairs) != 0))
        return write_units(view, gpa, from, len, place);
    write_pairs(place, from, len);
    return mark(view, gpa, len);
}
