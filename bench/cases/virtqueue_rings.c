/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Puts chains of a trace into rings, the way that a driver does, with little-endian stores into guest memory. */
#include "virtqueue.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RING_SIZE 256
#define PAGE 4096
#define SEED 7

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 1 << 7 };

/* The ring of one queue that is being filled. */
struct filling {
    struct vq_rings *rings;
    size_t ring; /* its index */
    uint16_t order[RING_SIZE];
    unsigned used; /* descriptors; RING_SIZE: there is no ring yet, too */
    struct bench_rng rng;
};
#define QUEUES 64 /* a queue of a higher number shares the rings of another */

static uint64_t place(struct vq_rings *rings, uint64_t bytes, uint64_t alignment)
{
    uint64_t at = (rings->at + alignment - 1) / alignment * alignment;

    if (at > rings->end || rings->end - at < bytes)
        return 0;
    rings->at = at + bytes;
    return at;
}

static void *host(const struct vq_rings *rings, uint64_t gpa)
{
    return (void *)(uintptr_t)bench_oracle(rings->layout, gpa, 1);
}

/* Both forms have the same fields; flags are before the index in one, and behind the id in the other. */
static void store(const struct vq_rings *rings, uint64_t at, const struct bench_access *access, unsigned flags,
                  unsigned number)
{
    uint64_t upper = rings->packed ? (uint64_t)(flags | AVAIL) << 48 | (uint64_t)number << 32
                                   : (uint64_t)number << 48 | (uint64_t)flags << 32;
    const uint64_t words[2] = {access->gpa, upper | access->len};

    memcpy(host(rings, at), words, sizeof(words)); /* the benchmark is little-endian, as its host */
}

static int add_ring(struct filling *filling)
{
    struct vq_rings *rings = filling->rings;
    struct bench_vq_ring *list = realloc(rings->ring, (rings->count + 1) * sizeof(*list)), *ring;

    if (list == NULL)
        return -ENOMEM;
    rings->ring = list;
    filling->ring = rings->count++;
    ring = &list[filling->ring];
    *ring = (struct bench_vq_ring){.desc = place(rings, RING_SIZE * VQ_DESC, PAGE),
                                   .avail = place(rings, 6 + 2 * RING_SIZE, PAGE),
                                   .used = place(rings, 6 + 8 * RING_SIZE, PAGE),
                                   .size = RING_SIZE};
    if (ring->used == 0)
        return -ENOSPC;
    memset(host(rings, ring->desc), 0, RING_SIZE * VQ_DESC);
    filling->used = 0;
    for (unsigned i = 0; i < RING_SIZE; i++)
        filling->order[i] = (uint16_t)i;
    for (unsigned i = RING_SIZE; i > 1 && !rings->packed; i--) {
        uint64_t other = bench_random_below(&filling->rng, i);
        uint16_t moved = filling->order[i - 1];
        filling->order[i - 1] = filling->order[other];
        filling->order[other] = moved;
    }
    return 0;
}

static unsigned flags_of(const struct bench_access *access)
{
    return ((access->flags & BENCH_ACCESS_WRITE) != 0 ? WRITE : 0) |
           ((access->flags & BENCH_ACCESS_NEXT) != 0 ? NEXT : 0) |
           ((access->flags & BENCH_ACCESS_INDIRECT) != 0 ? INDIRECT : 0);
}

/* What a pass has to answer, and what the floor walks. */
static void expect(struct vq_rings *rings, const struct bench_access *access)
{
    rings->flat[rings->buffers][0] = access->gpa;
    rings->flat[rings->buffers][1] = (uint64_t)flags_of(access) << 32 | access->len;
    rings->buffers++;
    rings->hosts += bench_trace_oracle(rings->layout, access);
    rings->bytes += access->len;
}

/* How many accesses a chain has, and how many of them stand in the ring itself. */
static size_t measure(const struct bench_access *first, const struct bench_access *end, unsigned *own)
{
    const struct bench_access *access = first;

    *own = 0;
    for (; access < end; access++) {
        *own += (access->flags & BENCH_ACCESS_INNER) == 0;
        if ((access->flags & (BENCH_ACCESS_NEXT | BENCH_ACCESS_INDIRECT)) == 0)
            break;
    }
    return (size_t)(access - first) + 1;
}

