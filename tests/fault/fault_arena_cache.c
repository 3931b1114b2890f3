/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A cache that cannot be made, or not be filled, says so; giving and emptying take no step that can fail. */
#include "lib/cm.h"

#include "base/fault.h"
#include "guestmem/arena_cache.h"
#include "guestmem/arena_query.h"

#define TAKES 1000

static struct gm_arena *create(void)
{
    const struct gm_arena_config config = {.last = 0xffff, .numa_node = -1, .flags = GM_ARENA_LOCKED};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static void each_step_fails(void **state)
{
    static gm_range ranges[TAKES];
    const struct gm_arena_cache_config config = {.orders = 3};
    unsigned failed = 0;
    bool through = false;
    (void)state;
    for (unsigned step = 1; !through; step++) {
        struct gm_arena *arena = create();
        struct gm_arena_cache *cache = NULL;
        unsigned count = 0;
        gm_fault_arm(step);
        int result = gm_arena_cache_create(arena, &config, &cache);
        for (struct gm_range_info info; count < TAKES && result == 0; count += result == 0) {
            result = gm_arena_cache_take(cache, count % 3, &info);
            ranges[count] = info.range;
        }
        through = !gm_fault_disarm();
        assert_true(result == 0 || (result == -ENOMEM && !through));
        failed += result != 0;
        gm_fault_arm(1);
        while (count > 0)
            assert_result(gm_arena_cache_give(cache, ranges[--count]), 0);
        gm_arena_cache_destroy(cache);
        assert_false(gm_fault_disarm());
        struct gm_arena_stats stats;
        assert_result(gm_arena_stats_get(arena, &stats), 0);
        assert_int_equal(stats.ranges, 0);
        assert_result(gm_arena_destroy(arena), 0);
    }
    assert_true(failed >= 1); /* to grow may fail inside a refill, which then is a small one */
}

/* Where there is no memory for one range more, there is what lies in caches. */
static void cached_blocks_make_room(void **state)
{
    const struct gm_arena_cache_config config = {.orders = 1, .blocks = 8};
    const struct gm_request request = {.size = 1};
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = NULL;
    struct gm_range_info info;
    uint64_t count = 0;
    (void)state;
    for (int result = 0; result == 0; count += result == 0) {
        gm_fault_arm(1);
        result = gm_arena_reserve(arena, 2 * count, 2 * count, 0, 0, NULL);
        (void)gm_fault_disarm();
        assert_true(result == 0 || (result == -ENOMEM && count > 10));
    }
    for (uint64_t i = 0; i < 3; i++)
        assert_result(gm_arena_give_at(arena, 2 * i), 0);
    assert_result(gm_arena_cache_create(arena, &config, &cache), 0);
    gm_fault_arm(1);
    assert_result(gm_arena_cache_take(cache, 0, &info), 0); /* two more are in it, and no third one */
    assert_true(gm_fault_disarm());
    gm_fault_arm(1);
    assert_result(gm_arena_take(arena, &request, NULL), 0);
    assert_true(gm_fault_disarm());
    assert_result(gm_arena_take(arena, &request, NULL), 0);
    gm_fault_arm(1);
    assert_result(gm_arena_take(arena, &request, NULL), -ENOMEM);
    assert_true(gm_fault_disarm());
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(each_step_fails), cmocka_unit_test(cached_blocks_make_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
