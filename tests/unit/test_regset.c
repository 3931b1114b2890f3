/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The region set: what it finds, how its chunks split and join, and that it still does so with thousands of regions. */
#include "unit/regset_rig.h"

static void nothing(void **state)
{
    struct gm_cursor cursor;
    (void)state;
    assert_null(gm_regset_find(NULL, 0));
    assert_null(gm_regset_seek(NULL, 0, &cursor));
    assert_null(gm_regset_last_direct(NULL));
    /* a set that has become empty is as empty as none */
    insert(region_new(0, 0, true));
    remove_at(0);
    assert_non_null(rig.set);
    assert_looks_up(4);
    assert_same(rig.set, rig.sorted, 0);
    insert(region_new(0, GM_GPA_LAST, true));
    assert_looks_up(4);
}

/* In order: chunks are filled to the brim, which is what a set built at start-up should be. */
static void building_in_order_fills_the_chunks(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 10 * GM_CHUNK_CAPACITY; i++)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE + SLOT_SIZE - 1, i % 3 != 0));
    assert_int_equal(rig.set->count, 10);
    for (uint32_t c = 0; c < rig.set->count; c++)
        assert_int_equal(rig.set->entry[c].chunk->count, GM_CHUNK_CAPACITY);
    assert_same(rig.set, rig.sorted, rig.count);
    assert_looks_up(200);
}

static void building_backwards_works_too(void **state)
{
    (void)state;
    for (uint64_t i = 1000; i-- > 0;)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE, i % 2 == 0));
    assert_same(rig.set, rig.sorted, rig.count);
    assert_looks_up(200);
}

static void a_full_chunk_splits_in_half(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 2 * GM_CHUNK_CAPACITY; i++)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE + 9, true));
    assert_int_equal(rig.set->count, 2);
    insert(region_new(10 * SLOT_SIZE + 10, 10 * SLOT_SIZE + 11, false)); /* into the lower one */
    assert_int_equal(rig.set->count, 3);
    assert_int_equal(rig.set->entry[0].chunk->count, GM_CHUNK_CAPACITY / 2 + 1);
    assert_int_equal(rig.set->entry[1].chunk->count, GM_CHUNK_CAPACITY / 2);
    assert_same(rig.set, rig.sorted, rig.count);
    insert(region_new(100 * SLOT_SIZE + 10, 100 * SLOT_SIZE + 11, false)); /* the upper half of the upper one */
    assert_int_equal(rig.set->count, 4);
    assert_int_equal(rig.set->entry[3].chunk->count, GM_CHUNK_CAPACITY / 2 + 1);
    assert_same(rig.set, rig.sorted, rig.count);
    assert_looks_up(100);
}

static void between_two_chunks_goes_to_the_lower_one(void **state)
{
    const uint64_t edge = GM_CHUNK_CAPACITY * SLOT_SIZE; /* where the second chunk begins */
    (void)state;
    for (uint64_t i = 0; i < GM_CHUNK_CAPACITY + 1; i++)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE + 9, true));
    remove_at(5);
    insert(region_new(edge - 20, edge - 10, true));
    assert_int_equal(rig.set->count, 2);
    assert_int_equal(rig.set->entry[0].chunk->count, GM_CHUNK_CAPACITY);
    assert_same(rig.set, rig.sorted, rig.count);
    insert(region_new(edge - 9, edge - 1, true)); /* where that one is full, it splits, and not at its very end */
    assert_int_equal(rig.set->count, 3);
    assert_int_equal(rig.set->entry[0].chunk->count, GM_CHUNK_CAPACITY / 2);
    assert_same(rig.set, rig.sorted, rig.count);
}

static void chunks_that_run_empty_join(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 20 * GM_CHUNK_CAPACITY; i++)
        insert(region_new(i * SLOT_SIZE, i * SLOT_SIZE, i % 5 != 0));
    while (rig.count != 0) {
        remove_at((unsigned)gmt_rand_below(&rig.seed, rig.count));
        if (rig.count % 64 == 0)
            assert_same(rig.set, rig.sorted, rig.count);
        assert_true(rig.set->count <= 1 + rig.count / 8); /* never crumbs: an eighth of a chunk on average */
    }
    assert_int_equal(rig.set->count, 0);
    assert_looks_up(2);
}

/* Fill up slots that are empty, from the lowest. */
static void insert_until(unsigned count)
{
    struct gm_cursor cursor;
    for (uint64_t first = 0; rig.count < count; first += SLOT_SIZE) {
        const struct gm_region *region = gm_regset_seek(rig.set, first, &cursor);
        if (region == NULL || region->first >= first + SLOT_SIZE)
            insert(region_new(first, first, false));
    }
}

static void five_thousand_regions(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 40000; i++) {
        random_edit();
        if (i % 16 == 0)
            next_version();
        if (i % 4000 == 0) {
            assert_same(rig.set, rig.sorted, rig.count);
            assert_looks_up(20);
        }
    }
    insert_until(REGIONS);
    assert_same(rig.set, rig.sorted, rig.count);
    assert_looks_up(60);
    while (rig.count > 100)
        remove_at((unsigned)gmt_rand_below(&rig.seed, rig.count));
    assert_same(rig.set, rig.sorted, rig.count);
    assert_looks_up(50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(nothing),
        RIG(building_in_order_fills_the_chunks),
        RIG(building_backwards_works_too),
        RIG(a_full_chunk_splits_in_half),
        RIG(between_two_chunks_goes_to_the_lower_one),
        RIG(chunks_that_run_empty_join),
        RIG(five_thousand_regions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
