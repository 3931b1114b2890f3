/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Sets of counters. Events that belong together are a group, which the kernel counts at the same time or not at all, so
 * that instructions per cycle are of one and the same time. Counts are differences between two readings: a reset would
 * leave the times as they are.
 *
 * How often the thread lost its processor is the kernel's own figure, which nobody needs a permission for; the event
 * of that name also has the times when the thread waited.
 */
#include "counters.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

static const struct bench_counters_system *perf = &bench_counters_real;

static int off = 1;
static int missing[BENCH_EVENTS]; /* -errno of those that cannot be opened here */
static char skipped[400];

void bench_counters_use(const struct bench_counters_system *system)
{
    perf = system != NULL ? system : &bench_counters_real;
}

/* The first event of a group that can be opened leads it. */
static void open_all(struct bench_counters *set, int errors[BENCH_EVENTS])
{
    memset(set, 0, sizeof(*set));
    for (int group = 0; group < BENCH_EVENT_GROUPS; group++)
        set->leader[group] = -1;
    for (int event = 0; event < BENCH_EVENTS; event++) {
        const struct bench_event_source *source = &bench_event_sources[event];
        int *leader = &set->leader[source->group];
        set->fd[event] = -1;
        if (errors[event] != 0)
            continue;
        int fd = perf->open(source->type, source->config, source->with_kernel, *leader);
        if (fd < 0) {
            errors[event] = fd;
            continue;
        }
        set->fd[event] = fd;
        if (*leader < 0)
            *leader = fd;
    }
}

void bench_counters_setup(int wanted)
{
    struct bench_counters trial;

    off = !wanted;
    memset(missing, 0, sizeof(missing));
    strcpy(skipped, "switched off");
    if (off)
        return;
    open_all(&trial, missing);
    bench_counters_close(&trial);
    bench_counters_why(missing, perf->paranoid(), skipped, sizeof(skipped));
}

const char *bench_counters_skipped(void)
{
    return skipped[0] != '\0' ? skipped : NULL;
}

int bench_counters_open(struct bench_counters *set)
{
    int errors[BENCH_EVENTS];

    if (off)
        return -ENOTSUP;
    memcpy(errors, missing, sizeof(errors));
    open_all(set, errors);
    return 0;
}

void bench_counters_close(struct bench_counters *set)
{
    for (int event = BENCH_EVENTS - 1; set != NULL && event >= 0; event--) {
        if (set->fd[event] >= 0)
            perf->close(set->fd[event]);
        set->fd[event] = -1;
    }
}

/* The number of events, the two times, and the counts in the order of opening. */
static void read_group(const struct bench_counters *set, int group, struct bench_reading *reading)
{
    uint64_t words[3 + BENCH_EVENTS] = {0};
    size_t members = 0;
    long bytes;

    reading->valid[group] = 0;
    if (set->leader[group] < 0)
        return;
    bytes = perf->read(set->leader[group], words, sizeof(words));
    for (int event = 0; event < BENCH_EVENTS; event++)
        if (bench_event_sources[event].group == group && set->fd[event] >= 0)
            reading->count[event] = words[3 + members++];
    reading->valid[group] = bytes == (long)((3 + members) * sizeof(words[0])) && words[0] == members;
    reading->enabled_ns[group] = words[1];
    reading->running_ns[group] = words[2];
}

static void read_all(const struct bench_counters *set, struct bench_reading *reading)
{
    struct rusage usage;

    for (int group = 0; group < BENCH_EVENT_GROUPS; group++)
        read_group(set, group, reading);
    reading->preempted = getrusage(RUSAGE_THREAD, &usage) == 0 ? (uint64_t)usage.ru_nivcsw : 0;
}

void bench_counters_pause(struct bench_counters *set)
{
    for (int group = 0; set != NULL && group < BENCH_EVENT_GROUPS; group++)
        if (set->leader[group] >= 0)
            (void)perf->run(set->leader[group], 0);
}

/* The processor's groups last: they do not count the switching on of others. */
void bench_counters_resume(struct bench_counters *set)
{
    for (int group = BENCH_EVENT_GROUPS - 1; set != NULL && group >= 0; group--)
        if (set->leader[group] >= 0)
            (void)perf->run(set->leader[group], 1);
}

void bench_counters_begin(struct bench_counters *set)
{
    if (set == NULL)
        return;
    bench_counters_pause(set);
    read_all(set, &set->before);
    bench_counters_resume(set);
}

void bench_counters_end(struct bench_counters *set, uint64_t ops, struct bench_counts *out)
{
    const struct bench_reading *before = set != NULL ? &set->before : NULL;
    struct bench_reading after;

    if (set == NULL)
        return;
    bench_counters_pause(set);
    read_all(set, &after);
    for (int event = 0; event < BENCH_EVENTS; event++) {
        int group = bench_event_sources[event].group;
        if (set->fd[event] < 0 || !before->valid[group] || !after.valid[group])
            continue;
        out->event[event].count += after.count[event] - before->count[event];
        out->event[event].enabled_ns += after.enabled_ns[group] - before->enabled_ns[group];
        out->event[event].running_ns += after.running_ns[group] - before->running_ns[group];
        out->event[event].ops += ops;
    }
    out->preempted += after.preempted - before->preempted;
}
