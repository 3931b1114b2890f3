/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Staging: begin, the edits of the region set, abort. Each edit is validated against what was staged before it, so
 * that an error comes from the call that caused it. The leaf table is not touched before commit: of it only the
 * windows are noted.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "backing/backing.h"
#include "base/check.h"
#include "base/math.h"
#include "base/rcu.h"
#include "space/layout.h"
#include "space/space.h"

int gm_txn_begin(struct gm_space *space, struct gm_txn **out)
{
    if (space == NULL || out == NULL)
        return -EINVAL;
    if (gm_rcu_reading())
        return -EDEADLK;
    int result = -pthread_mutex_lock(&space->lock);
    if (result != 0)
        return result;
    struct gm_txn *txn = &space->txn;
    const struct gm_version *current = space->current;
    txn->edit.version = gm_generation_next();
    txn->edit.map_bytes = current->map_bytes;
    txn->edit.other_bytes = current->other_bytes;
    txn->regions = current->regions;
    txn->window_count = 0;
    txn->failed = false;
    txn->open = true;
    *out = txn;
    return 0;
}

void gm_txn_abort(struct gm_txn *txn)
{
    if (txn == NULL || !txn->open)
        return;
    gm_edit_drop(txn->space, &txn->edit);
    txn->open = false;
    pthread_mutex_unlock(&txn->space->lock);
}

/* May this transaction take another edit? */
static int check_txn(const struct gm_txn *txn)
{
    if (txn == NULL || !txn->open)
        return -EINVAL;
    return txn->failed ? -ENOMEM : 0;
}

/* Without memory the staged copies may be half made; only dropping them all is safe. */
static int fail(struct gm_txn *txn)
{
    txn->failed = true;
    return -ENOMEM;
}

/* Remember that first..last changed; edits of neighbours become one window. */
static bool note_window(struct gm_txn *txn, uint64_t first, uint64_t last)
{
    if (txn->window_count != 0) {
        struct gm_window *newest = &txn->windows[txn->window_count - 1];
        if (first <= newest->last + 1 && last + 1 >= newest->first) {
            newest->first = gm_min_u64(newest->first, first);
            newest->last = gm_max_u64(newest->last, last);
            return true;
        }
    }
    if (txn->window_count == txn->window_capacity) {
        size_t capacity = txn->window_capacity * 2 + 16;
        struct gm_window *windows = gm_alloc(txn->edit.heap, capacity * sizeof(*windows));
        if (windows == NULL)
            return false;
        for (size_t i = 0; i < txn->window_count; i++)
            windows[i] = txn->windows[i];
        gm_free(txn->edit.heap, txn->windows, txn->window_capacity * sizeof(*windows));
        txn->windows = windows;
        txn->window_capacity = capacity;
    }
    txn->windows[txn->window_count++] = (struct gm_window){.first = first, .last = last};
    return true;
}

static bool kind_fits(const struct gm_region_desc *desc, bool linear)
{
    switch (desc->kind) {
    case GM_KIND_RAM:
    case GM_KIND_DAX:
    case GM_KIND_FIRMWARE:
        return (desc->rights & ~(unsigned)GM_RW) == 0 && (desc->backing != NULL || (linear && desc->offset == 0));
    case GM_KIND_ROM:
        return (desc->rights & ~(unsigned)GM_READ) == 0 && (desc->backing != NULL || (linear && desc->offset == 0));
    case GM_KIND_DEVICE:
        return desc->rights == 0 && desc->backing == NULL && desc->offset == 0;
    }
    return false;
}

static bool label_fits(const struct gm_region_desc *desc)
{
    return desc->numa <= (unsigned)INT_MAX + 1 &&
           (desc->name == NULL || strnlen(desc->name, GM_REGION_NAME_MOST + 1) <= GM_REGION_NAME_MOST);
}

