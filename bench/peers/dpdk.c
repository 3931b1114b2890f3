/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * DPDK's vhost translation, from its public header alone: a walk over the regions, inlined from the header into one
 * function that is called as ours is. It needs nothing of DPDK's runtime. Whatever else DPDK translates with (its
 * IOTLB, its host-physical table) is private to its library and begins at a connected device, so it cannot be driven
 * here.
 *
 * The length is handed in and looked at, because the call shortens it instead of refusing.
 */
#include "../lib/bench.h"
#include "../lib/peers.h"

#include <rte_vhost.h>
#include <stdlib.h>

#define MOST_REGIONS 8 /* that DPDK takes from a front end */

static void *build(const struct bench_ram *ranges, size_t count)
{
    struct rte_vhost_memory *memory = calloc(1, sizeof(*memory) + count * sizeof(memory->regions[0]));

    for (size_t i = 0; memory != NULL && i < count; i++)
        memory->regions[memory->nregions++] = (struct rte_vhost_mem_region){
            .guest_phys_addr = ranges[i].gpa, .host_user_addr = ranges[i].hva, .size = ranges[i].size, .fd = -1};
    return memory;
}

static BENCH_CALL uint64_t translate(struct rte_vhost_memory *memory, uint64_t gpa)
{
    uint64_t len = BENCH_ACCESS_LEN, hva = rte_vhost_va_from_guest_pa(memory, gpa, &len);

    return len == BENCH_ACCESS_LEN ? hva : 0;
}

static uint64_t translate_one(const void *self, uint64_t gpa)
{
    return translate((struct rte_vhost_memory *)(uintptr_t)self, gpa);
}

static uint64_t run_call(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += translate(self, gpa[i]);
    return sum;
}

static uint64_t run_dependent(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0, hva = 0;

    for (size_t i = 0; i < count; i++) {
        hva = translate(self, gpa[i] + bench_chain(hva));
        sum += hva;
    }
    return sum;
}

const struct bench_peer bench_dpdk_peer = {
    .name = "dpdk-" BENCH_DPDK_VERSION "-rte_vhost",
    .what = "rte_vhost_va_from_guest_pa, and a look at the length that it gives back",
    .most = MOST_REGIONS,
    .len = BENCH_ACCESS_LEN,
    .build = build,
    .destroy = free,
    .translate = translate_one,
    .run_call = run_call,
    .run_dependent = run_dependent,
};
