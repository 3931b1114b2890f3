/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A random history of an arena, told by a seed and folded into one number. Two arenas that go through the same history
 * from the same state give the same number at each step: places, handles and errors are all in it.
 */
#ifndef GM_TESTS_LIB_ARENA_WALK_H
#define GM_TESTS_LIB_ARENA_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include <guestmem/arena.h>
#include <guestmem/arena_txn.h>

#define GMT_WALK_RANGES 2048

struct gmt_walk {
    struct gm_arena *arena;
    struct gm_arena_txn *txn; /* through which it changes the arena, or NULL */
    uint64_t seed, digest;
    uint64_t granule;
    unsigned most;  /* live ranges, about which their number settles; <= GMT_WALK_RANGES */
    unsigned count; /* handles that it has, stale ones among them */
    gm_range ranges[GMT_WALK_RANGES];
};

/* A request of any kind in an arena of this granule. */
struct gm_request gmt_walk_request(uint64_t *seed, uint64_t granule);

void gmt_walk_init(struct gmt_walk *walk, struct gm_arena *arena, uint64_t granule, unsigned most, uint64_t seed);
void gmt_walk_steps(struct gmt_walk *walk, unsigned steps);

/* The same steps of both; false as soon as they differ. */
bool gmt_walk_same(struct gmt_walk *a, struct gmt_walk *b, unsigned steps);

#endif
