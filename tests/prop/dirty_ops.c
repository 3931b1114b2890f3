/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random calls on dirty bitmaps beside a byte for each page: marks, harvests of three views in windows and slices,
 * logs, growth. tests/lib/dirty_ops.h has the calls.
 *
 *   usage: dirty_ops [seed [runs]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the runs
 *   GM_ISA                        scan kernel; skipped (77) where it cannot run
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/dirty_isa.h"
#include "lib/dirty_ops.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SEED 20
#define RUNS 6000
#define BYTES_MOST 4000

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t runs = setting(argc, argv, 2, NULL, scaled(RUNS, 100));
    struct gmt_dirty_report sum = {.ops = 0};
    gmt_need_isa();
    for (uint64_t run = 0; run < runs; run++) {
        uint64_t random = gmt_mix(seed ^ gmt_mix(run));
        static uint8_t bytes[BYTES_MOST];
        struct gmt_dirty_report report;
        size_t len = 1 + (size_t)gmt_rand_below(&random, BYTES_MOST);
        gmt_rand_fill(&random, bytes, len);
        if (gmt_dirty_ops_run(bytes, len, &report) != 0)
            report.wrong = "no memory";
        if (report.wrong != NULL) {
            fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 " call %" PRIu64 "\n", report.wrong, seed, run,
                    report.ops);
            return 1;
        }
        sum.ops += report.ops;
        sum.pages_taken += report.pages_taken;
        sum.refused += report.refused;
        sum.merged += report.merged;
        sum.drained += report.drained;
        sum.slices += report.slices;
    }
    printf("seed %" PRIu64 ": %" PRIu64 " calls, %" PRIu64 " pages taken, %" PRIu64 " harvests refused, %" PRIu64
           " logs merged, %" PRIu64 " drained, %" PRIu64 " slices\n", seed, sum.ops, sum.pages_taken, sum.refused,
           sum.merged, sum.drained, sum.slices);
    return sum.pages_taken == 0 || sum.refused == 0 || sum.merged == 0 || sum.drained == 0 || sum.slices == 0;
}
