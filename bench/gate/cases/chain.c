/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Descriptor chains of a split ring, from a head to iovecs: a disk's request of a header, a page and a status, in the
 * ring itself or in an indirect table. The buffers are translated and not touched.
 */
#include "cases.h"

#include <endian.h>

#define CHAINS 64
#define PARTS 3
#define RING 256       /* descriptors, which lie at 0 in the guest and in host memory */
#define TABLES 0x1000U /* where the indirect ones begin */
#define ROOM 8

#if GATE_HAS_CHAINS
enum { NEXT = 1, WRITES = 2, INDIRECT = 4 };

struct descriptor {
    uint64_t address;
    uint32_t len;
    uint16_t flags, next;
};

static struct {
    struct gm_vq vq;
    const struct descriptor *parts; /* PARTS of each chain, one chain after the other */
    struct iovec iov[ROOM];
    gm_gpa gpa[ROOM];
    unsigned step; /* from one head to the next */
} ring __attribute__((aligned(4096)));

static inline unsigned chain_at(uint64_t i)
{
    return (unsigned)(gate.memory.words[i % GATE_WORDS] >> 12) % CHAINS;
}

uint64_t run_chain(uint64_t count, uint64_t first)
{
    const struct gm_vq_room room = {ring.iov, ring.gpa, ROOM};
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        struct gm_chain chain;
        ONE_MORE();
        if (gm_vq_chain(gate.view, &ring.vq, (uint16_t)(chain_at(i) * ring.step), &room, &chain) == 0)
            sum += (uintptr_t)chain.writable[0].iov_base + chain.readable_len + chain.writable_len;
    }
    return sum;
}

/* A 16-byte load, a bounds check, an addition and an iovec for each descriptor. */
uint64_t floor_chain(uint64_t count, uint64_t first)
{
    const uint64_t last = gate.last, delta = gate.delta;
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        const struct descriptor *part = ring.parts + (uint64_t)chain_at(i) * PARTS;
        for (unsigned j = 0; j < PARTS; j++) {
            if (__builtin_expect(part[j].address > last, 0))
                continue;
            ring.iov[j] = (struct iovec){(void *)(uintptr_t)(part[j].address + delta), part[j].len};
            sum += part[j].len;
        }
        __asm__ volatile("" : : "r"(ring.iov) : "memory");
    }
    return sum;
}

static struct descriptor part_of(const struct gate_place *place, unsigned chain, unsigned part, unsigned next)
{
    static const uint32_t lens[PARTS] = {16, 4096, 1};
    const gm_gpa gpa = gate_region_of(place, (chain + part) % gate_region_count(place)).gpa;
    return (struct descriptor){
        .address = htole64(gpa + (chain + 1) * UINT64_C(0x11000) + part * UINT64_C(0x1000)),
        .len = htole32(lens[part]),
        .flags = htole16((uint16_t)((part == PARTS - 1 ? 0 : NEXT) | (part == 0 ? 0 : WRITES))),
        .next = htole16((uint16_t)(part == PARTS - 1 ? 0 : next)),
    };
}

int gate_chain_setup(const struct gate_place *place)
{
    const int indirect = place->work == GATE_INDIRECT;
    const struct gm_vq_config config = {.size = RING, .flags = GM_VQ_INDIRECT};
    struct descriptor *heads = (void *)gate.memory.host, *tables = (void *)(gate.memory.host + TABLES);
    if (place->work != GATE_CHAINS && !indirect)
        return 0;
    for (unsigned i = 0; i < CHAINS * PARTS; i++) {
        tables[i] = part_of(place, i / PARTS, i % PARTS, i % PARTS + 1);
        if (!indirect)
            heads[i] = part_of(place, i / PARTS, i % PARTS, i + 1);
        else if (i < CHAINS)
            heads[i] = (struct descriptor){.address = htole64(TABLES + i * PARTS * sizeof(*heads)),
                                           .len = htole32(PARTS * sizeof(*heads)),
                                           .flags = htole16(INDIRECT)};
    }
    ring.parts = indirect ? tables : heads;
    ring.step = indirect ? 1 : PARTS;
    return gm_vq_init(gate.view, &config, &ring.vq);
}
#else
int gate_chain_setup(const struct gate_place *place)
{
    (void)place;
    return 0;
}
#endif
