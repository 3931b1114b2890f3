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
    GM_KIND_RAM = 0,   /* host memory; default rights GM_RW */
    GM_KIND_ROM = 1,   /* host memory that the guest may only read; rights GM_READ */
    GM_KIND_DEVICE = 2 /* no host memory: accesses go to an emulator; translation answers -ENXIO */
};

#endif
