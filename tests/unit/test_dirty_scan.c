/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Every scan against looking at one line after the other, and that it is the one that gm_isa_select names. */
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

static void chosen_by_name(void **state)
{
    (void)state;
#if GM_TSAN
    assert_ptr_equal(gm_dirty_scan, gm_dirty_scan_scalar.scan);
#else
    for (size_t k = 0; k < KERNELS; k++) {
        assert_string_equal(scanners[k]->name, kernels[k]->name);
        if (!can_run(kernels[k]))
            continue;
        assert_int_equal(gm_isa_select(kernels[k]->name), 0);
        assert_true(gm_dirty_scan == scanners[k]->scan);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_alone),
        cmocka_unit_test(every_end),
        cmocka_unit_test(at_random),
        cmocka_unit_test(chosen_by_name),
    };
    kernels_announce();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
