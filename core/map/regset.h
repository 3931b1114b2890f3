/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The regions of a version, sorted and disjoint: a directory of chunks, each with up to 64 regions. An edit copies
 * one chunk (1 KiB) and the directory (16 bytes for each chunk), so that its cost at 32764 regions stays below a
 * microsecond, while a lookup is two binary searches over contiguous keys.
 */
#ifndef GM_MAP_REGSET_H
#define GM_MAP_REGSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "map/edit.h"
#include "map/region.h"

#define GM_CHUNK_CAPACITY 64

struct gm_chunk {
    uint64_t birth;
    uint32_t count;
    uint32_t direct; /* how many of them have host memory */
    uint64_t first[GM_CHUNK_CAPACITY];
    struct gm_region *region[GM_CHUNK_CAPACITY];
};

struct gm_directory_entry {
    uint64_t first; /* of the chunk's first region */
    struct gm_chunk *chunk;
};

struct gm_directory {
    uint64_t birth;
    uint32_t count;
    uint32_t capacity;
    uint64_t regions; /* in all chunks */
    uint64_t direct;  /* of these with host memory */
    uint64_t direct_bytes;
    struct gm_directory_entry entry[];
};

static inline size_t gm_directory_size(uint32_t capacity)
{
    return sizeof(struct gm_directory) + capacity * sizeof(struct gm_directory_entry);
}

/* A place in a set. Valid until the set is edited. */
struct gm_cursor {
    const struct gm_directory *set;
    uint32_t chunk;
    uint32_t index;
};

/* The region that holds gpa, or NULL. A NULL set is empty. */
struct gm_region *gm_regset_find(const struct gm_directory *set, uint64_t gpa);

/* Go to the first region that ends at or above gpa, and give it (NULL: none); then on to the next one. */
struct gm_region *gm_regset_seek(const struct gm_directory *set, uint64_t gpa, struct gm_cursor *cursor);
struct gm_region *gm_regset_next(struct gm_cursor *cursor);

/* The highest region of these kinds (GM_KIND_BIT of each), or NULL. */
struct gm_region *gm_regset_last(const struct gm_directory *set, unsigned kinds);
/* The highest region with host memory, or NULL. */
struct gm_region *gm_regset_last_direct(const struct gm_directory *set);

/* Insert a region that overlaps none, or take one out. *set is replaced by a private copy first where needed.
 * False when there is no memory; *set is then still valid but the edit must be dropped. */
bool gm_regset_insert(struct gm_edit *edit, struct gm_directory **set, struct gm_region *region);
bool gm_regset_remove(struct gm_edit *edit, struct gm_directory **set, const struct gm_region *region);

#endif
