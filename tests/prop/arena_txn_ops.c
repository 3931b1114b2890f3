/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Random transactions of random edits against the oracle of arenas: each answer is the one that the same call without a
 * transaction has to give, what is committed is what the oracle has, what is rolled back is what it had. A twin hears
 * what is committed, without transactions, and has to give the same handles. Ranges are deferred and reclaimed, too.
 *
 *   usage: arena_txn_ops [seed [edits]]
 *   GM_TEST_SCALE   per cent of 2 million edits (default 100)
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alloc/order/check.h"
#include "guestmem/arena_defer.h"
#include "guestmem/arena_txn.h"
#include "lib/arena_model_world.h"
#include "lib/rand.h"

#define DEFAULT_SEED UINT64_C(20261120)
#define DEFAULT_COUNT UINT64_C(2000000)
#define RUN_BYTES 20000
#define EDITS_MOST 60

enum { WITH_TREE = 900, QUEUE = GMT_ARENA_RANGES };

/* What a rollback brings back; ranges of the model that are deferred, by index, and in their order. */
struct state {
    struct gmt_arena_model model;
    bool late[GMT_ARENA_RANGES];
    unsigned queue[QUEUE], queued;
};

static struct state now, saved;
static struct gmt_arena_world world = {.model = &now.model};
static struct gm_arena_txn *txn;
static bool commits; /* the transaction that goes on: the twin hears of it */
static uint64_t edits, committed, rolled_back, kinds[8];

static void differ(const char *what, int got, int want)
{
    gmt_arena_fail(&world, "%s: %d, expected %d", what, got, want);
}

static void add(const struct gmt_range *range)
{
    now.late[gmt_arena_model_add(&now.model, range)] = false;
}

/* A range that was not deferred, or one that was: then every edit of it is -ESTALE. */
static int draw_live(unsigned *index)
{
    *index = gmt_draw_range(&world);
    return now.late[*index] ? -ESTALE : 0;
}

static void edit_take(void)
{
    struct gm_request request = gmt_draw_request(&world);
    struct gm_range_info info = {.first = 77}, other;
    uint64_t first = 0;
    int want = gmt_expect_take(&now.model, &request, &first);
    int got = gm_arena_txn_take(txn, world.arena, &request, &info);
    bool placed = request.place == GM_PLACE_RANDOM ? gmt_expect_random(&now.model, &request, info.first)
                                                   : info.first == first;
    if (got != want || (got == 0 && !placed) || (got != 0 && info.first != 77))
        gmt_arena_fail_request(&world, &request, "take: %d at %#llx, expected %d at %#llx", got,
                               (unsigned long long)info.first, want, (unsigned long long)first);
    if (commits && (gm_arena_take(world.twin, &request, &other) != got || (got == 0 && other.range != info.range)))
        gmt_arena_fail_request(&world, &request, "take: the twin differs");
    if (got != 0)
        return;
    add(&(struct gmt_range){.first = info.first, .last = info.last, .before = request.guard_before,
                            .after = request.guard_after, .user = info.user, .owner = info.owner,
                            .handle = info.range});
    if (request.place == GM_PLACE_NEXT) {
        now.model.has_cursor = true;
        now.model.cursor = info.last;
    }
}

static void edit_reserve(void)
{
    uint64_t granule = now.model.granule, first = gmt_draw_number(&world);
    first -= gmt_once_in(world.stream, 8) ? 0 : first % granule;
    uint64_t last = first + gmt_draw_granules(&world) - 1;
    struct gmt_range range = {.first = first, .last = last, .owner = 9, .user = edits};
    gm_range other = 0;
    int want = gmt_expect_reserve(&now.model, first, last);
    int got = gm_arena_txn_reserve(txn, world.arena, first, last, range.owner, range.user, &range.handle);
    if (got != want)
        differ("reserve", got, want);
    if (commits && (gm_arena_reserve(world.twin, first, last, 9, edits, &other) != got || other != range.handle))
        differ("reserve of the twin", got, want);
    if (got == 0)
        add(&range);
}

