/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Does a reader keep its speed when others read the same space (TN)? Each thread pins, translates all addresses of a
 * chunk and unpins, on a CPU of its own; the time is that of the slowest thread for each of its own addresses. The
 * floor does the same without a table, so that it shows what the machine loses by itself.
 */
#include "cases.h"

#include <stdlib.h>

#include "../lib/flat.h"
#include "../lib/inputset.h"
#include "many.h"

struct readers {
    struct bench_loop ours, floor;
    struct bench_flat flat;
};

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t hva = (uintptr_t)gm_translate(view, gpa[i], BENCH_ACCESS_LEN, GM_READ);
        bench_opaque(hva);
        sum += hva;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t run_floor(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t hva = bench_flat_translate(self, gpa[i]);
        bench_opaque(hva);
        sum += hva;
    }
    return sum;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct readers *readers;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    row->priv = readers = calloc(1, sizeof(*readers));
    if (readers == NULL)
        return bench_row_skip(row, "no memory");
    readers->flat = bench_flat_of(fixture->layout);
    readers->ours =
        (struct bench_loop){.run = run_ours, .self = fixture->space.space, .addresses = addresses};
    readers->floor = (struct bench_loop){
        .run = run_floor, .self = &readers->flat, .addresses = addresses, .check = BENCH_CHECK_NONE};
    bench_many_add(members, BENCH_OURS, &readers->ours, (int)row->param, 0);
    bench_many_add(members, BENCH_FLOOR, &readers->floor, (int)row->param, 0);
    return 0;
}

static void release(struct bench_row *row)
{
    free(row->priv);
    row->priv = NULL;
}

static void add_row(struct bench_session *session, const struct bench_input *input, uint64_t threads)
{
    struct bench_row *row = bench_row_add(session, "TN", "ns", "translate/readers-at-once/inline/threads:%llu/%s",
                                          (unsigned long long)threads, input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->input = input;
    row->param = threads;
}

void bench_case_threads(struct bench_session *session)
{
    const struct bench_list *asked = &session->options.threads;
    const struct bench_input *input = bench_input_guest(session);
    int cpus = bench_cpu_count() < BENCH_MAX_THREADS ? bench_cpu_count() : BENCH_MAX_THREADS;

    for (size_t i = 0; i < asked->count; i++)
        add_row(session, input, asked->value[i]);
    if (asked->count > 0)
        return;
    add_row(session, input, 1);
    if (cpus > 1)
        add_row(session, input, (uint64_t)cpus);
}
