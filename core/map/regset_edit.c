/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Changing the region set by path copying: the chunk that changes and the directory are copied once for each
 * version and then changed in place. A full chunk splits in half, or, when the new region goes to the very end,
 * which is how sets are built in order, stays full and a new chunk begins.
 */
#include "map/regset.h"

#include <string.h>

#include "base/check.h"

#define DIRECTORY_INITIAL 4

/* Make *set private to this version, with room for one more chunk. */
static bool own_directory(struct gm_edit *edit, struct gm_directory **set)
{
    struct gm_directory *old = *set;
    if (old != NULL && old->birth == edit->version && old->count < old->capacity)
        return true;
    uint32_t count = old != NULL ? old->count : 0;
    uint32_t capacity = count + count / 8 + DIRECTORY_INITIAL;
    struct gm_directory *copy = gm_edit_new(edit, GM_NODE_DIRECTORY, gm_directory_size(capacity));
    if (copy == NULL)
        return false;
    if (old == NULL) {
        memset(copy, 0, sizeof(*copy));
    } else {
        memcpy(copy, old, gm_directory_size(count));
        if (!gm_edit_dead(edit, GM_NODE_DIRECTORY, old, gm_directory_size(old->capacity), old->birth))
            return false;
    }
    copy->birth = edit->version;
    copy->capacity = capacity;
    *set = copy;
    return true;
}

static struct gm_chunk *new_chunk(struct gm_edit *edit)
{
    struct gm_chunk *chunk = gm_edit_new(edit, GM_NODE_CHUNK, sizeof(*chunk));
    if (chunk != NULL) {
        chunk->birth = edit->version;
        chunk->count = 0;
        chunk->direct = 0;
    }
    return chunk;
}

static void chunk_copy(struct gm_chunk *to, const struct gm_chunk *from, uint32_t begin, uint32_t end)
{
    to->count = end - begin;
    memcpy(to->first, from->first + begin, to->count * sizeof(to->first[0]));
    memcpy(to->region, from->region + begin, to->count * sizeof(to->region[0]));
    to->direct = 0;
    for (uint32_t i = 0; i < to->count; i++)
        to->direct += gm_region_direct(to->region[i]);
}

/* Make a chunk of a private directory private too. */
static struct gm_chunk *own_chunk(struct gm_edit *edit, struct gm_directory *set, uint32_t at)
{
    struct gm_chunk *old = set->entry[at].chunk;
    if (old->birth == edit->version)
        return old;
    struct gm_chunk *copy = new_chunk(edit);
    if (copy == NULL || !gm_edit_dead(edit, GM_NODE_CHUNK, old, sizeof(*old), old->birth))
        return NULL;
    copy->count = old->count;
    copy->direct = old->direct;
    memcpy(copy->first, old->first, old->count * sizeof(old->first[0]));
    memcpy(copy->region, old->region, old->count * sizeof(old->region[0]));
    set->entry[at].chunk = copy;
    return copy;
}

static void directory_insert(struct gm_directory *set, uint32_t at, struct gm_chunk *chunk)
{
    gm_assert(set->count < set->capacity);
    memmove(&set->entry[at + 1], &set->entry[at], (set->count - at) * sizeof(set->entry[0]));
    set->entry[at] = (struct gm_directory_entry){.first = chunk->count ? chunk->first[0] : 0, .chunk = chunk};
    set->count++;
}

static void directory_remove(struct gm_directory *set, uint32_t at)
{
    set->count--;
    memmove(&set->entry[at], &set->entry[at + 1], (set->count - at) * sizeof(set->entry[0]));
}

/* Split a full private chunk; *at and *index move to where the new region goes. */
static bool split(struct gm_edit *edit, struct gm_directory *set, uint32_t *at, uint32_t *index)
{
    struct gm_chunk *low = set->entry[*at].chunk;
    struct gm_chunk *high = new_chunk(edit);
    if (high == NULL)
        return false;
    bool append = *at == set->count - 1 && *index == low->count;
    uint32_t middle = append ? low->count : low->count / 2;
    chunk_copy(high, low, middle, low->count);
    low->count = middle;
    low->direct -= high->direct;
    directory_insert(set, *at + 1, high);
    if (*index > middle || append) {
        *at += 1;
        *index -= middle;
    }
    return true;
}

