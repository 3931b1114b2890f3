/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Several ids at a time: groups, ranges, ids set aside, and giving them back. */
#include "lib/cm.h"

#include <guestmem/guestmem.h>

static struct gm_ids *make(uint32_t first, uint64_t count)
{
    const struct gm_ids_config config = {.first = first, .count = count, .numa_node = -1};
    struct gm_ids *ids = NULL;
    assert_result(gm_ids_create(&config, &ids), 0);
    return ids;
}

static uint32_t group(struct gm_ids *ids, unsigned order)
{
    uint32_t first = 0;
    assert_result(gm_ids_take_group(ids, order, &first), 0);
    assert_int_equal(first & ((UINT32_C(1) << order) - 1), 0);
    return first;
}

static struct gm_ids_stats stats_of(const struct gm_ids *ids)
{
    struct gm_ids_stats stats;
    assert_result(gm_ids_stats_get(ids, &stats), 0);
    return stats;
}

static void groups_are_aligned_and_lowest(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 4096);
    assert_true(group(ids, 0) == 0);
    assert_true(group(ids, 1) == 2);
    assert_true(group(ids, 0) == 1);
    assert_true(group(ids, 2) == 4);
    assert_true(group(ids, 5) == 32);
    assert_true(group(ids, 6) == 64);
    assert_true(group(ids, 3) == 8);
    assert_true(group(ids, 8) == 256);
    assert_true(group(ids, 7) == 128);
    assert_true(group(ids, 11) == 2048);
    assert_true(group(ids, 4) == 16);
    assert_true(stats_of(ids).taken == 1 + 2 + 1 + 4 + 32 + 64 + 8 + 256 + 128 + 2048 + 16);
    gm_ids_destroy(ids);
}

/* Of the number, not of its distance from the first. */
static void alignment_is_of_the_id_itself(void **state)
{
    static const uint32_t firsts[] = {1, 63, 65, 100, 8191, 4294900000};
    (void)state;
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        for (unsigned order = 0; order <= 12; order++) {
            struct gm_ids *ids = make(firsts[i], 65536);
            uint32_t size = UINT32_C(1) << order;
            assert_true(group(ids, order) == (firsts[i] + size - 1) / size * size);
            assert_true(stats_of(ids).taken == size);
            gm_ids_destroy(ids);
        }
    }
}

static void a_group_crosses_words_only_if_it_is_larger_than_one(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 256);
    assert_result(gm_ids_reserve(ids, 0, 62), 0);
    assert_true(group(ids, 2) == 64); /* 62..65 are free and would cross */
    assert_true(group(ids, 1) == 62);
    assert_true(group(ids, 7) == 128);
    assert_true(group(ids, 2) == 68);
    gm_ids_destroy(ids);
}

static void orders_that_cannot_be(void **state)
{
    (void)state;
    struct gm_ids *ids = make(64, 1000); /* 64..1063: one group of 512, none of 1024 */
    uint32_t first = 3;
    assert_result(gm_ids_take_group(ids, 32, &first), -EINVAL);
    assert_result(gm_ids_take_group(ids, UINT32_MAX, &first), -EINVAL);
    assert_result(gm_ids_give_group(ids, 0, 32), -EINVAL);
    assert_result(gm_ids_take_group(ids, 31, &first), -ENOSPC);
    assert_result(gm_ids_take_group(ids, 10, &first), -ENOSPC);
    assert_int_equal(first, 3);
    assert_true(stats_of(ids).taken == 0);
    assert_int_equal(stats_of(ids).order_largest, 9);
    assert_true(group(ids, 9) == 512);
    assert_result(gm_ids_take_group(ids, 9, &first), -ENOSPC);
    assert_int_equal(stats_of(ids).order_largest, 8);
    gm_ids_destroy(ids);
}

static void the_largest_group_is_half_of_all(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, GM_IDS_COUNT_MOST);
    assert_int_equal(stats_of(ids).order_largest, GM_IDS_ORDER_MOST);
    assert_result(gm_ids_take_at(ids, 12345), 0);
    assert_true(group(ids, 20) == UINT32_C(1) << 20);
    uint32_t first = 3;
    assert_result(gm_ids_take_at(ids, UINT32_MAX), 0);
    assert_result(gm_ids_take_group(ids, 31, &first), -ENOSPC); /* a taken id in each half */
    assert_int_equal(first, 3);
    gm_ids_destroy(ids);
}

