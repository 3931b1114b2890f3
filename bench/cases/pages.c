/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost to translate an address and to read 8 bytes there, by the page size of the host memory (PG)?
 * Translation alone never touches guest memory; this does, in random order over more memory than a translation
 * look-aside buffer of 4 KiB pages covers, so that the page size decides. The floor reads the same bytes by way of a
 * plain pointer.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/hostmem.h"
#include "../lib/progress.h"

#define WORKING_SET ((size_t)256 << 20)
#define GUEST_BASE (UINT64_C(4) << 30)

struct readable {
    struct bench_hostmem memory;
    struct gm_space *space;
    struct gm_backing *backing;
    struct bench_addresses addresses; /* sums: of what is read */
    struct bench_loop ours, floor;
    uint64_t delta;
};

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(((const struct readable *)self)->space);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        const uint64_t *at = gm_translate(view, gpa[i], sizeof(*at), GM_READ);
        if (at != NULL)
            sum += *at;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t delta = ((const struct readable *)self)->delta, sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += *(const uint64_t *)(uintptr_t)(gpa[i] + delta);
    return sum;
}

static int map_memory(struct readable *readable)
{
    struct gm_region_desc desc = {.gpa = GUEST_BASE, .size = readable->memory.size, .kind = GM_KIND_RAM};
    struct gm_txn *txn;
    int result = gm_space_create(NULL, &readable->space);

    if (result == 0)
        result = gm_backing_wrap(readable->memory.base, readable->memory.size, NULL, NULL, &readable->backing);
    if (result == 0)
        result = gm_txn_begin(readable->space, &txn);
    if (result != 0)
        return result;
    desc.backing = readable->backing;
    result = gm_txn_add(txn, &desc);
    if (result == 0)
        return gm_txn_commit(txn, GM_COMMIT_WAIT);
    gm_txn_abort(txn);
    return result;
}

/* Every word that is read holds a number of its own, so that a load from elsewhere shows in the sums. */
static int fill(struct readable *readable, const struct bench_options *options)
{
    struct bench_rng rng = {options->seed};
    struct bench_addresses *addresses = &readable->addresses;

    addresses->count = options->addresses;
    addresses->gpa = calloc(addresses->count, sizeof(*addresses->gpa));
    addresses->sums = calloc(addresses->count / BENCH_CHUNK, sizeof(*addresses->sums));
    if (addresses->gpa == NULL || addresses->sums == NULL)
        return 1;
    readable->delta = (uintptr_t)readable->memory.base - GUEST_BASE;
    for (size_t i = 0; i < addresses->count; i++) {
        uint64_t offset = bench_random_below(&rng, WORKING_SET / sizeof(uint64_t)) * sizeof(uint64_t);
        addresses->gpa[i] = GUEST_BASE + offset;
        *(uint64_t *)(void *)(readable->memory.base + offset) = offset * UINT64_C(0x9e3779b97f4a7c15);
        addresses->sums[i / BENCH_CHUNK] += offset * UINT64_C(0x9e3779b97f4a7c15);
    }
    return 0;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct readable *readable = row->priv = calloc(1, sizeof(*readable));
    char error[100] = "no memory";
    int result;

    if (readable == NULL)
        return bench_row_skip(row, "no memory");
    bench_progress_note("touching memory for", row->name);
    result = bench_hostmem_open(&readable->memory, (enum bench_pages)row->param, WORKING_SET, error, sizeof(error));
    bench_progress_note(NULL, NULL);
    if (result != 0)
        return bench_row_skip(row, "%s", error);
    result = map_memory(readable);
    if (result != 0)
        return bench_row_skip(row, "cannot map: %s", strerror(-result));
    if (fill(readable, &session->options) != 0)
        return bench_row_skip(row, "no memory");
    readable->ours = (struct bench_loop){
        .run = run_ours, .self = readable, .addresses = &readable->addresses, .check = BENCH_CHECK_SUM};
    readable->floor = readable->ours;
    readable->floor.run = run_floor;
    (void)bench_member_add(members, BENCH_OURS, bench_loop_body, &readable->ours, BENCH_CHUNK);
    (void)bench_member_add(members, BENCH_FLOOR, bench_loop_body, &readable->floor, BENCH_CHUNK);
    return 0;
}

static void release(struct bench_row *row)
{
    struct readable *readable = row->priv;

    if (readable == NULL)
        return;
    (void)gm_space_destroy(readable->space);
    gm_backing_put(readable->backing);
    bench_hostmem_close(&readable->memory);
    free(readable->addresses.gpa);
    free(readable->addresses.sums);
    free(readable);
    row->priv = NULL;
}

void bench_case_pages(struct bench_session *session)
{
    const struct bench_list *pages = &session->options.pages;

    for (size_t i = 0; i < pages->count; i++) {
        struct bench_row *row = bench_row_add(session, "PG", "ns", "translate-and-read/uniform/256M/pages:%s",
                                              bench_pages_names[pages->value[i]]);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = pages->value[i];
    }
}
