/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Spaces and backings that run out of memory while they are made or taken down, and the first transaction of a
 * space, which makes what later ones copy.
 */
#include "fault/sweep.h"

#include "lib/rig.h"

#define SIZE (UINT64_C(2) << 30) /* large enough to be seen among the mappings */
#define LINEAR (UINT64_C(8) << 30)

struct world {
    struct gm_space *space;
    struct gm_backing *backing;
    uint64_t linear_size;
    const struct gm_backing_config *memory;
    unsigned released;
    unsigned attempt; /* an odd one ends a failed transaction by commit, an even one by abort */
};

static struct world world;

static int open_world(void **state)
{
    (void)state;
    world = (struct world){0};
    assert_result(gm_reader_register(), 0);
    return 0;
}

static int close_world(void **state)
{
    (void)state;
    assert_result(gm_space_destroy(world.space), 0);
    assert_result(gm_reader_unregister(), 0);
    return 0;
}

/* --- backings */

static int anonymous(void *ignored)
{
    (void)ignored;
    return gm_backing_anonymous(SIZE, GM_BACKING_NORESERVE, &world.backing);
}

static int anonymous_thp(void *ignored)
{
    (void)ignored;
    return gm_backing_anonymous(SIZE, GM_BACKING_NORESERVE | GM_BACKING_THP, &world.backing);
}

static int anonymous_dump(void *ignored)
{
    (void)ignored;
    return gm_backing_anonymous(SIZE, GM_BACKING_NORESERVE | GM_BACKING_DUMP, &world.backing);
}

static int memfd(void *ignored)
{
    (void)ignored;
    return gm_backing_memfd(NULL, SIZE, GM_BACKING_NORESERVE, &world.backing);
}

static int memfd_thp(void *ignored)
{
    (void)ignored;
    return gm_backing_memfd("fault", SIZE, GM_BACKING_NORESERVE | GM_BACKING_THP, &world.backing);
}

static void note_release(void *argument)
{
    ++*(unsigned *)argument;
}

static int wrap(void *ignored)
{
    (void)ignored;
    return gm_backing_wrap((void *)SIZE, SIZE, note_release, &world.released, &world.backing);
}

/* The last count; giving back never takes a step that can fail. */
static void put(void *ignored)
{
    (void)ignored;
    gm_fault_arm(1);
    gm_backing_put(world.backing);
    assert_false(gm_fault_disarm());
    world.backing = NULL;
}

static void backings(void **state)
{
    static const struct operation operations[] = {
        {"anonymous backing", FAILS, anonymous, put},
        {"anonymous backing in huge pages", FAILS, anonymous_thp, put},
        {"anonymous backing for core dumps", FAILS, anonymous_dump, put},
        {"memfd backing", FAILS, memfd, put},
        {"memfd backing in huge pages", FAILS, memfd_thp, put},
        {"wrapped backing", FAILS, wrap, put},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        sweep(&operations[i], &world, &world.space);
}

/* Memory of the caller that could not be wrapped is not released: the caller still has it. */
static void a_failed_wrap_releases_nothing(void **state)
{
    (void)state;
    gm_fault_arm(1);
    assert_result(wrap(NULL), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_null(world.backing);
    assert_int_equal(world.released, 0);
    assert_result(wrap(NULL), 0);
    put(NULL);
    assert_int_equal(world.released, 1);
}

/* --- spaces */

static int create(void *ignored)
{
    const struct gm_space_config config = {.linear_size = world.linear_size, .numa_node = -1};
    struct gm_space *made = NULL;
    int result = gm_space_create(&config, &made);
    (void)ignored;
    if (result == 0)
        assert_result(gm_space_destroy(made), 0);
    else
        assert_null(made); /* written only on success */
    return result;
}

static void creating(void **state)
{
    static const struct operation plain = {"create a space", FAILS, create, NULL};
    static const struct operation linear = {"create a linear space", FAILS, create, NULL};
    (void)state;
    unsigned steps = sweep(&plain, &world, &world.space);
    world.linear_size = LINEAR;
    assert_true(sweep(&linear, &world, &world.space) > steps);
}

static void make_space(uint64_t linear_size)
{
    const struct gm_space_config config = {.linear_size = linear_size, .numa_node = -1};
    assert_result(gm_space_create(&config, &world.space), 0);
}

static struct gm_region_desc region(uint64_t gpa, uint64_t size)
{
    return (struct gm_region_desc){.gpa = gpa, .size = size, .backing = world.backing, .offset = gpa};
}

static int begin(void *ignored)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(world.space, &txn);
    (void)ignored;
    if (result == 0)
        gm_txn_abort(txn);
    return result;
}

/* A transaction in a space that was never edited: no lists, no windows, no set. */
static int first_edit(struct gm_space *space)
{
    struct gm_region_desc desc = region(GM_PAGE_SIZE, SIZE - GM_PAGE_SIZE);
    struct gm_txn *txn;
    int result = gm_txn_begin(space, &txn);
    if (result != 0)
        return result;
    if (desc.backing == NULL) { /* anonymous memory of a linear space */
        desc.offset = 0;
        desc.memory = world.memory;
    }
    result = gm_txn_add(txn, &desc);
    if (result == 0)
        return gm_txn_commit(txn, GM_COMMIT_WAIT);
    if (++world.attempt % 2 == 0)
        gm_txn_abort(txn);
    else
        assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), result); /* it can only be given up */
    return result;
}

