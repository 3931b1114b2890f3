/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The countdown behind fault.h. Relaxed is enough: a test arms it before it makes the calls it wants to fail. */
#include "base/fault.h"

#include "base/atomic.h"

static gm_atomic_u64 countdown;

void gm_fault_arm(uint64_t step)
{
    gm_store_relaxed(&countdown, step);
}

bool gm_fault_disarm(void)
{
    bool delivered = gm_load_relaxed(&countdown) == 0;
    gm_store_relaxed(&countdown, 0);
    return delivered;
}

bool gm_fault_due(void)
{
    uint64_t left = gm_load_relaxed(&countdown);
    if (left == 0)
        return false;
    gm_store_relaxed(&countdown, left - 1);
    return left == 1;
}
