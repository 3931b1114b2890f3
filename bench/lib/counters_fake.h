/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A kernel made up for the self-test of the counters: it has every counter, or lacks some, or gives wrong answers. */
#ifndef BENCH_COUNTERS_FAKE_H
#define BENCH_COUNTERS_FAKE_H

#include <stdio.h>

#include "counters.h"

#define CHECK(condition) ((condition) ? (void)0 : counters_check_failed(__FILE__, __LINE__, #condition))

void counters_check_failed(const char *file, int line, const char *condition);

#define FAKE_FDS 64

struct fake {
    int error[BENCH_EVENTS]; /* of opening it */
    int paranoid;
    int event[FAKE_FDS], leader[FAKE_FDS], open[FAKE_FDS], running[FAKE_FDS];
    int next, tried; /* descriptor; calls of open */
    uint64_t count[BENCH_EVENTS];
    uint64_t enabled_ns[FAKE_FDS], running_ns[FAKE_FDS]; /* by leader */
    int short_read;
};

extern struct fake fake;

/* Forgets everything, and is used from here on; errors are -errno of opening each kind of event. */
void fake_reset(int hardware_error, int kernel_error);

int fake_open_count(void);

/* Time passes: running groups count event + 1 an operation, all of it or a part of the time. */
void fake_pass(uint64_t ops, uint64_t ns, unsigned percent);

#endif
