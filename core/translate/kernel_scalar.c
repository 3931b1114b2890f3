/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The kernel that every machine has, and the reference for the others. The loop is unrolled by the compiler's own
 * judgement; independent iterations overlap in the out-of-order window, which is all the parallelism there is.
 */
#include "base/cpu.h"
#include "translate/kernel.h"

static size_t table_scalar(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa, size_t count,
                           void **hva)
{
    return gm_table_loop(view, batch, gpa, count, hva);
}

static size_t linear_scalar(uint64_t base, uint64_t last_start, const uint64_t *gpa, size_t count, void **hva)
{
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t inside = (uint64_t)(gpa[i] <= last_start);
        hva[i] = (void *)(uintptr_t)((base + gpa[i]) & -inside);
        done += inside;
    }
    return done;
}

const struct gm_kernel gm_kernel_scalar = {
    .name = "scalar",
    .needs = GM_CPU_BASE,
    .table = table_scalar,
    .linear = linear_scalar,
};
