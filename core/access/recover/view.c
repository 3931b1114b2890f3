/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Recovery points for all that a view shows.
 *
 * The handler looks for the address among the regions of the version. Why it may: a version does not change once it is
 * published, and nothing of it is freed while the thread that faulted holds it; so whatever that thread was doing, the
 * directory, its chunks and the regions are whole. The walk takes a step for each region with host memory, and for each
 * other one beside these in a chunk; it locks nothing, allocates nothing and writes to nothing but its own stack. It is
 * made by a thread that has just been through the kernel, so that it need not be fast.
 */
#include <errno.h>
#include <stddef.h>

#include "access/recover/recover.h"
#include "guestmem/recover.h"
#include "map/map.h"

/* In a linear space a guest address is a distance, of holes too; and there is no host memory elsewhere. */
static bool in_reservation(const struct gm_view *view, const struct gm_recover_missing *missing, gm_gpa *where)
{
    uint64_t address;
    const uint64_t base = view->linear_base;
    if (!gm_recover_within(missing, (uintptr_t)base, (uintptr_t)(base + (view->linear_size - 1)), &address))
        return false;
    *where = address - base;
    return true;
}

static bool in_region(const struct gm_region *region, const struct gm_recover_missing *missing, gm_gpa *where)
{
    uint64_t address;
    if (!gm_region_direct(region))
        return false;
    const uint64_t first = gm_word_address(region->word, region->first);
    if (!gm_recover_within(missing, (uintptr_t)first, (uintptr_t)gm_word_address(region->word, region->last), &address))
        return false;
    *where = region->first + (address - first);
    return true;
}

/* Regions stand in the order of their guest addresses, so that the first is the lowest. */
static bool in_regions(const struct gm_directory *set, const struct gm_recover_missing *missing, gm_gpa *where)
{
    for (uint32_t at = 0; set != NULL && at < set->count; at++) {
        const struct gm_chunk *chunk = set->entry[at].chunk;
        for (uint32_t i = 0; chunk->direct != 0 && i < chunk->count; i++)
            if (in_region(chunk->region[i], missing, where))
                return true;
    }
    return false;
}

bool gm_recover_shown(const struct gm_view *view, const struct gm_recover_missing *missing, gm_gpa *where)
{
    const struct gm_directory *set = gm_version_of(view)->regions;
    const struct gm_recover_missing wanted = {missing->at, missing->at, missing->at};
    if (view->linear_size != 0)
        return in_reservation(view, missing, where);
    return in_regions(set, &wanted, where) || (missing->first != missing->last && in_regions(set, missing, where));
}

int gm_recover_view(const struct gm_view *view, int (*function)(void *argument), void *argument, gm_gpa *fault)
{
    struct gm_recover_point point;
    if (view == NULL || function == NULL)
        return -EINVAL;
    if (!gm_recover_is_installed())
        return -EPERM;
    point.view = view;
    point.fault = GM_RECOVER_NONE;
    int result = gm_recover_run(&point, function, argument);
    if (fault != NULL)
        *fault = point.fault;
    return result;
}
