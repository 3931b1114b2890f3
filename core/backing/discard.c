/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Giving memory back: what empties a page depends on whose it is. */
#include <errno.h>
#include <sys/mman.h>

#include "backing/parts.h"
#include "base/file.h"
#include "base/math.h"
#include "base/mem.h"
#include "guestmem/backing_memory.h"

int gm_backing_check_range(const struct gm_backing *backing, uint64_t offset, uint64_t size)
{
    uint64_t last;
    if (backing == NULL || size == 0)
        return -EINVAL;
    uint64_t whole = gm_backing_size(backing);
    if (!gm_range_last(offset, size, &last))
        return -EOVERFLOW;
    if (last >= whole)
        return -ERANGE;
    bool ends = last + 1 == whole || gm_is_aligned(last + 1, gm_backing_page(backing));
    return ends && gm_is_aligned(offset, gm_backing_page(backing)) ? 0 : -EINVAL;
}

/*
 * A page of the file would come back: put memory there that is nobody's. It is made elsewhere, and moved when nothing
 * is left that could fail for want of memory, or of huge pages.
 */
static int discard_private_file(struct gm_backing *backing, void *at, uint64_t size)
{
    unsigned how = (backing->flags & GM_BACKING_NORESERVE) != 0 ? GM_MEM_NORESERVE : 0;
    unsigned shift = backing->page_shift != GM_PAGE_SHIFT ? backing->page_shift : 0;
    void *made;
    int result = gm_mem_map_how(NULL, size, -1, 0, how, shift, &made);
    if (result != 0)
        return result;
    result = gm_backing_advise(backing->flags, made, size);
    if (result == 0)
        result = gm_numa_apply(backing->numa_policy, backing->numa_nodes, made, size);
    if (result == 0)
        result = gm_mem_move(made, size, at);
    if (result != 0)
        (void)gm_mem_unmap(made, size);
    return shift != 0 && result == -EINVAL ? -EOPNOTSUPP : result; /* a kernel that cannot move huge pages */
}

int gm_backing_discard(struct gm_backing *backing, uint64_t offset, uint64_t size)
{
    int result = gm_backing_check_range(backing, offset, size);
    if (result != 0)
        return result;
    if (backing->kind == GM_BACKING_KIND_CALLER)
        return -EOPNOTSUPP;
    if (backing->fd < 0)
        return gm_mem_advise((char *)backing->address + offset, size, MADV_DONTNEED);
    if ((backing->flags & GM_BACKING_PRIVATE) != 0)
        return discard_private_file(backing, (char *)backing->address + offset, size);
    return gm_file_punch(backing->fd, backing->offset + offset, size);
}
