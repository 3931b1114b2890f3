/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A driver and a device, two threads that go to sleep when they have nothing to do, and that only the other's call
 * wakes. A side that sleeps waits for the other: so a call is lost when both sleep and neither is being called. That is
 * certain, however slow the machine is.
 */
#ifndef GM_TESTS_LIB_TWO_SIDES_H
#define GM_TESTS_LIB_TWO_SIDES_H

#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/rand.h"
#include "lib/setting.h"

#define AWAKE 3000 /* turns of a loop in which a call is noticed at once */
#define ASLEEP_NS 50000
#define PAUSE_MOST 200 /* turns of an empty loop */

enum side { DRIVER, DEVICE, SIDES };

struct sides {
    uint32_t called[SIDES], asleep[SIDES];
    uint64_t sleeps[SIDES], calls[SIDES]; /* of who slept, and who was called */
    uint64_t lost, wrong;
    bool over;
};

static inline bool sides_over(const struct sides *sides)
{
    return __atomic_load_n(&sides->over, __ATOMIC_ACQUIRE);
}

static inline void sides_end(struct sides *sides)
{
    __atomic_store_n(&sides->over, true, __ATOMIC_RELEASE);
}

/* Something is not as it has to be: said, counted, and the end. */
static inline void sides_wrong(struct sides *sides, const char *what, uint64_t value)
{
    if (__atomic_fetch_add(&sides->wrong, 1, __ATOMIC_RELAXED) < 10)
        fprintf(stderr, "%s: %" PRIu64 "\n", what, value);
    sides_end(sides);
}

static inline bool sides_is(const uint32_t *word)
{
    return __atomic_load_n(word, __ATOMIC_SEQ_CST) != 0;
}

static inline void sides_call(struct sides *sides, enum side who)
{
    sides->calls[who]++;
    __atomic_store_n(&sides->called[who], 1, __ATOMIC_SEQ_CST);
}

/*
 * Nobody will ever wake us. Whoever wakes says so before it takes its call: a side that is asleep, and was not being
 * called before that, is awaited by nobody but us; and what it called us for, it did before it fell asleep.
 */
static inline bool sides_both_sleep(const struct sides *sides, enum side me)
{
    const enum side other = me == DRIVER ? DEVICE : DRIVER;
    return !sides_is(&sides->called[other]) && sides_is(&sides->asleep[other]) && !sides_is(&sides->called[me]);
}

/* Until somebody calls. At first without leaving the processor: what goes wrong does so while both sides are quick. */
static inline void sides_sleep(struct sides *sides, enum side me)
{
    const struct timespec rest = {.tv_nsec = ASLEEP_NS};
    sides->sleeps[me]++;
    __atomic_store_n(&sides->asleep[me], 1, __ATOMIC_SEQ_CST);
    for (unsigned turn = 0; !sides_is(&sides->called[me]) && !sides_over(sides); turn++) {
        if (turn < AWAKE)
            continue;
        (void)nanosleep(&rest, NULL);
        if (sides_both_sleep(sides, me) && !sides_over(sides)) {
            __atomic_store_n(&sides->lost, 1, __ATOMIC_RELAXED);
            sides_end(sides);
        }
    }
    __atomic_store_n(&sides->asleep[me], 0, __ATOMIC_SEQ_CST);
    /* what we were called for is seen from here on */
    (void)__atomic_exchange_n(&sides->called[me], 0, __ATOMIC_SEQ_CST);
}

/* Sometimes, and not for long: which side is first shall differ. */
static inline void sides_pause(uint64_t *random)
{
    uint64_t turns = gmt_rand_below(random, 3) == 0 ? gmt_rand_below(random, PAUSE_MOST) : 0;
    for (volatile uint64_t i = 0; i < turns; i++)
        ;
}

/* Both at once, until both are done. */
static inline void sides_run(struct sides *sides, void *(*drive)(void *), void *driver, void *(*serve)(void *),
                             void *device)
{
    pthread_t threads[SIDES];
    sides->over = false;
    for (int i = 0; i < SIDES; i++)
        sides->asleep[i] = sides->called[i] = 0;
    if (pthread_create(&threads[DRIVER], NULL, drive, driver) != 0 ||
        pthread_create(&threads[DEVICE], NULL, serve, device) != 0) {
        fprintf(stderr, "no thread\n");
        exit(1);
    }
    for (int i = 0; i < SIDES; i++)
        pthread_join(threads[i], NULL);
}

/* When the test is to end. */
static inline time_t sides_deadline(time_t seconds)
{
    return time(NULL) + (time_t)torture_seconds((uint64_t)seconds);
}

/* What happened, in one line; and the exit code. */
static inline int sides_report(const struct sides *sides, uint64_t rounds, uint64_t elements)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
        printf("one processor: nothing can be late\n");
    printf("%" PRIu64 " rounds, %" PRIu64 " elements: the driver slept %" PRIu64 " times and the device %" PRIu64
           ", they were called %" PRIu64 " and %" PRIu64 " times; notifications lost: %" PRIu64 ", errors: %" PRIu64
           "\n", rounds, elements, sides->sleeps[DRIVER], sides->sleeps[DEVICE], sides->calls[DRIVER],
           sides->calls[DEVICE], sides->lost, sides->wrong);
    const bool idle = sides->sleeps[DRIVER] == 0 || sides->sleeps[DEVICE] == 0;
    return sides->lost + sides->wrong != 0 || idle ? 1 : 0;
}

#endif
