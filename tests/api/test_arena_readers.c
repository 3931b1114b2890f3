/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Unplug and replug with readers about, the ninth of the hardest cases: lookups run in threads that registered nowhere,
 * beside takes, gives and moves that turn the arena into a tree and back; each sees a change whole or not at all. And
 * threads that change an arena with a lock of its own.
 */
#include "lib/arena_model_rig.h"

#include <pthread.h>

#define PAGE UINT64_C(0x1000)
#define STABLE 20     /* ranges that stay all the time, each with a guard, in the middle of what comes and goes */
#define CHANGING 300
#define ROUNDS 300
#define ENOUGH 600000 /* lookups */
#define NEVER UINT64_C(0xa0000000) /* nothing is taken from here on */
#define WRITERS 3
#define TURNS 100000

static uint64_t stable_first(uint64_t i)
{
    return (i + 1) * 16 * PAGE;
}

struct shared {
    struct gm_arena *arena;
    gm_range mover;
    int stop;
    unsigned lookups; /* that were answered: -EAGAIN is allowed, but not always */
};

static bool is_stopped(struct shared *shared)
{
    return __atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE) != 0;
}

static bool is_stable(const struct gm_range_info *info, uint64_t i)
{
    return info->first == stable_first(i) && info->last == stable_first(i) + PAGE - 1 && info->user == i &&
           info->owner == 5 && info->flags == 0;
}

/* The guard before it. */
static bool is_guard(const struct gm_range_info *info, uint64_t i)
{
    return info->first == stable_first(i) - PAGE && info->last == stable_first(i) - 1 && info->user == i &&
           info->owner == 5 && info->flags == GM_RANGE_GUARD;
}

/* Returns a line number where something was wrong, 0 for nothing. */
static int look_once(struct shared *shared, uint64_t i)
{
    struct gm_range_info info;
    int result = gm_arena_find(shared->arena, stable_first(i) + 7, &info);
    if (result == 0)
        __atomic_fetch_add(&shared->lookups, 1, __ATOMIC_RELAXED);
    if (result != -EAGAIN && (result != 0 || !is_stable(&info, i)))
        return __LINE__;
    result = gm_arena_find(shared->arena, stable_first(i) - 1, &info);
    if (result != -EAGAIN && (result != 0 || !is_guard(&info, i)))
        return __LINE__;
    result = gm_arena_next(shared->arena, stable_first(i) - PAGE, &info);
    if (result != -EAGAIN && (result != 0 || !is_guard(&info, i)))
        return __LINE__;
    result = gm_arena_find(shared->arena, NEVER + i * PAGE, &info);
    if (result != -EAGAIN && result != -ENOENT)
        return __LINE__;
    result = gm_arena_get(shared->arena, shared->mover, &info);
    if (result != -EAGAIN && (result != 0 || info.user != 99 || info.last - info.first != 4 * PAGE - 1))
        return __LINE__;
    return 0;
}

static void *look(void *argument)
{
    struct shared *shared = argument;
    intptr_t wrong = 0;
    for (uint64_t i = 0; wrong == 0 && !is_stopped(shared); i++)
        wrong = look_once(shared, i % STABLE);
    return (void *)wrong;
}

/* The mover is found at its old place or at its new one: they overlap, and their common part is always taken. */
static void *look_at_the_mover(void *argument)
{
    struct shared *shared = argument;
    struct gm_range_info info;
    intptr_t wrong = 0;
    while (wrong == 0 && !is_stopped(shared)) {
        int result = gm_arena_find(shared->arena, UINT64_C(0x80000000) + 3 * PAGE, &info);
        if (result == -EAGAIN)
            continue;
        bool old_place = info.first == UINT64_C(0x80000000);
        if (result != 0 || info.range != shared->mover || info.last != info.first + 4 * PAGE - 1 ||
            (!old_place && info.first != UINT64_C(0x80000000) + 3 * PAGE))
            wrong = __LINE__;
    }
    return (void *)wrong;
}

/* The lowest places are between the stable ranges. */
static void fill_and_empty(struct shared *shared, unsigned round)
{
    static gm_range taken[CHANGING];
    struct gm_arena *arena = shared->arena;
    struct gm_range_info info;
    for (unsigned i = 0; i < CHANGING; i++) {
        struct gm_request request = {.size = (1 + (i + round) % 3) * PAGE};
        assert_result(gm_arena_take(arena, &request, &info), 0);
        taken[i] = info.range;
    }
    uint64_t to = UINT64_C(0x80000000) + (round % 2 == 0 ? 3 * PAGE : 0);
    assert_result(gm_arena_relocate(arena, shared->mover, to), 0);
    for (unsigned i = 0; i < CHANGING; i++)
        assert_result(gm_arena_give(arena, taken[i * 7 % CHANGING]), 0);
}

/* So many rounds, and on until the readers had their part of the processor. */
static void change(struct shared *shared)
{
    for (unsigned round = 0; round < 100 * ROUNDS; round++) {
        if (round >= ROUNDS && __atomic_load_n(&shared->lookups, __ATOMIC_RELAXED) >= ENOUGH)
            break;
        fill_and_empty(shared, round);
    }
}

