/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The operations that ci/gate watches, compiled once for each revision.
 *
 * No case makes a system call or waits for a grace period: those vary by ten times whatever the code is. Every run
 * returns a sum of what the library answered, which must be the same on both sides: a quick wrong answer is no
 * progress, and the compiler cannot drop what is summed.
 *
 * The self-test makes a side worse on purpose. GATE_INJECT_EVERY=33: one operation in 33 is done again, which is 3 %
 * on any machine, where instructions that do nothing would vanish in the shadow of a load. GATE_INJECT_NOP: one
 * instruction more for each operation, for the counts, which see it wherever it is.
 */
#include <errno.h>
#include <string.h>

#include <guestmem/guestmem.h>

#include "gate.h"

#ifdef GATE_INJECT_NOP
#define ONE_MORE() __asm__ volatile("nop")
#define BATCH_MORE() __asm__ volatile(".rept 256\n\tnop\n\t.endr")
#define LINEAR_MORE() __asm__ volatile(".rept 1024\n\tnop\n\t.endr")
#else
#define ONE_MORE() ((void)0)
#define BATCH_MORE() ((void)0)
#define LINEAR_MORE() ((void)0)
#endif

/* The loops are the same machine code whatever is made of them below. */
#define CASE_FN __attribute__((noinline))

static struct {
    struct gm_space *space;
    struct gm_backing *backing;
    struct gm_snapshot *snapshot;
    const struct gm_view *view;
    struct gate_input input;
    uint64_t len;
    int registered;
} gate __attribute__((aligned(4096))); /* its place does not move with what the linker puts before it */

/* The sum of the last batch: enough to see a kernel that writes something else, too little to be felt. */
static uint64_t sum_of_batch(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < GATE_BATCH; i++)
        sum += (uintptr_t)gate.input.hva[i] - gate.view->linear_base;
    return sum;
}

/* The shape of a call: what an emulator compiled apart from its memory layer pays. */
static __attribute__((noinline)) void *call_translate(const struct gm_view *view, gm_gpa gpa, uint64_t len)
{
    return gm_translate(view, gpa, len, GM_READ);
}

static CASE_FN uint64_t run_call(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += (uintptr_t)call_translate(gate.view, gate.input.gpa[i % GATE_ADDRESSES], gate.len);
    }
    return sum;
}

static CASE_FN uint64_t run_inline(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        sum += (uintptr_t)gm_translate(gate.view, gate.input.gpa[i % GATE_ADDRESSES], 8, GM_READ);
    }
    return sum;
}

static CASE_FN uint64_t run_span(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        struct gm_span span;
        ONE_MORE();
        if (gm_translate_span(gate.view, gate.input.gpa[i % GATE_ADDRESSES], &span) == 0)
            sum += (uintptr_t)span.address + span.len + span.rights;
    }
    return sum;
}

static CASE_FN uint64_t run_batch(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_BATCH) {
        BATCH_MORE();
        sum += gm_translate_batch(gate.view, gate.input.gpa + i % GATE_ADDRESSES, GATE_BATCH, 8, GM_READ,
                                  gate.input.hva);
    }
    return sum + sum_of_batch();
}

/*
 * The same batch each time: there is no branch that could learn it, and more would time the bandwidth of caches. It is
 * so long that no processor predicts its end: at 256, one does in some processes, and is 20 % quicker there.
 */
static CASE_FN uint64_t run_linear(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i += GATE_STEP) {
        LINEAR_MORE();
        sum += gm_linear_batch(gate.view, gate.input.gpa, GATE_STEP, 8, gate.input.hva);
    }
    return sum + sum_of_batch();
}

static CASE_FN uint64_t run_handle(uint64_t count, uint64_t first)
{
    struct gm_handle handle;
    uint64_t sum = 0;
    if (gm_handle_init(&handle, gate.view, gate.input.gpa[0], 8, GM_READ) != 0)
        return 0;
    for (uint64_t i = first; i < first + count; i++) {
        /* The handle is read again each time, as between two uses of a ring. */
        __asm__ volatile("" : : "r"(&handle) : "memory");
        ONE_MORE();
        sum += (uintptr_t)gm_handle_get(&handle, gate.view);
    }
    return sum;
}

static CASE_FN uint64_t run_pin(uint64_t count, uint64_t first)
{
    uint64_t sum = 0;
    (void)first;
    for (uint64_t i = 0; i < count; i++) {
        ONE_MORE();
        sum += gm_pin(gate.space) == gate.view;
        (void)gm_unpin();
    }
    return sum;
}

static CASE_FN uint64_t run_iov(uint64_t count, uint64_t first)
{
    struct iovec iov[8];
    uint64_t sum = 0;
    for (uint64_t i = first; i < first + count; i++) {
        ONE_MORE();
        int used = gm_translate_iov(gate.view, gate.input.gpa[i % GATE_ADDRESSES], gate.len, GM_READ, iov, 8);
        sum += (uint64_t)used + (used > 0 ? (uintptr_t)iov[0].iov_base : 0);
    }
    return sum;
}

#ifdef GATE_INJECT_EVERY
#define MAKE_SLOW(run, unit)                                                                                     \
    static uint64_t slow_##run(uint64_t count, uint64_t first)                                                   \
    {                                                                                                            \
        static uint64_t owed;                                                                                    \
        const uint64_t again = (owed + count) / GATE_INJECT_EVERY / (unit) * (unit);                             \
        owed += count - again * GATE_INJECT_EVERY;                                                               \
        const uint64_t sum = run(count, first);                                                                  \
        __asm__ volatile("" : : "r"(again != 0 ? run(again, first) : 0));                                        \
        return sum;                                                                                              \
    }
