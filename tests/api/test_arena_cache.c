/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Caches: blocks of their window and labels, given twice to nobody, and never in the way of who asks the arena. */
#include <guestmem/arena_cache.h>
#include <guestmem/arena_defer.h>
#include <guestmem/arena_image.h>
#include <guestmem/arena_nest.h>
#include <guestmem/arena_txn.h>

#include "lib/arena_model_rig.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 1024 - 1)
#define MANY 300

static struct gm_arena *create(void)
{
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .numa_node = -1,
                                           .flags = GM_ARENA_LOCKED | GM_ARENA_DEFER};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static const struct gm_arena_cache_config usual = {.order_least = 12, .orders = 3, .blocks = 16, .owner = 8,
                                                   .user = 9};

static struct gm_arena_cache *open_cache(struct gm_arena *arena, const struct gm_arena_cache_config *config)
{
    struct gm_arena_cache *cache = NULL;
    assert_result(gm_arena_cache_create(arena, config, &cache), 0);
    return cache;
}

static struct gm_range_info take(struct gm_arena_cache *cache, unsigned order)
{
    struct gm_range_info info;
    assert_result(gm_arena_cache_take(cache, order, &info), 0);
    assert_true(info.last - info.first == (UINT64_C(1) << order) - 1 && info.flags == 0);
    assert_true((info.first & (info.last - info.first)) == 0);
    return info;
}

static uint64_t live(struct gm_arena *arena)
{
    struct gm_arena_stats stats;
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    return stats.ranges;
}

static unsigned flags_at(struct gm_arena *arena, uint64_t number)
{
    struct gm_range_info info;
    assert_result(gm_arena_find(arena, number, &info), 0);
    return info.flags;
}

static void take_and_give(void **state)
{
    (void)state;
    static struct gm_range_info blocks[3][MANY];
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena, &usual);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 64; i++)
            for (unsigned order = 0; order < 3; order++) {
                struct gm_range_info found, *block = &blocks[order][i];
                *block = take(cache, 12 + order);
                assert_result(gm_arena_get(arena, block->range, &found), 0);
                assert_memory_equal(&found, block, sizeof(found));
                assert_true(found.owner == 8 && found.user == 9);
            }
        for (unsigned i = 0; i < 64; i++)
            for (unsigned order = 0; order < 3; order++)
                assert_result(gm_arena_cache_give(cache, blocks[order][i].range), 0);
        assert_true(live(arena) > 0 && live(arena) <= 3 * 16);
    }
    gm_arena_cache_flush(cache);
    assert_int_equal(live(arena), 0);
    for (unsigned i = 0; i < 5; i++)
        (void)take(cache, 12);
    assert_result(gm_arena_destroy(arena), -EBUSY);
    gm_arena_cache_destroy(cache);
    assert_int_equal(live(arena), 5);
    assert_result(gm_arena_destroy(arena), 0);
}

/* Memory of the arena is asked for half a magazine at a time, and given back likewise. */
static void by_halves(void **state)
{
    (void)state;
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena, &usual);
    struct gm_range_info blocks[40];
    blocks[0] = take(cache, 12);
    assert_int_equal(live(arena), 1 + 8);
    for (unsigned i = 1; i < 9; i++)
        blocks[i] = take(cache, 12);
    assert_int_equal(live(arena), 9);
    blocks[9] = take(cache, 12);
    assert_int_equal(live(arena), 10 + 8);
    for (unsigned i = 0; i < 8; i++)
        assert_result(gm_arena_cache_give(cache, blocks[i].range), 0);
    assert_int_equal(live(arena), 18);
    assert_result(gm_arena_cache_give(cache, blocks[8].range), 0); /* the seventeenth */
    assert_int_equal(live(arena), 10);
    assert_int_equal(flags_at(arena, blocks[8].first), GM_RANGE_CACHED);
    struct gm_range_info hot = take(cache, 12);
    assert_true(hot.first == blocks[8].first); /* newest first */
    assert_int_equal(flags_at(arena, hot.first), 0);
    gm_arena_cache_destroy(cache);
    assert_int_equal(live(arena), 2);
    assert_result(gm_arena_destroy(arena), 0);
}