static void readers_see_changes_whole(void **state)
{
    (void)state;
    struct shared shared = {.arena = gmt_arena_open(0, 0xffffffff, PAGE)};
    pthread_t threads[2];
    void *wrong[2];
    struct gm_request request = {.size = PAGE, .place = GM_PLACE_FIXED, .owner = 5, .guard_before = PAGE};
    for (uint64_t i = 0; i < STABLE; i++) {
        request.near = stable_first(i);
        request.user = i;
        gmt_arena_take(shared.arena, request);
    }
    request = (struct gm_request){.size = 4 * PAGE, .place = GM_PLACE_FIXED, .near = UINT64_C(0x80000000), .user = 99};
    shared.mover = gmt_arena_take(shared.arena, request).range;
    assert_int_equal(pthread_create(&threads[0], NULL, look, &shared), 0);
    assert_int_equal(pthread_create(&threads[1], NULL, look_at_the_mover, &shared), 0);
    change(&shared);
    __atomic_store_n(&shared.stop, 1, __ATOMIC_RELEASE);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_join(threads[i], &wrong[i]), 0);
    assert_ptr_equal(wrong[0], NULL);
    assert_ptr_equal(wrong[1], NULL);
    assert_true(shared.lookups > 0);
    gm_arena_destroy(shared.arena);
}

/* Each thread takes, and gives what another took. */
struct exchange {
    struct gm_arena *arena;
    gm_range slot[64];
    int wrong;
    pthread_barrier_t start;
};

static void *take_and_give(void *argument)
{
    struct exchange *exchange = argument;
    pthread_barrier_wait(&exchange->start);
    for (unsigned i = 0; i < TURNS; i++) {
        struct gm_request request = {.size = 1 + i % 7, .align = UINT64_C(1) << i % 5};
        struct gm_range_info info = {.range = 0};
        if (gm_arena_take(exchange->arena, &request, &info) != 0)
            __atomic_store_n(&exchange->wrong, __LINE__, __ATOMIC_RELAXED);
        gm_range old = __atomic_exchange_n(&exchange->slot[i % 64], info.range, __ATOMIC_ACQ_REL);
        if (old != 0 && gm_arena_give(exchange->arena, old) != 0)
            __atomic_store_n(&exchange->wrong, __LINE__, __ATOMIC_RELAXED);
    }
    return NULL;
}

static void locked_arena_takes_changes_from_threads(void **state)
{
    (void)state;
    static struct exchange exchange;
    static struct gmt_arena_dump dump;
    const struct gm_arena_config config = {.last = 0xffffff, .flags = GM_ARENA_LOCKED, .numa_node = -1};
    pthread_t threads[WRITERS];
    assert_result(gm_arena_create(&config, &exchange.arena), 0);
    assert_int_equal(pthread_barrier_init(&exchange.start, NULL, WRITERS), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_give, &exchange), 0);
    for (unsigned i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    pthread_barrier_destroy(&exchange.start);
    assert_int_equal(exchange.wrong, 0);
    gmt_arena_dump(exchange.arena, &dump);
    assert_int_equal(dump.count, 64);
    for (unsigned i = 1; i < dump.count; i++)
        assert_true(dump.info[i - 1].last < dump.info[i].first);
    for (unsigned i = 0; i < 64; i++)
        assert_result(gm_arena_give(exchange.arena, exchange.slot[i]), 0);
    assert_true(gmt_arena_is_free(exchange.arena, 0, 0xffffff));
    gm_arena_destroy(exchange.arena);
}

/* Neighbours of different owners touch, and are still two; what is given between them is one gap. */
static void adjacent_ranges_do_not_merge(void **state)
{
    (void)state;
    static struct gmt_arena_dump dump;
    struct gm_arena *arena = gmt_arena_open(0, 0xffff, PAGE);
    for (uint32_t i = 0; i < 16; i++)
        assert_takes(arena, i * PAGE, .size = PAGE, .owner = i / 2);
    gmt_arena_dump(arena, &dump);
    assert_int_equal(dump.count, 16);
    assert_no_trace(arena, gm_arena_give_exact(arena, 0, 2 * PAGE - 1, 0), -ERANGE);
    assert_result(gm_arena_give_exact(arena, 4 * PAGE, 5 * PAGE - 1, 2), 0);
    assert_result(gm_arena_give_exact(arena, 6 * PAGE, 7 * PAGE - 1, 3), 0);
    assert_refuses(arena, -ENOSPC, .size = 2 * PAGE);
    assert_result(gm_arena_give_exact(arena, 5 * PAGE, 6 * PAGE - 1, 2), 0);
    assert_takes(arena, 4 * PAGE, .size = 3 * PAGE);
    gm_arena_destroy(arena);
}

#define TEST(name) cmocka_unit_test(name)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(readers_see_changes_whole),
        TEST(locked_arena_takes_changes_from_threads),
        TEST(adjacent_ranges_do_not_merge),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
