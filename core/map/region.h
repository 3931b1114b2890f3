/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One region of a version. Immutable once published; found through the region set, and named by the leaf words
 * only through what they copy from it (delta and rights). What commits look at fills the first cache line; the rest
 * fits in the second, which the heap gives a region anyway, so that a name has no allocation of its own.
 */
#ifndef GM_MAP_REGION_H
#define GM_MAP_REGION_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem/leaf.h"
#include "guestmem/types.h"

struct gm_backing;
struct gm_table;

struct gm_region {
    uint64_t first; /* inclusive bounds, bytes */
    uint64_t last;
    uint64_t word;  /* the direct leaf word; GM_LEAF_ASK for devices */
    uint64_t tag;
    uint64_t offset; /* into the backing */
    struct gm_backing *backing;
    struct gm_backing *manner; /* linear space, no backing: how its memory is made, if it was said (backing.h) */
    struct gm_table *uniform; /* the table that all whole GiBs of this region share, made on first need */
    uint64_t birth;
    uint64_t mapped_birth; /* linear space: the version in which the oldest of its memory was mapped; else 0 */
    void *user;
    enum gm_kind kind;
    unsigned numa; /* GM_NUMA_NODE of its node, or 0 */
    char name[GM_REGION_NAME_MOST + 1];
};

_Static_assert(sizeof(struct gm_region) <= 128, "two cache lines");

/* Has it host memory? */
static inline bool gm_region_direct(const struct gm_region *region)
{
    return (region->word & GM_LEAF_INDIRECT) == 0;
}

static inline unsigned gm_word_rights(uint64_t word)
{
    return (unsigned)(~word & GM_RW);
}

static inline uint64_t gm_word_address(uint64_t word, uint64_t gpa)
{
    return gpa + (word & GM_LEAF_DELTA_MASK);
}

#endif
