/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The heap's contract, whichever allocator is behind it: jemalloc in most builds, libc in those of sanitizers and with
 * GM_JEMALLOC off. Nothing here asks which.
 */
#include "lib/cm.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "lib/rand.h"

#define LINE 64
#define MANY 600
#define HEAPS 5000 /* more than there can be explicit caches in jemalloc */
#define THREADS 4
#define ROUNDS 2000

struct block {
    unsigned char *at;
    size_t size;
    unsigned char fill;
};

static void fill(struct block *block, struct gm_heap *heap, size_t size, unsigned char value)
{
    block->at = gm_alloc(heap, size);
    assert_non_null(block->at);
    assert_true((uintptr_t)block->at % LINE == 0);
    block->size = size;
    block->fill = value;
    memset(block->at, value, size);
}

static bool intact(const struct block *block)
{
    for (size_t i = 0; i < block->size; i++)
        if (block->at[i] != block->fill)
            return false;
    return true;
}

static void nodes(void **state)
{
    static const int good[] = {GM_NODE_ANY, 0, 1, GM_NODE_LIMIT - 1}; /* that node need not exist here */
    static const int bad[] = {-2, GM_NODE_LIMIT, GM_NODE_LIMIT + 1, INT32_MIN, INT32_MAX};
    struct gm_heap *heap = NULL;
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_result(gm_heap_create(bad[i], &heap), -EINVAL);
        assert_null(heap);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        struct block small;
        struct block large;
        assert_result(gm_heap_create(good[i], &heap), 0);
        fill(&small, heap, 100, 0x11);
        fill(&large, heap, (size_t)3 << 20, 0x22);
        assert_true(intact(&small) && intact(&large));
        gm_free(heap, small.at, small.size);
        gm_free(heap, large.at, large.size);
        gm_heap_destroy(heap);
    }
}

static void nothing_is_ignored(void **state)
{
    struct gm_heap *heap;
    (void)state;
    gm_heap_destroy(NULL);
    gm_free(NULL, NULL, 0);
    gm_free(NULL, NULL, 100);
    assert_result(gm_heap_create(GM_NODE_ANY, &heap), 0);
    gm_free(heap, NULL, 100);
    gm_heap_destroy(heap);
}

static void sizes_do_not_overlap(void **state)
{
    static struct block blocks[MANY];
    struct gm_heap *heap;
    uint64_t seed = 0x68656170;
    (void)state;
    assert_result(gm_heap_create(GM_NODE_ANY, &heap), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++)
            fill(&blocks[i], heap, 1 + (round == 0 ? i : gmt_rand_below(&seed, 20000)), (unsigned char)(i * 7));
        for (unsigned i = 0; i < MANY; i += 2) { /* holes that the next ones fall into */
            gm_free(heap, blocks[i].at, blocks[i].size);
            fill(&blocks[i], heap, 1 + gmt_rand_below(&seed, 5000), (unsigned char)(i + 1));
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_true(intact(&blocks[i]));
            gm_free(heap, blocks[i].at, blocks[i].size);
        }
    }
    gm_heap_destroy(heap);
}

static void heaps_are_independent(void **state)
{
    static struct gm_heap *heaps[HEAPS];
    static struct block blocks[HEAPS];
    (void)state;
    for (unsigned i = 0; i < HEAPS; i++) {
        assert_result(gm_heap_create(i % 2 ? 0 : GM_NODE_ANY, &heaps[i]), 0);
        fill(&blocks[i], heaps[i], 64 + i % 300, (unsigned char)i);
    }
    for (unsigned i = 1; i < HEAPS; i += 2) {
        gm_free(heaps[i], blocks[i].at, blocks[i].size);
        gm_heap_destroy(heaps[i]);
    }
    for (unsigned i = 0; i < HEAPS; i += 2) {
        assert_true(intact(&blocks[i]));
        gm_free(heaps[i], blocks[i].at, blocks[i].size);
        gm_heap_destroy(heaps[i]);
    }
}

static void making_and_destroying_uses_nothing_up(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3 * HEAPS; i++) {
        struct gm_heap *heap;
        struct block block;
        assert_result(gm_heap_create(0, &heap), 0);
        fill(&block, heap, 200, 0x5a);
        gm_free(heap, block.at, block.size);
        gm_heap_destroy(heap);
    }
}

static struct gm_heap *shared;
static struct block passed;

/* A heap goes from writer to writer: what one allocated another frees. */
static void *take_over(void *argument)
{
    unsigned char value = (unsigned char)(uintptr_t)argument;
    bool good = intact(&passed);
    gm_free(shared, passed.at, passed.size);
    passed.at = gm_alloc(shared, passed.size);
    if (passed.at == NULL)
        return &shared;
    passed.fill = value;
    memset(passed.at, value, passed.size);
    return good ? NULL : &shared;
}

static void a_heap_changes_hands(void **state)
{
    (void)state;
    assert_result(gm_heap_create(GM_NODE_ANY, &shared), 0);
    fill(&passed, shared, 4160, 1);
    for (unsigned i = 0; i < 50; i++) {
        pthread_t thread;
        void *result;
        assert_int_equal(pthread_create(&thread, NULL, take_over, (void *)(uintptr_t)(i + 2)), 0);
        assert_int_equal(pthread_join(thread, &result), 0);
        assert_null(result);
    }
    assert_true(intact(&passed));
    gm_free(shared, passed.at, passed.size);
    gm_heap_destroy(shared);
}

static void *use_no_heap(void *argument)
{
    uint64_t seed = (uintptr_t)argument;
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct block block = {.size = 1 + gmt_rand_below(&seed, 3000), .fill = (unsigned char)i};
        block.at = gm_alloc(NULL, block.size);
        if (block.at == NULL)
            return &shared;
        memset(block.at, block.fill, block.size);
        if (!intact(&block))
            return &shared;
        gm_free(NULL, block.at, block.size);
    }
    return NULL;
}

static void no_heap_is_for_any_thread(void **state)
{
    pthread_t threads[THREADS];
    (void)state;
    for (uintptr_t i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_no_heap, (void *)(i + 1)), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        assert_int_equal(pthread_join(threads[i], &result), 0);
        assert_null(result);
    }
}

static void without_memory(void **state)
{
    struct gm_heap *heap = NULL;
    (void)state;
    gm_fault_arm(1);
    assert_result(gm_heap_create(GM_NODE_ANY, &heap), -ENOMEM);
    assert_true(gm_fault_disarm());
    assert_null(heap);
    assert_result(gm_heap_create(GM_NODE_ANY, &heap), 0);
    gm_fault_arm(1);
    assert_null(gm_alloc(heap, 64));
    assert_true(gm_fault_disarm());
    gm_heap_destroy(heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes),
        cmocka_unit_test(nothing_is_ignored),
        cmocka_unit_test(sizes_do_not_overlap),
        cmocka_unit_test(heaps_are_independent),
        cmocka_unit_test(making_and_destroying_uses_nothing_up),
        cmocka_unit_test(a_heap_changes_hands),
        cmocka_unit_test(no_heap_is_for_any_thread),
        cmocka_unit_test(without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
