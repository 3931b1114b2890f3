/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Arenas with GM_ARENA_DEFER are made and grow step by step; deferring and reclaiming take no step that can fail. */
#include "fault/sweep.h"

#include "lib/arena_model_rig.h"

#define TAKES 5000

static struct gm_arena *arena;
static struct gm_space *no_space;
static gm_range ranges[TAKES];

static int create(void *ignored)
{
    const struct gm_arena_config config = {.last = 0xffff, .ranges_most = 10000, .numa_node = -1,
                                           .flags = GM_ARENA_DEFER};
    (void)ignored;
    return gm_arena_create(&config, &arena);
}

static void destroy(void *ignored)
{
    (void)ignored;
    gm_arena_destroy(arena);
    arena = NULL;
}

static int grow(void *ignored)
{
    struct gm_range_info info;
    (void)ignored;
    int result = create(NULL);
    for (unsigned i = 0; i < TAKES && result == 0; i++) {
        result = gm_arena_take(arena, &(struct gm_request){.size = 1}, &info);
        ranges[i] = info.range;
    }
    if (result != 0 && arena != NULL)
        destroy(NULL);
    return result;
}

static int defer_all(void *ignored)
{
    uint64_t count = 0;
    (void)ignored;
    for (unsigned i = 0; i < TAKES; i++)
        assert_result(gm_arena_defer(arena, ranges[i]), 0);
    int result = gm_arena_reclaim(arena, &count);
    assert_int_equal(count, TAKES);
    for (unsigned i = 0; i < TAKES; i++) {
        struct gm_range_info info;
        assert_result(gm_arena_take(arena, &(struct gm_request){.size = 1}, &info), 0);
        ranges[i] = info.range;
    }
    return result;
}

static void steps(void **state)
{
    /* advice on memory may fail without harm */
    static const struct operation making = {"create an arena that defers", ABSORBS, create, destroy};
    static const struct operation growing = {"grow an arena that defers", ABSORBS, grow, destroy};
    static const struct operation using = {"defer and reclaim", NO_STEPS, defer_all, NULL};
    (void)state;
    unsigned made = sweep(&making, NULL, &no_space);
    assert_true(sweep(&growing, NULL, &no_space) > made);
    assert_result(grow(NULL), 0);
    sweep(&using, NULL, &no_space);
    destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(steps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
