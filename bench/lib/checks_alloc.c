/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * That loads are what they promise, and that all arenas, the peers among them, give the answers that the loads and the
 * oracle have: in the loads, in a long random mix of everything that an arena says it can, and by their own loop as by
 * single calls. What an exact match of vm-allocator answers inside a used range is not asked: it hands out again what
 * is taken, and no load asks for it either.
 */
#include "checks.h"

#include <stdlib.h>
#include <string.h>

#include "arena_oracle.h"
#include "load.h"

#define UNITS_BY_ORACLE 400
#define MIX_STEPS 4000
#define MIX_SLOTS 200
#define MIX_PAGES 4096

typedef void check_arena(const struct bench_arena *arena);

static void with_each_arena(check_arena *check)
{
    check(&bench_arena_oracle);
    for (const struct bench_arena *const *rival = bench_arena_rivals; *rival != NULL; rival++)
        check(*rival);
    if (bench_arena_ours() != NULL)
        check(bench_arena_ours());
    for (const struct bench_arena *peer = bench_arena_peers(); peer->name != NULL; peer++)
        check(peer);
}

/* ---- loads -------------------------------------------------------------------------------------------- */

static void check_placed(const struct bench_load *load)
{
    uint64_t from = load->base;

    for (size_t i = 0; i < load->placed_count; i++) {
        const struct bench_extent *extent = &load->placed[i];
        CHECK(extent->address >= from && extent->size > 0, "%s %zu: range %zu", bench_load_name(load->kind), load->n,
              i);
        from = extent->address + extent->size;
    }
    CHECK(from <= load->base + load->size, "%s %zu: beyond the arena", bench_load_name(load->kind), load->n);
}

/* Slots are used in turn, and freed with the size that they were filled with; holds[slot]: that size. */
static void check_ops(const struct bench_load *load, uint64_t *holds)
{
    for (size_t i = 0; i < load->units; i++) {
        unsigned allocations = 0;
        for (size_t j = i * load->per_unit; j < (i + 1) * load->per_unit; j++) {
            const struct bench_op *op = &load->ops[j];
            CHECK(op->slot < load->slots && op->request < load->request_count, "operation %zu", j);
            if (op->kind == BENCH_FREE)
                CHECK(holds[op->slot] == load->requests[op->request].size, "operation %zu frees what is not there", j);
            else
                CHECK(holds[op->slot] == 0 || load->answers[i] == BENCH_NOWHERE, "operation %zu: slot in use", j);
            holds[op->slot] = op->kind == BENCH_FREE ? 0 : load->requests[op->request].size;
            allocations += op->kind == BENCH_ALLOCATE;
        }
        CHECK(allocations == 1, "unit %zu has %u allocations", i, allocations);
        CHECK(load->sums[i + 1] - load->sums[i] == (load->answers[i] == BENCH_NOWHERE ? 0 : load->answers[i]),
              "sum of unit %zu", i);
    }
}

static void check_shape(const struct bench_load *load)
{
    uint64_t *holds = calloc(load->slots, sizeof(*holds));

    check_placed(load);
    for (size_t i = 0; i < load->placed_count && holds != NULL; i++)
        holds[i] = load->placed[i].size;
    if (holds != NULL)
        check_ops(load, holds);
    free(holds);
}

static int same(const struct bench_load *a, const struct bench_load *b)
{
    return a->units == b->units && a->placed_count == b->placed_count &&
           memcmp(a->placed, b->placed, a->placed_count * sizeof(*a->placed)) == 0 &&
           memcmp(a->requests, b->requests, sizeof(a->requests)) == 0 &&
           memcmp(a->ops, b->ops, a->units * a->per_unit * sizeof(*a->ops)) == 0 &&
           memcmp(a->answers, b->answers, a->units * sizeof(*a->answers)) == 0;
}

static int is_random(unsigned kind)
{
    return kind == BENCH_LOAD_CHURN || kind == BENCH_LOAD_WINDOW_EDGES || kind == BENCH_LOAD_VMM ||
           kind == BENCH_LOAD_IOVA;
}

static struct bench_load *load_of(unsigned kind, size_t n, uint64_t seed)
{
    struct bench_load *load = NULL;
    int result = bench_load_make((enum bench_load_kind)kind, n, seed, &load);

    CHECK(result == 0, "%s %zu: %d", bench_load_name((enum bench_load_kind)kind), n, result);
    return load;
}

