/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does one translation cost a caller that does not inline it (T1), and when nearly all of them go to one
 * region, or follow one another as those of a virtqueue or of a copy do (T2)?
 * Ours, the floor every competitor and every peer are called the same way: one function that is not inlined, view or
 * table and address as arguments, the results summed.
 */
#include "cases.h"

#include "../lib/flat.h"

static BENCH_CALL void *translate(const struct gm_view *view, uint64_t gpa)
{
    return gm_translate(view, gpa, BENCH_ACCESS_LEN, GM_READ);
}

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += (uintptr_t)translate(view, gpa[i]);
    (void)gm_unpin();
    return sum;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    static struct bench_flat flat;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, (enum bench_stream_kind)row->param, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    flat = bench_flat_of(fixture->layout);
    bench_loop_add(fixture, members, BENCH_OURS, run_ours, fixture->space.space, addresses, BENCH_CHECK_SUM);
    bench_loop_add(fixture, members, BENCH_FLOOR, bench_flat_run_call, &flat, addresses, BENCH_CHECK_NONE);
    if (bench_competitors_add(fixture, members, BENCH_SHAPE_CALL, addresses, NULL) != 0)
        return bench_row_skip(row, "no memory for the competitors");
    return 0;
}

static void add_row(struct bench_session *session, const struct bench_input *input, const char *id,
                    enum bench_stream_kind kind, double limit)
{
    struct bench_row *row = bench_row_add(session, id, "ns", "translate/single/%s/call/%s",
                                          bench_stream_name(kind), input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->input = input;
    row->param = kind;
    row->rule = BENCH_TIMES_FLOOR;
    row->limit = limit;
    row->planned = 2 + bench_competitors_expected(input) + bench_peers_expected(BENCH_SHAPE_CALL);
}

static double uniform_limit(const struct bench_input *input)
{
    if (input->kind == BENCH_FILE)
        return 1.25;
    if (input->kind == BENCH_MIXED)
        return 5;
    return input->regions <= 4096 ? 1.7 : 3;
}

void bench_case_translate_call(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++)
        add_row(session, &session->inputs[i], "T1", BENCH_UNIFORM, uniform_limit(&session->inputs[i]));
}

void bench_case_translate_hot(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++)
        add_row(session, &session->inputs[i], "T2", BENCH_HOT94, 1.15);
    for (size_t i = 0; i < session->input_count; i++) {
        if (session->inputs[i].kind != BENCH_FILE)
            continue;
        add_row(session, &session->inputs[i], "T2", BENCH_VIRTQ, 1.15);
        add_row(session, &session->inputs[i], "T2", BENCH_SEQUENTIAL, 1.15);
    }
}
