/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Both ways of asking what stands at an address, against a plain search through the list of regions. */
#include "unit/mapper.h"

#include "map/walk.h"

#define REGIONS 512

static struct mapper m;

/* In ascending order, for the plain search. */
static const struct gm_region *sorted[REGIONS];
static unsigned count;

static int open_mapper(void **state)
{
    (void)state;
    assert_int_equal(ledger.live, 0);
    mapper_open(&m);
    mapper_begin(&m);
    return 0;
}

static int close_mapper(void **state)
{
    (void)state;
    mapper_close(&m);
    assert_int_equal(ledger.live, 0);
    return 0;
}

static void commit(void)
{
    struct gm_cursor cursor;
    mapper_commit(&m);
    mapper_assert_sound(&m);
    count = 0;
    const struct gm_region *region = gm_regset_seek(m.current->regions, 0, &cursor);
    for (; region != NULL; region = gm_regset_next(&cursor)) {
        assert_true(count < REGIONS);
        sorted[count++] = region;
    }
}

/* Index of the first region that ends at or above gpa. */
static unsigned seek(uint64_t gpa)
{
    unsigned i = 0;
    while (i < count && sorted[i]->last < gpa)
        i++;
    return i;
}

static struct gm_piece expected_piece(uint64_t gpa, uint64_t want)
{
    unsigned i = seek(gpa);
    if (i == count)
        return (struct gm_piece){.word = GM_LEAF_HOLE, .last = UINT64_MAX};
    if (sorted[i]->first > gpa)
        return (struct gm_piece){.word = GM_LEAF_HOLE, .last = sorted[i]->first - 1};
    struct gm_piece piece = {.word = sorted[i]->word, .last = sorted[i]->last};
    bool direct = gm_region_direct(sorted[i]);
    for (i++; direct && i < count && piece.last < want; i++) {
        if (sorted[i]->first != piece.last + 1 || sorted[i]->word != piece.word)
            break;
        piece.last = sorted[i]->last;
    }
    return piece;
}

/* What a table may say of one byte: its region's word, or that the region is to be asked. */
static void assert_allowed(uint64_t gpa, uint64_t word)
{
    unsigned i = seek(gpa);
    uint64_t truth = i < count && sorted[i]->first <= gpa ? sorted[i]->word : GM_LEAF_HOLE;
    assert_true(word == truth || word == GM_LEAF_ASK);
}

static void assert_walks(uint64_t gpa)
{
    static const uint64_t further[] = {0, 1, GM_PAGE_SIZE, GM_BLOCK_SIZE, UINT64_C(3) << 30, UINT64_MAX};
    struct gm_piece table = gm_walk_table(m.current, gpa);
    assert_true(table.last >= gpa && table.last - gpa < BLOCK);
    assert_allowed(gpa, table.word);
    assert_allowed(table.last, table.word);
    assert_allowed(gpa + (table.last - gpa) / 2, table.word);
    if (gpa >> GM_GIB_SHIFT >= m.current->view.gib_count)
        assert_true(table.word == GM_LEAF_ASK); /* beyond the table only the regions know */
    for (size_t i = 0; i < sizeof(further) / sizeof(further[0]); i++) {
        uint64_t want = gpa + further[i] < gpa ? UINT64_MAX : gpa + further[i];
        struct gm_piece expected = expected_piece(gpa, want);
        struct gm_piece got = gm_walk_regions(m.current, gpa, want);
        assert_true(got.word == expected.word && got.last == expected.last);
    }
}

static void assert_walks_near(uint64_t gpa)
{
    assert_walks(gpa);
    assert_walks(gpa - 1);
    assert_walks(gpa + 1);
    assert_walks(gpa ^ (PAGE - 1));
    assert_walks(gpa ^ (BLOCK - 1));
}