static void edit_give(bool late)
{
    unsigned index;
    int want = draw_live(&index);
    gm_range handle = now.model.ranges[index].handle;
    int got = late ? gm_arena_txn_defer(txn, world.arena, handle) : gm_arena_txn_give(txn, world.arena, handle);
    int twin = !commits ? want : late ? gm_arena_defer(world.twin, handle) : gm_arena_give(world.twin, handle);
    if (got != want || twin != want)
        differ(late ? "defer" : "give", got, want);
    if (got != 0)
        return;
    if (late)
        now.queue[now.queued++] = index;
    else
        gmt_arena_model_remove(&now.model, index);
    now.late[index] = late;
}

static void edit_move(bool resize)
{
    unsigned index;
    int want = draw_live(&index);
    const struct gmt_range range = now.model.ranges[index];
    uint64_t to = gmt_draw_number(&world), granule = now.model.granule;
    if (gmt_once_in(world.stream, 2))
        to = (resize ? range.last : range.first) + gmt_draw_granules(&world);
    else if (!gmt_once_in(world.stream, 8))
        to = resize ? to | (granule - 1) : to - to % granule;
    if (want == 0)
        want = resize ? gmt_expect_resize(&now.model, index, to) : gmt_expect_relocate(&now.model, index, to);
    int got = resize ? gm_arena_txn_resize(txn, world.arena, range.handle, to)
                     : gm_arena_txn_relocate(txn, world.arena, range.handle, to);
    int twin = !commits ? want : resize ? gm_arena_resize(world.twin, range.handle, to)
                                        : gm_arena_relocate(world.twin, range.handle, to);
    if (got != want || twin != want)
        differ(resize ? "resize" : "relocate", got, want);
    if (got == 0)
        gmt_arena_model_move(&now.model, index, resize ? range.first : to,
                             resize ? to : to + (range.last - range.first));
}

static void edit_update(void)
{
    unsigned index;
    int want = draw_live(&index);
    struct gmt_range *range = &now.model.ranges[index];
    uint32_t owner = (uint32_t)gmt_pick(world.stream, 3);
    uint64_t user = gmt_once_in(world.stream, 4) ? 0 : edits;
    int got = gm_arena_txn_update(txn, world.arena, range->handle, owner, user);
    int twin = commits ? gm_arena_update(world.twin, range->handle, owner, user) : want;
    if (got != want || twin != want)
        differ("update", got, want);
    if (got == 0) {
        range->owner = owner;
        range->user = user;
    }
}

static void edit(void)
{
    uint64_t kind = now.model.live == 0 ? 0 : gmt_pick(world.stream, 8);
    if (kind > 1 && kind < 4 && now.model.live < world.target)
        kind = 0;
    if (kind < 2 && now.model.live >= WITH_TREE)
        kind = 2;
    kinds[kind]++;
    edits++;
    switch (kind) {
    case 0: edit_take(); break;
    case 1: edit_reserve(); break;
    case 2: edit_give(false); break;
    case 3: edit_give(true); break;
    case 4: edit_move(true); break;
    case 5: edit_move(false); break;
    default: edit_update(); break;
    }
}

/* All there is, and in order; flags too. */
static void compare(const struct gm_arena *arena, const char *name)
{
    struct gm_range_info info;
    uint64_t from = 0;
    for (unsigned i = 0; i < now.model.count && !world.report->failed; i++) {
        struct gm_range_info right = gmt_arena_model_info(&now.model, i);
        right.flags |= now.late[now.model.pieces[i].range] ? GM_RANGE_DEFERRED : 0;
        if (gm_arena_next(arena, from, &info) != 0 || !gmt_same_info(&info, &right))
            gmt_arena_fail(&world, "%s: range %u is %#llx..%#llx, expected %#llx..%#llx", name, i,
                           (unsigned long long)info.first, (unsigned long long)info.last,
                           (unsigned long long)right.first, (unsigned long long)right.last);
        from = info.last + 1;
    }
    const char *wrong = gm_arena_check(arena);
    if (wrong != NULL)
        gmt_arena_fail(&world, "%s: %s", name, wrong);
}

