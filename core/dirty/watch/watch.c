/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Making and ending write watches. */
#include <errno.h>

#include "base/alloc.h"
#include "base/math.h"
#include "base/mem.h"
#include "dirty/watch/watch.h"
#include "dirty/watch/kernel.h"
#include "guestmem/watch.h"

#define SLICE (UINT64_C(1) << 30)     /* bytes that are protected by one call: others get at the memory map between */
#define PAGE_MOST (UINT64_C(1) << 36) /* of any architecture's hugetlb memory */

/* The size of the pages is the smallest that the kernel protects. */
static int protect_first_page(struct gm_watch *watch)
{
    int error = -EINVAL;
    uint64_t most = gm_min_u64(watch->len, PAGE_MOST);
    for (watch->page = GM_PAGE_SIZE; watch->page <= most; watch->page *= 2) {
        error = gm_watch_protect(watch->fault_fd, watch->start, watch->page);
        if (error != -EINVAL)
            break;
    }
    return error;
}

static int protect(struct gm_watch *watch, bool huge)
{
    int error = protect_first_page(watch);
    if (error != 0)
        return error;
    if (huge && watch->page == GM_PAGE_SIZE) /* windows in it would cut huge pages */
        return -EINVAL;
    uint64_t slice = gm_max_u64(SLICE, watch->page);
    for (uint64_t at = watch->page; at < watch->len && error == 0; at += gm_min_u64(slice, watch->len - at))
        error = gm_watch_protect(watch->fault_fd, watch->start + at, gm_min_u64(slice, watch->len - at));
    return error;
}

static int begin(struct gm_watch *watch)
{
    bool huge = false;
    int error = gm_watch_mapped(watch->start, watch->len);
    if (error == 0)
        error = gm_watch_open(&watch->fault_fd);
    if (error == 0)
        error = gm_watch_open_map(&watch->map_fd);
    if (error == 0)
        error = gm_watch_register(watch->fault_fd, watch->start, watch->len, &huge);
    watch->registered = error == 0;
    if (error == 0)
        error = protect(watch, huge);
    return error;
}

int gm_watch_create(void *address, uint64_t len, struct gm_watch **out)
{
    uint64_t last, start = (uintptr_t)address;
    if (address == NULL || out == NULL || !gm_range_last(start, len, &last) ||
        !gm_is_aligned(start | len, GM_PAGE_SIZE))
        return -EINVAL;
    struct gm_watch *watch = gm_alloc(NULL, sizeof(*watch));
    if (watch == NULL)
        return -ENOMEM;
    *watch = (struct gm_watch){.start = start, .len = len, .fault_fd = -1, .map_fd = -1};
    int error = begin(watch);
    if (error != 0)
        gm_watch_destroy(watch);
    else
        *out = watch;
    return error;
}

/* Closing would do, were there no forked children that hold the file too. */
void gm_watch_destroy(struct gm_watch *watch)
{
    if (watch == NULL)
        return;
    if (watch->registered)
        gm_watch_unregister(watch->fault_fd, watch->start, watch->len);
    gm_mem_close(watch->fault_fd);
    gm_mem_close(watch->map_fd);
    gm_free(NULL, watch, sizeof(*watch));
}

uint64_t gm_watch_page_size(const struct gm_watch *watch)
{
    return watch != NULL ? watch->page : 0;
}
