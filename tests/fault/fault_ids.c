/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Id allocators that run out of memory while they are made; everything else about them takes no step that can fail. */
#include "fault/sweep.h"

struct world {
    uint64_t count;
    struct gm_ids *ids;
    unsigned char image[64];
    size_t size;
};

static struct world world;
static struct gm_space *no_space;

static int create(void *ignored)
{
    const struct gm_ids_config config = {.first = 0, .count = world.count, .numa_node = 0};
    (void)ignored;
    return gm_ids_create(&config, &world.ids);
}

static int load(void *ignored)
{
    (void)ignored;
    return gm_ids_load(world.image, world.size, NULL, &world.ids);
}

static void destroy(void *ignored)
{
    (void)ignored;
    gm_fault_arm(1);
    gm_ids_destroy(world.ids);
    assert_false(gm_fault_disarm());
    world.ids = NULL;
}

static int use(void *ignored)
{
    struct gm_ids_stats stats;
    uint32_t id, first;
    (void)ignored;
    assert_result(gm_ids_take(world.ids, &id), 0);
    assert_result(gm_ids_take_any(world.ids, &id), 0);
    assert_result(gm_ids_take_group(world.ids, 9, &first), 0);
    assert_result(gm_ids_reserve(world.ids, 2000, 1000), 0);
    assert_result(gm_ids_stats_get(world.ids, &stats), 0);
    assert_result(gm_ids_give(world.ids, id), 0);
    assert_result(gm_ids_give(world.ids, 0), 0);
    assert_result(gm_ids_give_group(world.ids, first, 9), 0);
    return gm_ids_give_range(world.ids, 2000, 1000);
}

static void making(void **state)
{
    static const struct operation small = {"create ids", FAILS, create, destroy};
    static const struct operation large = {"create ids for which memory is mapped", FAILS, create, destroy};
    static const struct operation restore = {"load ids", FAILS, load, destroy};
    static const struct operation nothing = {"take and give", NO_STEPS, use, NULL};
    (void)state;
    world.count = 4096;
    assert_int_equal(sweep(&small, &world, &no_space), 2);
    world.count = GM_IDS_COUNT_MOST;
    assert_int_equal(sweep(&large, &world, &no_space), 2);
    assert_result(create(NULL), 0);
    sweep(&nothing, &world, &no_space);
    assert_result(gm_ids_save(world.ids, world.image, sizeof(world.image), &world.size), 0);
    destroy(NULL);
    assert_int_equal(sweep(&restore, &world, &no_space), 2);
}

/* What could not be had is told, and the caller's pointer stays as it was. */
static void address_space_runs_out(void **state)
{
    (void)state;
    world.count = GM_IDS_COUNT_MOST;
    for (unsigned step = 1; step <= 2; step++) {
        struct gm_ids *const before = (struct gm_ids *)state;
        world.ids = before;
        gm_fault_arm(step);
        assert_result(create(NULL), -ENOMEM);
        assert_true(gm_fault_disarm());
        assert_ptr_equal(world.ids, before);
    }
    world.ids = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(making), cmocka_unit_test(address_space_runs_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
