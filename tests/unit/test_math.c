/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Checked arithmetic at the edges where unchecked arithmetic wraps. */
#include "lib/cm.h"

#include "base/math.h"
#include "lib/rand.h"

#define TOP UINT64_MAX

static void a_range_is_its_last_byte(void **state)
{
    static const struct {
        uint64_t start, len, last;
        bool ok;
    } cases[] = {
        {0, 1, 0, true},
        {0, TOP, TOP - 1, true},
        {1, TOP, TOP, true},
        {2, TOP, 0, false},
        {TOP, 1, TOP, true},
        {TOP, 2, 0, false},
        {TOP - 1, 2, TOP, true},
        {UINT64_C(1) << 63, UINT64_C(1) << 63, TOP, true},
        {UINT64_C(1) << 63, (UINT64_C(1) << 63) + 1, 0, false},
        {0, 0, 0, false},
        {TOP, 0, 0, false},
        {4096, 0, 0, false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t last = 0;
        assert_int_equal(gm_range_last(cases[i].start, cases[i].len, &last), cases[i].ok);
        if (cases[i].ok)
            assert_true(last == cases[i].last);
    }
}

static void a_range_agrees_with_wide_arithmetic(void **state)
{
    uint64_t seed = 0x6d617468;
    (void)state;
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t start = gmt_rand(&seed) >> gmt_rand_below(&seed, 64);
        uint64_t len = gmt_rand(&seed) >> gmt_rand_below(&seed, 64);
        if (gmt_rand_below(&seed, 4) == 0)
            start = ~start;
        unsigned __int128 last = (unsigned __int128)start + len - 1;
        uint64_t got;
        bool fits = len != 0 && last <= TOP;
        assert_int_equal(gm_range_last(start, len, &got), fits);
        if (fits)
            assert_true(got == (uint64_t)last);
    }
}

static void sums(void **state)
{
    uint64_t sum;
    (void)state;
    assert_true(gm_add_ok(TOP, 0, &sum) && sum == TOP);
    assert_true(gm_add_ok(TOP - 7, 7, &sum) && sum == TOP);
    assert_false(gm_add_ok(TOP - 6, 7, &sum));
    assert_false(gm_add_ok(TOP, TOP, &sum));
    assert_true(gm_add_ok(0, 0, &sum) && sum == 0);
}

static void alignment(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift++) {
        uint64_t unit = UINT64_C(1) << shift;
        uint64_t highest = ~(unit - 1); /* multiple of the unit */
        uint64_t out;
        assert_true(gm_align_up(0, unit, &out) && out == 0);
        assert_true(gm_align_up(1, unit, &out) && out == (unit == 1 ? 1 : unit));
        assert_true(gm_align_up(unit, unit, &out) && out == unit);
        assert_true(gm_align_up(highest, unit, &out) && out == highest);
        assert_int_equal(gm_align_up(TOP, unit, &out), unit == 1);
        if (unit > 1) {
            assert_true(gm_align_up(highest - 1, unit, &out) && out == highest);
            assert_false(gm_align_up(highest + 1, unit, &out));
            assert_false(gm_is_aligned(unit / 2, unit));
            assert_false(gm_is_aligned(highest + 1, unit));
        }
        assert_true(gm_is_aligned(0, unit));
        assert_true(gm_is_aligned(highest, unit));
    }
}

/* vm-memory, address.rs: of its arithmetic this is what is done here; addresses are plain integers otherwise. */
static void test_add(void **state)
{
    uint64_t sum;
    (void)state;
    assert_true(gm_add_ok(10, 10, &sum) && sum == 20);
    assert_true(gm_add_ok(TOP - 1, 1, &sum) && sum == TOP);
    assert_false(gm_add_ok(TOP, 1, &sum));
}

static void test_checked_align_up(void **state)
{
    uint64_t out;
    (void)state;
    assert_true(gm_align_up(0x128, 8, &out) && out == 0x128);
    assert_true(gm_align_up(0x128, 16, &out) && out == 0x130);
    assert_false(gm_align_up(TOP - 0x3fff, 0x10000, &out));
}

static void extremes(void **state)
{
    (void)state;
    assert_true(gm_min_u64(0, TOP) == 0 && gm_min_u64(TOP, 0) == 0 && gm_min_u64(5, 5) == 5);
    assert_true(gm_max_u64(0, TOP) == TOP && gm_max_u64(TOP, 0) == TOP && gm_max_u64(5, 5) == 5);
    /* compared as unsigned numbers */
    assert_true(gm_max_u64(UINT64_C(1) << 63, 1) == UINT64_C(1) << 63);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_is_its_last_byte), cmocka_unit_test(a_range_agrees_with_wide_arithmetic),
        cmocka_unit_test(sums),                     cmocka_unit_test(alignment),
        cmocka_unit_test(test_add),                 cmocka_unit_test(test_checked_align_up),
        cmocka_unit_test(extremes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
