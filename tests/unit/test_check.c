/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_map_check is what the other tests rely on, so it is tested by damage: one thing at a time is made wrong in a
 * sound map, and has to be named; then it is put right again, and nothing may be named.
 */
#include "unit/mapper.h"

#define UNDO 8

static struct mapper m;

static struct {
    void *at;
    unsigned char before[8];
    size_t size;
} undo[UNDO];
static unsigned undo_count;

/* Overwrite something that is constant to everybody else, and remember what was there. */
static void poke(const void *at, size_t size, uint64_t value)
{
    assert_true(undo_count < UNDO && size <= 8);
    undo[undo_count].at = (void *)(uintptr_t)at;
    undo[undo_count].size = size;
    memcpy(undo[undo_count].before, at, size);
    memcpy((void *)(uintptr_t)at, &value, size);
    undo_count++;
}

#define POKE(object, value) poke(&(object), sizeof(object), (uint64_t)(value))

static void put_right(void)
{
    while (undo_count != 0) {
        undo_count--;
        memcpy(undo[undo_count].at, undo[undo_count].before, undo[undo_count].size);
    }
}

static struct gm_region *at(uint64_t gpa)
{
    struct gm_region *region = gm_regset_find(m.current->regions, gpa);
    assert_non_null(region);
    return region;
}

static struct gm_chunk *chunk(void)
{
    return m.current->regions->entry[0].chunk;
}

static struct gm_table *table(uint64_t gib)
{
    return gm_top_table(m.current, gib);
}

static struct gm_line *line(void)
{
    uint64_t word = table(4)->word[0];
    assert_true(gm_word_is_line(word));
    return gm_word_line(word);
}

static struct gm_pages *pages(void)
{
    uint64_t word = table(5)->word[0];
    assert_true(gm_word_is_pages(word));
    return gm_word_pages(word);
}

/*
 * The sound map: 0..2 GiB and 2..3 GiB uniform, 3 a hole, 4 a line of five pieces, 5 pages, 6 two regions that are
 * one run, 7 a device in part and a ragged region.
 */
static int open_map(void **state)
{
    (void)state;
    mapper_open(&m);
    mapper_begin(&m);
    mapper_add(&m, 0, 2 * GIB - 1, mapper_word(1, GM_RW));
    mapper_add(&m, 2 * GIB, 3 * GIB - 1, mapper_word(2, GM_RW));
    for (uint64_t i = 0; i < 3; i++)
        mapper_add(&m, 4 * GIB + 2 * i * PAGE, 4 * GIB + (2 * i + 1) * PAGE - 1, mapper_word(3 + i, GM_RW));
    mapper_remove(&m, 4 * GIB + 4 * PAGE);
    mapper_add(&m, 4 * GIB + 4 * PAGE, 4 * GIB + BLOCK - 1, mapper_word(5, GM_READ));
    for (uint64_t i = 0; i < 4; i++)
        mapper_add(&m, 5 * GIB + 2 * i * PAGE, 5 * GIB + (2 * i + 1) * PAGE - 1, mapper_word(6 + i, GM_RW));
    mapper_add(&m, 6 * GIB, 6 * GIB + BLOCK - 1, mapper_word(20, GM_RW));
    mapper_add(&m, 6 * GIB + BLOCK, 6 * GIB + 2 * BLOCK - 1, mapper_word(20, GM_RW));
    mapper_add(&m, 7 * GIB, 7 * GIB + 10 * PAGE - 1, GM_LEAF_ASK);
    mapper_add(&m, 7 * GIB + 10 * PAGE, 7 * GIB + 12 * PAGE + 5, mapper_word(30, GM_RW));
    mapper_commit(&m);
    mapper_assert_sound(&m);
    assert_true(m.current->view.gib_count == 8 && m.current->runs != NULL && m.current->regions->count == 1);
    return 0;
}

static int close_map(void **state)
{
    (void)state;
    put_right();
    mapper_close(&m);
    assert_int_equal(ledger.live, 0);
    return 0;
}

/* --- regions: M1 and M2 */

static void empty_chunk(void)
{
    POKE(chunk()->count, 0);
}

static void overfull_chunk(void)
{
    POKE(chunk()->count, GM_CHUNK_CAPACITY + 1);
}

