/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Ids one at a time: bounds, exhaustion, order, reuse, windows and every refused argument, among them all that
 * vm-allocator's IdAllocator is tested for.
 */
#include "lib/cm.h"

#include <stdio.h>

#include <guestmem/guestmem.h>

static struct gm_ids *make(uint32_t first, uint64_t count)
{
    const struct gm_ids_config config = {.first = first, .count = count, .numa_node = -1};
    struct gm_ids *ids = NULL;
    assert_result(gm_ids_create(&config, &ids), 0);
    assert_non_null(ids);
    return ids;
}

static uint32_t take(struct gm_ids *ids)
{
    uint32_t id = 0;
    assert_result(gm_ids_take(ids, &id), 0);
    return id;
}

static void assert_taken(const struct gm_ids *ids, uint64_t taken, uint64_t not_taken)
{
    struct gm_ids_stats stats;
    assert_result(gm_ids_stats_get(ids, &stats), 0);
    assert_true(stats.taken == taken);
    assert_true(stats.free == not_taken);
    assert_int_equal(stats.order_largest == -1, not_taken == 0);
}

static void a_range_that_cannot_be_is_refused(void **state)
{
    static const struct {
        struct gm_ids_config config;
        int want;
    } cases[] = {
        {{.first = 0, .count = 0, .numa_node = -1}, -EINVAL},
        {{.first = 7, .count = 0, .numa_node = -1}, -EINVAL},
        {{.first = 0, .count = 1, .numa_node = -1, .flags = 2}, -EINVAL},
        {{.first = 0, .count = 1, .numa_node = -2}, -EINVAL},
        {{.first = 0, .count = 1, .numa_node = 64}, -EINVAL},
        {{.first = 0, .count = GM_IDS_COUNT_MOST + 1, .numa_node = -1}, -ERANGE},
        {{.first = 1, .count = GM_IDS_COUNT_MOST, .numa_node = -1}, -ERANGE},
        {{.first = UINT32_MAX, .count = 2, .numa_node = -1}, -ERANGE},
        {{.first = UINT32_MAX, .count = UINT64_MAX, .numa_node = -1}, -ERANGE},
    };
    struct gm_ids *out = (struct gm_ids *)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_result(gm_ids_create(&cases[i].config, &out), cases[i].want);
    assert_result(gm_ids_create(NULL, &out), -EINVAL);
    assert_result(gm_ids_create(&cases[0].config, NULL), -EINVAL);
    assert_ptr_equal(out, state);
    gm_ids_destroy(NULL);
}

static void null_is_refused_everywhere(void **state)
{
    struct gm_ids *ids = make(0, 8);
    struct gm_ids_stats stats;
    uint32_t id = 99;
    size_t size;
    (void)state;
    assert_result(gm_ids_take(NULL, &id), -EINVAL);
    assert_result(gm_ids_take(ids, NULL), -EINVAL);
    assert_result(gm_ids_take_any(NULL, &id), -EINVAL);
    assert_result(gm_ids_take_any(ids, NULL), -EINVAL);
    assert_result(gm_ids_take_in(NULL, 0, 1, &id), -EINVAL);
    assert_result(gm_ids_take_in(ids, 0, 1, NULL), -EINVAL);
    assert_result(gm_ids_take_at(NULL, 0), -EINVAL);
    assert_result(gm_ids_take_group(NULL, 0, &id), -EINVAL);
    assert_result(gm_ids_take_group(ids, 0, NULL), -EINVAL);
    assert_result(gm_ids_take_range(NULL, 1, &id), -EINVAL);
    assert_result(gm_ids_take_range(ids, 1, NULL), -EINVAL);
    assert_result(gm_ids_reserve(NULL, 0, 1), -EINVAL);
    assert_result(gm_ids_give(NULL, 0), -EINVAL);
    assert_result(gm_ids_give_range(NULL, 0, 1), -EINVAL);
    assert_result(gm_ids_give_group(NULL, 0, 0), -EINVAL);
    assert_result(gm_ids_is_taken(NULL, 0), -EINVAL);
    assert_result(gm_ids_next(NULL, 0, &id), -EINVAL);
    assert_result(gm_ids_next(ids, 0, NULL), -EINVAL);
    assert_result(gm_ids_stats_get(NULL, &stats), -EINVAL);
    assert_result(gm_ids_stats_get(ids, NULL), -EINVAL);
    assert_result(gm_ids_save(NULL, NULL, 0, &size), -EINVAL);
    assert_result(gm_ids_save(ids, NULL, 0, NULL), -EINVAL);
    assert_int_equal(id, 99);
    assert_taken(ids, 0, 8);
    gm_ids_destroy(ids);
}

