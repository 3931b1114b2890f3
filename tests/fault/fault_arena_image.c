/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Memory that runs out while an image is loaded: it says so, and nothing is left behind. Saving takes no memory. */
#include "fault/sweep.h"

#include "lib/arena_model_rig.h"
#include "lib/arena_walk.h"

#define GRANULE UINT64_C(0x1000)

struct world {
    struct gm_arena *arena;
    uint8_t image[1 << 16], block[GM_ARENA_BLOCK_SIZE(1000)] __attribute__((aligned(64)));
    size_t size;
};

static struct world world;
static struct gm_space *no_space;
static struct gmt_walk walk;

static int load(void *ignored)
{
    (void)ignored;
    return gm_arena_load(world.image, world.size, NULL, &world.arena);
}

static int load_in(void *ignored)
{
    (void)ignored;
    return gm_arena_load_in(world.image, world.size, NULL, world.block, sizeof(world.block), &world.arena);
}

static int attach(void *ignored)
{
    const struct gm_arena *view = NULL;
    int result = gm_arena_attach(world.block, sizeof(world.block), &view);
    (void)ignored;
    gm_arena_detach(view);
    return result;
}

static void destroy(void *ignored)
{
    (void)ignored;
    gm_arena_destroy(world.arena);
    world.arena = NULL;
}

static int save(void *arena)
{
    return gm_arena_save(arena, world.image, sizeof(world.image), &world.size);
}

static void images(void **state)
{
    static const struct operation saving = {"save an arena", NO_STEPS, save, NULL};
    static const struct operation loading = {"load an arena", ABSORBS, load, destroy};
    static const struct operation inside = {"load an arena into memory that is there", FAILS, load_in, destroy};
    static const struct operation attaching = {"attach to an arena", FAILS, attach, NULL};
    (void)state;
    const struct gm_arena_config config = {.last = GRANULE * 8192 - 1, .granule = GRANULE, .ranges_most = 1000,
                                           .numa_node = -1};
    struct gm_arena *arena = NULL;
    assert_result(gm_arena_create(&config, &arena), 0);
    gmt_walk_init(&walk, arena, GRANULE, 400, 3);
    gmt_walk_steps(&walk, 4000);
    sweep(&saving, arena, &no_space);
    gm_arena_destroy(arena);
    assert_true(sweep(&loading, &world, &no_space) >= 5);
    assert_int_equal(sweep(&inside, &world, &no_space), 2);
    assert_result(load_in(NULL), 0);
    assert_int_equal(sweep(&attaching, &world, &no_space), 1);
    destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(images)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
