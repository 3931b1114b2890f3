/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The floors of dirty tracking, on a plain bitmap that is as long as the guest: what the processor asks for the
 * instruction that cannot be avoided, and nothing for checks or for finding out what kind of guest it is.
 */
#include "dirty.h"

#include <stdlib.h>
#include <string.h>

typedef uint64_t vector __attribute__((vector_size(64), may_alias)); /* in as many registers as it takes */

static void *build(uint64_t pages, int value)
{
    struct dirty_bits *bits = calloc(1, sizeof(*bits));
    size_t bytes = (size_t)((pages + DIRTY_WORD - 1) / DIRTY_WORD * sizeof(uint64_t));

    if (bits == NULL)
        return NULL;
    bits->count = bytes / sizeof(uint64_t);
    bits->word = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (bits->word == NULL) {
        free(bits);
        return NULL;
    }
    memset(bits->word, value, bytes);
    return bits;
}

static void *build_clean(uint64_t pages)
{
    return build(pages, 0);
}

static void *build_dirty(uint64_t pages)
{
    return build(pages, 0xff);
}

static void destroy(void *self)
{
    struct dirty_bits *bits = self;

    free(bits->word);
    free(bits);
}

static void clear(void *self)
{
    struct dirty_bits *bits = self;

    memset(bits->word, 0, bits->count * sizeof(uint64_t));
}

static int test(const void *self, uint64_t page)
{
    const struct dirty_bits *bits = self;

    return (bits->word[page / DIRTY_WORD] >> page % DIRTY_WORD & 1) != 0;
}

static void look(void *self, const uint64_t *address, size_t count, uint64_t len)
{
    (void)self, (void)len;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = address[i];
        bench_opaque(at);
    }
}

static void look_up(void *self, const uint64_t *address, size_t count, uint64_t len)
{
    struct dirty_bits *bits = self;

    (void)len;
    for (size_t i = 0; i < count; i++) {
        uint64_t page = address[i] / DIRTY_PAGE;
        uint64_t word = __atomic_load_n(&bits->word[page / DIRTY_WORD], __ATOMIC_RELAXED);
        if (__builtin_expect((word >> page % DIRTY_WORD & 1) == 0, 0))
            bits->missed++;
    }
}

static void set_one(void *self, const uint64_t *address, size_t count, uint64_t len)
{
    struct dirty_bits *bits = self;

    (void)len;
    for (size_t i = 0; i < count; i++) {
        uint64_t page = address[i] / DIRTY_PAGE;
        __atomic_fetch_or(&bits->word[page / DIRTY_WORD], UINT64_C(1) << page % DIRTY_WORD, __ATOMIC_RELAXED);
    }
}

static void set_range(struct dirty_bits *bits, uint64_t first, uint64_t last)
{
    uint64_t word = first / DIRTY_WORD, end = last / DIRTY_WORD, mask = ~UINT64_C(0) << first % DIRTY_WORD;

    for (; word < end; word++, mask = ~UINT64_C(0))
        __atomic_fetch_or(&bits->word[word], mask, __ATOMIC_RELAXED);
    mask &= ~UINT64_C(0) >> (DIRTY_WORD - 1 - last % DIRTY_WORD);
    __atomic_fetch_or(&bits->word[end], mask, __ATOMIC_RELAXED);
}

static void set_ranges(void *self, const uint64_t *address, size_t count, uint64_t len)
{
    for (size_t i = 0; i < count; i++)
        set_range(self, address[i] / DIRTY_PAGE, (address[i] + len - 1) / DIRTY_PAGE);
}

const struct bench_dirty_peer dirty_floor_nothing = {
    .name = BENCH_FLOOR, .build = build_clean, .destroy = destroy, .mark = look, .clear = clear, .test = test};
const struct bench_dirty_peer dirty_floor_test = {.name = BENCH_FLOOR,
                                                  .tracks = 1,
                                                  .build = build_dirty,
                                                  .destroy = destroy,
                                                  .mark = look_up,
                                                  .clear = clear,
                                                  .test = test};
const struct bench_dirty_peer dirty_floor_or = {.name = BENCH_FLOOR,
                                                .tracks = 1,
                                                .build = build_clean,
                                                .destroy = destroy,
                                                .mark = set_one,
                                                .clear = clear,
                                                .test = test};
const struct bench_dirty_peer dirty_floor_words = {.name = BENCH_FLOOR,
                                                   .tracks = 1,
                                                   .ranges = 1,
                                                   .build = build_clean,
                                                   .destroy = destroy,
                                                   .mark = set_ranges,
                                                   .clear = clear,
                                                   .test = test};

/* The same lines for every width. Four sums, so that no load waits for the one before it. */
static inline __attribute__((always_inline)) int scan(const struct dirty_bits *bits)
{
    const vector *at = (const vector *)(const void *)bits->word, *end = at + bits->count / 8;
    vector a = {0}, b = {0}, c = {0}, d = {0};
    uint64_t any = 0;

    for (; end - at >= 4; at += 4)
        a |= at[0], b |= at[1], c |= at[2], d |= at[3];
    a |= b | c | d;
    for (unsigned i = 0; i < 8; i++)
        any |= a[i];
    for (const uint64_t *rest = (const uint64_t *)(const void *)at; rest < bits->word + bits->count; rest++)
        any |= *rest;
    return any != 0;
}

#if defined(__x86_64__)
static __attribute__((target("avx512f"))) int scan_avx512(const struct dirty_bits *bits)
{
    return scan(bits);
}

static __attribute__((target("avx2"))) int scan_avx2(const struct dirty_bits *bits)
{
    return scan(bits);
}
#endif

int dirty_scan(const struct dirty_bits *bits)
{
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return scan_avx512(bits);
    if (__builtin_cpu_supports("avx2"))
        return scan_avx2(bits);
#endif
    return scan(bits);
}
