/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What does an atomic operation on guest memory cost, of 8 to 64 bits (M2)? Marks are on, and the pages dirty already.
 * The floor is the same operation of the processor behind a bounds check and an addition, and tracks nothing. Loads
 * acquire, stores release, the others do both. Peers have loads and stores only.
 */
#include "cases.h"

#include <stdio.h>
#include <string.h>

#include "../lib/inputset.h"
#include "../lib/touched.h"

#define LAYOUT "layout:q35-64g"

struct worker {
    void *self;
    const struct bench_shape_peer *peer;
};

static struct {
    struct bench_touched touched;
    struct bench_space tracked;
    struct worker peers[BENCH_SHAPE_VERSIONS];
} now; /* of the row in preparation */

/* One loop of ours: `call` does the operation at gpa[i] and says how much it adds to the sum. */
#define OURS(name, bits, call)                                                                                         \
    static uint64_t ours_##name##bits(void *self, const uint64_t *gpa, size_t count)                                   \
    {                                                                                                                  \
        const struct gm_view *view = gm_pin(self);                                                                     \
        uint64_t sum = 0;                                                                                              \
        uint##bits##_t old = 0, zero = 0;                                                                              \
        for (size_t i = 0; i < count; i++) {                                                                           \
            bench_opaque(zero);                                                                                        \
            if (call == 0)                                                                                             \
                ADD_##name(sum, old);                                                                                  \
        }                                                                                                              \
        bench_keep(old);                                                                                               \
        (void)gm_unpin();                                                                                              \
        return sum;                                                                                                    \
    }

#define FLOOR(name, bits, operation)                                                                                   \
    static uint64_t floor_##name##bits(void *self, const uint64_t *gpa, size_t count)                                  \
    {                                                                                                                  \
        const struct bench_touched *touched = self;                                                                    \
        const uint64_t last = touched->bytes - sizeof(uint64_t);                                                       \
        uint64_t sum = 0;                                                                                              \
        uint##bits##_t old = 0, zero = 0;                                                                              \
        for (size_t i = 0; i < count; i++) {                                                                           \
            bench_opaque(zero);                                                                                        \
            if (__builtin_expect(gpa[i] > last, 0))                                                                    \
                continue;                                                                                              \
            uint##bits##_t *place = (uint##bits##_t *)(void *)(touched->base + gpa[i]);                                \
            operation;                                                                                                 \
            ADD_##name(sum, old);                                                                                      \
        }                                                                                                              \
        bench_keep(old);                                                                                               \
        return sum;                                                                                                    \
    }

#define ADD_load(sum, old) (sum) += (old)
#define ADD_store(sum, old) (sum) += 1
#define ADD_exchange ADD_store
#define ADD_compare ADD_store
#define ADD_or ADD_store

