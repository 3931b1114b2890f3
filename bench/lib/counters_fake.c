/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Descriptors are small numbers; what is asked of one that is not open, or of a member as if it led, is reported. */
#include "counters_fake.h"

#include <errno.h>
#include <string.h>

struct fake fake;

static int fake_open(uint32_t type, uint64_t config, int with_kernel, int leader)
{
    fake.tried++;
    for (int event = 0; event < BENCH_EVENTS; event++) {
        const struct bench_event_source *source = &bench_event_sources[event];
        if (source->type != type || source->config != config)
            continue;
        CHECK(with_kernel == source->with_kernel);
        CHECK(leader < 0 || (fake.open[leader] && fake.leader[leader] == leader));
        if (fake.error[event] != 0)
            return fake.error[event];
        int fd = fake.next++ % FAKE_FDS;
        fake.event[fd] = event;
        fake.leader[fd] = leader < 0 ? fd : leader;
        fake.open[fd] = 1;
        fake.running[fd] = 0;
        return fd;
    }
    return -EINVAL;
}

static int fake_run(int leader, int on)
{
    CHECK(fake.open[leader] && fake.leader[leader] == leader);
    fake.running[leader] = on;
    return 0;
}

static long fake_read(int leader, uint64_t *words, size_t bytes)
{
    size_t count = 0;

    for (int fd = 0; fd < FAKE_FDS; fd++)
        if (fake.open[fd] && fake.leader[fd] == leader)
            words[3 + count++] = fake.count[fake.event[fd]];
    words[0] = count;
    words[1] = fake.enabled_ns[leader];
    words[2] = fake.running_ns[leader];
    CHECK((3 + count) * sizeof(*words) <= bytes);
    return fake.short_read ? fake.short_read : (long)((3 + count) * sizeof(*words));
}

static void fake_close(int fd)
{
    CHECK(fake.open[fd]);
    fake.open[fd] = 0;
}

static int fake_paranoid(void)
{
    return fake.paranoid;
}

static const struct bench_counters_system fake_system = {fake_open, fake_run, fake_read, fake_close, fake_paranoid};

void fake_reset(int hardware_error, int kernel_error)
{
    memset(&fake, 0, sizeof(fake));
    for (int event = 0; event < BENCH_EVENTS; event++)
        fake.error[event] = event < BENCH_HARDWARE_EVENTS ? hardware_error : kernel_error;
    bench_counters_use(&fake_system);
}

int fake_open_count(void)
{
    int count = 0;

    for (int fd = 0; fd < FAKE_FDS; fd++)
        count += fake.open[fd];
    return count;
}

void fake_pass(uint64_t ops, uint64_t ns, unsigned percent)
{
    for (int fd = 0; fd < FAKE_FDS; fd++) {
        if (!fake.open[fd] || !fake.running[fake.leader[fd]])
            continue;
        fake.count[fake.event[fd]] += ops * ((uint64_t)fake.event[fd] + 1) * percent / 100;
        fake.enabled_ns[fd] += ns;
        fake.running_ns[fd] += ns * percent / 100;
    }
}
