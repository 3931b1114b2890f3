/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Images of id allocators: what is restored decides as what was saved, and what is no image is refused. */
#include "lib/cm.h"

#include <guestmem/guestmem.h>

#define ROOM 2048

static struct gm_ids *make(uint32_t first, uint64_t count)
{
    const struct gm_ids_config config = {.first = first, .count = count, .numa_node = -1};
    struct gm_ids *ids = NULL;
    assert_result(gm_ids_create(&config, &ids), 0);
    return ids;
}

static size_t save(const struct gm_ids *ids, unsigned char *image)
{
    size_t size = 0;
    assert_result(gm_ids_save(ids, NULL, 0, &size), -ENOBUFS);
    assert_true(size > 0 && size <= ROOM);
    memset(image, 0xa5, ROOM);
    assert_result(gm_ids_save(ids, image, size - 1, &size), -ENOBUFS);
    assert_int_equal(image[0], 0xa5);
    assert_result(gm_ids_save(ids, image, ROOM, &size), 0);
    assert_int_equal(image[size], 0xa5);
    return size;
}

static void a_restored_one_decides_the_same(void **state)
{
    static const uint32_t firsts[] = {0, 5, 64, UINT32_MAX - 999};
    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        unsigned char image[ROOM], again[ROOM];
        struct gm_ids *ids = make(firsts[i], 1000), *restored = NULL;
        uint32_t id, other;
        for (unsigned n = 0; n < 700; n++)
            assert_result(gm_ids_take(ids, &id), 0);
        for (uint32_t n = 0; n < 700; n += n % 5 + 3)
            assert_result(gm_ids_give(ids, firsts[i] + n), 0);
        size_t size = save(ids, image);
        assert_result(gm_ids_load(image, size, NULL, &restored), 0);
        assert_int_equal(save(restored, again), size);
        assert_memory_equal(image, again, size);
        for (int result = 0; result == 0;) {
            unsigned order = id % 3;
            result = gm_ids_take_group(ids, order, &id);
            assert_result(gm_ids_take_group(restored, order, &other), result);
            if (result == 0)
                assert_true(id == other);
        }
        for (int result = 0; result == 0;) {
            result = gm_ids_take(ids, &id);
            assert_result(gm_ids_take(restored, &other), result);
            assert_true(result != 0 || id == other);
        }
        gm_ids_destroy(ids);
        gm_ids_destroy(restored);
    }
}

static void an_empty_one_and_a_full_one(void **state)
{
    (void)state;
    for (uint64_t taken = 0; taken <= 130; taken += 130) {
        unsigned char image[ROOM];
        struct gm_ids *ids = make(3, 130), *restored;
        struct gm_ids_stats stats;
        if (taken != 0)
            assert_result(gm_ids_reserve(ids, 3, taken), 0);
        assert_result(gm_ids_load(image, save(ids, image), NULL, &restored), 0);
        assert_result(gm_ids_stats_get(restored, &stats), 0);
        assert_true(stats.taken == taken && stats.free == 130 - taken);
        gm_ids_destroy(ids);
        gm_ids_destroy(restored);
    }
}

/* What is free behind the last taken id takes no room, so that four thousand million ids can be saved. */
static void an_image_is_as_long_as_what_is_taken(void **state)
{
    (void)state;
    unsigned char image[ROOM];
    struct gm_ids *ids = make(0, GM_IDS_COUNT_MOST), *restored;
    uint32_t id;
    assert_result(gm_ids_reserve(ids, 0, 100), 0);
    assert_result(gm_ids_load(image, save(ids, image), NULL, &restored), 0);
    assert_result(gm_ids_take(restored, &id), 0);
    assert_true(id == 100);
    assert_int_equal(gm_ids_is_taken(restored, UINT32_MAX), 0);
    gm_ids_destroy(ids);
    gm_ids_destroy(restored);
}

