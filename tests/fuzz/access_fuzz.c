/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Accesses to guest memory: whatever a sequence of calls is, each answer, every byte and every dirty page is the
 * model's. The canary's bug is in the model (a page whose first byte is the last one written is not marked), which is
 * found in the same way.
 */
#include "fuzz.h"

#include "lib/access_ops.h"
#include "lib/access_world.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gmt_world *world;
    struct gmt_access_report report;

    if (world == NULL)
        world = gmt_world_open();
    FUZZ_REQUIRE(world != NULL);
    gmt_access_ops_run(world, data, size, &report);
    if (report.wrong != NULL)
        fprintf(stderr, "call %llu: %s\n", (unsigned long long)report.ops, report.wrong);
    FUZZ_REQUIRE(report.wrong == NULL);
    return 0;
}