static void check_loads(void)
{
    static const size_t sizes[] = {1, 7, 200};
    struct bench_load *none;

    for (unsigned kind = 0; kind < BENCH_LOAD_KINDS; kind++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            struct bench_load *load = load_of(kind, sizes[i], CHECK_SEED), *again = load_of(kind, sizes[i], CHECK_SEED);
            struct bench_load *other = load_of(kind, sizes[i], CHECK_SEED + 1);
            if (load != NULL && again != NULL && other != NULL) {
                check_shape(load);
                CHECK(same(load, again), "%s: not reproducible", bench_load_name(load->kind));
                CHECK(sizes[i] == 1 || same(load, other) == !is_random(kind), "%s: another seed",
                      bench_load_name(load->kind));
            }
            bench_load_free(load);
            bench_load_free(again);
            bench_load_free(other);
        }
    }
    CHECK(bench_load_make(BENCH_LOAD_BUMP, 0, CHECK_SEED, &none) != 0, "a load of nothing");
}

/* ---- arenas under loads ------------------------------------------------------------------------------- */

/* Operation by operation, against the answers, up to `units`. */
static void one_by_one(const struct bench_arena *arena, const struct bench_load *load, void *self, uint64_t *slots,
                       size_t units)
{
    size_t wrong = 0;

    for (size_t i = 0; i < units * load->per_unit; i++) {
        const struct bench_op *op = &load->ops[i];
        const struct bench_request *request = &load->requests[op->request];
        uint64_t address = BENCH_NOWHERE;
        if (op->kind == BENCH_FREE)
            wrong += arena->free(self, slots[op->slot], request->size) != 0;
        else
            wrong += (arena->alloc(self, request, &address) != 0) !=
                         (load->answers[i / load->per_unit] == BENCH_NOWHERE) ||
                     address != load->answers[i / load->per_unit];
        slots[op->slot] = address;
    }
    CHECK(wrong == 0, "%s %s: %zu wrong answers", arena->name, bench_load_name(load->kind), wrong);
}

static void carry(const struct bench_arena *arena, const struct bench_load *load, size_t units, int by_replay)
{
    uint64_t *slots = calloc(load->slots, sizeof(*slots));
    void *self = arena->create(load->base, load->size);
    struct bench_answer answer = {0};

    CHECK(self != NULL && slots != NULL, "%s", arena->name);
    if (self == NULL || slots == NULL)
        return;
    bench_load_slots(load, slots);
    CHECK(arena->place(self, load->placed, load->placed_count) == 0, "%s %s", arena->name,
          bench_load_name(load->kind));
    if (!by_replay) {
        one_by_one(arena, load, self, slots, units);
    } else {
        arena->replay(self, load->requests, load->ops, units * load->per_unit, slots, &answer);
        CHECK(bench_load_right(load, 0, units, &answer), "%s %s: replayed", arena->name, bench_load_name(load->kind));
        answer.sum++;
        CHECK(!bench_load_right(load, 0, units, &answer), "%s: another sum", arena->name);
        answer.sum--;
        answer.failures++;
        CHECK(!bench_load_right(load, 0, units, &answer), "%s: one more failure", arena->name);
    }
    arena->destroy(self);
    free(slots);
}

static void check_under_loads(const struct bench_arena *arena)
{
    for (unsigned kind = 0; kind < BENCH_LOAD_KINDS; kind++) {
        struct bench_load *load = load_of(kind, 200, CHECK_SEED);
        if (load == NULL || !bench_load_suits(load, arena)) {
            bench_load_free(load);
            continue;
        }
        size_t units = load->units < UNITS_BY_ORACLE ? load->units : UNITS_BY_ORACLE;
        carry(arena, load, units, 0);
        carry(arena, load, arena == &bench_arena_oracle ? units : load->units / 16, 1);
        bench_load_free(load);
    }
}

/* ---- the oracle itself -------------------------------------------------------------------------------- */

