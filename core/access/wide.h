/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Copies of some hundred bytes by wide registers, for lengths of which access.h promises nothing. Processors finish
 * about one store a cycle whatever its width, so that width is the cost. All is loaded before anything is stored,
 * because a load behind a store whose address has the same low twelve bits may have to wait for it. Both ends are moved
 * whole, and overlap in the middle.
 */
#ifndef GM_ACCESS_WIDE_H
#define GM_ACCESS_WIDE_H

#include <stddef.h>

#include "guestmem/access_unit.h"

#define GM_WIDE_MOST 256 /* longer ones are memcpy's: its call costs little beside them */

#if defined(__x86_64__)
#define GM_WIDE_32 __attribute__((target("avx")))
#define GM_WIDE_64 __attribute__((target("avx512f")))

typedef uint64_t __attribute__((vector_size(32), aligned(1), may_alias)) gm_wide32;
typedef uint64_t __attribute__((vector_size(64), aligned(1), may_alias)) gm_wide64;

/* len: above GM_UNITS_MOST, up to GM_WIDE_MOST */
GM_WIDE_32 static inline void gm_wide_copy32(char *to, const char *from, size_t len)
{
    const gm_wide32 *head = (const gm_wide32 *)(const void *)from;
    const gm_wide32 *tail = (const gm_wide32 *)(const void *)(from + len);
    gm_wide32 *to_head = (gm_wide32 *)(void *)to, *to_tail = (gm_wide32 *)(void *)(to + len);
    const gm_wide32 a = head[0], b = head[1], y = tail[-2], z = tail[-1];
    if (len > 128) {
        const gm_wide32 c = head[2], d = head[3], w = tail[-4], x = tail[-3];
        to_head[0] = a, to_head[1] = b, to_head[2] = c, to_head[3] = d;
        to_tail[-4] = w, to_tail[-3] = x, to_tail[-2] = y, to_tail[-1] = z;
    } else {
        to_head[0] = a, to_head[1] = b;
        to_tail[-2] = y, to_tail[-1] = z;
    }
}

/* The same. */
GM_WIDE_64 static inline void gm_wide_copy64(char *to, const char *from, size_t len)
{
    const gm_wide64 *head = (const gm_wide64 *)(const void *)from;
    const gm_wide64 *tail = (const gm_wide64 *)(const void *)(from + len);
    gm_wide64 *to_head = (gm_wide64 *)(void *)to, *to_tail = (gm_wide64 *)(void *)(to + len);
    const gm_wide64 a = head[0], z = tail[-1];
    if (len > 128) {
        const gm_wide64 b = head[1], y = tail[-2];
        to_head[0] = a, to_head[1] = b;
        to_tail[-2] = y, to_tail[-1] = z;
    } else {
        to_head[0] = a;
        to_tail[-1] = z;
    }
}
#endif

#endif
