/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Vocabulary: guest-physical addresses, access rights, kinds of regions, and the limits of an address space.
 */
#ifndef GUESTMEM_TYPES_H
#define GUESTMEM_TYPES_H

#include <stdint.h>

/* Guest-physical address (GPA), in bytes. Any 64-bit value may be passed to a lookup: the guest chooses it. */
typedef uint64_t gm_gpa;

/* A space covers [0, 2^52): the widest physical address that x86-64 and Arm (LPA) define. */
#define GM_GPA_BITS 52
#define GM_GPA_LAST ((UINT64_C(1) << GM_GPA_BITS) - 1)

#define GM_PAGE_SHIFT 12
#define GM_PAGE_SIZE (UINT64_C(1) << GM_PAGE_SHIFT)

/* Rights of a region, and what an access asks for. GM_ANY asks only whether host memory is there. */
enum gm_rights {
    GM_ANY = 0,
    GM_READ = 1,
    GM_WRITE = 2,
    GM_RW = 3
};

enum gm_kind {
    GM_KIND_RAM = 0,     /* host memory; default rights GM_RW */
    GM_KIND_ROM = 1,     /* host memory that the guest may only read; rights GM_READ */
    GM_KIND_DEVICE = 2,  /* no host memory: accesses go to an emulator; translation answers -ENXIO */
    GM_KIND_DAX = 3,     /* host memory of a file that the guest uses in place (virtio-fs, pmem): like RAM, but where
                            devices are, and not what guest memory ends with; default rights GM_RW */
    GM_KIND_FIRMWARE = 4 /* host memory that the guest starts in; default rights GM_READ, any can be asked for */
};

/* Sets of kinds: GM_KIND_BIT of each, ORed. */
#define GM_KIND_BIT(kind) (1u << (kind))
#define GM_KINDS_ALL 0x1fu
#define GM_KINDS_HOST (GM_KINDS_ALL & ~GM_KIND_BIT(GM_KIND_DEVICE)) /* those with host memory */

/* [bytes] that the name of a region may have. */
#define GM_REGION_NAME_MOST 31

/*
 * NUMA nodes are named in two ways. Fields called `numa`, in structs that are meant to be zeroed and filled in part,
 * take GM_NUMA_NODE(n), and 0 for none. Fields called `numa_node` take n itself, and -1 for none: there a struct that
 * was only zeroed asks for node 0.
 */
#define GM_NUMA_NODE(node) ((unsigned)(node) + 1u)

#endif