/* An indirect table of exactly those entries; the descriptor that names it is changed to say where it is. */
static int add_table(struct vq_rings *rings, struct bench_access *table, const struct bench_access *inner, size_t count)
{
    table->len = (uint32_t)count * VQ_DESC;
    table->gpa = place(rings, table->len, 64);
    if (table->gpa == 0)
        return -ENOSPC;
    for (size_t i = 0; i < count; i++) {
        store(rings, table->gpa + i * VQ_DESC, &inner[i], flags_of(&inner[i]), (unsigned)i + 1);
        expect(rings, &inner[i]);
    }
    return 0;
}

static int add_chain(struct filling *filling, const struct bench_access *first, size_t count, unsigned own)
{
    struct vq_rings *rings = filling->rings;
    struct bench_vq_ring *ring = &rings->ring[filling->ring];
    const uint16_t head = filling->order[filling->used];
    uint16_t *avail = host(rings, ring->avail);

    for (unsigned i = 0; i < own; i++) {
        struct bench_access access = first[i];
        unsigned at = filling->order[filling->used + i];
        unsigned next = i + 1 < own ? filling->order[filling->used + i + 1] : 0;
        if ((access.flags & BENCH_ACCESS_INDIRECT) == 0)
            expect(rings, &access);
        else if (add_table(rings, &access, first + own, count - own) != 0)
            return -ENOSPC;
        store(rings, ring->desc + (uint64_t)at * VQ_DESC, &access, flags_of(&access),
              rings->packed ? head : next);
    }
    filling->used += own;
    avail[2 + ring->chains++] = head;
    avail[1] = (uint16_t)ring->chains;
    return 0;
}

static int fill(struct vq_rings *rings, const struct bench_trace *trace, int queue)
{
    struct filling *open = calloc(QUEUES, sizeof(*open));
    const struct bench_access *access = trace->accesses, *end = access + trace->count;
    int result = open != NULL ? 0 : -ENOMEM;

    for (size_t i = 0; open != NULL && i < QUEUES; i++)
        open[i] = (struct filling){.rings = rings, .used = RING_SIZE, .rng = {SEED + i}};
    while (result == 0 && access < end) {
        struct filling *filling = &open[access->queue % QUEUES];
        unsigned own;
        size_t count = measure(access, end, &own);
        int wanted = queue == VQ_ANY_QUEUE || access->queue == queue;
        if (wanted && own > RING_SIZE)
            result = -ENOSPC;
        if (wanted && result == 0 && filling->used + own > RING_SIZE)
            result = add_ring(filling);
        if (wanted && result == 0)
            result = add_chain(filling, access, count, own);
        access += count;
    }
    free(open);
    return result == 0 && rings->buffers == 0 ? -ENOSPC : result;
}

int vq_rings_build(struct vq_rings *rings, const struct bench_trace *trace, int queue, int packed,
                   const char *layout_path, char *error, size_t error_size)
{
    const struct bench_ram *largest;
    int result = layout_path != NULL ? bench_layout_load(layout_path, &rings->layout, error, error_size)
                                     : bench_trace_cover(trace->name, trace, &rings->layout, error, error_size);

    if (result == 0)
        result = bench_trace_fits(trace->name, trace, rings->layout, error, error_size);
    if (result == 0)
        result = bench_space_build(rings->layout, &rings->space, error, error_size);
    if (result == 0)
        result = bench_layout_unlock(rings->layout);
    rings->flat = calloc(trace->count, sizeof(*rings->flat));
    if (result == 0 && rings->flat == NULL)
        result = -ENOMEM;
    if (result != 0)
        return result;
    largest = &rings->layout->ram[0];
    for (size_t i = 1; i < rings->layout->ram_count; i++)
        if (rings->layout->ram[i].size > largest->size)
            largest = &rings->layout->ram[i];
    rings->packed = packed;
    rings->end = largest->gpa + largest->size;
    rings->at = largest->size > (UINT64_C(64) << 20) ? rings->end - (UINT64_C(64) << 20) : largest->gpa + 1;
    return fill(rings, trace, queue);
}

void vq_rings_free(struct vq_rings *rings)
{
    if (rings->space.space != NULL)
        (void)bench_space_destroy(&rings->space);
    bench_layout_free(rings->layout);
    free(rings->ring);
    free(rings->flat);
    memset(rings, 0, sizeof(*rings));
}
