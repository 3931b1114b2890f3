/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_block_build against an expectation that goes page by page and byte by byte over a plain list of regions: which
 * word each page has to have, and from that which form the block has to take and what may be allocated for it.
 */
#include "unit/ledger.h"

#include "base/math.h"
#include "lib/rand.h"
#include "map/regset.h"
#include "map/table.h"
#include "space/space.h"

#define BASE (UINT64_C(7) << GM_BLOCK_SHIFT) /* the block in question */
#define PAGES GM_BLOCK_PAGES
#define PAGE GM_PAGE_SIZE
#define REGIONS 1200

struct rig {
    struct gm_space space;
    struct gm_edit edit;
    struct gm_directory *set;
    struct gm_region region[REGIONS]; /* in ascending order */
    unsigned count;
};

static struct rig rig;

static int open_rig(void **state)
{
    (void)state;
    memset(&rig, 0, sizeof(rig));
    rig.edit.version = 5;
    assert_int_equal(ledger.live, 0);
    return 0;
}

/* Forget all regions and what was built of them; the regions themselves are not of the heap. */
static void clear(void)
{
    gm_edit_drop(&rig.space, &rig.edit);
    rig.set = NULL;
    rig.count = 0;
}

static int close_rig(void **state)
{
    (void)state;
    clear();
    gm_node_list_free(&rig.edit.born, NULL);
    gm_node_list_free(&rig.edit.dead, NULL);
    assert_int_equal(ledger.live, 0);
    return 0;
}

/* [first, last] from the base of the block; may begin below it. */
static void add(int64_t first, int64_t last, uint64_t word)
{
    assert_true(rig.count < REGIONS);
    struct gm_region *region = &rig.region[rig.count++];
    *region = (struct gm_region){.first = BASE + (uint64_t)first, .last = BASE + (uint64_t)last, .word = word};
    assert_true(gm_regset_insert(&rig.edit, &rig.set, region));
}

static uint64_t direct(unsigned number)
{
    return (uint64_t)(number + 1) << 30 | (number % 3);
}

static uint64_t expected_page(unsigned page)
{
    uint64_t first = BASE + page * PAGE;
    uint64_t last = first + PAGE - 1;
    for (unsigned i = 0; i < rig.count; i++) {
        const struct gm_region *region = &rig.region[i];
        if (region->first <= first && region->last >= last)
            return region->word;
        if (region->first <= last && region->last >= first)
            return GM_LEAF_ASK;
    }
    return GM_LEAF_HOLE;
}

struct expected {
    uint64_t word[PAGES];
    unsigned pieces;
    bool direct;
    bool ask;
};

static void expect(struct expected *e)
{
    *e = (struct expected){0};
    for (unsigned page = 0; page < PAGES; page++) {
        e->word[page] = expected_page(page);
        e->direct |= (e->word[page] & GM_LEAF_INDIRECT) == 0;
        e->ask |= e->word[page] == GM_LEAF_ASK;
    }
    for (unsigned page = 0; page < PAGES; page++) {
        if (e->direct && e->ask && e->word[page] == GM_LEAF_HOLE)
            e->word[page] = GM_LEAF_ASK; /* holes may ask where others do */
        e->pieces += page == 0 || e->word[page] != e->word[page - 1];
    }
}

static void assert_line(const struct gm_line *line, const struct expected *e)
{
    unsigned before = 0;
    assert_true(line->birth == rig.edit.version);
    for (unsigned i = 0; i < sizeof(line->start) / sizeof(line->start[0]); i++) {
        assert_true(i < e->pieces - 1 ? line->start[i] > before && line->start[i] < PAGES : line->start[i] == PAGES);
        before = line->start[i];
    }
    for (unsigned i = e->pieces; i < GM_LINE_PIECES; i++)
        assert_true(line->word[i] == GM_LEAF_HOLE);
    for (unsigned page = 0; page < PAGES; page++) {
        unsigned piece = gm_line_piece(line, page);
        assert_true(piece < e->pieces && line->word[piece] == e->word[page]);
        assert_true(page < line->start[piece]);
    }
}

static void assert_pages(const struct gm_pages *pages, const struct expected *e)
{
    assert_true(pages->birth == rig.edit.version);
    assert_memory_equal(pages->word, e->word, sizeof(e->word));
}

