/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* AVX2: two loads a span, four spans a step as long as nothing is found. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "dirty/scan/scan.h"

#ifdef __AVX2__
#error "compile this file without -mavx2: the baseline must not contain what only this file may use"
#endif

#define TARGET __attribute__((target("avx2")))
#define STEP (4 * GM_DIRTY_SPAN)

TARGET static inline __m256i load(const gm_dirty_line *at)
{
    return _mm256_load_si256((const __m256i *)(const void *)at);
}

TARGET static inline __m256i span(const gm_dirty_line *at)
{
    return _mm256_or_si256(load(at), load(at + sizeof(__m256i)));
}

TARGET static uint64_t scan_avx2(const gm_dirty_line *lines, uint64_t at, uint64_t end)
{
    for (; end - at >= STEP; at += STEP) {
        const gm_dirty_line *from = &lines[at];
        __m256i low = _mm256_or_si256(span(from), span(from + GM_DIRTY_SPAN));
        __m256i high = _mm256_or_si256(span(from + 2 * GM_DIRTY_SPAN), span(from + 3 * GM_DIRTY_SPAN));
        __m256i any = _mm256_or_si256(low, high);
        if (!_mm256_testz_si256(any, any))
            break;
    }
    return gm_dirty_scan_scalar.scan(lines, at, end);
}

const struct gm_dirty_scanner gm_dirty_scan_avx2 = {.name = "avx2", .scan = scan_avx2};
#endif
