/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Why something is not counted, in words that help: a report without a number says what to do to get it. */
#include "counters.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

struct text {
    char *out;
    size_t size;
};

static void append(const struct text *text, const char *separator, const char *more)
{
    size_t length = strlen(text->out);

    snprintf(text->out + length, text->size - length, "%s%s", length > 0 ? separator : "", more);
}

/* Why perf_event_open said no, and what helps. */
static void explain(int error, int hardware, int paranoid, char *out, size_t size)
{
    if ((error == -EACCES || error == -EPERM) && paranoid != INT_MAX && paranoid > 1)
        snprintf(out, size, "kernel.perf_event_paranoid is %d: sysctl kernel.perf_event_paranoid=1, or CAP_PERFMON",
                 paranoid);
    else if (error == -EACCES || error == -EPERM)
        snprintf(out, size, "not permitted, by a container's seccomp filter for instance; CAP_PERFMON may help");
    else if (error == -ENOSYS)
        snprintf(out, size, "this kernel has no perf_event_open");
    else if (hardware && (error == -ENOENT || error == -ENODEV || error == -EOPNOTSUPP))
        snprintf(out, size, "this machine has none; virtual machines often have no PMU");
    else if (hardware && error == -EINVAL)
        snprintf(out, size, "not together with the others of the group");
    else
        snprintf(out, size, "%s", strerror(-error));
}

/* Names the events of one kind that fail with this error; all of the kind go by one name. */
static void append_names(const struct text *text, const int missing[BENCH_EVENTS], int first, int end, int error)
{
    int count = 0, named = 0;

    for (int event = first; event < end; event++)
        count += missing[event] == error;
    if (count == end - first) {
        append(text, "; ", first < BENCH_HARDWARE_EVENTS ? "hardware counters" : "counters of the kernel");
        return;
    }
    for (int event = first; event < end; event++)
        if (missing[event] == error)
            append(text, named++ > 0 ? ", " : "; ", bench_event_name((enum bench_event)event));
}

static void describe(const struct text *text, const int missing[BENCH_EVENTS], int first, int end, int paranoid)
{
    for (int event = first; event < end; event++) {
        char why[160];
        int told = missing[event] == 0;
        for (int earlier = first; earlier < event; earlier++)
            told |= missing[earlier] == missing[event];
        if (told)
            continue;
        append_names(text, missing, first, end, missing[event]);
        explain(missing[event], first < BENCH_HARDWARE_EVENTS, paranoid, why, sizeof(why));
        append(text, ": ", why);
    }
}

void bench_counters_why(const int missing[BENCH_EVENTS], int paranoid, char *out, size_t size)
{
    const struct text text = {out, size};

    out[0] = '\0';
    describe(&text, missing, 0, BENCH_HARDWARE_EVENTS, paranoid);
    describe(&text, missing, BENCH_HARDWARE_EVENTS, BENCH_EVENTS, paranoid);
}
