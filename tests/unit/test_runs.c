/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The runs against the regions they are made of, and the search that the permute kernels do with them, here one
 * lane at a time and in plain C.
 */
#include "unit/mapper.h"

#define MANY 64

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

struct expected {
    unsigned count;
    uint64_t first[MANY];
    uint64_t last[MANY];
    uint64_t word[MANY];
};

static void expect(struct expected *e)
{
    struct gm_cursor cursor;
    e->count = 0;
    const struct gm_region *region = gm_regset_seek(m.current->regions, 0, &cursor);
    for (; region != NULL; region = gm_regset_next(&cursor)) {
        unsigned top = e->count - 1;
        if (!gm_region_direct(region))
            continue;
        if (e->count != 0 && e->word[top] == region->word && e->last[top] + 1 == region->first) {
            e->last[top] = region->last;
            continue;
        }
        assert_true(e->count < MANY);
        e->first[e->count] = region->first;
        e->last[e->count] = region->last;
        e->word[e->count++] = region->word;
    }
}

/* Which run a page belongs to at most, found as the kernels find it. */
static unsigned search_pages(const struct gm_runs *runs, int32_t page)
{
    unsigned at = 0;
    for (int up = 3; up >= 0; up--)
        at |= page > (int32_t)runs->page_below[up][at] ? 1u << up : 0;
    return at;
}

static unsigned search_plainly(const struct expected *e, int32_t page)
{
    unsigned at = 0;
    for (unsigned i = 1; i < e->count; i++)
        if (page >= 0 && (uint64_t)page >= (e->first[i] - e->first[0]) >> GM_PAGE_SHIFT)
            at = i;
    return at;
}

static void assert_paged(const struct gm_runs *runs, const struct expected *e)
{
    bool paged = e->count != 0 && e->last[e->count - 1] - e->first[0] < UINT64_C(1) << 43;
    for (unsigned i = 0; i < e->count; i++)
        paged = paged && (e->first[i] - e->first[0]) % PAGE == 0;
    assert_int_equal(runs->paged, paged);
    for (unsigned i = 0; paged && i < e->count; i++) {
        int32_t page = (int32_t)((e->first[i] - e->first[0]) >> GM_PAGE_SHIFT);
        assert_int_equal(search_pages(runs, page), i);
        if (page != INT32_MAX)
            assert_int_equal(search_pages(runs, page + 1), search_plainly(e, page + 1));
        assert_int_equal(search_pages(runs, page - 1), search_plainly(e, page - 1));
    }
    if (paged) {
        assert_int_equal(search_pages(runs, INT32_MIN), 0); /* what is far above may count as negative */
        assert_int_equal(search_pages(runs, -1), 0);
        assert_int_equal(search_pages(runs, INT32_MAX), e->count - 1);
    }
}

static void assert_runs(void)
{
    static struct expected e;
    expect(&e);
    const struct gm_runs *runs = m.current->runs;
    uint64_t direct = m.current->regions->direct;
    if (e.count > GM_RUNS_LIMIT)
        assert_null(runs);
    if (direct <= GM_RUNS_LIMIT)
        assert_non_null(runs);
    if (runs == NULL)
        return;
    assert_int_equal(runs->count, e.count);
    for (unsigned i = 0; i < GM_RUNS_LIMIT; i++) {
        bool used = i < e.count;
        assert_true(runs->first[i] == (used ? e.first[i] : UINT64_MAX));
        assert_true(runs->last[i] == (used ? e.last[i] : 0));
        assert_true(runs->word[i] == (used ? e.word[i] : GM_LEAF_HOLE));
    }
    assert_paged(runs, &e);
}

static void change(bool add, uint64_t first, uint64_t last, uint64_t word)
{
    mapper_begin(&m);
    if (add)
        mapper_add(&m, first, last, word);
    else
        mapper_remove(&m, first);
    mapper_commit(&m);
    mapper_assert_balanced(&m);
    assert_runs();
}

static void add_now(uint64_t first, uint64_t last, uint64_t word)
{
    change(true, first, last, word);
}

static void remove_now(uint64_t first)
{
    change(false, first, 0, 0);
}

static void sixteen_are_few_seventeen_are_many(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < GM_RUNS_LIMIT; i++) {
        add_now(i * GIB, i * GIB + PAGE - 1, mapper_word(i, GM_RW));
        assert_int_equal(m.current->runs->count, i + 1);
    }
    add_now(16 * GIB, 16 * GIB + PAGE - 1, mapper_word(1, GM_RW));
    assert_null(m.current->runs);
    add_now(17 * GIB, 17 * GIB + PAGE - 1, mapper_word(1, GM_RW));
    remove_now(3 * GIB);
    assert_null(m.current->runs);
    remove_now(17 * GIB);
    assert_non_null(m.current->runs); /* few again */
    for (uint64_t i = 0; i < 17; i++)
        if (i != 3)
            remove_now(i * GIB);
    assert_int_equal(m.current->runs->count, 0);
}

