/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The nodes of the leaf table.
 *
 *   top[gpa >> 30] -------> gm_table (512 words of 2 MiB) --direct--> HVA = GPA + delta
 *                              |  a GiB inside one region points to that region's shared table,
 *                              |  an empty one to gm_table_hole, one inside a device to gm_table_ask
 *                              +--FORM_LINE--> gm_line  (one cache line: up to 5 pieces)
 *                              +--FORM_PAGES-> gm_pages (one word for each 4 KiB page)
 *
 * Readers see word[] and start[]; the rest is the writer's.
 */
#ifndef GM_MAP_TABLE_H
#define GM_MAP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "guestmem/leaf.h"
#include "map/edit.h"
#include "map/region.h"

struct gm_table {
    uint64_t word[GM_GIB_BLOCKS];
    uint64_t birth;
    struct gm_region *owner; /* of a shared table that is new in this edit */
    uint32_t indirect;       /* how many words point to a line or to pages */
    bool shared;
} __attribute__((aligned(64)));

struct gm_pages {
    uint64_t word[GM_BLOCK_PAGES];
    uint64_t birth;
};

_Static_assert(sizeof(struct gm_line) == 64, "a line is one cache line");

extern const struct gm_table gm_table_hole;
extern const struct gm_table gm_table_ask;

static inline struct gm_line *gm_word_line(uint64_t word)
{
    return (struct gm_line *)(uintptr_t)gm_leaf_line(word);
}

static inline struct gm_pages *gm_word_pages(uint64_t word)
{
    return (struct gm_pages *)(uintptr_t)(word & GM_LEAF_POINTER_MASK);
}

static inline bool gm_word_is_line(uint64_t word)
{
    return gm_leaf_is_line(word) != 0;
}

static inline bool gm_word_is_pages(uint64_t word)
{
    return (word & (GM_LEAF_INDIRECT | GM_LEAF_FORM_MASK)) ==
           ((GM_LEAF_FORM_PAGES & GM_LEAF_FORM_MASK) | GM_LEAF_INDIRECT);
}

/* Either of the above: what both forms have set and no other form has. */
#define GM_LEAF_MIXED (GM_LEAF_INDIRECT | (GM_LEAF_FORM_LINE & GM_LEAF_FORM_PAGES & GM_LEAF_FORM_MASK))

static inline bool gm_word_is_mixed(uint64_t word)
{
    return (word & GM_LEAF_MIXED) == GM_LEAF_MIXED;
}

/* The 2 MiB block that begins at block_first, from the regions: a leaf word, or GM_BLOCK_NO_MEMORY, which no leaf
 * is (0 would not do: it says that GPA and HVA are equal). */
#define GM_BLOCK_NO_MEMORY GM_LEAF_INDIRECT
struct gm_directory;
uint64_t gm_block_build(struct gm_edit *edit, const struct gm_directory *regions, uint64_t block_first);

/* The line or pages behind a word of this version die; nothing to do for other words. */
bool gm_block_dead(struct gm_edit *edit, uint64_t word);

#endif
