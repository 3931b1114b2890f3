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
            uint32_t holes = arena->block->flat_end - arena->block->count; /* left by who comes behind, if he can */
            assert_int_equal(gm_flat_position(arena, (uint32_t)range), at + holes);
            assert_int_equal(holes, at == count && count > 1 && count < GM_FLAT - 1);
            assert_checked(arena);
            assert_result(gm_arena_give(arena, range), 0);
            assert_checked(arena);
        }
        gm_arena_destroy(arena);
    }
}

static uint64_t first_of(uint32_t at)
{
    return at * UINT64_C(100);
}

/* All lookups, of which there is one where the hole is, and the walk in order, both ways. */
static void assert_found(struct gm_arena *arena, uint32_t count, const gm_range *ranges)
{
    struct gm_range_info info;
    uint32_t before = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = (uint32_t)ranges[i];
        if (slot == 0)
            continue;
        assert_result(gm_arena_find(arena, first_of(i) + 40, &info), 0);
        assert_int_equal(info.range, ranges[i]);
        assert_result(gm_arena_next(arena, before == 0 ? 0 : gm_node_of(arena, before)->last + 1, &info), 0);
        assert_int_equal(info.range, ranges[i]);
        assert_int_equal(gm_ranges_beside(arena, slot, 0), before);
        assert_int_equal(gm_ranges_beside(arena, before, 1), before == 0 ? 0 : slot);
        before = slot;
    }
    assert_int_equal(gm_ranges_beside(arena, 0, 0), before);
    assert_int_equal(gm_ranges_beside(arena, before, 1), 0);
}

static void take_out(struct gm_arena *arena, gm_range *range)
{
    assert_result(gm_arena_give(arena, *range), 0);
    *range = 0;
    assert_checked(arena);
}

static void put_in(struct gm_arena *arena, uint32_t at, gm_range *range)
{
    assert_result(gm_arena_reserve(arena, first_of(at), first_of(at) + 60 + at % 19, 0, at, range), 0);
    assert_checked(arena);
}

/* A hole at every position, and then one range more or less at every other one. */
static void every_hole(void **state)
{
    static const uint32_t counts[] = {2, 7, 8, 9, 17, 33, GM_FLAT - 1, GM_FLAT};
    (void)state;
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        uint32_t count = counts[i];
        struct gm_arena *arena = arena_new(0, GM_FLAT * 100, 1);
        gm_range ranges[GM_FLAT];
        arena_comb(arena, count, 100, 60, ranges);
        for (uint32_t pair = 0; pair < count * count; pair++) {
            uint32_t hole = pair / count, at = pair % count;
            if (at == hole)
                continue;
            take_out(arena, &ranges[hole]);
            take_out(arena, &ranges[at]);
            put_in(arena, hole, &ranges[hole]);
            take_out(arena, &ranges[hole]);
            if (pair % 5 == 0)
                assert_found(arena, count, ranges);
            put_in(arena, at, &ranges[at]);
            put_in(arena, hole, &ranges[hole]);
        }
        assert_found(arena, count, ranges);
        assert_true(arena_stats(arena).tree == 0);
        gm_arena_destroy(arena);
    }
}

/* All positions are in use, one of them by the hole, when one comes behind all others: by each way to get there. */
static void append_to_hole(void **state)
{
    (void)state;
    for (uint32_t way = 0; way < 3; way++)
        for (uint32_t hole = 0; hole + 1 < GM_FLAT; hole++) {
            struct gm_arena *arena = arena_new(0, (GM_FLAT + 1) * 100, 1);
            gm_range ranges[GM_FLAT];
            arena_comb(arena, GM_FLAT, 100, 100, ranges);
            take_out(arena, &ranges[hole]);
            uint64_t at = GM_FLAT * UINT64_C(100) + 7;
            struct gm_request request = {.size = 10, .near = at, .place = GM_PLACE_FIXED};
            if (way == 0)
                assert_result(gm_arena_reserve(arena, at, at + 9, 0, 0, &ranges[hole]), 0);
            else if (way == 1)
                assert_result(gm_arena_take(arena, &request, NULL), 0);
            else
                assert_result(gm_arena_take(arena, &(struct gm_request){.size = 10, .min = at}, NULL), 0);
            assert_checked(arena);
            assert_true(arena->block->flat_end == GM_FLAT && arena->block->count == GM_FLAT);
            assert_result(gm_arena_give_at(arena, at + 9), 0);
            assert_checked(arena);
            gm_arena_destroy(arena);
        }
}

/* Whoever remembers a position may mean the hole. */
static void hints(void **state)
{
    gm_range ranges[20];
    (void)state;
    for (uint32_t hole = 0; hole < 19; hole++) {
        struct gm_arena *arena = arena_new(0, 2000, 1);
        arena_comb(arena, 20, 100, 60, ranges);
        take_out(arena, &ranges[hole]);
        for (uint32_t i = 0; i < 20; i++)
            for (arena->flat_hint = 0; arena->flat_hint < 30; arena->flat_hint++)
                if (i != hole)
                    assert_int_equal(gm_flat_position(arena, (uint32_t)ranges[i]), i);
        assert_int_equal(gm_flat_seek(arena, hole * 100), hole); /* the first of two that stand for the same range */
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
                                       cmocka_unit_test(every_hole), cmocka_unit_test(append_to_hole),
                                       cmocka_unit_test(hints),      cmocka_unit_test(seek)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
