/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Where the memory goes. Anything but plain memory gets a reservation that is longer than it: to align it, to keep its
 * guards, and to let it grow without moving.
 */
#include <errno.h>
#include <sys/mman.h>

#include "backing/parts.h"
#include "base/math.h"
#include "base/mem.h"

/* A kernel without the feature answers EINVAL; the memory works all the same. */
static int hint(void *address, uint64_t size, int advice)
{
    int result = gm_mem_advise(address, size, advice);
    return result == -EINVAL ? 0 : result;
}

int gm_backing_advise(unsigned flags, void *address, uint64_t size)
{
    int result = 0;
    if ((flags & GM_BACKING_THP) != 0)
        result = hint(address, size, MADV_HUGEPAGE);
    if (result == 0 && (flags & GM_BACKING_DUMP) == 0)
        result = hint(address, size, MADV_DONTDUMP);
    if (result == 0 && (flags & GM_BACKING_NO_FORK) != 0)
        result = gm_mem_advise(address, size, MADV_DONTFORK);
    if (result == 0 && (flags & GM_BACKING_MERGEABLE) != 0)
        result = hint(address, size, MADV_MERGEABLE);
    return result;
}

static int map_at(const struct gm_backing *backing, uint64_t offset, void *at, uint64_t size, void **out)
{
    unsigned how = (backing->flags & GM_BACKING_NORESERVE) != 0 ? GM_MEM_NORESERVE : 0;
    unsigned shift = backing->kind == GM_BACKING_KIND_HUGETLB ? backing->page_shift : 0;
    if ((backing->flags & GM_BACKING_PRIVATE) != 0)
        how |= GM_MEM_PRIVATE;
    int result = gm_mem_map_how(at, size, backing->fd, backing->offset + offset, how, shift, out);
    return shift != 0 && result == -EINVAL ? -ENODEV : result; /* all else that EINVAL means was checked */
}

static int tell_kernel(const struct gm_backing *backing, void *address, uint64_t size)
{
    int result = gm_backing_advise(backing->flags, address, size);
    return result != 0 ? result : gm_numa_apply(backing->numa_policy, backing->numa_nodes, address, size);
}

int gm_backing_map(struct gm_backing *backing, uint64_t from, uint64_t size)
{
    char *at = (char *)backing->address + from;
    void *ignored;
    int result = map_at(backing, from, at, size, &ignored);
    return result != 0 ? result : tell_kernel(backing, at, size);
}

int gm_backing_unmap(struct gm_backing *backing, uint64_t from, uint64_t size)
{
    return gm_mem_unmap_to_reservation((char *)backing->address + from, size);
}

/* Memory that needs nothing around it. */
static int place_plainly(struct gm_backing *backing)
{
    int result = map_at(backing, 0, NULL, backing->size, &backing->address);
    if (result != 0)
        return result;
    backing->reservation = backing->address;
    backing->reservation_size = backing->size;
    return tell_kernel(backing, backing->address, backing->size);
}

int gm_backing_place(struct gm_backing *backing, uint64_t align, uint64_t phase)
{
    uint64_t most = gm_max_u64(backing->size, backing->size_most);
    uint64_t guard = (backing->flags & GM_BACKING_GUARD) != 0 ? GM_PAGE_SIZE : 0;
    align = gm_max_u64(align, gm_backing_page(backing));
    if ((backing->flags & GM_BACKING_THP) != 0)
        align = gm_max_u64(align, UINT64_C(1) << GM_HUGE_SHIFT);
    phase = (phase + backing->offset) & (align - 1);
    if (guard == 0 && align == GM_PAGE_SIZE && most == backing->size)
        return place_plainly(backing);
    uint64_t total;
    if (!gm_add_ok(most, align - GM_PAGE_SIZE + 2 * guard, &total))
        return -EOVERFLOW;
    int result = gm_mem_reserve(total, &backing->reservation);
    if (result != 0)
        return result;
    backing->reservation_size = total;
    uint64_t lowest = (uint64_t)(uintptr_t)backing->reservation + guard;
    backing->address = (void *)(uintptr_t)(lowest + ((phase - lowest) & (align - 1)));
    return gm_backing_map(backing, 0, backing->size);
}

int gm_backing_check_second(const struct gm_backing *backing, uint64_t offset, const void *at, uint64_t size)
{
    if (backing->address == NULL || backing->fd < 0 || (backing->flags & GM_BACKING_PRIVATE) != 0)
        return -EOPNOTSUPP;
    bool whole = gm_is_aligned(offset | (uint64_t)(uintptr_t)at | size, gm_backing_page(backing));
    return whole ? 0 : -EINVAL;
}

int gm_backing_map_second(const struct gm_backing *backing, uint64_t offset, void *at, uint64_t size)
{
    void *ignored;
    int result = map_at(backing, offset, at, size, &ignored);
    if (result == 0)
        result = gm_backing_advise(backing->flags, at, size);
    if (result == 0 && backing->page_shift != GM_PAGE_SHIFT) /* else the policy is the file's, for all its mappings */
        result = gm_numa_apply(backing->numa_policy, backing->numa_nodes, at, size);
    return result;
}

int gm_backing_map_anonymous(const struct gm_backing *manner, void *at, uint64_t size)
{
    static const struct gm_backing plain = {.flags = GM_BACKING_NORESERVE, .fd = -1};
    if (manner == NULL)
        manner = &plain;
    void *ignored;
    int result = gm_mem_map(at, size, -1, 0, (manner->flags & GM_BACKING_NORESERVE) != 0, &ignored);
    return result != 0 ? result : tell_kernel(manner, at, size);
}