static void lowest_first_until_none_is_left(void **state)
{
    static const uint64_t counts[] = {1, 2, 63, 64, 65, 127, 128, 129, 2047, 2048, 2049, 4095, 4097, 70000};
    static const uint32_t firsts[] = {0, 1, 63, 64, 65, 4000000000};
    (void)state;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]) * 6; i++) {
        uint64_t count = counts[i / 6];
        uint32_t first = firsts[i % 6], id = 5;
        struct gm_ids *ids = make(first, count);
        for (uint64_t n = 0; n < count; n++)
            assert_true(take(ids) == first + n);
        assert_result(gm_ids_take(ids, &id), -ENOSPC);
        assert_result(gm_ids_take_any(ids, &id), -ENOSPC);
        assert_int_equal(id, 5);
        assert_taken(ids, count, 0);
        assert_result(gm_ids_give(ids, (uint32_t)(first + count / 2)), 0);
        assert_true(take(ids) == first + count / 2);
        assert_result(gm_ids_take(ids, &id), -ENOSPC);
        gm_ids_destroy(ids);
    }
}

/* Elsewhere that is an overflow, or one id less. */
static void the_last_id_can_be_the_largest_number(void **state)
{
    (void)state;
    struct gm_ids *ids = make(UINT32_MAX - 2, 3);
    uint32_t id = 0;
    assert_true(take(ids) == UINT32_MAX - 2);
    assert_true(take(ids) == UINT32_MAX - 1);
    assert_true(take(ids) == UINT32_MAX);
    assert_result(gm_ids_take(ids, &id), -ENOSPC);
    assert_result(gm_ids_next(ids, UINT32_MAX, &id), 0);
    assert_true(id == UINT32_MAX);
    assert_result(gm_ids_give(ids, UINT32_MAX), 0);
    assert_result(gm_ids_next(ids, UINT32_MAX, &id), -ENOENT);
    assert_result(gm_ids_take_in(ids, UINT32_MAX, UINT32_MAX, &id), 0);
    assert_true(id == UINT32_MAX);
    gm_ids_destroy(ids);
}

/* [pages] of address space, and those of them that are in memory. */
struct usage {
    long reserved, resident;
};

static struct usage usage(void)
{
    struct usage now;
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &now.reserved, &now.resident), 2);
    fclose(file);
    return now;
}

static void four_thousand_million_ids_cost_what_is_used(void **state)
{
    (void)state;
    struct usage before = usage();
    struct gm_ids *ids = make(0, GM_IDS_COUNT_MOST);
    uint32_t id;
    assert_true(take(ids) == 0);
    assert_result(gm_ids_take_at(ids, UINT32_MAX), 0);
    assert_result(gm_ids_take_at(ids, UINT32_MAX), -EBUSY);
    assert_result(gm_ids_take_in(ids, UINT32_C(1) << 31, UINT32_MAX, &id), 0);
    assert_true(id == UINT32_C(1) << 31);
    assert_true(take(ids) == 1);
    assert_int_equal(gm_ids_is_taken(ids, UINT32_MAX), 1);
    assert_int_equal(gm_ids_is_taken(ids, UINT32_MAX - 1), 0);
    assert_result(gm_ids_give(ids, UINT32_MAX), 0);
    assert_true(usage().resident - before.resident < 16 << 8); /* 16 MiB, some huge pages; all of it would be 529 */
    gm_ids_destroy(ids);
    assert_true(usage().resident - before.resident < 1 << 8);
    assert_true(usage().reserved - before.reserved < 64 << 8);
}

static void one_slot_too_many_is_refused(void **state)
{
    (void)state;
    struct gm_ids *slots = make(0, 509);
    uint32_t slot = 0;
    for (unsigned n = 0; n < 509; n++)
        assert_true(take(slots) == n);
    assert_result(gm_ids_take(slots, &slot), -ENOSPC);
    assert_result(gm_ids_take_at(slots, 509), -ERANGE);
    assert_result(gm_ids_give(slots, 509), -ERANGE);
    assert_result(gm_ids_is_taken(slots, 509), -ERANGE);
    gm_ids_destroy(slots);
}

