/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Claims of the id allocator's tree, one thread at a time: what is claimed when, what a giver takes back, and that a
 * claim which was begun does not settle once somebody interfered.
 */
#include "lib/cm.h"

#include "lib/ids_check.h"

#define LEAF 64
#define SUMMARY (LEAF * 32)
#define IDS (4 * SUMMARY) /* four summaries and a root */

static struct gm_ids *make_full(void)
{
    const struct gm_ids_config config = {.first = 0, .count = IDS, .numa_node = -1};
    struct gm_ids *ids;
    uint32_t id;
    assert_result(gm_ids_create(&config, &ids), 0);
    for (uint32_t want = 0; want < IDS; want++) {
        assert_result(gm_ids_take(ids, &id), 0);
        assert_true(id == want);
    }
    assert_result(gm_ids_take(ids, &id), -ENOSPC);
    return ids;
}

static void assert_sound(const struct gm_ids *ids)
{
    const char *wrong = gmt_ids_check(ids);
    if (wrong != NULL)
        fail_msg("%s", wrong);
}

static uint32_t claimed(gm_atomic_u64 *word)
{
    return gm_ids_claimed(gm_load_relaxed(word));
}

static void levels_hold_what_is_below_them(void **state)
{
    static const struct {
        uint64_t count;
        unsigned top;
        uint32_t last[4];
    } shapes[] = {
        {1, 0, {0}}, {64, 0, {0}}, {65, 1, {1, 0}}, {2048, 1, {31, 0}}, {2049, 2, {32, 1, 0}},
        {65536, 2, {1023, 31, 0}}, {65537, 3, {1024, 32, 1, 0}}, {UINT64_C(1) << 32, 6, {(1u << 26) - 1}},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct gm_ids_config config = {.first = 0, .count = shapes[i].count, .numa_node = -1};
        struct gm_ids *ids;
        assert_result(gm_ids_create(&config, &ids), 0);
        assert_int_equal(ids->tree.top, shapes[i].top);
        for (unsigned level = 0; level < 4 && level <= shapes[i].top && shapes[i].top < 6; level++)
            assert_int_equal(ids->tree.last[level], shapes[i].last[level]);
        assert_int_equal(ids->tree.last[0], (shapes[i].count - 1) / 64);
        assert_int_equal(ids->tree.last[ids->tree.top], 0);
        gm_ids_destroy(ids);
    }
}

static void a_full_tree_is_claimed_up_to_the_root(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    assert_true(claimed(&ids->tree.level[2][0]) == GM_IDS_CLAIM_FULL);
    assert_true(gm_ids_find(&ids->tree, 0) == GM_IDS_NONE);
    assert_sound(ids);
    gm_ids_destroy(ids);
}

/* The first id that comes back is the stray's, and costs the summaries nothing. */
static void one_id_is_a_stray(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    uint32_t id;
    assert_result(gm_ids_give(ids, 5 * LEAF + 7), 0);
    assert_true(claimed(&ids->tree.stray) == 5 + 1);
    assert_true(claimed(&ids->tree.level[2][0]) == GM_IDS_CLAIM_FULL);
    assert_true(gm_ids_seek(&ids->tree, 0) == 5 && gm_ids_seek(&ids->tree, 5) == 5);
    assert_true(gm_ids_seek(&ids->tree, 6) == GM_IDS_NONE);
    assert_result(gm_ids_take(ids, &id), 0);
    assert_true(id == 5 * LEAF + 7);
    assert_true(claimed(&ids->tree.stray) == 5 + 1); /* and may stay so until somebody looks */
    assert_result(gm_ids_take(ids, &id), -ENOSPC);
    assert_true(claimed(&ids->tree.stray) == 0);
    assert_sound(ids);
    gm_ids_destroy(ids);
}

static void a_second_stray_makes_the_first_an_ordinary_one(void **state)
{
    static const uint32_t leaves[] = {40, 3, 100, 2, 127};
    (void)state;
    struct gm_ids *ids = make_full();
    uint32_t id;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(leaves[0]); i++) {
        assert_result(gm_ids_give(ids, leaves[i] * LEAF), 0);
        assert_true(claimed(&ids->tree.stray) == leaves[i] + 1 || gm_ids_shown(&ids->tree, leaves[i]));
        assert_sound(ids);
    }
    assert_true(gm_ids_shown(&ids->tree, 40) && gm_ids_shown(&ids->tree, 3));
    static const uint32_t order[] = {2, 3, 40, 100, 127};
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        assert_result(gm_ids_take(ids, &id), 0);
        assert_true(id == order[i] * LEAF);
        assert_sound(ids);
    }
    assert_result(gm_ids_take(ids, &id), -ENOSPC);
    gm_ids_destroy(ids);
}

/* Every giver whose leaf is the stray leaves a later version behind. */
static void a_stray_is_exchanged_each_time(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    assert_result(gm_ids_give(ids, 9 * LEAF), 0);
    uint64_t before = gm_load_relaxed(&ids->tree.stray);
    assert_result(gm_ids_give(ids, 9 * LEAF + 1), 0);
    uint64_t after = gm_load_relaxed(&ids->tree.stray);
    assert_true(gm_ids_claimed(after) == gm_ids_claimed(before) && after == before + GM_IDS_VERSION);
    gm_ids_destroy(ids);
}

