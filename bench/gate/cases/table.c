/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The list of all cases, and the space that each works on. */
#include <errno.h>
#include <stddef.h>

#include "cases.h"

/* Its place does not move with what the linker puts before it. */
struct gate_state gate __attribute__((aligned(4096)));

#ifdef GATE_INJECT_EVERY
/* In a section of their own, so that what is made slower stays where it is: its place alone can be worth 2 %. */
#define MAKE_SLOW(run, unit)                                                                                     \
    static __attribute__((section("gate_slow"))) uint64_t slow_##run(uint64_t count, uint64_t first)             \
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
MAKE_SLOW(run_one_by_one, 1)
MAKE_SLOW(run_iov, 1)
MAKE_SLOW(run_mark, 1)
MAKE_SLOW(run_mark_range, 1)
MAKE_SLOW(run_harvest, GATE_HARVEST)
MAKE_SLOW(run_churn, 1)
MAKE_SLOW(run_ids, 1)
#if GATE_HAS_ACCESS
MAKE_SLOW(run_read_u64, 1)
MAKE_SLOW(run_write_u64, 1)
MAKE_SLOW(run_read_some, 1)
MAKE_SLOW(run_write_some, 1)
MAKE_SLOW(run_read_page, GATE_EIGHTH)
MAKE_SLOW(run_write_page, GATE_EIGHTH)
#endif
#if GATE_HAS_CHAINS
MAKE_SLOW(run_chain, 1)
#endif
#define SLOW(run) slow_##run
#else
#define SLOW(run) run
#endif

