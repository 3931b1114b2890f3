/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The few runs that the permute kernels hold in registers. Kept up to date by cutting the window out of the old
 * runs and putting in what the region set now has there, so that a change costs the same on a machine with a
 * thousand device regions.
 */
#include "map/map.h"

#include <string.h>

#include "base/math.h"

struct collected {
    unsigned count;
    uint64_t first[GM_RUNS_LIMIT];
    uint64_t last[GM_RUNS_LIMIT];
    uint64_t word[GM_RUNS_LIMIT];
};

/* Append a run in GPA order, joining it with the one before where they are one in guest and host. */
static bool collect(struct collected *to, uint64_t first, uint64_t last, uint64_t word)
{
    if (to->count != 0 && to->word[to->count - 1] == word && to->last[to->count - 1] + 1 == first) {
        to->last[to->count - 1] = last;
        return true;
    }
    if (to->count == GM_RUNS_LIMIT)
        return false;
    to->first[to->count] = first;
    to->last[to->count] = last;
    to->word[to->count++] = word;
    return true;
}

static bool collect_old(struct collected *to, const struct gm_runs *old, uint64_t first, uint64_t last)
{
    for (unsigned i = 0; old != NULL && i < old->count; i++) {
        uint64_t low = gm_max_u64(old->first[i], first);
        uint64_t high = gm_min_u64(old->last[i], last);
        if (low <= high && !collect(to, low, high, old->word[i]))
            return false;
    }
    return true;
}

static bool collect_regions(struct collected *to, const struct gm_directory *regions, uint64_t first, uint64_t last)
{
    struct gm_cursor cursor;
    struct gm_region *region = gm_regset_seek(regions, first, &cursor);
    for (; region != NULL && region->first <= last; region = gm_regset_next(&cursor))
        if (gm_region_direct(region) && !collect(to, gm_max_u64(region->first, first),
                                                 gm_min_u64(region->last, last), region->word))
            return false;
    return true;
}

#define PAGED_SPAN (UINT64_C(1) << (31 + GM_PAGE_SHIFT))

static void fill_pages(struct gm_runs *runs)
{
    uint64_t origin = runs->first[0];
    uint64_t ragged = 0;
    for (unsigned i = 0; i < runs->count; i++)
        ragged |= runs->first[i] - origin;
    runs->paged = runs->count != 0 && gm_is_aligned(ragged, GM_PAGE_SIZE) &&
                  runs->last[runs->count - 1] - origin < PAGED_SPAN;
    for (unsigned up = 0; up < 4; up++) {
        for (unsigned i = 0; i < GM_RUNS_LIMIT; i++) {
            unsigned at = i + (1u << up);
            runs->page_below[up][i] =
                at < runs->count ? (uint32_t)((runs->first[at] - origin) >> GM_PAGE_SHIFT) - 1 : INT32_MAX;
        }
    }
}

static bool runs_new(struct gm_edit *edit, struct gm_version *next, const struct collected *from)
{
    struct gm_runs *runs = next->runs;
    if (runs == NULL || runs->birth != edit->version) {
        runs = gm_edit_new(edit, GM_NODE_RUNS, sizeof(*runs));
        if (runs == NULL)
            return false;
        if (next->runs != NULL &&
            !gm_edit_dead(edit, GM_NODE_RUNS, next->runs, sizeof(*runs), next->runs->birth))
            return false;
        next->runs = runs;
    }
    runs->birth = edit->version;
    runs->count = from->count;
    for (unsigned i = 0; i < GM_RUNS_LIMIT; i++) {
        bool used = i < from->count;
        runs->first[i] = used ? from->first[i] : UINT64_MAX;
        runs->last[i] = used ? from->last[i] : 0;
        runs->word[i] = used ? from->word[i] : GM_LEAF_HOLE;
    }
    fill_pages(runs);
    return true;
}

static bool runs_drop(struct gm_edit *edit, struct gm_version *next)
{
    struct gm_runs *runs = next->runs;
    next->runs = NULL;
    return runs == NULL || gm_edit_dead(edit, GM_NODE_RUNS, runs, sizeof(*runs), runs->birth);
}

bool gm_runs_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last)
{
    const struct gm_runs *old = next->runs;
    struct collected all;
    all.count = 0;
    if (old == NULL) {
        /* Were there too many, only a full look tells whether they are few again; it is taken when they can be. */
        if (next->regions == NULL || next->regions->direct > GM_RUNS_LIMIT)
            return true;
        first = 0;
        last = UINT64_MAX;
    }
    bool few = (first == 0 || collect_old(&all, old, 0, first - 1)) &&
               collect_regions(&all, next->regions, first, last) &&
               (last == UINT64_MAX || collect_old(&all, old, last + 1, UINT64_MAX));
    return few ? runs_new(edit, next, &all) : runs_drop(edit, next);
}
