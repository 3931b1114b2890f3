/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A thread in the background of a measurement: the writer while readers are timed, the reader while a writer
 * is. It runs on a CPU of its own; on a machine with one there is nothing to measure, and the row is skipped.
 */
#ifndef BENCH_WORKER_H
#define BENCH_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

struct bench_worker {
    int (*step)(void *argument); /* called over and over; 0 or -errno, which ends the thread */
    void *argument;
    int cpu;
    int reads; /* register it as a reader */

    pthread_t thread;
    atomic_int state;
    int error;
    uint64_t steps; /* over all starts; valid while stopped */
};

/* Returns once the thread has done its first step. 0 or -errno. */
int bench_worker_start(struct bench_worker *worker);

/* Ends it and waits. Returns what its last step did. */
int bench_worker_stop(struct bench_worker *worker);

#endif
