/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter for accesses: bytes in, calls on the guest of access_world.h and on its model out, and a verdict. The
 * random test feeds it from a generator; the fuzzer feeds it its own bytes.
 */
#ifndef GM_TESTS_LIB_ACCESS_OPS_H
#define GM_TESTS_LIB_ACCESS_OPS_H

#include <stddef.h>
#include <stdint.h>

struct gmt_world;

struct gmt_access_report {
    uint64_t ops, whole, partial, refused; /* accesses by how they ended */
    const char *wrong;                     /* NULL: every answer was the model's */
};

/* Play the bytes, up to their end or to the first disagreement; the world is reset before. */
void gmt_access_ops_run(struct gmt_world *world, const uint8_t *bytes, size_t len, struct gmt_access_report *report);

#endif
