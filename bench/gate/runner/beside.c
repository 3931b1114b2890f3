/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The second thread of cases that have one. Both threads are bound to a processor of their own: left to the
 * scheduler, they share one for whole legs.
 *
 * `wanted` is written by the first thread, `doing` by the second: a leg begins once the second is at work, and
 * the next side's begins once it has stopped.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"

enum { REST = 2, END = 3, FAILED = 4 }; /* 0 and 1: the work of that side */

static struct {
    _Alignas(128) atomic_uint wanted;
    _Alignas(128) atomic_uint doing;
    const struct side *sides;
    uint64_t legs;    /* that the first thread timed */
    uint64_t calls;   /* that the second made meanwhile, at least one in each */
    cpu_set_t before; /* where the first thread might run */
    pthread_t thread;
} second;

static void relax(void)
{
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
}

static int call_both(int (*const calls[2])(void))
{
    for (unsigned i = 0; i < 2; i++) {
        int error = calls[i] != NULL ? calls[i]() : 0;
        if (error != 0) {
            fprintf(stderr, "the second thread of side %u: %s\n", i, strerror(-error));
            return error;
        }
    }
    return 0;
}

static void *work(void *unused)
{
    const struct gate_table *a = second.sides[0].table, *b = second.sides[1].table;
    (void)unused;
    if (call_both((int (*const[2])(void)){a->enter, b->enter}) != 0) {
        atomic_store(&second.doing, FAILED);
        return &second;
    }
    for (;;) {
        const unsigned want = atomic_load(&second.wanted);
        if (want == END)
            break;
        atomic_store(&second.doing, want);
        do {
            if (want == REST)
                relax();
            else
                second.sides[want].now->beside();
            second.calls += want != REST;
        } while (atomic_load_explicit(&second.wanted, memory_order_relaxed) == want);
    }
    return call_both((int (*const[2])(void)){a->leave, b->leave}) != 0 ? &second : NULL;
}

/* The first two processors that this process may use, or fewer. */
static unsigned two_processors(cpu_set_t sets[2])
{
    unsigned found = 0;
    if (sched_getaffinity(0, sizeof(second.before), &second.before) != 0)
        return 0;
    for (size_t cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
        if (!CPU_ISSET(cpu, &second.before))
            continue;
        CPU_ZERO(&sets[found]);
        CPU_SET(cpu, &sets[found++]);
    }
    return found;
}

int beside_begin(const struct side *sides)
{
    cpu_set_t sets[2];
    if (two_processors(sets) < 2) {
        printf("skip\t%s\t%s\n", sides[0].now->name, "second processor");
        return -ENOTSUP;
    }
    second.sides = sides;
    second.legs = second.calls = 0;
    atomic_store(&second.wanted, REST);
    atomic_store(&second.doing, END);
    if (pthread_create(&second.thread, NULL, work, NULL) != 0)
        return GATE_CANNOT;
    (void)pthread_setaffinity_np(second.thread, sizeof(sets[1]), &sets[1]);
    (void)sched_setaffinity(0, sizeof(sets[0]), &sets[0]);
    for (;;) {
        const unsigned doing = atomic_load(&second.doing);
        if (doing == FAILED)
            return beside_end() | GATE_CANNOT;
        if (doing == REST)
            return 0;
    }
}

int beside_end(void)
{
    void *failed;
    atomic_store(&second.wanted, END);
    (void)pthread_join(second.thread, &failed);
    (void)sched_setaffinity(0, sizeof(second.before), &second.before);
    if (failed == NULL && second.calls < second.legs)
        fprintf(stderr, "%s: the second thread did not run\n", second.sides[0].now->name);
    return failed != NULL || second.calls < second.legs ? GATE_CANNOT : 0;
}

static void want(unsigned what)
{
    atomic_store(&second.wanted, what);
    while (atomic_load(&second.doing) != what)
        relax();
}

void beside_on(unsigned side)
{
    second.legs++;
    want(side);
}

void beside_off(void)
{
    want(REST);
}
