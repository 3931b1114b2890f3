/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Images that somebody made on purpose: the checksum is right, and one thing is not. Each is refused, and the one next
 * to it that is sound is not.
 */
#include "lib/cm.h"

#include "alloc/order/check.h"
#include "alloc/image/image.h"
#include "guestmem/arena_defer.h"
#include "guestmem/arena_image.h"

#define GRANULE UINT64_C(0x10)
#define LAST_NUMBER UINT64_C(0xffff)

static uint8_t image[4096], forged[4096];
static size_t size;

/* In order: guard 0, range 1, guard 2, range 3, range 4 at the end; and two free slots. */
static void make(void)
{
    const struct gm_arena_config config = {.last = LAST_NUMBER, .granule = GRANULE, .ranges_most = 100,
                                           .numa_node = -1};
    struct gm_request request = {.size = 0x100, .guard_before = 0x20, .guard_after = 0x30, .owner = 5, .user = 6};
    struct gm_arena *arena = NULL;
    struct gm_range_info info[2];
    assert_result(gm_arena_create(&config, &arena), 0);
    assert_result(gm_arena_take(arena, &request, NULL), 0);
    request = (struct gm_request){.size = 0x100, .owner = 7, .min = 0x1000};
    assert_result(gm_arena_take(arena, &request, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_result(gm_arena_take(arena, &request, &info[i]), 0);
    request.place = GM_PLACE_HIGHEST;
    assert_result(gm_arena_take(arena, &request, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_result(gm_arena_give(arena, info[i].range), 0);
    assert_result(gm_arena_save(arena, image, sizeof(image), &size), 0);
    assert_int_equal(size, 8 * (GM_IMAGE_HEADER + 5 * GM_IMAGE_RANGE + 2));
    gm_arena_destroy(arena);
}

static int load_forged(size_t bytes)
{
    struct gm_arena *arena = NULL;
    gm_image_put(forged, GM_IMAGE_CHECKSUM, gm_image_checksum(forged, bytes));
    uint8_t *exact = malloc(bytes); /* so that AddressSanitizer sees who reads on */
    assert_non_null(exact);
    memcpy(exact, forged, bytes);
    int result = gm_arena_load(exact, bytes, NULL, &arena);
    free(exact);
    if (result == 0) {
        assert_null(gm_arena_check(arena));
        gm_arena_destroy(arena);
    }
    return result;
}

/* Words that nothing speaks of, and an arena for no range at all. */
static void sizes(void **state)
{
    const struct gm_arena_config config = {.last = LAST_NUMBER, .granule = GRANULE, .numa_node = -1};
    struct gm_arena *arena = NULL;
    (void)state;
    make();
    memcpy(forged, image, sizeof(image));
    assert_result(load_forged(size), 0);
    gm_image_put(forged, size / 8, (UINT64_C(1) << 32) | 8);
    assert_result(load_forged(size + 8), -EINVAL);
    assert_result(load_forged(size - 8), -EINVAL);
    assert_result(gm_arena_create(&config, &arena), 0);
    assert_result(gm_arena_save(arena, forged, sizeof(forged), &size), 0);
    gm_arena_destroy(arena);
    assert_result(load_forged(size), 0);
    gm_image_put(forged, GM_IMAGE_RANGES_MOST, 0);
    assert_result(load_forged(size), -EINVAL);
}

/* The image with one word that is another. */
static int with(size_t word, uint64_t value)
{
    memcpy(forged, image, sizeof(image));
    gm_image_put(forged, word, value);
    return load_forged(size);
}

static size_t word_of(unsigned range, enum gm_image_range what)
{
    return GM_IMAGE_HEADER + (size_t)range * GM_IMAGE_RANGE + what;
}

static uint64_t get(unsigned range, enum gm_image_range what)
{
    return gm_image_get(image, word_of(range, what));
}

static void headers(void **state)
{
    static const struct {
        enum gm_image_word word;
        uint64_t value;
        int result;
    } cases[] = {{GM_IMAGE_IS, GM_IMAGE_MAGIC, 0}, {GM_IMAGE_IS, GM_IMAGE_MAGIC + 1, -EINVAL},
                 {GM_IMAGE_IN, GM_IMAGE_VERSION + 1, -EINVAL}, {GM_IMAGE_FIRST, GRANULE, -EINVAL},
                 {GM_IMAGE_LAST, LAST_NUMBER - GRANULE, -EINVAL}, {GM_IMAGE_LAST, LAST_NUMBER + GRANULE, 0},
                 {GM_IMAGE_LAST, LAST_NUMBER + 1, -EINVAL}, {GM_IMAGE_LAST, UINT64_MAX, 0},
                 {GM_IMAGE_GRANULE, 0, -EINVAL}, {GM_IMAGE_GRANULE, 8, 0}, {GM_IMAGE_GRANULE, 24, -EINVAL},
                 {GM_IMAGE_GRANULE, 0x20, -EINVAL}, {GM_IMAGE_RANGES_MOST, 0, -EINVAL},
                 {GM_IMAGE_RANGES_MOST, 6, -EINVAL}, {GM_IMAGE_RANGES_MOST, 7, 0},
                 {GM_IMAGE_RANGES_MOST, GM_ARENA_RANGES_MOST + 1, -EINVAL}, {GM_IMAGE_FLAGS, GM_ARENA_LOCKED, 0},
                 {GM_IMAGE_FLAGS, 1u << 31, -EINVAL}, {GM_IMAGE_FLAGS, UINT64_C(1) << 32, 0},
                 {GM_IMAGE_CURSOR, 12345, 0}, {GM_IMAGE_RANDOM, 12345, 0}, {GM_IMAGE_SLOTS, 6, -EINVAL},
                 {GM_IMAGE_SLOTS, 8, -EINVAL}, {GM_IMAGE_SLOTS, UINT64_MAX, -EINVAL}, {GM_IMAGE_COUNT, 4, -EINVAL},
                 {GM_IMAGE_COUNT, 6, -EINVAL}, {GM_IMAGE_COUNT, UINT64_MAX / 2, -EINVAL}};
    (void)state;
    make();
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        if (with(cases[i].word, cases[i].value) != cases[i].result)
            fail_msg("case %u", i);
}

static void places_of_ranges(void **state)
{
    (void)state;
    make();
    uint64_t first = get(3, GM_IMAGE_RANGE_FIRST), last = get(3, GM_IMAGE_RANGE_LAST);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), first + GRANULE), 0);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), first + 1), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), last + 1), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), get(2, GM_IMAGE_RANGE_LAST) + 1), 0);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), get(2, GM_IMAGE_RANGE_LAST) + 1 - GRANULE), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_FIRST), 0), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_LAST), last + 1), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_LAST), get(4, GM_IMAGE_RANGE_FIRST) - 1), 0);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_LAST), get(4, GM_IMAGE_RANGE_FIRST) - 1 + GRANULE), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_LAST), UINT64_MAX), -EINVAL);
    assert_result(with(word_of(4, GM_IMAGE_RANGE_LAST), LAST_NUMBER + GRANULE), -EINVAL);
    assert_result(with(word_of(4, GM_IMAGE_RANGE_LAST), UINT64_MAX), -EINVAL);
    /* behind the last number there is none */
    memcpy(forged, image, sizeof(image));
    gm_image_put(forged, GM_IMAGE_LAST, UINT64_MAX);
    gm_image_put(forged, word_of(3, GM_IMAGE_RANGE_LAST), UINT64_MAX);
    assert_result(load_forged(size), -EINVAL);
}

