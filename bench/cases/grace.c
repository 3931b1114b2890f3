/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What stands beside S1 and is not part of it: the same edit with the wait for a grace period, alone and
 * while a reader reads, and mapping host memory. No targets: these are the kernel's and the readers' times.
 */
#include "edit.h"

#include <sys/mman.h>

#define REGIONS 16
#define MAPPED_BYTES (UINT64_C(2) << 20)

static void wait_body(struct bench_run *run)
{
    for (uint64_t i = 0; i < run->iters; i += 2)
        run->wrong |= bench_edit_toggle(run->fixture, GM_COMMIT_WAIT) != 0;
}

static void map_body(struct bench_run *run)
{
    for (uint64_t i = 0; i < run->iters; i++) {
        void *memory = mmap(NULL, MAPPED_BYTES, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED || munmap(memory, MAPPED_BYTES) != 0)
            run->wrong = 1;
    }
}

static int prepare_wait(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_edit *edit;
    int result = bench_edit_prepare(row, session, &edit);

    if (result == 0)
        bench_member_add(members, BENCH_OURS, wait_body, edit, 2);
    return result;
}

static int prepare_wait_with_reader(struct bench_row *row, struct bench_session *session,
                                    struct bench_members *members)
{
    int result;

    if (bench_cpu_count() < 2)
        return bench_row_skip(row, "needs 2 CPUs, this process has 1");
    result = prepare_wait(row, session, members);
    if (result == 0) {
        members->list[0].start = bench_edit_start_reader;
        members->list[0].stop = bench_edit_stop_reader;
    }
    return result;
}

static int prepare_map(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    (void)row;
    (void)session;
    bench_member_add(members, BENCH_OURS, map_body, NULL, 1);
    return 0;
}

static void add_wait(struct bench_session *session, const char *name,
                     int (*prepare)(struct bench_row *, struct bench_session *, struct bench_members *))
{
    struct bench_row *row = bench_row_add(session, "S1", "ns", "beside/%s/regions:%d", name, REGIONS);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = bench_edit_release;
    row->param = REGIONS;
    row->planned = 1;
}

void bench_case_grace(struct bench_session *session)
{
    struct bench_row *row;

    add_wait(session, "one-edit-and-grace-period", prepare_wait);
    add_wait(session, "one-edit-and-grace-period/reader:1", prepare_wait_with_reader);
    row = bench_row_add(session, "S1", "ns", "beside/mmap-and-munmap/2MiB");
    if (row != NULL) {
        row->prepare = prepare_map;
        row->planned = 1;
    }
}