static void what_was_expected_is_checked(void **state)
{
    unsigned char image[ROOM];
    struct gm_ids *ids = make(8, 100), *out = (struct gm_ids *)state;
    struct gm_ids_config expected = {.first = 8, .count = 100, .numa_node = -1};
    assert_result(gm_ids_take_at(ids, 107), 0);
    size_t size = save(ids, image);
    expected.first = 7;
    assert_result(gm_ids_load(image, size, &expected, &out), -EINVAL);
    expected.first = 8;
    expected.count = 101;
    assert_result(gm_ids_load(image, size, &expected, &out), -EINVAL);
    expected.count = 100;
    expected.flags = 2;
    assert_result(gm_ids_load(image, size, &expected, &out), -EINVAL);
    expected.flags = 0;
    expected.numa_node = 64;
    assert_result(gm_ids_load(image, size, &expected, &out), -EINVAL);
    expected.numa_node = -1;
    assert_ptr_equal(out, state);
    assert_result(gm_ids_load(image, size, &expected, NULL), -EINVAL);
    assert_result(gm_ids_load(NULL, size, &expected, &out), -EINVAL);
    assert_result(gm_ids_load(image, size, &expected, &out), 0);
    assert_int_equal(gm_ids_is_taken(out, 107), 1);
    gm_ids_destroy(out);
    expected.flags = GM_IDS_OWNED; /* is not in the image */
    assert_result(gm_ids_load(image, size, &expected, &out), 0);
    assert_int_equal(gm_ids_is_taken(out, 107), 1);
    gm_ids_destroy(out);
    gm_ids_destroy(ids);
}

/* Cut anywhere, made longer, or any bit turned: refused, or another valid image, and never a crash. */
static void damaged_images(void **state)
{
    unsigned char image[ROOM], damaged[ROOM];
    struct gm_ids *ids = make(5, 200);
    struct gm_ids *out = (struct gm_ids *)state;
    unsigned valid = 0;
    assert_result(gm_ids_reserve(ids, 5, 200), 0);
    size_t size = save(ids, image);
    for (size_t cut = 0; cut < size; cut++)
        assert_result(gm_ids_load(image, cut, NULL, &out), -EINVAL);
    assert_result(gm_ids_load(image, size + 1, NULL, &out), -EINVAL);
    assert_result(gm_ids_load(image, size + 8, NULL, &out), -EINVAL);
    assert_ptr_equal(out, state);
    for (size_t bit = 0; bit < size * 8; bit++) {
        struct gm_ids *loaded = NULL;
        memcpy(damaged, image, size);
        damaged[bit / 8] ^= (unsigned char)(1u << bit % 8);
        int result = gm_ids_load(damaged, size, NULL, &loaded);
        assert_true(result == 0 || result == -EINVAL);
        assert_int_equal(result == 0, loaded != NULL);
        valid += result == 0;
        gm_ids_destroy(loaded);
    }
    /* The 200 bits of the ids, and a few bits of first and count that still describe room for them. */
    assert_true(valid >= 200 && valid < 200 + 64);
    gm_ids_destroy(ids);
}

static void ids_that_are_not_there_are_refused(void **state)
{
    unsigned char image[ROOM];
    struct gm_ids *ids = make(5, 54); /* 5..58, in one word */
    struct gm_ids *out = (struct gm_ids *)state;
    assert_result(gm_ids_take_at(ids, 40), 0);
    size_t size = save(ids, image);
    unsigned char *word = image + size - 8;
    word[0] |= 1u << 4; /* id 4 */
    assert_result(gm_ids_load(image, size, NULL, &out), -EINVAL);
    word[0] &= (unsigned char)~(1u << 4);
    word[7] |= 1u << 3; /* id 59 */
    assert_result(gm_ids_load(image, size, NULL, &out), -EINVAL);
    word[7] = 0;
    memset(word, 0, 8); /* a last word without an id */
    assert_result(gm_ids_load(image, size, NULL, &out), -EINVAL);
    assert_ptr_equal(out, state);
    gm_ids_destroy(ids);
}

static void more_words_than_there_are(void **state)
{
    struct gm_ids *out = (struct gm_ids *)state;
    for (uint64_t words = 1; words < 70; words++) {
        unsigned char image[ROOM];
        struct gm_ids *ids = make(0, words * 64);
        assert_result(gm_ids_take_at(ids, (uint32_t)(words * 64 - 1)), 0);
        size_t size = save(ids, image);
        memset(image + size, 0, 8);
        image[size] = 1;
        image[4 * 8]++; /* their number */
        assert_result(gm_ids_load(image, size + 8, NULL, &out), -EINVAL);
        gm_ids_destroy(ids);
    }
    assert_ptr_equal(out, state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_restored_one_decides_the_same), cmocka_unit_test(an_empty_one_and_a_full_one),
        cmocka_unit_test(an_image_is_as_long_as_what_is_taken), cmocka_unit_test(what_was_expected_is_checked),
        cmocka_unit_test(damaged_images), cmocka_unit_test(ids_that_are_not_there_are_refused),
        cmocka_unit_test(more_words_than_there_are),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