/* Everything about a region that does not depend on the others. */
static int check_desc(const struct gm_space *space, const struct gm_region_desc *desc, uint64_t *last)
{
    bool linear = space->linear_base != NULL;
    uint64_t backing_last;
    if (desc == NULL || desc->size == 0 || !kind_fits(desc, linear) || !label_fits(desc))
        return -EINVAL;
    if (desc->memory != NULL && (!linear || desc->kind == GM_KIND_DEVICE || desc->backing != NULL))
        return -EINVAL;
    if (!gm_range_last(desc->gpa, desc->size, last))
        return -EOVERFLOW;
    if (desc->backing != NULL) {
        if (!gm_range_last(desc->offset, desc->size, &backing_last))
            return -EOVERFLOW;
        if (!gm_is_aligned(desc->offset ^ desc->gpa, GM_PAGE_SIZE))
            return -EINVAL;
        if (backing_last >= gm_backing_size(desc->backing))
            return -ERANGE;
        if (gm_backing_address(desc->backing) == NULL)
            return -EOPNOTSUPP;
    }
    if (*last > GM_GPA_LAST)
        return -ERANGE;
    if (space->has_layout && !gm_layout_has_place(&space->layout, desc->kind, desc->gpa, *last))
        return -EDOM;
    if (!linear || desc->kind == GM_KIND_DEVICE)
        return 0;
    if (!gm_is_aligned(desc->gpa | desc->size, GM_PAGE_SIZE))
        return -EINVAL;
    if (*last >= space->linear_size)
        return -ERANGE;
    if (desc->backing == NULL)
        return 0;
    return gm_backing_check_second(desc->backing, desc->offset, space->linear_base + desc->gpa, desc->size);
}

/* Is first..last free of regions, apart from this one? */
static bool is_free(const struct gm_directory *set, uint64_t first, uint64_t last, const struct gm_region *but)
{
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(set, first, &cursor);
    if (region != NULL && region == but)
        region = gm_regset_next(&cursor);
    return region == NULL || region->first > last;
}

static uint64_t region_word(const struct gm_space *space, const struct gm_region_desc *desc)
{
    if (desc->kind == GM_KIND_DEVICE)
        return GM_LEAF_ASK;
    unsigned rights = desc->rights;
    if (rights == 0)
        rights = desc->kind == GM_KIND_ROM || desc->kind == GM_KIND_FIRMWARE ? GM_READ : GM_RW;
    uint64_t delta = space->linear_base != NULL
                         ? (uint64_t)(uintptr_t)space->linear_base
                         : (uint64_t)(uintptr_t)desc->backing->address + desc->offset - desc->gpa;
    return delta | (~(uint64_t)rights & GM_RW);
}

static struct gm_region *region_new(struct gm_txn *txn, const struct gm_region_desc *desc, uint64_t last)
{
    struct gm_region *region = gm_edit_new(&txn->edit, GM_NODE_REGION, sizeof(*region));
    if (region == NULL)
        return NULL;
    *region = (struct gm_region){
        .first = desc->gpa,
        .last = last,
        .word = region_word(txn->space, desc),
        .tag = desc->tag,
        .offset = desc->offset,
        .backing = desc->backing != NULL ? gm_backing_get(desc->backing) : NULL,
        .birth = txn->edit.version,
        .user = desc->user,
        .kind = desc->kind,
        .numa = desc->numa,
    };
    if (desc->name != NULL)
        memcpy(region->name, desc->name, strlen(desc->name));
    return region;
}

/* A linear space: memory in place; out is how it was made, if that was said. */
static int add_mapping(struct gm_txn *txn, const struct gm_region_desc *desc, uint64_t last, struct gm_backing **out)
{
    struct gm_backing *manner = NULL;
    if (desc->memory != NULL) {
        int refused = gm_backing_manner(desc->memory, desc->size, &manner);
        if (refused != 0)
            return refused == -ENOMEM ? fail(txn) : refused;
    }
    int result = gm_linear_map(txn, manner != NULL ? manner : desc->backing, desc->offset, desc->gpa, last);
    if (result != 0)
        gm_backing_put(manner);
    else
        *out = manner;
    return result;
}

