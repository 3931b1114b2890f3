/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty bitmaps: whatever a sequence of calls is, each answer is the oracle's. The canary's bug is in the oracle (what
 * is made clean is rounded out to pages at its end), which is found in the same way.
 */
#include "fuzz.h"

#include <errno.h>

#include "lib/dirty_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gmt_dirty_report report;
    int error = gmt_dirty_ops_run(data, size, &report);

    FUZZ_REQUIRE(error == 0 || error == -ENOMEM);
    if (report.wrong != NULL)
        fprintf(stderr, "call %llu: %s\n", (unsigned long long)report.ops, report.wrong);
    FUZZ_REQUIRE(report.wrong == NULL);
    return 0;
}
