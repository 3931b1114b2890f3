/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * gm_map_check. The expectation is computed page by page from the region set, by another way than the builder's
 * runs, so that a mistake there does not hide itself here.
 *   M1 regions are sorted, disjoint, within 2^52, and counted right
 *   M2 direct words are page-congruent and deny no more and no less than the region's rights
 *   M3 each page of each block that has a table of its own has its region's word, ASK where a page is only partly
 *      RAM or a device, and HOLE or ASK where nothing is
 *   M4 shared tables stand only for GiBs that they describe
 *   M5 lines have rising starts; the count of indirect words is right
 *   M6 the runs are the direct memory, sorted, disjoint and joined
 *   M7 the top array ends no later than the last direct memory
 */
#include "map/check.h"

#include <errno.h>

#include "map/map.h"
#include "map/walk.h"

#define FAIL_UNLESS(condition, text) \
    do {                             \
        if (!(condition)) {          \
            *why = (text);           \
            return -EUCLEAN;         \
        }                            \
    } while (0)

static int check_chunk(const struct gm_chunk *chunk, uint64_t *next_free, uint64_t *direct, const char **why)
{
    uint32_t here = 0;
    FAIL_UNLESS(chunk->count >= 1 && chunk->count <= GM_CHUNK_CAPACITY, "M1 chunk empty or too full");
    for (uint32_t i = 0; i < chunk->count; i++) {
        const struct gm_region *region = chunk->region[i];
        FAIL_UNLESS(chunk->first[i] == region->first, "M1 key differs from its region");
        FAIL_UNLESS(region->first >= *next_free && region->last >= region->first, "M1 regions overlap or unsorted");
        FAIL_UNLESS(region->last <= GM_GPA_LAST, "M1 region past 2^52");
        FAIL_UNLESS(gm_region_direct(region) ? (region->word & ~GM_LEAF_DELTA_MASK) < 4
                                             : region->word == GM_LEAF_ASK, "M2 malformed word");
        FAIL_UNLESS((region->kind == GM_KIND_DEVICE) != gm_region_direct(region), "M2 word does not fit kind");
        *next_free = region->last + 1;
        here += gm_region_direct(region);
    }
    FAIL_UNLESS(here == chunk->direct, "M1 chunk counts its direct regions wrong");
    *direct += here;
    return 0;
}

static int check_regions(const struct gm_directory *set, const char **why)
{
    uint64_t next_free = 0;
    uint64_t direct = 0;
    uint64_t count = 0;
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        FAIL_UNLESS(set->entry[i].first == set->entry[i].chunk->first[0], "M1 directory key is stale");
        int result = check_chunk(set->entry[i].chunk, &next_free, &direct, why);
        if (result != 0)
            return result;
        count += set->entry[i].chunk->count;
    }
    FAIL_UNLESS(set == NULL || (set->regions == count && set->direct == direct), "M1 directory counts wrong");
    return 0;
}

/* What a page must say: its region's word, or GM_LEAF_ASK, or GM_LEAF_HOLE. */
static uint64_t expected_word(const struct gm_version *version, uint64_t page_first)
{
    uint64_t page_last = page_first + GM_PAGE_SIZE - 1;
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(version->regions, page_first, &cursor);
    if (region == NULL || region->first > page_last)
        return GM_LEAF_HOLE;
    return region->first <= page_first && region->last >= page_last ? region->word : GM_LEAF_ASK;
}

static int check_block(const struct gm_version *version, uint64_t block, const char **why)
{
    for (uint64_t page = block; page < block + GM_BLOCK_SIZE; page += GM_PAGE_SIZE) {
        struct gm_piece piece = gm_walk_table(version, page);
        uint64_t expected = expected_word(version, page);
        FAIL_UNLESS(piece.word == expected || (expected == GM_LEAF_HOLE && piece.word == GM_LEAF_ASK),
                    "M3 a page's word is not its region's");
    }
    return 0;
}

static int check_line(const struct gm_line *line, const char **why)
{
    unsigned before = 0;
    FAIL_UNLESS(line->start[GM_LINE_PIECES - 1] == GM_BLOCK_PAGES, "M5 a line has no end");
    for (unsigned i = 0; i < GM_LINE_PIECES; i++) {
        FAIL_UNLESS(line->start[i] > before || line->start[i] == GM_BLOCK_PAGES, "M5 starts of a line do not rise");
        before = line->start[i];
    }
    return 0;
}