static void freed_ids_come_back_lowest_first(void **state)
{
    static const uint32_t freed[] = {900, 3, 64, 640, 63, 127};
    static const uint32_t order[] = {3, 63, 64, 127, 640, 900, 1000};
    (void)state;
    struct gm_ids *ids = make(0, 1200);
    for (unsigned n = 0; n < 1000; n++)
        assert_true(take(ids) == n);
    for (size_t i = 0; i < sizeof(freed) / sizeof(freed[0]); i++)
        assert_result(gm_ids_give(ids, freed[i]), 0);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
        assert_true(take(ids) == order[i]);
    gm_ids_destroy(ids);
}

/* Never handed out, the next one to be handed out, already free, outside: each is told, and nothing changes. */
static void wrong_frees_change_nothing(void **state)
{
    (void)state;
    struct gm_ids *ids = make(100, 300);
    assert_true(take(ids) == 100);
    assert_true(take(ids) == 101);
    assert_result(gm_ids_give(ids, 102), -ENOENT); /* the next one */
    assert_result(gm_ids_give(ids, 350), -ENOENT); /* never handed out */
    assert_result(gm_ids_give(ids, 399), -ENOENT);
    assert_result(gm_ids_give(ids, 100), 0);
    assert_result(gm_ids_give(ids, 100), -ENOENT); /* twice */
    assert_result(gm_ids_give(ids, 99), -ERANGE);
    assert_result(gm_ids_give(ids, 64), -ERANGE); /* in the same word as the first */
    assert_result(gm_ids_give(ids, 400), -ERANGE);
    assert_result(gm_ids_give(ids, UINT32_MAX), -ERANGE);
    assert_taken(ids, 1, 299);
    assert_true(take(ids) == 100);
    assert_true(take(ids) == 102);
    gm_ids_destroy(ids);
}

static void is_taken_says_so_of_every_kind_of_id(void **state)
{
    (void)state;
    struct gm_ids *ids = make(10, 100);
    assert_result(gm_ids_is_taken(ids, 9), -ERANGE);
    assert_result(gm_ids_is_taken(ids, 110), -ERANGE);
    assert_int_equal(gm_ids_is_taken(ids, 10), 0);
    assert_true(take(ids) == 10);
    assert_int_equal(gm_ids_is_taken(ids, 10), 1);
    assert_int_equal(gm_ids_is_taken(ids, 11), 0);
    assert_result(gm_ids_give(ids, 10), 0);
    assert_int_equal(gm_ids_is_taken(ids, 10), 0);
    gm_ids_destroy(ids);
}

static void an_exact_id_is_taken_once(void **state)
{
    (void)state;
    struct gm_ids *ids = make(0, 200);
    assert_result(gm_ids_take_at(ids, 0), 0);
    assert_result(gm_ids_take_at(ids, 2), 0);
    assert_result(gm_ids_take_at(ids, 199), 0);
    assert_result(gm_ids_take_at(ids, 2), -EBUSY);
    assert_result(gm_ids_take_at(ids, 200), -ERANGE);
    assert_true(take(ids) == 1);
    assert_true(take(ids) == 3);
    assert_result(gm_ids_take_at(ids, 1), -EBUSY);
    assert_taken(ids, 5, 195);
    gm_ids_destroy(ids);
}

static void a_window_gives_its_lowest(void **state)
{
    (void)state;
    struct gm_ids *ids = make(32, 1000);
    uint32_t id = 7;
    assert_result(gm_ids_take_in(ids, 500, 499, &id), -EINVAL);
    assert_result(gm_ids_take_in(ids, 0, 31, &id), -ENOSPC);
    assert_result(gm_ids_take_in(ids, 1032, UINT32_MAX, &id), -ENOSPC);
    assert_int_equal(id, 7);
    for (uint32_t want = 126; want <= 130; want++) {
        assert_result(gm_ids_take_in(ids, 126, 130, &id), 0);
        assert_true(id == want);
    }
    assert_result(gm_ids_take_in(ids, 126, 130, &id), -ENOSPC);
    assert_result(gm_ids_give(ids, 128), 0);
    assert_result(gm_ids_take_in(ids, 126, 130, &id), 0);
    assert_true(id == 128);
    assert_result(gm_ids_take_in(ids, 0, UINT32_MAX, &id), 0);
    assert_true(id == 32);
    assert_result(gm_ids_take_in(ids, 1031, UINT32_MAX, &id), 0);
    assert_true(id == 1031);
    gm_ids_destroy(ids);
}

