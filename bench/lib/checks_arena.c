/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What arenas hand out that do not promise the lowest or the highest place must still be free, aligned and in its
 * window, and what was given back is theirs again. Only one of them may find nothing where there is a place, and does.
 */
#include "checks.h"

#include <stddef.h>

#include "arena_oracle.h"
#include "load.h"

#define STEPS 4000
#define SLOTS 200
#define PAGES UINT64_C(4096)
#define BASE (UINT64_C(4) << 30)

static struct bench_request any_request(struct bench_rng *rng, const struct bench_arena *arena)
{
    struct bench_request request = {.size = (1 + bench_random_below(rng, 64)) * BENCH_PAGE,
                                    .align = BENCH_PAGE << bench_random_below(rng, 8),
                                    .min = BASE,
                                    .max = BASE + PAGES * BENCH_PAGE - 1};

    if ((arena->can & BENCH_NOT_LOWEST) != 0)
        request.policy = BENCH_HIGHEST;
    if (bench_random_below(rng, 2) == 0 && bench_arena_can(arena, BENCH_CAN_WINDOW)) {
        request.min += bench_random_below(rng, PAGES / 2 * BENCH_PAGE);
        request.max = request.min + bench_random_below(rng, PAGES / 2 * BENCH_PAGE);
    }
    return request;
}

/* The oracle takes the same place, which is as good as any if it was free. */
static int is_right(void *oracle, const struct bench_request *request, uint64_t address)
{
    const struct bench_request same = bench_request_fixed(address, request->size);
    uint64_t taken;

    return address % request->align == 0 && address >= request->min && same.max <= request->max &&
           bench_arena_oracle.alloc(oracle, &same, &taken) == 0;
}

/* 1: there was a place. */
static size_t overlooked(void *oracle, const struct bench_request *request)
{
    uint64_t address;

    if (bench_arena_oracle.alloc(oracle, request, &address) != 0)
        return 0;
    return bench_arena_oracle.free(oracle, address, request->size) == 0;
}

static void beside(const struct bench_arena *arena, void *self, void *oracle)
{
    struct bench_extent slots[SLOTS] = {{0}};
    struct bench_rng rng = {CHECK_SEED};
    size_t wrong = 0, found = 0, missed = 0;

    for (size_t i = 0; i < STEPS; i++) {
        struct bench_extent *slot = &slots[bench_random_below(&rng, SLOTS)];
        const struct bench_request request = any_request(&rng, arena);
        uint64_t address;
        if (slot->size != 0) {
            wrong += arena->free(self, slot->address, slot->size) != 0;
            wrong += bench_arena_oracle.free(oracle, slot->address, slot->size) != 0;
            slot->size = 0;
        } else if (arena->alloc(self, &request, &address) != 0) {
            missed += overlooked(oracle, &request);
        } else {
            wrong += !is_right(oracle, &request, address);
            *slot = (struct bench_extent){address, request.size};
            found++;
        }
    }
    CHECK(wrong == 0, "%s: %zu answers are wrong", arena->name, wrong);
    CHECK(found > STEPS / 4, "%s: %zu found, %zu overlooked", arena->name, found, missed);
    CHECK((missed > 0) == (arena == &bench_arena_vmalloc), "%s: %zu overlooked", arena->name, missed);
}

static void check(const struct bench_arena *arena)
{
    void *self = arena->create(BASE, PAGES * BENCH_PAGE);
    void *oracle = bench_arena_oracle.create(BASE, PAGES * BENCH_PAGE);

    CHECK(self != NULL && oracle != NULL, "%s", arena->name);
    if (self == NULL || oracle == NULL)
        return;
    beside(arena, self, oracle);
    arena->destroy(self);
    bench_arena_oracle.destroy(oracle);
}

static void check_by_what_it_holds(void)
{
    const struct bench_extent used[] = {{0x2000, 0x2000}, {0x5000, 0x1000}};
    void *self = bench_arena_crosvm.create(0x1000, 0x8000);

    CHECK(self != NULL && bench_arena_crosvm.place(self, used, 2) == 0, "crosvm-like");
    CHECK(bench_crosvm_free_holding(self, 0x4000) != 0, "nothing is there");
    CHECK(bench_crosvm_free_holding(self, 0x3fff) == 0, "the last address of a range");
    CHECK(bench_crosvm_free_holding(self, 0x2000) != 0, "it was freed");
    CHECK(bench_crosvm_free_holding(self, 0x5000) == 0, "the first address of a range");
    bench_arena_crosvm.destroy(self);
}

void bench_check_alloc_loosely(void)
{
    for (const struct bench_arena *const *rival = bench_arena_rivals; *rival != NULL; rival++)
        check(*rival);
    check_by_what_it_holds();
}
