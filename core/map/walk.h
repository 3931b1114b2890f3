/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What stands at an address, by whatever way it takes: leaf, line, pages, or region search. The inlined fast path
 * answers for uniform blocks; everything that it does not answer comes here.
 */
#ifndef GM_MAP_WALK_H
#define GM_MAP_WALK_H

#include <stdint.h>

#include "map/map.h"

/* The piece around an address: all its bytes have this word; last is inclusive. */
struct gm_piece {
    uint64_t word; /* direct, GM_LEAF_HOLE or GM_LEAF_ASK (a device) */
    uint64_t last;
};

/* From the leaf table alone; word GM_LEAF_ASK means that only the region search knows. */
struct gm_piece gm_walk_table(const struct gm_version *version, uint64_t gpa);

/* By region search: the whole rest of the region, and of those behind it that continue it in host memory with the
 * same rights, up to `want` (inclusive). Holes end at the next region. */
struct gm_piece gm_walk_regions(const struct gm_version *version, uint64_t gpa, uint64_t want);

#endif
