/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Loads that look like a guest's. The answers are those of the B+tree among the competitors, which is quick enough for
 * a million ranges; it is checked against the oracle, and so are these loads where they are small.
 *
 * vmm: memory slots and natural BARs of 4 KiB to 64 GiB, some of them below 4 GiB. A slot is plugged out and in, so is
 * a BAR, or the guest moves it: as the arenas here have no move, it is freed and put at its new address.
 * iova: natural blocks of 4 KiB to 2 MiB at the highest address, a tenth of them, up to 32 KiB, for a device that
 * reaches no further than 4 GiB.
 */
#include "load.h"

#include <errno.h>
#include <stdlib.h>

#include "inputs.h"

#define GIB (UINT64_C(1) << 30)
#define LOW_END (4 * GIB)
#define VMM_SIZE (UINT64_C(1) << 47)
#define VMM_UNITS 4096
#define BAR_ORDERS 25u /* 4 KiB to 64 GiB */
#define LOW_ORDERS 9u  /* to 1 MiB, below 4 GiB */
#define SLOT_REQUEST (BAR_ORDERS + LOW_ORDERS)
#define FIRST_MOVE (SLOT_REQUEST + 1)
#define MOVES 512u
#define IOVA_ORDERS 10u
#define IOVA_LOW_ORDERS 4u
#define IOVA_UNITS ((size_t)1 << 16)

_Static_assert(FIRST_MOVE + MOVES <= BENCH_LOAD_REQUESTS, "a request for each address that a BAR moves to");

struct live {
    uint64_t address;
    uint16_t request; /* that it was allocated with */
};

struct guest {
    struct bench_load *load;
    void *arena;
    struct live *live;
    struct bench_rng rng;
};

static struct bench_request natural(unsigned order, uint64_t min, uint64_t end, enum bench_policy policy)
{
    return (struct bench_request){.size = BENCH_PAGE << order,
                                  .align = BENCH_PAGE << order,
                                  .min = min,
                                  .max = end - 1,
                                  .policy = (uint32_t)policy};
}

static int allocate(struct guest *guest, size_t slot, uint16_t request)
{
    struct live *live = &guest->live[slot];

    live->request = request;
    return bench_arena_btree.alloc(guest->arena, &guest->load->requests[request], &live->address);
}

static int release(struct guest *guest, size_t slot)
{
    const struct live *live = &guest->live[slot];

    return bench_arena_btree.free(guest->arena, live->address, guest->load->requests[live->request].size);
}

/* Unit: frees what is in the slot, and allocates into it again, with this request. */
static int write_down(struct guest *guest, size_t unit, size_t slot, uint16_t request)
{
    struct bench_op *op = &guest->load->ops[2 * unit];
    int result;

    op[0] = (struct bench_op){.slot = (uint32_t)slot, .request = guest->live[slot].request, .kind = BENCH_FREE};
    op[1] = (struct bench_op){.slot = (uint32_t)slot, .request = request, .kind = BENCH_ALLOCATE};
    result = allocate(guest, slot, request);
    guest->load->answers[unit] = guest->live[slot].address;
    return result;
}

static int by_address(const void *a, const void *b)
{
    const struct live *x = a, *y = b;

    return (x->address > y->address) - (x->address < y->address);
}

/* What is there now is what is there before the first unit. */
static void begin_here(struct guest *guest)
{
    struct bench_load *load = guest->load;

    qsort(guest->live, load->n, sizeof(*guest->live), by_address);
    for (size_t i = 0; i < load->n; i++)
        load->placed[i] = (struct bench_extent){guest->live[i].address, load->requests[guest->live[i].request].size};
}

static int guest_open(struct guest *guest, struct bench_load *load, uint64_t seed, size_t units)
{
    *guest = (struct guest){.load = load, .rng = {seed}};
    guest->arena = bench_arena_btree.create(load->base, load->size);
    guest->live = calloc(load->n, sizeof(*guest->live));
    if (guest->arena == NULL || guest->live == NULL)
        return -ENOMEM;
    return bench_load_room(load, load->n, units, 2, load->n);
}

static int guest_close(struct guest *guest, int result)
{
    if (guest->arena != NULL)
        bench_arena_btree.destroy(guest->arena);
    free(guest->live);
    return result;
}

/* ---- vmm ----------------------------------------------------------------------------------------------- */

static void vmm_requests(struct bench_load *load)
{
    uint64_t end = load->base + load->size;

    for (unsigned i = 0; i < BAR_ORDERS; i++)
        load->requests[i] = natural(i, LOW_END, end, BENCH_LOWEST);
    for (unsigned i = 0; i < LOW_ORDERS; i++)
        load->requests[BAR_ORDERS + i] = natural(i, 3 * GIB, LOW_END, BENCH_LOWEST);
    load->requests[SLOT_REQUEST] = natural(15, LOW_END, end, BENCH_LOWEST);
    load->request_count = FIRST_MOVE;
    load->needs = BENCH_CAN_WINDOW | BENCH_CAN_FIXED;
}

