/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Looking at the regions of a view. */
#include "guestmem/region.h"

#include <errno.h>

#include "base/math.h"
#include "guestmem/translate.h"
#include "map/map.h"

static int describe(const struct gm_region *region, struct gm_region_info *out)
{
    bool direct = gm_region_direct(region);
    *out = (struct gm_region_info){
        .gpa = region->first,
        .size = region->last - region->first + 1,
        .address = direct ? (void *)(uintptr_t)gm_word_address(region->word, region->first) : NULL,
        .tag = region->tag,
        .kind = region->kind,
        .rights = direct ? gm_word_rights(region->word) : 0,
        .numa_node = (int)((int64_t)region->numa - 1), /* 0 is none */
        .name = region->name,
        .user = region->user,
        .backing = region->backing,
        .offset = region->offset,
    };
    return 0;
}

static const struct gm_region *find(const struct gm_view *view, gm_gpa gpa)
{
    return gm_regset_find(gm_version_of(view)->regions, gpa);
}

int gm_region_find(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out)
{
    if (out == NULL)
        return -EINVAL;
    const struct gm_region *region = find(view, gpa);
    return region != NULL ? describe(region, out) : -ENOENT;
}

int gm_region_next(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out)
{
    struct gm_cursor cursor;
    if (out == NULL)
        return -EINVAL;
    const struct gm_region *region = gm_regset_seek(gm_version_of(view)->regions, gpa, &cursor);
    return region != NULL ? describe(region, out) : -ENOENT;
}

int gm_region_kind(const struct gm_view *view, gm_gpa gpa)
{
    const struct gm_region *region = find(view, gpa);
    return region != NULL ? (int)region->kind : -ENOENT;
}

int gm_region_rights(const struct gm_view *view, gm_gpa gpa)
{
    const struct gm_region *region = find(view, gpa);
    if (region == NULL)
        return -ENOENT;
    return gm_region_direct(region) ? (int)gm_word_rights(region->word) : 0;
}

int gm_region_node(const struct gm_view *view, gm_gpa gpa)
{
    const struct gm_region *region = find(view, gpa);
    if (region == NULL)
        return -ENOENT;
    return region->numa != 0 ? (int)(region->numa - 1) : -ENODATA;
}

int gm_region_last(const struct gm_view *view, unsigned kinds, gm_gpa *out)
{
    if (out == NULL || kinds == 0 || (kinds & ~GM_KINDS_ALL) != 0)
        return -EINVAL;
    const struct gm_region *region = gm_regset_last(gm_version_of(view)->regions, kinds);
    if (region == NULL)
        return -ENOENT;
    *out = region->last;
    return 0;
}

int gm_range_check(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    if (len == 0)
        return 0;
    int result = gm_translate_why(view, gpa, len, rights);
    return result == -EXDEV ? 0 : result; /* in pieces, but all there */
}

int gm_range_offset(const struct gm_view *view, gm_gpa gpa, uint64_t offset, gm_gpa *out)
{
    uint64_t sum;
    if (out == NULL)
        return -EINVAL;
    if (!gm_add_ok(gpa, offset, &sum))
        return -EOVERFLOW;
    int result = gm_translate_why(view, sum, 1, GM_ANY);
    if (result == 0)
        *out = sum;
    return result;
}
