/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Every edit that a transaction has: committed it is the same call without one, on a twin that began with the same
 * seed; rolled back it leaves no trace, and arena and twin go on alike.
 */
#include <guestmem/arena_defer.h>
#include <guestmem/arena_image.h>
#include <guestmem/arena_txn.h>

#include "lib/arena_model_rig.h"

#define GRANULE UINT64_C(0x1000)
#define LAST (GRANULE * 1024 - 1)
#define RANGES 6 /* that there are before: 1 and 3 have guards, 4 has no neighbours */

struct side {
    struct gm_arena *arena;
    struct gm_arena_txn *txn; /* NULL: calls without one */
    gm_range ranges[RANGES];
};

static void open_side(struct side *side)
{
    const struct gm_arena_config config = {.last = LAST, .granule = GRANULE, .flags = GM_ARENA_DEFER,
                                           .numa_node = -1, .seed = 5, .ranges_most = 600};
    assert_result(gm_arena_create(&config, &side->arena), 0);
    side->txn = NULL;
    for (unsigned i = 0; i < RANGES; i++) {
        uint64_t guard = i == 1 || i == 3 ? GRANULE : 0;
        struct gm_request request = {.size = 4 * GRANULE, .guard_before = guard, .guard_after = 2 * guard, .owner = i};
        request.min = i == 4 ? 512 * GRANULE : 0;
        side->ranges[i] = gmt_arena_take(side->arena, request).range;
    }
}

static int take(struct side *side, struct gm_request request)
{
    struct gm_range_info info;
    return side->txn != NULL ? gm_arena_txn_take(side->txn, side->arena, &request, &info)
                             : gm_arena_take(side->arena, &request, &info);
}

static int reserve(struct side *side, uint64_t first, uint64_t last, gm_range *out)
{
    return side->txn != NULL ? gm_arena_txn_reserve(side->txn, side->arena, first, last, 7, 8, out)
                             : gm_arena_reserve(side->arena, first, last, 7, 8, out);
}

static int give(struct side *side, unsigned which)
{
    return side->txn != NULL ? gm_arena_txn_give(side->txn, side->arena, side->ranges[which])
                             : gm_arena_give(side->arena, side->ranges[which]);
}

static int defer(struct side *side, unsigned which)
{
    return side->txn != NULL ? gm_arena_txn_defer(side->txn, side->arena, side->ranges[which])
                             : gm_arena_defer(side->arena, side->ranges[which]);
}

static int resize(struct side *side, unsigned which, uint64_t last)
{
    return side->txn != NULL ? gm_arena_txn_resize(side->txn, side->arena, side->ranges[which], last)
                             : gm_arena_resize(side->arena, side->ranges[which], last);
}

static int relocate(struct side *side, unsigned which, uint64_t first)
{
    return side->txn != NULL ? gm_arena_txn_relocate(side->txn, side->arena, side->ranges[which], first)
                             : gm_arena_relocate(side->arena, side->ranges[which], first);
}

static int update(struct side *side, unsigned which, uint32_t owner, uint64_t user)
{
    return side->txn != NULL ? gm_arena_txn_update(side->txn, side->arena, side->ranges[which], owner, user)
                             : gm_arena_update(side->arena, side->ranges[which], owner, user);
}

static int many(struct side *side)
{
    int result = 0;
    for (unsigned i = 0; i < 200 && result == 0; i++) /* notes grow, the array becomes a tree */
        result = i % 2 == 0 ? take(side, (struct gm_request){.size = GRANULE, .user = i})
                            : reserve(side, (700 + i) * GRANULE, (701 + i) * GRANULE - 1, NULL);
    return result;
}

static int everything(struct side *side)
{
    int result = update(side, 4, 9, 10);
    result = result != 0 ? result : relocate(side, 4, 600 * GRANULE);
    result = result != 0 ? result : resize(side, 4, 700 * GRANULE - 1);
    result = result != 0 ? result : update(side, 4, 11, 12);
    result = result != 0 ? result : defer(side, 1);
    result = result != 0 ? result : give(side, 3);
    result = result != 0 ? result : reserve(side, 701 * GRANULE, 702 * GRANULE - 1, NULL);
    result = result != 0 ? result : defer(side, 4);
    return result != 0 ? result : take(side, (struct gm_request){.size = 3 * GRANULE, .guard_after = GRANULE});
}

