/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The traces of a session, each with the layout that it is measured on. All are read before anything is measured, so
 * that a mistake in one is told at once; spaces are built when a row asks, one at a time.
 */
#ifndef BENCH_TRACESET_H
#define BENCH_TRACESET_H

#include "fixture.h"
#include "options.h"
#include "trace.h"

struct bench_trace_input {
    const char *path;
    char *layout_path; /* NULL: a layout is made up */
    struct bench_trace *trace;
    char label[104]; /* "trace:net/layout:q35-64g" */
};

/* What an access asks for, beside its address. */
struct bench_trace_ask {
    uint32_t len, rights;
};

struct bench_trace_fixture {
    const struct bench_trace_input *input;
    struct bench_fixture *fixture;  /* layout, space, competitors, loops */
    struct bench_addresses whole;   /* sums: of the host addresses of all pieces of each access */
    struct bench_trace_ask *ask;    /* whole.gpa[i] is asked for with ask[i] */
    struct bench_addresses eight;   /* the same addresses, for loops that know one length only */
};

struct bench_traceset {
    struct bench_trace_input list[BENCH_MAX_TRACES];
    size_t count;
    struct bench_trace_fixture *fixture; /* of the trace in use */
};

/* 0, or the exit status after a message that says which file and line cannot be used. */
int bench_traceset_open(struct bench_session *session);
void bench_traceset_close(struct bench_session *session);

/*
 * The fixture of that trace, built unless it is the one at hand, with the loops of the row before forgotten. Every
 * address was translated once and agrees with the oracle. Returns 0, also when a translation was wrong: then
 * row->wrong is set. Otherwise 1, with row->skipped saying why.
 */
int bench_trace_fixture_get(struct bench_row *row, struct bench_session *session,
                            const struct bench_trace_input *input, struct bench_trace_fixture **out);

/* The host addresses of the pieces of an access that is not contiguous, summed; 0: it does not translate. */
uint64_t bench_trace_pieces(const struct gm_view *view, uint64_t gpa, const struct bench_trace_ask *ask);

#endif
