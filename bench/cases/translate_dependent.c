/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * How long does one translation take from address to answer (T1), when nothing can overlap because each
 * address needs the answer before it? A virtqueue's descriptor that points at another is such a chain. The
 * target is two loads from wherever the table lies: fixed where it fits the first-level cache, else measured
 * by a pointer chase over as many bytes in the same run.
 */
#include "cases.h"

#include "../lib/chase.h"
#include "../lib/flat.h"

#define L1_BYTES (UINT64_C(32) << 10)
#define L1_LIMIT_NS 4.5
#define OVERHEAD_NS 1.5 /* what stands beside the two loads: call, bounds check, mask and addition */

static BENCH_CALL void *translate(const struct gm_view *view, uint64_t gpa)
{
    return gm_translate(view, gpa, BENCH_ACCESS_LEN, GM_READ);
}

static BENCH_CALL uint64_t flat_translate(const struct bench_flat *flat, uint64_t gpa)
{
    return bench_flat_translate(flat, gpa);
}

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0, hva = 0;

    for (size_t i = 0; i < count; i++) {
        hva = (uintptr_t)translate(view, gpa[i] + bench_chain(hva));
        sum += hva;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0, hva = 0;

    for (size_t i = 0; i < count; i++) {
        hva = flat_translate(self, gpa[i] + bench_chain(hva));
        sum += hva;
    }
    return sum;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    static struct bench_flat flat;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct gm_space_stats stats;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    result = gm_space_stats_get(fixture->space.space, &stats);
    if (result != 0)
        return bench_row_skip(row, "gm_space_stats_get fails with %d", result);
    flat = bench_flat_of(fixture->layout);
    bench_loop_add(fixture, members, BENCH_OURS, run_ours, fixture->space.space, addresses, BENCH_CHECK_SUM);
    bench_loop_add(fixture, members, BENCH_FLOOR, run_floor, &flat, addresses, BENCH_CHECK_NONE);
    row->rule = BENCH_AT_MOST;
    row->limit = L1_LIMIT_NS;
    if (stats.map_bytes > L1_BYTES) {
        struct bench_chase *chase = bench_chase_new(stats.map_bytes, session->options.seed);
        if (chase == NULL)
            return bench_row_skip(row, "no memory for the pointer chase");
        row->priv = chase;
        row->rule = BENCH_TWO_LOADS;
        row->limit = OVERHEAD_NS;
        bench_member_add(members, BENCH_LATENCY, bench_chase_body, chase, 1024);
    }
    if (bench_competitors_add(fixture, members, BENCH_SHAPE_DEPENDENT, addresses, NULL) != 0)
        return bench_row_skip(row, "no memory for the competitors");
    return 0;
}

static void release(struct bench_row *row)
{
    bench_chase_free(row->priv);
    row->priv = NULL;
}

void bench_case_translate_dependent(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++) {
        const struct bench_input *input = &session->inputs[i];
        struct bench_row *row =
            bench_row_add(session, "T1", "ns", "translate/single/uniform/dependent/%s", input->label);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->input = input;
        row->planned = 3 + bench_competitors_expected(input) + bench_peers_expected(BENCH_SHAPE_DEPENDENT);
    }
}
