/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One run of the random tests: a space under test beside the model of it, and everything that was taken from
 * the space and has to stay true while it changes (snapshots, handles, host memory).
 *
 * Backings are reservations inside one arena, so that regions of different backings can be host-contiguous
 * too. When a backing is replaced the same addresses get a new one: each such lifetime is a token, and the
 * release callback notes on it, so that memory given back too early, twice or never shows without being
 * touched.
 */
#ifndef GM_TESTS_LIB_WORLD_H
#define GM_TESTS_LIB_WORLD_H

#include <guestmem/guestmem.h>

#include "lib/guard.h"
#include "lib/layouts.h"
#include "lib/stream.h"

#define GMT_BACKINGS 4
#define GMT_TOKENS 4096
#define GMT_SNAPSHOTS 4
#define GMT_HANDLES 4
#define GMT_MESSAGE 512

struct gmt_snap {
    struct gm_snapshot *snapshot; /* NULL: the slot is free */
    uint64_t generation;
    struct gmt_model model;
};

struct gmt_held {
    struct gm_handle handle;
    bool empty;
};

struct gmt_world {
    const struct gmt_profile *profile;
    struct gmt_stream *stream;
    struct gm_space *space;
    struct gm_txn *txn; /* NULL: none open */
    unsigned target;    /* regions to settle at in this run */
    unsigned edits;     /* staged in the open transaction */
    uint64_t next_tag;
    uint64_t generation;  /* of the current view, as last seen */
    uint64_t linear_base; /* host address of GPA 0, in a linear space */
    unsigned regions_max; /* that stood at the same time */

    struct gmt_model current;
    struct gmt_model staged; /* means something while txn is open */
    uint8_t *busy[GMT_WINDOWS]; /* linear: the cell may still be mapped for an old view */

    unsigned char *arena;
    struct gm_backing *backing[GMT_BACKINGS];
    unsigned token_of[GMT_BACKINGS];
    unsigned tokens;
    int released[GMT_TOKENS]; /* how many times */
    bool dropped[GMT_TOKENS]; /* the creator's count is gone */

    struct gmt_snap snap[GMT_SNAPSHOTS];
    struct gmt_held held[GMT_HANDLES];
    struct gmt_guard gpas, hvas;

    bool failed;
    char message[GMT_MESSAGE];
};

/* Returns 0 or a negative errno value; the calling thread must be a registered reader. */
int gmt_world_open(struct gmt_world *world, const struct gmt_profile *profile, struct gmt_stream *stream);
/* Ends what is open, destroys the space, and checks that all memory came back. */
void gmt_world_close(struct gmt_world *world);

/* Replace a backing by a new one at the same addresses; returns 0 or a negative errno value. */
int gmt_world_rebuild(struct gmt_world *world, unsigned index);

/* Fail unless no released memory is visible in any state that somebody still holds. */
void gmt_world_check_memory(struct gmt_world *world);
/* Fail unless all memory that no state shows is released; true of a space that was just reclaimed. */
void gmt_world_check_reclaimed(struct gmt_world *world);

bool gmt_world_has_snapshot(const struct gmt_world *world);

/* Note the first disagreement; the interpreter stops at it. */
void gmt_fail(struct gmt_world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
