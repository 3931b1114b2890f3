/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Host memory: private anonymous, shared memfd, and the caller's own.
 * Counted by base/holders.h: the last one who puts frees.
 */
#include "backing/backing.h"

#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

#include "base/alloc.h"
#include "base/holders.h"
#include "base/math.h"
#include "base/mem.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
#define FLAGS_KNOWN (GM_BACKING_NORESERVE | GM_BACKING_THP | GM_BACKING_DUMP)

static struct gm_backing *backing_new(void)
{
    struct gm_backing *backing = gm_alloc(NULL, sizeof(*backing));
    if (backing != NULL)
        *backing = (struct gm_backing){.holders = 1, .fd = -1};
    return backing;
}

static void backing_destroy(struct gm_backing *backing)
{
    if (backing->reservation != NULL)
        (void)gm_mem_unmap(backing->reservation, backing->reservation_size);
    gm_mem_close(backing->fd);
    if (backing->release != NULL)
        backing->release(backing->argument);
    gm_free(NULL, backing, sizeof(*backing));
}

/* Map backing->size bytes; with huge pages wanted, at an address where the kernel can use them. */
static int map_memory(struct gm_backing *backing, unsigned flags)
{
    bool huge = (flags & GM_BACKING_THP) != 0;
    bool noreserve = (flags & GM_BACKING_NORESERVE) != 0;
    backing->flags = flags;
    if (!huge) {
        int result = gm_mem_map(NULL, backing->size, backing->fd, 0, noreserve, &backing->address);
        if (result == 0) {
            backing->reservation = backing->address;
            backing->reservation_size = backing->size;
        }
        return result;
    }
    uint64_t total;
    if (!gm_add_ok(backing->size, HUGE_PAGE, &total))
        return -EOVERFLOW;
    int result = gm_mem_reserve(total, &backing->reservation);
    if (result != 0)
        return result;
    backing->reservation_size = total;
    uint64_t aligned = ((uint64_t)(uintptr_t)backing->reservation + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
    return gm_mem_map((void *)(uintptr_t)aligned, backing->size, backing->fd, 0, noreserve, &backing->address);
}

/* A kernel without the feature answers EINVAL; the memory works all the same. */
static int advise(void *address, uint64_t size, int advice)
{
    int result = gm_mem_advise(address, size, advice);
    return result == -EINVAL ? 0 : result;
}

int gm_backing_advise(unsigned flags, void *address, uint64_t size)
{
    int result = 0;
    if ((flags & GM_BACKING_THP) != 0)
        result = advise(address, size, MADV_HUGEPAGE);
    if (result == 0 && (flags & GM_BACKING_DUMP) == 0)
        result = advise(address, size, MADV_DONTDUMP);
    return result;
}

static int backing_finish(struct gm_backing *backing, unsigned flags, struct gm_backing **out)
{
    int result = map_memory(backing, flags);
    if (result == 0)
        result = gm_backing_advise(flags, backing->address, backing->size);
    if (result != 0)
        backing_destroy(backing);
    else
        *out = backing;
    return result;
}

static int check_request(uint64_t *size, unsigned flags, struct gm_backing **out)
{
    if (out == NULL || *size == 0 || (flags & ~(unsigned)FLAGS_KNOWN) != 0)
        return -EINVAL;
    if (!gm_align_up(*size, GM_PAGE_SIZE, size) || *size > INT64_MAX)
        return -EOVERFLOW;
    return 0;
}

int gm_backing_anonymous(uint64_t size, unsigned flags, struct gm_backing **out)
{
    int result = check_request(&size, flags, out);
    if (result != 0)
        return result;
    struct gm_backing *backing = backing_new();
    if (backing == NULL)
        return -ENOMEM;
    backing->size = size;
    return backing_finish(backing, flags, out);
}

int gm_backing_memfd(const char *name, uint64_t size, unsigned flags, struct gm_backing **out)
{
    int result = check_request(&size, flags, out);
    if (result != 0)
        return result;
    struct gm_backing *backing = backing_new();
    if (backing == NULL)
        return -ENOMEM;
    backing->size = size;
    result = gm_mem_memfd(name != NULL ? name : "guestmem", size, &backing->fd);
    if (result != 0) {
        backing_destroy(backing);
        return result;
    }
    return backing_finish(backing, flags, out);
}

int gm_backing_wrap(void *address, uint64_t size, void (*release)(void *argument), void *argument,
                    struct gm_backing **out)
{
    uint64_t last;
    uint64_t start = (uint64_t)(uintptr_t)address;
    if (out == NULL || address == NULL || size == 0 || !gm_is_aligned(start, GM_PAGE_SIZE))
        return -EINVAL;
    if (!gm_range_last(start, size, &last))
        return -EOVERFLOW;
    struct gm_backing *backing = backing_new();
    if (backing == NULL)
        return -ENOMEM;
    backing->address = address;
    backing->size = size;
    backing->release = release;
    backing->argument = argument;
    *out = backing;
    return 0;
}

struct gm_backing *gm_backing_get(struct gm_backing *backing)
{
    gm_holders_take(&backing->holders);
    return backing;
}

void gm_backing_put(struct gm_backing *backing)
{
    if (backing != NULL && gm_holders_put_last(&backing->holders))
        backing_destroy(backing);
}

void *gm_backing_address(const struct gm_backing *backing)
{
    return backing->address;
}

uint64_t gm_backing_size(const struct gm_backing *backing)
{
    return backing->size;
}

int gm_backing_fd(const struct gm_backing *backing)
{
    return backing->fd;
}
