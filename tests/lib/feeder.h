/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A source whose every read is short: a thread that writes a few bytes into a pipe, and the next few only when those
 * have been taken out.
 */
#ifndef GM_TESTS_LIB_FEEDER_H
#define GM_TESTS_LIB_FEEDER_H

#include "lib/cm.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct feeder {
    int read, write; /* ends of the pipe; write is closed when all is fed */
    const uint8_t *bytes;
    size_t len, step;
    pthread_t thread;
};

static inline void *feeder_run(void *argument)
{
    struct feeder *feeder = argument;
    for (size_t at = 0; at < feeder->len; at += feeder->step) {
        size_t len = feeder->len - at < feeder->step ? feeder->len - at : feeder->step;
        int left = 1;
        if (write(feeder->write, feeder->bytes + at, len) != (ssize_t)len)
            return feeder;
        while (ioctl(feeder->read, FIONREAD, &left) == 0 && left != 0)
            sched_yield();
    }
    close(feeder->write);
    return NULL;
}

static inline void feeder_start(struct feeder *feeder, const uint8_t *bytes, size_t len, size_t step)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    *feeder = (struct feeder){.read = ends[0], .write = ends[1], .bytes = bytes, .len = len, .step = step};
    assert_int_equal(pthread_create(&feeder->thread, NULL, feeder_run, feeder), 0);
}

static inline void feeder_end(struct feeder *feeder)
{
    void *failed = feeder;
    assert_int_equal(pthread_join(feeder->thread, &failed), 0);
    assert_null(failed);
    close(feeder->read);
}

#endif
