/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Background threads. The state word goes from STARTING to RUNNING after the first step, so that what is
 * timed never includes the thread's start; an error in the first step is reported by the start.
 */
#include "worker.h"

#include <errno.h>
#include <guestmem/view.h>
#include <sched.h>

#include "bench.h"

enum { STARTING, RUNNING, STOPPING };

static void *work(void *argument)
{
    struct bench_worker *worker = argument;
    int starting = STARTING;

    (void)bench_cpu_pin(worker->cpu);
    worker->error = worker->reads ? gm_reader_register() : 0;
    while (worker->error == 0 && atomic_load_explicit(&worker->state, memory_order_relaxed) != STOPPING) {
        worker->error = worker->step(worker->argument);
        worker->steps++;
        if (starting == STARTING) {
            (void)atomic_compare_exchange_strong(&worker->state, &starting, RUNNING);
            starting = RUNNING;
        }
    }
    if (worker->reads)
        (void)gm_reader_unregister();
    atomic_store(&worker->state, STOPPING);
    return NULL;
}

int bench_worker_start(struct bench_worker *worker)
{
    int error;

    atomic_store(&worker->state, STARTING);
    error = pthread_create(&worker->thread, NULL, work, worker);
    if (error != 0)
        return -error;
    while (atomic_load(&worker->state) == STARTING)
        sched_yield();
    if (atomic_load(&worker->state) == RUNNING)
        return 0;
    return bench_worker_stop(worker);
}

int bench_worker_stop(struct bench_worker *worker)
{
    atomic_store(&worker->state, STOPPING);
    (void)pthread_join(worker->thread, NULL);
    return worker->error;
}