/* Build the block; returns its word, after it was found to be what the regions call for. */
static uint64_t assert_block(void)
{
    static struct expected e;
    expect(&e);
    size_t live = ledger.live;
    size_t born = rig.edit.born.count;
    assert_true(gm_node_list_reserve(&rig.edit.born, NULL, 1));
    uint64_t word = gm_block_build(&rig.edit, rig.set, BASE);
    bool mixed = e.direct && e.pieces > 1;
    assert_int_equal(gm_word_is_mixed(word), mixed);
    assert_int_equal(rig.edit.born.count, born + mixed);
    assert_in_range(ledger.live, live + mixed, live + mixed + 1);
    if (!mixed) {
        assert_true(word == (e.direct ? e.word[0] : e.ask ? GM_LEAF_ASK : GM_LEAF_HOLE));
        return word;
    }
    assert_int_equal(gm_word_is_line(word), e.pieces <= GM_LINE_PIECES);
    assert_int_equal(gm_word_is_pages(word), e.pieces > GM_LINE_PIECES);
    if (gm_word_is_line(word))
        assert_line(gm_word_line(word), &e);
    else
        assert_pages(gm_word_pages(word), &e);
    return word;
}

static void nothing_there(void **state)
{
    (void)state;
    assert_true(assert_block() == GM_LEAF_HOLE); /* no set at all */
    add(-8 * (int64_t)PAGE, -1, direct(0));
    add(PAGES * (int64_t)PAGE, PAGES * (int64_t)PAGE + 5, direct(1)); /* neighbours on both sides */
    assert_true(assert_block() == GM_LEAF_HOLE);
}

static void one_region_fills_it(void **state)
{
    const int64_t end = PAGES * (int64_t)PAGE - 1;
    static const int64_t more[] = {0, 1, GM_PAGE_SIZE, INT64_C(1) << 24};
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        clear();
        add(i % 4 == 3 ? -(int64_t)BASE : -more[i % 4], end + more[i / 4], direct(i));
        assert_true(assert_block() == direct(i));
    }
    clear();
    add(0, end, GM_LEAF_ASK); /* a device never costs a node */
    assert_true(assert_block() == GM_LEAF_ASK);
    clear();
    add(17, 17, GM_LEAF_ASK);
    assert_true(assert_block() == GM_LEAF_ASK);
}

/* Every place where a region can begin and end, to the byte around page edges. */
static void ragged_ends(void **state)
{
    static const int64_t edges[] = {0, 1, 4095, 4096, 4097, 8191, 8192, 3 * 4096 + 7, 511 * 4096, 511 * 4096 + 1,
                                    512 * 4096 - 2, 512 * 4096 - 1};
    const size_t count = sizeof(edges) / sizeof(edges[0]);
    (void)state;
    for (size_t first = 0; first < count; first++) {
        for (size_t last = first; last < count; last++) {
            clear();
            add(edges[first], edges[last], direct(1));
            assert_block();
            if (last + 1 < count) { /* a second one right behind it, of another word and of the same */
                add(edges[last] + 1, edges[last + 1], direct(last % 2));
                assert_block();
            }
        }
    }
    clear();
    add(-5, 4, direct(0)); /* begins below the block, ends inside its first page */
    add(PAGES * (int64_t)PAGE - 3, PAGES * (int64_t)PAGE + 9, direct(1));
    assert_true(assert_block() == GM_LEAF_ASK); /* only parts of pages: nothing direct */
}

static void devices_beside_memory(void **state)
{
    (void)state;
    add(0, 2 * (int64_t)PAGE - 1, GM_LEAF_ASK);
    add(4 * (int64_t)PAGE, 6 * (int64_t)PAGE - 1, direct(1));
    add(7 * (int64_t)PAGE, 7 * (int64_t)PAGE + 99, GM_LEAF_ASK);
    add(7 * (int64_t)PAGE + 200, 7 * (int64_t)PAGE + 299, GM_LEAF_ASK);
    uint64_t word = assert_block();
    /* ask, direct, ask: the holes around and between the devices joined them */
    assert_true(gm_word_is_line(word) && gm_word_line(word)->start[1] == 6 && gm_word_line(word)->start[2] == PAGES);
    clear();
    add(4 * (int64_t)PAGE, 6 * (int64_t)PAGE - 1, direct(1));
    word = assert_block();
    assert_true(gm_word_line(word)->word[0] == GM_LEAF_HOLE); /* with nobody who asks, a hole is a hole */
}

