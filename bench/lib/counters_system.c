/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * perf_event_open(2): what the kernel knows each event by, and the calls. There are two groups of hardware events
 * because a processor, or what a host gives its guest of one, may have no more than four counters; they then take
 * turns, which the times in a reading show.
 *
 * The processor's events are counted in user mode, which unprivileged programs are allowed more often; a switch happens
 * in the kernel and is seen there or not at all.
 */
#include "counters.h"

#include <errno.h>
#include <limits.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CACHE_READ_MISS(cache)                                                                                        \
    ((cache) | PERF_COUNT_HW_CACHE_OP_READ << 8 | (uint64_t)PERF_COUNT_HW_CACHE_RESULT_MISS << 16)

enum { CORE, MEMORY, KERNEL };

const struct bench_event_source bench_event_sources[BENCH_EVENTS] = {
    [BENCH_CYCLES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, CORE, 0},
    [BENCH_INSTRUCTIONS] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, CORE, 0},
    [BENCH_BRANCH_MISSES] = {PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, CORE, 0},
    [BENCH_L1D_LOAD_MISSES] = {PERF_TYPE_HW_CACHE, CACHE_READ_MISS(PERF_COUNT_HW_CACHE_L1D), MEMORY, 0},
    [BENCH_DTLB_LOAD_MISSES] = {PERF_TYPE_HW_CACHE, CACHE_READ_MISS(PERF_COUNT_HW_CACHE_DTLB), MEMORY, 0},
    [BENCH_TASK_CLOCK] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, KERNEL, 0},
    [BENCH_PAGE_FAULTS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, KERNEL, 0},
    [BENCH_CONTEXT_SWITCHES] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, KERNEL, 1},
    [BENCH_CPU_MIGRATIONS] = {PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, KERNEL, 1},
};

static int system_open(uint32_t type, uint64_t config, int with_kernel, int leader)
{
    struct perf_event_attr attributes;
    long fd;

    memset(&attributes, 0, sizeof(attributes));
    attributes.size = sizeof(attributes);
    attributes.type = type;
    attributes.config = config;
    attributes.disabled = leader < 0; /* members follow their leader */
    attributes.exclude_kernel = !with_kernel;
    attributes.exclude_hv = !with_kernel;
    attributes.read_format =
        PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED | PERF_FORMAT_TOTAL_TIME_RUNNING;
    fd = syscall(SYS_perf_event_open, &attributes, 0, -1, leader, PERF_FLAG_FD_CLOEXEC);
    return fd < 0 ? -errno : (int)fd;
}

/*
 * Members run when their leader does. The request is not made for each of them (PERF_IOC_FLAG_GROUP): Linux 6.18 then
 * leaves members stopped from the second time on, while their times go on.
 */
static int system_run(int leader, int on)
{
    return ioctl(leader, on ? PERF_EVENT_IOC_ENABLE : PERF_EVENT_IOC_DISABLE, 0) == 0 ? 0 : -errno;
}

static long system_read(int leader, uint64_t *words, size_t bytes)
{
    ssize_t result = read(leader, words, bytes);

    return result < 0 ? -errno : (long)result;
}

static void system_close(int fd)
{
    (void)close(fd);
}

static int system_paranoid(void)
{
    FILE *file = fopen("/proc/sys/kernel/perf_event_paranoid", "re");
    int level = INT_MAX;

    if (file == NULL)
        return INT_MAX;
    if (fscanf(file, "%d", &level) != 1)
        level = INT_MAX;
    fclose(file);
    return level;
}

const struct bench_counters_system bench_counters_real = {
    .open = system_open, .run = system_run, .read = system_read, .close = system_close, .paranoid = system_paranoid};
