/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost to free whatever holds an address, when nobody remembers where it begins (A5)? N ranges; any one is
 * freed by an address in its midst, and put back at its place. Allocators that only know what they have handed out by
 * its first address look at all of it, as crosvm's does. There is no floor: half of it is an allocation like others.
 */
#include "cases.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alloc.h"

#define ORDER ((size_t)1 << 16)
#define BASE (UINT64_C(64) << 30)
#define PERIOD (16 * BENCH_PAGE)
#define SIZE (12 * BENCH_PAGE)
#define TARGET_NS 900 /* that of churn, at a million */
#define QUICK 10000
#define LIVE 50000 /* with more, looking at all of it is too slow */

typedef int give_at(void *self, uint64_t address);

struct releaser {
    const struct bench_arena *arena;
    give_at *give;
    void *self;
    uint64_t *order; /* first addresses, gone through again and again */
    size_t at;
};

struct releasers {
    struct releaser list[2];
    uint64_t *order;
};

static const size_t sizes[] = {100, 1000, 10000, 50000, 1000000};

static int ours_give_at(void *self, uint64_t address)
{
    return gm_arena_give_at(bench_arena_in_ours(self), address);
}

static void run(struct bench_run *run)
{
    struct releaser *releaser = run->fixture;
    int wrong = 0;

    for (uint64_t left = run->iters; left > 0; left--) {
        uint64_t first = releaser->order[releaser->at++ % ORDER], address = 0;
        const struct bench_request back = bench_request_fixed(first, SIZE);
        wrong |= releaser->give(releaser->self, first + SIZE / 2) != 0;
        wrong |= releaser->arena->alloc(releaser->self, &back, &address) != 0 || address != first;
    }
    run->wrong |= wrong;
}

static int fill(struct releaser *releaser, size_t n)
{
    struct bench_extent *placed = calloc(n, sizeof(*placed));
    int result;

    releaser->self = releaser->arena->create(BASE, n * PERIOD);
    for (size_t i = 0; i < n && placed != NULL; i++)
        placed[i] = (struct bench_extent){BASE + i * PERIOD, SIZE};
    result = placed != NULL && releaser->self != NULL ? releaser->arena->place(releaser->self, placed, n) : -ENOMEM;
    free(placed);
    return result;
}

static int add(struct releasers *releasers, unsigned at, struct bench_members *members, size_t n)
{
    struct releaser *releaser = &releasers->list[at];

    *releaser = (struct releaser){.arena = &bench_arena_crosvm, .give = bench_crosvm_free_holding};
    if (at == 0)
        *releaser = (struct releaser){.arena = bench_arena_ours(), .give = ours_give_at};
    releaser->order = releasers->order;
    (void)bench_member_add(members, at == 0 ? BENCH_OURS : releaser->arena->name, run, releaser, 1);
    return fill(releaser, n);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    struct bench_rng rng = {session->options.seed};
    struct releasers *releasers;
    size_t n = row->param;
    int result = 0;

    if (row->skipped[0] != '\0')
        return 1;
    row->priv = releasers = calloc(1, sizeof(*releasers));
    if (releasers != NULL)
        releasers->order = calloc(ORDER, sizeof(*releasers->order));
    if (releasers == NULL || releasers->order == NULL)
        return bench_row_skip(row, "no memory");
    for (size_t i = 0; i < ORDER; i++)
        releasers->order[i] = BASE + bench_random_below(&rng, n) * PERIOD;
    if (bench_arena_ours() != NULL)
        result = add(releasers, 0, members, n);
    if (result == 0 && n <= LIVE)
        result = add(releasers, 1, members, n);
    return result == 0 ? 0 : bench_row_skip(row, "cannot fill the arenas: %s", strerror(-result));
}

static void release(struct bench_row *row)
{
    struct releasers *releasers = row->priv;

    for (unsigned i = 0; i < 2 && releasers != NULL; i++)
        if (releasers->list[i].self != NULL)
            releasers->list[i].arena->destroy(releasers->list[i].self);
    if (releasers != NULL)
        free(releasers->order);
    free(releasers);
    row->priv = NULL;
}

void bench_case_alloc_release(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct bench_row *row = bench_row_add(session, "A5", "ns", "allocate/free-holding/ranges:%zu", sizes[i]);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = sizes[i];
        row->planned = 2;
        row->rule = BENCH_AT_MOST;
        row->limit = TARGET_NS;
        row->no_ours = bench_arena_ours() == NULL ? BENCH_NO_ARENA : NULL;
        if (sizes[i] == QUICK || strcmp(session->effort->name, "quick") != 0)
            continue;
        (void)bench_row_skip(row, "--quick has it for %d ranges", QUICK);
        row->planned = 0;
    }
}
