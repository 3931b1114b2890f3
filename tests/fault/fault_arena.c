/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Arenas that run out of memory: each allocation, reservation and step of memory of an operation fails once. The
 * operation has to say so, the arena has to be what it was, word by word, and the operation has to work afterwards.
 */
#include "lib/cm.h"

#include <stdbool.h>

#include "alloc/order/check.h"
#include "base/fault.h"
#include "guestmem/arena_query.h"

#define SIZE 4096
#define STEPS_MOST 100

static const struct gm_arena_config config = {.last = UINT64_MAX, .granule = SIZE, .numa_node = 0};

/* All that an arena is, and nothing that says how much memory it holds. */
struct image {
    struct gm_block block;
    struct gm_node *nodes;
    uint64_t *users; /* NULL: there is no word yet */
    uint32_t slots;
};

static void *copy(const void *from, size_t size)
{
    void *to = malloc(size);
    assert_non_null(to);
    return memcpy(to, from, size);
}

static struct image image_take(const struct gm_arena *arena)
{
    struct image image = {.block = *arena->block, .slots = arena->block->slots};
    image.nodes = copy(arena->nodes, (image.slots + 1) * sizeof(struct gm_node));
    if (arena->users_capacity != 0)
        image.users = copy(arena->users, (image.slots + 1) * sizeof(uint64_t));
    assert_null(gm_arena_check(arena));
    return image;
}

static void image_drop(struct image *image)
{
    free(image->nodes);
    free(image->users);
}

static void assert_image(const struct gm_arena *arena, const struct image *image)
{
    assert_null(gm_arena_check(arena));
    assert_memory_equal(arena->block, &image->block, sizeof(image->block));
    assert_memory_equal(arena->nodes, image->nodes, (image->slots + 1) * sizeof(struct gm_node));
    if (image->users != NULL)
        assert_memory_equal(arena->users, image->users, (image->slots + 1) * sizeof(uint64_t));
}

/* An arena that has to map more memory before one more range can come. */
static struct gm_arena *full_arena(uint32_t count, unsigned classes)
{
    const struct gm_request request = {.size = SIZE};
    struct gm_arena *arena;
    uint64_t size;
    assert_result(gm_arena_create(&config, &arena), 0);
    while (arena->block->count < count || arena->block->count + 1 < arena->capacity ||
           arena->block_committed < arena->block_mapped)
        assert_result(gm_arena_take(arena, &request, NULL), 0);
    for (unsigned i = 1; i <= classes; i++)
        assert_result(gm_arena_largest(arena, (uint64_t)SIZE << i, &size), 0);
    return arena;
}

/* Fail each step of an operation, in a new arena each time. Returns how many of them made it fail. */
static unsigned sweep(uint32_t count, unsigned classes, int (*run)(struct gm_arena *arena))
{
    unsigned failed = 0;
    bool delivered = true;
    for (unsigned step = 1; delivered; step++) {
        struct gm_arena *arena = full_arena(count, classes);
        struct image before = image_take(arena);
        gm_fault_arm(step);
        int result = run(arena);
        delivered = gm_fault_disarm();
        if (result != 0) { /* else it got through, or what failed was advice */
            assert_true(delivered);
            assert_result(result, -ENOMEM);
            assert_image(arena, &before);
            assert_result(run(arena), 0);
            failed++;
        }
        assert_null(gm_arena_check(arena));
        image_drop(&before);
        gm_arena_destroy(arena);
        assert_true(step < STEPS_MOST);
    }
    return failed;
}

static void creating(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (unsigned step = 1; step < STEPS_MOST; step++) {
        struct gm_arena *arena = (struct gm_arena *)&failed;
        gm_fault_arm(step);
        int result = gm_arena_create(&config, &arena);
        bool delivered = gm_fault_disarm();
        if (result != 0) {
            assert_true(delivered && arena == (struct gm_arena *)&failed);
            assert_result(result, -ENOMEM);
            failed++;
            continue;
        }
        assert_null(gm_arena_check(arena));
        gm_arena_destroy(arena);
        if (!delivered)
            break;
    }
    assert_int_equal(failed, 4); /* the arena, its reservation, the block, users */
}

static int take_one(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .user = 5, .owner = 7};
    return gm_arena_take(arena, &request, NULL);
}

