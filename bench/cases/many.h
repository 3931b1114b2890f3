/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A loop over addresses that several threads run at once, and writers that publish meanwhile. */
#ifndef BENCH_MANY_H
#define BENCH_MANY_H

#include "cases.h"

#include "../lib/worker.h"

/*
 * Adds a member that runs the loop on so many threads, each registered as a reader, on the CPUs from `cpu` on. The
 * loop's cursor is not used: threads begin at places of their own.
 */
struct bench_member *bench_many_add(struct bench_members *members, const char *name, struct bench_loop *loop,
                                    int threads, int cpu);

#define BENCH_UNTHROTTLED UINT64_MAX

/* One of the writers of a space: adds and removes a region of its own, beyond all others. */
struct bench_writer {
    struct gm_space *space;
    struct gm_backing *backing;
    uint64_t gpa;
    unsigned flags;
    int there; /* its region */
    uint64_t rate; /* [commits/s] at most; 0: none; BENCH_UNTHROTTLED: without pause */
    uint64_t commits, active_ns, began_ns;
    struct bench_worker worker;
};

struct bench_writers {
    struct bench_writer list[BENCH_MAX_THREADS];
    size_t count;
    void *memory;
};

/* Writers i run on CPU number i. 0 or -errno; close in either case. */
int bench_writers_open(struct bench_writers *writers, const struct bench_fixture *fixture, size_t count,
                       unsigned flags, uint64_t rate);
int bench_writers_start(struct bench_writers *writers); /* 0 or -errno, and then none runs */
int bench_writers_stop(struct bench_writers *writers);  /* 0, or the -errno of a writer's last step */
void bench_writers_close(struct bench_writers *writers);

/* [commits/s] of all writers, over all the time that they ran. */
double bench_writers_rate(const struct bench_writers *writers);

#endif
