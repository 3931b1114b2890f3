/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Arenas: whatever a sequence of calls is, each answer is the oracle's, and the structure is whole. The canary's bug is
 * in the oracle (of two places at the same distance it takes the upper one), which is found in the same way.
 */
#include "fuzz.h"

#include <errno.h>

#include "alloc/order/check.h"
#include "lib/arena_model_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gmt_arena_report report;
    int error = gmt_arena_ops_run(data, size, gm_arena_check, &report);

    FUZZ_REQUIRE(error == 0 || error == -ENOMEM);
    if (report.failed)
        fprintf(stderr, "operation %llu (%s): %s\n", (unsigned long long)report.ops, report.profile, report.message);
    FUZZ_REQUIRE(!report.failed);
    return 0;
}
