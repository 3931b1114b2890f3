/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does one translation cost a caller that inlines it (T1)? This is the form that a device model compiled
 * with the headers gets. Competitors have no inline form here: theirs are behind calls, as in their own
 * homes.
 */
#include "cases.h"

#include "../lib/flat.h"

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t address = gpa[i], hva;
        bench_opaque(address);
        hva = (uintptr_t)gm_translate(view, address, BENCH_ACCESS_LEN, GM_READ);
        bench_opaque(hva); /* a result, not two terms of a sum */
        sum += hva;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    const struct bench_flat *flat = self;
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t address = gpa[i], hva;
        bench_opaque(address);
        hva = bench_flat_translate(flat, address);
        bench_opaque(hva);
        sum += hva;
    }
    return sum;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    static struct bench_flat flat;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    flat = bench_flat_of(fixture->layout);
    bench_loop_add(fixture, members, BENCH_OURS, run_ours, fixture->space.space, addresses, BENCH_CHECK_SUM);
    bench_loop_add(fixture, members, BENCH_FLOOR, run_floor, &flat, addresses, BENCH_CHECK_NONE);
    return 0;
}

void bench_case_translate_inline(struct bench_session *session)
{
    for (size_t i = 0; i < session->input_count; i++) {
        const struct bench_input *input = &session->inputs[i];
        struct bench_row *row =
            bench_row_add(session, "T1", "ns", "translate/single/uniform/inline/%s", input->label);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->input = input;
        if (input->kind == BENCH_FILE) {
            row->rule = BENCH_AT_MOST;
            row->limit = 1.1;
        }
    }
}
