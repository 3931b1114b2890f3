/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Images: an arena that is loaded goes on as the one that was saved, and what is no image is refused. */
#include <guestmem/arena_image.h>

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"
#include "lib/rand.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 8192 - 1)

static struct gmt_walk walks[2];
static uint8_t image[1 << 20], again[1 << 20];

static struct gm_arena *create(uint64_t seed, unsigned flags)
{
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .ranges_most = 5000, .flags = flags,
                                           .numa_node = -1, .seed = seed};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    return arena;
}

static size_t save(struct gm_arena *arena, uint8_t *to)
{
    size_t needed = 0, written = 0;
    assert_result(gm_arena_save(arena, NULL, 0, &needed), -ENOBUFS);
    assert_true(needed != 0 && needed <= sizeof(image));
    assert_result(gm_arena_save(arena, to, needed, &written), 0);
    assert_int_equal(needed, written);
    return needed;
}

/* Save, load, compare the images, and then the next 10 000 decisions. */
static void goes_on_alike(unsigned live, uint64_t seed)
{
    static struct gmt_arena_dump before, after;
    struct gm_arena *arena = create(seed, seed % 2 == 0 ? GM_ARENA_LOCKED : 0), *copy = NULL;
    gmt_walk_init(&walks[0], arena, GRANULE, live, seed);
    gmt_walk_steps(&walks[0], live * 8);
    size_t size = save(arena, image);
    assert_result(gm_arena_load(image, size, NULL, &copy), 0);
    assert_int_equal(save(copy, again), size);
    assert_memory_equal(image, again, size);
    gmt_arena_dump(arena, &before);
    gmt_arena_dump(copy, &after);
    assert_true(gmt_arena_same_dump(&before, &after));
    walks[1] = walks[0];
    walks[1].arena = copy;
    assert_true(gmt_walk_same(&walks[0], &walks[1], 10000));
    gm_arena_destroy(arena);
    gm_arena_destroy(copy);
}

static void decides_the_same(void **state)
{
    static const unsigned lives[] = {1, 3, 20, 40, 64, 65, 80, 300};
    (void)state;
    for (unsigned i = 0; i < sizeof(lives) / sizeof(lives[0]); i++)
        for (uint64_t seed = 1; seed <= 3; seed++)
            goes_on_alike(lives[i], seed);
}

/* Who gets an image and nothing else can ask what it is of. */
static void tells_its_bounds(void **state)
{
    (void)state;
    const struct gm_arena_config config = {.first = 16 * GRANULE, .last = 64 * GRANULE - 1, .granule = GRANULE,
                                           .ranges_most = 77, .numa_node = -1};
    struct gm_arena *arena = NULL, *copy = NULL;
    struct gm_arena_stats stats;
    assert_result(gm_arena_create(&config, &arena), 0);
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.first == config.first && stats.last == config.last && stats.granule == GRANULE);
    assert_result(gm_arena_extend(arena, 8 * GRANULE, UINT64_MAX), 0);
    size_t size = save(arena, image);
    assert_result(gm_arena_load(image, size, NULL, &copy), 0);
    assert_result(gm_arena_stats_get(copy, &stats), 0);
    assert_true(stats.first == 8 * GRANULE && stats.last == UINT64_MAX && stats.granule == GRANULE);
    assert_int_equal(stats.ranges_most, 77);
    gm_arena_destroy(arena);
    gm_arena_destroy(copy);
}

/* Nothing is taken, and everything is. */
static void bounds(void **state)
{
    (void)state;
    for (unsigned taken = 0; taken < 2; taken++) {
        struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, 1), *copy = NULL;
        struct gm_range_info info;
        gm_range range = 0;
        if (taken)
            assert_result(gm_arena_reserve(arena, 0, UINT64_MAX, 3, 4, &range), 0);
        size_t size = save(arena, image);
        assert_result(gm_arena_load(image, size, NULL, &copy), 0);
        assert_result(gm_arena_find(copy, UINT64_MAX, &info), taken ? 0 : -ENOENT);
        if (taken)
            assert_result(gm_arena_give(copy, range), 0);
        assert_true(gmt_arena_largest(copy, 1) == UINT64_MAX);
        gm_arena_destroy(arena);
        gm_arena_destroy(copy);
    }
}

static void what_is_expected(void **state)
{
    (void)state;
    struct gm_arena *arena = create(1, 0), *const nothing = (struct gm_arena *)state, *out = nothing;
    struct gm_range_info info = gmt_arena_take(arena, (struct gm_request){.size = GRANULE});
    (void)gmt_arena_take(arena, (struct gm_request){.size = GRANULE});
    size_t size = save(arena, image);
    struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .numa_node = -1}, wrong = config;
    wrong.last += GRANULE;
    assert_result(gm_arena_load(image, size, &wrong, &out), -EINVAL);
    wrong = config;
    wrong.granule = 0;
    assert_result(gm_arena_load(image, size, &wrong, &out), -EINVAL);
    wrong = config;
    wrong.flags = 1u << 31;
    assert_result(gm_arena_load(image, size, &wrong, &out), -EINVAL);
    wrong = config;
    wrong.ranges_most = 1;
    assert_result(gm_arena_load(image, size, &wrong, &out), -EDQUOT);
    assert_ptr_equal(out, nothing);
    config.ranges_most = 2;
    assert_result(gm_arena_load(image, size, &config, &out), 0);
    assert_result(gm_arena_take(out, &(struct gm_request){.size = GRANULE}, NULL), -EDQUOT);
    assert_result(gm_arena_give(out, info.range), 0);
    gm_arena_destroy(arena);
    gm_arena_destroy(out);
}

/* Any byte that is changed, and any length. */
static void damage(void **state)
{
    (void)state;
    struct gm_arena *arena = create(1, 0), *const nothing = (struct gm_arena *)state, *out = nothing;
    size_t needed = 0;
    gmt_walk_init(&walks[0], arena, GRANULE, 6, 5);
    gmt_walk_steps(&walks[0], 100);
    size_t size = save(arena, image);
    for (size_t i = 0; i < size; i++) {
        image[i] ^= (uint8_t)(1 + i % 255);
        assert_result(gm_arena_load(image, size, NULL, &out), -EINVAL);
        image[i] ^= (uint8_t)(1 + i % 255);
        assert_result(gm_arena_load(image, i, NULL, &out), -EINVAL);
    }
    assert_result(gm_arena_load(image, size + 8, NULL, &out), -EINVAL);
    assert_result(gm_arena_load(NULL, size, NULL, &out), -EINVAL);
    assert_result(gm_arena_load(image, size, NULL, NULL), -EINVAL);
    assert_ptr_equal(out, nothing);
    memset(again, 7, size);
    assert_result(gm_arena_save(arena, again, size - 1, &needed), -ENOBUFS);
    assert_true(needed == size && again[0] == 7 && again[size - 2] == 7);
    assert_result(gm_arena_save(arena, again, size, NULL), -EINVAL);
    assert_result(gm_arena_save(NULL, again, size, &needed), -EINVAL);
    struct gm_arena_txn *txn = NULL;
    assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
    assert_result(gm_arena_save(arena, again, size, &needed), -EBUSY);
    gm_arena_txn_free(txn);
    gm_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(decides_the_same), cmocka_unit_test(bounds),
                                       cmocka_unit_test(tells_its_bounds), cmocka_unit_test(what_is_expected),
                                       cmocka_unit_test(damage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
