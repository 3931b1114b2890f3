/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * AVX-512. Up to 16 runs (the normal VM) the whole map is held in registers: a binary search whose probes are
 * permutes, then two more permutes for limit and delta. Above that the leaf words are fetched by scalar loads, two
 * dependent ones a lane, and everything around them is done by the vector: on Zen 4 a gather costs more than the
 * loads it replaces, and with so few instructions a lane the out-of-order window holds the misses of 64 lanes.
 */
#if defined(__x86_64__)
#include <immintrin.h>

#include "base/cpu.h"
#include "translate/kernel.h"

#ifdef __AVX512F__
#error "compile this file without -mavx512*: the baseline must not contain what only this file may use"
#endif

#define TARGET __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,bmi,bmi2,popcnt")))

#define LANES 8
#define BLOCK 64 /* lanes whose leaf words are fetched together */

/*
 * The runs as a batch needs them, with addresses counted from the first run, so that what lies below it is far
 * above the last. An access may start below limit; a run that is too short or denies the rights has limit 0.
 */
struct probes {
    __m512i origin;
    __m512i middle;   /* first address of the upper half of the runs */
    __m512i above[3]; /* [i]: the run 1, 2 or 4 places up; for 16 runs the low half of it */
    __m512i above_high[3];
    __m512i limit[2];
    __m512i delta[2];
};

TARGET GM_INLINE __m512i load_up(const uint64_t *from, unsigned up)
{
    __mmask8 there = (__mmask8)(0xff >> (up < LANES ? up : LANES));
    return _mm512_mask_loadu_epi64(_mm512_set1_epi64(-1), there, from + up);
}

TARGET static void probes_load(struct probes *probes, const struct gm_runs *runs, const struct gm_batch *batch,
                               unsigned half_size)
{
    const __m512i len = _mm512_set1_epi64((long long)batch->len_less_1);
    const __m512i denied = _mm512_set1_epi64((long long)batch->denied);
    const __m512i origin = _mm512_set1_epi64((long long)runs->first[0]);
    probes->origin = origin;
    probes->middle = _mm512_sub_epi64(_mm512_set1_epi64((long long)runs->first[half_size]), origin);
    for (unsigned i = 0; i < 3; i++) {
        unsigned up = 1u << i;
        __m512i low = half_size == 4 ? load_up(runs->first, up) : _mm512_loadu_si512(runs->first + up);
        probes->above[i] = _mm512_sub_epi64(low, origin);
        probes->above_high[i] = _mm512_sub_epi64(load_up(runs->first + LANES, up), origin);
    }
    for (unsigned half = 0; half < 2; half++) {
        __m512i first = _mm512_load_si512(runs->first + half * LANES);
        __m512i last = _mm512_load_si512(runs->last + half * LANES);
        __m512i word = _mm512_load_si512(runs->word + half * LANES);
        __mmask8 usable = _mm512_cmple_epu64_mask(len, _mm512_sub_epi64(last, first));
        usable = _mm512_mask_testn_epi64_mask(usable, word, denied);
        __m512i limit = _mm512_sub_epi64(_mm512_sub_epi64(last, len), _mm512_sub_epi64(origin, _mm512_set1_epi64(1)));
        __m512i delta = _mm512_and_si512(word, _mm512_set1_epi64((long long)GM_LEAF_DELTA_MASK));
        probes->limit[half] = _mm512_maskz_mov_epi64(usable, limit);
        probes->delta[half] = _mm512_add_epi64(delta, origin);
    }
}

/* Eight addresses to host addresses; *open gets the lanes that no run answers. */
TARGET GM_INLINE __m512i runs8(const struct probes *probes, __m512i gpa, __mmask8 lanes, __mmask8 *open)
{
    __m512i from = _mm512_sub_epi64(gpa, probes->origin);
    __m512i at = _mm512_maskz_set1_epi64(_mm512_cmpge_epu64_mask(from, probes->middle), 4);
    for (int i = 1; i >= 0; i--) {
        __m512i probe = _mm512_permutexvar_epi64(at, probes->above[i]);
        at = _mm512_mask_or_epi64(at, _mm512_cmpge_epu64_mask(from, probe), at, _mm512_set1_epi64(1ll << i));
    }
    __mmask8 ok = _mm512_mask_cmplt_epu64_mask(lanes, from, _mm512_permutexvar_epi64(at, probes->limit[0]));
    *open = (__mmask8)(lanes & ~ok);
    return _mm512_maskz_add_epi64(ok, from, _mm512_permutexvar_epi64(at, probes->delta[0]));
}

