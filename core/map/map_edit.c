/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Path copying of the leaf table. Only the window that changed is looked at: of each GiB in it either the entry of
 * the top array is redirected to a shared table (whole GiB inside one region, or empty), or the GiB's own table is
 * copied once and the blocks of the window are built anew.
 */
#include "map/map.h"

#include <string.h>

#include "base/check.h"
#include "base/math.h"

/*
 * The top array reaches to the last host memory, but no further than this many GiB or 64 times the memory there
 * is: one stray page at 2^51 must not cost megabytes of table. What lies beyond is found by the region search.
 */
#define TOP_ALWAYS 1024
#define TOP_PER_GIB 64

static uint64_t gib_first(uint64_t gib)
{
    return gib << GM_GIB_SHIFT;
}

static uint64_t gib_last(uint64_t gib)
{
    return gib_first(gib) + ((UINT64_C(1) << GM_GIB_SHIFT) - 1);
}

/* The GiB's own table leaves this version, with what hangs below it. */
static bool table_dead(struct gm_edit *edit, struct gm_table *table)
{
    if (table->shared)
        return true;
    for (unsigned i = 0, left = table->indirect; left != 0; i++) {
        if (!gm_word_is_mixed(table->word[i]))
            continue;
        if (!gm_block_dead(edit, table->word[i]))
            return false;
        left--;
    }
    return gm_edit_dead(edit, GM_NODE_TABLE, table, sizeof(*table), table->birth);
}

/* Point the entries first..last at one shared table. */
static bool redirect(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last,
                     const struct gm_table *to)
{
    const struct gm_table *known = to; /* a shared table: nothing to do for entries that point to it */
    for (uint64_t gib = first; gib <= last; gib++) {
        struct gm_table *from = gm_top_table(next, gib);
        if (from != known) {
            if (!table_dead(edit, from))
                return false;
            known = from->shared ? from : known;
        }
        next->top[gib] = gm_top_entry(to, gib);
    }
    return true;
}

/* Make the GiB's table private to this version. */
static struct gm_table *own_table(struct gm_edit *edit, struct gm_version *next, uint64_t gib)
{
    struct gm_table *old = gm_top_table(next, gib);
    if (!old->shared && old->birth == edit->version)
        return old;
    struct gm_table *copy = gm_edit_new(edit, GM_NODE_TABLE, sizeof(*copy));
    if (copy == NULL)
        return NULL;
    memcpy(copy->word, old->word, sizeof(copy->word));
    copy->birth = edit->version;
    copy->owner = NULL;
    copy->indirect = old->indirect;
    copy->shared = false;
    if (!old->shared && !gm_edit_dead(edit, GM_NODE_TABLE, old, sizeof(*old), old->birth))
        return NULL;
    next->top[gib] = gm_top_entry(copy, gib);
    return copy;
}

/* The table of every GiB that lies wholly in this region. */
static const struct gm_table *uniform_table(struct gm_edit *edit, struct gm_region *region)
{
    if (!gm_region_direct(region))
        return &gm_table_ask;
    if (region->uniform != NULL)
        return region->uniform;
    struct gm_table *table = gm_edit_new(edit, GM_NODE_TABLE, sizeof(*table));
    if (table == NULL)
        return NULL;
    for (unsigned i = 0; i < GM_GIB_BLOCKS; i++)
        table->word[i] = region->word;
    table->birth = edit->version;
    table->owner = region;
    table->indirect = 0;
    table->shared = true;
    region->uniform = table;
    return table;
}

static bool store_word(struct gm_edit *edit, struct gm_table *table, unsigned block, uint64_t word)
{
    uint64_t old = table->word[block];
    table->word[block] = word;
    table->indirect += gm_word_is_mixed(word);
    if (!gm_word_is_mixed(old))
        return true;
    table->indirect--;
    return gm_block_dead(edit, old);
}

/* Put one word into the blocks first..last of a private table. */
static bool fill_blocks(struct gm_edit *edit, struct gm_table *table, unsigned first, unsigned last, uint64_t word)
{
    if (table->indirect == 0) {
        for (unsigned i = first; i <= last; i++)
            table->word[i] = word;
        return true;
    }
    for (unsigned i = first; i <= last; i++)
        if (!store_word(edit, table, i, word))
            return false;
    return true;
}

static unsigned block_index(uint64_t gpa)
{
    return (unsigned)(gpa >> GM_BLOCK_SHIFT) & (GM_GIB_BLOCKS - 1);
}

