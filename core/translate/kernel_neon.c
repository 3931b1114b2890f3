/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * AArch64. Two lanes are too few for permutes to beat the leaf table, and the linear loop is vectorised by the
 * compiler, so that the kernel has a name of its own and the scalar code.
 */
#if defined(__aarch64__)
#include "base/cpu.h"
#include "translate/kernel.h"

static size_t table_neon(const struct gm_view *view, const struct gm_batch *batch, const uint64_t *gpa, size_t count,
                         void **hva)
{
    return gm_kernel_scalar.table(view, batch, gpa, count, hva);
}

static size_t linear_neon(uint64_t base, uint64_t last_start, const uint64_t *gpa, size_t count, void **hva)
{
    return gm_kernel_scalar.linear(base, last_start, gpa, count, hva);
}

const struct gm_kernel gm_kernel_neon = {
    .name = "neon",
    .needs = GM_CPU_NEON,
    .table = table_neon,
    .linear = linear_neon,
};
#endif
