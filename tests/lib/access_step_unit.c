/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Integers and atomic operations of the interpreter, which the model makes from their bytes. */
#include <errno.h>
#include <string.h>

#include "lib/access_steps.h"

/* What an atomic operation or an integer's access is to do, and what it answered. */
struct unit_call {
    const struct gm_view *view;
    gm_gpa gpa;
    gm_order order;
    uint64_t operand, expected, out;
    unsigned kind;
};

enum { LOAD, STORE, EXCHANGE, COMPARE, ADD, AND, OR, XOR, KINDS };
enum { NATIVE, LITTLE, BIG, READS = 3, INTEGERS = 6 };

#define UNIT_ATOMIC(bits)                                                                                              \
    static int atomic_u##bits(struct unit_call *call)                                                                  \
    {                                                                                                                  \
        uint##bits##_t out = (uint##bits##_t)call->out, operand = (uint##bits##_t)call->operand;                       \
        int error = 0;                                                                                                 \
        switch (call->kind) {                                                                                          \
        case LOAD: error = gm_guest_load_u##bits(call->view, call->gpa, call->order, &out); break;                     \
        case STORE: error = gm_guest_store_u##bits(call->view, call->gpa, call->order, operand); break;                \
        case EXCHANGE: error = gm_guest_exchange_u##bits(call->view, call->gpa, call->order, operand, &out); break;    \
        case COMPARE:                                                                                                  \
            error = gm_guest_compare_exchange_u##bits(call->view, call->gpa, call->order,                              \
                                                      (uint##bits##_t)call->expected, operand, &out);                  \
            break;                                                                                                     \
        case ADD: error = gm_guest_fetch_add_u##bits(call->view, call->gpa, call->order, operand, &out); break;        \
        case AND: error = gm_guest_fetch_and_u##bits(call->view, call->gpa, call->order, operand, &out); break;        \
        case OR: error = gm_guest_fetch_or_u##bits(call->view, call->gpa, call->order, operand, &out); break;          \
        default: error = gm_guest_fetch_xor_u##bits(call->view, call->gpa, call->order, operand, &out); break;         \
        }                                                                                                              \
        call->out = out;                                                                                               \
        return error;                                                                                                  \
    }

UNIT_ATOMIC(8)
UNIT_ATOMIC(16)
UNIT_ATOMIC(32)
UNIT_ATOMIC(64)

#define UNIT_INTEGER(bits)                                                                                             \
    static int integer_u##bits(struct unit_call *call)                                                                 \
    {                                                                                                                  \
        uint##bits##_t out = (uint##bits##_t)call->out, value = (uint##bits##_t)call->operand;                         \
        int error = 0;                                                                                                 \
        switch (call->kind) {                                                                                          \
        case NATIVE: error = gm_guest_read_u##bits(call->view, call->gpa, &out); break;                                \
        case LITTLE: error = gm_guest_read_le##bits(call->view, call->gpa, &out); break;                               \
        case BIG: error = gm_guest_read_be##bits(call->view, call->gpa, &out); break;                                  \
        case READS + NATIVE: error = gm_guest_write_u##bits(call->view, call->gpa, value); break;                      \
        case READS + LITTLE: error = gm_guest_write_le##bits(call->view, call->gpa, value); break;                     \
        default: error = gm_guest_write_be##bits(call->view, call->gpa, value); break;                                 \
        }                                                                                                              \
        call->out = out;                                                                                               \
        return error;                                                                                                  \
    }

/* A byte has no order. */
#define gm_guest_read_le8 gm_guest_read_u8
#define gm_guest_read_be8 gm_guest_read_u8
#define gm_guest_write_le8 gm_guest_write_u8
#define gm_guest_write_be8 gm_guest_write_u8

UNIT_INTEGER(8)
UNIT_INTEGER(16)
UNIT_INTEGER(32)
UNIT_INTEGER(64)

static int (*const atomics[])(struct unit_call *) = {atomic_u8, atomic_u16, atomic_u32, atomic_u64};
static int (*const integers[])(struct unit_call *) = {integer_u8, integer_u16, integer_u32, integer_u64};

/* The integer whose bytes the model has, in the order of the tests' machines, which is little-endian. */
static uint64_t model_get(const struct gmt_access_play *play, unsigned size, bool big)
{
    uint64_t value = 0;
    uint8_t bytes[8];
    gmt_world_read(play->world, play->gpa, bytes, size);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)bytes[i] << 8 * (big ? size - 1 - i : i);
    return value;
}

