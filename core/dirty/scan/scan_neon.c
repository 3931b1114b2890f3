/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* AArch64: four loads a span. Words are listed one by one: wide loads are of no order with the look at a line. */
#if defined(__aarch64__)
#include <arm_neon.h>

#include "dirty/scan/scan.h"

static inline uint8x16_t pair(const gm_dirty_line *at)
{
    return vorrq_u8(vld1q_u8(at), vld1q_u8(at + sizeof(uint8x16_t)));
}

static uint64_t scan_neon(const gm_dirty_line *lines, uint64_t at, uint64_t end)
{
    for (; at < end; at += GM_DIRTY_SPAN) {
        uint8x16_t any = vorrq_u8(pair(&lines[at]), pair(&lines[at + GM_DIRTY_SPAN / 2]));
        if (vmaxvq_u8(any) != 0)
            break;
    }
    return at;
}

const struct gm_dirty_scanner gm_dirty_scan_neon = {.name = "neon", .scan = scan_neon};
#endif
