/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Making a backing: what it is made from by kind, then how long, then where. */
#include <errno.h>

#include "backing/parts.h"
#include "base/math.h"
#include "base/mem.h"

static const char *name_of(const struct gm_backing_config *config)
{
    return config->name != NULL ? config->name : "guestmem";
}

static int round_up(const struct gm_backing *backing, uint64_t *size)
{
    return gm_align_up(*size, gm_backing_page(backing), size) && *size <= INT64_MAX ? 0 : -EOVERFLOW;
}

static int open_memfd(struct gm_backing *backing, const struct gm_backing_config *config)
{
    unsigned shift = backing->page_shift > GM_PAGE_SHIFT ? backing->page_shift : 0;
    uint64_t most = gm_max_u64(config->size, config->size_most);
    int result = round_up(backing, &most);
    if (result == 0)
        result = gm_mem_memfd_huge(name_of(config), most, shift, &backing->fd);
    /* The request is sound: what the kernel does not know is the page, or hugetlb as a whole. */
    return shift != 0 && (result == -EINVAL || result == -ENOSYS) ? -ENODEV : result;
}

static int open_source(struct gm_backing *backing, const struct gm_backing_config *config)
{
    switch (config->kind) {
    case GM_BACKING_KIND_MEMFD:
    case GM_BACKING_KIND_MEMFD_HUGETLB:
        return open_memfd(backing, config);
    case GM_BACKING_KIND_HUGETLBFS:
        return gm_backing_open_hugetlbfs(backing, config);
    case GM_BACKING_KIND_FILE: {
        int result = gm_backing_open_file(backing, config);
        return result != 0 ? result : gm_backing_check_length(backing, config->size);
    }
    case GM_BACKING_KIND_GUEST_MEMFD: {
        int result = round_up(backing, &backing->size);
        return result != 0 ? result : gm_backing_open_guest(backing, config);
    }
    default:
        return 0;
    }
}

static int make(struct gm_backing *backing, const struct gm_backing_config *config)
{
    if (gm_backing_kind_huge(config->kind))
        backing->page_shift = config->page_shift != 0 ? config->page_shift : GM_HUGE_SHIFT;
    int result = open_source(backing, config);
    if (result == 0)
        result = round_up(backing, &backing->size);
    if (result == 0)
        result = round_up(backing, &backing->size_most);
    if (result != 0 || (config->kind == GM_BACKING_KIND_GUEST_MEMFD && (config->flags & GM_BACKING_MAPPED) == 0))
        return result;
    return gm_backing_place(backing, config->align, config->phase);
}

int gm_backing_create(const struct gm_backing_config *config, struct gm_backing **out)
{
    int result = out == NULL ? -EINVAL : gm_backing_possible(config);
    if (result != 0)
        return result;
    struct gm_backing *backing = gm_backing_new(config);
    if (backing == NULL)
        return -ENOMEM;
    if (config->kind == GM_BACKING_KIND_CALLER) {
        backing->address = config->address;
        backing->release = config->release;
        backing->argument = config->argument;
    } else {
        result = make(backing, config);
    }
    if (result != 0)
        gm_backing_destroy(backing);
    else
        *out = backing;
    return result;
}

int gm_backing_manner(const struct gm_backing_config *config, uint64_t size, struct gm_backing **out)
{
    struct gm_backing_config sized = *config;
    sized.size = size;
    int result = gm_backing_possible(&sized);
    if (result != 0)
        return result;
    if (config->kind != GM_BACKING_KIND_ANONYMOUS || (config->flags & GM_BACKING_GUARD) != 0 || config->align != 0 ||
        config->size_most != 0)
        return -EOPNOTSUPP;
    struct gm_backing *manner = gm_backing_new(&sized);
    if (manner == NULL)
        return -ENOMEM;
    *out = manner;
    return 0;
}

int gm_backing_anonymous(uint64_t size, unsigned flags, struct gm_backing **out)
{
    const struct gm_backing_config config = {.kind = GM_BACKING_KIND_ANONYMOUS, .size = size, .flags = flags};
    return gm_backing_create(&config, out);
}

int gm_backing_memfd(const char *name, uint64_t size, unsigned flags, struct gm_backing **out)
{
    const struct gm_backing_config config = {
        .kind = GM_BACKING_KIND_MEMFD, .name = name, .size = size, .flags = flags};
    return gm_backing_create(&config, out);
}

int gm_backing_wrap(void *address, uint64_t size, void (*release)(void *argument), void *argument,
                    struct gm_backing **out)
{
    const struct gm_backing_config config = {
        .kind = GM_BACKING_KIND_CALLER, .size = size, .address = address, .release = release, .argument = argument};
    return gm_backing_create(&config, out);
}