static void reclaim(void)
{
    uint64_t count = 77, twin = 77;
    if (gm_arena_reclaim(world.arena, &count) != 0 || gm_arena_reclaim(world.twin, &twin) != 0 ||
        count != now.queued || twin != now.queued)
        gmt_arena_fail(&world, "reclaimed %u and %u of %u", (unsigned)count, (unsigned)twin, now.queued);
    for (unsigned i = 0; i < now.queued; i++) {
        gmt_arena_model_remove(&now.model, now.queue[i]);
        now.late[now.queue[i]] = false;
    }
    now.queued = 0;
}

static void transaction(void)
{
    uint64_t count = gmt_pick(world.stream, EDITS_MOST);
    commits = gmt_once_in(world.stream, 2);
    if (!commits)
        saved = now;
    if (gm_arena_txn_begin(&world.arena, 1, &txn) != 0) {
        gmt_arena_fail(&world, "begin");
        return;
    }
    for (uint64_t i = 0; i < count && !world.report->failed; i++)
        edit();
    int result = commits ? gm_arena_txn_commit(txn) : gm_arena_txn_rollback(txn);
    gm_arena_txn_free(txn);
    if (!commits)
        now = saved;
    (*(commits ? &committed : &rolled_back))++;
    if (result != 0)
        differ(commits ? "commit" : "rollback", result, 0);
    compare(world.arena, "arena");
    compare(world.twin, "twin");
    if (gmt_once_in(world.stream, 4))
        reclaim();
    if (gmt_once_in(world.stream, 8))
        gmt_draw_target(&world);
}

static bool play(uint64_t seed, uint64_t run, uint8_t *bytes)
{
    struct gmt_arena_report report = {.failed = false};
    struct gm_arena_config config;
    uint64_t random = gmt_mix(seed ^ gmt_mix(run));
    gmt_rand_fill(&random, bytes, RUN_BYTES);
    struct gmt_stream stream = {bytes, RUN_BYTES, 0};
    world.stream = &stream;
    world.report = &report;
    world.profile = (unsigned)(run % GMT_ARENA_PROFILES);
    report.profile = gmt_arena_profiles[world.profile];
    memset(&now, 0, sizeof(now));
    gmt_draw_config(&world, &config);
    config.flags |= GM_ARENA_DEFER;
    config.seed = random | 1; /* so that both have the same handles */
    gmt_arena_model_init(&now.model, &config);
    if (gm_arena_create(&config, &world.arena) != 0 || gm_arena_create(&config, &world.twin) != 0)
        return false;
    gmt_draw_kinds(&world);
    gmt_draw_target(&world);
    while (!gmt_stream_done(&stream) && !report.failed)
        transaction();
    if ((gm_arena_destroy(world.arena) | gm_arena_destroy(world.twin)) != 0)
        gmt_arena_fail(&world, "destroy");
    if (report.failed)
        fprintf(stderr, "FAILED: seed %" PRIu64 " run %" PRIu64 " (%s)\n  %s\n", seed, run, report.profile,
                report.message);
    return !report.failed;
}

int main(int argc, char **argv)
{
    static uint8_t bytes[RUN_BYTES];
    const char *scale = getenv("GM_TEST_SCALE");
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 0) : DEFAULT_SEED;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 0)
                              : DEFAULT_COUNT * (scale != NULL ? strtoull(scale, NULL, 0) : 100) / 100;
    bool good = true;
    for (uint64_t run = 0; good && edits < count; run++)
        good = play(seed, run, bytes);
    printf("seed %" PRIu64 ": %" PRIu64 " edits, %" PRIu64 " transactions committed, %" PRIu64 " rolled back\n", seed,
           edits, committed, rolled_back);
    for (unsigned i = 0; i < 7; i++)
        good = good && (count < 1000 || kinds[i] > count / 100);
    return good && committed > 0 && rolled_back > 0 ? 0 : 1;
}
