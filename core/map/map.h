/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A version of an address space, complete: the view that inlined code reads, and behind it what the slow paths,
 * the batch kernels and the writer need. Immutable once published, but for the count of its holders.
 */
#ifndef GM_MAP_MAP_H
#define GM_MAP_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/atomic.h"
#include "guestmem/view.h"
#include "map/edit.h"
#include "map/regset.h"
#include "map/table.h"

/* As many runs as two vector registers of boundaries can tell apart. */
#define GM_RUNS_LIMIT 16

/*
 * The direct memory of the whole version as sorted runs of one word, where there are few of them (the normal VM):
 * the permute kernels hold all of it in registers. Unused entries begin at 2^64 - 1 and deny everything.
 */
struct gm_runs {
    uint64_t first[GM_RUNS_LIMIT];
    uint64_t last[GM_RUNS_LIMIT];
    uint64_t word[GM_RUNS_LIMIT];
    /* For kernels that permute 32-bit words: one page less than where the run 1, 2, 4, 8 places up begins, in pages
     * from the first run; INT32_MAX where there is none. */
    uint32_t page_below[4][GM_RUNS_LIMIT];
    uint64_t birth;
    uint32_t count;
    bool paged; /* page_below can say it: runs begin on pages and lie within 2^31 of them */
} __attribute__((aligned(64)));

struct gm_version {
    struct gm_directory *regions;
    struct gm_runs *runs; /* NULL: too many */
    uint64_t map_bytes;   /* leaf table: this node, tables, lines, pages */
    uint64_t other_bytes; /* regions and runs */
    /* Written by holders, so on a line that translation does not read. */
    gm_atomic_u64 holders __attribute__((aligned(64)));
    struct gm_view view __attribute__((aligned(64)));
    uint64_t top[]; /* view.gib_count entries, biased as gm_leaf_load says */
};

_Static_assert(sizeof(struct gm_view) == 64, "the top array follows the view");
_Static_assert(offsetof(struct gm_version, top) == offsetof(struct gm_version, view) + sizeof(struct gm_view),
               "the top array follows the view");

static inline const struct gm_version *gm_version_of(const struct gm_view *view)
{
    return (const struct gm_version *)(const void *)((const char *)view - offsetof(struct gm_version, view));
}

static inline size_t gm_version_size(uint64_t gib_count)
{
    return sizeof(struct gm_version) + gib_count * sizeof(uint64_t);
}

#define GM_TOP_BIAS (GM_GIB_BLOCKS * sizeof(uint64_t))

static inline struct gm_table *gm_top_table(const struct gm_version *version, uint64_t gib)
{
    return (struct gm_table *)(uintptr_t)(version->top[gib] + gib * GM_TOP_BIAS); /* word[] is its first member */
}

static inline uint64_t gm_top_entry(const struct gm_table *table, uint64_t gib)
{
    return (uint64_t)(uintptr_t)table - gib * GM_TOP_BIAS;
}

/*
 * The beginning of the next version: the old one's top array, made as long as the new region set calls for, and its
 * runs. What lies between the old end and the new is up to date; the windows that changed are not.
 * NULL when there is no memory; the edit must then be dropped.
 */
struct gm_version *gm_map_begin(struct gm_edit *edit, const struct gm_version *old, struct gm_directory *regions);

/*
 * Bring the table of a private version up to date with its region set for the GPAs first..last.
 * False when there is no memory; the edit must then be dropped.
 */
bool gm_map_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last);

/* The same for the runs. */
bool gm_runs_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last);

#endif