static int edit(struct side *side, unsigned which)
{
    const struct gm_request guarded = {.size = GRANULE, .guard_before = GRANULE, .guard_after = GRANULE, .user = 3};
    switch (which) {
    case 0: return take(side, (struct gm_request){.size = GRANULE, .align = 8 * GRANULE, .owner = 2});
    case 1: return take(side, guarded);
    case 2: return take(side, (struct gm_request){.size = GRANULE, .place = GM_PLACE_NEXT});
    case 3: return take(side, (struct gm_request){.size = GRANULE, .place = GM_PLACE_RANDOM});
    case 4: return reserve(side, 100 * GRANULE, 200 * GRANULE - 1, NULL);
    case 5: return reserve(side, LAST + 1 - GRANULE, LAST, NULL);
    case 6: return give(side, 0);
    case 7: return give(side, 3);
    case 8: return defer(side, 0);
    case 9: return defer(side, 3);
    case 10: return resize(side, 4, 600 * GRANULE - 1);
    case 11: return resize(side, 3, (1 + 4 + 1 + 4 + 2 + 4 + 1 + 2) * GRANULE - 1); /* its guard moves along */
    case 12: return relocate(side, 4, 514 * GRANULE);
    case 13: return relocate(side, 4, 200 * GRANULE);
    case 14: return update(side, 2, 5, 0);
    case 15: return update(side, 3, 5, UINT64_MAX); /* the first word that is not 0 */
    case 16: return many(side);
    default: return everything(side);
    }
}

enum { EDITS = 18 };

static bool same_sides(const struct side *a, const struct side *b)
{
    static struct gmt_arena_dump dumps[2];
    gmt_arena_dump(a->arena, &dumps[0]);
    gmt_arena_dump(b->arena, &dumps[1]);
    return gmt_arena_same_dump(&dumps[0], &dumps[1]);
}

static void begin(struct side *side)
{
    assert_result(gm_arena_txn_begin(&side->arena, 1, &side->txn), 0);
}

static void end(struct side *side, bool commit)
{
    assert_result(commit ? gm_arena_txn_commit(side->txn) : gm_arena_txn_rollback(side->txn), 0);
    gm_arena_txn_free(side->txn);
    side->txn = NULL;
}

static void each_edit_committed(void **state)
{
    (void)state;
    for (unsigned which = 0; which < EDITS; which++) {
        struct side side, twin;
        open_side(&side);
        open_side(&twin);
        begin(&side);
        int result = edit(&side, which);
        end(&side, true);
        if (result != 0 || edit(&twin, which) != 0 || !same_sides(&side, &twin))
            fail_msg("edit %u: %d, or not as without a transaction", which, result);
        assert_result(edit(&side, 16), edit(&twin, 16));
        assert_true(same_sides(&side, &twin));
        gm_arena_destroy(side.arena);
        gm_arena_destroy(twin.arena);
    }
}

static void each_edit_rolled_back(void **state)
{
    (void)state;
    for (unsigned which = 0; which < EDITS * EDITS; which++) { /* each alone, and each pair in which both succeed */
        struct side side, twin;
        open_side(&side);
        open_side(&twin);
        begin(&side);
        assert_result(edit(&side, which % EDITS), 0);
        assert_false(which % EDITS != 14 && same_sides(&side, &twin) && which % EDITS != which / EDITS);
        if (which / EDITS != which % EDITS)
            (void)edit(&side, which / EDITS);
        end(&side, false);
        if (!same_sides(&side, &twin))
            fail_msg("edits %u and %u leave a trace", which % EDITS, which / EDITS);
        assert_result(edit(&side, which / EDITS), edit(&twin, which / EDITS)); /* and decisions are the same */
        assert_result(take(&side, (struct gm_request){.size = GRANULE, .place = GM_PLACE_NEXT}),
                      take(&twin, (struct gm_request){.size = GRANULE, .place = GM_PLACE_NEXT}));
        assert_true(same_sides(&side, &twin));
        gm_arena_destroy(side.arena);
        gm_arena_destroy(twin.arena);
    }
}

