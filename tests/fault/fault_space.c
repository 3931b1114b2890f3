/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Transactions that run out of memory at each of their steps, in a plain and in a linear space, ended by commit or
 * by abort. The space is not empty, so that tables, lines, pages, chunks and runs are copied and not only made.
 */
#include "fault/sweep.h"

#include "lib/rig.h"

#define PAGES(n) ((n) * GM_PAGE_SIZE)
#define PLAIN ((uintptr_t)1 << 40) /* host addresses that nobody follows */
#define LINEAR (UINT64_C(32) << 30)
#define MEMFD (UINT64_C(64) << 20)

struct world {
    struct gm_space *space;
    struct gm_backing *ram;
    bool linear;
    unsigned flags;   /* of commits */
    unsigned attempt; /* an odd one ends a failed transaction by commit, an even one by abort */
    struct gm_snapshot *snapshot;
};

static struct world world;

static void add_all(const struct gm_region_desc *descs, size_t count)
{
    struct gm_txn *txn = gmt_begin(world.space);
    for (size_t i = 0; i < count; i++)
        assert_result(gm_txn_add(txn, &descs[i]), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
}

static struct gm_region_desc ram(uint64_t gpa, uint64_t size)
{
    return (struct gm_region_desc){.gpa = gpa, .size = size, .backing = world.linear ? NULL : world.ram,
                                   .offset = world.linear ? 0 : gpa, .tag = gpa + 1};
}

static int open_world(bool linear)
{
    const struct gm_space_config config = {.linear_size = linear ? LINEAR : 0, .numa_node = -1};
    world = (struct world){.linear = linear};
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(&config, &world.space), 0);
    if (linear)
        assert_result(gm_backing_memfd("fault", MEMFD, GM_BACKING_NORESERVE, &world.ram), 0);
    else
        assert_result(gm_backing_wrap((void *)PLAIN, LINEAR, NULL, NULL, &world.ram), 0);
    struct gm_region_desc descs[24] = {ram(0, 3 * GMT_GIB), gmt_device(7 * GMT_GIB, PAGES(1)),
                                       ram(8 * GMT_GIB + PAGES(1), PAGES(7))};
    for (unsigned i = 3; i < 24; i++)
        descs[i] = ram(10 * GMT_GIB + PAGES(2 * i), PAGES(1));
    add_all(descs, 24);
    return 0;
}

static int open_plain(void **state)
{
    (void)state;
    return open_world(false);
}

static int open_linear(void **state)
{
    (void)state;
    return open_world(true);
}

static int close_world(void **state)
{
    (void)state;
    gm_snapshot_put(world.snapshot);
    assert_result(gm_space_destroy(world.space), 0);
    gm_backing_put(world.ram);
    assert_result(gm_reader_unregister(), 0);
    return 0;
}

/* End a transaction; one in which an edit ran out of memory is given up either way. */
static int finish(struct gm_txn *txn, int result)
{
    if (result == 0)
        return gm_txn_commit(txn, world.flags);
    const struct gm_region_desc more = gmt_device(31 * GMT_GIB, 1);
    assert_result(gm_txn_add(txn, &more), result); /* it takes no further edits */
    assert_result(gm_txn_remove(txn, 7 * GMT_GIB, PAGES(1)), result);
    assert_result(gm_txn_resize(txn, 7 * GMT_GIB, PAGES(2)), result);
    if (++world.attempt % 2 == 0)
        gm_txn_abort(txn);
    else
        assert_result(gm_txn_commit(txn, world.flags), result);
    return result;
}

struct edit {
    enum { END, ADD, ADD_FD, ADD_DEVICE, REMOVE, RESIZE } kind;
    uint64_t gpa;
    uint64_t size;
};

static int stage(struct gm_txn *txn, const struct edit *edit)
{
    struct gm_region_desc desc = ram(edit->gpa, edit->size);
    switch (edit->kind) {
    case ADD_FD:
        desc.backing = world.ram;
        return gm_txn_add(txn, &desc);
    case ADD_DEVICE:
        desc = gmt_device(edit->gpa, edit->size);
        return gm_txn_add(txn, &desc);
    case REMOVE:
        return gm_txn_remove(txn, edit->gpa, edit->size);
    case RESIZE:
        return gm_txn_resize(txn, edit->gpa, edit->size);
    default:
        return gm_txn_add(txn, &desc);
    }
}

static int transact(const struct edit *edits)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(world.space, &txn);
    if (result != 0)
        return result;
    for (; result == 0 && edits->kind != END; edits++)
        result = stage(txn, edits);
    return finish(txn, result);
}

