/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Batch kernels by name. A kernel answers what leaf words or runs say directly and takes every other lane to
 * gm_translate at once, so that all kernels give the same answers and a few hard lanes cost only themselves.
 */
#ifndef GM_TRANSLATE_KERNEL_H
#define GM_TRANSLATE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

#include "guestmem/translate.h"
#include "map/map.h"

/* What every lane of a batch has in common. */
struct gm_batch {
    uint64_t len_less_1; /* of each access; the length itself is >= 1 */
    uint64_t denied;     /* leaf bits that must be clear */
};

/* Each returns how many of hva[0..count-1] are not NULL. The first is used where the view has runs. */
typedef size_t gm_runs_kernel(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                              size_t count, void **hva);
typedef size_t gm_table_kernel(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                               size_t count, void **hva);

/* base + gpa where gpa <= last_start, NULL elsewhere. */
typedef size_t gm_linear_kernel(uint64_t base, uint64_t last_start, const uint64_t *gpa, size_t count, void **hva);

struct gm_kernel {
    const char *name;
    unsigned needs;        /* gm_cpu_feature values */
    gm_runs_kernel *runs;  /* NULL: the table kernel is as good */
    gm_table_kernel *table;
    gm_linear_kernel *linear;
};

extern const struct gm_kernel gm_kernel_scalar;
#if defined(__x86_64__)
extern const struct gm_kernel gm_kernel_avx2;
extern const struct gm_kernel gm_kernel_avx512;
#elif defined(__aarch64__)
extern const struct gm_kernel gm_kernel_neon;
#endif

/* The lanes that are still open (hva NULL), one bit each, one by one; returns how many stay NULL. */
size_t gm_kernel_finish(const struct gm_view *view, const struct gm_batch *batch, uint64_t open, const uint64_t *gpa,
                        void **hva);

/*
 * The table kernel's loop, compiled once for each instruction set: gm_translate for each lane, with what all lanes
 * have in common taken out of it, because the stores to hva might change it for all that the compiler knows.
 */
GM_INLINE size_t gm_table_loop(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa,
                               size_t count, void **hva)
{
    const uint64_t gib_count = view->gib_count;
    const uint64_t len = batch->len_less_1 + 1;
    const uint64_t denied = batch->denied;
    size_t missed = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t at = gpa[i];
        uint64_t leaf = GM_LEAF_HOLE;
        void *address = NULL;
        if (GM_LIKELY((at >> GM_GIB_SHIFT) < gib_count))
            leaf = gm_leaf_load(view, at);
        if (GM_LIKELY((leaf & denied) == 0 && gm_block_holds(at, len))) {
            hva[i] = (void *)(uintptr_t)(at + (leaf & GM_LEAF_DELTA_MASK));
            continue;
        }
        if (gm_leaf_is_line(leaf))
            address = gm_line_translate(gm_leaf_line(leaf), at, len, denied);
        if (GM_UNLIKELY(address == NULL))
            address = gm_translate_slow(view, at, len, (unsigned)denied & GM_RW);
        hva[i] = address;
        missed += address == NULL;
    }
    return count - missed;
}

#endif