/* Is the whole block inside the region, or outside of all? Then its word is known without looking at each page. */
static bool block_is_plain(const struct gm_version *version, uint64_t block, uint64_t word)
{
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(version->regions, block, &cursor);
    if (region == NULL || region->first > block + (GM_BLOCK_SIZE - 1))
        return word == GM_LEAF_HOLE;
    return region->first <= block && region->last >= block + (GM_BLOCK_SIZE - 1) && word == region->word;
}

static int check_own_table(const struct gm_version *version, const struct gm_table *table, uint64_t gib,
                           const char **why)
{
    uint32_t indirect = 0;
    for (unsigned i = 0; i < GM_GIB_BLOCKS; i++) {
        uint64_t word = table->word[i];
        uint64_t block = (gib << GM_GIB_SHIFT) + ((uint64_t)i << GM_BLOCK_SHIFT);
        indirect += gm_word_is_mixed(word);
        int result = gm_word_is_line(word) ? check_line(gm_word_line(word), why) : 0;
        if (result == 0 && !block_is_plain(version, block, word))
            result = check_block(version, block, why);
        if (result != 0)
            return result;
    }
    FAIL_UNLESS(indirect == table->indirect, "M5 indirect words counted wrong");
    return 0;
}

static int check_gib(const struct gm_version *version, uint64_t gib, const char **why)
{
    const struct gm_table *table = gm_top_table(version, gib);
    uint64_t first = gib << GM_GIB_SHIFT;
    uint64_t last = first + ((UINT64_C(1) << GM_GIB_SHIFT) - 1);
    if (!table->shared)
        return check_own_table(version, table, gib, why);
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(version->regions, first, &cursor);
    if (table == &gm_table_hole) {
        FAIL_UNLESS(region == NULL || region->first > last, "M4 a region lies in a GiB said to be empty");
        return 0;
    }
    FAIL_UNLESS(region != NULL && region->first <= first && region->last >= last, "M4 no region fills this GiB");
    FAIL_UNLESS(table == (gm_region_direct(region) ? region->uniform : &gm_table_ask), "M4 another region's table");
    for (unsigned i = 0; i < GM_GIB_BLOCKS; i++)
        FAIL_UNLESS(table->word[i] == region->word, "M4 shared table has another word");
    return 0;
}

static int check_runs(const struct gm_version *version, const char **why)
{
    const struct gm_runs *runs = version->runs;
    uint64_t bytes = 0;
    for (unsigned i = 0; runs != NULL && i < runs->count; i++) {
        struct gm_piece piece = gm_walk_regions(version, runs->first[i], runs->last[i]);
        FAIL_UNLESS(piece.word == runs->word[i] && piece.last == runs->last[i], "M6 a run is not direct memory");
        FAIL_UNLESS(i == 0 || runs->first[i] > runs->last[i - 1], "M6 runs overlap or are unsorted");
        FAIL_UNLESS(i == 0 || runs->first[i] != runs->last[i - 1] + 1 || runs->word[i] != runs->word[i - 1],
                    "M6 runs that are one stand apart");
        bytes += runs->last[i] - runs->first[i] + 1;
    }
    FAIL_UNLESS(runs == NULL || bytes == (version->regions ? version->regions->direct_bytes : 0),
                "M6 direct memory is missing from the runs");
    return 0;
}

int gm_map_check(const struct gm_view *view, const char **why)
{
    const struct gm_version *version = gm_version_of(view);
    int result = check_regions(version->regions, why);
    if (result != 0)
        return result; /* what follows walks the regions */
    const struct gm_region *last = gm_regset_last_direct(version->regions);
    FAIL_UNLESS(view->gib_count <= (last != NULL ? (last->last >> GM_GIB_SHIFT) + 1 : 0), "M7 top array too long");
    for (uint64_t gib = 0; result == 0 && gib < view->gib_count; gib++)
        result = check_gib(version, gib, why);
    return result != 0 ? result : check_runs(version, why);
}
