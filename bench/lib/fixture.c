/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Builds fixtures and proves them: before an address stream is used for timing, every address of it is
 * translated once and the sums are compared with the oracle's. The timed loops go on comparing, chunk by
 * chunk, at the price of one compare in BENCH_CHUNK addresses.
 */
#include "fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "progress.h"
#include "row.h"
#include "session.h"

void bench_loop_body(struct bench_run *run)
{
    struct bench_loop *loop = run->fixture;
    const struct bench_addresses *addresses = loop->addresses;
    size_t chunks = addresses->count / BENCH_CHUNK, at = loop->cursor;
    uint64_t begin = bench_now_ns();

    /* The member before this one filled the caches with its own table: one pass brings ours back, untimed. */
    bench_keep(loop->run(loop->self, addresses->gpa, addresses->count));
    bench_counters_begin(run->counters);
    run->warm_ns = bench_now_ns() - begin;
    for (uint64_t left = run->iters; left >= BENCH_CHUNK; left -= BENCH_CHUNK) {
        uint64_t result = loop->run(loop->self, addresses->gpa + at * BENCH_CHUNK, BENCH_CHUNK);
        if (loop->check == BENCH_CHECK_SUM)
            run->wrong |= result != addresses->sums[at];
        else if (loop->check == BENCH_CHECK_COUNT)
            run->wrong |= result != BENCH_CHUNK;
        at = at + 1 == chunks ? 0 : at + 1;
    }
    loop->cursor = at;
}

struct bench_member *bench_loop_add(struct bench_fixture *fixture, struct bench_members *members,
                                    const char *name, bench_loop_run *run, void *self,
                                    const struct bench_addresses *addresses, enum bench_check check)
{
    struct bench_loop *loop;

    if (fixture->loop_count == sizeof(fixture->loops) / sizeof(fixture->loops[0]))
        return NULL;
    loop = &fixture->loops[fixture->loop_count++];
    *loop = (struct bench_loop){.run = run, .self = self, .addresses = addresses, .check = check};
    return bench_member_add(members, name, bench_loop_body, loop, BENCH_CHUNK);
}

static bench_loop_run *run_of(const struct bench_peer *peer, enum bench_shape shape)
{
    return shape == BENCH_SHAPE_PINNED ? peer->run_pinned
           : shape == BENCH_SHAPE_CALL ? peer->run_call
                                       : peer->run_dependent;
}

unsigned bench_peers_expected(enum bench_shape shape)
{
    unsigned count = 0;

    for (const struct bench_peer *peer = bench_peers(); peer->name != NULL; peer++)
        count += run_of(peer, shape) != NULL;
    return count;
}

/* Peers answer as the oracle does, or the row is wrong: they are checked like everybody else. */
static void peers_add(struct bench_fixture *fixture, struct bench_members *members, enum bench_shape shape,
                      const struct bench_addresses *addresses)
{
    const struct bench_layout *layout = fixture->layout;
    const struct bench_peer *peers = bench_peers();

    for (size_t i = 0; peers[i].name != NULL && i < BENCH_MAX_PEERS; i++) {
        bench_loop_run *run = run_of(&peers[i], shape);
        if (run == NULL || layout->ram_count > peers[i].most)
            continue;
        if (fixture->peers[i] == NULL)
            fixture->peers[i] = peers[i].build(layout->ram, layout->ram_count);
        if (fixture->peers[i] == NULL) {
            bench_peers_refused(&peers[i], layout);
            continue;
        }
        struct bench_member *member = bench_loop_add(fixture, members, peers[i].name, run, fixture->peers[i],
                                                     addresses, BENCH_CHECK_SUM);
        if (member != NULL)
            member->peer = 1;
    }
}

unsigned bench_competitors_expected(const struct bench_input *input)
{
    unsigned count = 0;

    for (size_t i = 1; bench_competitors[i].name != NULL; i++)
        count += input->kind == BENCH_FILE || input->regions <= bench_competitors[i].sensible;
    return count;
}

static int listed(const char *name, const char *const *only)
{
    for (size_t i = 0; only != NULL && only[i] != NULL; i++)
        if (strcmp(name, only[i]) == 0)
            return 1;
    return only == NULL;
}

int bench_competitors_add(struct bench_fixture *fixture, struct bench_members *members,
                          enum bench_shape shape, const struct bench_addresses *addresses,
                          const char *const *only)
{
    const struct bench_layout *layout = fixture->layout;

    /* entry 0 is a floor, for those who have none of their own */
    for (size_t i = 1; bench_competitors[i].name != NULL && i < BENCH_MAX_COMPETITORS; i++) {
        const struct bench_competitor *competitor = &bench_competitors[i];
        bench_loop_run *run = shape == BENCH_SHAPE_DEPENDENT ? competitor->run_dependent : competitor->run_call;
        if (layout->ram_count > competitor->sensible || !listed(competitor->name, only))
            continue;
        if (fixture->competitors[i] == NULL)
            fixture->competitors[i] = competitor->build(layout->ram, layout->ram_count);
        if (fixture->competitors[i] == NULL)
            return -ENOMEM;
        if (bench_loop_add(fixture, members, competitor->name, run, fixture->competitors[i], addresses,
                           competitor->exact ? BENCH_CHECK_SUM : BENCH_CHECK_NONE) == NULL)
            break;
    }
    peers_add(fixture, members, shape, addresses);
    return 0;
}

