/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * AVX2. The map of a normal VM is held in registers here too, but AVX2 permutes only 32-bit words by a variable
 * index. So the search compares page numbers, eight addresses at a time, and limit and delta are looked up in two
 * halves each. Page numbers are counted from the first run and must fit 31 bits (8 TiB); where they do not, where
 * runs do not begin on pages, and where there are more than 16, the leaf table is read with scalar loads.
 */
#if defined(__x86_64__)
#include <immintrin.h>

#include "base/cpu.h"
#include "translate/kernel.h"

#ifdef __AVX2__
#error "compile this file without -mavx2: the baseline must not contain what only this file may use"
#endif

#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))

#define LANES 8
#define SIGN (UINT64_C(1) << 63)

/* The runs as a batch needs them, see kernel_avx512.c. Limits have their sign bit flipped, because there is only
 * "greater than" for signed numbers. */
struct probes {
    uint32_t limit_low[GM_RUNS_LIMIT] __attribute__((aligned(32)));
    uint32_t limit_high[GM_RUNS_LIMIT] __attribute__((aligned(32)));
    uint32_t delta_low[GM_RUNS_LIMIT] __attribute__((aligned(32)));
    uint32_t delta_high[GM_RUNS_LIMIT] __attribute__((aligned(32)));
    const struct gm_runs *runs;
};

TARGET GM_INLINE void probes_load(struct probes *probes, const struct gm_runs *runs, const struct gm_batch *batch)
{
    const uint64_t origin = runs->first[0];
    probes->runs = runs;
    for (unsigned i = 0; i < runs->count; i++) {
        bool usable = batch->len_less_1 <= runs->last[i] - runs->first[i] && (runs->word[i] & batch->denied) == 0;
        uint64_t limit = (usable ? runs->last[i] - batch->len_less_1 - origin + 1 : 0) ^ SIGN;
        uint64_t delta = (runs->word[i] & GM_LEAF_DELTA_MASK) + origin;
        probes->limit_low[i] = (uint32_t)limit;
        probes->limit_high[i] = (uint32_t)(limit >> 32);
        probes->delta_low[i] = (uint32_t)delta;
        probes->delta_high[i] = (uint32_t)(delta >> 32);
    }
}

TARGET GM_INLINE __m256i half(const uint32_t *table, unsigned at)
{
    return _mm256_load_si256((const __m256i *)(const void *)(table + at));
}

/* Which run each lane is in: its number, and, where there are more than 8, whether that is 8 or more. */
struct found {
    __m256i at;
    __m256i is_high;
};

/* table[at]; few: there are at most 8 runs. No index reaches an entry that is not a run. */
TARGET GM_INLINE __m256i look_up(const uint32_t *table, struct found found, bool few)
{
    __m256i low = _mm256_permutevar8x32_epi32(half(table, 0), found.at);
    if (few)
        return low;
    __m256i high = _mm256_permutevar8x32_epi32(half(table, 8), found.at);
    return _mm256_castps_si256(_mm256_blendv_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high),
                                                _mm256_castsi256_ps(found.is_high)));
}

TARGET GM_INLINE struct found find(const struct probes *probes, __m256i page, bool few)
{
    const int first = few ? 2 : 3;
    const uint32_t(*below)[GM_RUNS_LIMIT] = probes->runs->page_below;
    __m256i above = _mm256_cmpgt_epi32(page, _mm256_set1_epi32((int)below[first][0]));
    struct found found = {.at = _mm256_and_si256(above, _mm256_set1_epi32(1 << first)), .is_high = above};
    for (int up = first - 1; up >= 0; up--) {
        above = _mm256_cmpgt_epi32(page, look_up(below[up], found, few));
        found.at = _mm256_or_si256(found.at, _mm256_and_si256(above, _mm256_set1_epi32(1 << up)));
    }
    return found;
}

/* Where from < limit (the limit's sign is flipped): from + delta, else 0. The mask of lanes that are 0 in *open. */
TARGET GM_INLINE __m256i finish(__m256i from, __m256i limit, __m256i delta, unsigned *open)
{
    __m256i flipped = _mm256_xor_si256(from, _mm256_set1_epi64x(INT64_MIN));
    __m256i ok = _mm256_cmpgt_epi64(limit, flipped);
    *open = (unsigned)_mm256_movemask_pd(_mm256_castsi256_pd(ok)) ^ 0xf;
    return _mm256_and_si256(ok, _mm256_add_epi64(from, delta));
}