static void wrong_key(void)
{
    POKE(chunk()->first[2], chunk()->first[2] + PAGE);
}

static void overlap(void)
{
    POKE(at(0)->last, 2 * GIB);
}

static void ends_before_it_begins(void)
{
    POKE(at(2 * GIB)->last, 2 * GIB - 2);
}

static void unsorted(void)
{
    struct gm_region *low = chunk()->region[1];
    POKE(chunk()->first[1], chunk()->first[2]);
    POKE(chunk()->region[1], (uintptr_t)chunk()->region[2]);
    POKE(chunk()->first[2], low->first);
    POKE(chunk()->region[2], (uintptr_t)low);
}

static void past_the_space(void)
{
    POKE(at(7 * GIB + 10 * PAGE)->last, GM_GPA_LAST + 1);
}

static void word_with_odd_bits(void)
{
    POKE(at(0)->word, at(0)->word | 0x40);
}

static void device_with_a_form(void)
{
    POKE(at(7 * GIB)->word, GM_LEAF_HOLE);
}

static void memory_called_device(void)
{
    POKE(at(0)->kind, GM_KIND_DEVICE);
}

static void chunk_miscounts(void)
{
    POKE(chunk()->direct, chunk()->direct + 1);
}

static void stale_directory(void)
{
    POKE(m.current->regions->entry[0].first, 1);
}

static void directory_miscounts_regions(void)
{
    POKE(m.current->regions->regions, m.current->regions->regions + 1);
}

static void directory_miscounts_direct(void)
{
    POKE(m.current->regions->direct, m.current->regions->direct - 1);
}

/* --- the table: M3, M4, M5, M7 */

static void block_of_another_delta(void)
{
    POKE(table(6)->word[1], mapper_word(21, GM_RW));
}

static void block_with_more_rights(void)
{
    POKE(line()->word[4], mapper_word(5, GM_RW));
}

static void block_forgotten(void)
{
    POKE(table(6)->word[0], GM_LEAF_HOLE);
}

static void memory_in_a_hole(void)
{
    POKE(table(6)->word[2], mapper_word(20, GM_RW));
}

static void page_of_another_delta(void)
{
    POKE(pages()->word[4], mapper_word(1, GM_RW));
}

static void page_of_a_device(void)
{
    POKE(gm_word_line(table(7)->word[0])->word[0], mapper_word(30, GM_RW));
}

static void ragged_page_called_direct(void)
{
    POKE(gm_word_line(table(7)->word[0])->start[1], 13);
}

static void piece_too_long(void)
{
    POKE(line()->start[0], 2);
    POKE(line()->start[1], 3);
    POKE(line()->start[2], 4);
    POKE(line()->start[3], 5);
}

static void gib_called_empty(void)
{
    POKE(m.current->top[6], gm_top_entry(&gm_table_hole, 6));
}

static void hole_called_memory(void)
{
    POKE(m.current->top[3], gm_top_entry(table(0), 3));
}

static void table_of_a_neighbour(void)
{
    POKE(m.current->top[2], gm_top_entry(table(0), 2));
}

static void memory_called_device_gib(void)
{
    POKE(m.current->top[0], gm_top_entry(&gm_table_ask, 0));
}

static void shared_table_damaged(void)
{
    POKE(table(0)->word[511], mapper_word(9, GM_RW));
}

static void line_without_end(void)
{
    POKE(line()->start[GM_LINE_PIECES - 1], 500);
}

static void line_that_falls(void)
{
    POKE(line()->start[1], line()->start[0]);
}

static void indirect_miscounted(void)
{
    POKE(table(4)->indirect, table(4)->indirect + 1);
}

static void top_too_long(void)
{
    POKE(m.current->view.gib_count, 9);
}

/* --- runs: M6 */

static void run_too_long(void)
{
    POKE(m.current->runs->last[0], m.current->runs->last[0] + 1);
}

static void run_of_another_word(void)
{
    POKE(m.current->runs->word[1], m.current->runs->word[1] | GM_LEAF_NO_WRITE);
}

static void run_over_a_device(void)
{
    POKE(m.current->runs->first[1], 7 * GIB);
    POKE(m.current->runs->last[1], 7 * GIB + 10 * PAGE - 1);
}

