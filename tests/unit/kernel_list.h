/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The batch kernels of this build, each to be tried where the processor can run it. */
#ifndef GM_TESTS_UNIT_KERNEL_LIST_H
#define GM_TESTS_UNIT_KERNEL_LIST_H

#include "lib/cm.h"

#include <stdbool.h>

#include "base/cpu.h"
#include "translate/kernel.h"

static const struct gm_kernel *const kernels[] = {
    &gm_kernel_scalar,
#if defined(__x86_64__)
    &gm_kernel_avx2,
    &gm_kernel_avx512,
#elif defined(__aarch64__)
    &gm_kernel_neon,
#endif
};

#define KERNELS (sizeof(kernels) / sizeof(kernels[0]))

static inline bool can_run(const struct gm_kernel *kernel)
{
    return (kernel->needs & ~gm_cpu_features()) == 0;
}

/* Say which kernels are left out, so that a pass is not taken for more than it is. */
static inline void kernels_announce(void)
{
    for (size_t k = 0; k < KERNELS; k++)
        if (!can_run(kernels[k]))
            print_message("SKIPPED: this processor cannot run the %s kernels\n", kernels[k]->name);
}

#endif