uint64_t bench_free_above(const struct bench_layout *layout, uint64_t bytes)
{
    const uint64_t gib = UINT64_C(1) << 30;
    const struct bench_ram *end = &layout->ram[layout->ram_count - 1];
    uint64_t at = (end->gpa + end->size + gib - 1) & ~(gib - 1);

    for (size_t i = 0; i < layout->count; i++) { /* sorted: one pass is enough */
        const struct bench_range *range = &layout->ranges[i];
        if (range->last >= at && range->first < at + bytes)
            at = (range->last + gib) & ~(gib - 1);
    }
    return at;
}

/* 1 when every address translates to what the oracle says, one by one, as the sums tell. */
static int translates_right(const struct bench_fixture *fixture, const struct bench_addresses *addresses)
{
    const struct gm_view *view = gm_pin(fixture->space.space);
    int right = view != NULL;

    for (size_t at = 0; right && at < addresses->count; at += BENCH_CHUNK) {
        uint64_t sum = 0;
        for (size_t i = 0; i < BENCH_CHUNK; i++)
            sum += (uintptr_t)gm_translate(view, addresses->gpa[at + i], BENCH_ACCESS_LEN, GM_READ);
        right = sum == addresses->sums[at / BENCH_CHUNK];
    }
    if (view != NULL)
        (void)gm_unpin();
    return right;
}

static int addresses_fill(const struct bench_fixture *fixture, const struct bench_options *options,
                          enum bench_stream_kind kind, struct bench_addresses *out)
{
    const struct bench_layout *layout = fixture->layout;
    size_t count = options->addresses;

    out->gpa = bench_stream(layout, kind, count, BENCH_ACCESS_LEN, BENCH_ACCESS_LEN, options->seed);
    out->sums = calloc(count / BENCH_CHUNK, sizeof(*out->sums));
    if (out->gpa == NULL || out->sums == NULL)
        return -ENOMEM;
    out->count = count;
    for (size_t at = 0; at < count; at += BENCH_CHUNK)
        out->sums[at / BENCH_CHUNK] = bench_oracle_sum(layout, out->gpa + at, BENCH_CHUNK, BENCH_ACCESS_LEN);
    return translates_right(fixture, out) ? 0 : -EILSEQ;
}

static void addresses_free(struct bench_addresses *addresses)
{
    free(addresses->gpa);
    free(addresses->sums);
    memset(addresses, 0, sizeof(*addresses));
}

static int addresses_get(struct bench_fixture *fixture, const struct bench_options *options,
                         enum bench_stream_kind kind, struct bench_addresses **out)
{
    int result = 0;

    *out = kind == BENCH_HOT94 ? &fixture->hot : &fixture->uniform;
    if ((*out)->count == 0)
        result = addresses_fill(fixture, options, kind, *out);
    if (result != 0)
        addresses_free(*out);
    return result;
}

static int build(struct bench_fixture *fixture, const struct bench_options *options, char *error,
                 size_t error_size)
{
    const struct bench_input *input = fixture->input;
    int result;

    if (input->kind == BENCH_FILE)
        result = bench_layout_load(input->path, &fixture->layout, error, error_size);
    else if (input->kind == BENCH_EVEN)
        result = bench_layout_uniform(input->regions, 0, options->seed, &fixture->layout);
    else
        result = bench_layout_mixed(options->seed, &fixture->layout);
    if (result == 0)
        result = bench_space_build(fixture->layout, &fixture->space, error, error_size);
    return result;
}

void bench_fixture_free(struct bench_fixture *fixture)
{
    if (fixture == NULL)
        return;
    for (size_t i = 0; i < BENCH_MAX_COMPETITORS; i++)
        if (fixture->competitors[i] != NULL)
            bench_competitors[i].destroy(fixture->competitors[i]);
    for (size_t i = 0; i < BENCH_MAX_PEERS; i++)
        if (fixture->peers[i] != NULL)
            bench_peers()[i].destroy(fixture->peers[i]);
    addresses_free(&fixture->uniform);
    addresses_free(&fixture->hot);
    (void)bench_space_destroy(&fixture->space);
    bench_layout_free(fixture->layout);
    free(fixture);
}

int bench_fixture_get(struct bench_row *row, struct bench_session *session, enum bench_stream_kind kind,
                      struct bench_fixture **out, struct bench_addresses **addresses)
{
    char error[128] = "";
    int result;

    if (session->fixture == NULL || session->fixture->input != row->input) {
        bench_fixture_free(session->fixture);
        session->fixture = calloc(1, sizeof(*session->fixture));
        if (session->fixture == NULL)
            return bench_row_skip(row, "no memory");
        session->fixture->input = row->input;
        bench_progress_note("building", row->input->label);
        result = build(session->fixture, &session->options, error, sizeof(error));
        bench_progress_note(NULL, NULL);
        if (result != 0) {
            bench_fixture_free(session->fixture);
            session->fixture = NULL;
            return bench_row_skip(row, "cannot build %.60s: %.60s", row->input->label,
                                  error[0] != '\0' ? error : strerror(-result));
        }
    }
    *out = session->fixture;
    session->fixture->loop_count = 0;
    result = addresses_get(*out, &session->options, kind, addresses);
    if (result == -EILSEQ) {
        row->wrong = 1;
        snprintf(row->wrong_member, sizeof(row->wrong_member), "gm_translate before timing");
        return 0;
    }
    return result == 0
               ? 0
               : bench_row_skip(row, "no %s addresses: %s", bench_stream_name(kind), strerror(-result));
}