static void slots(void **state)
{
    (void)state;
    make();
    size_t spare = size / 8 - 2;
    uint64_t handle = get(3, GM_IMAGE_RANGE_HANDLE), generation = UINT64_C(1) << 32;
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), handle + generation), 0);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), (uint32_t)handle), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), get(4, GM_IMAGE_RANGE_HANDLE)), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), generation), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), generation | 8), -EINVAL);
    assert_result(with(word_of(3, GM_IMAGE_RANGE_HANDLE), generation | UINT32_MAX), -EINVAL);
    assert_result(with(spare, gm_image_get(image, spare) + generation), 0);
    assert_result(with(spare, gm_image_get(image, spare + 1)), -EINVAL); /* a cycle */
    assert_result(with(spare, handle), -EINVAL);
    assert_result(with(spare, 0), -EINVAL);
    assert_result(with(spare, generation | 8), -EINVAL);
    assert_result(with(spare, (uint32_t)gm_image_get(image, spare)), -EINVAL);
}

static void guards(void **state)
{
    (void)state;
    make();
    const uint64_t live = (uint64_t)GM_NODE_LIVE << 32, guard = (uint64_t)GM_NODE_GUARD << 32;
    const uint64_t before = (uint64_t)GM_NODE_BEFORE << 32, after = (uint64_t)GM_NODE_AFTER << 32;
    const size_t label[5] = {word_of(0, GM_IMAGE_RANGE_LABEL), word_of(1, GM_IMAGE_RANGE_LABEL),
                             word_of(2, GM_IMAGE_RANGE_LABEL), word_of(3, GM_IMAGE_RANGE_LABEL),
                             word_of(4, GM_IMAGE_RANGE_LABEL)};
    const uint64_t old = gm_image_get(image, label[1]);
    assert_true((uint32_t)old == 5 && old >> 32 == (GM_NODE_LIVE | GM_NODE_BEFORE | GM_NODE_AFTER));
    assert_result(with(label[1], old), 0);
    assert_result(with(word_of(0, GM_IMAGE_RANGE_USER), 1), -EINVAL);
    assert_result(with(word_of(1, GM_IMAGE_RANGE_USER), 1), 0);
    assert_result(with(label[1], old ^ live), -EINVAL);
    assert_result(with(label[1], old ^ before), -EINVAL);
    assert_result(with(label[1], old ^ after), -EINVAL);
    assert_result(with(label[1], old ^ guard), -EINVAL);
    assert_result(with(label[1], old | UINT64_C(1) << 37), -EINVAL);
    assert_result(with(label[1], old | UINT64_C(1) << 63), -EINVAL);
    assert_result(with(label[0], gm_image_get(image, label[0]) ^ guard), -EINVAL);
    assert_result(with(label[0], gm_image_get(image, label[0]) + 1), -EINVAL); /* of another range */
    assert_result(with(label[2], gm_image_get(image, label[2]) ^ guard), -EINVAL);
    assert_result(with(label[3], live | guard), -EINVAL);
    assert_result(with(label[3], live | guard | (uint32_t)get(4, GM_IMAGE_RANGE_HANDLE)), -EINVAL);
    assert_result(with(label[3], live | before), -EINVAL);
    assert_result(with(label[4], live | after), -EINVAL);
    assert_result(with(word_of(0, GM_IMAGE_RANGE_LAST), get(0, GM_IMAGE_RANGE_LAST) - GRANULE), -EINVAL);
    assert_result(with(word_of(2, GM_IMAGE_RANGE_FIRST), get(2, GM_IMAGE_RANGE_FIRST) + GRANULE), -EINVAL);
}

