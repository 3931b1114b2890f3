/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The error conditions of gm_txn_add, _remove and _resize, one line of the contract after the other. */
#include "lib/judge.h"

#include <errno.h>

#define PAGE_MASK (GM_PAGE_SIZE - 1)

static void blame(struct gmt_verdict *verdict, bool wrong, int error)
{
    if (wrong)
        verdict->allowed[verdict->errors++] = error;
}

bool gmt_verdict_allows(const struct gmt_verdict *verdict, int result)
{
    if (result == -EBUSY && verdict->or_busy)
        return true;
    if (verdict->errors == 0)
        return result == 0;
    for (unsigned i = 0; i < verdict->errors; i++) {
        if (verdict->allowed[i] == result)
            return true;
    }
    return false;
}

/* A range that ends exactly at 2^64 does not wrap: its last byte has an address. */
static bool wraps(uint64_t start, uint64_t size)
{
    return size != 0 && start + (size - 1) < start;
}

/* Whether a state has host memory of a region other than tag's anywhere in the range. */
static bool state_uses(const struct gmt_model *model, gm_gpa gpa, uint64_t size, uint64_t tag)
{
    for (uint64_t done = 0; done < size; done += gmt_model_step(model, gpa + done)) {
        const struct gmt_region *region = gmt_model_at(model, gpa + done);
        if (region != NULL && region->kind != GM_KIND_DEVICE && region->tag != tag)
            return true;
    }
    return false;
}

static bool marked_busy(const struct gmt_world *world, gm_gpa gpa, uint64_t size)
{
    const struct gmt_layout *layout = &world->profile->layout;
    for (unsigned w = 0; w < layout->windows; w++) {
        const struct gmt_window *window = &layout->window[w];
        for (uint64_t i = 0; i < window->cells; i++) {
            uint64_t at = window->base + (i << window->shift);
            if (world->busy[w][i] != 0 && at >= gpa && at - gpa < size)
                return true;
        }
    }
    return false;
}

/* Host addresses of a linear space are reused only when no view that anybody may hold has memory there. */
static void judge_busy(const struct gmt_world *world, struct gmt_verdict *verdict, gm_gpa gpa, uint64_t size,
                       uint64_t tag, bool device)
{
    if (world->profile->linear_size == 0 || verdict->errors != 0)
        return;
    verdict->or_busy = marked_busy(world, gpa, size);
    if (device)
        return;
    bool used = state_uses(&world->current, gpa, size, tag);
    for (unsigned i = 0; i < GMT_SNAPSHOTS && !used; i++)
        used = world->snap[i].snapshot != NULL && state_uses(&world->snap[i].model, gpa, size, tag);
    blame(verdict, used, -EBUSY);
}

/* The reservation of a linear space binds memory only; devices may be anywhere. */
static void judge_range(const struct gmt_world *world, struct gmt_verdict *verdict, gm_gpa gpa, uint64_t size,
                        bool device)
{
    uint64_t linear = device ? 0 : world->profile->linear_size;
    uint64_t last = gpa + (size - 1);
    blame(verdict, wraps(gpa, size), -EOVERFLOW);
    blame(verdict, !wraps(gpa, size) && last > GM_GPA_LAST, -ERANGE);
    blame(verdict, !wraps(gpa, size) && linear != 0 && last >= linear, -ERANGE);
    blame(verdict, linear != 0 && ((gpa | size) & PAGE_MASK) != 0, -EINVAL);
}

static void judge_memory(const struct gmt_world *world, struct gmt_verdict *verdict,
                         const struct gm_region_desc *desc, uint64_t backing_size)
{
    bool linear = world->profile->linear_size != 0;
    uint64_t last = desc->offset + (desc->size - 1);
    blame(verdict, (desc->rights & ~(unsigned)GM_RW) != 0, -EINVAL);
    blame(verdict, desc->kind == GM_KIND_ROM && (desc->rights & GM_WRITE) != 0, -EINVAL);
    blame(verdict, ((desc->offset ^ desc->gpa) & PAGE_MASK) != 0, -EINVAL);
    if (desc->backing == NULL) {
        blame(verdict, !linear, -EINVAL);
        return;
    }
    blame(verdict, linear && gm_backing_fd(desc->backing) < 0, -EOPNOTSUPP);
    blame(verdict, wraps(desc->offset, desc->size), -EOVERFLOW);
    blame(verdict, !wraps(desc->offset, desc->size) && last >= backing_size, -ERANGE);
}

struct gmt_verdict gmt_judge_add(const struct gmt_world *world, const struct gm_region_desc *desc,
                                 uint64_t backing_size)
{
    struct gmt_verdict verdict = {.errors = 0};
    bool device = desc->kind == GM_KIND_DEVICE;
    blame(&verdict, desc->size == 0, -EINVAL);
    blame(&verdict, desc->kind > GM_KIND_FIRMWARE, -EINVAL);
    blame(&verdict, device && (desc->rights != 0 || desc->backing != NULL), -EINVAL);
    blame(&verdict, desc->backing == NULL && desc->offset != 0, -EINVAL);
    judge_range(world, &verdict, desc->gpa, desc->size, device);
    if (!device)
        judge_memory(world, &verdict, desc, backing_size);
    if (!wraps(desc->gpa, desc->size))
        blame(&verdict, gmt_model_overlaps(&world->staged, desc->gpa, desc->size, GMT_REGIONS), -EEXIST);
    judge_busy(world, &verdict, desc->gpa, desc->size, 0, device);
    return verdict;
}

struct gmt_verdict gmt_judge_remove(const struct gmt_world *world, gm_gpa gpa, uint64_t size)
{
    struct gmt_verdict verdict = {.errors = 0};
    unsigned slot = gmt_model_slot(&world->staged, gpa);
    bool exact = slot < GMT_REGIONS && world->staged.region[slot].size == size;
    blame(&verdict, size == 0, -EINVAL);
    blame(&verdict, size != 0 && !exact, -ENOENT);
    return verdict;
}

struct gmt_verdict gmt_judge_resize(const struct gmt_world *world, gm_gpa gpa, uint64_t size)
{
    struct gmt_verdict verdict = {.errors = 0};
    unsigned slot = gmt_model_slot(&world->staged, gpa);
    blame(&verdict, size == 0, -EINVAL);
    blame(&verdict, slot == GMT_REGIONS, -ENOENT);
    if (verdict.errors != 0)
        return verdict;
    const struct gmt_region *region = &world->staged.region[slot];
    judge_range(world, &verdict, gpa, size, region->kind == GM_KIND_DEVICE);
    if (region->kind != GM_KIND_DEVICE) {
        blame(&verdict, wraps(region->offset, size), -EOVERFLOW);
        blame(&verdict, size > region->limit, -ERANGE);
    }
    if (!wraps(gpa, size))
        blame(&verdict, gmt_model_overlaps(&world->staged, gpa, size, slot), -EEXIST);
    if (size > region->size)
        judge_busy(world, &verdict, gpa + region->size, size - region->size, region->tag,
                   region->kind == GM_KIND_DEVICE);
    return verdict;
}
