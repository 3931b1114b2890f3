/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What commits leave behind, to the allocation: after a grace period, alive are the nodes of the current version and
 * of the versions that are held, and nothing else. A version's nodes are noted when its snapshot is taken, so that
 * the expectation knows nothing of births, deaths and lists.
 */
#include "unit/ledger.h"

#include "guestmem/guestmem.h"
#include "lib/rand.h"
#include "map/check.h"
#include "map/nodes.h"
#include "space/space.h"

#define PAGE GM_PAGE_SIZE
#define GIB (UINT64_C(1) << GM_GIB_SHIFT)
#define MEMORY (UINT64_C(1) << 40)

#define SNAPSHOTS 6
#define NODES 4096

struct nodes {
    const void *at[NODES];
    size_t count;
};

struct held {
    struct gm_snapshot *snapshot;
    uint64_t generation;
    struct nodes nodes;
};

struct rig {
    struct gm_space *space;
    struct gm_backing *ram; /* addresses only: nobody follows them */
    struct held held[SNAPSHOTS];
    uint64_t seed;
};

static struct rig rig;

static int open_rig(void **state)
{
    (void)state;
    assert_int_equal(ledger.live, 0);
    memset(&rig, 0, sizeof(rig));
    rig.seed = 0x726574;
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(NULL, &rig.space), 0);
    assert_result(gm_backing_wrap((void *)MEMORY, MEMORY, NULL, NULL, &rig.ram), 0);
    return 0;
}

static int close_rig(void **state)
{
    (void)state;
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        gm_snapshot_put(rig.held[i].snapshot);
    assert_result(gm_space_destroy(rig.space), 0);
    gm_backing_put(rig.ram);
    assert_result(gm_reader_unregister(), 0);
    assert_int_equal(ledger.live, 0); /* and not a byte is left */
    assert_int_equal(ledger.bytes, 0);
    return 0;
}

static void note(struct nodes *nodes, const void *pointer)
{
    if (pointer == NULL)
        return;
    assert_true(nodes->count < NODES);
    nodes->at[nodes->count++] = pointer;
}

static void note_node(void *context, const struct gm_node *node)
{
    note(context, node->object);
}

/* What the space allocates for itself, whatever its versions show. */
static void note_furniture(struct nodes *nodes)
{
    const struct gm_space *space = rig.space;
    note(nodes, space);
    note(nodes, space->heap);
    note(nodes, space->txn.windows);
    note(nodes, space->txn.edit.born.nodes);
    note(nodes, space->txn.edit.dead.nodes);
    note(nodes, space->retired.nodes);
    note(nodes, space->blocked.nodes);
    note(nodes, space->old);
    note(nodes, rig.ram);
}

static int by_address(const void *a, const void *b)
{
    const void *const *left = a;
    const void *const *right = b;
    return *left < *right ? -1 : *left > *right;
}

static void sort_out(struct nodes *nodes)
{
    size_t kept = 0;
    qsort(nodes->at, nodes->count, sizeof(nodes->at[0]), by_address);
    for (size_t i = 0; i < nodes->count; i++)
        if (kept == 0 || nodes->at[kept - 1] != nodes->at[i])
            nodes->at[kept++] = nodes->at[i];
    nodes->count = kept;
}

/* Nothing but what is shown is alive, and all of that is. */
static void assert_only_what_is_shown_lives(void)
{
    static struct nodes expected;
    static struct nodes alive;
    expected.count = 0;
    alive.count = 0;
    note_furniture(&expected);
    note(&expected, rig.space->current);
    gm_version_each_node(rig.space->current, note_node, &expected);
    for (unsigned i = 0; i < SNAPSHOTS; i++) {
        note(&expected, rig.held[i].snapshot);
        for (size_t n = 0; rig.held[i].snapshot != NULL && n < rig.held[i].nodes.count; n++)
            note(&expected, rig.held[i].nodes.at[n]);
    }
    for (const struct ledger_entry *entry = ledger.newest; entry != NULL; entry = entry->next)
        note(&alive, entry + 1);
    sort_out(&expected);
    sort_out(&alive);
    assert_int_equal(alive.count, expected.count);
    assert_memory_equal(alive.at, expected.at, alive.count * sizeof(alive.at[0]));
}

static void add_bytes(void *context, const struct gm_node *node)
{
    uint64_t *bytes = context;
    bytes[node->kind > GM_NODE_PAGES] += node->size;
}

