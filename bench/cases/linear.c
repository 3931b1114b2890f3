/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does an address cost in a linear space (T4), where translating is adding? Four small regions far apart
 * in a reservation of 64 GiB, memory that is never touched. Beside it, without a target, the same addresses
 * through the checked batch, which is what a caller pays who cannot take a fault.
 */
#include "cases.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESERVED (UINT64_C(64) << 30)
#define REGIONS 4
#define REGION_BYTES (UINT64_C(64) << 20)
#define BATCH 256

struct linear {
    struct gm_space *space;
    struct bench_addresses addresses;
    struct bench_loop ours, floor;
    uint64_t delta;
    void *hva[BATCH] __attribute__((aligned(64)));
};

static uint64_t run_unchecked(void *self, const uint64_t *gpa, size_t count)
{
    struct linear *linear = self;
    const struct gm_view *view = gm_pin(linear->space);
    uint64_t translated = 0;

    for (size_t at = 0; at < count; at += BATCH) {
        translated += gm_linear_batch(view, gpa + at, BATCH, BENCH_ACCESS_LEN, linear->hva);
        bench_keep(linear->hva);
    }
    (void)gm_unpin();
    return translated;
}

static uint64_t run_checked(void *self, const uint64_t *gpa, size_t count)
{
    struct linear *linear = self;
    const struct gm_view *view = gm_pin(linear->space);
    uint64_t translated = 0;

    for (size_t at = 0; at < count; at += BATCH) {
        translated += gm_translate_batch(view, gpa + at, BATCH, BENCH_ACCESS_LEN, GM_RW, linear->hva);
        bench_keep(linear->hva);
    }
    (void)gm_unpin();
    return translated;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    struct linear *linear = self;

    for (size_t at = 0; at < count; at += BATCH) {
        bench_floor_batch(gpa + at, BATCH, linear->delta, (uint64_t *)linear->hva);
        bench_keep(linear->hva);
    }
    return count;
}

static int add_regions(struct gm_space *space)
{
    struct gm_txn *txn;
    int result = gm_txn_begin(space, &txn);

    if (result != 0)
        return result;
    for (uint64_t i = 0; i < REGIONS && result == 0; i++) {
        struct gm_region_desc desc = {
            .gpa = RESERVED / REGIONS * i, .size = REGION_BYTES, .kind = GM_KIND_RAM};
        result = gm_txn_add(txn, &desc);
    }
    if (result == 0)
        return gm_txn_commit(txn, GM_COMMIT_WAIT);
    gm_txn_abort(txn);
    return result;
}

static int fill_addresses(struct bench_addresses *addresses, const struct bench_options *options)
{
    struct bench_rng rng = {options->seed};

    addresses->count = options->addresses;
    addresses->gpa = malloc(addresses->count * sizeof(*addresses->gpa));
    for (size_t i = 0; addresses->gpa != NULL && i < addresses->count; i++)
        addresses->gpa[i] = RESERVED / REGIONS * bench_random_below(&rng, REGIONS) +
                            bench_random_below(&rng, REGION_BYTES / BENCH_ACCESS_LEN) * BENCH_ACCESS_LEN;
    return addresses->gpa != NULL;
}

/* 1 when both batches give base + address for every address, and nothing for the byte past the reservation.
 */
static int linear_right(struct linear *linear)
{
    const struct gm_view *view = gm_pin(linear->space);
    const uint64_t beyond = RESERVED;
    int right;

    linear->delta = view->linear_base;
    right = gm_linear_batch(view, &beyond, 1, BENCH_ACCESS_LEN, linear->hva) == 0 && linear->hva[0] == NULL;
    for (size_t at = 0; right && at < linear->addresses.count; at += BATCH) {
        const uint64_t *gpa = linear->addresses.gpa + at;
        void *checked[BATCH];
        (void)gm_linear_batch(view, gpa, BATCH, BENCH_ACCESS_LEN, linear->hva);
        (void)gm_translate_batch(view, gpa, BATCH, BENCH_ACCESS_LEN, GM_RW, checked);
        for (size_t i = 0; i < BATCH; i++)
            right &= (uintptr_t)linear->hva[i] == linear->delta + gpa[i] && checked[i] == linear->hva[i];
    }
    (void)gm_unpin();
    return right;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct gm_space_config config = {.linear_size = RESERVED, .numa_node = -1};
    struct linear *linear = aligned_alloc(64, sizeof(*linear));
    int result;

    row->priv = linear;
    if (linear == NULL)
        return bench_row_skip(row, "no memory");
    memset(linear, 0, sizeof(*linear));
    result = gm_space_create(&config, &linear->space);
    if (result == 0)
        result = add_regions(linear->space);
    if (result != 0)
        return bench_row_skip(row, "no linear space of 64 GiB here: %s", strerror(-result));
    if (!fill_addresses(&linear->addresses, &session->options))
        return bench_row_skip(row, "no memory");
    row->wrong = !linear_right(linear);
    if (row->wrong)
        snprintf(row->wrong_member, sizeof(row->wrong_member), "a batch before timing");
    linear->ours = (struct bench_loop){.run = row->param ? run_checked : run_unchecked,
                                       .self = linear,
                                       .addresses = &linear->addresses,
                                       .check = BENCH_CHECK_COUNT};
    linear->floor = linear->ours;
    linear->floor.run = run_floor;
    bench_member_add(members, BENCH_OURS, bench_loop_body, &linear->ours, BENCH_CHUNK);
    bench_member_add(members, BENCH_FLOOR, bench_loop_body, &linear->floor, BENCH_CHUNK);
    return 0;
}

static void release(struct bench_row *row)
{
    struct linear *linear = row->priv;

    if (linear != NULL) {
        (void)gm_space_destroy(linear->space);
        free(linear->addresses.gpa);
    }
    free(linear);
    row->priv = NULL;
}

void bench_case_linear(struct bench_session *session)
{
    for (uint64_t checked = 0; checked < 2; checked++) {
        struct bench_row *row = bench_row_add(session, "T4", "ns", "translate/batch/linear/%s",
                                              checked ? "checked" : "unchecked");
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = checked;
        if (!checked) {
            row->rule = BENCH_AT_MOST;
            row->limit = 0.2;
        }
    }
}
