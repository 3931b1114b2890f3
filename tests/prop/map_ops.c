/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random operations against an oracle: add, remove, resize, translate in every way, snapshots and handles, in
 * many small spaces one after the other. A run of bytes makes one space; the seed and the number of the run
 * name it.
 *
 *   usage: map_ops [seed [operations [run]]]     run: play only that one
 *   GM_ISA            batch kernel; skipped (77) where it cannot run. Unset: the one that the library chooses
 *   GM_TEST_SEED      seed, when there is no argument
 *   GM_TEST_COUNT     operations, when there is no argument (default 1.2 million)
 *   GM_TEST_SCALE     per cent of the default count (default 100; less in builds that are slow because they
 *                     check more: 25 with a sanitizer, 50 without optimisation)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestmem/guestmem.h>

#include "lib/layouts.h"
#include "lib/ops.h"
#include "lib/rand.h"
#include "lib/setting.h"
#include "lib/skip.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define DEFAULT_SCALE 25
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define DEFAULT_SCALE 25
#endif
#endif
#if !defined(DEFAULT_SCALE) && !defined(__OPTIMIZE__)
#define DEFAULT_SCALE 50
#elif !defined(DEFAULT_SCALE)
#define DEFAULT_SCALE 100
#endif

#define DEFAULT_SEED UINT64_C(20240611)
#define DEFAULT_COUNT UINT64_C(1200000)
#define RUN_BYTES_MAX 240000

struct settings {
    uint64_t seed;
    uint64_t count;
    uint64_t only; /* UINT64_MAX: all runs */
};

struct totals {
    uint64_t ops, runs;
    uint64_t per_profile[GMT_PROFILES];
    unsigned regions_max[GMT_PROFILES];
};

static struct settings read_settings(int argc, char **argv)
{
    return (struct settings){
        .seed = setting(argc, argv, 1, "GM_TEST_SEED", DEFAULT_SEED),
        .count = setting(argc, argv, 2, "GM_TEST_COUNT", scaled(DEFAULT_COUNT, DEFAULT_SCALE)),
        .only = setting(argc, argv, 3, NULL, UINT64_MAX),
    };
}

static void choose_kernel(void)
{
    const char *isa = getenv("GM_ISA");
    if (isa == NULL)
        return;
    int error = gm_isa_select(isa);
    if (error == -ENOTSUP)
        gmt_skip("this build or CPU has no such batch kernel (GM_ISA)");
    if (error != 0 || strcmp(gm_isa_name(), isa) != 0) {
        fprintf(stderr, "map_ops: gm_isa_select(%s): %d, now %s\n", isa, error, gm_isa_name());
        exit(1);
    }
}

/* Play one run. Returns whether everything agreed. */
static bool play_run(uint64_t seed, uint64_t run, uint8_t *bytes, struct totals *totals)
{
    struct gmt_ops_report report;
    uint64_t state = gmt_mix(seed ^ gmt_mix(run));
    /* short runs end while spaces are small, long ones fill them */
    size_t len = RUN_BYTES_MAX >> gmt_rand_below(&state, 4);
    unsigned profile = (unsigned)(run % GMT_PROFILES);
    gmt_rand_fill(&state, bytes, len);
    bytes[0] = (uint8_t)profile;
    int error = gmt_ops_run(bytes, len, &report);
    if (error != 0) {
        fprintf(stderr, "FAILED to set up: seed %" PRIu64 " run %" PRIu64 ": %s\n", seed, run,
                strerror(-error));
        return false;
    }
    totals->ops += report.ops;
    totals->runs++;
    totals->per_profile[profile] += report.ops;
    if (report.regions_max > totals->regions_max[profile])
        totals->regions_max[profile] = report.regions_max;
    if (report.failed)
        fprintf(stderr,
                "FAILED: seed %" PRIu64 " run %" PRIu64 " (%s) operation %" PRIu64 " kernel %s\n  %s\n", seed,
                run, report.profile, report.ops, gm_isa_name(), report.message);
    return !report.failed;
}

static void print_totals(const struct settings *settings, const struct totals *totals)
{
    printf("seed %" PRIu64 ", kernel %s: %" PRIu64 " operations in %" PRIu64 " spaces\n", settings->seed,
           gm_isa_name(), totals->ops, totals->runs);
    for (unsigned i = 0; i < GMT_PROFILES; i++)
        printf("  %-7s %8" PRIu64 " operations, up to %u regions\n", gmt_profiles[i].name,
               totals->per_profile[i], totals->regions_max[i]);
}

int main(int argc, char **argv)
{
    struct settings settings = read_settings(argc, argv);
    struct totals totals = {.ops = 0};
    choose_kernel();
    uint8_t *bytes = malloc(RUN_BYTES_MAX);
    if (bytes == NULL || gm_reader_register() != 0) {
        fprintf(stderr, "map_ops: cannot start\n");
        return 1;
    }
    bool good = true;
    if (settings.only != UINT64_MAX)
        good = play_run(settings.seed, settings.only, bytes, &totals);
    for (uint64_t run = 0; settings.only == UINT64_MAX && good && totals.ops < settings.count; run++)
        good = play_run(settings.seed, run, bytes, &totals);
    free(bytes);
    if (gm_reader_unregister() != 0)
        good = false;
    print_totals(&settings, &totals);
    return good && totals.ops > 0 ? 0 : 1;
}
