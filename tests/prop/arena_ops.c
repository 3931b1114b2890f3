/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random operations on arenas against an oracle: every placement, window, alignment, guard, in small spaces where each
 * number is looked at and in the whole of 2^64; in both forms and from one to the other and back. A run of bytes makes
 * one arena; the seed and the number of the run name it.
 *
 *   usage: arena_ops [seed [operations [run]]]     run: play only that one
 *   GM_TEST_SEED, GM_TEST_COUNT   seed and operations, when there is no argument (default 10 million operations)
 *   GM_TEST_SCALE                 per cent of 2 million operations instead (default 500; less in builds that are slow)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/order/check.h"
#include "lib/arena_model_ops.h"
#include "lib/rand.h"
#include "lib/setting.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEFAULT_SCALE 10
#elif defined(__OPTIMIZE__)
#define DEFAULT_SCALE 500
#else
#define DEFAULT_SCALE 20
#endif

#define DEFAULT_SEED UINT64_C(20261120)
#define DEFAULT_COUNT UINT64_C(2000000)
#define RUN_BYTES_MAX 400000

struct totals {
    uint64_t runs;
    struct gmt_arena_report sum;
    uint64_t per_profile[GMT_ARENA_PROFILES];
    unsigned ranges_most[GMT_ARENA_PROFILES];
};

static void add_up(struct totals *totals, unsigned profile, const struct gmt_arena_report *report)
{
    struct gmt_arena_report *sum = &totals->sum;
    totals->runs++;
    totals->per_profile[profile] += report->ops;
    if (report->ranges_most > totals->ranges_most[profile])
        totals->ranges_most[profile] = report->ranges_most;
    sum->ops += report->ops;
    sum->tree_ops += report->tree_ops;
    sum->conversions += report->conversions;
    sum->taken += report->taken;
    sum->refused += report->refused;
    sum->given += report->given;
    sum->edited += report->edited;
    sum->looked += report->looked;
    sum->asked += report->asked;
    sum->builds += report->builds;
    if (report->classes_most > sum->classes_most)
        sum->classes_most = report->classes_most;
}

/* Returns whether everything agreed. */
static bool play_run(uint64_t seed, uint64_t run, uint8_t *bytes, struct totals *totals)
{
    struct gmt_arena_report report;
    uint64_t state = gmt_mix(seed ^ gmt_mix(run));
    size_t len = RUN_BYTES_MAX >> gmt_rand_below(&state, 6);
    unsigned profile = (unsigned)(run % GMT_ARENA_PROFILES);
    gmt_rand_fill(&state, bytes, len);
    bytes[0] = (uint8_t)profile;
    int error = gmt_arena_ops_run(bytes, len, gm_arena_check, &report);
    if (error != 0) {
        fprintf(stderr, "FAILED to set up: seed %" PRIu64 " run %" PRIu64 ": %s\n", seed, run, strerror(-error));
        return false;
    }
    add_up(totals, profile, &report);
    if (report.failed)
        fprintf(stderr, "FAILED: seed %" PRIu64 " run %" PRIu64 " (%s) operation %" PRIu64 "\n  %s\n", seed, run,
                report.profile, report.ops, report.message);
    return !report.failed;
}

static void print_totals(uint64_t seed, const struct totals *totals)
{
    const struct gmt_arena_report *sum = &totals->sum;
    printf("seed %" PRIu64 ": %" PRIu64 " operations in %" PRIu64 " arenas, %" PRIu64 " on trees, %" PRIu64
           " conversions, %" PRIu64 " class indexes built, %" PRIu64 " at a time\n", seed, sum->ops, totals->runs,
           sum->tree_ops, sum->conversions, sum->builds, sum->classes_most);
    printf("  taken %" PRIu64 " refused %" PRIu64 " given %" PRIu64 " edited %" PRIu64 " looked %" PRIu64 " asked %"
           PRIu64 "\n", sum->taken, sum->refused, sum->given, sum->edited, sum->looked, sum->asked);
    for (unsigned i = 0; i < GMT_ARENA_PROFILES; i++)
        printf("  %-8s %8" PRIu64 " operations, up to %u ranges\n", gmt_arena_profiles[i], totals->per_profile[i],
               totals->ranges_most[i]);
}

/* A long run that never saw a tree, a conversion or all classes would prove less than it says. */
static bool saw_enough(const struct totals *totals)
{
    const struct gmt_arena_report *sum = &totals->sum;
    return sum->ops < 100000 || (sum->tree_ops > sum->ops / 20 && sum->tree_ops < sum->ops && sum->conversions > 20 &&
                                 sum->classes_most > 10 && sum->taken > sum->ops / 8 && sum->given > sum->ops / 10);
}

int main(int argc, char **argv)
{
    static struct totals totals;
    uint64_t seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED);
    uint64_t count = setting(argc, argv, 2, "GM_TEST_COUNT", scaled(DEFAULT_COUNT, DEFAULT_SCALE));
    uint64_t only = setting(argc, argv, 3, NULL, UINT64_MAX);
    uint8_t *bytes = malloc(RUN_BYTES_MAX);
    if (bytes == NULL)
        return 1;
    bool good = true;
    if (only != UINT64_MAX)
        good = play_run(seed, only, bytes, &totals);
    for (uint64_t run = 0; only == UINT64_MAX && good && totals.sum.ops < count; run++)
        good = play_run(seed, run, bytes, &totals);
    free(bytes);
    print_totals(seed, &totals);
    if (good && only == UINT64_MAX && !saw_enough(&totals)) {
        fprintf(stderr, "arena_ops: the operations were not of enough kinds\n");
        good = false;
    }
    return good && totals.sum.ops > 0 ? 0 : 1;
}
