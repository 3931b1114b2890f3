/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What do the accesses of a recorded trace cost (TR)? With their real lengths and directions: one by one, called and
 * inlined, where an access that is not contiguous in host memory goes through gm_translate_iov; and each as iovecs.
 * Batches, competitors and peers know one length for all, so their rows ask 8 bytes at the same addresses.
 */
#include "cases.h"

#include <stdlib.h>

#include "../lib/flat.h"
#include "../lib/traceset.h"

#define BATCH 256

/* What a loop over a trace needs: an address's place in the array tells what it asks for. */
struct loop_self {
    struct gm_space *space;
    const uint64_t *first;
    const struct bench_trace_ask *ask;
    uint64_t flat_end; /* the floor: the first address behind all RAM */
    uint64_t delta;
    void *hva[BATCH] __attribute__((aligned(64)));
};

static BENCH_CALL uint64_t translate(const struct gm_view *view, uint64_t gpa, const struct bench_trace_ask *ask)
{
    uint64_t hva = (uintptr_t)gm_translate(view, gpa, ask->len, ask->rights);

    return __builtin_expect(hva != 0, 1) ? hva : bench_trace_pieces(view, gpa, ask);
}

static uint64_t run_call(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    const struct gm_view *view = gm_pin(loop->space);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += translate(view, gpa[i], &ask[i]);
    (void)gm_unpin();
    return sum;
}

static uint64_t run_inline(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    const struct gm_view *view = gm_pin(loop->space);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t hva = (uintptr_t)gm_translate(view, gpa[i], ask[i].len, ask[i].rights);
        if (__builtin_expect(hva == 0, 0))
            hva = bench_trace_pieces(view, gpa[i], &ask[i]);
        bench_opaque(hva);
        sum += hva;
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t run_iov(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    const struct gm_view *view = gm_pin(loop->space);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += bench_trace_pieces(view, gpa[i], &ask[i]);
    (void)gm_unpin();
    return sum;
}

/* One bounds check and one addition, as flat.h, for a length of its own each. */
static inline uint64_t flat(const struct loop_self *loop, uint64_t gpa, uint64_t len)
{
    return __builtin_expect(gpa + len <= loop->flat_end, 1) ? gpa + loop->delta : 0;
}

static BENCH_CALL uint64_t flat_call(const struct loop_self *loop, uint64_t gpa, const struct bench_trace_ask *ask)
{
    return flat(loop, gpa, ask->len);
}

static uint64_t floor_call(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += flat_call(loop, gpa[i], &ask[i]);
    return sum;
}

static uint64_t floor_inline(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        uint64_t hva = flat(loop, gpa[i], ask[i].len);
        bench_opaque(hva);
        sum += hva;
    }
    return sum;
}

static uint64_t floor_iov(void *self, const uint64_t *gpa, size_t count)
{
    const struct loop_self *loop = self;
    const struct bench_trace_ask *ask = loop->ask + (gpa - loop->first);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++) {
        struct iovec iov = {(void *)(uintptr_t)flat_call(loop, gpa[i], &ask[i]), ask[i].len};
        bench_keep(&iov);
        sum += (uintptr_t)iov.iov_base;
    }
    return sum;
}

/* Competitors' question: 8 bytes, called. */
static BENCH_CALL uint64_t translate_eight(const struct gm_view *view, uint64_t gpa)
{
    return (uintptr_t)gm_translate(view, gpa, BENCH_ACCESS_LEN, GM_READ);
}

static BENCH_CALL uint64_t flat_eight(const struct loop_self *loop, uint64_t gpa)
{
    return flat(loop, gpa, BENCH_ACCESS_LEN);
}

static uint64_t run_eight(void *self, const uint64_t *gpa, size_t count)
{
    const struct gm_view *view = gm_pin(((const struct loop_self *)self)->space);
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += translate_eight(view, gpa[i]);
    (void)gm_unpin();
    return sum;
}

static uint64_t floor_eight(void *self, const uint64_t *gpa, size_t count)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < count; i++)
        sum += flat_eight(self, gpa[i]);
    return sum;
}