int gm_txn_add(struct gm_txn *txn, const struct gm_region_desc *desc)
{
    uint64_t last;
    struct gm_backing *manner = NULL;
    int result = check_txn(txn);
    if (result == 0)
        result = check_desc(txn->space, desc, &last);
    if (result != 0)
        return result;
    if (!is_free(txn->regions, desc->gpa, last, NULL))
        return -EEXIST;
    bool in_place = txn->space->linear_base != NULL && desc->kind != GM_KIND_DEVICE;
    if (in_place)
        result = add_mapping(txn, desc, last, &manner);
    if (result != 0)
        return result;
    struct gm_region *region = region_new(txn, desc, last);
    if (region == NULL) {
        gm_backing_put(manner);
        return fail(txn);
    }
    region->mapped_birth = in_place ? txn->edit.version : 0;
    region->manner = manner;
    if (!gm_regset_insert(&txn->edit, &txn->regions, region) || !note_window(txn, desc->gpa, last))
        return fail(txn);
    return 0;
}

/* The region that starts at gpa, as staged so far. */
static struct gm_region *region_at(const struct gm_txn *txn, uint64_t gpa)
{
    struct gm_region *region = gm_regset_find(txn->regions, gpa);
    return region != NULL && region->first == gpa ? region : NULL;
}

static bool region_dead(struct gm_txn *txn, struct gm_region *region)
{
    return gm_regset_remove(&txn->edit, &txn->regions, region) &&
           gm_edit_dead(&txn->edit, GM_NODE_REGION, region, sizeof(*region), region->birth);
}

int gm_txn_remove(struct gm_txn *txn, gm_gpa gpa, uint64_t size)
{
    int result = size == 0 ? -EINVAL : check_txn(txn);
    if (result != 0)
        return result;
    struct gm_region *region = region_at(txn, gpa);
    if (region == NULL || region->last - region->first != size - 1)
        return -ENOENT;
    struct gm_table *uniform = region->uniform;
    if (region->mapped_birth != 0 && !gm_linear_unmap(txn, region->first, region->last, region->mapped_birth))
        return fail(txn);
    if (uniform != NULL && !gm_edit_dead(&txn->edit, GM_NODE_TABLE, uniform, sizeof(*uniform), uniform->birth))
        return fail(txn);
    if (!region_dead(txn, region) || !note_window(txn, region->first, region->last))
        return fail(txn);
    return 0;
}

/* Linear spaces: map what was gained, or give up what was lost. */
static int resize_mapping(struct gm_txn *txn, const struct gm_region *old, uint64_t last)
{
    if (old->mapped_birth == 0)
        return 0;
    if (last > old->last)
        return gm_linear_map(txn, old->manner != NULL ? old->manner : old->backing,
                             old->offset + (old->last + 1 - old->first), old->last + 1, last);
    return gm_linear_unmap(txn, last + 1, old->last, old->mapped_birth) ? 0 : fail(txn);
}

/* What would make the region anew, with another size. */
static struct gm_region_desc resized(const struct gm_region *region, uint64_t size)
{
    return (struct gm_region_desc){
        .gpa = region->first,
        .size = size,
        .kind = region->kind,
        .rights = region->kind == GM_KIND_DEVICE ? 0 : gm_word_rights(region->word),
        .backing = region->backing,
        .offset = region->offset,
        .tag = region->tag,
        .user = region->user,
        .name = region->name,
        .numa = region->numa,
    };
}

int gm_txn_resize(struct gm_txn *txn, gm_gpa gpa, uint64_t new_size)
{
    uint64_t last;
    int result = check_txn(txn);
    if (result != 0)
        return result;
    struct gm_region *old = region_at(txn, gpa);
    if (old == NULL)
        return new_size == 0 ? -EINVAL : -ENOENT;
    const struct gm_region_desc desc = resized(old, new_size);
    result = check_desc(txn->space, &desc, &last);
    if (result != 0 || last == old->last)
        return result;
    if (!is_free(txn->regions, gpa, last, old))
        return -EEXIST;
    result = resize_mapping(txn, old, last);
    if (result != 0)
        return result;
    struct gm_region *region = region_new(txn, &desc, last);
    if (region == NULL)
        return fail(txn);
    region->uniform = old->uniform; /* the same word; the table lives on with the new region */
    region->mapped_birth = old->mapped_birth;
    region->manner = old->manner != NULL ? gm_backing_get(old->manner) : NULL;
    uint64_t from = gm_min_u64(old->last, last);
    uint64_t to = gm_max_u64(old->last, last);
    if (!region_dead(txn, old) || !gm_regset_insert(&txn->edit, &txn->regions, region) ||
        !note_window(txn, from, to))
        return fail(txn);
    return 0;
}