static int take_guarded(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .guard_before = SIZE, .guard_after = SIZE};
    return gm_arena_take(arena, &request, NULL);
}

static int take_next(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .place = GM_PLACE_NEXT};
    return gm_arena_take(arena, &request, NULL);
}

static int take_random(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .place = GM_PLACE_RANDOM};
    return gm_arena_take(arena, &request, NULL);
}

static int reserve_top(struct gm_arena *arena)
{
    uint64_t first = UINT64_MAX - (arena->block->count + UINT64_C(1)) * SIZE + 1;
    return gm_arena_reserve(arena, first, first + SIZE - 1, 0, 0, NULL);
}

/* Room for more ranges, whoever asks for it. */
static void growing(void **state)
{
    int (*const operations[])(struct gm_arena * arena) = {take_one, take_guarded, take_next, take_random, reserve_top};
    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(sweep(1, 0, operations[i]), 2); /* users, nodes */
        assert_int_equal(sweep(7000, 0, operations[i]), 2);  /* besides, a copy of parents, which may fail: now, */
        assert_int_equal(sweep(12000, 0, operations[i]), 2); /* or later */
    }
}

static int take_aligned(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .align = 16 * SIZE};
    return gm_arena_take(arena, &request, NULL);
}

static int ask_for_class(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .align = 128 * SIZE};
    uint64_t first;
    return gm_arena_would_fit(arena, &request, &first);
}

static int ask_why_not(struct gm_arena *arena)
{
    const struct gm_request request = {.size = SIZE, .align = 128 * SIZE, .min = SIZE, .max = 2 * SIZE};
    struct gm_why_not why;
    return gm_arena_why_not(arena, &request, &why);
}

static int ask_largest(struct gm_arena *arena)
{
    uint64_t size;
    return gm_arena_largest(arena, 128 * SIZE, &size);
}

/* The index of a class, built when it is asked for, and grown with the ranges. */
static void rows(void **state)
{
    (void)state;
    assert_int_equal(sweep(300, 0, take_aligned), 5); /* the row, its memory, then more of all */
    assert_int_equal(sweep(300, 4, take_aligned), 6); /* memory of four rows; users and nodes */
    assert_int_equal(sweep(300, 2, ask_for_class), 2);
    assert_int_equal(sweep(300, 2, ask_why_not), 2);
    assert_int_equal(sweep(300, 2, ask_largest), 2);
}

static void few_ranges_need_no_index(void **state)
{
    struct gm_arena *arena;
    (void)state;
    assert_result(gm_arena_create(&config, &arena), 0);
    assert_result(take_one(arena), 0);
    gm_fault_arm(1);
    assert_result(ask_for_class(arena), 0);
    assert_false(gm_fault_disarm());
    gm_arena_destroy(arena);
}

static gm_range some;

static int give_and_move(struct gm_arena *arena)
{
    struct gm_range_info info;
    if (gm_arena_get(arena, some, &info) != 0)
        return -ENOENT;
    if (gm_arena_resize(arena, some, info.last + SIZE) != 0 || gm_arena_relocate(arena, some, 512 * SIZE) != 0 ||
        gm_arena_update(arena, some, 1, 2) != 0 || gm_arena_extend(arena, 0, UINT64_MAX) != 0)
        return -EIO;
    return gm_arena_give(arena, some);
}

/* Nothing of this takes memory: armed or not, it works and no step is counted. */
static void giving_back(void **state)
{
    const struct gm_request request = {.size = SIZE, .min = 300 * SIZE};
    struct gm_arena *arena;
    struct gm_range_info info;
    (void)state;
    assert_result(gm_arena_create(&config, &arena), 0);
    for (unsigned i = 0; i < 200; i++) {
        assert_result(gm_arena_take(arena, &request, &info), 0);
        some = info.range;
        gm_fault_arm(1);
        assert_result(give_and_move(arena), 0);
        assert_false(gm_fault_disarm());
        assert_null(gm_arena_check(arena));
        assert_result(take_one(arena), 0);
    }
    gm_arena_destroy(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(creating),
        cmocka_unit_test(growing),
        cmocka_unit_test(rows),
        cmocka_unit_test(few_ranges_need_no_index),
        cmocka_unit_test(giving_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
