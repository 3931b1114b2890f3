/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost to read or write eight bytes of guest memory on a view that stays pinned (M1)? Rights are checked.
 * In tracked rows a dirty bitmap is on, and its pages are dirty already; in the others there is none. All loops have
 * the accesses inlined, in the peers' language too. The floor goes to the same bytes by a bounds check and an addition,
 * and tracks nothing: its addresses are distances from the start of all memory.
 */
#include "cases.h"

#include <string.h>

#include "../lib/inputset.h"
#include "../lib/touched.h"

#define LAYOUT "layout:q35-64g"
#define MOST_PEERS 8
#define TRACKED 256 /* beside the kind of stream */

enum direction { READ, WRITE };

struct access_peer {
    const struct bench_access_peer *peer;
    void *self;
};

static struct {
    struct bench_touched touched;
    struct bench_space tracked;
    struct access_peer peers[MOST_PEERS];
    size_t peer_count;
    enum direction direction;
} now; /* of the row in preparation */

static uint64_t read_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        if (gm_guest_read_u64(view, gpa[i], &value) == 0)
            sum += value;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t write_ours(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(self);
    uint64_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (gm_guest_write_u64(view, gpa[i], gpa[i]) == 0)
            done++;
    }
    (void)gm_unpin();
    return done;
}

static uint64_t read_floor(void *self, const uint64_t *distance, size_t count)
{
    const struct bench_touched *touched = self;
    const uint64_t last = touched->bytes - sizeof(uint64_t);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        if (__builtin_expect(distance[i] <= last, 1))
            sum += __atomic_load_n((const uint64_t *)(const void *)(touched->base + distance[i]), __ATOMIC_RELAXED);
    return sum;
}

/* What it writes is of no use to others, so a repetition of theirs writes everything anew. */
static uint64_t write_floor(void *self, const uint64_t *distance, size_t count)
{
    const struct bench_touched *touched = self;
    const uint64_t last = touched->bytes - sizeof(uint64_t);
    uint64_t done = 0;

    for (size_t i = 0; i < count; i++) {
        if (__builtin_expect(distance[i] > last, 0))
            continue;
        __atomic_store_n((uint64_t *)(void *)(touched->base + distance[i]), distance[i], __ATOMIC_RELAXED);
        done++;
    }
    return done;
}

static bench_loop_run *run_of(const struct bench_access_peer *peer, enum direction direction)
{
    return direction == READ ? peer->run_read : peer->run_write;
}

static void peers_add(struct bench_fixture *fixture, struct bench_members *members, int tracked, enum bench_check check)
{
    const struct bench_layout *layout = fixture->layout;
    const struct bench_access_peer *peer = tracked ? bench_access_peers_tracked() : bench_access_peers();

    for (; peer->name != NULL; peer++) {
        bench_loop_run *run = run_of(peer, now.direction);
        void *self = run != NULL && now.peer_count < MOST_PEERS ? peer->build(layout->ram, layout->ram_count) : NULL;
        if (self == NULL)
            continue;
        now.peers[now.peer_count++] = (struct access_peer){peer, self};
        struct bench_member *member =
            bench_loop_add(fixture, members, peer->name, run, self, &now.touched.guest, check);
        if (member != NULL)
            member->peer = 1;
    }
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    enum bench_check check = strcmp(row->text, "read") == 0 ? BENCH_CHECK_SUM : BENCH_CHECK_COUNT;
    enum bench_stream_kind kind = (enum bench_stream_kind)(row->param & ~(uint64_t)TRACKED);
    int tracked = (row->param & TRACKED) != 0;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, kind, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    result =
        bench_touched_build(fixture->layout, kind, session->options.addresses, session->options.seed, &now.touched);
    if (result != 0)
        return bench_row_skip(row, "no working set: %s", strerror(-result));
    if (tracked && bench_space_build_tracked(fixture->layout, &now.tracked, NULL, 0) != 0)
        return bench_row_skip(row, "no tracked space");
    now.direction = check == BENCH_CHECK_SUM ? READ : WRITE;
    bench_loop_add(fixture, members, BENCH_OURS, now.direction == READ ? read_ours : write_ours,
                   tracked ? now.tracked.space : fixture->space.space, &now.touched.guest, check);
    bench_loop_add(fixture, members, BENCH_FLOOR, now.direction == READ ? read_floor : write_floor, &now.touched,
                   &now.touched.flat, check);
    peers_add(fixture, members, tracked, check);
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    for (size_t i = 0; i < now.peer_count; i++)
        now.peers[i].peer->destroy(now.peers[i].self);
    bench_touched_free(&now.touched);
    (void)bench_space_destroy(&now.tracked);
    memset(&now, 0, sizeof(now));
}

static void add_row(struct bench_session *session, const char *what, enum bench_stream_kind kind, uint64_t tracked,
                    const struct bench_input *input)
{
    struct bench_row *row = bench_row_add(session, "M1", "ns", "access/u64/%s/%s/%s/%s", what, bench_stream_name(kind),
                                          tracked ? "tracked" : "untracked", input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->input = input;
    row->param = kind | tracked;
    row->text = what;
    row->planned = 2 + 6;
    if (tracked) { /* the target is about accesses which track */
        row->rule = BENCH_AT_MOST;
        row->limit = 2.5;
    }
}

static int wanted(const struct bench_input *input)
{
    if (input->kind == BENCH_FILE)
        return strcmp(input->label, LAYOUT) == 0;
    return input->kind == BENCH_EVEN &&
           (input->regions == 1 || input->regions == 8 || input->regions == 64 || input->regions == 512);
}

void bench_case_access(struct bench_session *session)
{
    static const char *const directions[] = {"read", "write"};

    for (size_t i = 0; i < sizeof(directions) / sizeof(directions[0]); i++)
        for (size_t j = 0; j < session->input_count; j++) {
            if (!wanted(&session->inputs[j]))
                continue;
            add_row(session, directions[i], BENCH_UNIFORM, 0, &session->inputs[j]);
            add_row(session, directions[i], BENCH_HOT94, 0, &session->inputs[j]);
            add_row(session, directions[i], BENCH_UNIFORM, TRACKED, &session->inputs[j]);
            add_row(session, directions[i], BENCH_HOT94, TRACKED, &session->inputs[j]);
        }
}
