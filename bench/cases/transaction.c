/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does an edit cost when 1000 of them are one transaction (S1), which is published once? One transaction
 * adds 1000 regions to a space of 16, the next removes them; that each counts as one commit is checked.
 */
#include "edit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define EDITS 1000
#define REGIONS 16
#define PHASE (UINT64_C(1) << 12) /* so that no region begins at a 2 MiB boundary */
#define STRIDE (UINT64_C(4) << 20)
#define BYTES (UINT64_C(3) << 20)

struct many {
    struct bench_edit *edit;
    struct gm_backing *backing;
    uint64_t first; /* guest address of the first of the regions */
    void *memory;
};

static int transaction(struct many *many, int add)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(many->edit->space.space, &txn);

    if (result != 0)
        return result;
    for (uint64_t i = 0; i < EDITS && result == 0; i++) {
        struct gm_region_desc desc = {.gpa = many->first + i * STRIDE,
                                      .size = BYTES,
                                      .kind = GM_KIND_RAM,
                                      .backing = many->backing,
                                      .offset = i * STRIDE};
        result = add ? gm_txn_add(txn, &desc) : gm_txn_remove(txn, desc.gpa, desc.size);
    }
    if (result == 0)
        return gm_txn_commit(txn, GM_COMMIT_ASYNC);
    gm_txn_abort(txn);
    return result;
}

static void body(struct bench_run *run)
{
    struct many *many = run->fixture;
    struct gm_space *space = many->edit->space.space;

    for (uint64_t left = run->iters; left > 0; left -= UINT64_C(2) * EDITS) {
        uint64_t begin;
        run->wrong |= transaction(many, 1) != 0;
        run->wrong |= transaction(many, 0) != 0;
        begin = bench_now_ns();
        bench_counters_pause(run->counters);
        run->wrong |= gm_space_reclaim(space) != 0;
        bench_counters_resume(run->counters);
        run->excluded_ns += bench_now_ns() - begin;
    }
}

static int publishes_once(struct many *many)
{
    struct gm_space *space = many->edit->space.space;
    struct gm_space_stats before, added, removed;

    return gm_space_stats_get(space, &before) == 0 && transaction(many, 1) == 0 &&
           gm_space_stats_get(space, &added) == 0 && transaction(many, 0) == 0 &&
           gm_space_stats_get(space, &removed) == 0 && added.commits == before.commits + 1 &&
           added.regions == before.regions + EDITS && removed.commits == before.commits + 2 &&
           removed.regions == before.regions;
}

static struct many many; /* one row, one at a time */

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    int result;

    memset(&many, 0, sizeof(many));
    result = bench_edit_prepare(row, session, &many.edit);
    if (result != 0)
        return result;
    many.first = bench_free_above(many.edit->layout, PHASE + EDITS * STRIDE) + PHASE;
    many.memory = mmap(NULL, EDITS * STRIDE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    result = many.memory == MAP_FAILED
                 ? -errno
                 : gm_backing_wrap(many.memory, EDITS * STRIDE, NULL, NULL, &many.backing);
    if (result != 0)
        return bench_row_skip(row, "no memory for the regions: %s", strerror(-result));
    row->wrong = !publishes_once(&many);
    if (row->wrong)
        snprintf(row->wrong_member, sizeof(row->wrong_member), "the count of commits or regions");
    bench_member_add(members, BENCH_OURS, body, &many, UINT64_C(2) * EDITS);
    return 0;
}

static void release(struct bench_row *row)
{
    bench_edit_release(row);
    gm_backing_put(many.backing);
    if (many.memory != NULL && many.memory != MAP_FAILED)
        munmap(many.memory, EDITS * STRIDE);
    memset(&many, 0, sizeof(many));
}

void bench_case_transaction(struct bench_session *session)
{
    struct bench_row *row =
        bench_row_add(session, "S1", "ns", "publish/%d-edits-at-once/per-edit/regions:%d", EDITS, REGIONS);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->param = REGIONS;
    row->planned = 1;
    row->rule = BENCH_AT_MOST;
    row->limit = 5000;
}
