/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Counts, and what the last one takes with it. Counted by base/holders.h: the last one who puts frees. */
#include "backing/parts.h"
#include "base/alloc.h"
#include "base/holders.h"
#include "base/mem.h"

struct gm_backing *gm_backing_new(const struct gm_backing_config *config)
{
    struct gm_backing *backing = gm_alloc(NULL, sizeof(*backing));
    if (backing != NULL)
        *backing = (struct gm_backing){
            .holders = 1,
            .size = config->size,
            .size_most = config->size_most,
            .fd = -1,
            .flags = config->flags,
            .page_shift = GM_PAGE_SHIFT,
            .kind = config->kind,
            .numa_policy = config->numa_policy,
            .numa_nodes = config->numa_nodes,
        };
    return backing;
}

void gm_backing_destroy(struct gm_backing *backing)
{
    if (backing->reservation != NULL)
        (void)gm_mem_unmap(backing->reservation, backing->reservation_size);
    gm_mem_close(backing->fd);
    if (backing->release != NULL)
        backing->release(backing->argument);
    gm_free(NULL, backing, sizeof(*backing));
}

struct gm_backing *gm_backing_get(struct gm_backing *backing)
{
    gm_holders_take(&backing->holders);
    return backing;
}

void gm_backing_put(struct gm_backing *backing)
{
    if (backing != NULL && gm_holders_put_last(&backing->holders))
        gm_backing_destroy(backing);
}

void *gm_backing_address(const struct gm_backing *backing)
{
    return backing->address;
}

uint64_t gm_backing_size(const struct gm_backing *backing)
{
    return gm_load_acquire(&backing->size); /* [backing-P1]: who sees new memory may use it */
}

int gm_backing_fd(const struct gm_backing *backing)
{
    return backing->fd;
}