/* Half of the group would be free, and behind it lies what is not an id. */
static void a_group_does_not_reach_past_the_end(void **state)
{
    (void)state;
    for (uint64_t words = 2; words < 70; words += 2) {
        struct gm_ids *ids = make(64, words * 64);
        uint32_t first = 3;
        for (uint32_t id = 128; id < 64 + (words - 1) * 64; id += 128)
            assert_result(gm_ids_take_at(ids, id), 0);
        uint64_t taken = stats_of(ids).taken;
        assert_result(gm_ids_take_group(ids, 7, &first), -ENOSPC);
        assert_result(gm_ids_take_range(ids, 65, &first), -ENOSPC);
        assert_true(stats_of(ids).taken == taken);
        assert_int_equal(first, 3);
        gm_ids_destroy(ids);
    }
}

static void three_vectors_of_four(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 16);
    uint32_t first = 0;
    assert_result(gm_ids_take_range(ids, 3, &first), 0);
    assert_true(first == 0);
    assert_result(gm_ids_take_range(ids, 3, &first), 0);
    assert_true(first == 4);
    assert_int_equal(gm_ids_is_taken(ids, 3), 0);
    assert_result(gm_ids_take_at(ids, 3), 0);
    assert_result(gm_ids_take_range(ids, 5, &first), 0);
    assert_true(first == 8);
    assert_result(gm_ids_take_range(ids, 3, &first), -ENOSPC); /* 13..15 are free, but 12 is not */
    assert_result(gm_ids_take_range(ids, 0, &first), -EINVAL);
    assert_result(gm_ids_take_range(ids, (UINT32_C(1) << 31) + 1, &first), -EINVAL);
    assert_result(gm_ids_give_range(ids, 8, 5), 0);
    assert_result(gm_ids_take_range(ids, 8, &first), 0);
    assert_true(first == 8);
    gm_ids_destroy(ids);
}

static void ranges_longer_than_a_word(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 4096);
    uint32_t first = 0;
    assert_result(gm_ids_take_range(ids, 65, &first), 0);
    assert_true(first == 0);
    assert_result(gm_ids_take_range(ids, 200, &first), 0);
    assert_true(first == 256);
    assert_result(gm_ids_take_range(ids, 100, &first), 0);
    assert_true(first == 128);
    uint32_t single = 0;
    assert_result(gm_ids_take(ids, &single), 0);
    assert_true(single == 65); /* what a range leaves of its group is not taken */
    assert_true(stats_of(ids).taken == 366);
    gm_ids_destroy(ids);
}

static void a_group_gives_way_to_one_id(void **state)
{
    (void)state;
    for (uint32_t blocked = 512; blocked < 1024; blocked += 73) {
        struct gm_ids *ids = make(512, 1024); /* 512..1535: groups of 512 at 512 and 1024 */
        assert_result(gm_ids_take_at(ids, blocked), 0);
        assert_true(group(ids, 9) == 1024);
        assert_true(stats_of(ids).taken == 513);
        uint32_t first = 3;
        assert_result(gm_ids_take_group(ids, 9, &first), -ENOSPC);
        assert_true(stats_of(ids).taken == 513);
        gm_ids_destroy(ids);
    }
}

static void reserving_is_all_or_nothing(void **state)
{
    (void)state;
    struct gm_ids *gsis = make(0, 4096);
    uint32_t gsi = 0;
    assert_result(gm_ids_reserve(gsis, 0, 24), 0); /* the pins of an IOAPIC */
    assert_result(gm_ids_take(gsis, &gsi), 0);
    assert_true(gsi == 24);
    assert_result(gm_ids_reserve(gsis, 20, 1), -EBUSY);
    assert_result(gm_ids_reserve(gsis, 25, 4071), 0);
    assert_result(gm_ids_take(gsis, &gsi), -ENOSPC);
    assert_result(gm_ids_give_range(gsis, 25, 4071), 0);
    assert_result(gm_ids_take_at(gsis, 1000), 0);
    assert_result(gm_ids_reserve(gsis, 500, 1000), -EBUSY);
    assert_result(gm_ids_reserve(gsis, 1000, 1), -EBUSY);
    assert_true(stats_of(gsis).taken == 26);
    assert_result(gm_ids_reserve(gsis, 0, 0), -EINVAL);
    assert_result(gm_ids_reserve(gsis, 4095, 2), -ERANGE);
    assert_result(gm_ids_reserve(gsis, 4096, 1), -ERANGE);
    assert_result(gm_ids_reserve(gsis, 1, UINT64_MAX), -ERANGE);
    assert_result(gm_ids_reserve(gsis, UINT32_MAX, UINT64_MAX), -ERANGE);
    assert_true(stats_of(gsis).taken == 26);
    gm_ids_destroy(gsis);
}

