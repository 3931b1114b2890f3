/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * vm-memory's own benchmark, as far as it is about memory and not about files: 8 regions of 2 GiB that are neighbours
 * in the guest and apart in the host, and one access over and over, within the first region, across the first two,
 * across the last two, and within the last (M3). Slices have 512 bytes, objects 8 and 96. Nothing is tracked, as there.
 * Rows have the names that they have there. The floor is memcpy behind a bounds check and an addition, of one piece
 * also where the guest has two.
 */
#include "cases.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../lib/peers.h"

#define REGIONS 8
#define SIZE (UINT64_C(2) << 30)
#define SLICE 512
#define COUNT 4096 /* accesses of one call */
#define HOST (SIZE + (UINT64_C(2) << 20)) /* [bytes] from one region's memory to the next one's */

static const struct place {
    const char *name;
    uint64_t gpa;
    int cross; /* the middle of the access is there, else its beginning */
} places[] = {
    {"region_0", 0, 0},
    {"cross_0_1", SIZE, 1},
    {"cross_6_7", 7 * SIZE, 1},
    {"region_7", 7 * SIZE, 0},
};

enum what { ENTIRE_SLICE, SLICE_OF, SMALL_OBJECT, BIG_OBJECT };

struct shape;

struct object {
    uint64_t word[12];
};

static struct {
    char *host;
    struct gm_space *space;
    struct gm_backing *backing;
    struct bench_ram ram[REGIONS];
    const struct shape *shape;
    const struct bench_shape_peer *peer[BENCH_SHAPE_VERSIONS];
    void *self[BENCH_SHAPE_VERSIONS];
    uint64_t gpa[COUNT];
    char buf[SLICE] __attribute__((aligned(64)));
} now; /* of the row in preparation */

static inline int read_one(const struct gm_view *view, uint64_t gpa, size_t len, enum what what)
{
    struct object object;
    size_t done = 0;
    int error;

    switch (what) {
    case ENTIRE_SLICE: return gm_guest_read(view, gpa, now.buf, len);
    case SLICE_OF:
        error = gm_guest_read_some(view, gpa, now.buf, len, &done);
        return error != 0 ? error : done != len;
    case SMALL_OBJECT:
        error = gm_guest_read_object(view, gpa, &object.word[0]);
        bench_keep(object.word[0]);
        return error;
    default:
        error = gm_guest_read_object(view, gpa, &object);
        bench_keep(&object);
        return error;
    }
}

static inline int write_one(const struct gm_view *view, uint64_t gpa, size_t len, enum what what)
{
    struct object object;
    size_t done = 0;
    int error;

    switch (what) {
    case ENTIRE_SLICE: return gm_guest_write(view, gpa, now.buf, len);
    case SLICE_OF:
        error = gm_guest_write_some(view, gpa, now.buf, len, &done);
        return error != 0 ? error : done != len;
    case SMALL_OBJECT: return gm_guest_write_object(view, gpa, &gpa);
    default:
        for (size_t i = 0; i < 12; i++)
            object.word[i] = gpa;
        bench_keep(&object);
        return gm_guest_write_object(view, gpa, &object);
    }
}

/* A loop for each shape, so that none has a switch in it. */
#define LOOP(name, one, what)                                                                                          \
    static uint64_t name(const struct gm_view *view)                                                                   \
    {                                                                                                                  \
        uint64_t done = 0;                                                                                             \
        for (size_t i = 0; i < COUNT; i++) {                                                                           \
            size_t len = SLICE;                                                                                        \
            bench_opaque(len);                                                                                         \
            done += one(view, now.gpa[i], len, what) == 0;                                                             \
        }                                                                                                              \
        return done;                                                                                                   \
    }

LOOP(read_entire_slice, read_one, ENTIRE_SLICE)
LOOP(read_slice, read_one, SLICE_OF)
LOOP(read_small_object, read_one, SMALL_OBJECT)
LOOP(read_big_object, read_one, BIG_OBJECT)
LOOP(write_entire_slice, write_one, ENTIRE_SLICE)
LOOP(write_slice, write_one, SLICE_OF)
LOOP(write_small_object, write_one, SMALL_OBJECT)
LOOP(write_big_object, write_one, BIG_OBJECT)

static const struct shape {
    const char *name; /* as peers have it */
    uint64_t (*ours)(const struct gm_view *view);
    int reads;
    size_t len;
} shapes[] = {
    {"read_entire_slice_from", read_entire_slice, 1, SLICE},  {"read_slice_from", read_slice, 1, SLICE},
    {"read_small_obj_from", read_small_object, 1, 8},         {"read_big_obj_from", read_big_object, 1, 96},
    {"write_entire_slice_to", write_entire_slice, 0, SLICE},  {"write_slice_to", write_slice, 0, SLICE},
    {"write_small_obj_to", write_small_object, 0, 8},         {"write_big_obj_to", write_big_object, 0, 96},
};

