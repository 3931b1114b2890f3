/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter for virtqueues: bytes in, a guest's tables and a device's walks out, and a verdict. The random test
 * feeds it from a generator; the fuzzer feeds it its own bytes.
 */
#ifndef GM_TESTS_LIB_VQ_OPS_H
#define GM_TESTS_LIB_VQ_OPS_H

#include "lib/vq_world.h"

struct gmt_vq_report {
    uint64_t chains, pieces, refused, packed, marked;
    uint64_t reasons[8]; /* EINVAL ELOOP EMSGSIZE ENOBUFS EOVERFLOW EFAULT ENXIO EACCES */
    const char *wrong;   /* NULL: every answer was the oracle's */
};

/* Play the bytes on a world that is open, up to their end or to the first disagreement; adds to the report. */
void gmt_vq_ops_run(struct gmt_vq_world *world, const uint8_t *bytes, size_t len, struct gmt_vq_report *report);

#endif
