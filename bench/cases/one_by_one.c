/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does one translation cost a caller who keeps nothing, and pins, translates and unpins for each address
 * (T6)? That is how a library with a lock, or with a counted snapshot for each access, is used; so the
 * competitors and peers here are those that synchronise their readers.
 */
#include "cases.h"

#include <string.h>

#include "../lib/flat.h"
#include "../lib/inputset.h"

static const size_t regions[] = {1, 8, 64, 512};
static const char *const synchronised[] = {"tree-rwlock", "seqlock", NULL};

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct gm_view *view = gm_pin(self);
        sum += (uintptr_t)gm_translate(view, gpa[i], BENCH_ACCESS_LEN, GM_READ);
        (void)gm_unpin();
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
    bench_loop_add(fixture, members, BENCH_FLOOR, bench_flat_run_call, &flat, addresses, BENCH_CHECK_NONE);
    if (bench_competitors_add(fixture, members, BENCH_SHAPE_PINNED, addresses, synchronised) != 0)
        return bench_row_skip(row, "no memory for the competitors");
    return 0;
}

static void add_row(struct bench_session *session, const char *link, size_t count)
{
    struct bench_row *row =
        bench_row_add(session, "T6", "ns", "pin-translate-unpin/regions:%zu/%s", count, link);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->input = bench_input_even(session, count);
    row->planned = 4 + bench_peers_expected(BENCH_SHAPE_PINNED);
    row->remote = strcmp(link, BENCH_LINK) != 0;
    row->rule = BENCH_AT_MOST;
    row->limit = strcmp(link, "static") == 0 ? 4 : 6;
}

void bench_case_one_by_one(struct bench_session *session)
{
    for (size_t i = 0; bench_links[i] != NULL; i++)
        for (size_t j = 0; j < sizeof(regions) / sizeof(regions[0]); j++)
            add_row(session, bench_links[i], regions[j]);
}
