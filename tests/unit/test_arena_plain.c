/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The short way of plain requests to few ranges answers as the general one does: the same place, and the same error.
 * What it does not answer, it leaves to that one.
 */
#include "unit/arena_rig.h"

#include <errno.h>

#include "alloc/place/place.h"
#include "alloc/place/plain.h"

static struct gm_arena *arena_at(uint64_t *seed, unsigned ranges, uint64_t granule, uint64_t space, uint64_t first)
{
    struct gm_arena *arena = arena_new(first, first + (space - 1), granule);
    for (unsigned i = 0; i < ranges; i++) {
        uint64_t at = first + gmt_rand_below(seed, space / granule) * granule;
        uint64_t size = (1 + gmt_rand_below(seed, 2 * space / granule / (ranges + 1))) * granule;
        int result = gm_arena_reserve(arena, at, at + (size - 1), 0, 0, NULL);
        assert_true(result == 0 || result == -EBUSY || result == -ERANGE || result == -EINVAL);
    }
    return arena;
}

/* Near to something, or just beside what is allowed. */
static uint64_t odd(uint64_t *seed, uint64_t first, uint64_t space, uint64_t granule)
{
    uint64_t at = first + gmt_rand_below(seed, space / granule) * granule;
    switch (gmt_rand_below(seed, 8)) {
    case 0:
        return at + gmt_rand_below(seed, 3) - 1;
    case 1:
        return first - granule;
    case 2:
        return first + space - granule;
    case 3:
        return gmt_rand_below(seed, 2) == 0 ? 0 : UINT64_MAX;
    default:
        return at;
    }
}

static struct gm_request request_at(uint64_t *seed, uint64_t granule, uint64_t space, uint64_t first)
{
    struct gm_request request = {.size = (1 + gmt_rand_below(seed, 40)) * granule,
                                 .place = (enum gm_place)gmt_rand_below(seed, GM_PLACE_RANDOM + 2)};
    uint64_t rare = gmt_rand_below(seed, 64), some = granule << gmt_rand_below(seed, 4);
    if (gmt_rand_below(seed, 2) == 0)
        request.place = (enum gm_place)gmt_rand_below(seed, 3);
    if (gmt_rand_below(seed, 2) == 0)
        request.align = UINT64_C(1) << gmt_rand_below(seed, 10);
    if (gmt_rand_below(seed, 2) == 0) {
        request.min = odd(seed, first, space, granule);
        request.max = gmt_rand_below(seed, 2) == 0 ? odd(seed, first, space, granule) : request.min + 20 * granule;
    }
    request.near = odd(seed, first, space, granule);
    request.size += rare == 0 ? 1 : 0;
    request.size = rare == 1 ? gmt_rand_below(seed, 2) - 1 : request.size;
    request.align = rare == 2 ? 3 * granule : request.align;
    request.phase = rare == 3 ? some : 0;
    request.ladder = rare == 4 ? some : 0;
    request.guard_before = rare == 5 ? some : 0;
    request.guard_after = rare == 6 ? some : 0;
    request.no_cross = rare == 7 ? 64 * granule : 0;
    return request;
}

static void compare(struct gm_arena *arena, const struct gm_request *request)
{
    const struct gm_block *block = arena->block;
    struct gm_plain_spot spot;
    struct gm_placement want;
    int result = gm_plain_place(arena, request, &spot);
    int general = gm_place(arena, request, &want);
    if (result == 1) {
        assert_true(general != 0 || request->place > GM_PLACE_FIXED || request->guard_before != 0 ||
                    request->guard_after != 0 || request->phase != 0 || request->ladder != 0 || request->no_cross != 0);
        return;
    }
    assert_result(result, general);
    if (result != 0)
        return;
    assert_true(spot.first == want.spot.first);
    assert_int_equal(spot.position < block->flat_end ? block->flat_slot[spot.position] : 0, want.spot.slot);
}

/* Taken is what was to be taken; behind all ranges at a fixed place, too, where the general way is not gone at all. */
static void take(struct gm_arena *arena, const struct gm_request *request)
{
    struct gm_range_info info;
    uint64_t first = 0;
    int want = gm_arena_would_fit(arena, request, &first);
    struct gm_arena_stats before = arena_stats(arena);
    arena->visited = UINT64_MAX;
    int result = gm_arena_take(arena, request, &info);
    assert_result(result, want);
    if (result != -EINVAL && request->place != GM_PLACE_RANDOM)
        assert_int_equal(arena->visited, before.visited);
    if (result == 0) {
        assert_true(info.first == first || request->place == GM_PLACE_RANDOM);
        assert_true(info.last - info.first == request->size - 1);
        assert_true(arena_stats(arena).used_minus_1 >= before.used_minus_1 + request->size || before.ranges == 0);
        assert_checked(arena);
        assert_result(gm_arena_give(arena, info.range), 0);
        assert_result(gm_arena_give(arena, info.range), -ESTALE);
    }
    assert_checked(arena);
}

static void as_the_general_way(void **state)
{
    uint64_t seed = 1;
    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        uint64_t granule = UINT64_C(1) << (gmt_rand_below(&seed, 2) * 4), space = 4096 * granule;
        uint64_t where[] = {0, 3 * space, 0 - space, 0 - 2 * space};
        uint64_t first = where[gmt_rand_below(&seed, 4)];
        struct gm_arena *arena = arena_at(&seed, (unsigned)gmt_rand_below(&seed, 140), granule, space, first);
        for (unsigned k = 0; k < 100 && arena->block->tree == 0; k++) {
            struct gm_request request = request_at(&seed, granule, space, first);
            compare(arena, &request);
            take(arena, &request);
        }
        gm_arena_destroy(arena);
    }
}

/* Words are kept from the first one on that is not 0, whichever way it comes. */
static void words(void **state)
{
    (void)state;
    for (unsigned place = GM_PLACE_LOWEST; place <= GM_PLACE_FIXED; place++) {
        struct gm_arena *arena = arena_new(0, 1000, 1);
        struct gm_request request = {.size = 1, .near = 10, .place = (enum gm_place)place};
        struct gm_range_info info;
        assert_result(gm_arena_take(arena, &request, NULL), 0);
        request.near = 20;
        request.user = 77;
        assert_result(gm_arena_take(arena, &request, &info), 0);
        assert_int_equal(info.user, 77);
        assert_result(gm_arena_get(arena, info.range, &info), 0);
        assert_int_equal(info.user, 77);
        gm_arena_destroy(arena);
    }
}

/* As many ranges as there may be are not exceeded, nor is the memory that there is, whichever way they come. */
static void as_many_as_there_may_be(void **state)
{
    (void)state;
    for (unsigned place = GM_PLACE_LOWEST; place <= GM_PLACE_FIXED; place++)
        for (uint64_t most = 1; most < 140; most += 23) {
            const struct gm_arena_config config = {.last = 1000, .ranges_most = most, .numa_node = -1};
            struct gm_arena *arena;
            assert_result(gm_arena_create(&config, &arena), 0);
            for (uint64_t i = 0; i <= most; i++) {
                struct gm_request request = {.size = 1, .near = 2 * i, .place = (enum gm_place)place};
                assert_result(gm_arena_take(arena, &request, NULL), i < most ? 0 : -EDQUOT);
                assert_checked(arena);
            }
            gm_arena_destroy(arena);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_the_general_way), cmocka_unit_test(words),
                                       cmocka_unit_test(as_many_as_there_may_be)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
