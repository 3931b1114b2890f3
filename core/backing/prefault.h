/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What prefault does where the kernel cannot, apart, so that it is tested where the kernel can. */
#ifndef GM_BACKING_PREFAULT_H
#define GM_BACKING_PREFAULT_H

#include <stdint.h>

/* Write to each page what stands there, against whoever else writes. */
void gm_prefault_touch(void *address, uint64_t size, uint64_t page);

#endif
