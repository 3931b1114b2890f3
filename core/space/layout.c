/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Where a layout has room for which kind. Memory keeps to the memory area; devices keep out of it, so that no BAR takes
 * an address that memory may be plugged into later.
 */
#include "space/layout.h"

#include <errno.h>
#include <stddef.h>

#include "base/math.h"

int gm_layout_validate(const struct gm_layout *layout)
{
    if (layout == NULL || layout->mem_first > layout->mem_last || layout->mem_last > layout->phys_last ||
        layout->phys_last > GM_GPA_LAST || layout->holes > GM_LAYOUT_HOLES_MOST)
        return -EINVAL;
    for (unsigned i = 0; i < layout->holes; i++) {
        const struct gm_layout_hole *hole = &layout->hole[i];
        if (hole->first > hole->last || hole->last > layout->phys_last)
            return -EINVAL;
        if (i != 0 && hole->first <= hole[-1].last)
            return -EINVAL;
    }
    return 0;
}

static bool touches_hole(const struct gm_layout *layout, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < layout->holes; i++)
        if (first <= layout->hole[i].last && last >= layout->hole[i].first)
            return true;
    return false;
}

/* Is all of first..last in holes? Holes that touch are one. */
static bool in_holes(const struct gm_layout *layout, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; i < layout->holes; i++) {
        const struct gm_layout_hole *hole = &layout->hole[i];
        if (first < hole->first || first > hole->last)
            continue;
        if (last <= hole->last)
            return true;
        first = hole->last + 1;
    }
    return false;
}

bool gm_layout_has_place(const struct gm_layout *layout, enum gm_kind kind, uint64_t first, uint64_t last)
{
    if (last > layout->phys_last)
        return false;
    if (kind == GM_KIND_RAM)
        return first >= layout->mem_first && last <= layout->mem_last && !touches_hole(layout, first, last);
    if (kind == GM_KIND_ROM || kind == GM_KIND_FIRMWARE)
        return true;
    uint64_t from = gm_max_u64(first, layout->mem_first);
    uint64_t to = gm_min_u64(last, layout->mem_last);
    return from > to || in_holes(layout, from, to);
}

int gm_layout_allows(const struct gm_layout *layout, enum gm_kind kind, gm_gpa gpa, uint64_t size)
{
    uint64_t last;
    if (gm_layout_validate(layout) != 0 || size == 0 || (unsigned)kind >= 32 || (GM_KIND_BIT(kind) & GM_KINDS_ALL) == 0)
        return -EINVAL;
    if (!gm_range_last(gpa, size, &last))
        return -EOVERFLOW;
    return gm_layout_has_place(layout, kind, gpa, last) ? 0 : -EDOM;
}