static void neighbours_of_one_word_are_one(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 40; i++) /* far more regions than runs */
        add_now(i * PAGE, (i + 1) * PAGE - 1, mapper_word(8, GM_RW));
    assert_int_equal(m.current->runs->count, 1);
    remove_now(20 * PAGE);
    assert_int_equal(m.current->runs->count, 2);
    add_now(20 * PAGE, 21 * PAGE - 1, mapper_word(8, GM_READ)); /* other rights */
    assert_int_equal(m.current->runs->count, 3);
    remove_now(20 * PAGE);
    add_now(20 * PAGE, 21 * PAGE - 1, GM_LEAF_ASK); /* a device */
    assert_int_equal(m.current->runs->count, 2);
    remove_now(20 * PAGE);
    add_now(20 * PAGE, 21 * PAGE - 1, mapper_word(8, GM_RW));
    assert_int_equal(m.current->runs->count, 1);
}

static void devices_cost_no_runs(void **state)
{
    (void)state;
    add_now(0, GIB - 1, mapper_word(1, GM_RW));
    for (uint64_t i = 0; i < 100; i++)
        add_now(GIB + 2 * i * PAGE, GIB + 2 * i * PAGE + 99, GM_LEAF_ASK);
    assert_int_equal(m.current->runs->count, 1);
}

static void when_pages_can_say_it(void **state)
{
    const uint64_t span = UINT64_C(1) << 43; /* 2^31 pages */
    (void)state;
    add_now(77, 99, mapper_word(1, GM_RW)); /* begins anywhere */
    assert_true(m.current->runs->paged);
    add_now(77 + 5 * PAGE, 77 + 6 * PAGE + 1, mapper_word(1, GM_RW)); /* a number of pages above it */
    assert_true(m.current->runs->paged);
    add_now(77 + span - PAGE, 77 + span - 1, mapper_word(2, GM_RW)); /* the last byte that fits */
    assert_true(m.current->runs->paged);
    add_now(77 + span, 77 + span, mapper_word(3, GM_RW));
    assert_false(m.current->runs->paged);
    remove_now(77 + span);
    assert_true(m.current->runs->paged);
    add_now(100 * PAGE, 101 * PAGE, mapper_word(3, GM_RW)); /* not a number of pages */
    assert_false(m.current->runs->paged);
    remove_now(77);
    assert_false(m.current->runs->paged);
}

static void the_whole_space_at_once(void **state)
{
    (void)state;
    add_now(0, GM_GPA_LAST, mapper_word(0, GM_RW));
    assert_int_equal(m.current->runs->count, 1);
    remove_now(0);
    add_now(GM_GPA_LAST, GM_GPA_LAST, mapper_word(0, GM_RW));
    add_now(0, 0, mapper_word(0, GM_RW));
}

/* Transactions of several windows, around the limit and to both sides of it. */
static void random_edits(void **state)
{
    uint64_t seed = 0x72756e73;
    unsigned many = 0;
    (void)state;
    for (unsigned round = 0; round < 4000; round++) {
        uint64_t slots = round % 1000 < 500 ? 50 : 30;
        mapper_begin(&m);
        for (uint64_t i = 1 + gmt_rand_below(&seed, 5); i != 0; i--) {
            uint64_t first = gmt_rand_below(&seed, slots) * 8 * PAGE;
            uint64_t last = first + (gmt_rand_below(&seed, 4) != 0 ? 8 * PAGE : PAGE + 5) - 1;
            struct gm_region *region = gm_regset_find(m.regions, first);
            if (region != NULL)
                mapper_remove(&m, first);
            else
                mapper_add(&m, first, last,
                           gmt_rand_below(&seed, 5) == 0 ? GM_LEAF_ASK : mapper_word(gmt_rand_below(&seed, 2), GM_RW));
        }
        mapper_commit(&m);
        mapper_assert_balanced(&m);
        assert_runs();
        many += m.current->runs == NULL;
    }
    assert_in_range(many, 100, 3900); /* both sides of the limit were seen */
}

#define MAPPER(name) cmocka_unit_test_setup_teardown(name, open_mapper, close_mapper)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MAPPER(sixteen_are_few_seventeen_are_many),
        MAPPER(neighbours_of_one_word_are_one),
        MAPPER(devices_cost_no_runs),
        MAPPER(when_pages_can_say_it),
        MAPPER(the_whole_space_at_once),
        MAPPER(random_edits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