static void ours_body(struct bench_run *run)
{
    const struct gm_view *view = gm_pin(now.space);

    for (uint64_t left = run->iters; left >= COUNT; left -= COUNT)
        run->wrong |= now.shape->ours(view) != COUNT;
    (void)gm_unpin();
}

/* One bounds check, one addition, one copy; objects are copied by a length that is known. */
static inline void floor_one(const struct shape *shape, uint64_t gpa, size_t len)
{
    char *place = now.host + (gpa & (SIZE / 2 - 1));

    if (__builtin_expect(gpa > REGIONS * SIZE - len, 0))
        return;
    if (shape->reads)
        memcpy(now.buf, place, len);
    else
        memcpy(place, now.buf, len);
    bench_keep(now.buf);
}

static void floor_body(struct bench_run *run)
{
    const struct shape shape = *now.shape;

    for (uint64_t i = 0; i < run->iters; i++) {
        size_t len = SLICE;
        bench_opaque(len);
        if (shape.len == 8)
            floor_one(&shape, now.gpa[i % COUNT], 8);
        else if (shape.len == 96)
            floor_one(&shape, now.gpa[i % COUNT], 96);
        else
            floor_one(&shape, now.gpa[i % COUNT], len);
    }
}

static void peer_body(struct bench_run *run)
{
    unsigned version = (unsigned)(uintptr_t)run->fixture;
    uint64_t want = now.shape->reads ? 0 : COUNT; /* all that is read is zero, before any write */

    for (uint64_t left = run->iters; left >= COUNT; left -= COUNT) {
        uint64_t got = now.peer[version]->run(now.self[version], now.gpa, COUNT, now.buf);
        run->wrong |= !now.shape->reads && got != want;
    }
}

static int build_space(void)
{
    struct gm_txn *txn;
    int result = gm_space_create(NULL, &now.space);

    if (result == 0)
        result = gm_backing_wrap(now.host, REGIONS * HOST, NULL, NULL, &now.backing);
    if (result == 0)
        result = gm_txn_begin(now.space, &txn);
    if (result != 0)
        return result;
    for (unsigned i = 0; i < REGIONS && result == 0; i++) {
        const struct gm_region_desc desc = {
            .gpa = i * SIZE, .size = SIZE, .backing = now.backing, .offset = i * HOST};
        now.ram[i] = (struct bench_ram){i * SIZE, SIZE, (uintptr_t)now.host + i * HOST};
        result = gm_txn_add(txn, &desc);
    }
    return result != 0 ? result : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    const struct place *place = &places[row->param % 4];

    (void)session;
    now.shape = &shapes[row->param / 4];
    for (size_t i = 0; i < COUNT; i++)
        now.gpa[i] = place->gpa - (place->cross ? now.shape->len / 2 : 0);
    now.host = mmap(NULL, REGIONS * HOST, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (now.host == MAP_FAILED)
        return bench_row_skip(row, "no address space");
    if (build_space() != 0)
        return bench_row_skip(row, "no memory");
    bench_member_add(members, BENCH_OURS, ours_body, NULL, COUNT);
    bench_member_add(members, BENCH_FLOOR, floor_body, NULL, COUNT);
    for (unsigned i = 0; i < BENCH_SHAPE_VERSIONS; i++) {
        now.peer[i] = bench_shape_peer(now.shape->name, i);
        now.self[i] = now.peer[i] != NULL ? now.peer[i]->build(now.ram, REGIONS) : NULL;
        if (now.self[i] == NULL)
            continue;
        struct bench_member *member =
            bench_member_add(members, now.peer[i]->name, peer_body, (void *)(uintptr_t)i, COUNT);
        if (member != NULL)
            member->peer = 1;
    }
    return 0;
}

static void release(struct bench_row *row)
{
    (void)row;
    for (unsigned i = 0; i < BENCH_SHAPE_VERSIONS; i++)
        if (now.self[i] != NULL)
            now.peer[i]->destroy(now.self[i]);
    (void)gm_space_destroy(now.space);
    gm_backing_put(now.backing);
    if (now.host != NULL && now.host != MAP_FAILED)
        munmap(now.host, REGIONS * HOST);
    memset(&now, 0, sizeof(now));
}

void bench_case_access_shapes(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]) * 4; i++) {
        struct bench_row *row =
            bench_row_add(session, "M3", "ns", "access/vm-memory/%s/%s", shapes[i / 4].name, places[i % 4].name);
        if (row == NULL)
            continue;
        row->prepare = prepare;
        row->release = release;
        row->param = i;
        row->planned = 2 + BENCH_SHAPE_VERSIONS;
    }
}