static void model_set(struct gmt_access_play *play, unsigned size, uint64_t value, uint64_t count, bool big)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < size; i++)
        bytes[i] = (uint8_t)(value >> 8 * (big ? size - 1 - i : i));
    gmt_world_write(play->world, play->gpa, bytes, count);
}

static uint64_t masked(uint64_t value, unsigned size)
{
    return value & ~UINT64_C(0) >> (64 - 8 * size);
}

static bool is_cut(gm_gpa gpa, unsigned size)
{
    return gpa < 0x5234 && gpa + size > 0x5234; /* neighbours that lie apart in host memory */
}

static int atomic_error(const struct unit_call *call, unsigned size)
{
    int error;
    unsigned rights = call->kind == LOAD ? GM_READ : call->kind == STORE ? GM_WRITE : GM_RW;
    if (call->gpa % size != 0)
        return -EINVAL;
    (void)gmt_world_expect(call->gpa, size, rights, &error);
    return error == 0 && is_cut(call->gpa, size) ? -EXDEV : error;
}

static uint64_t atomic_result(const struct unit_call *call, uint64_t old)
{
    switch (call->kind) {
    case ADD: return old + call->operand;
    case AND: return old & call->operand;
    case OR: return old | call->operand;
    case XOR: return old ^ call->operand;
    default: return call->operand;
    }
}

void gmt_access_step_atomic(struct gmt_access_play *play)
{
    unsigned log = (unsigned)gmt_pick(&play->in, 4), size = 1u << log;
    struct unit_call call = {.view = play->world->view, .out = 77};
    call.kind = (unsigned)gmt_pick(&play->in, KINDS);
    call.order = gm_order_make((int)gmt_pick(&play->in, 7)); /* two of them are none */
    call.operand = masked(gmt_take(&play->in, 8), size);
    if (!gmt_once_in(&play->in, 8))
        play->gpa &= ~(gm_gpa)(size - 1);
    call.gpa = play->gpa;
    int want = atomic_error(&call, size);
    uint64_t old = want == 0 ? model_get(play, size, false) : 0;
    call.expected = gmt_once_in(&play->in, 2) ? old : masked(old + 1, size);
    int got = atomics[log](&call);
    gmt_access_require(play, got == want, "the result of an atomic operation");
    uint64_t out = want == 0 && call.kind != STORE ? old : 77;
    gmt_access_require(play, call.out == out, "what an atomic operation found");
    if (want == 0 && call.kind != LOAD && (call.kind != COMPARE || call.expected == old))
        model_set(play, size, atomic_result(&call, old), size, false);
    gmt_access_require(play, gmt_world_same(play->world, play->gpa, size), "memory or marks after an atomic operation");
    gmt_access_ended(play, want, 0);
}

void gmt_access_step_integer(struct gmt_access_play *play)
{
    unsigned log = (unsigned)gmt_pick(&play->in, 4), size = 1u << log;
    struct unit_call call = {.view = play->world->view, .gpa = play->gpa, .out = 77};
    int want;
    call.kind = (unsigned)gmt_pick(&play->in, INTEGERS);
    call.operand = masked(gmt_take(&play->in, 8), size);
    bool reads = call.kind < READS, big = call.kind % READS == BIG;
    uint64_t good = gmt_world_expect(play->gpa, size, reads ? GM_READ : GM_WRITE, &want);
    int got = integers[log](&call);
    gmt_access_require(play, got == want, "the result of an integer's access");
    if (reads)
        gmt_access_require(play, call.out == (want == 0 ? model_get(play, size, big) : 77), "what integer was read");
    else
        model_set(play, size, call.operand, good, big);
    gmt_access_require(play, gmt_world_same(play->world, play->gpa, size), "memory or marks after an integer's access");
    gmt_access_ended(play, want, good);
}
