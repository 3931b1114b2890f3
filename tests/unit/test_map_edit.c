/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Path copying of the leaf table: a map that was edited into its shape is the one that would be built at once; the
 * books balance after each commit; the top array has the length that it should; and an edit that runs out of memory
 * leaves the old map as it was.
 */
#include "unit/mapper.h"
#include "unit/same_map.h"

static struct mapper m;

static int open_mapper(void **state)
{
    (void)state;
    assert_int_equal(ledger.live, 0);
    mapper_open(&m);
    return 0;
}

static int close_mapper(void **state)
{
    (void)state;
    mapper_close(&m);
    assert_int_equal(ledger.live, 0);
    return 0;
}

static void assert_good(void)
{
    mapper_assert_sound(&m);
    assert_as_built_at_once(&m);
}

static void add_now(uint64_t first, uint64_t last, uint64_t word)
{
    mapper_begin(&m);
    mapper_add(&m, first, last, word);
    mapper_commit(&m);
    assert_good();
}

static void remove_now(uint64_t first)
{
    mapper_begin(&m);
    mapper_remove(&m, first);
    mapper_commit(&m);
    assert_good();
}

static uint64_t gibs(void)
{
    return m.current->view.gib_count;
}

static const struct gm_table *table(uint64_t gib)
{
    return gm_top_table(m.current, gib);
}

static void whole_gibs_share_a_table(void **state)
{
    (void)state;
    add_now(0, 8 * GIB - 1, mapper_word(5, GM_RW));
    assert_true(gibs() == 8 && table(0)->shared && table(0) == table(7));
    add_now(10 * GIB, 14 * GIB - 1, GM_LEAF_ASK); /* a device above the memory: no entry of the top array */
    assert_true(gibs() == 8);
    add_now(14 * GIB, 15 * GIB, mapper_word(6, GM_READ));
    assert_true(gibs() == 16);
    assert_ptr_equal(table(8), &gm_table_hole);
    assert_ptr_equal(table(12), &gm_table_ask);
    assert_true(table(14)->shared && !table(15)->shared); /* one byte of the last GiB */
    remove_now(0);
    assert_ptr_equal(table(0), &gm_table_hole);
    remove_now(14 * GIB);
    assert_true(gibs() == 0);
}

static void a_page_costs_one_table_and_one_line(void **state)
{
    (void)state;
    add_now(3 * GIB + 5 * PAGE, 3 * GIB + 6 * PAGE - 1, mapper_word(1, GM_RW));
    uint64_t least = gm_version_size(4) + sizeof(struct gm_table) + sizeof(struct gm_line);
    assert_true(m.current->map_bytes == least);
    remove_now(3 * GIB + 5 * PAGE);
    assert_true(m.current->map_bytes == gm_version_size(0));
}

static void a_gib_is_filled_and_broken_up_again(void **state)
{
    (void)state;
    add_now(GIB + PAGE, 2 * GIB - 1, mapper_word(1, GM_RW));
    assert_true(!table(1)->shared && table(1)->indirect == 1);
    add_now(GIB, GIB + PAGE - 1, mapper_word(1, GM_RW)); /* contiguous, but two regions: a table of its own */
    assert_true(!table(1)->shared && table(1)->indirect == 0);
    remove_now(GIB + PAGE);
    remove_now(GIB);
    add_now(GIB, 2 * GIB - 1, mapper_word(1, GM_RW));
    assert_true(table(1)->shared);
}