#define TRANSACTION(name, ...)                                       \
    static int name(void *ignored)                                   \
    {                                                                \
        static const struct edit edits[] = {__VA_ARGS__, {0, 0, 0}}; \
        (void)ignored;                                               \
        return transact(edits);                                      \
    }

/* The way back is never failed, and leaves nothing that waits for a grace period. */
#define WAY_BACK(name, ...)                                          \
    static void name(void *ignored)                                  \
    {                                                                \
        static const struct edit edits[] = {__VA_ARGS__, {0, 0, 0}}; \
        (void)ignored;                                               \
        assert_result(gm_space_reclaim(world.space), 0);             \
        assert_result(transact(edits), 0);                           \
        assert_result(gm_space_reclaim(world.space), 0);             \
    }

TRANSACTION(add_gibs, {ADD, 4 * GMT_GIB, 2 * GMT_GIB})
WAY_BACK(add_gibs_back, {REMOVE, 4 * GMT_GIB, 2 * GMT_GIB})
TRANSACTION(add_page, {ADD, 20 * GMT_GIB, PAGES(1)})
WAY_BACK(add_page_back, {REMOVE, 20 * GMT_GIB, PAGES(1)})
TRANSACTION(add_between_pages, {ADD, 10 * GMT_GIB + PAGES(9), PAGES(1)})
WAY_BACK(add_between_pages_back, {REMOVE, 10 * GMT_GIB + PAGES(9), PAGES(1)})
TRANSACTION(add_device, {ADD_DEVICE, 6 * GMT_GIB + 5, 2 * GMT_GIB / 4})
WAY_BACK(add_device_back, {REMOVE, 6 * GMT_GIB + 5, 2 * GMT_GIB / 4})
TRANSACTION(remove_gibs, {REMOVE, 0, 3 * GMT_GIB})
WAY_BACK(remove_gibs_back, {ADD, 0, 3 * GMT_GIB})
TRANSACTION(remove_line, {REMOVE, 8 * GMT_GIB + PAGES(1), PAGES(7)})
WAY_BACK(remove_line_back, {ADD, 8 * GMT_GIB + PAGES(1), PAGES(7)})
TRANSACTION(grow, {RESIZE, 0, 3 * GMT_GIB + GMT_GIB / 2 + PAGES(1)})
TRANSACTION(shrink, {RESIZE, 0, GMT_GIB + PAGES(3)})
WAY_BACK(resize_back, {RESIZE, 0, 3 * GMT_GIB})
TRANSACTION(everything, {REMOVE, 8 * GMT_GIB + PAGES(1), PAGES(7)}, {ADD, 21 * GMT_GIB, PAGES(3)},
            {RESIZE, 0, 2 * GMT_GIB}, {ADD, 22 * GMT_GIB, GMT_GIB}, {REMOVE, 21 * GMT_GIB, PAGES(3)},
            {REMOVE, 7 * GMT_GIB, PAGES(1)}, {RESIZE, 22 * GMT_GIB, PAGES(600)})
WAY_BACK(everything_back, {REMOVE, 22 * GMT_GIB, PAGES(600)}, {RESIZE, 0, 3 * GMT_GIB},
         {ADD, 8 * GMT_GIB + PAGES(1), PAGES(7)}, {ADD_DEVICE, 7 * GMT_GIB, PAGES(1)})
TRANSACTION(add_fd, {ADD_FD, 5 * GMT_GIB, PAGES(64)})
WAY_BACK(add_fd_back, {REMOVE, 5 * GMT_GIB, PAGES(64)})

static const struct operation plain_operations[] = {
    {"add whole GiBs", FAILS, add_gibs, add_gibs_back},
    {"add a page past the table", FAILS, add_page, add_page_back},
    {"add between pages", FAILS, add_between_pages, add_between_pages_back},
    {"add a device", FAILS, add_device, add_device_back},
    {"remove whole GiBs", FAILS, remove_gibs, remove_gibs_back},
    {"remove a line", FAILS, remove_line, remove_line_back},
    {"grow", FAILS, grow, resize_back},
    {"shrink", FAILS, shrink, resize_back},
    {"everything at once", FAILS, everything, everything_back},
};

/* Taking memory away ends in a mapping, which may fail when the new version is long published. */
static const struct operation linear_operations[] = {
    {"linear: add anonymous memory", FAILS, add_gibs, add_gibs_back},
    {"linear: add a memfd", FAILS, add_fd, add_fd_back},
    {"linear: add between pages", FAILS, add_between_pages, add_between_pages_back},
    {"linear: add a device", FAILS, add_device, add_device_back},
    {"linear: grow", FAILS, grow, resize_back},
    {"linear: remove", ABSORBS, remove_gibs, remove_gibs_back},
    {"linear: shrink", ABSORBS, shrink, resize_back},
    {"linear: everything at once", ABSORBS, everything, everything_back},
};

