/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Checked arithmetic on values that a guest or a caller chose. Ranges come in as (start, length) and are turned at
 * once into an inclusive last byte, because the end of a range that touches 2^64 cannot be written as a number.
 */
#ifndef GM_BASE_MATH_H
#define GM_BASE_MATH_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem/types.h"

/* start + len - 1 into *last; false when len is 0 or the range wraps. */
static inline bool gm_range_last(uint64_t start, uint64_t len, uint64_t *last)
{
    return len != 0 && !__builtin_add_overflow(start, len - 1, last);
}

static inline bool gm_add_ok(uint64_t a, uint64_t b, uint64_t *sum)
{
    return !__builtin_add_overflow(a, b, sum);
}

/* value rounded up to a multiple of a power of two; false when that does not fit. */
static inline bool gm_align_up(uint64_t value, uint64_t alignment, uint64_t *out)
{
    uint64_t bumped;
    if (!gm_add_ok(value, alignment - 1, &bumped))
        return false;
    *out = bumped & ~(alignment - 1);
    return true;
}

static inline bool gm_is_aligned(uint64_t value, uint64_t alignment)
{
    return (value & (alignment - 1)) == 0;
}

static inline uint64_t gm_min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t gm_max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

#endif