#define OPERATIONS(bits)                                                                                               \
    OURS(load, bits, gm_guest_load_u##bits(view, gpa[i], GM_ACQUIRE, &old))                                            \
    FLOOR(load, bits, old = __atomic_load_n(place, __ATOMIC_ACQUIRE))                                                  \
    OURS(store, bits, gm_guest_store_u##bits(view, gpa[i], GM_RELEASE, (uint##bits##_t)gpa[i]))                        \
    FLOOR(store, bits, __atomic_store_n(place, (uint##bits##_t)gpa[i], __ATOMIC_RELEASE))                              \
    OURS(exchange, bits, gm_guest_exchange_u##bits(view, gpa[i], GM_ACQ_REL, zero, &old))                              \
    FLOOR(exchange, bits, old = __atomic_exchange_n(place, zero, __ATOMIC_ACQ_REL))                                    \
    OURS(compare, bits, gm_guest_compare_exchange_u##bits(view, gpa[i], GM_ACQ_REL, zero, zero, &old))                 \
    FLOOR(compare, bits, old = zero; (void)__atomic_compare_exchange_n(place, &old, zero, 0, __ATOMIC_ACQ_REL,         \
                                                                       __ATOMIC_ACQUIRE))                              \
    OURS(or, bits, gm_guest_fetch_or_u##bits(view, gpa[i], GM_ACQ_REL, zero, NULL))                                    \
    FLOOR(or, bits, (void)__atomic_fetch_or(place, zero, __ATOMIC_ACQ_REL))

OPERATIONS(8)
OPERATIONS(16)
OPERATIONS(32)
OPERATIONS(64)

#define SIZES(name) {ours_##name##8, ours_##name##16, ours_##name##32, ours_##name##64}, \
    {floor_##name##8, floor_##name##16, floor_##name##32, floor_##name##64}

/* A locked instruction alone takes longer than the target allows; what is added to it is held against it. */
static const struct operation {
    const char *name;
    bench_loop_run *ours[4], *floor[4];
    enum bench_rule rule;
    double limit;
    int loads, clears; /* clears: of memory that is zero and stays so */
} operations[] = {
    {"load", SIZES(load), BENCH_AT_MOST, 2.5, 1, 0},
    {"store", SIZES(store), BENCH_AT_MOST, 2.5, 0, 0},
    {"exchange", SIZES(exchange), BENCH_TIMES_FLOOR, 1.5, 0, 1},
    {"compare-exchange", SIZES(compare), BENCH_TIMES_FLOOR, 1.5, 0, 1},
    {"fetch-or", SIZES(or), BENCH_TIMES_FLOOR, 1.5, 0, 1},
};

/* Sums of what is loaded, which is the low bytes of what is there; or nothing there. */
static void set_memory(const struct operation *operation, unsigned size)
{
    struct bench_addresses *both[] = {&now.touched.guest, &now.touched.flat};

    for (size_t i = 0; i < now.touched.guest.count; i++) {
        uint64_t value = bench_touched_value(now.touched.guest.gpa[i]) & ~UINT64_C(0) >> (64 - 8 * size);
        if (operation->clears)
            memset(now.touched.base + now.touched.flat.gpa[i], 0, 8);
        for (unsigned j = 0; j < 2; j++)
            both[j]->sums[i / BENCH_CHUNK] = (i % BENCH_CHUNK == 0 ? 0 : both[j]->sums[i / BENCH_CHUNK]) + value;
    }
}

static uint64_t run_peer(void *self, const uint64_t *gpa, size_t count)
{
    const struct worker *worker = self;

    return worker->peer->run(worker->self, gpa, count, NULL);
}

static void peers_add(struct bench_fixture *fixture, struct bench_members *members, const char *name, unsigned size,
                      enum bench_check check)
{
    const struct bench_layout *layout = fixture->layout;
    char shape[32];

    snprintf(shape, sizeof(shape), "%s/u%u", name, size * 8);
    for (unsigned i = 0; i < BENCH_SHAPE_VERSIONS; i++) {
        const struct bench_shape_peer *peer = bench_shape_peer(shape, i);
        if (peer == NULL)
            continue;
        now.peers[i] = (struct worker){peer->build(layout->ram, layout->ram_count), peer};
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
    const struct operation *operation = &operations[row->param >> 8];
    unsigned log = (unsigned)(row->param & 255);
    enum bench_check check = operation->loads ? BENCH_CHECK_SUM : BENCH_CHECK_COUNT;
    struct bench_fixture *fixture;
    struct bench_addresses *addresses;
    int result = bench_fixture_get(row, session, BENCH_UNIFORM, &fixture, &addresses);

    if (result != 0 || row->wrong)
        return result;
    result = bench_touched_build(fixture->layout, BENCH_UNIFORM, session->options.addresses, session->options.seed,
                                 &now.touched);
    if (result != 0)
        return bench_row_skip(row, "no working set: %s", strerror(-result));
    if (bench_space_build_tracked(fixture->layout, &now.tracked, NULL, 0) != 0)
        return bench_row_skip(row, "no tracked space");
    set_memory(operation, 1u << log);
    bench_loop_add(fixture, members, BENCH_OURS, operation->ours[log], now.tracked.space, &now.touched.guest, check);
    bench_loop_add(fixture, members, BENCH_FLOOR, operation->floor[log], &now.touched, &now.touched.flat, check);
    peers_add(fixture, members, operation->name, 1u << log, check);
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

static void add_row(struct bench_session *session, size_t which, unsigned log, const struct bench_input *input)
{
    struct bench_row *row = bench_row_add(session, "M2", "ns", "access/atomic/%s/u%u/tracked/%s",
                                          operations[which].name, 8u << log, input->label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->input = input;
    row->param = which << 8 | log;
    row->planned = 2 + BENCH_SHAPE_VERSIONS;
    row->rule = operations[which].rule;
    row->limit = operations[which].limit;
}

/* 64 bits over all numbers of regions, the other sizes over eight. */
static int wanted(const struct bench_input *input, unsigned log)
{
    if (input->kind == BENCH_FILE)
        return log == 3 && strcmp(input->label, LAYOUT) == 0;
    return input->kind == BENCH_EVEN &&
           (input->regions == 8 ||
            (log == 3 && (input->regions == 1 || input->regions == 64 || input->regions == 512)));
}

void bench_case_access_atomic(struct bench_session *session)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(operations[0]); i++)
        for (unsigned log = 0; log < 4; log++)
            for (size_t j = 0; j < session->input_count; j++)
                if (wanted(&session->inputs[j], log))
                    add_row(session, i, log, &session->inputs[j]);
}
