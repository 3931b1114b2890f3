/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is known about a backing, and how two of them and a place in the guest relate. */
#include <errno.h>
#include <stddef.h>

#include "backing/parts.h"
#include "base/file.h"
#include "base/math.h"
#include "guestmem/backing_memory.h"

int gm_backing_info_get(const struct gm_backing *backing, struct gm_backing_info *out)
{
    if (backing == NULL || out == NULL)
        return -EINVAL;
    uint64_t size = gm_backing_size(backing);
    *out = (struct gm_backing_info){
        .kind = backing->kind,
        .flags = backing->flags,
        .address = backing->address,
        .size = size,
        .size_most = gm_max_u64(backing->size_most, size),
        .page_size = gm_backing_page(backing),
        .offset = backing->offset,
        .fd = backing->fd,
        .numa_policy = backing->numa_policy,
        .numa_nodes = backing->numa_nodes,
    };
    return 0;
}

/* Neither range is empty, and both end before 2^64. */
static bool ranges_meet(uint64_t one, uint64_t one_size, uint64_t other, uint64_t other_size)
{
    return one <= other + (other_size - 1) && other <= one + (one_size - 1);
}

static int files_meet(const struct gm_backing *one, const struct gm_backing *other)
{
    struct gm_file_status a, b;
    int result = gm_file_status_get(one->fd, &a);
    if (result == 0)
        result = gm_file_status_get(other->fd, &b);
    if (result != 0)
        return result;
    return a.device == b.device && a.inode == b.inode &&
           ranges_meet(one->offset, gm_backing_size(one), other->offset, gm_backing_size(other));
}

int gm_backing_overlaps(const struct gm_backing *one, const struct gm_backing *other)
{
    if (one == NULL || other == NULL)
        return -EINVAL;
    if (one == other)
        return 1;
    if (one->address != NULL && other->address != NULL &&
        ranges_meet((uint64_t)(uintptr_t)one->address, gm_backing_size(one), (uint64_t)(uintptr_t)other->address,
                    gm_backing_size(other)))
        return 1;
    return one->fd >= 0 && other->fd >= 0 ? files_meet(one, other) : 0;
}

/* Is there a page of that size which starts at a multiple of it everywhere? */
static bool page_fits(const struct gm_backing *backing, uint64_t offset, uint64_t gpa, uint64_t last, uint64_t page)
{
    uint64_t first, address = (uint64_t)(uintptr_t)backing->address + offset;
    uint64_t place = backing->fd >= 0 ? backing->offset + offset : address;
    if (!gm_is_aligned(gpa ^ address, page) || !gm_is_aligned(place ^ address, page))
        return false;
    return gm_align_up(gpa, page, &first) && first <= last && last - first >= page - 1;
}

int gm_backing_page_shift(const struct gm_backing *backing, uint64_t offset, gm_gpa gpa, uint64_t size)
{
    uint64_t last, backing_last;
    if (backing == NULL || size == 0 || backing->address == NULL)
        return -EINVAL;
    if (!gm_range_last(gpa, size, &last) || !gm_range_last(offset, size, &backing_last))
        return -EOVERFLOW;
    if (backing_last >= gm_backing_size(backing))
        return -ERANGE;
    if (page_fits(backing, offset, gpa, last, UINT64_C(1) << GM_GIGANTIC_SHIFT))
        return GM_GIGANTIC_SHIFT;
    if (page_fits(backing, offset, gpa, last, UINT64_C(1) << GM_HUGE_SHIFT))
        return GM_HUGE_SHIFT;
    return gm_is_aligned(gpa ^ offset, GM_PAGE_SIZE) ? GM_PAGE_SHIFT : -EINVAL;
}
