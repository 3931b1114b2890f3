/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One 2 MiB block from the regions that touch it. Its pages are collected as runs of the same word: a page that RAM
 * covers only in part, like a device page, says "ask the region", because a delta could not be right for all of
 * it. A block without host memory never gets a node of its own, however crowded with devices it is; that is what
 * keeps the table small on machines with many PCI devices.
 */
#include "map/table.h"

#include <string.h>

#include "base/check.h"
#include "base/math.h"
#include "map/regset.h"

#define HOLES [0 ... GM_GIB_BLOCKS - 1] = GM_LEAF_HOLE
#define ASKS [0 ... GM_GIB_BLOCKS - 1] = GM_LEAF_ASK

const struct gm_table gm_table_hole = {.word = {HOLES}, .shared = true};
const struct gm_table gm_table_ask = {.word = {ASKS}, .shared = true};

struct runs {
    unsigned count;
    unsigned next_page; /* pages below are described */
    bool direct;        /* some page has host memory */
    bool ask;           /* some page says so */
    uint16_t start[GM_BLOCK_PAGES];
    uint64_t word[GM_BLOCK_PAGES];
};

/* Pages next_page..end-1 get the word; what is described already stays. */
static void run_add(struct runs *runs, unsigned end, uint64_t word)
{
    if (end <= runs->next_page)
        return;
    if (runs->count == 0 || runs->word[runs->count - 1] != word) {
        runs->start[runs->count] = (uint16_t)runs->next_page;
        runs->word[runs->count++] = word;
    }
    runs->next_page = end;
    runs->direct |= (word & GM_LEAF_INDIRECT) == 0;
    runs->ask |= word == GM_LEAF_ASK;
}

/* The part of a region that lies in the block, in pages: whole ones by its word, ragged ends by the region. */
static void run_add_region(struct runs *runs, const struct gm_region *region, uint64_t block_first)
{
    uint64_t block_last = block_first + GM_BLOCK_SIZE - 1;
    uint64_t first = gm_max_u64(region->first, block_first) - block_first;
    uint64_t last = gm_min_u64(region->last, block_last) - block_first;
    unsigned first_page = (unsigned)(first >> GM_PAGE_SHIFT);
    unsigned last_page = (unsigned)(last >> GM_PAGE_SHIFT);
    bool ragged_first = !gm_is_aligned(first, GM_PAGE_SIZE);
    bool ragged_last = !gm_is_aligned(last + 1, GM_PAGE_SIZE);

    run_add(runs, first_page, GM_LEAF_HOLE);
    if (ragged_first)
        run_add(runs, first_page + 1, GM_LEAF_ASK);
    if (ragged_last) {
        run_add(runs, last_page, region->word);
        run_add(runs, last_page + 1, GM_LEAF_ASK);
    } else {
        run_add(runs, last_page + 1, region->word);
    }
}

static uint64_t line_build(struct gm_edit *edit, const struct runs *runs)
{
    struct gm_line *line = gm_edit_new(edit, GM_NODE_LINE, sizeof(*line));
    if (line == NULL)
        return GM_BLOCK_NO_MEMORY;
    for (unsigned i = 0; i < GM_LINE_PIECES; i++) {
        line->word[i] = i < runs->count ? runs->word[i] : GM_LEAF_HOLE;
        line->start[i] = i + 1 < runs->count ? runs->start[i + 1] : GM_BLOCK_PAGES;
    }
    for (unsigned i = GM_LINE_PIECES; i < sizeof(line->start) / sizeof(line->start[0]); i++)
        line->start[i] = GM_BLOCK_PAGES;
    line->birth = edit->version;
    return (uint64_t)(uintptr_t)line | GM_LEAF_FORM_LINE;
}

static uint64_t pages_build(struct gm_edit *edit, const struct runs *runs)
{
    struct gm_pages *pages = gm_edit_new(edit, GM_NODE_PAGES, sizeof(*pages));
    if (pages == NULL)
        return GM_BLOCK_NO_MEMORY;
    pages->birth = edit->version;
    for (unsigned i = 0; i < runs->count; i++) {
        unsigned end = i + 1 < runs->count ? runs->start[i + 1] : GM_BLOCK_PAGES;
        for (unsigned page = runs->start[i]; page < end; page++)
            pages->word[page] = runs->word[i];
    }
    return (uint64_t)(uintptr_t)pages | GM_LEAF_FORM_PAGES;
}

/* Holes between pages that ask anyway may ask as well: the region search answers for both, with fewer pieces. */
static void merge_holes_into_asks(struct runs *runs)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < runs->count; i++) {
        uint64_t word = runs->word[i] == GM_LEAF_HOLE ? GM_LEAF_ASK : runs->word[i];
        if (kept != 0 && runs->word[kept - 1] == word)
            continue;
        runs->start[kept] = runs->start[i];
        runs->word[kept++] = word;
    }
    runs->count = kept;
}

uint64_t gm_block_build(struct gm_edit *edit, const struct gm_directory *regions, uint64_t block_first)
{
    uint64_t block_last = block_first + GM_BLOCK_SIZE - 1;
    struct gm_cursor cursor;
    struct runs runs;
    runs.count = 0;
    runs.next_page = 0;
    runs.direct = false;
    runs.ask = false;

    struct gm_region *region = gm_regset_seek(regions, block_first, &cursor);
    for (; region != NULL && region->first <= block_last; region = gm_regset_next(&cursor))
        run_add_region(&runs, region, block_first);
    run_add(&runs, GM_BLOCK_PAGES, GM_LEAF_HOLE);

    if (!runs.direct)
        return runs.ask ? GM_LEAF_ASK : GM_LEAF_HOLE;
    if (runs.ask)
        merge_holes_into_asks(&runs);
    if (runs.count == 1)
        return runs.word[0];
    return runs.count <= GM_LINE_PIECES ? line_build(edit, &runs) : pages_build(edit, &runs);
}

bool gm_block_dead(struct gm_edit *edit, uint64_t word)
{
    if (gm_word_is_line(word)) {
        struct gm_line *line = gm_word_line(word);
        return gm_edit_dead(edit, GM_NODE_LINE, line, sizeof(*line), line->birth);
    }
    if (gm_word_is_pages(word)) {
        struct gm_pages *pages = gm_word_pages(word);
        return gm_edit_dead(edit, GM_NODE_PAGES, pages, sizeof(*pages), pages->birth);
    }
    return true;
}
