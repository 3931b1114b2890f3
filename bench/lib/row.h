/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A row of the report: one question, asked of ours, of a floor and of competitors in the same process run,
 * and the target that the answer is held against. Cases make rows; nothing is built until a row's turn comes.
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include "bench.h"

struct bench_session;
struct bench_input;
struct bench_row;
struct bench_members;

enum bench_rule {
    BENCH_NO_TARGET,
    BENCH_AT_MOST,     /* ours <= limit */
    BENCH_AT_LEAST,    /* ours >= limit */
    BENCH_TIMES_FLOOR, /* ours <= limit * floor of the same run */
    BENCH_TIMES_RIVAL, /* the same of the rival that `beside` names; no target where it does not take part */
    BENCH_TWO_LOADS    /* ours <= 2 * the measured latency + limit */
};

/* How the samples of the members make the row's value. */
enum bench_value {
    BENCH_MEDIAN,         /* of ours */
    BENCH_MINUS_FLOOR,    /* ours less floor: what a step adds to the loop without it */
    BENCH_SPEED_OF_FLOOR, /* floor / ours: the share of the undisturbed speed that is left */
    BENCH_COUNTED         /* not timed: prepare sets it */
};

struct bench_rival {
    char name[48];
    int peer; /* the real one; else a re-implementation */
    double ns, min;
};

struct bench_row {
    char id[8];
    char name[112];
    const char *unit;
    enum bench_value value;
    enum bench_rule rule;
    double limit;
    const char *beside; /* how the name of a rival begins */

    /* Sets the members. 0; 1 with `skipped` filled (a skip that is reported); -errno likewise. */
    int (*prepare)(struct bench_row *row, struct bench_session *session, struct bench_members *members);
    void (*release)(struct bench_row *row); /* also after a failed prepare; may be NULL */
    const struct bench_input *input;        /* what prepare builds on; NULL: its own */
    uint64_t param;                         /* the case's: regions, for instance */
    const char *text;                       /* the case's: the ISA, for instance */
    unsigned planned;                       /* members to expect, for the time plan */
    int remote;                             /* measured by the twin program, see twin.c */
    void *priv;                             /* between prepare and release */

    int done;
    int wrong;
    char wrong_member[48];
    char skipped[128]; /* not empty: not measured, and why */
    const char *no_ours; /* the case's: why ours does not take part while floor and others do; else NULL */
    int has_ours, has_floor;
    double ours, ours_min, floor, floor_min, target; /* min < 0: has none; target < 0: none */
    struct bench_counted counted_ours, counted_floor;
    struct bench_rival rivals[BENCH_MAX_MEMBERS];
    size_t rival_count;
};

/* The roles of members are told by these names; every other member is a competitor. */
#define BENCH_OURS "ours"
#define BENCH_FLOOR "floor"
#define BENCH_LATENCY "latency"

/* What a row's prepare fills, one at a time. */
struct bench_members {
    struct bench_member list[BENCH_MAX_MEMBERS];
    size_t count;
};

/* The next member, with the defaults: one thread on CPU 0, granule 1. NULL when there is no room. */
struct bench_member *bench_member_add(struct bench_members *members, const char *name, bench_body *body,
                                      void *fixture, uint64_t granule);

/* From samples to the row's value, target and rivals. */
void bench_row_evaluate(struct bench_row *row, const struct bench_members *members);

/* 1 met, 0 not met, -1 there is no target or no value. */
int bench_row_met(const struct bench_row *row);

/* Says why a row has no value; for `return bench_row_skip(row, "...")` in prepare. Returns 1. */
__attribute__((format(printf, 2, 3))) int bench_row_skip(struct bench_row *row, const char *format, ...);

double bench_median(const double *samples, unsigned count);

#endif
