/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Facts about one gap: its natural order and what it holds of an alignment, at both ends of the 64 bits. */
#include "lib/cm.h"

#include "alloc/block/gap.h"
#include "lib/rand.h"

#define TOP UINT64_MAX

static unsigned order_by_trying(uint64_t first, uint64_t last)
{
    unsigned order = 0;
    for (unsigned k = 0; k < 64; k++) {
        uint64_t size = UINT64_C(1) << k, start;
        if (gm_align_up(first, size, &start) && start <= last && last - start >= size - 1)
            order = k + 1;
    }
    return order;
}

static void orders_of_all_small_gaps(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 140; first++)
        for (uint64_t last = first; last < 300; last++)
            assert_int_equal(gm_gap_order(first, last), order_by_trying(first, last));
}

static void orders_of_large_gaps(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        uint64_t a = gmt_rand(&seed) >> gmt_rand_below(&seed, 64), b = gmt_rand(&seed) >> gmt_rand_below(&seed, 64);
        if (i % 3 == 0)
            b = a + (b & 0xffff);
        if (i % 7 == 0)
            a = TOP - a;
        uint64_t first = gm_min_u64(a, b), last = gm_max_u64(a, b);
        if (last < TOP)
            assert_int_equal(gm_gap_order(first, last), order_by_trying(first, last));
    }
    assert_int_equal(gm_gap_order(0, TOP - 1), 64);
    assert_int_equal(gm_gap_order(1, TOP - 1), 63);
    assert_int_equal(gm_gap_order(TOP - 1, TOP - 1), 1);
}

static void caps_of_all_small_gaps(void **state)
{
    (void)state;
    for (uint64_t first = 0; first < 40; first++)
        for (uint64_t last = first; last < 90; last++)
            for (uint64_t align = 1; align <= 64; align *= 2)
                for (uint64_t phase = 0; phase < align; phase++) {
                    uint64_t start = first;
                    while (start % align != phase)
                        start++;
                    uint64_t want = start > last ? 0 : last - start + 1;
                    assert_true(gm_gap_cap(first, last, align - 1, phase) == want);
                    /* the same gap at the upper end of all numbers: multiples of 2^64 are multiples of align */
                    assert_true(gm_gap_cap(first - 128, last - 128, align - 1, phase) == want);
                }
}

static void bits(void **state)
{
    (void)state;
    assert_int_equal(gm_bit_length(0), 0);
    for (unsigned k = 0; k < 64; k++) {
        assert_int_equal(gm_bit_length(UINT64_C(1) << k), k + 1);
        assert_int_equal(gm_bit_length((UINT64_C(1) << k) - 1), k);
    }
    assert_int_equal(gm_bit_length(TOP), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_of_all_small_gaps),
        cmocka_unit_test(orders_of_large_gaps),
        cmocka_unit_test(caps_of_all_small_gaps),
        cmocka_unit_test(bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
