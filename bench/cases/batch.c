/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does an address cost in a batch (T3)? Batches of 256, as a device with a full virtqueue has them, for
 * each instruction set that the library knows. The floor adds one number to each address with the widest
 * vectors and stores it. No peer has a batch, so no competitor stands here.
 */
#include "cases.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 256

#if defined(__x86_64__)
static const char *const isas[] = {"avx512", "avx2", "scalar"};
#elif defined(__aarch64__)
static const char *const isas[] = {"neon", "scalar"};
#else
static const char *const isas[] = {"scalar"};
#endif

static const char *usual_isa; /* what the library chose by itself */

struct batch {
    struct gm_space *space;
    uint64_t delta;
    void *hva[BATCH] __attribute__((aligned(64)));
};

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    struct batch *batch = self;
    const struct gm_view *view = gm_pin(batch->space);
    uint64_t translated = 0;

    for (size_t at = 0; at < count; at += BATCH) {
        translated += gm_translate_batch(view, gpa + at, BATCH, BENCH_ACCESS_LEN, GM_READ, batch->hva);
        bench_keep(batch->hva);
    }
    (void)gm_unpin();
    return translated;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    struct batch *batch = self;

    for (size_t at = 0; at < count; at += BATCH) {
        bench_floor_batch(gpa + at, BATCH, batch->delta, (uint64_t *)batch->hva);
        bench_keep(batch->hva);
    }
    return count;
}

/* 1 when the kernel in use gives the host addresses that the oracle gives, by their sums. */
static int batch_right(struct batch *batch, const struct bench_addresses *addresses)
{
    const struct gm_view *view = gm_pin(batch->space);
    int right = 1;

    for (size_t at = 0; right && at < addresses->count; at += BENCH_CHUNK) {
        uint64_t sum = 0;
        for (size_t i = at; i < at + BENCH_CHUNK; i += BATCH) {
            (void)gm_translate_batch(view, addresses->gpa + i, BATCH, BENCH_ACCESS_LEN, GM_READ, batch->hva);
            for (size_t j = 0; j < BATCH; j++)
                sum += (uintptr_t)batch->hva[j];
        }
        right = sum == addresses->sums[at / BENCH_CHUNK];
    }
    (void)gm_unpin();
    return right;
}

static double limit(const char *isa, size_t regions)
{
    double avx512 = regions <= 8 ? 0.5 : regions <= 16 ? 0.65 : 1.1;

    if (strcmp(isa, "avx512") == 0)
        return avx512;
    return strcmp(isa, "avx2") == 0 ? 1.6 * avx512 : 2.5;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct batch *batch;
    int result = gm_isa_select(row->text);

    if (result != 0)
        return bench_row_skip(row, "this %s has no %s", result == -EINVAL ? "build" : "CPU or build",
                              row->text);
    result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);
    if (result != 0 || row->wrong)
        return result;
    row->priv = batch = aligned_alloc(64, sizeof(*batch));
    if (batch == NULL)
        return bench_row_skip(row, "no memory");
    batch->space = fixture->space.space;
    batch->delta = fixture->layout->ram[0].hva - fixture->layout->ram[0].gpa;
    row->rule = BENCH_AT_MOST;
    row->limit = limit(row->text, fixture->layout->count);
    row->wrong = !batch_right(batch, addresses);
    if (row->wrong)
        snprintf(row->wrong_member, sizeof(row->wrong_member), "gm_translate_batch before timing");
    bench_loop_add(fixture, members, BENCH_OURS, run_ours, batch, addresses, BENCH_CHECK_COUNT);
    bench_loop_add(fixture, members, BENCH_FLOOR, run_floor, batch, addresses, BENCH_CHECK_COUNT);
    return 0;
}

static void release(struct bench_row *row)
{
    free(row->priv);
    row->priv = NULL;
    if (gm_isa_select(usual_isa) != 0)
        (void)bench_row_skip(row, "cannot go back from %s to %s", row->text, usual_isa);
}

void bench_case_batch(struct bench_session *session)
{
    usual_isa = gm_isa_name();
    for (size_t i = 0; i < session->input_count; i++) {
        for (size_t j = 0; j < sizeof(isas) / sizeof(isas[0]); j++) {
            const struct bench_input *input = &session->inputs[i];
            struct bench_row *row = bench_row_add(session, "T3", "ns", "translate/batch/uniform/isa:%s/%s",
                                                  isas[j], input->label);
            if (row == NULL)
                continue;
            row->prepare = prepare;
            row->release = release;
            row->input = input;
            row->text = isas[j];
        }
    }
}
