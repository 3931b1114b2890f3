/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Failure injection for the seams that can fail: metadata allocation, memory and file system calls, streams (io.h). A
 * test arms a countdown; the n-th step from then on fails once. Disarmed, as it is outside tests, it is one load.
 */
#ifndef GM_BASE_FAULT_H
#define GM_BASE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

/* Let the step-th step from now (counted from 1) fail, in whichever thread it happens. 0 disarms. */
void gm_fault_arm(uint64_t step);

/* Disarm; true when the failure was delivered. */
bool gm_fault_disarm(void);

/* Called by the seams: must this step fail? */
bool gm_fault_due(void);

#endif