/* Ranges 3 and 4 of these are deferred, 4 first. */
static void queue(void **state)
{
    const struct gm_arena_config config = {.last = LAST_NUMBER, .granule = GRANULE, .ranges_most = 100,
                                           .numa_node = -1, .flags = GM_ARENA_DEFER};
    const struct gm_request request = {.size = 0x100, .guard_after = 0x10};
    struct gm_range_info info[3];
    struct gm_arena *arena = NULL;
    (void)state;
    assert_result(gm_arena_create(&config, &arena), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_result(gm_arena_take(arena, &request, &info[i]), 0);
    assert_result(gm_arena_defer(arena, info[2].range), 0);
    assert_result(gm_arena_defer(arena, info[1].range), 0);
    assert_result(gm_arena_save(arena, image, sizeof(image), &size), 0);
    gm_arena_destroy(arena);
    const uint64_t deferred = (uint64_t)GM_NODE_DEFERRED << 32;
    size_t first = size / 8 - 2, second = first + 1;
    assert_int_equal(size, 8 * (GM_IMAGE_HEADER + 6 * GM_IMAGE_RANGE + 2));
    assert_true(gm_image_get(image, first) == (uint32_t)info[2].range);
    assert_result(with(GM_IMAGE_FLAGS, GM_ARENA_DEFER), 0);
    assert_result(with(GM_IMAGE_FLAGS, 0), -EINVAL);
    assert_result(with(first, gm_image_get(image, second)), -EINVAL);
    assert_result(with(first, (uint32_t)info[0].range), -EINVAL); /* not deferred */
    assert_result(with(first, (uint32_t)get(5, GM_IMAGE_RANGE_HANDLE)), -EINVAL); /* a guard */
    assert_result(with(first, 0), -EINVAL);
    assert_result(with(first, 7), -EINVAL);
    assert_result(with(first, gm_image_get(image, first) | UINT64_C(1) << 32), -EINVAL);
    assert_result(with(GM_IMAGE_DEFERRED, 1), -EINVAL);
    assert_result(with(GM_IMAGE_DEFERRED, UINT64_MAX), -EINVAL);
    assert_result(with(word_of(5, GM_IMAGE_RANGE_LABEL), get(5, GM_IMAGE_RANGE_LABEL) ^ deferred), -EINVAL);
    assert_result(with(word_of(4, GM_IMAGE_RANGE_LABEL), get(4, GM_IMAGE_RANGE_LABEL) ^ deferred), -EINVAL);
    memcpy(forged, image, sizeof(image)); /* nobody queues it */
    gm_image_put(forged, GM_IMAGE_DEFERRED, 1);
    assert_result(load_forged(size - 8), -EINVAL);
    memcpy(forged, image, sizeof(image)); /* a sum that wraps to the right one */
    gm_image_put(forged, GM_IMAGE_COUNT, 100);
    gm_image_put(forged, GM_IMAGE_SLOTS, 100);
    gm_image_put(forged, GM_IMAGE_DEFERRED, size / 8 - GM_IMAGE_HEADER - 100 * GM_IMAGE_RANGE);
    assert_result(load_forged(size), -EINVAL);
}

/* Handles are turned by what an image says, as far as it likes, and so are generations that start anew. */
static void handles(void **state)
{
    static const uint32_t salts[] = {0, 1, UINT32_C(1) << 31, UINT32_MAX - 1, UINT32_MAX};
    (void)state;
    make();
    uint64_t first = get(3, GM_IMAGE_RANGE_FIRST), last = get(3, GM_IMAGE_RANGE_LAST);
    for (unsigned i = 0; i < sizeof(salts) / sizeof(salts[0]); i++) {
        struct gm_arena *arena = NULL;
        struct gm_range_info info, again;
        memcpy(forged, image, sizeof(image));
        gm_image_put(forged, GM_IMAGE_FLAGS, (uint64_t)salts[i] << 32);
        gm_image_put(forged, word_of(3, GM_IMAGE_RANGE_HANDLE), (UINT64_C(0xfffffffd) << 32) |
                                                                    (uint32_t)get(3, GM_IMAGE_RANGE_HANDLE));
        gm_image_put(forged, GM_IMAGE_CHECKSUM, gm_image_checksum(forged, size));
        assert_result(gm_arena_load(forged, size, NULL, &arena), 0);
        assert_result(gm_arena_find(arena, first, &info), 0);
        for (unsigned uses = 0; uses < 5; uses++) {
            assert_result(gm_arena_get(arena, info.range, &again), 0);
            assert_memory_equal(&again, &info, sizeof(info));
            assert_true(info.range >> 32 != 0);
            assert_result(gm_arena_give(arena, info.range), 0);
            assert_result(gm_arena_give(arena, info.range), uses == 2 ? -ENOENT : -ESTALE); /* the last of the slot */
            gm_range old = info.range;
            assert_result(gm_arena_reserve(arena, first, last, 7, 0, &info.range), 0);
            info.user = 0;
            assert_true(info.range != old && (uint32_t)info.range == (uint32_t)old);
        }
        gm_arena_destroy(arena);
    }
}

static int load_expected(size_t word, uint64_t value, uint64_t first, uint64_t ranges_most)
{
    const struct gm_arena_config expected = {.first = first, .last = LAST_NUMBER, .granule = GRANULE,
                                             .ranges_most = ranges_most, .numa_node = -1};
    struct gm_arena *arena = NULL;
    memcpy(forged, image, sizeof(image));
    gm_image_put(forged, word, value);
    if (word != GM_IMAGE_CHECKSUM)
        gm_image_put(forged, GM_IMAGE_CHECKSUM, gm_image_checksum(forged, size));
    int result = gm_arena_load(forged, size, &expected, &arena);
    gm_arena_destroy(result == 0 ? arena : NULL);
    return result;
}

/* Damage and bounds come before the quota, and that before what only the ranges themselves give away. */
static void first_error(void **state)
{
    (void)state;
    make();
    size_t same = word_of(1, GM_IMAGE_RANGE_FIRST);
    assert_result(load_expected(same, get(1, GM_IMAGE_RANGE_FIRST), 0, 7), 0);
    assert_result(load_expected(same, get(1, GM_IMAGE_RANGE_FIRST), 0, 6), -EDQUOT);
    assert_result(load_expected(GM_IMAGE_CHECKSUM, 0, 0, 6), -EINVAL);
    assert_result(load_expected(GM_IMAGE_IN, 99, 0, 6), -EINVAL);
    assert_result(load_expected(same, 0, GRANULE, 6), -EINVAL);
    assert_result(load_expected(same, 0, 0, 6), -EDQUOT); /* ranges overlap, too */
    assert_result(load_expected(same, 0, 0, 7), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(headers), cmocka_unit_test(sizes),
                                       cmocka_unit_test(places_of_ranges), cmocka_unit_test(slots),
                                       cmocka_unit_test(guards), cmocka_unit_test(queue),
                                       cmocka_unit_test(handles), cmocka_unit_test(first_error)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