TARGET GM_INLINE __m512i runs16(const struct probes *probes, __m512i gpa, __mmask8 lanes, __mmask8 *open)
{
    __m512i from = _mm512_sub_epi64(gpa, probes->origin);
    __m512i at = _mm512_maskz_set1_epi64(_mm512_cmpge_epu64_mask(from, probes->middle), 8);
    for (int i = 2; i >= 0; i--) {
        __m512i probe = _mm512_permutex2var_epi64(probes->above[i], at, probes->above_high[i]);
        at = _mm512_mask_or_epi64(at, _mm512_cmpge_epu64_mask(from, probe), at, _mm512_set1_epi64(1ll << i));
    }
    __m512i limit = _mm512_permutex2var_epi64(probes->limit[0], at, probes->limit[1]);
    __m512i delta = _mm512_permutex2var_epi64(probes->delta[0], at, probes->delta[1]);
    __mmask8 ok = _mm512_mask_cmplt_epu64_mask(lanes, from, limit);
    *open = (__mmask8)(lanes & ~ok);
    return _mm512_maskz_add_epi64(ok, from, delta);
}

TARGET GM_INLINE __mmask8 lanes_left(size_t left)
{
    return (__mmask8)(left >= LANES ? 0xffu : (1u << left) - 1u);
}

/* The two loops differ in the search only; each keeps its tables in registers. */
#define RUNS_LOOP(search, half_size)                                                                         \
    struct probes probes;                                                                                    \
    size_t missed = 0;                                                                                       \
    probes_load(&probes, gm_version_of(view)->runs, batch, half_size);                                       \
    for (size_t i = 0; i < count; i += LANES) {                                                              \
        __mmask8 lanes = lanes_left(count - i);                                                              \
        __mmask8 open;                                                                                       \
        __m512i result = search(&probes, _mm512_maskz_loadu_epi64(lanes, gpa + i), lanes, &open);            \
        _mm512_mask_storeu_epi64(hva + i, lanes, result);                                                    \
        if (GM_UNLIKELY(open != 0))                                                                          \
            missed += gm_kernel_finish(view, batch, open, gpa + i, hva + i);                                 \
    }                                                                                                        \
    return count - missed

TARGET static size_t runs8_loop(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                                size_t count, void **hva)
{
    RUNS_LOOP(runs8, 4);
}

TARGET static size_t runs16_loop(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                                 size_t count, void **hva)
{
    RUNS_LOOP(runs16, 8);
}

static size_t runs_avx512(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa, size_t count,
                          void **hva)
{
    bool few = gm_version_of(view)->runs->count <= LANES;
    return (few ? runs8_loop : runs16_loop)(view, batch, gpa, count, hva);
}

/* The indices of eight addresses, for GPA 0 where they are past the top; returns the lanes that are not. */
TARGET GM_INLINE __mmask8 split(__m512i gpa, __m512i gib_count, uint64_t *gib, uint64_t *block)
{
    __m512i high = _mm512_srli_epi64(gpa, GM_GIB_SHIFT);
    __mmask8 inside = _mm512_cmplt_epu64_mask(high, gib_count);
    _mm512_store_si512(gib, _mm512_maskz_mov_epi64(inside, high));
    _mm512_store_si512(block, _mm512_maskz_srli_epi64(inside, gpa, GM_BLOCK_SHIFT));
    return inside;
}

/* The lines of mixed blocks, asked for before the first of them is needed; what is no line does no harm. */
TARGET GM_INLINE void prefetch_lines(const uint64_t *leaf, unsigned open)
{
    for (; open != 0; open &= open - 1)
        __builtin_prefetch((const void *)(uintptr_t)(leaf[__builtin_ctz(open)] & GM_LEAF_POINTER_MASK));
}

