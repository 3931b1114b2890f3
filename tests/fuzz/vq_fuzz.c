/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Virtqueues: whatever a driver writes into its tables, each walk gives what the oracle's gives. The canary's bug is in
 * the oracle (it lets a buffer to read come after one to write), which is found in the same way.
 */
#include "fuzz.h"

#include "lib/vq_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct gmt_vq_world world; /* the same for all inputs: a run writes its tables anew and leaves no marks */
    static int opened;
    struct gmt_vq_report report = {.wrong = NULL};

    if (!opened)
        FUZZ_REQUIRE(gm_reader_register() == 0 && gmt_vq_world_open(&world) == 0);
    opened = 1;
    gmt_vq_ops_run(&world, data, size, &report);
    if (report.wrong != NULL)
        fprintf(stderr, "chain %llu: %s\n", (unsigned long long)(report.chains + report.refused), report.wrong);
    FUZZ_REQUIRE(report.wrong == NULL);
    return 0;
}
