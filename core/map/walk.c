/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The slow ways to an answer. Loops are bounded by the regions between the address and the byte wanted. */
#include "map/walk.h"

#include "guestmem/translate.h"

static struct gm_piece line_piece(const struct gm_line *line, uint64_t gpa)
{
    uint64_t block = gpa & ~(GM_BLOCK_SIZE - 1);
    unsigned page = (unsigned)(gpa >> GM_PAGE_SHIFT) & (GM_BLOCK_PAGES - 1);
    unsigned at = gm_line_piece(line, page);
    uint64_t end = (uint64_t)line->start[at] << GM_PAGE_SHIFT;
    return (struct gm_piece){.word = line->word[at], .last = block + end - 1};
}

struct gm_piece gm_walk_table(const struct gm_version *version, uint64_t gpa)
{
    const struct gm_view *view = &version->view;
    if ((gpa >> GM_GIB_SHIFT) >= view->gib_count)
        return (struct gm_piece){.word = GM_LEAF_ASK, .last = gpa};
    uint64_t word = gm_leaf_load(view, gpa);
    if (gm_word_is_line(word))
        return line_piece(gm_word_line(word), gpa);
    if (gm_word_is_pages(word)) {
        word = gm_word_pages(word)->word[(gpa >> GM_PAGE_SHIFT) & (GM_BLOCK_PAGES - 1)];
        return (struct gm_piece){.word = word, .last = gpa | (GM_PAGE_SIZE - 1)};
    }
    return (struct gm_piece){.word = word, .last = gpa | (GM_BLOCK_SIZE - 1)};
}

struct gm_piece gm_walk_regions(const struct gm_version *version, uint64_t gpa, uint64_t want)
{
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(version->regions, gpa, &cursor);
    if (region == NULL)
        return (struct gm_piece){.word = GM_LEAF_HOLE, .last = UINT64_MAX};
    if (region->first > gpa)
        return (struct gm_piece){.word = GM_LEAF_HOLE, .last = region->first - 1};
    struct gm_piece piece = {.word = region->word, .last = region->last};
    while (piece.last < want && gm_region_direct(region)) {
        region = gm_regset_next(&cursor);
        if (region == NULL || region->first != piece.last + 1 || region->word != piece.word)
            break;
        piece.last = region->last;
    }
    return piece;
}
