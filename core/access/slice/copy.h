/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Long copies that tear no element of an array. */
#ifndef GM_ACCESS_SLICE_COPY_H
#define GM_ACCESS_SLICE_COPY_H

#include "base/math.h"
#include "guestmem/access_unit.h"

/* Cut at multiples of 64 from the first byte on: an aligned element of 2, 4 or 8 bytes lies in one unit. */
static inline void gm_units_read_long(char *to, const char *guest, uint64_t len)
{
    for (uint64_t at = 0; at < len; at += GM_UNITS_MOST)
        gm_units_read_any(to + at, guest + at, gm_min_u64(len - at, GM_UNITS_MOST));
}

static inline void gm_units_write_long(char *guest, const char *from, uint64_t len)
{
    for (uint64_t at = 0; at < len; at += GM_UNITS_MOST)
        gm_units_write_any(guest + at, from + at, gm_min_u64(len - at, GM_UNITS_MOST));
}

#endif
