/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Blocks of 1, 2, 4 or 8 pages at multiples of their size: any one is freed, and one of any size takes the lowest
 * place that fits. The answers come from bitmaps of free blocks, one for each size, which is exact because nothing
 * else is ever asked here, and quick enough for a million blocks. Ranges that are there before have been through four
 * times as many such steps, so that the gaps are those of an arena that has lived.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "inputs.h"

#define ORDERS 4
#define LEVELS 5 /* 64^5 bits */
#define UNITS ((size_t)1 << 18)
#define BASE (UINT64_C(64) << 30)
#define STEPS_BEFORE 4 /* for each block */
#define PAGES_EACH 16  /* of the arena for each block: there is always a place */

_Static_assert(ORDERS <= BENCH_LOAD_REQUESTS, "a request for each size");

/* A set of numbers whose least one is found in LEVELS steps: a bit above says that the word below is not 0. */
struct bits {
    uint64_t *level[LEVELS];
};

struct blocks {
    struct bits free[ORDERS]; /* block i of 2^order pages is free as a whole */
};

struct block {
    uint32_t page;
    uint16_t order;
};

static int bits_open(struct bits *bits, size_t count)
{
    for (unsigned i = 0; i < LEVELS; i++) {
        count = count / 64 + 1;
        bits->level[i] = calloc(count, sizeof(uint64_t));
        if (bits->level[i] == NULL)
            return -ENOMEM;
    }
    return 0;
}

static void bits_close(struct bits *bits)
{
    for (unsigned i = 0; i < LEVELS; i++)
        free(bits->level[i]);
}

static void bits_set(struct bits *bits, size_t at)
{
    for (unsigned i = 0; i < LEVELS; i++, at /= 64)
        bits->level[i][at / 64] |= UINT64_C(1) << at % 64;
}

static void bits_clear(struct bits *bits, size_t at)
{
    for (unsigned i = 0; i < LEVELS; i++, at /= 64) {
        bits->level[i][at / 64] &= ~(UINT64_C(1) << at % 64);
        if (bits->level[i][at / 64] != 0)
            return;
    }
}

static int bits_has(const struct bits *bits, size_t at)
{
    return (int)(bits->level[0][at / 64] >> at % 64 & 1);
}

static size_t bits_least(const struct bits *bits)
{
    size_t at = 0;

    for (unsigned i = LEVELS; i-- > 0;)
        at = at * 64 + (unsigned)__builtin_ctzll(bits->level[i][at]);
    return at;
}

static uint32_t take(struct blocks *blocks, unsigned order)
{
    size_t page = bits_least(&blocks->free[order]) << order;

    for (unsigned i = 0; i < ORDERS; i++)
        for (size_t at = page >> i; at << i < page + ((size_t)1 << order); at++)
            bits_clear(&blocks->free[i], at);
    return (uint32_t)page;
}

static void give(struct blocks *blocks, size_t page, unsigned order)
{
    for (unsigned i = 0; i <= order; i++)
        for (size_t at = page >> i; at << i < page + ((size_t)1 << order); at++)
            bits_set(&blocks->free[i], at);
    for (unsigned i = order + 1; i < ORDERS; i++) {
        size_t half = page >> (i - 1) & ~(size_t)1;
        if (!bits_has(&blocks->free[i - 1], half) || !bits_has(&blocks->free[i - 1], half + 1))
            return;
        bits_set(&blocks->free[i], page >> i);
    }
}

static int blocks_open(struct blocks *blocks, size_t pages)
{
    int result = 0;

    memset(blocks, 0, sizeof(*blocks));
    for (unsigned i = 0; i < ORDERS && result == 0; i++)
        result = bits_open(&blocks->free[i], pages >> i);
    for (unsigned i = 0; i < ORDERS && result == 0; i++)
        for (size_t at = 0; at < pages >> i; at++)
            bits_set(&blocks->free[i], at);
    return result;
}

static struct block renew(struct blocks *blocks, struct bench_rng *rng)
{
    uint16_t order = (uint16_t)bench_random_below(rng, ORDERS);

    return (struct block){take(blocks, order), order};
}

static int by_page(const void *a, const void *b)
{
    const struct block *x = a, *y = b;

    return (x->page > y->page) - (x->page < y->page);
}

static void live_before(struct blocks *blocks, struct bench_rng *rng, struct block *live, size_t n)
{
    for (size_t i = 0; i < n; i++)
        live[i] = renew(blocks, rng);
    for (size_t i = 0; i < STEPS_BEFORE * n; i++) {
        struct block *block = &live[bench_random_below(rng, n)];
        give(blocks, block->page, block->order);
        *block = renew(blocks, rng);
    }
    qsort(live, n, sizeof(*live), by_page);
}

static void write_down(struct bench_load *load, struct blocks *blocks, struct bench_rng *rng, struct block *live)
{
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] =
            (struct bench_extent){load->base + live[i].page * BENCH_PAGE, BENCH_PAGE << live[i].order};
    for (size_t i = 0; i < load->units; i++) {
        uint32_t slot = (uint32_t)bench_random_below(rng, load->n);
        load->ops[2 * i] = (struct bench_op){.slot = slot, .request = live[slot].order, .kind = BENCH_FREE};
        give(blocks, live[slot].page, live[slot].order);
        live[slot] = renew(blocks, rng);
        load->ops[2 * i + 1] = (struct bench_op){.slot = slot, .request = live[slot].order, .kind = BENCH_ALLOCATE};
        load->answers[i] = load->base + live[slot].page * BENCH_PAGE;
    }
}

int bench_load_churn(struct bench_load *load, uint64_t seed)
{
    size_t pages = PAGES_EACH * load->n;
    struct bench_rng rng = {seed};
    struct blocks blocks;
    struct block *live = calloc(load->n, sizeof(*live));
    int result = bench_load_room(load, load->n, UNITS, 2, load->n);

    load->base = BASE;
    load->size = pages * BENCH_PAGE;
    load->request_count = ORDERS;
    for (unsigned i = 0; i < ORDERS; i++)
        load->requests[i] = (struct bench_request){.size = BENCH_PAGE << i,
                                                   .align = BENCH_PAGE << i,
                                                   .min = load->base,
                                                   .max = load->base + (load->size - 1)};
    if (live == NULL || blocks_open(&blocks, pages) != 0)
        result = -ENOMEM;
    if (result == 0) {
        live_before(&blocks, &rng, live, load->n);
        write_down(load, &blocks, &rng, live);
    }
    for (unsigned i = 0; i < ORDERS && live != NULL; i++)
        bits_close(&blocks.free[i]);
    free(live);
    return result;
}
