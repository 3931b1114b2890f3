/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The interpreter for dirty bitmaps: bytes in, calls on a bitmap and on an oracle out, and a verdict. The oracle has a
 * byte for each page and view. The random test feeds it from a generator; the fuzzer feeds it its own bytes.
 */
#ifndef GM_TESTS_LIB_DIRTY_OPS_H
#define GM_TESTS_LIB_DIRTY_OPS_H

#include <stddef.h>
#include <stdint.h>

struct gmt_dirty_report {
    uint64_t ops, pages_taken, refused, merged, drained, slices;
    const char *wrong; /* NULL: every answer was the oracle's */
};

/*
 * Play the bytes with a fresh bitmap, up to their end or to the first disagreement.
 * Returns 0, also when the report says that something is wrong; -ENOMEM when there is no bitmap to play with.
 */
int gmt_dirty_ops_run(const uint8_t *bytes, size_t len, struct gmt_dirty_report *report);

#endif