static void assert_bytes_are_counted(void)
{
    struct gm_space_stats stats;
    uint64_t bytes[2] = {gm_version_size(rig.space->current->view.gib_count), 0};
    gm_version_each_node(rig.space->current, add_bytes, bytes);
    assert_result(gm_space_stats_get(rig.space, &stats), 0);
    assert_true(stats.map_bytes == bytes[0]);
    assert_true(stats.metadata_bytes == bytes[0] + bytes[1]);
}

static bool is_held(uint64_t birth, uint64_t death)
{
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        if (rig.held[i].snapshot != NULL && rig.held[i].generation >= birth && rig.held[i].generation < death)
            return true;
    return false;
}

/* After a grace period, with nobody pinned. */
static void assert_settled(void)
{
    const struct gm_space *space = rig.space;
    assert_int_equal(space->retired.count, 0);
    for (size_t i = 0; i < space->blocked.count; i++)
        assert_true(is_held(space->blocked.nodes[i].birth, space->blocked.nodes[i].death));
    assert_only_what_is_shown_lives();
    assert_bytes_are_counted();
    const char *why = "";
    if (gm_map_check(&space->current->view, &why) != 0)
        fail_msg("gm_map_check: %s", why);
}

static void take(unsigned slot)
{
    struct held *held = &rig.held[slot];
    const struct gm_view *view = gm_pin(rig.space);
    held->snapshot = gm_snapshot_take(view);
    held->generation = view->generation;
    held->nodes.count = 0;
    gm_version_each_node(rig.space->current, note_node, &held->nodes);
    assert_result(gm_unpin(), 0);
}

static void put(unsigned slot)
{
    gm_snapshot_put(rig.held[slot].snapshot);
    rig.held[slot].snapshot = NULL;
}

static void stage(struct gm_txn *txn, uint64_t gpa, uint64_t size)
{
    struct gm_region_desc desc = {.gpa = gpa, .size = size, .backing = rig.ram, .offset = gpa % MEMORY};
    assert_result(gm_txn_add(txn, &desc), 0);
}

/* Add, remove or resize one region of a few that lie where lines, pages and whole GiBs come and go. */
static void random_edit(struct gm_txn *txn)
{
    static const uint64_t sizes[] = {PAGE, 7 * PAGE, GM_BLOCK_SIZE + PAGE, GIB, 3 * GIB};
    uint64_t gpa = gmt_rand_below(&rig.seed, 5) * 4 * GIB + gmt_rand_below(&rig.seed, 2) * 2 * PAGE;
    uint64_t size = sizes[gmt_rand_below(&rig.seed, 5)];
    const struct gm_region *region = gm_regset_find(txn->regions, gpa);
    struct gm_region_desc desc = {.gpa = gpa, .size = size, .backing = rig.ram, .offset = gpa};
    if (region == NULL) {
        int result = gm_txn_add(txn, &desc);
        assert_true(result == 0 || result == -EEXIST);
    } else if (region->first == gpa && gmt_rand_below(&rig.seed, 2) == 0) {
        int result = gm_txn_resize(txn, gpa, size);
        assert_true(result == 0 || result == -EEXIST);
    } else {
        assert_result(gm_txn_remove(txn, region->first, region->last - region->first + 1), 0);
    }
}

static void random_commits(void **state)
{
    (void)state;
    size_t most_blocked = 0;
    for (unsigned round = 0; round < 1500; round++) {
        struct gm_txn *txn;
        unsigned slot = (unsigned)gmt_rand_below(&rig.seed, SNAPSHOTS);
        if (gmt_rand_below(&rig.seed, 4) == 0) {
            if (rig.held[slot].snapshot == NULL)
                take(slot);
            else
                put(slot);
        }
        assert_result(gm_txn_begin(rig.space, &txn), 0);
        for (uint64_t i = gmt_rand_below(&rig.seed, 4); i != 0; i--)
            random_edit(txn);
        if (gmt_rand_below(&rig.seed, 8) == 0) {
            gm_txn_abort(txn);
        } else {
            assert_result(gm_txn_commit(txn, gmt_rand_below(&rig.seed, 3) == 0 ? GM_COMMIT_ASYNC : GM_COMMIT_WAIT), 0);
        }
        if (rig.space->retired.count != 0 && gmt_rand_below(&rig.seed, 2) == 0)
            continue; /* asynchronous commits in a row */
        assert_result(gm_space_reclaim(rig.space), 0);
        assert_settled();
        most_blocked = rig.space->blocked.count > most_blocked ? rig.space->blocked.count : most_blocked;
    }
    assert_true(most_blocked > 20); /* snapshots did hold things */
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        put(i);
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_int_equal(rig.space->blocked.count, 0);
    assert_int_equal(rig.space->old_count, 0);
    assert_settled();
}