static void assert_same_images(const struct side *a, const struct side *b)
{
    static uint8_t images[2][1 << 14];
    size_t sizes[2] = {0, 0};
    assert_result(gm_arena_save(a->arena, images[0], sizeof(images[0]), &sizes[0]), 0);
    assert_result(gm_arena_save(b->arena, images[1], sizeof(images[1]), &sizes[1]), 0);
    assert_int_equal(sizes[0], sizes[1]);
    assert_memory_equal(images[0], images[1], sizes[0]);
}

/* What was deferred before stays in its order, what was deferred inside is as if it never had been. */
static void deferred_and_rolled_back(void **state)
{
    (void)state;
    struct side side, twin;
    uint64_t count = 0;
    open_side(&side);
    open_side(&twin);
    for (unsigned first = 0; first < 2; first++) { /* nothing in the queue, and something */
        begin(&side);
        assert_result(defer(&side, 3), 0);
        assert_result(defer(&side, 3), -ESTALE);
        assert_result(give(&side, 3), -ESTALE);
        assert_result(update(&side, 3, 1, 1), -ESTALE);
        assert_result(defer(&side, 5), 0);
        end(&side, false);
        assert_true(same_sides(&side, &twin));
        assert_result(defer(&side, first), 0);
        assert_result(defer(&twin, first), 0);
    }
    begin(&side);
    assert_result(defer(&side, 5), 0);
    end(&side, true);
    assert_result(defer(&twin, 5), 0);
    assert_true(same_sides(&side, &twin));
    assert_same_images(&side, &twin); /* the queue, too */
    assert_result(gm_arena_reclaim(side.arena, &count), 0);
    assert_int_equal(count, 3);
    assert_result(gm_arena_reclaim(twin.arena, &count), 0);
    assert_int_equal(count, 3);
    assert_result(edit(&side, 16), edit(&twin, 16)); /* slots come back in the same order */
    assert_true(same_sides(&side, &twin));
    assert_result(give(&side, 3), 0); /* its handle is good */
    gm_arena_destroy(side.arena);
    gm_arena_destroy(twin.arena);
}

/* A transaction that fails in the middle goes on, and what failed has left nothing to take back. */
static void refused_like_the_call(void **state)
{
    (void)state;
    struct side side, twin;
    struct gm_arena *plain = gmt_arena_open(0, LAST, GRANULE);
    struct gm_arena_txn *txn = NULL;
    gm_range range = 77, taken = gmt_arena_take(plain, (struct gm_request){.size = GRANULE}).range;
    open_side(&side);
    open_side(&twin);
    assert_result(gm_arena_txn_begin(&plain, 1, &txn), 0);
    assert_result(gm_arena_txn_defer(txn, plain, taken), -EOPNOTSUPP);
    assert_result(gm_arena_txn_defer(txn, plain, 1), -EOPNOTSUPP);
    gm_arena_txn_free(txn);
    begin(&side);
    for (unsigned i = 0; i < 3; i++) {
        assert_no_trace(side.arena, reserve(&side, 1, LAST, &range), -EINVAL);
        assert_no_trace(side.arena, reserve(&side, GRANULE, 0, &range), -EINVAL);
        assert_no_trace(side.arena, reserve(&side, GRANULE, LAST + GRANULE, &range), -ERANGE);
        assert_no_trace(side.arena, reserve(&side, 0, GRANULE - 1, &range), -EBUSY);
        assert_no_trace(side.arena, gm_arena_txn_update(side.txn, side.arena, 1, 2, 3), -ENOENT);
        assert_no_trace(side.arena, gm_arena_txn_defer(side.txn, side.arena, UINT64_MAX), -ENOENT);
        assert_no_trace(side.arena, resize(&side, 2, 16 * GRANULE - 1), -EBUSY);
        assert_no_trace(side.arena, relocate(&side, 4, 0), -EBUSY);
        assert_no_trace(side.arena, relocate(&side, 3, 0), -EOPNOTSUPP);
        assert_result(edit(&side, i == 0 ? 12 : 8), i < 2 ? 0 : -ESTALE);
    }
    assert_true(range == 77);
    end(&side, false);
    assert_true(same_sides(&side, &twin));
    gm_arena_destroy(side.arena);
    gm_arena_destroy(twin.arena);
    gm_arena_destroy(plain);
}