static const struct {
    const char *what;
    struct bench_request request;
    uint64_t answer;
} by_hand[] = {
    /* An arena from 0x1000 to 0x10fff, with 0x3000-0x3fff, 0x5000-0x8fff and 0xf000-0xffff used. */
    {"lowest", {.size = 0x1000, .align = 1, .max = 0x10fff}, 0x1000},
    {"too big for the first gap", {.size = 0x2001, .align = 1, .max = 0x10fff}, 0x9000},
    {"aligned", {.size = 0x1000, .align = 0x4000, .max = 0x10fff}, 0x4000},
    {"an exact fit that is aligned", {.size = 0x1000, .align = 0x1000, .min = 0x3001, .max = 0x4fff}, 0x4000},
    {"from inside a gap", {.size = 0x800, .align = 0x800, .min = 0x1801, .max = 0x10fff}, 0x2000},
    {"up to inside a gap", {.size = 0x800, .align = 1, .min = 0x9000, .max = 0x97ff}, 0x9000},
    {"one more than that", {.size = 0x801, .align = 1, .min = 0x9000, .max = 0x97ff}, BENCH_NOWHERE},
    {"highest", {.size = 0x800, .align = 1, .max = 0x10fff, .policy = BENCH_HIGHEST}, 0x10800},
    {"highest, aligned", {.size = 0x800, .align = 0x2000, .max = 0x10fff, .policy = BENCH_HIGHEST}, 0x10000},
    {"highest below", {.size = 0x1000, .align = 1, .max = 0xe7ff, .policy = BENCH_HIGHEST}, 0xd800},
    {"highest, lower gap", {.size = 0x1000, .align = 0x1000, .max = 0x8fff, .policy = BENCH_HIGHEST}, 0x4000},
    {"fixed", {.size = 0x1000, .align = 1, .min = 0x4000, .max = 0x4fff, .policy = BENCH_FIXED}, 0x4000},
    {"fixed, half used", {.size = 0x1001, .align = 1, .min = 0x4000, .max = 0x5000, .policy = BENCH_FIXED},
     BENCH_NOWHERE},
    {"nothing so large", {.size = 0x6001, .align = 1, .max = 0x10fff}, BENCH_NOWHERE},
};

static uint32_t needs_of(const struct bench_request *request)
{
    return request->policy == BENCH_FIXED     ? BENCH_CAN_FIXED
           : request->policy == BENCH_HIGHEST ? BENCH_CAN_WINDOW | BENCH_CAN_HIGHEST
                                              : BENCH_CAN_WINDOW;
}

static void check_by_hand(const struct bench_arena *arena)
{
    static const struct bench_extent used[] = {{0x3000, 0x1000}, {0x5000, 0x4000}, {0xf000, 0x1000}};

    for (size_t i = 0; i < sizeof(by_hand) / sizeof(by_hand[0]); i++) {
        uint64_t address = BENCH_NOWHERE;
        if (!bench_arena_can(arena, needs_of(&by_hand[i].request)) || (arena->can & BENCH_NOT_EXACT) != 0)
            continue;
        void *self = arena->create(0x1000, 0x10000);
        CHECK(self != NULL, "%s", arena->name);
        if (self == NULL)
            return;
        CHECK(arena->place(self, used, 3) == 0, "%s", arena->name);
        int result = arena->alloc(self, &by_hand[i].request, &address);
        CHECK((result == 0) == (by_hand[i].answer != BENCH_NOWHERE) && address == by_hand[i].answer,
              "%s, %s: 0x%llx", arena->name, by_hand[i].what, (unsigned long long)address);
        arena->destroy(self);
    }
}

/* ---- everything at once ------------------------------------------------------------------------------- */

static struct bench_request any_request(struct bench_rng *rng, const struct bench_arena *arena, uint64_t base)
{
    uint64_t last = base + MIX_PAGES * BENCH_PAGE - 1;
    struct bench_request request = {.size = (1 + bench_random_below(rng, 64)) * BENCH_PAGE,
                                    .align = BENCH_PAGE << bench_random_below(rng, 8),
                                    .min = base,
                                    .max = last};
    uint64_t kind = bench_random_below(rng, 6);

    if (!arena->peer && bench_arena_can(arena, BENCH_CAN_WINDOW) && bench_random_below(rng, 4) == 0) { /* no pages */
        request.size = 1 + bench_random_below(rng, 2 * BENCH_PAGE);
        request.align = UINT64_C(1) << bench_random_below(rng, 12);
    }
    if (kind == 0 && bench_arena_can(arena, BENCH_CAN_FIXED))
        return bench_request_fixed(base + bench_random_below(rng, MIX_PAGES - 64) * BENCH_PAGE, request.size);
    if (kind <= 2 && bench_arena_can(arena, BENCH_CAN_HIGHEST))
        request.policy = BENCH_HIGHEST;
    if (kind % 2 == 1 && bench_arena_can(arena, BENCH_CAN_WINDOW)) {
        request.min = base + bench_random_below(rng, MIX_PAGES / 2 * BENCH_PAGE);
        request.max = request.min + bench_random_below(rng, MIX_PAGES / 2 * BENCH_PAGE);
    }
    return request;
}

