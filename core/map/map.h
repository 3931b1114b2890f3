/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A version of an address space, complete: the view that inlined code reads, and behind it what the slow paths,
 * the batch kernels and the writer need. Immutable once published, but for the count of its holders.
 */
#ifndef GM_MAP_MAP_H
#define GM_MAP_MAP_H

#include <stdbool.h>
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
    struct gm_view view; /* first: a view is turned back into its version by a cast */
    struct gm_directory *regions;
    struct gm_runs *runs; /* NULL: too many */
    const uint64_t **top; /* the same array as view.top */
    uint64_t top_birth;
    uint64_t map_bytes;
    uint64_t other_bytes;
    /* Written by holders, so on a line that translation does not read. */
    gm_atomic_u64 holders __attribute__((aligned(64)));
} __attribute__((aligned(64)));

static inline const struct gm_version *gm_version_of(const struct gm_view *view)
{
    return (const struct gm_version *)(const void *)view;
}

/*
 * Bring a private version up to date with its (already edited) region set for the GPAs first..last.
 * False when there is no memory; the edit must then be dropped.
 */
bool gm_map_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last);

/* Give the top array the size that the region set calls for. Call once, before the updates. */
bool gm_map_resize(struct gm_edit *edit, struct gm_version *next);

/* The same for the runs: call after resize, for each window. */
bool gm_runs_update(struct gm_edit *edit, struct gm_version *next, uint64_t first, uint64_t last);

#endif
