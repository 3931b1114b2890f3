/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Changing the size inside the address space that was held from the beginning, so that no address changes.
 * Participants: the one thread that resizes; readers of the size.
 * Pair: [backing-P1] the new size (release) with gm_backing_size (acquire): who sees it finds the memory mapped.
 */
#include <errno.h>
#include <stddef.h>

#include "backing/parts.h"
#include "base/file.h"
#include "base/holders.h"
#include "base/math.h"
#include "guestmem/backing_memory.h"

static int grow(struct gm_backing *backing, uint64_t old, uint64_t size)
{
    int result = gm_backing_map(backing, old, size - old);
    if (result != 0) {
        (void)gm_backing_unmap(backing, old, size - old);
        return result;
    }
    gm_store_release(&backing->size, size); /* [backing-P1] */
    return 0;
}

/* Files of our own are emptied first: what stays in a file costs memory, mapped or not. */
static int shrink(struct gm_backing *backing, uint64_t old, uint64_t size)
{
    if (gm_load_acquire(&backing->holders) != 1)
        return -EBUSY;
    int result = 0;
    if (backing->fd >= 0 && backing->kind != GM_BACKING_KIND_FILE)
        result = gm_file_punch(backing->fd, size, old - size);
    if (result == 0)
        result = gm_backing_unmap(backing, size, old - size);
    if (result == 0)
        gm_store_release(&backing->size, size); /* [backing-P1] */
    return result;
}

int gm_backing_resize(struct gm_backing *backing, uint64_t size)
{
    if (backing == NULL || size == 0)
        return -EINVAL;
    if (backing->size_most == 0)
        return -EOPNOTSUPP;
    uint64_t asked = size;
    if (!gm_align_up(size, gm_backing_page(backing), &size) || size > backing->size_most)
        return -ERANGE;
    uint64_t old = gm_backing_size(backing);
    if (size <= old)
        return size == old ? 0 : shrink(backing, old, size);
    int result = backing->kind == GM_BACKING_KIND_FILE ? gm_backing_check_length(backing, asked) : 0;
    return result != 0 ? result : grow(backing, old, size);
}