/* Small ones are far more frequent, and half of those that can be are below 4 GiB. */
static uint16_t any_bar(struct guest *guest)
{
    uint64_t a = bench_random_below(&guest->rng, BAR_ORDERS), b = bench_random_below(&guest->rng, BAR_ORDERS);
    uint64_t order = a < b ? a : b;
    int low = order < LOW_ORDERS && bench_random_below(&guest->rng, 2) == 0;

    return (uint16_t)(low ? BAR_ORDERS + order : order);
}

/* To the highest place of a window of 64 MiB somewhere, or anywhere; then it is a request of its own. */
static uint16_t move_to(struct guest *guest, uint16_t request)
{
    struct bench_load *load = guest->load;
    struct bench_request wanted = load->requests[request];
    uint64_t address;

    if (load->request_count == FIRST_MOVE + MOVES)
        return request;
    wanted.policy = BENCH_HIGHEST;
    wanted.min = wanted.min < LOW_END ? 3 * GIB : LOW_END;
    wanted.max = wanted.min < LOW_END ? LOW_END - 1 : load->base + load->size - 1;
    if (bench_arena_btree.alloc(guest->arena, &wanted, &address) != 0)
        return request;
    (void)bench_arena_btree.free(guest->arena, address, wanted.size);
    load->requests[load->request_count] = bench_request_fixed(address, wanted.size);
    return (uint16_t)load->request_count++;
}

/* A memory slot stays one, and a BAR has its size and, until it moves, its window. */
static int vmm_unit(struct guest *guest, size_t unit)
{
    size_t slot = (size_t)bench_random_below(&guest->rng, guest->load->n);
    uint16_t request = guest->live[slot].request;

    if (release(guest, slot) != 0)
        return -EINVAL;
    if (request != SLOT_REQUEST && bench_random_below(&guest->rng, 4) == 0)
        request = move_to(guest, request);
    return write_down(guest, unit, slot, request);
}

int bench_load_vmm(struct bench_load *load, uint64_t seed)
{
    size_t bars = load->n * 3 / 7; /* 64 functions have 6 each, beside 500 slots */
    struct guest guest;
    int result;

    load->base = 3 * GIB;
    load->size = VMM_SIZE;
    vmm_requests(load);
    result = guest_open(&guest, load, seed, VMM_UNITS);
    for (size_t i = 0; i < load->n && result == 0; i++)
        result = allocate(&guest, i, i < bars ? any_bar(&guest) : SLOT_REQUEST);
    if (result == 0)
        begin_here(&guest);
    for (size_t i = 0; i < load->units && result == 0; i++)
        result = vmm_unit(&guest, i);
    return guest_close(&guest, result);
}

/* ---- iova ---------------------------------------------------------------------------------------------- */

static void iova_requests(struct bench_load *load)
{
    for (unsigned i = 0; i < IOVA_ORDERS; i++)
        load->requests[i] = natural(i, LOW_END, load->base + load->size, BENCH_HIGHEST);
    for (unsigned i = 0; i < IOVA_LOW_ORDERS; i++)
        load->requests[IOVA_ORDERS + i] = natural(i, load->base, LOW_END, BENCH_HIGHEST);
    load->request_count = IOVA_ORDERS + IOVA_LOW_ORDERS;
    load->needs = BENCH_CAN_WINDOW | BENCH_CAN_HIGHEST;
}

static uint16_t any_block(struct guest *guest, size_t slot)
{
    if (slot % 10 == 0)
        return (uint16_t)(IOVA_ORDERS + bench_random_below(&guest->rng, IOVA_LOW_ORDERS));
    return (uint16_t)bench_random_below(&guest->rng, IOVA_ORDERS);
}

/* The slots of the tenth keep being it, so that 4 GiB are enough for them. */
static int iova_unit(struct guest *guest, size_t unit)
{
    size_t slot = (size_t)bench_random_below(&guest->rng, guest->load->n);
    uint16_t request = any_block(guest, guest->live[slot].request >= IOVA_ORDERS ? 0 : 1);

    if (release(guest, slot) != 0)
        return -EINVAL;
    return write_down(guest, unit, slot, request);
}

/* Once through everything in random order, so that gaps are those of a domain that has lived. */
static int live_before(struct guest *guest)
{
    int result = 0;

    for (size_t i = 0; i < guest->load->n && result == 0; i++)
        result = allocate(guest, i, any_block(guest, i));
    for (size_t i = 0; i < guest->load->n && result == 0; i++) {
        size_t slot = (size_t)bench_random_below(&guest->rng, guest->load->n);
        if (release(guest, slot) != 0)
            return -EINVAL;
        result = allocate(guest, slot, any_block(guest, slot));
    }
    return result;
}

int bench_load_iova(struct bench_load *load, uint64_t seed)
{
    struct guest guest;
    int result;

    load->base = BENCH_PAGE;
    load->size = LOW_END + (load->n + 16) * ((uint64_t)4 << 20) - BENCH_PAGE;
    iova_requests(load);
    result = guest_open(&guest, load, seed, IOVA_UNITS);
    if (result == 0)
        result = live_before(&guest);
    if (result == 0)
        begin_here(&guest);
    for (size_t i = 0; i < load->units && result == 0; i++)
        result = iova_unit(&guest, i);
    return guest_close(&guest, result);
}
