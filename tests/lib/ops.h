/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter: bytes in, operations on a space and on its model out, and a verdict. The random tests feed
 * it from a generator; a fuzzer can feed it its own bytes.
 */
#ifndef GM_TESTS_LIB_OPS_H
#define GM_TESTS_LIB_OPS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/world.h"

struct gmt_ops_report {
    uint64_t ops;             /* that ran */
    const char *profile;      /* that the bytes chose */
    unsigned regions_max;     /* that stood at the same time */
    bool failed;
    char message[GMT_MESSAGE]; /* both answers, when failed */
};

/*
 * Play the bytes in a fresh space, up to their end or to the first disagreement.
 * The calling thread must be a registered reader without a pin.
 * Returns 0, also when the report says failed; a negative errno value when no space could be set up.
 */
int gmt_ops_run(const uint8_t *bytes, size_t len, struct gmt_ops_report *report);

#endif