static uint64_t run_batch(void *self, const uint64_t *gpa, size_t count)
{
    struct loop_self *loop = self;
    const struct gm_view *view = gm_pin(loop->space);
    uint64_t sum = 0;

    for (size_t at = 0; at < count; at += BATCH) {
        sum += gm_translate_batch(view, gpa + at, BATCH, BENCH_ACCESS_LEN, GM_READ, loop->hva);
        bench_keep(loop->hva);
    }
    (void)gm_unpin();
    return sum;
}

static uint64_t floor_batch(void *self, const uint64_t *gpa, size_t count)
{
    struct loop_self *loop = self;

    for (size_t at = 0; at < count; at += BATCH) {
        bench_floor_batch(gpa + at, BATCH, loop->delta, (uint64_t *)loop->hva);
        bench_keep(loop->hva);
    }
    return count;
}

static const struct shape {
    const char *name;
    bench_loop_run *ours, *floor;
    enum bench_check check;
    int eight; /* asks 8 bytes everywhere */
    int rivals;
} shapes[] = {
    {"call", run_call, floor_call, BENCH_CHECK_SUM, 0, 0},
    {"inline", run_inline, floor_inline, BENCH_CHECK_SUM, 0, 0},
    {"iov", run_iov, floor_iov, BENCH_CHECK_SUM, 0, 0},
    {"call/8-bytes", run_eight, floor_eight, BENCH_CHECK_SUM, 1, 1},
    {"batch/8-bytes", run_batch, floor_batch, BENCH_CHECK_COUNT, 1, 0},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

static int prepare(struct bench_row *row, struct bench_session *session, struct bench_members *members)
{
    const struct bench_trace_input *input = &session->traces->list[row->param / SHAPES];
    const struct shape *shape = &shapes[row->param % SHAPES];
    struct bench_trace_fixture *trace;
    struct loop_self *self;
    const struct bench_addresses *addresses;
    const struct bench_ram *end;
    int result = bench_trace_fixture_get(row, session, input, &trace);

    if (result != 0 || row->wrong)
        return result;
    row->priv = self = aligned_alloc(64, (sizeof(*self) + 63) / 64 * 64);
    if (self == NULL)
        return bench_row_skip(row, "no memory");
    addresses = shape->eight ? &trace->eight : &trace->whole;
    end = &trace->fixture->layout->ram[trace->fixture->layout->ram_count - 1];
    self->space = trace->fixture->space.space;
    self->first = addresses->gpa;
    self->ask = trace->ask;
    self->flat_end = end->gpa + end->size;
    self->delta = trace->fixture->layout->ram[0].hva - trace->fixture->layout->ram[0].gpa;
    bench_loop_add(trace->fixture, members, BENCH_OURS, shape->ours, self, addresses, shape->check);
    bench_loop_add(trace->fixture, members, BENCH_FLOOR, shape->floor, self, addresses, BENCH_CHECK_NONE);
    if (shape->rivals && bench_competitors_add(trace->fixture, members, BENCH_SHAPE_CALL, addresses, NULL) != 0)
        return bench_row_skip(row, "no memory for the competitors");
    return 0;
}

static void release(struct bench_row *row)
{
    free(row->priv);
    row->priv = NULL;
}

static void add_row(struct bench_session *session, size_t trace, size_t shape)
{
    const struct bench_input like = {.kind = BENCH_FILE};
    struct bench_row *row =
        bench_row_add(session, "TR", "ns", "%s/%s", shapes[shape].name, session->traces->list[trace].label);

    if (row == NULL)
        return;
    row->prepare = prepare;
    row->release = release;
    row->param = trace * SHAPES + shape;
    if (shapes[shape].rivals)
        row->planned = 2 + bench_competitors_expected(&like) + bench_peers_expected(BENCH_SHAPE_CALL);
}

void bench_case_trace(struct bench_session *session)
{
    for (size_t i = 0; session->traces != NULL && i < session->traces->count; i++)
        for (size_t j = 0; j < SHAPES; j++)
            add_row(session, i, j);
}
