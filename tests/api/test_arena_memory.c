/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Failure atomicity, the sixth of the hardest cases: when the system has no memory left, a take fails and changes
 * nothing, lookups and gives go on, and when there is memory again so do takes. The limit on private memory stands
 * in for a system that is full. (Quotas: test_arena_hardest.c.)
 */
#include "lib/arena_model_rig.h"

#include <sys/resource.h>

#define PAGE UINT64_C(0x1000)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LIMITS_WORK 0 /* the sanitizer's own memory would hit them */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define LIMITS_WORK 0
#endif
#endif
#ifndef LIMITS_WORK
#define LIMITS_WORK 1
#endif

static struct rlimit usual;

static void starve(void)
{
    const struct rlimit none = {.rlim_cur = 1, .rlim_max = usual.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_DATA, &none), 0);
}

static void feed(void)
{
    assert_int_equal(setrlimit(RLIMIT_DATA, &usual), 0);
}

static int remember_limit(void **state)
{
    (void)state;
    return getrlimit(RLIMIT_DATA, &usual);
}

/* Ranges and gaps of one page in turn, from the one with this index on. Returns how many were taken. */
static unsigned take_until_error(struct gm_arena *arena, uint64_t index, unsigned most, int *error)
{
    struct gm_request request = {.size = PAGE, .place = GM_PLACE_FIXED};
    unsigned taken = 0;
    *error = 0;
    while (taken < most && *error == 0) {
        request.near = 2 * (index + taken) * PAGE;
        *error = gm_arena_take(arena, &request, NULL);
        taken += *error == 0;
    }
    return taken;
}

static void check_whole(struct gm_arena *arena, unsigned taken)
{
    struct gm_range_info info;
    struct gm_arena_stats stats;
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    assert_true(stats.ranges == taken && stats.used_minus_1 == taken * PAGE - 1 && stats.gaps == taken);
    for (uint64_t i = 0; i < taken; i++) {
        assert_result(gm_arena_find(arena, 2 * i * PAGE, &info), 0);
        assert_true(info.first == 2 * i * PAGE && info.last == info.first + PAGE - 1);
        assert_result(gm_arena_find(arena, (2 * i + 1) * PAGE, &info), -ENOENT);
    }
}

static void memory_runs_out_without_a_trace(void **state)
{
    (void)state;
    if (!LIMITS_WORK) {
        print_message("SKIPPED: a sanitizer needs the memory that a limit would take away\n");
        skip();
    }
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, PAGE);
    int error;
    unsigned taken = take_until_error(arena, 0, 10, &error);
    for (unsigned step = 0; step < 12; step++) {
        starve();
        taken += take_until_error(arena, taken, 1u << 20, &error);
        int reserved = gm_arena_reserve(arena, UINT64_MAX - PAGE + 1, UINT64_MAX, 0, 0, NULL);
        feed();
        assert_result(error, -ENOMEM);
        assert_result(reserved, -ENOMEM);
        check_whole(arena, taken);
        unsigned more = take_until_error(arena, taken, 1, &error); /* a step of memory */
        assert_int_equal(more, 1);
        taken += more;
    }
    starve();
    int results = 0;
    for (uint64_t i = 0; i < taken; i++)
        results |= gm_arena_give_at(arena, 2 * i * PAGE);
    feed();
    assert_int_equal(results, 0);
    gm_arena_destroy(arena);
}

/* Giving back and what else allocates nothing goes on, also from tree to flat form. */
static void giving_back_needs_no_memory(void **state)
{
    (void)state;
    if (!LIMITS_WORK) {
        print_message("SKIPPED: a sanitizer needs the memory that a limit would take away\n");
        skip();
    }
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, PAGE);
    struct gm_range_info info;
    int error, results = 0;
    assert_true(take_until_error(arena, 0, 1000, &error) == 1000);
    assert_result(gm_arena_find(arena, 0, &info), 0);
    starve();
    for (uint64_t i = 1; i < 1000; i++)
        results |= gm_arena_give_at(arena, 2 * (i * 7 % 1000) * PAGE);
    results |= gm_arena_relocate(arena, info.range, 0 - PAGE);
    results |= gm_arena_relocate(arena, info.range, PAGE);
    results |= gm_arena_resize(arena, info.range, 0 - PAGE - 1);
    results |= gm_arena_update(arena, info.range, 1, 1);
    results |= gm_arena_extend(arena, 0, UINT64_MAX);
    results |= gm_arena_give(arena, info.range);
    feed();
    assert_int_equal(results, 0);
    assert_true(gmt_arena_is_free(arena, 0, UINT64_MAX));
    gm_arena_destroy(arena);
}

/* The index of a new alignment cannot be built: the request says so, the others go on. */
static void index_of_a_class_runs_out_of_memory(void **state)
{
    (void)state;
    if (!LIMITS_WORK) {
        print_message("SKIPPED: a sanitizer needs the memory that a limit would take away\n");
        skip();
    }
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, PAGE);
    const struct gm_request known = {.size = PAGE, .align = 2 * PAGE}, fresh = {.size = 3 * PAGE, .align = 32 * PAGE};
    struct gm_arena_stats stats;
    uint64_t first = 77;
    int error;
    assert_true(take_until_error(arena, 0, 1000, &error) == 1000);
    uint64_t first_of_known = 0;
    assert_result(gm_arena_would_fit(arena, &known, &first_of_known), 0); /* builds its index */
    assert_result(gm_arena_give_at(arena, 200 * PAGE), 0);
    assert_result(gm_arena_stats_get(arena, &stats), 0);
    starve();
    int results[4] = {gm_arena_take(arena, &fresh, NULL), gm_arena_would_fit(arena, &fresh, &first),
                      gm_arena_take(arena, &known, NULL), gm_arena_take(arena, &fresh, NULL)};
    feed();
    assert_int_equal(stats.tree, 1);
    assert_result(results[0], -ENOMEM);
    assert_result(results[1], -ENOMEM);
    assert_result(results[2], 0);
    assert_result(results[3], -ENOMEM);
    assert_true(first == 77);
    check_whole(arena, 1000);
    assert_takes(arena, (2000 + 31) / 32 * 32 * PAGE, .size = 3 * PAGE, .align = 32 * PAGE);
    gm_arena_destroy(arena);
}

static void creation_runs_out_of_memory(void **state)
{
    (void)state;
    if (!LIMITS_WORK) {
        print_message("SKIPPED: a sanitizer needs the memory that a limit would take away\n");
        skip();
    }
    const struct gm_arena_config config = {.last = UINT64_MAX, .numa_node = -1};
    struct gm_arena *arena = NULL;
    starve();
    int result = gm_arena_create(&config, &arena);
    feed();
    assert_result(result, -ENOMEM);
    assert_ptr_equal(arena, NULL);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory_runs_out_without_a_trace),
        TEST(giving_back_needs_no_memory),
        TEST(index_of_a_class_runs_out_of_memory),
        TEST(creation_runs_out_of_memory),
    };
    return cmocka_run_group_tests(tests, remember_limit, NULL);
}
