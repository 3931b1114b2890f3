/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The array form: the bytes that are compared eight at a time, and where things stand. */
#include "unit/arena_rig.h"

#include "alloc/order/flat.h"

/* Every length of byte against every length that is asked for. */
static void candidates(void **state)
{
    static struct gm_block block;
    struct gm_arena arena = {.block = &block};
    (void)state;
    for (unsigned length = 0; length <= 64; length++)
        for (unsigned bits = 1; bits <= 65; bits++) {
            for (unsigned byte = 0; byte < 8; byte++) {
                block.flat_length[3] = (uint64_t)length << byte * 8;
                uint64_t want = length >= bits ? UINT64_C(0x80) << byte * 8 : 0;
                assert_true(gm_flat_candidates(&arena, 3, bits) == want);
            }
            block.flat_length[3] = GM_FLAT_LOW * length;
            assert_true(gm_flat_candidates(&arena, 3, bits) == (length >= bits ? GM_FLAT_HIGH : 0));
        }
}

/* Put in and taken out at every position of every size of array. */
static void every_position(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < GM_FLAT; count++) {
        struct gm_arena *arena = arena_new(0, GM_FLAT * 100, 1);
        arena_comb(arena, count, 100, 60, NULL);
        for (uint32_t at = 0; at <= count; at++) {
            gm_range range;
            uint64_t first = at * 100 - (at == 0 ? 0 : 20);
            if (at == 0 && count > 0)
                continue; /* nothing is free before the first one */
            assert_result(gm_arena_reserve(arena, first, first + at % 19, 0, 0, &range), 0);
            assert_int_equal(gm_flat_position(arena, (uint32_t)range), at);
            assert_checked(arena);
            assert_result(gm_arena_give(arena, range), 0);
            assert_checked(arena);
        }
        gm_arena_destroy(arena);
    }
}

static void seek(void **state)
{
    (void)state;
    for (uint32_t count = 0; count <= GM_FLAT; count++) {
        struct gm_arena *arena = arena_new(0, GM_FLAT * 10, 1);
        arena_comb(arena, count, 10, 4, NULL);
        for (uint64_t number = 0; number <= GM_FLAT * 10; number++) {
            uint64_t want = number / 10 + (number % 10 > 3);
            assert_int_equal(gm_flat_seek(arena, number), gm_min_u64(want, count));
        }
        gm_arena_destroy(arena);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(candidates), cmocka_unit_test(every_position),
                                       cmocka_unit_test(seek)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