static int first_transaction(void *ignored)
{
    const struct gm_space_config config = {.linear_size = world.linear_size, .numa_node = -1};
    struct gm_space *space = NULL;
    int result = gm_space_create(&config, &space);
    (void)ignored;
    if (result != 0)
        return result;
    result = first_edit(space);
    if (result != 0)
        assert_sound(space);
    assert_result(gm_space_destroy(space), 0);
    return result;
}

static void beginning(void **state)
{
    static const struct operation nothing = {"begin and abort", NO_STEPS, begin, NULL};
    static const struct operation plain = {"the first transaction of a space", FAILS, first_transaction, NULL};
    static const struct operation linear = {"the first one of a linear space", FAILS, first_transaction, NULL};
    (void)state;
    make_space(0);
    sweep(&nothing, &world, &world.space);
    world.linear_size = LINEAR;
    static const struct gm_backing_config memory = {
        .numa_policy = GM_NUMA_PREFER, .numa_nodes = 1, .flags = GM_BACKING_NO_FORK};
    for (world.attempt = 0; world.attempt < 4; world.attempt++) {
        world.memory = &memory;
        sweep(&linear, &world, &world.space);
    }
    world.memory = NULL;
    for (world.attempt = 0; world.attempt < 2;) { /* so that each step is once followed by each way of giving up */
        unsigned start = world.attempt + 1;
        sweep(&linear, &world, &world.space);
        world.attempt = start;
    }
    world.linear_size = 0;
    assert_result(wrap(NULL), 0);
    sweep(&plain, &world, &world.space);
    gm_backing_put(world.backing);
    assert_int_equal(world.released, 1);
}

/*
 * Destroying a space in which memory still waits for its grace period: whatever step fails, it succeeds and gives
 * everything back.
 */
static void destroying(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        bool delivered = true;
        struct footprint before = footprint_take(NULL);
        for (unsigned step = 1; delivered; step++) {
            struct gm_txn *txn;
            make_space(round == 0 ? 0 : LINEAR);
            world.released = 0;
            if (round == 0)
                assert_result(wrap(NULL), 0);
            const struct gm_region_desc desc = region(0, SIZE);
            gmt_add(world.space, &desc);
            txn = gmt_begin(world.space);
            assert_result(gm_txn_remove(txn, 0, SIZE), 0);
            gmt_commit(txn, GM_COMMIT_ASYNC);
            gm_backing_put(world.backing);
            world.backing = NULL;
            gm_fault_arm(step);
            assert_result(gm_space_destroy(world.space), 0);
            delivered = gm_fault_disarm();
            world.space = NULL;
            assert_int_equal(world.released, round == 0);
            assert_footprint(NULL, &before, true);
            assert_true(step < 10);
        }
        footprint_drop(&before);
    }
}

#define WORLD(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD(backings), WORLD(a_failed_wrap_releases_nothing),
        WORLD(creating), WORLD(beginning),
        WORLD(destroying),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