/* 1 to 512 pieces: pages of alternating words, the rest of one word. */
static void pieces_from_one_to_all(void **state)
{
    (void)state;
    for (unsigned pieces = 1; pieces <= PAGES; pieces++) {
        clear();
        for (unsigned i = 0; i < pieces; i++) {
            uint64_t end = (i + 1 == pieces ? PAGES : i + 1) * PAGE;
            add((int64_t)(i * PAGE), (int64_t)end - 1, direct(i % 2));
        }
        uint64_t word = assert_block();
        assert_int_equal(gm_word_is_line(word), pieces > 1 && pieces <= GM_LINE_PIECES);
        assert_int_equal(gm_word_is_pages(word), pieces > GM_LINE_PIECES);
    }
    clear();
    for (unsigned i = 0; i < 2 * PAGES; i++) /* two in each page: all of them are the regions' business */
        add((int64_t)(i * PAGE / 2), (int64_t)((i + 1) * PAGE / 2) - 1, direct(i % 2));
    assert_true(assert_block() == GM_LEAF_ASK);
}

static void random_blocks(void **state)
{
    uint64_t seed = 0x626c6f636b;
    (void)state;
    for (unsigned round = 0; round < 3000; round++) {
        clear();
        int64_t at = -(int64_t)gmt_rand_below(&seed, 3 * PAGE);
        uint64_t span = (uint64_t)1 << (4 + gmt_rand_below(&seed, 18));
        while (at < (int64_t)(PAGES * PAGE) && rig.count < 60) {
            bool pages = gmt_rand_below(&seed, 3) != 0; /* mostly aligned */
            uint64_t gap = gmt_rand_below(&seed, 2) ? 0 : gmt_rand_below(&seed, span);
            uint64_t size = 1 + gmt_rand_below(&seed, span);
            int64_t first = at + (int64_t)gap;
            if (pages) {
                first = (first + 4095) & ~INT64_C(4095);
                size = (size + 4095) & ~UINT64_C(4095);
            }
            add(first, first + (int64_t)size - 1,
                gmt_rand_below(&seed, 4) == 0 ? GM_LEAF_ASK : direct((unsigned)gmt_rand_below(&seed, 3)));
            at = first + (int64_t)size;
        }
        assert_block();
    }
}

static void dying_blocks(void **state)
{
    (void)state;
    static const uint64_t plain[] = {GM_LEAF_HOLE, GM_LEAF_ASK, 0, GM_LEAF_NO_WRITE, UINT64_C(0x7f0000000000)};
    for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        assert_true(gm_block_dead(&rig.edit, plain[i]));
    assert_int_equal(rig.edit.dead.count, 0);
    for (unsigned pieces = 2; pieces <= 6; pieces += 4) { /* a line, and pages */
        clear();
        for (unsigned i = 0; i < pieces; i++)
            add((int64_t)(i * PAGE), (int64_t)((i + 1) * PAGE) - 1, direct(i % 2));
        uint64_t word = assert_block();
        assert_true(gm_block_dead(&rig.edit, word));
        const struct gm_node *node = &rig.edit.dead.nodes[rig.edit.dead.count - 1];
        assert_true(node->object == (void *)(uintptr_t)(word & GM_LEAF_POINTER_MASK));
        assert_true(node->size == (gm_word_is_line(word) ? sizeof(struct gm_line) : sizeof(struct gm_pages)));
        assert_true(node->birth == rig.edit.version && node->death == rig.edit.version);
    }
}

static void without_memory(void **state)
{
    (void)state;
    for (unsigned pieces = 2; pieces <= 6; pieces += 4) {
        clear();
        for (unsigned i = 0; i < pieces; i++)
            add((int64_t)(i * PAGE), (int64_t)((i + 1) * PAGE) - 1, direct(i % 2));
        size_t live = ledger.live;
        gm_fault_arm(1);
        uint64_t word = gm_block_build(&rig.edit, rig.set, BASE);
        assert_true(gm_fault_disarm());
        assert_true(word == GM_BLOCK_NO_MEMORY && !gm_word_is_mixed(word));
        assert_int_equal(ledger.live, live);
    }
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(nothing_there),          RIG(one_region_fills_it), RIG(ragged_ends),  RIG(devices_beside_memory),
        RIG(pieces_from_one_to_all), RIG(random_blocks),       RIG(dying_blocks), RIG(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