#define PLACE(layout, mix, regions, len, isa)                                                                    \
    &(const struct gate_place){GATE_##layout, GATE_##mix, regions, len, isa, GATE_TRANSLATES, 0}
#define CASE(what, param, layout, mix, regions, run, floor)                                                      \
    {what "/" #param, what, NULL, NULL, SLOW(run), floor, NULL, PLACE(layout, mix, regions, 8, NULL)}
#define ISA_CASE(what, isa, layout, regions, run, floor)                                                         \
    {what "-" isa "/" #regions, what "-" isa, NULL, isa, SLOW(run), floor, NULL,                                 \
     PLACE(layout, UNIFORM, regions, 8, isa)}
#define BATCHES(isa)                                                                                             \
    ISA_CASE("batch", isa, APART, 8, run_batch, run_call), ISA_CASE("batch", isa, APART, 16, run_batch, run_call), \
        ISA_CASE("batch", isa, APART, 512, run_batch, run_call)
#define BESIDE(what, param, layout, regions, run, beside)                                                        \
    {what "/" #param, what, "two-threads", NULL, SLOW(run), NULL, beside, PLACE(layout, UNIFORM, regions, 8, NULL)}
#define WORK(what, kind, run, floor, work)                                                                       \
    {what, what, kind, NULL, SLOW(run), floor, NULL,                                                             \
     &(const struct gate_place){GATE_APART, GATE_UNIFORM, 8, 8, NULL, GATE_##work, 0}}
#define ACCESS(what, len, reach, run, floor, work)                                                               \
    {what, what, NULL, NULL, SLOW(run), floor, NULL,                                                             \
     &(const struct gate_place){GATE_APART, GATE_UNIFORM, 8, len, NULL, GATE_##work, reach}}

static const struct gate_case cases[] = {
    CASE("single/uniform", 1, APART, UNIFORM, 1, run_call, floor_call),
    CASE("single/uniform", 8, APART, UNIFORM, 8, run_call, floor_call),
    CASE("single/uniform", 64, APART, UNIFORM, 64, run_call, floor_call),
    CASE("single/uniform", 512, APART, UNIFORM, 512, run_call, floor_call),
    {"single/many/4096", "single/many", "scattered", NULL, SLOW(run_call), floor_call, NULL,
     PLACE(APART, UNIFORM, 4096, 8, NULL)},
    CASE("single/real", q35, REAL, UNIFORM, 0, run_call, floor_call),
    CASE("single/hot", 8, APART, HOT, 8, run_call, floor_call),
    CASE("single/hot", 64, APART, HOT, 64, run_call, floor_call),
    CASE("single/hot", 512, APART, HOT, 512, run_call, floor_call),
    CASE("single/mixed", 8, MIXED, UNIFORM, 8, run_call, floor_call),
    CASE("single/mixed", 512, MIXED, UNIFORM, 512, run_call, floor_call),
    CASE("inline/uniform", 8, APART, UNIFORM, 8, run_inline, floor_inline),
    CASE("inline/uniform", 512, APART, UNIFORM, 512, run_inline, floor_inline),
    CASE("inline/real", q35, REAL, UNIFORM, 0, run_inline, floor_inline),
    CASE("span", 8, APART, UNIFORM, 8, run_span, floor_call),
    BATCHES("scalar"),
    BATCHES("avx2"),
    BATCHES("avx512"),
    ISA_CASE("linear", "scalar", LINEAR, 8, run_linear, floor_linear),
    ISA_CASE("linear", "avx2", LINEAR, 8, run_linear, floor_linear),
    ISA_CASE("linear", "avx512", LINEAR, 8, run_linear, floor_linear),
    CASE("handle", 8, APART, UNIFORM, 8, run_handle, floor_handle),
    CASE("pin-unpin", 8, APART, UNIFORM, 8, run_pin, floor_pin),
    CASE("one-by-one", 8, APART, UNIFORM, 8, run_one_by_one, floor_one_by_one),
    CASE("iov/one-piece", 8, APART, UNIFORM, 8, run_iov, run_call),
    {"iov/three-pieces/64", "iov/three-pieces", "branchy", NULL, SLOW(run_iov), NULL, NULL,
     PLACE(MIXED, UNIFORM, 64, 2 << 20, NULL)},
    BESIDE("two-readers", pin, APART, 8, run_pin, beside_reader),
    BESIDE("two-readers", translate, APART, 8, run_one_by_one, beside_reader),
    BESIDE("reader-and-writer", 8, APART, 8, run_one_by_one, beside_writer),
    WORK("mark/dirty", NULL, run_mark, floor_mark, MARKS),
    WORK("mark/256-pages", NULL, run_mark_range, NULL, MARKS),
    WORK("harvest/sparse", "branchy", run_harvest, NULL, HARVESTS),
    WORK("ranges/churn", "branchy", run_churn, NULL, RANGES),
    WORK("ids/free-allocate", NULL, run_ids, NULL, IDS),
#if GATE_HAS_ACCESS
    ACCESS("guest/read-u64", 8, 64, run_read_u64, floor_read_u64, ACCESSES),
    ACCESS("guest/write-u64", 8, 64, run_write_u64, floor_write_u64, ACCESSES),
    ACCESS("guest/write-u64-tracked", 8, 64, run_write_u64, floor_write_u64, TRACKED),
    ACCESS("guest/read-64", 64, 64, run_read_some, floor_read_some, ACCESSES),
    ACCESS("guest/write-64-tracked", 64, 64, run_write_some, floor_write_some, TRACKED),
    ACCESS("guest/read-page", 4096, 4096, run_read_page, NULL, ACCESSES),
    ACCESS("guest/write-page-tracked", 4096, 4096, run_write_page, NULL, TRACKED),
#endif
#if GATE_HAS_CHAINS
    WORK("chain/in-ring", NULL, run_chain, floor_chain, CHAINS),
    WORK("chain/indirect", NULL, run_chain, floor_chain, INDIRECT),
#endif
};

static int add_regions(const struct gate_place *place)
{
    struct gm_txn *txn;
    int error = gm_txn_begin(gate.space, &txn);
    if (error != 0)
        return error;
    for (unsigned i = 0; error == 0 && i < gate_region_count(place); i++) {
        struct gm_region_desc desc = gate_region_of(place, i);
        desc.backing = gate.backing;
        if (gate.backing == NULL)
            desc.offset = 0;
        error = gm_txn_add(txn, &desc);
    }
    if (error == 0)
        return gm_txn_commit(txn, GM_COMMIT_WAIT);
    gm_txn_abort(txn);
    return error;
}

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

static int setup(const struct gate_case *which, const struct gate_memory *memory)
{
    const struct gate_place *place = which->own;
    const int linear = place->layout == GATE_LINEAR;
    struct gm_space_config config = {.linear_size = linear ? GATE_LINEAR_SIZE : 0, .numa_node = -1};
    const struct gm_region_desc end = gate_region_of(place, gate_region_count(place) - 1);
    if (place->isa != NULL && gm_isa_select(place->isa) != 0)
        return -ENOTSUP;
    gate.memory = *memory;
    gate.len = place->len;
    gate.last = end.gpa + end.size - 8;
    gate.delta = (uintptr_t)memory->host;
    gate.backing = NULL;
    gate.failed = 0;
    gate.writes = which->beside == beside_writer;
    int error = linear ? 0 : gm_backing_wrap(memory->host, GATE_HOST_SIZE, NULL, NULL, &gate.backing);
    if (error == 0)
        error = gate_work_setup(place->work);
    if (error == 0)
        error = gate_access_setup(place);
#if GATE_HAS_ACCESS
    if (place->work == GATE_TRACKED)
        config.dirty = gate.dirty;
#endif
    if (error == 0)
        error = gm_space_create(&config, &gate.space);
    if (error == 0)
        error = add_regions(place);
    if (error == 0)
        error = hold_view();
    return error != 0 ? error : gate_chain_setup(place);
}

static int teardown(void)
{
    gm_snapshot_put(gate.snapshot);
    if (gate.backing != NULL)
        gm_backing_put(gate.backing);
    const int error = gm_space_destroy(gate.space);
    gate_work_teardown();
    gate_access_teardown();
    return error != 0 ? error : gate.failed;
}

static int enter(void)
{
    return gm_reader_register();
}

/* A reader that nobody disturbed has been timed for nothing; the first commit was that of setup. */
static int leave(void)
{
    struct gm_space_stats stats;
    const int error = gm_reader_unregister();
    if (error == 0 && gate.writes && (gm_space_stats_get(gate.space, &stats) != 0 || stats.commits < 2))
        return -ECANCELED;
    return error;
}

/* The old views that the writer left behind; where it did not run there are none, and this is one grace period. */
static void settle(void)
{
    struct gm_space_stats stats;
    if (gm_space_stats_get(gate.space, &stats) == 0 && stats.retired > 0)
        (void)gm_space_reclaim(gate.space);
}

extern const struct gate_table gate_table;
__attribute__((visibility("default"))) const struct gate_table gate_table = {
    .version = GATE_VERSION,
    .size = sizeof(struct gate_case),
    .count = sizeof(cases) / sizeof(cases[0]),
    .cases = cases,
    .library = (const void *)gm_translate_batch,
    .setup = setup,
    .teardown = teardown,
    .fill = gate_fill,
    .enter = enter,
    .leave = leave,
    .settle = settle,
};
