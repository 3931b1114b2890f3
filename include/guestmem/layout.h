/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The limits of a guest-physical layout: which part of the address space is for memory, which for devices. A space
 * that was created with one refuses regions that do not keep to it. All bounds are inclusive: a region may end exactly
 * there.
 *
 *     struct gm_layout layout = {.mem_last = (256ull << 30) - 1, .phys_last = (1ull << 46) - 1, .holes = 1};
 *     layout.hole[0].first = 3ull << 30, layout.hole[0].last = (4ull << 30) - 1;
 *
 *     0            3 GiB          4 GiB           256 GiB            2^46
 *     |---- RAM ----|- hole: devices -|---- RAM ----|---- devices, DAX ----|
 */
#ifndef GUESTMEM_LAYOUT_H
#define GUESTMEM_LAYOUT_H

#include <guestmem/api.h>
#include <guestmem/types.h>

GM_BEGIN_DECLS

#define GM_LAYOUT_HOLES_MOST 8

struct gm_layout_hole {
    gm_gpa first;
    gm_gpa last; /* inclusive */
};

struct gm_layout {
    gm_gpa mem_first; /* the memory area: mem_first..mem_last without the holes */
    gm_gpa mem_last;  /* inclusive */
    gm_gpa phys_last; /* inclusive; nothing lies above it */
    unsigned holes;   /* <= GM_LAYOUT_HOLES_MOST */
    struct gm_layout_hole hole[GM_LAYOUT_HOLES_MOST]; /* rising and disjoint; they may lie outside the memory area */
};

/*
 * Is this a layout? mem_first <= mem_last <= phys_last <= GM_GPA_LAST, and holes as said there, below phys_last too.
 * Returns 0; -EINVAL.
 * Context: any thread.   Progress: wait-free.   Cost: O(holes).
 */
GM_API GM_MUST_CHECK int gm_layout_validate(const struct gm_layout *layout);

/*
 * May a region of this kind be [gpa, gpa + size)?
 *   RAM            all of it in the memory area: it touches no hole
 *   device, DAX    none of it in the memory area: in a hole, above mem_last, or below mem_first
 *   ROM, firmware  anywhere
 * and all of them end at or below phys_last.
 * Returns 0; -EDOM (no); -EINVAL (not a layout, unknown kind, size 0); -EOVERFLOW (the last byte is past 2^64 - 1).
 * Context: any thread.   Progress: wait-free.   Cost: O(holes).
 */
GM_API GM_MUST_CHECK int gm_layout_allows(const struct gm_layout *layout, enum gm_kind kind, gm_gpa gpa, uint64_t size);

GM_END_DECLS

#endif