static void a_group_that_is_partly_free_is_not_given_back(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 1024);
    for (unsigned order = 1; order <= 9; order++) {
        uint32_t first = group(ids, order);
        uint32_t last = first + (UINT32_C(1) << order) - 1;
        assert_result(gm_ids_give(ids, last), 0);
        uint64_t taken = stats_of(ids).taken;
        assert_result(gm_ids_give_group(ids, first, order), -ENOENT);
        assert_true(stats_of(ids).taken == taken);
        assert_result(gm_ids_take_at(ids, last), 0);
        assert_result(gm_ids_give_group(ids, first, order), 0);
        assert_result(gm_ids_give_group(ids, first, order), -ENOENT); /* twice */
        assert_true(stats_of(ids).taken == 0);
    }
    gm_ids_destroy(ids);
}

static void giving_back_what_is_not_there(void **state)
{
    (void)state;
    struct gm_ids *ids = make(16, 48); /* 16..63 */
    assert_result(gm_ids_reserve(ids, 16, 48), 0);
    assert_result(gm_ids_give_group(ids, 17, 1), -EINVAL); /* not a multiple */
    assert_result(gm_ids_give_group(ids, 0, 4), -ERANGE);
    assert_result(gm_ids_give_group(ids, 0, 6), -ERANGE);
    assert_result(gm_ids_give_group(ids, 64, 4), -ERANGE);
    assert_result(gm_ids_give_range(ids, 63, 2), -ERANGE);
    assert_result(gm_ids_give_range(ids, 15, 2), -ERANGE);
    assert_result(gm_ids_give_range(ids, 16, 0), -EINVAL);
    assert_result(gm_ids_give_range(ids, 16, UINT64_MAX), -ERANGE);
    assert_true(stats_of(ids).taken == 48);
    assert_result(gm_ids_give_range(ids, 20, 3), 0); /* not as they were taken */
    assert_result(gm_ids_give_group(ids, 32, 5), 0);
    assert_true(stats_of(ids).taken == 13);
    gm_ids_destroy(ids);
}

/* PCI: bus, device and function; all functions of a device go together. */
static void functions_of_a_device(void **state)
{
    (void)state;
    struct gm_ids *bdfs = make(0, 256);
    assert_result(gm_ids_reserve(bdfs, 0, 8), 0); /* the host bridge */
    assert_result(gm_ids_reserve(bdfs, 0x1f << 3, 8), 0);
    for (uint32_t device = 1; device < 31; device++)
        assert_true(group(bdfs, 3) == device << 3);
    uint32_t bdf;
    assert_result(gm_ids_take_group(bdfs, 3, &bdf), -ENOSPC);
    assert_result(gm_ids_give_group(bdfs, 5 << 3, 3), 0);
    assert_result(gm_ids_take_in(bdfs, 5 << 3, (5 << 3) + 7, &bdf), 0);
    assert_true(bdf == 5 << 3);
    assert_result(gm_ids_take_group(bdfs, 3, &bdf), -ENOSPC);
    gm_ids_destroy(bdfs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_are_aligned_and_lowest),
        cmocka_unit_test(alignment_is_of_the_id_itself),
        cmocka_unit_test(a_group_crosses_words_only_if_it_is_larger_than_one),
        cmocka_unit_test(orders_that_cannot_be),
        cmocka_unit_test(the_largest_group_is_half_of_all),
        cmocka_unit_test(a_group_does_not_reach_past_the_end),
        cmocka_unit_test(three_vectors_of_four),
        cmocka_unit_test(ranges_longer_than_a_word),
        cmocka_unit_test(a_group_gives_way_to_one_id),
        cmocka_unit_test(reserving_is_all_or_nothing),
        cmocka_unit_test(a_group_that_is_partly_free_is_not_given_back),
        cmocka_unit_test(giving_back_what_is_not_there),
        cmocka_unit_test(functions_of_a_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
