/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Every scan against looking at one line after the other, and every list against looking at one word after the other;
 * and that they are those that gm_isa_select names.
 */
#include "kernel_list.h"

#include <stdlib.h>
#include <string.h>

#include "dirty/scan/scan.h"
#include "lib/rand.h"

#define LINES (40 * GM_DIRTY_SPAN)
#define ROUNDS 2000

static const struct gm_dirty_scanner *const scanners[] = {
    &gm_dirty_scan_scalar,
#if defined(__x86_64__)
    &gm_dirty_scan_avx2,
    &gm_dirty_scan_avx512,
#elif defined(__aarch64__)
    &gm_dirty_scan_neon,
#endif
};

_Static_assert(sizeof(scanners) / sizeof(scanners[0]) == KERNELS, "a scan for each batch kernel");

static gm_dirty_line lines[LINES + GM_DIRTY_SPAN] __attribute__((aligned(64)));

static uint64_t one_by_one(uint64_t at, uint64_t end)
{
    for (; at < end; at += GM_DIRTY_SPAN)
        for (unsigned i = 0; i < GM_DIRTY_SPAN; i++)
            if (lines[at + i] != 0)
                return at;
    return at;
}

static void agree(uint64_t at, uint64_t end)
{
    uint64_t right = one_by_one(at, end);
    for (size_t k = 0; k < KERNELS; k++) {
        uint64_t found = can_run(kernels[k]) ? scanners[k]->scan(lines, at, end) : right;
        if (found < end || right < end)
            assert_int_equal(found, right);
    }
}

static void each_line_alone(void **state)
{
    (void)state;
    memset(lines, 0, sizeof(lines));
    for (unsigned i = 0; i < LINES; i++) {
        lines[i] = i % 3 == 0 ? 0x80 : 1; /* memory that others write to may say anything */
        for (uint64_t at = 0; at <= i; at += GM_DIRTY_SPAN)
            agree(at, LINES);
        lines[i] = 0;
    }
}

static void every_end(void **state)
{
    (void)state;
    memset(lines, 0, sizeof(lines));
    lines[LINES - 1] = 1;
    for (uint64_t end = 0; end <= LINES; end++)
        for (uint64_t at = 0; at <= end; at += 7 * GM_DIRTY_SPAN)
            agree(at, end);
}

static void at_random(void **state)
{
    uint64_t random = 1;
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        memset(lines, 0, sizeof(lines));
        for (uint64_t set = gmt_rand(&random) % 5; set > 0; set--)
            lines[gmt_rand(&random) % LINES] = 1;
        uint64_t at = gmt_rand(&random) % LINES & ~(uint64_t)(GM_DIRTY_SPAN - 1);
        agree(at, at + gmt_rand(&random) % (LINES - at + 1));
    }
}

#define LISTED 20 /* lines, of so many times as many */

static gm_dirty_word words[3 * LISTED * GM_DIRTY_WORDS] __attribute__((aligned(64)));

/* What is listed of so many lines; behind what their words need nothing is written. */
static void lists_agree(const uint64_t *line, unsigned count)
{
    const uint64_t untouched = 12345;
    uint64_t right[LISTED * GM_DIRTY_WORDS];
    unsigned many = 0;
    for (uint64_t i = 0; i < (uint64_t)count * GM_DIRTY_WORDS; i++) {
        uint64_t word = line[i / GM_DIRTY_WORDS] * GM_DIRTY_WORDS + i % GM_DIRTY_WORDS;
        if (words[word] != 0)
            right[many++] = word;
    }
    for (size_t k = 0; k < KERNELS; k++) {
        uint64_t out[LISTED * GM_DIRTY_WORDS + 1];
        if (!can_run(kernels[k]) || scanners[k]->list == NULL)
            continue;
        out[count * GM_DIRTY_WORDS] = untouched;
        assert_int_equal(scanners[k]->list(words, line, count, out), many);
        assert_memory_equal(out, right, many * sizeof(*out));
        assert_int_equal(out[count * GM_DIRTY_WORDS], untouched);
    }
}

/* Each of 256 patterns of a line, with one bit a word, at each place of it. */
static void each_pattern_listed(void **state)
{
    static const uint64_t line[] = {1, 2, 7};
    (void)state;
    for (unsigned pattern = 0; pattern < 256; pattern++) {
        memset(words, 0, sizeof(words));
        for (unsigned i = 0; i < 8; i++)
            words[2 * GM_DIRTY_WORDS + i] = (uint64_t)(pattern >> i & 1) << (pattern + 9 * i) % 64;
        words[3 * GM_DIRTY_WORDS] = 1; /* of no line that is asked for */
        lists_agree(line, 3);
        lists_agree(line + 1, 1);
    }
}

static void listed_at_random(void **state)
{
    uint64_t random = 1, line[LISTED];
    (void)state;
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned count = (unsigned)(gmt_rand(&random) % (LISTED + 1));
        memset(words, 0, sizeof(words));
        for (uint64_t set = gmt_rand(&random) % 300; set > 0; set--)
            words[gmt_rand(&random) % (sizeof(words) / sizeof(*words))] = UINT64_C(1) << gmt_rand(&random) % 64;
        for (uint64_t i = 0, at = 0; i < count; i++, at++)
            line[i] = at += gmt_rand(&random) % 2;
        lists_agree(line, count);
    }
}

static void chosen_by_name(void **state)
{
    (void)state;
#if GM_TSAN
    assert_ptr_equal(gm_dirty_scan, gm_dirty_scan_scalar.scan);
    assert_ptr_equal(gm_dirty_list, gm_dirty_scan_scalar.list);
#else
    for (size_t k = 0; k < KERNELS; k++) {
        assert_string_equal(scanners[k]->name, kernels[k]->name);
        if (!can_run(kernels[k]))
            continue;
        assert_int_equal(gm_isa_select(kernels[k]->name), 0);
        assert_true(gm_dirty_scan == scanners[k]->scan);
        assert_true(gm_dirty_list == (scanners[k]->list != NULL ? scanners[k]->list : gm_dirty_scan_scalar.list));
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_alone),
        cmocka_unit_test(every_end),
        cmocka_unit_test(at_random),
        cmocka_unit_test(each_pattern_listed),
        cmocka_unit_test(listed_at_random),
        cmocka_unit_test(chosen_by_name),
    };
    kernels_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