/* Eight addresses; returns the mask of lanes that no run answers. */
TARGET GM_INLINE unsigned step(const struct probes *probes, const uint64_t *gpa, void **hva, bool few)
{
    const __m256i origin = _mm256_set1_epi64x((long long)probes->runs->first[0]);
    __m256i a = _mm256_sub_epi64(_mm256_loadu_si256((const __m256i *)(const void *)gpa), origin);
    __m256i b = _mm256_sub_epi64(_mm256_loadu_si256((const __m256i *)(const void *)(gpa + 4)), origin);
    /* pages of a0 a1 b0 b1 | a2 a3 b2 b3: what the unpacking below puts in order again */
    __m256 page = _mm256_shuffle_ps(_mm256_castsi256_ps(_mm256_srli_epi64(a, GM_PAGE_SHIFT)),
                                    _mm256_castsi256_ps(_mm256_srli_epi64(b, GM_PAGE_SHIFT)), 0x88);
    struct found at = find(probes, _mm256_castps_si256(page), few);
    __m256i limit_low = look_up(probes->limit_low, at, few);
    __m256i limit_high = look_up(probes->limit_high, at, few);
    __m256i delta_low = look_up(probes->delta_low, at, few);
    __m256i delta_high = look_up(probes->delta_high, at, few);
    unsigned open_a;
    unsigned open_b;
    a = finish(a, _mm256_unpacklo_epi32(limit_low, limit_high), _mm256_unpacklo_epi32(delta_low, delta_high), &open_a);
    b = finish(b, _mm256_unpackhi_epi32(limit_low, limit_high), _mm256_unpackhi_epi32(delta_low, delta_high), &open_b);
    _mm256_storeu_si256((__m256i *)(void *)hva, a);
    _mm256_storeu_si256((__m256i *)(void *)(hva + 4), b);
    return open_a | open_b << 4;
}

TARGET GM_INLINE size_t runs_loop(const struct probes *probes, const struct gm_view *view,
                                  const struct gm_batch *batch, const uint64_t *gpa, size_t count, void **hva, bool few)
{
    size_t missed = 0;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        unsigned open = step(probes, gpa + i, hva + i, few);
        if (GM_UNLIKELY(open != 0))
            missed += gm_kernel_finish(view, batch, open, gpa + i, hva + i);
    }
    return i - missed + gm_table_loop(view, batch, gpa + i, count - i, hva + i);
}

TARGET static size_t runs_avx2(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                               size_t count, void **hva)
{
    const struct gm_runs *runs = gm_version_of(view)->runs;
    struct probes probes;
    if (count < LANES || !runs->paged)
        return gm_table_loop(view, batch, gpa, count, hva);
    probes_load(&probes, runs, batch);
    if (runs->count <= LANES)
        return runs_loop(&probes, view, batch, gpa, count, hva, true);
    return runs_loop(&probes, view, batch, gpa, count, hva, false);
}

TARGET static size_t table_avx2(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                                size_t count, void **hva)
{
    return gm_table_loop(view, batch, gpa, count, hva);
}

TARGET static size_t linear_avx2(uint64_t base, uint64_t last_start, const uint64_t *gpa, size_t count, void **hva)
{
    const __m256i sign = _mm256_set1_epi64x(INT64_MIN);
    const __m256i bases = _mm256_set1_epi64x((long long)base);
    const __m256i limit = _mm256_xor_si256(_mm256_set1_epi64x((long long)last_start), sign);
    __m256i outside_total = _mm256_setzero_si256();
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        __m256i address = _mm256_loadu_si256((const __m256i *)(const void *)(gpa + i));
        __m256i outside = _mm256_cmpgt_epi64(_mm256_xor_si256(address, sign), limit);
        __m256i result = _mm256_andnot_si256(outside, _mm256_add_epi64(address, bases));
        _mm256_storeu_si256((__m256i *)(void *)(hva + i), result);
        outside_total = _mm256_sub_epi64(outside_total, outside);
    }
    uint64_t outside[4];
    _mm256_storeu_si256((__m256i *)(void *)outside, outside_total);
    return i - (outside[0] + outside[1] + outside[2] + outside[3]) +
           gm_kernel_scalar.linear(base, last_start, gpa + i, count - i, hva + i);
}

const struct gm_kernel gm_kernel_avx2 = {
    .name = "avx2",
    .needs = GM_CPU_AVX2,
    .runs = runs_avx2,
    .table = table_avx2,
    .linear = linear_avx2,
};
#endif
