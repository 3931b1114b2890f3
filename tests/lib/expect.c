/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Answers out of the model; each is one walk over the cells of the range, and none knows of tables or blocks.
 */
#include "lib/expect.h"

#include <errno.h>
#include <stddef.h>

/* What is wrong with the byte at gpa for this access, 0 for nothing. */
static int byte_error(const struct gmt_region *region, unsigned rights)
{
    if (region == NULL)
        return -EFAULT;
    if (region->kind == GM_KIND_DEVICE)
        return -ENXIO;
    return (rights & GM_RW & ~region->rights) != 0 ? -EACCES : 0;
}

/* A range that ends exactly at 2^64 does not wrap: its last byte has an address. */
static int range_error(gm_gpa gpa, uint64_t len)
{
    if (len == 0)
        return -EINVAL;
    return gpa + (len - 1) < gpa ? -EOVERFLOW : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

int gmt_expect_access(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights,
                      uintptr_t *hva)
{
    int error = range_error(gpa, len);
    bool contiguous = true;
    uintptr_t start = 0;
    for (uint64_t done = 0; error == 0 && done < len; done += gmt_model_step(model, gpa + done)) {
        const struct gmt_region *region = gmt_model_at(model, gpa + done);
        error = byte_error(region, rights);
        if (error != 0)
            break;
        uintptr_t here = region->hva + (gpa + done - region->gpa);
        if (done == 0)
            start = here;
        contiguous = contiguous && here == start + done;
    }
    if (error != 0)
        return error;
    if (!contiguous)
        return -EXDEV;
    *hva = start;
    return 0;
}

void *gmt_expect_pointer(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights)
{
    uintptr_t hva = 0;
    return gmt_expect_access(model, gpa, len, rights, &hva) == 0 ? (void *)hva : NULL;
}

int gmt_expect_span(const struct gmt_model *model, gm_gpa gpa, const struct gmt_region **region)
{
    const struct gmt_region *found = gmt_model_at(model, gpa);
    int error = byte_error(found, GM_ANY);
    if (error == 0)
        *region = found;
    return error;
}

bool gmt_expect_uniform(const struct gmt_model *model, gm_gpa gpa, uint64_t len)
{
    const struct gmt_region *first = gmt_model_at(model, gpa);
    uintptr_t start = first->hva + (gpa - first->gpa);
    for (uint64_t done = 0; done < len; done += gmt_model_step(model, gpa + done)) {
        const struct gmt_region *region = gmt_model_at(model, gpa + done);
        if (region == NULL || region->kind == GM_KIND_DEVICE || region->rights != first->rights)
            return false;
        if (region->hva + (gpa + done - region->gpa) != start + done)
            return false;
    }
    return true;
}

int gmt_expect_iov(const struct gmt_model *model, gm_gpa gpa, uint64_t len, unsigned rights,
                   struct iovec *iov, unsigned room)
{
    int error = room == 0 ? -EINVAL : range_error(gpa, len);
    if (error != 0)
        return error;
    unsigned used = 0;
    uintptr_t next = 0;
    for (uint64_t done = 0, step; done < len; done += step) {
        const struct gmt_region *region = gmt_model_at(model, gpa + done);
        error = byte_error(region, rights);
        if (error != 0)
            return error;
        step = least(gmt_model_step(model, gpa + done), len - done);
        uintptr_t here = region->hva + (gpa + done - region->gpa);
        if (used == 0 || here != next) {
            if (used == room)
                return -ENOBUFS;
            iov[used++] = (struct iovec){(void *)here, 0};
        }
        iov[used - 1].iov_len += step;
        next = here + step;
    }
    return (int)used;
}

const struct gmt_region *gmt_expect_next(const struct gmt_model *model, gm_gpa gpa)
{
    const struct gmt_region *best = NULL;
    for (unsigned slot = 0; slot < GMT_REGIONS; slot++) {
        const struct gmt_region *region = &model->region[slot];
        if (region->size == 0 || region->gpa + (region->size - 1) < gpa)
            continue;
        if (best == NULL || region->gpa < best->gpa)
            best = region;
    }
    return best;
}
