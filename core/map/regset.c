/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Reading the region set: two binary searches, and iteration. */
#include "map/regset.h"

/* Index of the last entry whose key is <= gpa; 0 when all are above. count >= 1. */
static uint32_t directory_rank(const struct gm_directory *set, uint64_t gpa)
{
    uint32_t low = 0;
    uint32_t count = set->count;
    while (count > 1) {
        uint32_t half = count / 2;
        low = set->entry[low + half].first <= gpa ? low + half : low;
        count -= half;
    }
    return low;
}

static uint32_t chunk_rank(const struct gm_chunk *chunk, uint64_t gpa)
{
    uint32_t low = 0;
    uint32_t count = chunk->count;
    while (count > 1) {
        uint32_t half = count / 2;
        low = chunk->first[low + half] <= gpa ? low + half : low;
        count -= half;
    }
    return low;
}

static struct gm_region *cursor_region(const struct gm_cursor *cursor)
{
    if (cursor->chunk >= cursor->set->count)
        return NULL;
    return cursor->set->entry[cursor->chunk].chunk->region[cursor->index];
}

struct gm_region *gm_regset_next(struct gm_cursor *cursor)
{
    if (++cursor->index >= cursor->set->entry[cursor->chunk].chunk->count) {
        cursor->index = 0;
        cursor->chunk++;
    }
    return cursor_region(cursor);
}

struct gm_region *gm_regset_seek(const struct gm_directory *set, uint64_t gpa, struct gm_cursor *cursor)
{
    if (set == NULL || set->count == 0)
        return NULL;
    cursor->set = set;
    cursor->chunk = directory_rank(set, gpa);
    cursor->index = chunk_rank(set->entry[cursor->chunk].chunk, gpa);
    struct gm_region *region = cursor_region(cursor);
    return region->last >= gpa ? region : gm_regset_next(cursor);
}

struct gm_region *gm_regset_find(const struct gm_directory *set, uint64_t gpa)
{
    struct gm_cursor cursor;
    struct gm_region *region = gm_regset_seek(set, gpa, &cursor);
    return region != NULL && region->first <= gpa ? region : NULL;
}

struct gm_region *gm_regset_last(const struct gm_directory *set, unsigned kinds)
{
    bool direct = (kinds & GM_KINDS_HOST) != 0;
    bool device = (kinds & GM_KIND_BIT(GM_KIND_DEVICE)) != 0;
    for (uint32_t c = set != NULL ? set->count : 0; c-- > 0;) {
        const struct gm_chunk *chunk = set->entry[c].chunk;
        if (!(direct && chunk->direct != 0) && !(device && chunk->direct != chunk->count))
            continue;
        for (uint32_t i = chunk->count; i-- > 0;)
            if ((GM_KIND_BIT(chunk->region[i]->kind) & kinds) != 0)
                return chunk->region[i];
    }
    return NULL;
}

struct gm_region *gm_regset_last_direct(const struct gm_directory *set)
{
    return set != NULL && set->direct != 0 ? gm_regset_last(set, GM_KINDS_HOST) : NULL;
}
