/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * CPU affinity. Numbers count the CPUs that the process was allowed when it started (in a container seldom
 * 0..n-1), and are read once, because a thread that is pinned would otherwise see only its own.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>

#include "bench.h"

static cpu_set_t allowed;
static pthread_once_t allowed_once = PTHREAD_ONCE_INIT;

static void allowed_read(void)
{
    CPU_ZERO(&allowed);
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0)
        CPU_SET(0, &allowed);
}

int bench_cpu_count(void)
{
    pthread_once(&allowed_once, allowed_read);
    return CPU_COUNT(&allowed);
}

int bench_cpu_pin(int number)
{
    int left = number % bench_cpu_count();

    for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++) {
        if (!CPU_ISSET(cpu, &allowed) || left-- > 0)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        return -pthread_setaffinity_np(pthread_self(), sizeof(one), &one);
    }
    return -EINVAL;
}

int bench_cpu_release(void)
{
    pthread_once(&allowed_once, allowed_read);
    return -pthread_setaffinity_np(pthread_self(), sizeof(allowed), &allowed);
}
