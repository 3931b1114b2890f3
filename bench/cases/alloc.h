/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* An arena at work on a load, as a member of a row. */
#ifndef BENCH_ALLOC_H
#define BENCH_ALLOC_H

#include "../lib/load.h"
#include "../lib/row.h"

#define BENCH_NO_ARENA "range allocation is not in this library yet"

/*
 * An arena that takes too long to be filled from empty is measured at some depths of the way, so many allocations at
 * each; between them it is filled in its quickest way, untimed.
 */
#define BENCH_DEPTHS 16
#define BENCH_AT_DEPTH 4

struct bench_player {
    const struct bench_arena *arena;
    const struct bench_load *load;
    void *self;
    uint64_t *slots;
    size_t cursor; /* unit to go on with */
    int sampled;
};

#define BENCH_MAX_PLAYERS 12

struct bench_players {
    struct bench_load *load;
    struct bench_player list[BENCH_MAX_PLAYERS];
    size_t count;
};

/*
 * Adds the floor, ours, the re-implementations and the peers that can carry the load, each filled with what is there
 * before. 0 or -errno.
 */
int bench_players_add(struct bench_players *players, struct bench_members *members);
void bench_players_free(struct bench_players *players);

/* 1 if this arena is to be measured with it: it is able to, and what it takes is bearable. */
int bench_player_suits(const struct bench_arena *arena, const struct bench_load *load);

/* Slots of what was placed in ours get its handles, so that it looks where everybody looks, and there alone. */
void bench_arena_ours_slots(void *self, uint64_t *slots);

extern const struct bench_arena bench_arena_floor_bump, bench_arena_floor_search;

/* The floor knows the load beforehand. */
void *bench_floor_create(const struct bench_load *load);

#endif