/* The top array follows the last host memory up and down, up to 1024 GiB or 64 times the memory there is. */
static void the_top_array_is_limited(void **state)
{
    const uint64_t stray = UINT64_C(1) << 51;
    (void)state;
    add_now(stray, stray + PAGE - 1, mapper_word(9, GM_RW));
    assert_true(gibs() == 1024);
    remove_now(stray);
    assert_true(gibs() == 0);
    add_now(1023 * GIB, 1023 * GIB, mapper_word(9, GM_RW));
    assert_true(gibs() == 1024);
    add_now(1024 * GIB, 1024 * GIB, mapper_word(9, GM_RW)); /* the first GiB that is past it */
    assert_true(gibs() == 1024);
    add_now(0, 17 * GIB - 9, mapper_word(0, GM_RW)); /* 17 GiB in all, less six bytes */
    assert_true(gibs() == 1024);
    remove_now(1023 * GIB);
    add_now(17 * GIB, 17 * GIB + 6, mapper_word(0, GM_RW));
    assert_true(gibs() == 1025); /* now 17 GiB to the byte: 1088 are allowed, 1025 are needed */
    add_now(stray, stray + PAGE - 1, mapper_word(9, GM_RW));
    assert_true(gibs() == 17 * 64);
    remove_now(0);
    assert_true(gibs() == 1024);
    remove_now(stray);
    remove_now(1024 * GIB);
    assert_true(gibs() == 18);
    const struct gm_view *view = &m.current->view;
    assert_true(gm_translate(view, 17 * GIB, 2, GM_RW) == (void *)(uintptr_t)(17 * GIB));
}

/* Regions that end right where the array is cut off, whichever way it moves. */
static void growing_shows_what_was_beyond(void **state)
{
    (void)state;
    add_now(1000 * GIB, 1100 * GIB - 1, mapper_word(3, GM_RW)); /* 100 GiB: 6400 are allowed */
    assert_true(gibs() == 1100);
    add_now(6390 * GIB, 6391 * GIB + 5, mapper_word(4, GM_READ));
    assert_true(gibs() == 6392);
    add_now(1200 * GIB, 1300 * GIB, GM_LEAF_ASK);
    remove_now(1000 * GIB);
    assert_true(gibs() == 1024);
    add_now(1001 * GIB + PAGE, 1101 * GIB + PAGE, mapper_word(3, GM_RW));
    assert_true(gibs() == 6392);
    assert_ptr_equal(table(1250), &gm_table_ask);
    assert_true(table(6390)->shared && !table(6391)->shared);
}

/* A region that the table did not reach gets its shared table in a later edit; when that is dropped, it has none. */
static void dropping_takes_back_tables_of_old_regions(void **state)
{
    (void)state;
    add_now(2000 * GIB, 2002 * GIB - 1, mapper_word(3, GM_RW));
    const struct gm_region *far = gm_regset_find(m.current->regions, 2000 * GIB);
    assert_true(gibs() == 1024 && far->uniform == NULL);
    mapper_begin(&m);
    mapper_add(&m, 0, 40 * GIB - 1, mapper_word(4, GM_RW));
    assert_true(mapper_try_build(&m));
    assert_true(m.next->view.gib_count == 2002);
    assert_non_null(far->uniform);
    mapper_drop(&m);
    assert_null(far->uniform);
    assert_good();
    add_now(0, 40 * GIB - 1, mapper_word(4, GM_RW));
    assert_ptr_equal(table(2001), far->uniform);
}

static uint64_t near_an_edge(uint64_t *seed)
{
    static const uint64_t units[] = {GM_PAGE_SIZE, GM_BLOCK_SIZE, UINT64_C(1) << GM_GIB_SHIFT};
    uint64_t unit = units[gmt_rand_below(seed, 3)];
    uint64_t at = gmt_rand_below(seed, unit == GIB ? 9 : 40) * unit;
    at += gmt_rand_below(seed, 3) == 0 ? gmt_rand_below(seed, 6) * GIB : 0;
    switch (gmt_rand_below(seed, 5)) {
    case 0:
        return at + gmt_rand_below(seed, 600) * PAGE;
    case 1:
        return at + gmt_rand_below(seed, BLOCK);
    default:
        return at;
    }
}

static uint64_t random_word(uint64_t *seed)
{
    if (gmt_rand_below(seed, 4) == 0)
        return GM_LEAF_ASK;
    return mapper_word(gmt_rand_below(seed, 3) << 20, gmt_rand_below(seed, 3) == 0 ? GM_READ : GM_RW);
}

