/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The memory of an arena: how much of it a range takes, callers' words that come late, and the copy of parents. */
#include "unit/arena_rig.h"

#include "guestmem/arena_image.h"

#define BYTES_PER_RANGE 72
#define PITCH 16

/* Without gaps, and without words of the callers. */
static struct gm_arena *packed(uint32_t count)
{
    struct gm_arena *arena = arena_new(0, UINT64_C(1) << 40 | (PITCH - 1), 1);
    for (uint32_t i = 0; i < count; i++)
        assert_result(gm_arena_take(arena, &(struct gm_request){.size = PITCH}, NULL), 0);
    return arena;
}

/* More of them have huge pages, of which the last one may stand idle. */
static void bytes_for_each_range(void **state)
{
    static const uint32_t counts[] = {1000, 10000, 50000};
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct gm_arena *arena = packed(counts[i]);
        assert_in_range(arena_stats(arena).bytes, 64 * counts[i], BYTES_PER_RANGE * counts[i]);
        gm_arena_destroy(arena);
    }
}

static uint64_t user_at(struct gm_arena *arena, uint64_t number)
{
    struct gm_range_info info = {.user = 77};
    assert_result(gm_arena_find(arena, number, &info), 0);
    return info.user;
}

/* Words are 0 until somebody has one; then all have room, those too that come when memory has grown. */
static void words_come_late(void **state)
{
    const uint32_t count = 3000;
    struct gm_arena *arena = packed(count);
    (void)state;
    uint64_t before = arena_stats(arena).bytes;
    struct gm_range_info info;
    assert_result(gm_arena_find(arena, 0, &info), 0);
    assert_result(gm_arena_update(arena, info.range, 1, 0), 0); /* is none */
    assert_int_equal(arena_stats(arena).bytes, before);
    assert_result(gm_arena_update(arena, info.range, 1, UINT64_MAX), 0);
    assert_in_range(arena_stats(arena).bytes, before + 8 * count, before + 10 * count);
    for (uint64_t i = 0; i < 3 * count; i++)
        assert_result(gm_arena_take(arena, &(struct gm_request){.size = PITCH, .user = i}, NULL), 0);
    assert_int_equal(user_at(arena, 0), UINT64_MAX);
    for (uint64_t i = 1; i < 4 * count; i++)
        assert_int_equal(user_at(arena, i * PITCH), i < count ? 0 : i - count);
    gm_arena_destroy(arena);
}

/* A slot that is used again does not keep the word that it had. */
static void words_are_forgotten(void **state)
{
    struct gm_arena *arena = packed(100);
    struct gm_range_info info;
    (void)state;
    assert_result(gm_arena_take(arena, &(struct gm_request){.size = PITCH, .user = 5}, &info), 0);
    assert_result(gm_arena_give(arena, info.range), 0);
    assert_result(gm_arena_take(arena, &(struct gm_request){.size = PITCH}, &info), 0);
    assert_int_equal(user_at(arena, info.first), 0);
    gm_arena_destroy(arena);
}

/* An image has words or has none, and so has what is made of it. */
static void words_in_images(void **state)
{
    static uint8_t image[1 << 17];
    size_t size;
    (void)state;
    for (uint64_t user = 0; user < 2; user++) {
        struct gm_arena *arena = packed(2000), *copy;
        assert_result(gm_arena_reserve(arena, 5000 * PITCH, 5000 * PITCH, 0, user, NULL), 0);
        assert_result(gm_arena_save(arena, image, sizeof(image), &size), 0);
        assert_result(gm_arena_load(image, size, NULL, &copy), 0);
        assert_int_equal(user_at(copy, 0), 0);
        assert_int_equal(user_at(copy, 5000 * PITCH), user);
        assert_int_equal(arena_stats(copy).bytes, arena_stats(arena).bytes);
        gm_arena_destroy(copy);
        gm_arena_destroy(arena);
    }
}

/* gm_arena_check compares them with the nodes. There is none while nodes are few, and it comes in the midst of work. */
static void copy_of_parents(void **state)
{
    const uint32_t count = 12000;
    gm_range *ranges = calloc(count, sizeof(*ranges));
    struct gm_arena *arena = packed(0);
    struct gm_range_info info;
    uint64_t seed = 5;
    (void)state;
    assert_non_null(ranges);
    for (uint32_t i = 0; i < 4 * count; i++) {
        uint32_t k = i < count ? i : (uint32_t)gmt_rand_below(&seed, count);
        if (i >= count)
            assert_result(gm_arena_give(arena, ranges[k]), 0);
        const struct gm_request request = {.size = 1 + gmt_rand_below(&seed, 4), .place = GM_PLACE_RANDOM};
        assert_result(gm_arena_take(arena, &request, &info), 0);
        ranges[k] = info.range;
        if (i == 5000)
            assert_null(arena->parents);
        if (i % 1000 == 0)
            assert_checked(arena);
    }
    assert_non_null(arena->parents);
    arena->parents[(uint32_t)ranges[7]] ^= 1;
    assert_string_equal(gm_arena_check(arena), "the copy of a parent is another one");
    arena->parents[(uint32_t)ranges[7]] ^= 1;
    for (uint32_t i = 0; i < count; i++) /* back to an array */
        assert_result(gm_arena_give(arena, ranges[i]), 0);
    assert_checked(arena);
    gm_arena_destroy(arena);
    free(ranges);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_for_each_range), cmocka_unit_test(words_come_late),
        cmocka_unit_test(words_are_forgotten),  cmocka_unit_test(words_in_images),
        cmocka_unit_test(copy_of_parents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
