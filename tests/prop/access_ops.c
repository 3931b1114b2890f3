/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random accesses to a guest with every kind of region, beside a model of its bytes and its dirty pages.
 * tests/lib/access_ops.h has the calls.
 *
 *   usage: access_ops [seed [runs]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the runs
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/access_ops.h"
#include "lib/access_world.h"
#include "lib/rand.h"
#include "lib/setting.h"

#define DEFAULT_SEED 6
#define RUNS 2000
#define BYTES_MOST 4000

static int play(struct gmt_world *world, uint64_t seed, uint64_t runs)
{
    struct gmt_access_report sum = {.ops = 0};
    for (uint64_t run = 0; run < runs; run++) {
        uint64_t random = gmt_mix(seed ^ gmt_mix(run));
        static uint8_t bytes[BYTES_MOST];
        struct gmt_access_report report;
        size_t len = 1 + (size_t)gmt_rand_below(&random, BYTES_MOST);
        gmt_rand_fill(&random, bytes, len);
        gmt_access_ops_run(world, bytes, len, &report);
        if (report.wrong != NULL) {
            fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 " call %" PRIu64 "\n", report.wrong, seed, run,
                    report.ops);
            return 1;
        }
        sum.ops += report.ops;
        sum.whole += report.whole;
        sum.partial += report.partial;
        sum.refused += report.refused;
    }
    printf("seed %" PRIu64 ": %" PRIu64 " calls, %" PRIu64 " whole, %" PRIu64 " partial, %" PRIu64 " refused\n", seed,
           sum.ops, sum.whole, sum.partial, sum.refused);
    return sum.whole != 0 && sum.partial != 0 && sum.refused != 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t runs = setting(argc, argv, 2, NULL, scaled(RUNS, 100));
    struct gmt_world *world = gmt_world_open();
    if (world == NULL) {
        fprintf(stderr, "FAILED: no memory\n");
        return 1;
    }
    int failed = play(world, seed, runs);
    gmt_world_close(world);
    return failed;
}