static void sweep_all(const struct operation *operations, size_t count)
{
    for (unsigned round = 0; round < 4; round++) {
        world.flags = round % 2 == 0 ? GM_COMMIT_WAIT : GM_COMMIT_ASYNC;
        if (round == 2) { /* the same again with an old view held, which keeps its nodes from being freed */
            world.snapshot = gm_snapshot_take(gmt_pin(world.space));
            assert_result(gm_unpin(), 0);
        }
        for (size_t i = 0; i < count && !(round >= 2 && world.linear); i++)
            sweep(&operations[i], &world, &world.space);
    }
}

static void plain_transactions(void **state)
{
    (void)state;
    sweep_all(plain_operations, sizeof(plain_operations) / sizeof(plain_operations[0]));
}

static void linear_transactions(void **state)
{
    (void)state;
    sweep_all(linear_operations, sizeof(linear_operations) / sizeof(linear_operations[0]));
}

/* --- what is documented as unable to fail */

static void reading_has_no_steps(void **state)
{
    (void)state;
    struct footprint before = footprint_take(world.space);
    gm_fault_arm(1);
    const struct gm_view *view = gm_pin(world.space);
    struct gm_snapshot *snapshot = gm_snapshot_take(view);
    struct gm_handle handle;
    struct iovec iov[4];
    assert_result(gm_handle_init(&handle, view, 0, PAGES(1), GM_READ), 0);
    assert_non_null(gm_handle_get(&handle, gm_snapshot_view(snapshot)));
    assert_int_equal(gm_translate_iov(view, 0, GMT_GIB + 1, GM_READ, iov, 4), 1);
    assert_result(gm_unpin(), 0);
    gm_snapshot_put(snapshot);
    assert_false(gm_fault_disarm());
    assert_footprint(world.space, &before, true);
    footprint_drop(&before);
}

static void aborting_loses_nothing(void **state)
{
    (void)state;
    for (unsigned step = 1;; step++) {
        struct footprint before = footprint_take(world.space);
        struct gm_txn *txn = gmt_begin(world.space);
        const struct edit edits[] = {{ADD, 4 * GMT_GIB, GMT_GIB}, {REMOVE, 8 * GMT_GIB + PAGES(1), PAGES(7)},
                                     {ADD, 24 * GMT_GIB, GMT_GIB}, {RESIZE, 0, 3 * GMT_GIB + PAGES(5)}};
        for (unsigned i = 0; i < sizeof(edits) / sizeof(edits[0]); i++)
            assert_result(stage(txn, &edits[i]), 0);
        gm_fault_arm(step);
        gm_txn_abort(txn);
        bool delivered = gm_fault_disarm();
        assert_footprint(world.space, &before, true);
        footprint_drop(&before);
        if (!delivered)
            break;
    }
}

/* Memory that could not be given back when its region went is given back by a reclaim, and its place is free then. */
static void what_was_not_unmapped_is_tried_again(void **state)
{
    (void)state;
    struct footprint before = footprint_take(world.space);
    unsigned absorbed = 0;
    for (unsigned step = 1; step < 100; step++) {
        struct gm_space_stats stats;
        struct gm_txn *txn = gmt_begin(world.space);
        assert_result(gm_txn_remove(txn, 0, 3 * GMT_GIB), 0);
        gmt_commit(txn, GM_COMMIT_ASYNC);
        gm_fault_arm(step);
        assert_result(gm_space_reclaim(world.space), 0);
        bool delivered = gm_fault_disarm();
        absorbed += delivered;
        assert_result(gm_space_reclaim(world.space), 0);
        assert_result(gm_space_stats_get(world.space, &stats), 0);
        assert_int_equal(stats.retired, 0);
        const struct gm_region_desc desc = ram(0, 3 * GMT_GIB);
        add_all(&desc, 1);
        assert_footprint(world.space, &before, false);
        if (!delivered)
            break;
    }
    assert_int_equal(absorbed, 1);
    footprint_drop(&before);
}

#define IN(world, name) cmocka_unit_test_setup_teardown(name, open_##world, close_world)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN(plain, plain_transactions),      IN(linear, linear_transactions),
        IN(plain, reading_has_no_steps),    IN(linear, aborting_loses_nothing),
        IN(plain, aborting_loses_nothing),  IN(linear, what_was_not_unmapped_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
