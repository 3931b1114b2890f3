/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does a pin cost (T5): alone, with two threads pinning at once, and as a share of each address when a
 * pin covers 32 translations? The answer depends on where the library's code is, so it is given for the
 * static program and for the one that uses the shared library. Peers lie in a library of their own in both, but
 * their loops are in it too.
 */
#include "cases.h"

#include <errno.h>
#include <string.h>

#include "../lib/inputset.h"

#define PER_PIN 32
#define REGIONS 8
#define VALUE UINT64_C(0x5ca1ab1e) /* what the peers guard */
#define MOST_PEERS 4

struct guarded {
    const struct bench_pin_peer *peer;
    void *self;
};

static struct guarded guarded[MOST_PEERS]; /* of the row in preparation */

static void pin_unpin(struct bench_run *run)
{
    struct gm_space *space = run->fixture;
    int registered = gm_reader_register(); /* the first thread is already */

    for (uint64_t i = 0; i < run->iters; i++) {
        const struct gm_view *view = gm_pin(space);
        bench_keep(view);
        run->wrong |= gm_unpin() != 0;
    }
    if (registered == 0)
        (void)gm_reader_unregister();
    else if (registered != -EALREADY)
        run->wrong = 1;
}

static void peer_body(struct bench_run *run)
{
    const struct guarded *one = run->fixture;

    run->wrong |= one->peer->run(one->self, run->iters) != VALUE;
}

static void peers_add(struct bench_members *members, int threads)
{
    const struct bench_pin_peer *peers = bench_pin_peers();

    for (size_t i = 0; i < MOST_PEERS && peers[i].name != NULL; i++) {
        guarded[i] = (struct guarded){&peers[i], peers[i].build(VALUE)};
        struct bench_member *member = bench_member_add(members, peers[i].name, peer_body, &guarded[i], 1);
        if (member == NULL)
            continue;
        member->peer = 1;
        member->threads = threads;
    }
}

static void release_peers(struct bench_row *row)
{
    (void)row;
    for (size_t i = 0; i < MOST_PEERS && guarded[i].peer != NULL; i++)
        guarded[i].peer->destroy(guarded[i].self);
    memset(guarded, 0, sizeof(guarded));
}

static uint64_t translate_some(const struct gm_view *view, const uint64_t *gpa)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < PER_PIN; i++) {
        uint64_t address = gpa[i];
        bench_opaque(address);
        sum += (uintptr_t)gm_translate(view, address, BENCH_ACCESS_LEN, GM_READ);
    }
    return sum;
}

static uint64_t run_pinning(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t at = 0; at < count; at += PER_PIN) {
        sum += translate_some(gm_pin(self), gpa + at);
        (void)gm_unpin();
    }
    return sum;
}

static uint64_t run_pinned(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t at = 0; at < count; at += PER_PIN)
        sum += translate_some(view, gpa + at);
    (void)gm_unpin();
    return sum;
}

static int prepare_alone(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    struct bench_member *member;
    int threads = (int)row->param;
    int result;

    if (threads > bench_cpu_count())
        return bench_row_skip(row, "needs %d CPUs, this process has %d", threads, bench_cpu_count());
    result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);
    if (result != 0 || row->wrong)
        return result;
    member = bench_member_add(members, BENCH_OURS, pin_unpin, fixture->space.space, 1);
    member->threads = threads;
    peers_add(members, threads);
    return 0;
}

static int prepare_share(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    bench_loop_add(fixture, members, BENCH_OURS, run_pinning, fixture->space.space, addresses,
                   BENCH_CHECK_SUM);
    bench_loop_add(fixture, members, BENCH_FLOOR, run_pinned, fixture->space.space, addresses,
                   BENCH_CHECK_SUM);
    return 0;
}

static void add_alone(struct bench_session *session, const char *link, int threads)
{
    struct bench_row *row = bench_row_add(session, "T5", "ns", "pin-unpin/threads:%d/%s", threads, link);

    if (row == NULL)
        return;
    row->prepare = prepare_alone;
    row->release = release_peers;
    row->input = bench_input_even(session, REGIONS);
    row->param = (uint64_t)threads;
    row->planned = 3;
    row->remote = strcmp(link, BENCH_LINK) != 0;
    row->rule = threads == 1 ? BENCH_AT_MOST : BENCH_NO_TARGET;
    row->limit = strcmp(link, "static") == 0 ? 2.5 : 5;
}

static void add_share(struct bench_session *session, const char *link)
{
    struct bench_row *row = bench_row_add(
        session, "T5", "ns", "pin-unpin/per-address/%d-a-pin/less-translation/%s", PER_PIN, link);

    if (row == NULL)
        return;
    row->prepare = prepare_share;
    row->input = bench_input_even(session, REGIONS);
    row->remote = strcmp(link, BENCH_LINK) != 0;
    row->value = BENCH_MINUS_FLOOR;
    row->rule = BENCH_AT_MOST;
    row->limit = 0.6;
}

void bench_case_pin(struct bench_session *session)
{
    for (size_t i = 0; bench_links[i] != NULL; i++) {
        add_alone(session, bench_links[i], 1);
        add_alone(session, bench_links[i], 2);
        add_share(session, bench_links[i]);
    }
}
