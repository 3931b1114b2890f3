/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* AVX2: two loads a span, four spans a step as long as nothing is found; two loads a line of words. */
#if defined(__x86_64__)
#include <immintrin.h>

#include "dirty/scan/scan.h"

#ifdef __AVX2__
#error "compile this file without -mavx2: the baseline must not contain what only this file may use"
#endif

#define TARGET __attribute__((target("avx2,popcnt")))
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

/* Four words: their numbers are moved together by a table of pairs of lanes, by which of them are not 0. */
TARGET static inline uint64_t *list_four(const gm_dirty_word *words, uint64_t first, uint64_t *at)
{
#define LANES(a, b, c, d) {2 * (a), 2 * (a) + 1, 2 * (b), 2 * (b) + 1, 2 * (c), 2 * (c) + 1, 2 * (d), 2 * (d) + 1}
    static const uint32_t together[16][8] __attribute__((aligned(32))) = {
        LANES(0, 0, 0, 0), LANES(0, 0, 0, 0), LANES(1, 0, 0, 0), LANES(0, 1, 0, 0), LANES(2, 0, 0, 0),
        LANES(0, 2, 0, 0), LANES(1, 2, 0, 0), LANES(0, 1, 2, 0), LANES(3, 0, 0, 0), LANES(0, 3, 0, 0),
        LANES(1, 3, 0, 0), LANES(0, 1, 3, 0), LANES(2, 3, 0, 0), LANES(0, 2, 3, 0), LANES(1, 2, 3, 0),
        LANES(0, 1, 2, 3)};
    __m256i four = _mm256_load_si256((const __m256i *)(const void *)&words[first]); /* [dirty-P1] */
    __m256i none = _mm256_cmpeq_epi64(four, _mm256_setzero_si256());
    unsigned any = ~(unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(none)) & 15;
    __m256i number = _mm256_add_epi64(_mm256_set1_epi64x((long long)first), _mm256_set_epi64x(3, 2, 1, 0));
    __m256i order = _mm256_load_si256((const __m256i *)(const void *)together[any]);
    _mm256_storeu_si256((__m256i *)(void *)at, _mm256_permutevar8x32_epi32(number, order));
    return at + __builtin_popcount(any);
}

TARGET static unsigned list_avx2(const gm_dirty_word *words, const uint64_t *lines, unsigned count, uint64_t *out)
{
    uint64_t *at = out;
    for (unsigned i = 0; i < count; i++) {
        const uint64_t first = lines[i] << GM_DIRTY_WORDS_SHIFT;
        gm_dirty_fetch_ahead(words, lines, i, count);
        at = list_four(words, first + 4, list_four(words, first, at));
    }
    return (unsigned)(at - out);
}

const struct gm_dirty_scanner gm_dirty_scan_avx2 = {.name = "avx2", .scan = scan_avx2, .list = list_avx2};
#endif