static void assert_walks_everywhere(uint64_t *seed)
{
    static const uint64_t hostile[] = {0, UINT64_C(1) << 52, UINT64_C(1) << 63, UINT64_MAX, UINT64_C(1) << 51};
    for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        assert_walks_near(hostile[i]);
    for (unsigned i = 0; i < count; i++) {
        assert_walks_near(sorted[i]->first);
        assert_walks_near(sorted[i]->last);
        assert_walks(sorted[i]->first + gmt_rand_below(seed, sorted[i]->last - sorted[i]->first + 1));
    }
    for (unsigned i = 0; i < 200; i++)
        assert_walks(gmt_rand_below(seed, 12 * GIB));
}

static void an_empty_map(void **state)
{
    uint64_t seed = 1;
    (void)state;
    commit();
    assert_walks_everywhere(&seed);
}

/* A region of every shape: uniform, a line, pages, ragged, a device, beyond the table. */
static void every_form(void **state)
{
    uint64_t seed = 2;
    (void)state;
    mapper_add(&m, 0, 2 * GIB - 1, mapper_word(3, GM_RW));
    mapper_add(&m, 2 * GIB, 3 * GIB - 1, mapper_word(3, GM_RW)); /* goes on */
    mapper_add(&m, 3 * GIB, 3 * GIB + 2 * PAGE - 1, mapper_word(3, GM_READ)); /* goes on with other rights */
    for (uint64_t i = 0; i < 100; i++)
        mapper_add(&m, 4 * GIB + 2 * i * PAGE, 4 * GIB + (2 * i + 1) * PAGE - 1, mapper_word(i, GM_RW));
    mapper_add(&m, 5 * GIB + 7, 5 * GIB + 3 * PAGE + 9, mapper_word(1, GM_RW));
    mapper_add(&m, 5 * GIB + 3 * PAGE + 10, 5 * GIB + 3 * PAGE + 11, mapper_word(1, GM_RW));
    mapper_add(&m, 6 * GIB + 1, 7 * GIB + 1, GM_LEAF_ASK);
    mapper_add(&m, 7 * GIB + 2, 8 * GIB, GM_LEAF_ASK); /* devices do not go on into one another */
    mapper_add(&m, UINT64_C(1) << 51, (UINT64_C(1) << 51) + 9999, mapper_word(2, GM_RW));
    commit();
    assert_walks_everywhere(&seed);
    assert_true(gm_walk_regions(m.current, 1, 3 * GIB - 1).last == 3 * GIB - 1);
    assert_true(gm_walk_regions(m.current, 1, 2 * GIB - 1).last == 2 * GIB - 1); /* no further than wanted */
    assert_true(gm_walk_table(m.current, 4 * GIB + 5).last == 4 * GIB + PAGE - 1);
}

static void random_maps(void **state)
{
    static const uint64_t spans[] = {UINT64_C(1) << 14, UINT64_C(1) << 23, UINT64_C(1) << 31};
    uint64_t seed = 0x77616c6b;
    (void)state;
    commit();
    for (unsigned round = 0; round < 40; round++) {
        mapper_begin(&m);
        for (unsigned i = 0; i < count && i < MAPPER_WINDOWS; i++)
            mapper_remove(&m, sorted[i]->first);
        commit();
        mapper_begin(&m);
        uint64_t at = gmt_rand_below(&seed, 3) * gmt_rand_below(&seed, GIB);
        uint64_t span = spans[gmt_rand_below(&seed, 3)];
        for (unsigned i = 0; i < 40 && at < 10 * GIB; i++) {
            uint64_t size = 1 + gmt_rand_below(&seed, span);
            if (gmt_rand_below(&seed, 2) == 0)
                size = (size + PAGE - 1) & ~(PAGE - 1);
            uint64_t word = gmt_rand_below(&seed, 4) == 0 ? GM_LEAF_ASK : mapper_word(gmt_rand_below(&seed, 2), GM_RW);
            mapper_add(&m, at, at + size - 1, word);
            at += size + gmt_rand_below(&seed, 2) * gmt_rand_below(&seed, span);
        }
        commit();
        assert_walks_everywhere(&seed);
    }
}

#define MAPPER(name) cmocka_unit_test_setup_teardown(name, open_mapper, close_mapper)

int main(void)
{
    const struct CMUnitTest tests[] = {MAPPER(an_empty_map), MAPPER(every_form), MAPPER(random_maps)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
