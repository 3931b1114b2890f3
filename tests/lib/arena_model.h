/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The oracle of the range allocator: a list of what is taken, in order of address, and beside it, in spaces that are
 * small enough (`cells`), one cell for each granule. Every answer is found by looking at all there is: cell by cell, or
 * gap by gap in 128-bit arithmetic (gmt_gaps_*). Where both are possible both are asked, and have to agree, so that
 * the second may be believed in spaces that are too large for the first.
 */
#ifndef GM_TESTS_LIB_ARENA_MODEL_H
#define GM_TESTS_LIB_ARENA_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include <guestmem/arena.h>
#include <guestmem/arena_query.h>

#define GMT_ARENA_RANGES 6000  /* of a model at a time */
#define GMT_ARENA_CELLS 8192   /* largest space that is kept as cells, also after it was extended */

struct gmt_range {
    uint64_t first, last;
    uint64_t before, after; /* guards */
    uint64_t user;
    uint32_t owner;
    gm_range handle; /* what the arena called it */
    bool live;
};

/* A range, or a guard of one. */
struct gmt_piece {
    uint64_t first, last;
    unsigned range; /* index into ranges */
    bool guard;
};

struct gmt_arena_model {
    uint64_t first, last, granule, ranges_most;
    bool has_cursor;
    uint64_t cursor; /* last number of the newest range that was taken with GM_PLACE_NEXT, where it was taken */
    bool quarrel;    /* the two oracles gave different answers */
    unsigned count;  /* pieces */
    unsigned live;   /* ranges */
    unsigned live_index[GMT_ARENA_RANGES]; /* of the live ones, in no order; then those that are not */
    unsigned live_place[GMT_ARENA_RANGES]; /* where a range stands in live_index */
    struct gmt_range ranges[GMT_ARENA_RANGES];
    struct gmt_piece pieces[3 * GMT_ARENA_RANGES];
    uint64_t cells;      /* 0: too large for cells */
    bool runs_are_stale;
    uint8_t cell[GMT_ARENA_CELLS];      /* 1: taken */
    uint32_t run[GMT_ARENA_CELLS + 1];  /* free cells from here on */
};

/* Everything is free. The config is a good one. */
void gmt_arena_model_init(struct gmt_arena_model *model, const struct gm_arena_config *config);

/* These do not ask whether they may. Added is the index of the range. */
unsigned gmt_arena_model_add(struct gmt_arena_model *model, const struct gmt_range *range);
void gmt_arena_model_remove(struct gmt_arena_model *model, unsigned range);
void gmt_arena_model_move(struct gmt_arena_model *model, unsigned range, uint64_t first, uint64_t last);
void gmt_arena_model_extend(struct gmt_arena_model *model, uint64_t first, uint64_t last);

/* Lookups. Piece: the index, or count when there is none. */
unsigned gmt_arena_model_find(const struct gmt_arena_model *model, uint64_t number);
unsigned gmt_arena_model_next(const struct gmt_arena_model *model, uint64_t number);
struct gm_range_info gmt_arena_model_info(const struct gmt_arena_model *model, unsigned piece);
struct gm_range_info gmt_arena_model_get(const struct gmt_arena_model *model, unsigned range);

/* The lowest piece that has a number of [first, last], other than those of range except (GMT_ARENA_RANGES: none). */
unsigned gmt_arena_model_overlap(const struct gmt_arena_model *model, uint64_t first, uint64_t last, unsigned except);

/*
 * Free space behind a piece, and with index -1 the one in front of all. Returns whether there is any.
 */
bool gmt_arena_model_gap(const struct gmt_arena_model *model, int piece, uint64_t *first, uint64_t *last);

/* What a place has to be like: a request with its defaults filled in and one rung chosen. */
struct gmt_want {
    uint64_t size, align, phase, min, max, before, after, no_cross;
};

/* Lowest and highest place that starts in [from, to]; the largest size that any place has (UINT64_MAX: or more). */
bool gmt_cells_up(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                  uint64_t *start);
bool gmt_cells_down(struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                    uint64_t *start);
uint64_t gmt_cells_largest(struct gmt_arena_model *model, const struct gmt_want *want);

bool gmt_gaps_up(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                 uint64_t *start);
bool gmt_gaps_down(const struct gmt_arena_model *model, const struct gmt_want *want, uint64_t from, uint64_t to,
                   uint64_t *start);
uint64_t gmt_gaps_largest(const struct gmt_arena_model *model, const struct gmt_want *want);

#endif
