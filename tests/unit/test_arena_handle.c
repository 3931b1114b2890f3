/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Handles tell slot and generation back, whatever the salt is, and their upper half is never 0. */
#include "lib/cm.h"

#include "alloc/block/arena.h"

static const uint32_t edges[] = {1, 2, 3, 0x7fffffff, 0x80000000, UINT32_MAX - 2, UINT32_MAX - 1, UINT32_MAX};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static void there_and_back(void **state)
{
    static struct gm_block block;
    const struct gm_arena arena = {.block = &block};
    (void)state;
    for (unsigned s = 0; s <= EDGES; s++) {
        block.salt = s == 0 ? 0 : edges[s - 1];
        gm_range before = 0;
        for (unsigned g = 0; g < EDGES; g++) {
            gm_range range = gm_handle_of(&arena, 0x12345678, edges[g]);
            assert_int_equal((uint32_t)range, 0x12345678);
            assert_true(range >> 32 != 0 && range != before);
            assert_int_equal(gm_handle_generation(&arena, range), edges[g]);
            before = range;
        }
        assert_int_equal(gm_handle_generation(&arena, 5), 0);
    }
}

static void generations(void **state)
{
    (void)state;
    assert_int_equal(gm_generation_next(1), 2);
    assert_int_equal(gm_generation_next(UINT32_MAX - 1), UINT32_MAX);
    assert_int_equal(gm_generation_next(UINT32_MAX), 1); /* 0 is no generation */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(there_and_back), cmocka_unit_test(generations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
