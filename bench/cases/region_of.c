/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which region is an address in, and what is it like? Not a question for every access (that is T1) but what a VMM asks
 * that has no host address to ask for. There is no target; the row is here because it is all that one peer can answer.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>

#include "../lib/flat.h"
#include "../lib/inputset.h"

static const size_t regions[] = {1, 8, 64, 512};

struct expected {
    struct bench_addresses ours, peers; /* the streams of the fixture with sums of their own */
};

static struct expected expected; /* of the row in preparation */

static BENCH_CALL uint64_t region_of(const struct gm_view *view, uint64_t gpa)
{
    struct gm_region_info info;

    return gm_region_find(view, gpa, &info) == 0 ? info.tag : 0;
}

static uint64_t run_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += region_of(view, gpa[i]);
    (void)gm_unpin();
    return sum;
}

/* The tag of a region is its place among all ranges (build.c), what peers answer its place in RAM from 1 on. */
static int expect(const struct bench_layout *layout, const struct bench_addresses *addresses)
{
    size_t chunks = addresses->count / BENCH_CHUNK;

    expected.ours = expected.peers = *addresses;
    expected.ours.sums = calloc(chunks, sizeof(uint64_t));
    expected.peers.sums = calloc(chunks, sizeof(uint64_t));
    if (expected.ours.sums == NULL || expected.peers.sums == NULL)
        return -1;
    for (size_t i = 0; i < addresses->count; i++) {
        uint64_t index = (uint64_t)bench_oracle_index(layout, addresses->gpa[i], 1);
        expected.ours.sums[i / BENCH_CHUNK] += index;
        expected.peers.sums[i / BENCH_CHUNK] += index + 1;
    }
    return 0;
}

static void peers_add(struct bench_fixture *fixture, struct bench_members *members, void **self)
{
    const struct bench_peer *peer = bench_region_peers();
    const struct bench_layout *layout = fixture->layout;

    if (peer->name == NULL || layout->ram_count > peer->most)
        return;
    *self = peer->build(layout->ram, layout->ram_count);
    if (*self == NULL)
        return;
    struct bench_member *member =
        bench_loop_add(fixture, members, peer->name, peer->run_call, *self, &expected.peers, BENCH_CHECK_SUM);
    if (member != NULL)
        member->peer = 1;
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    static struct bench_flat flat;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    if (expect(fixture->layout, addresses) != 0)
        return bench_row_skip(row, "no memory for the answers");
    flat = bench_flat_of(fixture->layout);
    bench_loop_add(fixture, members, BENCH_OURS, run_ours, fixture->space.space, &expected.ours, BENCH_CHECK_SUM);
    bench_loop_add(fixture, members, BENCH_FLOOR, bench_flat_run_call, &flat, addresses, BENCH_CHECK_NONE);
    peers_add(fixture, members, &row->priv);
    return 0;
}

static void release(struct bench_row *row)
{
    if (row->priv != NULL)
        bench_region_peers()->destroy(row->priv);
    row->priv = NULL;
    free(expected.ours.sums);
    free(expected.peers.sums);
    memset(&expected, 0, sizeof(expected));
}

void bench_case_region_of(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(regions) / sizeof(regions[0]); i++) {
        struct bench_row *row = bench_row_add(session, "T1", "ns", "region-of/uniform/call/regions:%zu", regions[i]);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->input = bench_input_even(session, regions[i]);
        row->planned = 3;
    }
}
