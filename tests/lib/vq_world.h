/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest for tests of virtqueues: memory of every kind side by side, known here as a plain list. What a buffer should
 * become is worked out from that list, byte by byte where that matters, and never by asking the library.
 */
#ifndef GM_TESTS_LIB_VQ_WORLD_H
#define GM_TESTS_LIB_VQ_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <guestmem/guestmem.h>

/*
 * 0x00000 RAM, 0x08000 RAM that goes on in host memory, 0x0c000 RAM elsewhere, 0x10000 ROM, 0x12000 a device,
 * 0x13000 a hole, 0x14000 RAM, 0x18000 RAM that can only be written; blocks of 2 MiB that one leaf word describes from
 * GMT_VQ_BIG on, with a seam at GMT_VQ_SEAM; the same of ROM, and of RAM that can only be written; a block at
 * GMT_VQ_GAP and the next but one, with a hole between them as there is one in host memory; and 3 GiB at GMT_VQ_HUGE
 * that are never touched.
 */
#define GMT_VQ_BIG UINT64_C(0x200000)
#define GMT_VQ_SEAM UINT64_C(0x800000)
#define GMT_VQ_END UINT64_C(0xa00000)
#define GMT_VQ_ROM UINT64_C(0xc00000)
#define GMT_VQ_WRITE_ONLY UINT64_C(0x1000000)
#define GMT_VQ_GAP UINT64_C(0x1600000)
#define GMT_VQ_BLOCKS UINT64_C(0x400000) /* [bytes] of GMT_VQ_ROM and GMT_VQ_WRITE_ONLY */
#define GMT_VQ_HUGE (UINT64_C(4) << 30)
#define GMT_VQ_HUGE_SIZE (UINT64_C(3) << 30)

struct gmt_vq_region {
    gm_gpa gpa;
    uint64_t size, offset;
    enum gm_kind kind;
    unsigned rights;
};

struct gmt_vq_world {
    struct gm_space *space;
    struct gm_backing *backing, *huge;
    struct gm_dirty *dirty; /* on, and all clean */
    uintptr_t host, huge_host;
};

/* 0 or -errno; the calling thread has to be registered. */
int gmt_vq_world_open(struct gmt_vq_world *world);
int gmt_vq_world_close(struct gmt_vq_world *world); /* 0, or why the space cannot be destroyed */

/* The region of a byte; NULL: none. */
const struct gmt_vq_region *gmt_vq_region_of(gm_gpa gpa);

/* Host address of a byte of RAM or ROM. */
unsigned char *gmt_vq_host(const struct gmt_vq_world *world, gm_gpa gpa);

/* As the guest does it: bytes, one by one; what is no memory is not written, and reads as 0. */
void gmt_vq_poke(const struct gmt_vq_world *world, gm_gpa gpa, uint64_t value, unsigned bytes);
uint64_t gmt_vq_peek(const struct gmt_vq_world *world, gm_gpa gpa, unsigned bytes);

/* A descriptor of a split ring, and one of a packed ring. */
void gmt_vq_split_set(const struct gmt_vq_world *world, gm_gpa at, uint64_t addr, uint32_t len, unsigned flags,
                      unsigned next);
void gmt_vq_packed_set(const struct gmt_vq_world *world, gm_gpa at, uint64_t addr, uint32_t len, unsigned flags,
                       unsigned id);

#endif