MAKE_SLOW(run_call, 1)
MAKE_SLOW(run_inline, 1)
MAKE_SLOW(run_span, 1)
MAKE_SLOW(run_batch, GATE_BATCH)
MAKE_SLOW(run_linear, GATE_STEP)
MAKE_SLOW(run_handle, 1)
MAKE_SLOW(run_pin, 1)
MAKE_SLOW(run_iov, 1)
#define SLOW(run) slow_##run
#else
#define SLOW(run) run
#endif

#define CASE(what, param, isa, layout, mix, regions, len, run)                                                   \
    {what "/" #param, what, isa, GATE_##layout, GATE_##mix, regions, len, SLOW(run)}
#define BATCHES(kernel)                                                                                          \
    CASE("batch-" kernel, 8, kernel, APART, UNIFORM, 8, 8, run_batch),                                           \
        CASE("batch-" kernel, 16, kernel, APART, UNIFORM, 16, 8, run_batch),                                     \
        CASE("batch-" kernel, 512, kernel, APART, UNIFORM, 512, 8, run_batch)

static const struct gate_case cases[] = {
    CASE("single/uniform", 1, NULL, APART, UNIFORM, 1, 8, run_call),
    CASE("single/uniform", 8, NULL, APART, UNIFORM, 8, 8, run_call),
    CASE("single/uniform", 64, NULL, APART, UNIFORM, 64, 8, run_call),
    CASE("single/uniform", 512, NULL, APART, UNIFORM, 512, 8, run_call),
    CASE("single/hot", 8, NULL, APART, HOT, 8, 8, run_call),
    CASE("single/hot", 64, NULL, APART, HOT, 64, 8, run_call),
    CASE("single/hot", 512, NULL, APART, HOT, 512, 8, run_call),
    CASE("single/mixed", 8, NULL, MIXED, UNIFORM, 8, 8, run_call),
    CASE("single/mixed", 512, NULL, MIXED, UNIFORM, 512, 8, run_call),
    CASE("inline/uniform", 8, NULL, APART, UNIFORM, 8, 8, run_inline),
    CASE("inline/uniform", 512, NULL, APART, UNIFORM, 512, 8, run_inline),
    CASE("span", 8, NULL, APART, UNIFORM, 8, 8, run_span),
    BATCHES("scalar"),
    BATCHES("avx2"),
    BATCHES("avx512"),
    CASE("linear-scalar", 8, "scalar", LINEAR, UNIFORM, 8, 8, run_linear),
    CASE("linear-avx2", 8, "avx2", LINEAR, UNIFORM, 8, 8, run_linear),
    CASE("linear-avx512", 8, "avx512", LINEAR, UNIFORM, 8, 8, run_linear),
    CASE("handle", 8, NULL, APART, UNIFORM, 8, 8, run_handle),
    CASE("pin-unpin", 8, NULL, APART, UNIFORM, 8, 8, run_pin),
    CASE("iov/one-piece", 8, NULL, APART, UNIFORM, 8, 8, run_iov),
    CASE("iov/three-pieces", 64, NULL, MIXED, UNIFORM, 64, 2 << 20, run_iov),
};

static int add_regions(const struct gate_case *which)
{
    struct gm_txn *txn;
    int error = gm_txn_begin(gate.space, &txn);
    for (unsigned i = 0; error == 0 && i < which->regions; i++) {
        const struct gate_region region = gate_region_of(which, i);
        const struct gm_region_desc desc = {.gpa = region.gpa,
                                            .size = region.size,
                                            .backing = gate.backing,
                                            .offset = gate.backing != NULL ? region.offset : 0};
        error = gm_txn_add(txn, &desc);
    }
    return error != 0 ? error : gm_txn_commit(txn, GM_COMMIT_WAIT);
}

/* A snapshot holds the view, so that the pins of run_pin are not nested ones. */
static int hold_view(void)
{
    if (!gate.registered && gm_reader_register() != 0)
        return -EPROTO;
    gate.registered = 1;
    gate.view = gm_pin(gate.space);
    gate.snapshot = gm_snapshot_take(gate.view);
    (void)gm_unpin();
    return gate.snapshot == NULL ? -EFAULT : 0;
}

static int setup(const struct gate_case *which, const struct gate_input *input)
{
    const int linear = which->layout == GATE_LINEAR;
    const struct gm_space_config config = {.linear_size = linear ? GATE_LINEAR_SIZE : 0, .numa_node = -1};
    if (which->isa != NULL && gm_isa_select(which->isa) != 0)
        return -ENOTSUP;
    gate.input = *input;
    gate.len = which->len;
    gate.backing = NULL;
    int error = linear ? 0 : gm_backing_wrap(input->host, GATE_HOST_SIZE, NULL, NULL, &gate.backing);
    if (error == 0)
        error = gm_space_create(&config, &gate.space);
    if (error == 0)
        error = add_regions(which);
    return error != 0 ? error : hold_view();
}

static int teardown(void)
{
    gm_snapshot_put(gate.snapshot);
    if (gate.backing != NULL)
        gm_backing_put(gate.backing);
    return gm_space_destroy(gate.space);
}

extern const struct gate_table gate_table;
__attribute__((visibility("default"))) const struct gate_table gate_table = {
    sizeof(struct gate_case), sizeof(cases) / sizeof(cases[0]), cases, (const void *)gm_translate_batch,
    setup, teardown};