/* Begin, then another thread's give, then settle: for a summary and for the front. */
static void a_claim_that_was_interfered_with_does_not_settle(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    struct gm_ids_tree *tree = &ids->tree;
    assert_result(gm_ids_give(ids, 0), 0);
    assert_result(gm_ids_give(ids, LEAF), 0); /* leaf 0 is shown now, leaf 1 the stray */
    gm_atomic_u64 *parent = gm_ids_parent(tree, 0, 0);
    uint64_t value = gm_load_relaxed(parent);
    assert_true(gm_ids_begin(parent, &value));
    assert_true((gm_load_relaxed(parent) & GM_IDS_PENDING) != 0);
    assert_true(!gm_ids_shown(tree, 0));
    gm_ids_unhide(tree, 0);
    assert_true((gm_load_relaxed(parent) & GM_IDS_PENDING) == 0);
    assert_false(gm_ids_settle(parent, value, gm_ids_claimed(value) | 1));

    value = gm_load_relaxed(&tree->front);
    assert_true(gm_ids_begin(&tree->front, &value));
    assert_true(!gm_ids_shown(tree, 0));
    gm_ids_unhide(tree, 0);
    assert_false(gm_ids_settle(&tree->front, value, 2));
    assert_true(gm_ids_shown(tree, 0));
    assert_sound(ids);
    gm_ids_destroy(ids);
}

/* A thread that was stopped between begin and settle hinders nobody. */
static void what_stays_pending_costs_only_another_look(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    struct gm_ids_tree *tree = &ids->tree;
    for (unsigned round = 0; round < 100; round++) {
        uint32_t id, want = (round * 977u) % IDS;
        uint64_t value = gm_load_relaxed(&tree->front);
        assert_true(gm_ids_begin(&tree->front, &value));
        gm_atomic_u64 *parent = gm_ids_parent(tree, round % 2, want / LEAF >> (round % 2 * GM_IDS_FAN_SHIFT));
        value = gm_load_relaxed(parent);
        assert_true(gm_ids_begin(parent, &value));
        assert_result(gm_ids_give(ids, want), 0);
        assert_sound(ids);
        assert_result(gm_ids_take(ids, &id), 0);
        assert_true(id == want);
        assert_result(gm_ids_take(ids, &id), -ENOSPC);
    }
    gm_ids_destroy(ids);
}

static void bits_change_all_or_none(void **state)
{
    (void)state;
    struct gm_ids *ids = make_full();
    gm_atomic_u64 *leaf = &ids->tree.level[0][3];
    assert_true(gm_ids_clear(&ids->tree, 3, 0xff0));
    assert_false(gm_ids_clear(&ids->tree, 3, 0xff00));
    assert_true(*leaf == ~UINT64_C(0xff0));
    assert_false(gm_ids_set(&ids->tree, 3, 0x1010));
    assert_true(*leaf == ~UINT64_C(0xff0));
    assert_true(gm_ids_set(&ids->tree, 3, 0x30));
    assert_true(gm_ids_set_lowest(&ids->tree, 3, 0xf00) == 0x100);
    assert_true(gm_ids_set_lowest(&ids->tree, 3, 0x100) == 0);
    assert_true(*leaf == ~UINT64_C(0xec0));
    gm_ids_destroy(ids);
}

/* The version is a counter that comes round. */
static void versions_wrap(void **state)
{
    (void)state;
    uint64_t last = ~UINT64_C(0) & ~(GM_IDS_VERSION - 1);
    assert_true(gm_ids_claim(last | 17, 18) == 18);
    assert_true(gm_ids_claim(last | GM_IDS_PENDING | 17, 18) == 18);
    gm_atomic_u64 word = last | 17;
    uint64_t value = last | 17;
    assert_true(gm_ids_begin(&word, &value));
    assert_true(word == (GM_IDS_PENDING | 17) && value == word);
    assert_true(gm_ids_settle(&word, value, 19));
    assert_true(word == 19);
}

/* Ids that were taken one by one, without gm_ids_take, are claimed by the first search that meets them. */
static void a_search_claims_what_it_passes(void **state)
{
    const struct gm_ids_config config = {.first = 0, .count = IDS, .numa_node = -1};
    struct gm_ids *ids;
    (void)state;
    assert_result(gm_ids_create(&config, &ids), 0);
    assert_result(gm_ids_reserve(ids, LEAF, SUMMARY), 0); /* all of the first summary but a leaf, one of the second */
    assert_true(claimed(&ids->tree.level[1][0]) == 0);
    assert_true(gm_ids_find(&ids->tree, 1) == 33);
    assert_true(claimed(&ids->tree.level[1][0]) == (GM_IDS_CLAIM_FULL & ~1u));
    assert_true(claimed(&ids->tree.level[1][1]) == 1);
    assert_true(claimed(&ids->tree.level[2][0]) == (GM_IDS_CLAIM_FULL & ~0xfu)); /* the first summary has a free leaf */
    assert_result(gm_ids_reserve(ids, 0, LEAF), 0);
    assert_true(gm_ids_find(&ids->tree, 0) == 33);
    assert_true(claimed(&ids->tree.level[2][0]) == (GM_IDS_CLAIM_FULL & ~0xeu));
    gm_ids_destroy(ids);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_hold_what_is_below_them),
        cmocka_unit_test(a_full_tree_is_claimed_up_to_the_root),
        cmocka_unit_test(one_id_is_a_stray),
        cmocka_unit_test(a_second_stray_makes_the_first_an_ordinary_one),
        cmocka_unit_test(a_stray_is_exchanged_each_time),
        cmocka_unit_test(a_claim_that_was_interfered_with_does_not_settle),
        cmocka_unit_test(what_stays_pending_costs_only_another_look),
        cmocka_unit_test(bits_change_all_or_none),
        cmocka_unit_test(versions_wrap),
        cmocka_unit_test(a_search_claims_what_it_passes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
