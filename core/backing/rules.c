/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which kind takes what: the one table, as in guestmem/backing_create.h. A value that makes no sense anywhere is
 * -EINVAL, one that only this kind has no use for is -EOPNOTSUPP: ignored, it would deceive who relies on it.
 */
#include <errno.h>
#include <string.h>

#include "backing/parts.h"
#include "base/math.h"

#define NAME_MOST 249
#define ALIGN_MOST (UINT64_C(1) << 40)
#define FLAGS_KNOWN (GM_BACKING_MAPPED * 2u - 1)

enum field { NAME = 1, PATH = 2, OFFSET = 4, PAGE = 8, ALIGN = 16, PHASE = 32, NUMA = 64, MOST = 128, ADDRESS = 256 };

#define COMMON (GM_BACKING_NORESERVE | GM_BACKING_DUMP | GM_BACKING_NO_FORK | GM_BACKING_GUARD)

static const struct rule {
    unsigned fields;
    unsigned flags;
    unsigned key;  /* a flag that opens more of them */
    unsigned more; /* flags that need the key */
} rules[] = {
    [GM_BACKING_KIND_ANONYMOUS] = {.fields = ALIGN | PHASE | NUMA | MOST,
                                   .flags = COMMON | GM_BACKING_THP | GM_BACKING_MERGEABLE},
    [GM_BACKING_KIND_MEMFD] = {.fields = NAME | ALIGN | NUMA | MOST, .flags = COMMON | GM_BACKING_THP},
    [GM_BACKING_KIND_HUGETLB] = {.fields = PAGE | ALIGN | NUMA | MOST, .flags = COMMON},
    [GM_BACKING_KIND_MEMFD_HUGETLB] = {.fields = NAME | PAGE | ALIGN | NUMA | MOST, .flags = COMMON},
    [GM_BACKING_KIND_HUGETLBFS] = {.fields = PATH | PAGE | ALIGN | NUMA | MOST, .flags = COMMON},
    [GM_BACKING_KIND_FILE] = {.fields = PATH | OFFSET | ALIGN | NUMA | MOST,
                              .flags = COMMON | GM_BACKING_THP | GM_BACKING_PRIVATE,
                              .key = GM_BACKING_PRIVATE,
                              .more = GM_BACKING_MERGEABLE},
    [GM_BACKING_KIND_CALLER] = {.fields = ADDRESS},
    [GM_BACKING_KIND_GUEST_MEMFD] = {.fields = ALIGN,
                                     .flags = GM_BACKING_MAPPED,
                                     .key = GM_BACKING_MAPPED,
                                     .more = GM_BACKING_DUMP | GM_BACKING_NO_FORK | GM_BACKING_GUARD},
};

bool gm_backing_kind_huge(enum gm_backing_kind kind)
{
    return (rules[kind].fields & PAGE) != 0;
}

/* The fields that say something. */
static unsigned fields_used(const struct gm_backing_config *config)
{
    unsigned used = 0;
    used |= config->name != NULL ? NAME : 0;
    used |= config->path != NULL ? PATH : 0;
    used |= config->offset != 0 ? OFFSET : 0;
    used |= config->page_shift != 0 ? PAGE : 0;
    used |= config->align != 0 ? ALIGN : 0;
    used |= config->phase != 0 ? PHASE : 0;
    used |= config->numa_policy != GM_NUMA_DEFAULT ? NUMA : 0;
    used |= config->size_most != 0 ? MOST : 0;
    used |= config->address != NULL || config->release != NULL ? ADDRESS : 0;
    return used;
}

static bool numa_is_sound(enum gm_numa_policy policy, uint64_t nodes)
{
    switch (policy) {
    case GM_NUMA_DEFAULT:
        return nodes == 0;
    case GM_NUMA_PREFER:
        return nodes != 0 && (nodes & (nodes - 1)) == 0;
    case GM_NUMA_BIND:
    case GM_NUMA_INTERLEAVE:
        return nodes != 0;
    }
    return false;
}

static bool page_is_sound(unsigned shift)
{
    return shift == 0 || shift == GM_HUGE_SHIFT || shift == GM_GIGANTIC_SHIFT;
}

static bool place_is_sound(uint64_t align, uint64_t phase)
{
    if (align == 0)
        return phase == 0;
    return align >= GM_PAGE_SIZE && align <= ALIGN_MOST && (align & (align - 1)) == 0 && phase < align &&
           gm_is_aligned(phase, GM_PAGE_SIZE);
}

static bool name_is_sound(const char *name)
{
    return name == NULL || strnlen(name, NAME_MOST + 1) <= NAME_MOST;
}

/* What each value has to be, whichever kind it is for. */
static bool values_are_sound(const struct gm_backing_config *config)
{
    return config->size != 0 && (config->size_most == 0 || config->size_most >= config->size) &&
           page_is_sound(config->page_shift) && place_is_sound(config->align, config->phase) &&
           gm_is_aligned(config->offset, GM_PAGE_SIZE) && name_is_sound(config->name) &&
           numa_is_sound(config->numa_policy, config->numa_nodes);
}

/* What the kind cannot do without. */
static bool needs_are_met(const struct gm_backing_config *config)
{
    switch (config->kind) {
    case GM_BACKING_KIND_HUGETLBFS:
        return config->path != NULL;
    case GM_BACKING_KIND_FILE:
        return config->path != NULL || config->fd >= 0;
    case GM_BACKING_KIND_GUEST_MEMFD:
        return config->fd >= 0;
    case GM_BACKING_KIND_CALLER:
        return config->address != NULL && gm_is_aligned((uint64_t)(uintptr_t)config->address, GM_PAGE_SIZE);
    default:
        return true;
    }
}

/* All that is to be rounded up to pages, and be part of a file or of address space, fits. */
static bool sizes_fit(const struct gm_backing_config *config)
{
    uint64_t last, most = gm_max_u64(config->size, config->size_most);
    if (config->kind == GM_BACKING_KIND_CALLER)
        return gm_range_last((uint64_t)(uintptr_t)config->address, config->size, &last);
    unsigned shift = config->page_shift != 0 ? config->page_shift : GM_HUGE_SHIFT;
    uint64_t page = gm_backing_kind_huge(config->kind) ? UINT64_C(1) << shift : GM_PAGE_SIZE;
    return gm_align_up(most, page, &most) && gm_range_last(config->offset, most, &last) && last < INT64_MAX;
}

int gm_backing_possible(const struct gm_backing_config *config)
{
    if (config == NULL || (size_t)config->kind >= sizeof(rules) / sizeof(rules[0]) ||
        (config->flags & ~FLAGS_KNOWN) != 0)
        return -EINVAL;
    const struct rule *rule = &rules[config->kind];
    unsigned flags = rule->flags | ((config->flags & rule->key) != 0 ? rule->more : 0);
    if (!values_are_sound(config))
        return -EINVAL;
    if ((config->flags & ~flags) != 0 || (fields_used(config) & ~rule->fields) != 0)
        return -EOPNOTSUPP;
    if (!needs_are_met(config))
        return -EINVAL;
    return sizes_fit(config) ? 0 : -EOVERFLOW;
}