static void any_id_will_do_until_none_is_left(void **state)
{
    (void)state;
    struct gm_ids *ids = make(50, 1000);
    unsigned char seen[1050] = {0};
    uint32_t id = 0;
    for (unsigned n = 0; n < 1000; n++) {
        assert_result(gm_ids_take_any(ids, &id), 0);
        assert_true(id >= 50 && id < 1050 && !seen[id]);
        seen[id] = 1;
    }
    assert_result(gm_ids_take_any(ids, &id), -ENOSPC);
    assert_result(gm_ids_give(ids, 777), 0);
    assert_result(gm_ids_take_any(ids, &id), 0);
    assert_true(id == 777);
    gm_ids_destroy(ids);
}

static void a_walk_visits_what_is_taken(void **state)
{
    static const uint32_t taken[] = {5, 6, 63, 64, 200, 299};
    (void)state;
    struct gm_ids *ids = make(5, 295);
    uint32_t id = 1;
    assert_result(gm_ids_next(ids, 0, &id), -ENOENT);
    assert_int_equal(id, 1);
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
        assert_result(gm_ids_take_at(ids, taken[i]), 0);
    uint32_t from = 0;
    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        assert_result(gm_ids_next(ids, from, &id), 0);
        assert_true(id == taken[i]);
        from = id + 1;
    }
    assert_result(gm_ids_next(ids, from, &id), -ENOENT);
    assert_result(gm_ids_next(ids, UINT32_MAX, &id), -ENOENT);
    gm_ids_destroy(ids);
}

/* The walk as ids.h has it; how many ids it visits, which have to rise. A walk that does not end is one of too many. */
static unsigned walk(const struct gm_ids *ids, const uint32_t *expected, unsigned most)
{
    uint64_t from = 0;
    unsigned count = 0;
    for (uint32_t id; from <= UINT32_MAX && gm_ids_next(ids, (uint32_t)from, &id) == 0; from = (uint64_t)id + 1) {
        assert_true(count < most);
        assert_true(id == expected[count++]);
    }
    return count;
}

static void a_walk_ends_behind_the_largest_number(void **state)
{
    static const uint32_t taken[] = {0, 1, 63, 64, UINT32_C(1) << 31, UINT32_MAX - 64, UINT32_MAX - 63, UINT32_MAX - 1,
                                     UINT32_MAX};
    const unsigned most = sizeof(taken) / sizeof(taken[0]);
    (void)state;
    struct gm_ids *ids = make(0, GM_IDS_COUNT_MOST), *one = make(UINT32_MAX, 1);
    assert_int_equal(walk(ids, taken, 0), 0);
    for (unsigned i = 0; i < most; i++)
        assert_result(gm_ids_take_at(ids, taken[i]), 0);
    assert_int_equal(walk(ids, taken, most), most);
    assert_result(gm_ids_give(ids, UINT32_MAX), 0);
    assert_int_equal(walk(ids, taken, most - 1), most - 1);
    assert_int_equal(walk(one, taken, 0), 0);
    assert_result(gm_ids_take_at(one, UINT32_MAX), 0);
    assert_int_equal(walk(one, &taken[most - 1], 1), 1);
    gm_ids_destroy(ids);
    gm_ids_destroy(one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_range_that_cannot_be_is_refused),
        cmocka_unit_test(null_is_refused_everywhere),
        cmocka_unit_test(lowest_first_until_none_is_left),
        cmocka_unit_test(the_last_id_can_be_the_largest_number),
        cmocka_unit_test(four_thousand_million_ids_cost_what_is_used),
        cmocka_unit_test(one_slot_too_many_is_refused),
        cmocka_unit_test(freed_ids_come_back_lowest_first),
        cmocka_unit_test(wrong_frees_change_nothing),
        cmocka_unit_test(is_taken_says_so_of_every_kind_of_id),
        cmocka_unit_test(an_exact_id_is_taken_once),
        cmocka_unit_test(a_window_gives_its_lowest),
        cmocka_unit_test(any_id_will_do_until_none_is_left),
        cmocka_unit_test(a_walk_visits_what_is_taken),
        cmocka_unit_test(a_walk_ends_behind_the_largest_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
