/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A virtqueue walked after how libvhost-user does it; our own code, and without what is around it there (an element
 * that is allocated for each chain, logs, statistics). The table is found by a search; descriptors stay where they are
 * and their fields are read when they are needed, some of them more than once; each buffer is cut at the borders of
 * regions, each piece by a binary search; what is read and what is written go to two arrays.
 */
#include "../lib/peers.h"

#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#define MOST 1024 /* buffers of a chain, and pieces of each kind */

enum { NEXT = 1, WRITE = 2, INDIRECT = 4 };

struct descriptor {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct device {
    size_t range_count, ring_count;
    struct bench_ram *ranges;
    struct bench_vq_ring *rings;
    struct iovec in[MOST], out[MOST];
    uint64_t bytes; /* of the pass so far */
};

/* The host address, and how much of the length lies behind it in this region. */
static void *find(const struct device *device, uint64_t gpa, uint64_t *len)
{
    size_t low = 0, high = device->range_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bench_ram *range = &device->ranges[middle];
        if (gpa < range->gpa) {
            high = middle;
        } else if (gpa - range->gpa >= range->size) {
            low = middle + 1;
        } else {
            uint64_t room = range->size - (gpa - range->gpa);
            *len = *len < room ? *len : room;
            return (void *)(uintptr_t)(gpa - range->gpa + range->hva);
        }
    }
    return NULL;
}

static int map(struct device *device, struct iovec *list, unsigned *count, uint64_t gpa, uint64_t len)
{
    if (len == 0)
        return -1;
    device->bytes += len;
    while (len > 0) { /* bound: the array */
        uint64_t part = len;
        if (*count == MOST)
            return -1;
        list[*count].iov_base = find(device, gpa, &part);
        if (list[*count].iov_base == NULL)
            return -1;
        list[(*count)++].iov_len = part;
        gpa += part;
        len -= part;
    }
    return 0;
}

/* The next descriptor of a chain; 0: there is none; -1: it is out of range. */
static int go_on(const struct descriptor *table, unsigned *index, unsigned most)
{
    if ((table[*index].flags & NEXT) == 0)
        return 0;
    *index = table[*index].next;
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    return *index < most ? 1 : -1;
}

static int pop(struct device *device, const struct descriptor *table, unsigned most, unsigned head, unsigned *ins,
               unsigned *outs)
{
    unsigned index = head, taken = 0;
    int more;

    *ins = *outs = 0;
    if (index >= most)
        return -1;
    if ((table[index].flags & INDIRECT) != 0) {
        uint64_t len = table[index].len;
        if (len == 0 || len % sizeof(*table) != 0)
            return -1;
        most = (unsigned)(len / sizeof(*table));
        table = find(device, table[index].addr, &len);
        if (table == NULL || len != (uint64_t)most * sizeof(*table))
            return -1;
        index = 0;
    }
    do {
        int bad = (table[index].flags & WRITE) != 0
                      ? map(device, device->in, ins, table[index].addr, table[index].len)
                      : *ins != 0 || map(device, device->out, outs, table[index].addr, table[index].len) != 0;
        if (bad || ++taken > most)
            return -1;
    } while ((more = go_on(table, &index, most)) > 0);
    return more;
}

static uint64_t hosts_of(const struct iovec *list, unsigned count)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < count; i++)
        sum += (uintptr_t)list[i].iov_base;
    return sum;
}

static uint64_t pass(void *self, int look)
{
    struct device *device = self;
    uint64_t hosts = 0;

    device->bytes = 0;
    for (size_t i = 0; i < device->ring_count; i++) {
        const struct bench_vq_ring *ring = &device->rings[i];
        uint64_t whole = (uint64_t)ring->size * sizeof(struct descriptor), heads = 4 + 2 * (uint64_t)ring->chains;
        const struct descriptor *table = find(device, ring->desc, &whole);
        const uint16_t *avail = find(device, ring->avail, &heads);
        unsigned count = __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE);
        for (unsigned j = 0; j < count; j++) {
            unsigned ins, outs;
            if (pop(device, table, ring->size, avail[2 + j], &ins, &outs) != 0)
                return 0;
            if (__builtin_expect(look, 0))
                hosts += hosts_of(device->in, ins) + hosts_of(device->out, outs);
        }
    }
    return look ? hosts : device->bytes;
}

static void destroy(void *self)
{
    struct device *device = self;

    free(device->ranges);
    free(device->rings);
    free(device);
}

static void *build(const struct bench_ram *ranges, size_t count, const struct bench_vq_ring *rings, size_t ring_count)
{
    struct device *device = calloc(1, sizeof(*device));

    if (device == NULL)
        return NULL;
    device->ranges = malloc(count * sizeof(*ranges));
    device->rings = malloc(ring_count * sizeof(*rings));
    if (device->ranges == NULL || device->rings == NULL) {
        destroy(device);
        return NULL;
    }
    memcpy(device->ranges, ranges, count * sizeof(*ranges));
    memcpy(device->rings, rings, ring_count * sizeof(*rings));
    device->range_count = count;
    device->ring_count = ring_count;
    return device;
}

const struct bench_vq_peer bench_vq_libvhost_like = {
    .name = "libvhost-user-like",
    .what = "descriptors in place, a binary search for each piece, two arrays",
    .build = build,
    .destroy = destroy,
    .pass = pass,
};
