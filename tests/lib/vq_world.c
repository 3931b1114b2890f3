/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The guest of tests of virtqueues: its regions, and its own loads and stores. */
#include "lib/vq_world.h"

#include <errno.h>

#define BACKING (UINT64_C(32) << 20)

static const struct gmt_vq_region regions[] = {
    {0x00000, 0x8000, 0x0, GM_KIND_RAM, GM_RW},
    {0x08000, 0x4000, 0x8000, GM_KIND_RAM, GM_RW},
    {0x0c000, 0x4000, 0x20000, GM_KIND_RAM, GM_RW},
    {0x10000, 0x2000, 0x30000, GM_KIND_ROM, GM_READ},
    {0x12000, 0x1000, 0, GM_KIND_DEVICE, 0},
    {0x14000, 0x4000, 0x40000, GM_KIND_RAM, GM_RW},
    {0x18000, 0x1000, 0x50000, GM_KIND_RAM, GM_WRITE},
    {GMT_VQ_BIG, GMT_VQ_SEAM - GMT_VQ_BIG, UINT64_C(0x100000), GM_KIND_RAM, GM_RW},
    {GMT_VQ_SEAM, GMT_VQ_END - GMT_VQ_SEAM, UINT64_C(0x1000000), GM_KIND_RAM, GM_RW},
    {GMT_VQ_ROM, GMT_VQ_BLOCKS, UINT64_C(0x1200000), GM_KIND_ROM, GM_READ},
    {GMT_VQ_WRITE_ONLY, GMT_VQ_BLOCKS, UINT64_C(0x1600000), GM_KIND_RAM, GM_WRITE},
    {GMT_VQ_GAP, 0x200000, UINT64_C(0x1a00000), GM_KIND_RAM, GM_RW},
    {GMT_VQ_GAP + 0x400000, 0x200000, UINT64_C(0x1e00000), GM_KIND_RAM, GM_RW},
    {GMT_VQ_HUGE, GMT_VQ_HUGE_SIZE, 0, GM_KIND_RAM, GM_RW},
};
#define REGIONS (sizeof(regions) / sizeof(regions[0]))

static int add_all(struct gmt_vq_world *world)
{
    struct gm_txn *txn;
    int error = gm_txn_begin(world->space, &txn);
    for (size_t i = 0; error == 0 && i < REGIONS; i++) {
        struct gm_region_desc desc = {.gpa = regions[i].gpa, .size = regions[i].size, .kind = regions[i].kind};
        if (desc.kind != GM_KIND_DEVICE) {
            desc.backing = regions[i].gpa == GMT_VQ_HUGE ? world->huge : world->backing;
            desc.offset = regions[i].offset;
            desc.rights = regions[i].rights;
        }
        error = gm_txn_add(txn, &desc);
    }
    return error != 0 ? error : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

int gmt_vq_world_open(struct gmt_vq_world *world)
{
    const struct gm_dirty_config pages = {
        .size = GMT_VQ_HUGE + GMT_VQ_HUGE_SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};
    *world = (struct gmt_vq_world){.space = NULL};
    int error = gm_dirty_create(&pages, &world->dirty);
    const struct gm_space_config config = {.numa_node = -1, .dirty = world->dirty};
    if (error == 0)
        error = gm_space_create(&config, &world->space);
    if (error == 0)
        error = gm_backing_anonymous(BACKING, GM_BACKING_NORESERVE, &world->backing);
    if (error == 0)
        error = gm_backing_anonymous(GMT_VQ_HUGE_SIZE, GM_BACKING_NORESERVE, &world->huge);
    if (error == 0)
        error = add_all(world);
    if (error != 0)
        return error;
    world->host = (uintptr_t)gm_backing_address(world->backing);
    world->huge_host = (uintptr_t)gm_backing_address(world->huge);
    return 0;
}

int gmt_vq_world_close(struct gmt_vq_world *world)
{
    int error = gm_space_destroy(world->space);
    gm_backing_put(world->backing);
    gm_backing_put(world->huge);
    gm_dirty_destroy(world->dirty);
    return error;
}

const struct gmt_vq_region *gmt_vq_region_of(gm_gpa gpa)
{
    for (size_t i = 0; i < REGIONS; i++)
        if (gpa >= regions[i].gpa && gpa - regions[i].gpa < regions[i].size)
            return &regions[i];
    return NULL;
}

unsigned char *gmt_vq_host(const struct gmt_vq_world *world, gm_gpa gpa)
{
    const struct gmt_vq_region *region = gmt_vq_region_of(gpa);
    if (region == NULL || region->kind == GM_KIND_DEVICE)
        return NULL;
    uintptr_t host = region->gpa == GMT_VQ_HUGE ? world->huge_host : world->host;
    return (unsigned char *)(host + region->offset + (gpa - region->gpa));
}

void gmt_vq_poke(const struct gmt_vq_world *world, gm_gpa gpa, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        unsigned char *host = gmt_vq_host(world, gpa + i);
        if (host != NULL)
            *host = (unsigned char)(value >> (8 * i));
    }
}

uint64_t gmt_vq_peek(const struct gmt_vq_world *world, gm_gpa gpa, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < bytes; i++) {
        const unsigned char *host = gmt_vq_host(world, gpa + i);
        value |= (uint64_t)(host != NULL ? *host : 0) << (8 * i);
    }
    return value;
}

void gmt_vq_split_set(const struct gmt_vq_world *world, gm_gpa at, uint64_t addr, uint32_t len, unsigned flags,
                      unsigned next)
{
    gmt_vq_poke(world, at, addr, 8);
    gmt_vq_poke(world, at + 8, len, 4);
    gmt_vq_poke(world, at + 12, flags, 2);
    gmt_vq_poke(world, at + 14, next, 2);
}

void gmt_vq_packed_set(const struct gmt_vq_world *world, gm_gpa at, uint64_t addr, uint32_t len, unsigned flags,
                       unsigned id)
{
    gmt_vq_poke(world, at, addr, 8);
    gmt_vq_poke(world, at + 8, len, 4);
    gmt_vq_poke(world, at + 12, id, 2);
    gmt_vq_poke(world, at + 14, flags, 2);
}
