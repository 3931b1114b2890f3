/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random and hostile tables of split and packed virtqueues, beside a walker that looks at single bytes.
 * tests/lib/vq_ops.h has what is drawn, tests/lib/vq_oracle.h what it is held against.
 *
 *   usage: vq_ops [seed [runs]]
 *   GM_TEST_SEED, GM_TEST_SCALE   the same; percent of the runs
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/rand.h"
#include "lib/setting.h"
#include "lib/vq_ops.h"

#define DEFAULT_SEED 31
#define RUNS 30000
#define BYTES_MOST 3000

/* Every reason to refuse a chain was there, and enough chains that are right. */
static int all_seen(const struct gmt_vq_report *report)
{
    for (unsigned i = 0; i < 8; i++)
        if (report->reasons[i] == 0)
            return 0;
    return report->chains != 0 && report->pieces > report->chains && report->packed != 0 && report->marked != 0;
}

int main(int argc, char **argv)
{
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t runs = setting(argc, argv, 2, NULL, scaled(RUNS, 100));
    struct gmt_vq_report report = {.chains = 0};
    struct gmt_vq_world world;
    if (gm_reader_register() != 0 || gmt_vq_world_open(&world) != 0)
        return 1;
    for (uint64_t run = 0; run < runs && report.wrong == NULL; run++) {
        uint64_t random = gmt_mix(seed ^ gmt_mix(run));
        static uint8_t bytes[BYTES_MOST];
        gmt_rand_fill(&random, bytes, BYTES_MOST);
        gmt_vq_ops_run(&world, bytes, BYTES_MOST, &report);
        if (report.wrong != NULL)
            fprintf(stderr, "FAILED: %s: seed %" PRIu64 " run %" PRIu64 "\n", report.wrong, seed, run);
    }
    printf("seed %" PRIu64 ": %" PRIu64 " chains of %" PRIu64 " pieces, %" PRIu64 " packed, %" PRIu64 " marked; ", seed,
           report.chains, report.pieces, report.packed, report.marked);
    printf("%" PRIu64 " refused:", report.refused);
    for (unsigned i = 0; i < 8; i++)
        printf(" %" PRIu64, report.reasons[i]);
    printf("\n");
    return report.wrong == NULL && gmt_vq_world_close(&world) == 0 && gm_reader_unregister() == 0 &&
           (runs < RUNS || all_seen(&report)) ? 0 : 1;
}
