/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Snapshot torture: two threads read guest memory through pins and snapshots, a third puts snapshots that it
 * was given, while a fourth replaces the memory under them. Every read has to find what its view says is
 * there, and no view may be older, and no grace period shorter, than the interface promises. Ends with
 * histograms of both.
 *
 *   usage: snapshot_torture [seed]
 *   GM_TORTURE_SECONDS   how long (default 30)
 *   exit code            0; 1 when something was wrong or nothing was done
 *
 * How to prove that ThreadSanitizer sees what it should: build library and tests with -fsanitize=thread three
 * times, with -DGM_SEED_BUG=0, 1 and 2 for both, and run each with
 *   GM_TORTURE_SECONDS=10 TSAN_OPTIONS="suppressions=ci/tsan.supp halt_on_error=1 exitcode=66"
 * Expected exit codes: 0 (no bug), 66 (bug 1: the library does not wait for the grace period), 66 (bug 2:
 * this test follows a pointer after gm_unpin). seeded.sh beside this file does just that, given the three
 * programs. In a build with a seeded bug the program goes on after an error, and released memory stays mapped
 * for a while, so that the sanitizer has a race to report instead of a fault.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/torture.h"
#include "lib/setting.h"

#define READERS 2
#define DEFAULT_SECONDS 30

static void print_ages(const char *what, const uint64_t *a, const uint64_t *b)
{
    printf("  %-52s", what);
    for (unsigned age = 0; age < GMT_AGES; age++)
        printf(" %u%s:%" PRIu64, age, age == GMT_AGES - 1 ? "+" : "", a[age] + b[age]);
    printf("\n");
}

static void print_report(const struct gmt_torture *torture, const struct gmt_writer *writer,
                         const struct gmt_reader *readers)
{
    const struct gmt_reader *a = &readers[0], *b = &readers[1];
    printf("seed %" PRIu64 ": %" PRIu64 " commits waited, %" PRIu64 " did not, %" PRIu64 " aborted, %" PRIu64
           " reclaims; %" PRIu64 " regions added, %" PRIu64 " removed, %" PRIu64 " resized; %" PRIu64
           " mappings\n", torture->seed, writer->waited, writer->async, writer->aborted, writer->reclaims,
           writer->added, writer->removed, writer->resized, torture->stamps.made);
    printf("  %" PRIu64 " pins (%" PRIu64 " nested), %" PRIu64 " reads, %" PRIu64 " holes, %" PRIu64
           " snapshots, %" PRIu64 " put by another thread\n",
           a->pins + b->pins, a->nested + b->nested, a->reads + b->reads, a->holes + b->holes,
           a->snapshots + b->snapshots, a->handed + b->handed);
    print_ages("completed before the pin, newer than its view:", a->stale, b->stale);
    print_ages("published while pinned:", a->during, b->during);
    print_ages("grace periods ended while pinned that had to wait:", a->completed, b->completed);
}

/* After everything ended, is all memory back? */
static void close_space(struct gmt_torture *torture)
{
    for (unsigned i = 0; i < GMT_MAILBOX; i++)
        gm_snapshot_put(torture->mailbox[i]);
    int error = gm_space_destroy(torture->space);
    if (error == 0)
        error = gm_space_destroy(torture->other);
    if (error != 0)
        gmt_torture_error(torture, "gm_space_destroy: %d", error);
    if (torture->stamps.live != 0)
        gmt_torture_error(torture, "%" PRIu64 " mappings were never given back", torture->stamps.live);
    gmt_stamps_close(&torture->stamps);
}

static void run(struct gmt_torture *torture, unsigned seconds, struct gmt_writer *writer,
                struct gmt_reader *readers)
{
    pthread_t threads[READERS + 2];
    int error = pthread_create(&threads[0], NULL, gmt_torture_write, writer);
    while (__atomic_load_n(&torture->published, __ATOMIC_ACQUIRE) == 0 && error == 0)
        usleep(100); /* until there is a clock */
    error = error != 0 ? error : pthread_create(&threads[1], NULL, gmt_torture_put, torture);
    for (unsigned i = 0; i < READERS && error == 0; i++)
        error = pthread_create(&threads[2 + i], NULL, gmt_torture_read, &readers[i]);
    if (error != 0) {
        fprintf(stderr, "snapshot_torture: no thread: %d\n", error);
        exit(1);
    }
    for (unsigned tenths = 0; tenths < seconds * 10; tenths++) {
        usleep(100000);
        __atomic_store_n(&torture->phase, tenths / 5, __ATOMIC_RELAXED);
        if (GM_SEED_BUG == 0 && __atomic_load_n(&torture->errors, __ATOMIC_RELAXED) != 0)
            break;
    }
    __atomic_store_n(&torture->stop, true, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < READERS + 2; i++)
        pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
    static struct gmt_torture torture;
    const unsigned seconds = (unsigned)torture_seconds(DEFAULT_SECONDS);
    torture.seed = setting(argc, argv, 1, NULL, 1);
    torture.stamps.keep = GM_SEED_BUG != 0 ? 256 : 0;
    struct gmt_writer writer = {.torture = &torture};
    struct gmt_reader readers[READERS] = {{.torture = &torture, .seed = torture.seed ^ 1000},
                                          {.torture = &torture, .rests = true, .seed = torture.seed ^ 2000}};
    if (seconds == 0 || gm_space_create(NULL, &torture.space) != 0 ||
        gm_space_create(NULL, &torture.other) != 0) {
        fprintf(stderr, "snapshot_torture: cannot start\n");
        return 1;
    }
    run(&torture, seconds, &writer, readers);
    close_space(&torture);
    print_report(&torture, &writer, readers);
    bool idle = writer.waited == 0 || writer.async == 0;
    for (unsigned i = 0; i < READERS; i++)
        idle = idle || readers[i].pins == 0 || readers[i].reads == 0 || readers[i].snapshots == 0;
    if (idle)
        fprintf(stderr, "snapshot_torture: a thread did nothing\n");
    if (torture.errors != 0)
        fprintf(stderr, "snapshot_torture: %" PRIu64 " errors\n", torture.errors);
    return torture.errors != 0 || idle ? 1 : 0;
}
