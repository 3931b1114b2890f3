/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * One run of the program: what was asked for, the inputs, the rows, and the fixture that is built at the
 * moment.
 */
#ifndef BENCH_SESSION_H
#define BENCH_SESSION_H

#include <regex.h>

#include "env.h"
#include "fixture.h"
#include "options.h"
#include "row.h"

/* How long things may take. A repetition's length follows from what is left of the budget. */
struct bench_effort {
    const char *name;
    unsigned repetitions;           /* of ours and the floor */
    unsigned rival_repetitions;     /* of competitors, which are many and slow */
    double budget_s;                /* for measuring; building inputs comes on top */
    double shortest_ms, longest_ms; /* of a repetition */
};

struct bench_session {
    struct bench_options options;
    const struct bench_effort *effort;
    struct bench_env env;
    struct bench_input *inputs; /* those that cases go through, and behind them those that one case asked for */
    size_t input_count, extra_count;
    struct bench_traceset *traces; /* NULL: none */
    struct bench_fixture *fixture; /* of the input in use; see fixture.h */
    struct bench_row *rows;
    size_t row_count, row_room;
    regex_t filter;
    int has_filter;
    int error; /* of a row that could not be added */
};

/* One file of bench/cases/: adds its rows. */
typedef void bench_case(struct bench_session *session);

/* All of them, in the order of the report; ends with NULL. cases/list.c */
extern bench_case *const bench_cases[];

/*
 * A new row, zeroed but for its id, name and unit, or NULL when the filter leaves it out (or memory is short:
 * then session->error is set). `planned` starts at 2 members.
 */
__attribute__((format(printf, 4, 5))) struct bench_row *
bench_row_add(struct bench_session *session, const char *id, const char *unit, const char *format, ...);

/* 0, or the exit status after a message: inputs that cannot be read, a filter that does not compile. */
int bench_session_open(struct bench_session *session, const struct bench_options *options);
void bench_session_close(struct bench_session *session);

/* Measures every row. 0, or the exit status after a message (a wrong answer ends the run). */
int bench_session_run(struct bench_session *session);

/* ---- plan.c ---------------------------------------------------------------------------------------- */

const struct bench_effort *bench_effort_find(const char *name);

/* As few and as long repetitions as fill so many seconds of one member. */
const struct bench_effort *bench_effort_of_seconds(uint64_t seconds);

/* Sets iterations and repetitions of all members; seconds: what this row may take. */
void bench_plan(const struct bench_effort *effort, struct bench_members *members, double seconds);

/* ---- twin.c ---------------------------------------------------------------------------------------- */

/*
 * Lets the program that is linked against the shared library measure the remote rows, and takes its results.
 * 0, or the exit status when a translation there was wrong; what else fails makes skipped rows.
 */
int bench_twin_run(struct bench_session *session);

/* The twin's side: the rows in the form that bench_twin_run reads. 0 or -errno. */
int bench_twin_write(const struct bench_session *session, const char *path);

#endif