static void run_twice(void)
{
    POKE(m.current->runs->first[1], m.current->runs->first[0]);
    POKE(m.current->runs->last[1], m.current->runs->last[0]);
    POKE(m.current->runs->word[1], m.current->runs->word[0]);
}

static void run_in_two(void)
{
    struct gm_runs *runs = m.current->runs;
    unsigned i = 0;
    while (runs->first[i] != 6 * GIB)
        i++;
    assert_true(runs->last[i] == 6 * GIB + 2 * BLOCK - 1);
    POKE(runs->last[i], 6 * GIB + BLOCK - 1);
    POKE(runs->first[i + 1], 6 * GIB + BLOCK);
    POKE(runs->last[i + 1], 6 * GIB + 2 * BLOCK - 1);
    POKE(runs->word[i + 1], runs->word[i]);
}

static void run_missing(void)
{
    POKE(m.current->runs->count, m.current->runs->count - 1);
}

static const struct {
    void (*damage)(void);
    const char *text;
} damages[] = {
    {empty_chunk, "M1 chunk empty or too full"},
    {overfull_chunk, "M1 chunk empty or too full"},
    {wrong_key, "M1 key differs from its region"},
    {overlap, "M1 regions overlap or unsorted"},
    {ends_before_it_begins, "M1 regions overlap or unsorted"},
    {unsorted, "M1 regions overlap or unsorted"},
    {past_the_space, "M1 region past 2^52"},
    {chunk_miscounts, "M1 chunk counts its direct regions wrong"},
    {stale_directory, "M1 directory key is stale"},
    {directory_miscounts_regions, "M1 directory counts wrong"},
    {directory_miscounts_direct, "M1 directory counts wrong"},
    {word_with_odd_bits, "M2 malformed word"},
    {device_with_a_form, "M2 malformed word"},
    {memory_called_device, "M2 word does not fit kind"},
    {block_of_another_delta, "M3 a page's word is not its region's"},
    {block_with_more_rights, "M3 a page's word is not its region's"},
    {block_forgotten, "M3 a page's word is not its region's"},
    {memory_in_a_hole, "M3 a page's word is not its region's"},
    {page_of_another_delta, "M3 a page's word is not its region's"},
    {page_of_a_device, "M3 a page's word is not its region's"},
    {ragged_page_called_direct, "M3 a page's word is not its region's"},
    {piece_too_long, "M3 a page's word is not its region's"},
    {gib_called_empty, "M4 a region lies in a GiB said to be empty"},
    {hole_called_memory, "M4 no region fills this GiB"},
    {table_of_a_neighbour, "M4 another region's table"},
    {memory_called_device_gib, "M4 another region's table"},
    {shared_table_damaged, "M4 shared table has another word"},
    {line_without_end, "M5 a line has no end"},
    {line_that_falls, "M5 starts of a line do not rise"},
    {indirect_miscounted, "M5 indirect words counted wrong"},
    {run_too_long, "M6 a run is not direct memory"},
    {run_of_another_word, "M6 a run is not direct memory"},
    {run_over_a_device, "M6 a run is not direct memory"},
    {run_twice, "M6 runs overlap or are unsorted"},
    {run_in_two, "M6 runs that are one stand apart"},
    {run_missing, "M6 direct memory is missing from the runs"},
    {top_too_long, "M7 top array too long"},
};

static void each_damage_is_named(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
        const char *why = NULL;
        damages[i].damage();
        int result = gm_map_check(&m.current->view, &why);
        put_right();
        if (result != -EUCLEAN || why == NULL || strcmp(why, damages[i].text) != 0)
            fail_msg("damage %zu: %d, '%s' instead of '%s'", i, result, why == NULL ? "" : why, damages[i].text);
        why = NULL;
        assert_result(gm_map_check(&m.current->view, &why), 0);
        assert_null(why);
    }
}

static void an_empty_map_is_sound(void **state)
{
    struct mapper empty;
    const char *why = NULL;
    (void)state;
    mapper_open(&empty);
    assert_result(gm_map_check(&empty.current->view, &why), 0);
    mapper_close(&empty);
}

#define MAP(name) cmocka_unit_test_setup_teardown(name, open_map, close_map)

int main(void)
{
    const struct CMUnitTest tests[] = {MAP(each_damage_is_named), MAP(an_empty_map_is_sound)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