/* Up to 64 lanes in three passes, so that the cache misses of each pass overlap: leaf words, then the lanes that they
 * answer, then the others. */
TARGET GM_INLINE size_t table_block(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                                    size_t count, void **hva)
{
    uint64_t gib[BLOCK] __attribute__((aligned(64)));
    uint64_t block[BLOCK] __attribute__((aligned(64)));
    uint64_t leaf[BLOCK] __attribute__((aligned(64)));
    __mmask8 inside[BLOCK / LANES];
    uint64_t open = 0;
    const uint64_t *top = gm_version_of(view)->top;
    const __m512i denied = _mm512_set1_epi64((long long)batch->denied);
    const __m512i last_start = _mm512_set1_epi64((long long)(GM_BLOCK_SIZE - 1 - batch->len_less_1));
    const __m512i gib_count = _mm512_set1_epi64((long long)view->gib_count);
    for (size_t i = 0; i < count && i < BLOCK; i += LANES) { /* count <= BLOCK, which the compiler cannot see */
        __m512i address = _mm512_maskz_loadu_epi64(lanes_left(count - i), gpa + i);
        inside[i / LANES] = split(address, gib_count, gib + i, block + i);
    }
    for (size_t i = 0; i < count; i++)
        leaf[i] = ((const uint64_t *)(uintptr_t)top[gib[i]])[block[i]];
    for (size_t i = 0; i < count; i += LANES) {
        __mmask8 lanes = lanes_left(count - i);
        __m512i address = _mm512_maskz_loadu_epi64(lanes, gpa + i);
        __m512i word = _mm512_load_si512(leaf + i);
        __m512i offset = _mm512_and_si512(address, _mm512_set1_epi64((long long)(GM_BLOCK_SIZE - 1)));
        __mmask8 ok = _mm512_mask_testn_epi64_mask(lanes & inside[i / LANES], word, denied);
        ok = _mm512_mask_cmple_epu64_mask(ok, offset, last_start);
        __m512i delta = _mm512_and_si512(word, _mm512_set1_epi64((long long)GM_LEAF_DELTA_MASK));
        _mm512_mask_storeu_epi64(hva + i, lanes, _mm512_maskz_add_epi64(ok, address, delta));
        unsigned missing = (unsigned)(lanes & ~ok) & 0xff;
        if (GM_UNLIKELY(missing != 0))
            prefetch_lines(leaf + i, missing);
        open |= (uint64_t)missing << i;
    }
    return count - (GM_UNLIKELY(open != 0) ? gm_kernel_finish(view, batch, open, gpa, hva) : 0);
}

TARGET static size_t table_avx512(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                                  size_t count, void **hva)
{
    size_t done = 0;
    if (view->gib_count == 0 || batch->len_less_1 >= GM_BLOCK_SIZE) /* no lane can be answered by a leaf */
        return gm_table_loop(view, batch, gpa, count, hva);
    for (; count > BLOCK; count -= BLOCK, gpa += BLOCK, hva += BLOCK)
        done += table_block(view, batch, gpa, BLOCK, hva);
    return done + table_block(view, batch, gpa, count, hva);
}

TARGET static size_t linear_avx512(uint64_t base, uint64_t last_start, const uint64_t *gpa, size_t count, void **hva)
{
    const __m512i bases = _mm512_set1_epi64((long long)base);
    const __m512i limit = _mm512_set1_epi64((long long)last_start);
    size_t done = 0;
    for (size_t i = 0; i < count; i += LANES) {
        __mmask8 lanes = lanes_left(count - i);
        __m512i address = _mm512_maskz_loadu_epi64(lanes, gpa + i);
        __mmask8 inside = _mm512_mask_cmple_epu64_mask(lanes, address, limit);
        _mm512_mask_storeu_epi64(hva + i, lanes, _mm512_maskz_add_epi64(inside, address, bases));
        done += (size_t)__builtin_popcount(inside);
    }
    return done;
}

const struct gm_kernel gm_kernel_avx512 = {
    .name = "avx512",
    .needs = GM_CPU_AVX512 | GM_CPU_AVX2,
    .runs = runs_avx512,
    .table = table_avx512,
    .linear = linear_avx512,
};
#endif