/* Arenas side by side with the oracle; slots[i].size is 0 where nothing is allocated. */
static void mix(const struct bench_arena *arena, void *self, void *oracle, uint64_t base, struct bench_extent *slots)
{
    struct bench_rng rng = {CHECK_SEED};
    size_t wrong = 0, found = 0, refused = 0;

    for (size_t i = 0; i < MIX_STEPS; i++) {
        struct bench_extent *slot = &slots[bench_random_below(&rng, MIX_SLOTS)];
        const struct bench_request request = any_request(&rng, arena, base);
        uint64_t right = BENCH_NOWHERE, address = BENCH_NOWHERE;
        if (slot->size != 0) {
            wrong += bench_arena_oracle.free(oracle, slot->address, slot->size) != 0;
            wrong += arena->free(self, slot->address, slot->size) != 0;
            slot->size = 0;
            continue;
        }
        int result = bench_arena_oracle.alloc(oracle, &request, &right);
        if (result != 0 && request.policy == BENCH_FIXED)
            continue;
        wrong += arena->alloc(self, &request, &address) != result || address != right;
        *slot = (struct bench_extent){right, result == 0 ? request.size : 0};
        found += result == 0;
        refused += result != 0;
    }
    CHECK(wrong == 0, "%s: %zu answers are not the oracle's", arena->name, wrong);
    CHECK(found > MIX_STEPS / 4 && refused > MIX_STEPS / 100, "%s: %zu found, %zu refused", arena->name, found,
          refused);
}

static void check_mix(const struct bench_arena *arena)
{
    uint64_t base = UINT64_C(0x100000000);
    void *self = arena->create(base, MIX_PAGES * BENCH_PAGE);
    void *oracle = bench_arena_oracle.create(base, MIX_PAGES * BENCH_PAGE);
    struct bench_extent slots[MIX_SLOTS] = {{0}};

    CHECK(self != NULL && oracle != NULL, "%s", arena->name);
    if (self == NULL || oracle == NULL)
        return;
    if ((arena->can & BENCH_NOT_EXACT) == 0)
        mix(arena, self, oracle, base, slots);
    arena->destroy(self);
    bench_arena_oracle.destroy(oracle);
}

/* ---- ids ---------------------------------------------------------------------------------------------- */

static void check_ids(const struct bench_ids *ids)
{
    static const uint32_t order[] = {5, 0, 7, 5, 3};
    uint32_t slots[8], more[4] = {0};
    struct bench_answer answer;
    void *self = ids->create(8);

    CHECK(self != NULL, "%s", ids->name);
    if (self == NULL)
        return;
    ids->fresh(self, slots, 8, &answer);
    CHECK(answer.sum == 28 && answer.failures == 0, "%s: fresh", ids->name);
    ids->fresh(self, more, 1, &answer);
    CHECK(answer.sum == 0 && answer.failures == 1, "%s: a ninth of eight", ids->name);
    ids->pairs(self, slots, order, 5, &answer);
    CHECK(answer.sum == 20 && answer.failures == 0, "%s: pairs", ids->name);
    for (uint32_t i = 0; i < 8; i++)
        CHECK(slots[i] == i, "%s: slot %u has %u", ids->name, i, slots[i]);
    ids->drop(self, slots + 4, 4);
    ids->fresh(self, more, 4, &answer);
    CHECK(answer.sum == 22 && answer.failures == 0 && more[0] == 4, "%s: the dropped ones again", ids->name);
    ids->destroy(self);
}

void bench_check_alloc(void)
{
    check_loads();
    with_each_arena(check_by_hand);
    with_each_arena(check_under_loads);
    with_each_arena(check_mix);
    bench_check_alloc_loosely();
    if (bench_ids_ours() != NULL)
        check_ids(bench_ids_ours());
    for (const struct bench_ids *peer = bench_ids_peers(); peer->name != NULL; peer++)
        check_ids(peer);
}