static void commit_region(uint64_t gpa, uint64_t size, bool add)
{
    struct gm_txn *txn;
    assert_result(gm_txn_begin(rig.space, &txn), 0);
    if (add)
        stage(txn, gpa, size);
    else
        assert_result(gm_txn_remove(txn, gpa, size), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    assert_settled();
}

static uint64_t retired(void)
{
    struct gm_space_stats stats;
    assert_result(gm_space_stats_get(rig.space, &stats), 0);
    return stats.retired;
}

static void blocked_nodes_go_with_their_snapshot(void **state)
{
    (void)state;
    commit_region(0, 4 * GIB, true);
    take(0);
    commit_region(0, 4 * GIB, false); /* the region, its table, a chunk, a directory, the runs */
    uint64_t first = retired();
    assert_true(first >= 5);
    commit_region(0, PAGE, true);
    take(1);
    commit_region(0, PAGE, false);
    assert_true(retired() > first);
    for (uint64_t i = 0; i < 20; i++)
        commit_region(i * GIB, PAGE, true); /* what these drop, nobody holds */
    put(0);
    assert_true(retired() > 5); /* a put frees nothing */
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_settled();
    uint64_t second = retired();
    assert_true(second != 0);
    put(1);
    commit_region(30 * GIB, PAGE, true); /* the next commit does it as well */
    assert_int_equal(retired(), 0);
}

static void a_version_between_two_held_ones_goes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        commit_region(i * GIB, GIB, true);
        take(i);
    }
    commit_region(0, GIB, false);
    commit_region(GIB, GIB, false);
    put(1);
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_settled();
    assert_int_equal(rig.space->old_count, 2);
    put(0);
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_settled();
}

static void several_holds_of_one_version(void **state)
{
    (void)state;
    commit_region(0, GIB, true);
    take(0);
    take(1);
    rig.held[2] = rig.held[0];
    assert_ptr_equal(gm_snapshot_take(gm_snapshot_view(rig.held[0].snapshot)), rig.held[2].snapshot);
    commit_region(0, GIB, false);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(retired() != 0);
        put(i);
        assert_result(gm_space_reclaim(rig.space), 0);
        assert_settled();
    }
    assert_int_equal(retired(), 0);
}

static void asynchronous_commits_stop_to_wait_in_time(void **state)
{
    size_t most = 0;
    (void)state;
    commit_region(0, GIB, true);
    for (unsigned i = 0; i < 4000; i++) {
        struct gm_txn *txn;
        size_t before = rig.space->retired.count;
        assert_result(gm_txn_begin(rig.space, &txn), 0);
        stage(txn, 5 * GIB, PAGE);
        assert_result(gm_txn_remove(txn, 5 * GIB, PAGE), 0);
        if (i % 2 == 0)
            stage(txn, 2 * GIB, PAGE);
        else
            assert_result(gm_txn_remove(txn, 2 * GIB, PAGE), 0);
        assert_result(gm_txn_commit(txn, GM_COMMIT_ASYNC), 0);
        most = before > most ? before : most;
        for (size_t n = before; n < rig.space->retired.count; n++) /* what came and went at once does not wait */
            assert_true(rig.space->retired.nodes[n].birth < rig.space->retired.nodes[n].death);
        assert_true(rig.space->retired.count < GM_ASYNC_LIMIT);
    }
    assert_true(most > GM_ASYNC_LIMIT / 2); /* it did not wait each time */
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_settled();
}

static void destroying_while_something_is_held(void **state)
{
    (void)state;
    commit_region(0, GIB, true);
    take(0); /* of the current version */
    assert_result(gm_space_destroy(rig.space), -EBUSY);
    assert_settled();
    commit_region(0, GIB, false);
    assert_result(gm_space_destroy(rig.space), -EBUSY);
    assert_settled();
    struct gm_txn *txn;
    assert_result(gm_txn_begin(rig.space, &txn), 0);
    stage(txn, 0, PAGE);
    put(0);
    assert_result(gm_space_destroy(rig.space), -EBUSY); /* a transaction is open */
    gm_txn_abort(txn);
    assert_result(gm_space_reclaim(rig.space), 0);
    assert_settled();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(random_commits),
        RIG(blocked_nodes_go_with_their_snapshot),
        RIG(a_version_between_two_held_ones_goes),
        RIG(several_holds_of_one_version),
        RIG(asynchronous_commits_stop_to_wait_in_time),
        RIG(destroying_while_something_is_held),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
