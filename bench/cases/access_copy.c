/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does it cost to copy 64, 256 and 4096 bytes out of guest memory and into it (M3)? Lengths are known at run time
 * only, as they come from descriptors; accesses are aligned to their length. In tracked rows marks are on, and the
 * pages dirty already; the target is about the copy, and so for the others. The floor is memcpy behind a bounds check
 * and an addition, and tracks nothing. Writes write what lies in the buffer, which nobody touches: a word that was just
 * stored there would make the copy wait, the floor's too, and hide what is asked.
 */
#include "cases.h"

#include <string.h>

#include "../lib/inputset.h"
#include "../lib/touched.h"

#define LAYOUT "layout:q35-64g"
#define LEN_MOST 4096

/* What every member of a row needs. */
struct copier {
    void *self;
    const struct bench_shape_peer *peer;
    size_t len;
    char buf[LEN_MOST] __attribute__((aligned(64)));
};

static struct {
    struct bench_touched touched;
    struct bench_space tracked;
    struct copier ours, floor, peers[BENCH_SHAPE_VERSIONS];
} now; /* of the row in preparation */

static inline uint64_t first_word(const char *buf)
{
    uint64_t word;

    memcpy(&word, buf, sizeof(word));
    return word;
}

static uint64_t read_ours(void *self, const uint64_t *gpa, size_t count)
{
    struct copier *copier = self;
    const struct gm_view *view = gm_pin(copier->self);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = copier->len;
        bench_opaque(len);
        if (gm_guest_read(view, gpa[i], copier->buf, len) == 0)
            sum += first_word(copier->buf);
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t write_ours(void *self, const uint64_t *gpa, size_t count)
{
    struct copier *copier = self;
    const struct gm_view *view = gm_pin(copier->self);
    uint64_t done = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = copier->len;
        bench_opaque(len);
        done += gm_guest_write(view, gpa[i], copier->buf, len) == 0;
    }
    (void)gm_unpin();
    return done;
}

static uint64_t read_floor(void *self, const uint64_t *distance, size_t count)
{
    struct copier *copier = self;
    const struct bench_touched *touched = copier->self;
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = copier->len;
        bench_opaque(len);
        if (__builtin_expect(distance[i] > touched->bytes - len, 0))
            continue;
        memcpy(copier->buf, touched->base + distance[i], len);
        sum += first_word(copier->buf);
    }
    return sum;
}

static uint64_t write_floor(void *self, const uint64_t *distance, size_t count)
{
    struct copier *copier = self;
    const struct bench_touched *touched = copier->self;
    uint64_t done = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = copier->len;
        bench_opaque(len);
        if (__builtin_expect(distance[i] > touched->bytes - len, 0))
            continue;
        memcpy(touched->base + distance[i], copier->buf, len);
        done++;
    }
    return done;
}

static uint64_t run_peer(void *self, const uint64_t *gpa, size_t count)
{
    struct copier *copier = self;

    return copier->peer->run(copier->self, gpa, count, copier->buf);
}

static void peers_add(struct bench_fixture *fixture, struct bench_members *members, const char *shape,
                      enum bench_check check)
{
    const struct bench_layout *layout = fixture->layout;

    for (unsigned i = 0; i < BENCH_SHAPE_VERSIONS; i++) {
        const struct bench_shape_peer *peer = bench_shape_peer(shape, i);
        if (peer == NULL)
            continue;
        now.peers[i] = (struct copier){.self = peer->build(layout->ram, layout->ram_count), .peer = peer};
        if (now.peers[i].self == NULL)
            continue;
        struct bench_member *member =
            bench_loop_add(fixture, members, peer->name, run_peer, &now.peers[i], &now.touched.guest, check);
        if (member != NULL)
            member->peer = 1;
    }
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    int reads = strncmp(row->text, "read", 4) == 0;
    int tracked = strstr(row->text, "/tracked") != NULL;
    enum bench_check check = reads ? BENCH_CHECK_SUM : BENCH_CHECK_COUNT;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    result = bench_touched_build_long(fixture->layout, BENCH_UNIFORM, row->param, session->options.addresses,
                                      session->options.seed, &now.touched);
    if (result != 0)
        return bench_row_skip(row, "no working set: %s", strerror(-result));
    if (tracked && bench_space_build_tracked(fixture->layout, &now.tracked, NULL, 0) != 0)
        return bench_row_skip(row, "no tracked space");
    now.ours = (struct copier){.self = tracked ? now.tracked.space : fixture->space.space, .len = row->param};
    now.floor = (struct copier){.self = &now.touched, .len = row->param};
    bench_loop_add(fixture, members, BENCH_OURS, reads ? read_ours : write_ours, &now.ours, &now.touched.guest, check);
    bench_loop_add(fixture, members, BENCH_FLOOR, reads ? read_floor : write_floor, &now.floor, &now.touched.flat,
                   check);
    peers_add(fixture, members, row->text, check);
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    for (unsigned i = 0; i < BENCH_SHAPE_VERSIONS; i++)
        if (now.peers[i].self != NULL)
            now.peers[i].peer->destroy(now.peers[i].self);
    bench_touched_free(&now.touched);
    (void)bench_space_destroy(&now.tracked);
    memset(&now, 0, sizeof(now));
}

static void add_row(struct bench_session *session, const char *shape, size_t len, double limit,
                    const struct bench_input *input)
{
    struct bench_row *row = bench_row_add(session, "M3", "ns", "access/copy/%s/%s", shape, input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->input = input;
    row->param = len;
    row->text = shape;
    row->planned = 2 + BENCH_SHAPE_VERSIONS;
    if (limit != 0) {
        row->rule = BENCH_TIMES_FLOOR;
        row->limit = limit;
    }
}

void bench_case_access_copy(struct bench_session *session)
{
    static const struct {
        const char *shape;
        size_t len;
        double limit;
    } copies[] = {{"read/64", 64, 1.5},
                  {"read/256", 256, 1.2},
                  {"read/4096", 4096, 1.05},
                  {"write/64/untracked", 64, 1.5},
                  {"write/256/untracked", 256, 1.2},
                  {"write/4096/untracked", 4096, 1.05},
                  {"write/64/tracked", 64, 0},
                  {"write/256/tracked", 256, 0},
                  {"write/4096/tracked", 4096, 0}};

    for (size_t i = 0; i < sizeof(copies) / sizeof(copies[0]); i++)
        for (size_t j = 0; j < session->input_count; j++) {
            const struct bench_input *input = &session->inputs[j];
            if (strcmp(input->label, LAYOUT) == 0 || (input->kind == BENCH_EVEN && input->regions == 8))
                add_row(session, copies[i].shape, copies[i].len, copies[i].limit, input);
        }
}