static void all_numbers_there_are(void **state)
{
    (void)state;
    struct gm_arena *arena = gmt_arena_open(0, UINT64_MAX, 1);
    for (unsigned commit = 0; commit < 2; commit++) {
        struct gm_arena_txn *txn = NULL;
        gm_range range = 0;
        assert_result(gm_arena_txn_begin(&arena, 1, &txn), 0);
        assert_result(gm_arena_txn_reserve(txn, arena, 0, UINT64_MAX, 1, 2, &range), 0);
        assert_result(gm_arena_txn_reserve(txn, arena, 5, 5, 1, 2, NULL), -EBUSY);
        assert_result(commit ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
        assert_int_equal(gmt_arena_is_free(arena, 0, UINT64_MAX), !commit);
    }
    gm_arena_destroy(arena);
}

/* Ids, in every way of taking them; each is free again after a rollback, and none else. */
static void ids_in_every_way(void **state)
{
    (void)state;
    const struct gm_ids_config config = {.first = UINT32_MAX - 999, .count = 1000, .numa_node = -1};
    const uint32_t low = config.first;
    struct gm_ids *ids = NULL;
    struct gm_ids_stats stats;
    assert_result(gm_ids_create(&config, &ids), 0);
    assert_result(gm_ids_reserve(ids, low, 10), 0);
    for (unsigned commit = 0; commit < 2; commit++) {
        struct gm_arena_txn *txn = NULL;
        uint32_t any = 0, in = 0, range = 0;
        assert_result(gm_arena_txn_begin(NULL, 0, &txn), 0);
        assert_result(gm_arena_txn_id_take_any(txn, ids, &any), 0);
        assert_result(gm_arena_txn_id_take_in(txn, ids, low + 500, low + 600, &in), 0);
        assert_result(gm_arena_txn_id_take_in(txn, ids, 0, low + 9, &in), -ENOSPC);
        assert_result(gm_arena_txn_id_take_in(txn, ids, 9, 8, &in), -EINVAL);
        assert_result(gm_arena_txn_id_take_range(txn, ids, 100, &range), 0);
        assert_result(gm_arena_txn_id_take_range(txn, ids, 0, &range), -EINVAL);
        assert_result(gm_arena_txn_id_reserve(txn, ids, low, 1), -EBUSY);
        assert_result(gm_arena_txn_id_reserve(txn, ids, UINT32_MAX - 4, 6), -ERANGE);
        assert_result(gm_arena_txn_id_reserve(txn, ids, UINT32_MAX - 4, 0), -EINVAL);
        assert_result(gm_arena_txn_id_reserve(txn, ids, UINT32_MAX - 4, 5), 0);
        assert_result(gm_arena_txn_id_give(txn, ids, UINT32_MAX - 4, 5), 0);
        assert_result(gm_arena_txn_id_give(txn, ids, UINT32_MAX, 1), -ENOENT); /* already */
        assert_result(gm_arena_txn_id_give(txn, ids, low, UINT64_C(1) << 32), -ERANGE);
        assert_result(gm_arena_txn_id_give(txn, ids, low + 8, 3), any == low + 10 ? 0 : -ENOENT);
        assert_true(gm_ids_is_taken(ids, any) == 1 && gm_ids_is_taken(ids, in) == 1 && in == low + 500);
        assert_true(gm_ids_is_taken(ids, range) == 1 && gm_ids_is_taken(ids, range + 99) == 1 && range % 128 == 0);
        assert_result(commit ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn), 0);
        gm_arena_txn_free(txn);
        assert_result(gm_ids_stats_get(ids, &stats), 0);
        uint64_t given = any == low + 10 ? 3 : 0;
        assert_int_equal(stats.taken, commit ? 10 + 102 - given : 10);
        assert_int_equal(gm_ids_is_taken(ids, UINT32_MAX), 0);
    }
    gm_ids_destroy(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_edit_committed),   cmocka_unit_test(each_edit_rolled_back),
        cmocka_unit_test(deferred_and_rolled_back), cmocka_unit_test(refused_like_the_call),
        cmocka_unit_test(all_numbers_there_are), cmocka_unit_test(ids_in_every_way)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
