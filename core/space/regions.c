/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Looking at the regions of a view. */
#include <errno.h>

#include "map/map.h"
#include "guestmem/space.h"

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
    };
    return 0;
}

int gm_region_find(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out)
{
    const struct gm_region *region = gm_regset_find(gm_version_of(view)->regions, gpa);
    return region != NULL ? describe(region, out) : -ENOENT;
}

int gm_region_next(const struct gm_view *view, gm_gpa gpa, struct gm_region_info *out)
{
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(gm_version_of(view)->regions, gpa, &cursor);
    return region != NULL ? describe(region, out) : -ENOENT;
}