/* One edit of the open transaction: add where there is room, else remove what is in the way. */
static void random_edit(uint64_t *seed)
{
    struct gm_cursor cursor;
    uint64_t a = near_an_edge(seed);
    uint64_t b = gmt_rand_below(seed, 3) == 0 ? a + gmt_rand_below(seed, 4 * PAGE) : near_an_edge(seed);
    uint64_t first = a < b ? a : b;
    uint64_t last = (a < b ? b : a + 1) - 1;
    const struct gm_region *region = gm_regset_seek(m.regions, first, &cursor);
    if (region != NULL && region->first <= last)
        mapper_remove(&m, region->first);
    else
        mapper_add(&m, first, last, random_word(seed));
}

static void random_edits(void **state)
{
    uint64_t seed = 0x6d6170;
    uint64_t most = 0;
    (void)state;
    for (unsigned round = 0; round < 1500; round++) {
        mapper_begin(&m);
        for (uint64_t i = 1 + gmt_rand_below(&seed, 4); i != 0; i--)
            random_edit(&seed);
        if (round % 5 == 4) {
            assert_true(mapper_try_build(&m));
            mapper_drop(&m); /* as if it had never been */
        } else {
            mapper_commit(&m);
        }
        mapper_assert_sound(&m);
        most = gm_max_u64(most, m.current->regions != NULL ? m.current->regions->regions : 0);
        if (round % 3 == 0)
            assert_as_built_at_once(&m);
    }
    assert_true(most >= 10); /* it has seen maps worth the name */
}

/* A transaction with a bit of everything; false when it ran out of memory. */
static bool eventful_edit(void)
{
    mapper_begin(&m);
    return mapper_try_remove(&m, 0) && mapper_try_add(&m, PAGE, 3 * GIB - 1, mapper_word(7, GM_RW)) &&
           mapper_try_add(&m, 5 * GIB + 9, 5 * GIB + 11, mapper_word(8, GM_RW)) &&
           mapper_try_remove(&m, 4 * GIB + PAGE) &&
           mapper_try_add(&m, 4 * GIB, 4 * GIB + 3 * PAGE - 1, mapper_word(1, GM_RW)) &&
           mapper_try_add(&m, 9 * GIB, 11 * GIB, mapper_word(2, GM_READ)) && mapper_try_build(&m);
}

static void without_memory(void **state)
{
    (void)state;
    mapper_begin(&m);
    mapper_add(&m, 0, 2 * GIB - 1, mapper_word(7, GM_RW));
    for (uint64_t i = 0; i < 20; i++)
        mapper_add(&m, 4 * GIB + 2 * i * PAGE + PAGE, 4 * GIB + 2 * i * PAGE + 2 * PAGE - 1, mapper_word(i, GM_RW));
    mapper_commit(&m);
    assert_good();
    const struct gm_version *before = m.current;
    unsigned failed = 0;
    for (unsigned step = 1;; step++) {
        gm_node_list_free(&m.edit.born, NULL); /* so that their growth is a step too */
        gm_node_list_free(&m.edit.dead, NULL);
        size_t live = ledger.live;
        gm_fault_arm(step);
        bool good = eventful_edit();
        assert_int_equal(gm_fault_disarm(), !good);
        if (good)
            break;
        failed++;
        mapper_drop(&m);
        assert_ptr_equal(m.current, before);
        gm_node_list_free(&m.edit.born, NULL);
        gm_node_list_free(&m.edit.dead, NULL);
        assert_int_equal(ledger.live, live);
        assert_good();
    }
    print_message("%u steps of the edit were failed\n", failed);
    assert_true(failed > 10);
    mapper_publish(&m);
    assert_good();
}

#define MAPPER(name) cmocka_unit_test_setup_teardown(name, open_mapper, close_mapper)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAPPER(whole_gibs_share_a_table), MAPPER(a_page_costs_one_table_and_one_line),
        MAPPER(a_gib_is_filled_and_broken_up_again), MAPPER(the_top_array_is_limited),
        MAPPER(growing_shows_what_was_beyond), MAPPER(dropping_takes_back_tables_of_old_regions),
        MAPPER(random_edits), MAPPER(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
