/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* AVX-512: a load a span, four spans a step as long as nothing is found; a load a line of words. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "dirty/scan/scan.h"

#ifdef __AVX512F__
#error "compile this file without -mavx512f: the baseline must not contain what only this file may use"
#endif

#define TARGET __attribute__((target("avx512f,popcnt")))
#define STEP (4 * GM_DIRTY_SPAN)

TARGET static inline __m512i span(const gm_dirty_line *at)
{
    return _mm512_load_si512((const void *)at);
}

TARGET static uint64_t scan_avx512(const gm_dirty_line *lines, uint64_t at, uint64_t end)
{
    for (; end - at >= STEP; at += STEP) {
        const gm_dirty_line *from = &lines[at];
        __m512i low = _mm512_or_si512(span(from), span(from + GM_DIRTY_SPAN));
        __m512i high = _mm512_or_si512(span(from + 2 * GM_DIRTY_SPAN), span(from + 3 * GM_DIRTY_SPAN));
        __m512i any = _mm512_or_si512(low, high);
        if (_mm512_test_epi64_mask(any, any) != 0)
            break;
    }
    return gm_dirty_scan_scalar.scan(lines, at, end);
}

TARGET static unsigned list_avx512(const gm_dirty_word *words, const uint64_t *lines, unsigned count, uint64_t *out)
{
    const __m512i lanes = _mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0);
    uint64_t *at = out;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t first = lines[i] << GM_DIRTY_WORDS_SHIFT;
        gm_dirty_fetch_ahead(words, lines, i, count);
        __m512i line = _mm512_load_si512((const void *)&words[first]); /* [dirty-P1] */
        __mmask8 any = _mm512_test_epi64_mask(line, line);
        __m512i number = _mm512_add_epi64(_mm512_set1_epi64((long long)first), lanes);
        _mm512_storeu_si512((void *)at, _mm512_maskz_compress_epi64(any, number));
        at += (unsigned)__builtin_popcount(any);
    }
    return (unsigned)(at - out);
}

const struct gm_dirty_scanner gm_dirty_scan_avx512 = {.name = "avx512", .scan = scan_avx512, .list = list_avx512};
#endif
