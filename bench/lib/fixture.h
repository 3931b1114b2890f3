/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A layout made ready for measuring: the space built from it, address streams with the sums that the oracle
 * expects, and competitors. Rows on the same input run one after the other and share one fixture; only one is
 * there at a time, so that memory and caches belong to the row that runs.
 */
#ifndef BENCH_FIXTURE_H
#define BENCH_FIXTURE_H

#include <guestmem/guestmem.h>

#include "bench.h"
#include "inputs.h"
#include "peers.h"

struct bench_row;
struct bench_session;
struct bench_members;

enum bench_input_kind { BENCH_FILE, BENCH_EVEN, BENCH_MIXED };

struct bench_input {
    enum bench_input_kind kind;
    const char *path; /* of a file */
    size_t regions;   /* of the others */
    char label[80];   /* "layout:q35-64g", "regions:64", "mixed:32764" */
};

/* Addresses are walked in chunks whose sums are known, so that every timed loop is also a test. */
#define BENCH_CHUNK 16384

struct bench_addresses {
    uint64_t *gpa;
    size_t count;   /* a multiple of BENCH_CHUNK */
    uint64_t *sums; /* of each chunk's host addresses, by the oracle */
};

/* One way to go through addresses: ours, the floor and every competitor have this form. */
typedef uint64_t bench_loop_run(void *self, const uint64_t *gpa, size_t count);

enum bench_check {
    BENCH_CHECK_SUM,   /* the result is the sum of the host addresses */
    BENCH_CHECK_COUNT, /* the result says how many were translated: all */
    BENCH_CHECK_NONE   /* floors, which are right for one region only */
};

struct bench_loop {
    bench_loop_run *run;
    void *self;
    const struct bench_addresses *addresses;
    size_t cursor; /* chunk to begin with: goes on from repetition to repetition */
    enum bench_check check;
};

/* The body of every member that is a struct bench_loop; its granule is BENCH_CHUNK. */
void bench_loop_body(struct bench_run *run);

#define BENCH_MAX_COMPETITORS 20

struct bench_fixture {
    const struct bench_input *input;
    struct bench_layout *layout;
    struct bench_space space;
    struct bench_addresses uniform, hot;
    void *competitors[BENCH_MAX_COMPETITORS]; /* by index of bench_competitors; NULL: not built */
    void *peers[BENCH_MAX_PEERS];             /* by index of bench_peers(), likewise */
    struct bench_loop loops[BENCH_MAX_COMPETITORS + BENCH_MAX_PEERS + 4];
    size_t loop_count; /* of the row in preparation */
};

/*
 * The fixture of row->input, built if it is not the one at hand, with the loops of the row before forgotten,
 * and its addresses of this kind, proved against the oracle. Returns 0, also when a translation was wrong:
 * then row->wrong is set. Otherwise 1, with row->skipped saying why.
 */
int bench_fixture_get(struct bench_row *row, struct bench_session *session, enum bench_stream_kind kind,
                      struct bench_fixture **out, struct bench_addresses **addresses);
void bench_fixture_free(struct bench_fixture *fixture);

/* The first GiB boundary above all RAM of the layout from which so many bytes overlap no range. */
uint64_t bench_free_above(const struct bench_layout *layout, uint64_t bytes);

/* Adds a member that runs this loop over these addresses. NULL when there is no room. */
struct bench_member *bench_loop_add(struct bench_fixture *fixture, struct bench_members *members,
                                    const char *name, bench_loop_run *run, void *self,
                                    const struct bench_addresses *addresses, enum bench_check check);

enum bench_shape {
    BENCH_SHAPE_CALL,
    BENCH_SHAPE_DEPENDENT,
    BENCH_SHAPE_PINNED /* a snapshot or lock for each address */
};

/*
 * Adds the competitors that are sensible for the layout: all, or those whose names are in `only`, which ends
 * with NULL; and the peers that have this shape. Returns 0 or -ENOMEM.
 */
int bench_competitors_add(struct bench_fixture *fixture, struct bench_members *members,
                          enum bench_shape shape, const struct bench_addresses *addresses,
                          const char *const *only);

/* How many competitors or peers a row on this input will have, about: for the time plan. */
unsigned bench_competitors_expected(const struct bench_input *input);
unsigned bench_peers_expected(enum bench_shape shape);

#endif