static void chunk_insert(struct gm_chunk *chunk, uint32_t index, struct gm_region *region)
{
    uint32_t behind = chunk->count - index;
    memmove(&chunk->first[index + 1], &chunk->first[index], behind * sizeof(chunk->first[0]));
    memmove(&chunk->region[index + 1], &chunk->region[index], behind * sizeof(chunk->region[0]));
    chunk->first[index] = region->first;
    chunk->region[index] = region;
    chunk->count++;
    chunk->direct += gm_region_direct(region);
}

static void count_region(struct gm_directory *set, const struct gm_region *region, uint64_t sign)
{
    uint64_t direct = gm_region_direct(region) ? sign : 0;
    set->regions += sign;
    set->direct += direct;
    set->direct_bytes += direct * (region->last - region->first + 1);
}

bool gm_regset_insert(struct gm_edit *edit, struct gm_directory **set, struct gm_region *region)
{
    struct gm_cursor cursor = {0};
    if (!own_directory(edit, set))
        return false;
    struct gm_directory *dir = *set;
    if (dir->count == 0) {
        struct gm_chunk *chunk = new_chunk(edit);
        if (chunk == NULL)
            return false;
        directory_insert(dir, 0, chunk);
    } else if (gm_regset_seek(dir, region->first, &cursor) == NULL) {
        cursor.chunk = dir->count - 1; /* behind all others */
        cursor.index = dir->entry[cursor.chunk].chunk->count;
    } else if (cursor.index == 0 && cursor.chunk > 0) {
        cursor.chunk--; /* between two chunks: at the end of the lower one */
        cursor.index = dir->entry[cursor.chunk].chunk->count;
    }
    struct gm_chunk *chunk = own_chunk(edit, dir, cursor.chunk);
    if (chunk == NULL)
        return false;
    if (chunk->count == GM_CHUNK_CAPACITY) {
        if (!split(edit, dir, &cursor.chunk, &cursor.index))
            return false;
        chunk = dir->entry[cursor.chunk].chunk;
    }
    chunk_insert(chunk, cursor.index, region);
    dir->entry[cursor.chunk].first = chunk->first[0];
    count_region(dir, region, 1);
    return true;
}

/* Join the chunk with its upper neighbour when both fit well into one, so that removals do not leave crumbs. */
static bool join(struct gm_edit *edit, struct gm_directory *set, uint32_t at)
{
    if (at + 1 >= set->count)
        return true;
    struct gm_chunk *high = set->entry[at + 1].chunk;
    if (set->entry[at].chunk->count + high->count > GM_CHUNK_CAPACITY / 2)
        return true;
    struct gm_chunk *low = own_chunk(edit, set, at);
    if (low == NULL || !gm_edit_dead(edit, GM_NODE_CHUNK, high, sizeof(*high), high->birth))
        return false;
    memcpy(low->first + low->count, high->first, high->count * sizeof(high->first[0]));
    memcpy(low->region + low->count, high->region, high->count * sizeof(high->region[0]));
    low->count += high->count;
    low->direct += high->direct;
    directory_remove(set, at + 1);
    return true;
}

bool gm_regset_remove(struct gm_edit *edit, struct gm_directory **set, const struct gm_region *region)
{
    struct gm_cursor cursor;
    if (!own_directory(edit, set))
        return false;
    struct gm_directory *dir = *set;
    gm_assert(gm_regset_seek(dir, region->first, &cursor) == region);
    struct gm_chunk *chunk = own_chunk(edit, dir, cursor.chunk);
    if (chunk == NULL)
        return false;
    uint32_t behind = --chunk->count - cursor.index;
    memmove(&chunk->first[cursor.index], &chunk->first[cursor.index + 1], behind * sizeof(chunk->first[0]));
    memmove(&chunk->region[cursor.index], &chunk->region[cursor.index + 1], behind * sizeof(chunk->region[0]));
    chunk->direct -= gm_region_direct(region);
    count_region(dir, region, UINT64_MAX);
    if (chunk->count == 0) {
        directory_remove(dir, cursor.chunk);
        return gm_edit_dead(edit, GM_NODE_CHUNK, chunk, sizeof(*chunk), chunk->birth);
    }
    dir->entry[cursor.chunk].first = chunk->first[0];
    return cursor.chunk == 0 ? join(edit, dir, 0) : join(edit, dir, cursor.chunk - 1);
}