/* Build the blocks of one private table that first..last (inside its GiB) touch: by the run where a region or a hole
 * fills whole blocks, one by one where something begins or ends inside. */
static bool update_blocks(struct gm_edit *edit, struct gm_version *next, struct gm_table *table, uint64_t first,
                          uint64_t last)
{
    struct gm_cursor cursor;
    const uint64_t end = last | (GM_BLOCK_SIZE - 1);
    for (uint64_t block = first & ~(GM_BLOCK_SIZE - 1); block <= end;) {
        const struct gm_region *region = gm_regset_seek(next->regions, block, &cursor);
        bool hole = region == NULL || region->first > block;
        uint64_t stop = region == NULL ? UINT64_MAX : hole ? region->first - 1 : region->last;
        stop = gm_min_u64(stop, end);
        if (stop - block < GM_BLOCK_SIZE - 1) {
            uint64_t word = gm_block_build(edit, next->regions, block);
            if (word == GM_BLOCK_NO_MEMORY || !store_word(edit, table, block_index(block), word))
                return false;
            block += GM_BLOCK_SIZE;
            continue;
        }
        uint64_t whole = (stop + 1 - block) & ~(GM_BLOCK_SIZE - 1);
        if (!fill_blocks(edit, table, block_index(block), block_index(block + whole - 1),
                         hole ? GM_LEAF_HOLE : region->word))
            return false;
        block += whole;
    }
    return true;
}

/* A GiB of which first..last changed and that no region fills and no hole. */
static bool update_gib(struct gm_edit *edit, struct gm_version *next, uint64_t gib, uint64_t first, uint64_t last)
{
    struct gm_table *table = own_table(edit, next, gib);
    return table != NULL && update_blocks(edit, next, table, gm_max_u64(first, gib_first(gib)),
                                          gm_min_u64(last, gib_last(gib)));
}

static uint64_t wanted_gibs(const struct gm_directory *regions)
{
    const struct gm_region *last = gm_regset_last_direct(regions);
    if (last == NULL)
        return 0;
    uint64_t limit = gm_max_u64(TOP_ALWAYS, (regions->direct_bytes >> GM_GIB_SHIFT) * TOP_PER_GIB);
    return gm_min_u64((last->last >> GM_GIB_SHIFT) + 1, limit);
}

struct gm_version *gm_map_begin(struct gm_edit *edit, const struct gm_version *old, struct gm_directory *regions)
{
    uint64_t count = wanted_gibs(regions);
    uint64_t kept = gm_min_u64(count, old->view.gib_count);
    struct gm_version *next = gm_edit_new(edit, GM_NODE_VERSION, gm_version_size(count));
    if (next == NULL)
        return NULL;
    next->regions = regions;
    next->runs = old->runs;
    next->holders = 0; /* never copied: readers may be counting on the old one */
    memcpy(&next->view, &old->view, sizeof(old->view) + kept * sizeof(old->top[0]));
    next->view.generation = edit->version;
    next->view.gib_count = count;
    for (uint64_t gib = kept; gib < count; gib++)
        next->top[gib] = gm_top_entry(&gm_table_hole, gib);
    for (uint64_t gib = kept; gib < old->view.gib_count; gib++)
        if (!table_dead(edit, gm_top_table(old, gib)))
            return NULL;
    if (count > kept && !gm_map_update(edit, next, gib_first(kept), gib_last(count - 1)))
        return NULL;
    return next;
}

bool gm_map_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last)
{
    uint64_t count = next->view.gib_count;
    uint64_t gib = first >> GM_GIB_SHIFT;
    if (gib >= count)
        return true;
    const uint64_t end = gm_min_u64(last >> GM_GIB_SHIFT, count - 1);
    while (gib <= end) {
        struct gm_cursor cursor;
        struct gm_region *region = gm_regset_seek(next->regions, gib_first(gib), &cursor);
        bool hole = region == NULL || region->first > gib_first(gib);
        uint64_t stop = region == NULL ? UINT64_MAX : hole ? region->first - 1 : region->last;
        stop = gm_min_u64(stop, gib_last(end));
        uint64_t whole = (stop - gib_first(gib) + 1) >> GM_GIB_SHIFT;
        if (whole == 0) {
            if (!update_gib(edit, next, gib, first, last))
                return false;
            gib++;
            continue;
        }
        const struct gm_table *shared = hole ? &gm_table_hole : uniform_table(edit, region);
        if (shared == NULL || !redirect(edit, next, gib, gib + whole - 1, shared))
            return false;
        gib += whole;
    }
    return true;
}