static void wrong_gives(void **state)
{
    (void)state;
    struct gm_arena *arena = create();
    struct gm_arena_cache *cache = open_cache(arena, &usual), *other = open_cache(arena, &usual);
    struct gm_range_info block = take(cache, 13);
    assert_result(gm_arena_cache_give(cache, block.range), 0);
    assert_no_trace(arena, gm_arena_cache_give(cache, block.range), -ESTALE);
    assert_no_trace(arena, gm_arena_cache_give(other, block.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give(arena, block.range), -ESTALE);
    assert_no_trace(arena, gm_arena_give_exact(arena, block.first, block.last, 8), -ESTALE);
    assert_no_trace(arena, gm_arena_give_at(arena, block.last), -ESTALE);
    assert_no_trace(arena, gm_arena_resize(arena, block.range, block.first + GRANULE - 1), -ESTALE);
    assert_no_trace(arena, gm_arena_update(arena, block.range, 1, 1), -ESTALE);
    assert_no_trace(arena, gm_arena_defer(arena, block.range), -ESTALE);
    assert_no_trace(arena, gm_arena_cache_give(cache, 12345), -ENOENT);
    gm_arena_cache_flush(cache);
    assert_no_trace(arena, gm_arena_cache_give(cache, block.range), -ESTALE);
    assert_result(gm_arena_cache_give(NULL, block.range), -EINVAL);
    assert_result(gm_arena_cache_take(NULL, 12, &block), -EINVAL);
    assert_result(gm_arena_cache_take(cache, 11, &block), -EINVAL);
    assert_result(gm_arena_cache_take(cache, 15, &block), -EINVAL);
    assert_result(gm_arena_cache_take(cache, 12, NULL), -EINVAL);
    gm_arena_cache_flush(NULL);
    gm_arena_cache_destroy(NULL);
    gm_arena_cache_destroy(cache);
    gm_arena_cache_destroy(other);
    assert_result(gm_arena_destroy(arena), 0);
}

/* What is not such a block goes to the arena: size, alignment, labels, window, guards. */
static void other_ranges(void **state)
{
    (void)state;
    static const struct gm_request requests[] = {
        {.size = 3 * GRANULE, .owner = 8, .user = 9, .min = 4 * GRANULE},
        {.size = 8 * GRANULE, .owner = 8, .user = 9, .min = 8 * GRANULE},
        {.size = GRANULE, .owner = 7, .user = 9, .min = 4 * GRANULE},
        {.size = GRANULE, .owner = 8, .user = 8, .min = 4 * GRANULE},
        {.size = GRANULE, .owner = 8, .user = 9, .max = 4 * GRANULE - 1},
        {.size = GRANULE, .owner = 8, .user = 9, .min = 512 * GRANULE},
        {.size = GRANULE, .owner = 8, .user = 9, .min = 4 * GRANULE, .guard_after = GRANULE},
        {.size = 2 * GRANULE, .owner = 8, .user = 9, .place = GM_PLACE_FIXED, .near = 101 * GRANULE}};
    struct gm_arena *arena = create();
    struct gm_arena_cache_config config = usual;
    config.min = 4 * GRANULE;
    config.max = 512 * GRANULE - 1;
    struct gm_arena_cache *cache = open_cache(arena, &config);
    for (unsigned i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        struct gm_range_info info;
        assert_result(gm_arena_take(arena, &requests[i], &info), 0);
        assert_result(gm_arena_cache_give(cache, info.range), 0);
        assert_int_equal(live(arena), 0);
    }
    const struct gm_request fits = {.size = GRANULE, .owner = 8, .user = 9, .min = 4 * GRANULE};
    struct gm_range_info info;
    assert_result(gm_arena_take(arena, &fits, &info), 0);
    assert_result(gm_arena_cache_give(cache, info.range), 0);
    assert_int_equal(live(arena), 1);
    assert_true(take(cache, 12).first == info.first);
    for (unsigned i = 1; i < 508; i++) {
        info = take(cache, 12);
        assert_true(info.first >= config.min && info.last <= config.max);
    }
    assert_result(gm_arena_cache_take(cache, 12, &info), -ENOSPC); /* though there is more outside of the window */
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

static void configs(void **state)
{
    static const struct gm_arena_cache_config bad[] = {
        {.order_least = 11, .orders = 1}, {.order_least = 12, .orders = 0}, {.order_least = 63, .orders = 2},
        {.order_least = 12, .orders = GM_ARENA_CACHE_ORDERS + 1}, {.order_least = 64, .orders = 1},
        {.order_least = UINT32_MAX, .orders = 2}, {.order_least = 12, .orders = 1, .blocks = 1},
        {.order_least = 12, .orders = 1, .blocks = GM_ARENA_CACHE_BLOCKS + 1},
        {.order_least = 12, .orders = 1, .min = 2, .max = 1}};
    struct gm_arena *arena = create(), *plain = gmt_arena_open(0, 0xffff, 1);
    struct gm_arena_cache *const nothing = (struct gm_arena_cache *)state, *cache = nothing;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_result(gm_arena_cache_create(arena, &bad[i], &cache), -EINVAL);
    assert_result(gm_arena_cache_create(plain, &usual, &cache), -EINVAL);
    assert_result(gm_arena_cache_create(NULL, &usual, &cache), -EINVAL);
    assert_result(gm_arena_cache_create(arena, NULL, &cache), -EINVAL);
    assert_result(gm_arena_cache_create(arena, &usual, NULL), -EINVAL);
    assert_ptr_equal(cache, nothing);
    const struct gm_arena_cache_config high = {.order_least = 63, .orders = 1};
    struct gm_range_info info;
    cache = open_cache(arena, &high);
    assert_result(gm_arena_cache_take(cache, 63, &info), -ENOSPC);
    gm_arena_cache_destroy(cache);
    gm_arena_destroy(arena);
    gm_arena_destroy(plain);
}

/* A cache that holds 16 blocks of one granule, one of which the caller has. */
static struct gm_arena_cache *filled(struct gm_arena *arena, struct gm_range_info *held)
{
    struct gm_arena_cache *cache = open_cache(arena, &usual);
    struct gm_range_info blocks[17];
    for (unsigned i = 0; i < 17; i++)
        blocks[i] = take(cache, 12);
    for (unsigned i = 1; i < 17; i++)
        assert_result(gm_arena_cache_give(cache, blocks[i].range), 0);
    assert_true(live(arena) > 8);
    *held = blocks[0];
    return cache;
}

static void never_in_the_way(void **state)
{
    static const char *const calls[] = {"take", "reserve", "resize", "relocate", "child", "would_fit", "why_not",
                                        "largest", "fixed", "another cache"};
    (void)state;
    for (unsigned i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        struct gm_arena *arena = create(), *child = NULL;
        struct gm_range_info held, info;
        struct gm_arena_cache *cache = filled(arena, &held), *second = NULL;
        const struct gm_arena_config config = {.numa_node = -1};
        const struct gm_arena_cache_config wide = {.order_least = 21, .orders = 1};
        const struct gm_request rest = {.size = LAST + 1 - GRANULE};
        const struct gm_request fixed = {.size = LAST + 1 - GRANULE, .place = GM_PLACE_FIXED, .near = GRANULE};
        struct gm_why_not why = {.obstacle = GM_OBSTACLE_SPACE};
        uint64_t first = 0, size = 0;
        int result = 0;
        assert_true(held.first == 0 && live(arena) > 1);
        if (i == 0)
            result = gm_arena_take(arena, &rest, &info);
        else if (i == 1)
            result = gm_arena_reserve(arena, GRANULE, LAST, 0, 0, NULL);
        else if (i == 2)
            result = gm_arena_resize(arena, held.range, LAST);
        else if (i == 3)
            result = gm_arena_relocate(arena, held.range, GRANULE);
        else if (i == 4)
            result = gm_arena_create_child(arena, &rest, &config, &child);
        else if (i == 5)
            result = gm_arena_would_fit(arena, &rest, &first);
        else if (i == 6)
            result = gm_arena_why_not(arena, &fixed, &why);
        else if (i == 7)
            result = gm_arena_largest(arena, 0, &size);
        else if (i == 8)
            result = gm_arena_take(arena, &fixed, &info);
        else
            assert_result(gm_arena_cache_create(arena, &wide, &second), 0);
        if (second != NULL)
            result = gm_arena_cache_take(second, 21, &info);
        if (result != 0)
            fail_msg("%s: %d", calls[i], result);
        assert_true(i != 6 || why.obstacle == GM_OBSTACLE_NONE);
        assert_true(i != 7 || size == LAST + 1 - GRANULE);
        gm_arena_destroy(child);
        gm_arena_cache_destroy(cache);
        gm_arena_cache_destroy(second);
        assert_result(gm_arena_destroy(arena), 0);
    }
}

static void growing_children(void **state)
{
    (void)state;
    struct gm_arena *arena = create(), *child = NULL;
    struct gm_range_info held;
    struct gm_arena_cache *cache = filled(arena, &held);
    const struct gm_arena_config config = {.numa_node = -1};
    const struct gm_request request = {.size = GRANULE, .place = GM_PLACE_HIGHEST};
    assert_result(gm_arena_create_child(arena, &request, &config, &child), 0);
    assert_true(live(arena) > 2);
    assert_result(gm_arena_extend(child, GRANULE, LAST), 0);
    assert_int_equal(live(arena), 2);
    gm_arena_destroy(child);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

/* ranges_most counts what lies in caches, but does not fail for it. */
static void quota(void **state)
{
    (void)state;
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .numa_node = -1, .ranges_most = 10,
                                           .flags = GM_ARENA_LOCKED};
    struct gm_arena *arena = NULL;
    struct gm_range_info info;
    assert_result(gm_arena_create(&config, &arena), 0);
    struct gm_arena_cache *cache = open_cache(arena, &usual), *other = open_cache(arena, &usual);
    for (unsigned i = 0; i < 10; i++)
        (void)take(i % 2 == 0 ? cache : other, 12 + i % 3);
    assert_result(gm_arena_cache_take(cache, 12, &info), -EDQUOT);
    gm_arena_cache_destroy(cache);
    gm_arena_cache_destroy(other);
    gm_arena_destroy(arena);
}

static void images_and_transactions(void **state)
{
    (void)state;
    static uint8_t image[1 << 16];
    struct gm_arena *arena = create(), *copy = NULL;
    struct gm_range_info held, info;
    struct gm_arena_cache *cache = filled(arena, &held);
    struct gm_arena_txn *txn = NULL;
    size_t size = 0;
    assert_result(gm_arena_save(arena, image, sizeof(image), &size), 0);
    assert_result(gm_arena_load(image, size, NULL, &copy), 0);
    assert_int_equal(live(copy), 1);
    assert_int_equal(live(arena), 1);
    gm_arena_destroy(copy);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_give(arena, held.range), 0);
    cache = filled(arena, &held);
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    assert_result(gm_arena_txn_take(txn, arena, &(struct gm_request){.size = LAST + 1 - GRANULE}, &info), 0);
    gm_arena_txn_free(txn);
    assert_int_equal(live(arena), 1);
    gm_arena_cache_destroy(cache);
    assert_result(gm_arena_destroy(arena), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_and_give),    cmocka_unit_test(by_halves), cmocka_unit_test(wrong_gives),
        cmocka_unit_test(other_ranges),     cmocka_unit_test(configs),   cmocka_unit_test(never_in_the_way),
        cmocka_unit_test(growing_children), cmocka_unit_test(quota),     cmocka_unit_test(images_and_transactions)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
