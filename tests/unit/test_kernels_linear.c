/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The linear kernels, which add a base: what is inside is a comparison of unsigned numbers, also past 2^63. */
#include "lib/cm.h"

#include "lib/guard.h"
#include "lib/rand.h"
#include "unit/kernel_list.h"

#define SIZES 68

static struct gmt_guard gpas;
static struct gmt_guard hvas;
static uint64_t seed = 0x6c696e;

static int open_guards(void **state)
{
    (void)state;
    assert_int_equal(gmt_guard_open(&gpas, SIZES * 8), 0);
    assert_int_equal(gmt_guard_open(&hvas, SIZES * 8), 0);
    return 0;
}

static int close_guards(void **state)
{
    (void)state;
    gmt_guard_close(&gpas);
    gmt_guard_close(&hvas);
    return 0;
}

static void assert_linear(const struct gm_kernel *kernel, uint64_t base, uint64_t last_start, size_t count)
{
    uint64_t *gpa = gmt_guard_last(&gpas, count * sizeof(*gpa));
    void **hva = gmt_guard_last(&hvas, count * sizeof(*hva));
    size_t hits = 0;
    for (size_t i = 0; i < count; i++) {
        const uint64_t edges[] = {0, 1, last_start, last_start + 1, last_start - 1, UINT64_MAX, UINT64_C(1) << 63,
                                  gmt_rand(&seed) >> gmt_rand_below(&seed, 64), gmt_rand_below(&seed, last_start | 1)};
        gpa[i] = edges[gmt_rand_below(&seed, sizeof(edges) / sizeof(edges[0]))];
        hva[i] = &seed;
    }
    size_t result = kernel->linear(base, last_start, gpa, count, hva);
    for (size_t i = 0; i < count; i++) {
        bool inside = gpa[i] <= last_start;
        assert_true(hva[i] == (inside ? (void *)(uintptr_t)(base + gpa[i]) : NULL));
        hits += inside;
    }
    assert_int_equal(result, hits);
}

static void linear_kernels(void **state)
{
    static const uint64_t last_starts[] = {0, 1, 4095, UINT64_C(1) << 46, (UINT64_C(1) << 63) - 1,
                                           UINT64_C(1) << 63, UINT64_MAX - 1, UINT64_MAX};
    (void)state;
    kernels_announce();
    for (size_t k = 0; k < KERNELS; k++)
        for (size_t i = 0; can_run(kernels[k]) && i < sizeof(last_starts) / sizeof(last_starts[0]); i++)
            for (size_t count = 0; count < SIZES; count++)
                for (unsigned round = 0; round < 4; round++)
                    assert_linear(kernels[k], UINT64_C(0x7f0000000000), last_starts[i], count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(linear_kernels, open_guards, close_guards),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
