/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The header lies at the start of the reservation and nodes follow it; a copy of parents and users are behind them,
 * each on a 2 MiB boundary. The kernel is asked seldom, and for a quarter more each time, as a system call takes as
 * long as many allocations do; this is where an arena can run out of memory. Of what is mapped so, memory is taken in
 * steps of 500 ranges, so that little of it stands idle, and before a change begins, so that no lookup waits for the
 * kernel. Pages are touched one by one: to ask for all of a step at once is hardly quicker. Once there is much they are
 * huge ones: these are had for a twentieth of what small ones take, and the tree of a million ranges is walked with few
 * TLB misses. Users get memory when the first of them is not 0.
 */
#include "alloc/block/block.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/math.h"
#include "base/mem.h"
#include "guestmem/types.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
#define HUGE_FROM (4 * HUGE_PAGE)             /* bytes of the block */
#define FIRST ((size_t)GM_PAGE_SIZE)          /* the same: from the start, nearly all of the array form */
#define STEP (8 * (size_t)GM_PAGE_SIZE)       /* the same: at a time, after doubling */
#define MAP_FIRST (64 * (size_t)GM_PAGE_SIZE) /* the same, mapped */
#define PARENTS_FROM 8192                     /* slots: half of a large second-level cache */
#define LINE 64
#define HEADER ((sizeof(struct gm_block) + LINE - 1) / LINE * LINE) /* nodes begin behind it */

_Static_assert(sizeof(struct gm_node) == LINE, "a node is one cache line");
_Static_assert(HEADER < GM_PAGE_SIZE, "the header is part of the first page");

static size_t rounded(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

/* Bytes of the block with so many slots, and the other way round. */
static size_t block_of(uint64_t slots)
{
    return HEADER + slots * sizeof(struct gm_node);
}

static uint32_t slots_of(const struct gm_arena *arena, size_t block)
{
    uint64_t most = (uint64_t)arena->block->ranges_most + 1;
    return (uint32_t)gm_min_u64((block - HEADER) / sizeof(struct gm_node), most);
}

/* Map the first size bytes of a reservation. */
static int map_array(const struct gm_arena *arena, void *base, size_t *mapped, size_t size)
{
    void *ignored;
    size = rounded(size, GM_PAGE_SIZE);
    if (size <= *mapped)
        return 0;
    char *at = (char *)base + *mapped;
    size_t more = size - *mapped;
    if (gm_mem_map(at, more, -1, 0, false, &ignored) != 0)
        return -ENOMEM;
    if (arena->numa_node >= 0)
        gm_mem_prefer_node(at, more, arena->numa_node);
    *mapped = size;
    return 0;
}

/* Have the memory of these bytes, which nothing was written to yet. */
static void touch(void *base, size_t from, size_t to)
{
    for (size_t at = rounded(from, GM_PAGE_SIZE); at < to; at += GM_PAGE_SIZE)
        *((volatile char *)base + at) = 0;
}

/* Everything that there is one of for each slot, but nodes. */
static int map_beside(struct gm_arena *arena, uint64_t slots)
{
    int result = map_array(arena, arena->users, &arena->users_mapped, slots * sizeof(uint64_t));
    if (result == 0 && arena->late != NULL)
        result = map_array(arena, arena->late, &arena->late_mapped, slots * sizeof(struct gm_late));
    for (uint32_t i = 0; i < arena->rows_live && result == 0; i++) {
        struct gm_row *row = &arena->rows[i];
        result = map_array(arena, row->caps, &row->mapped, slots * sizeof(struct gm_caps));
    }
    return result;
}

/* Parents are copied from when nodes exceed a cache; a copy that gets no memory is done without. */
static void map_parents(struct gm_arena *arena, uint64_t slots)
{
    if (slots < PARENTS_FROM)
        return;
    if (map_array(arena, arena->parents_at, &arena->parents_mapped, slots * sizeof(uint32_t)) != 0) {
        arena->parents = NULL;
        return;
    }
    for (uint32_t slot = 0; arena->parents == NULL && slot < arena->capacity; slot++)
        arena->parents_at[slot] = gm_node_of(arena, slot)->parent;
    arena->parents = arena->parents_at;
}

static void touch_beside(const struct gm_arena *arena, uint32_t from, uint32_t to)
{
    if (arena->parents != NULL)
        touch(arena->parents, from * sizeof(uint32_t), to * sizeof(uint32_t));
    if (arena->users_capacity != 0)
        touch(arena->users, from * sizeof(uint64_t), to * sizeof(uint64_t));
    if (arena->late != NULL)
        touch(arena->late, from * sizeof(struct gm_late), to * sizeof(struct gm_late));
    for (uint32_t i = 0; i < arena->rows_live; i++)
        touch(arena->rows[i].caps, from * sizeof(struct gm_caps), to * sizeof(struct gm_caps));
}

/* Pages that are small already are made huge by the kernel when it finds the time. */
static void prefer_huge(struct gm_arena *arena)
{
    (void)gm_mem_advise(arena->block, arena->block_mapped, MADV_HUGEPAGE);
    if (arena->parents != NULL)
        (void)gm_mem_advise(arena->parents, arena->parents_mapped, MADV_HUGEPAGE);
    for (uint32_t i = 0; i < arena->rows_live; i++)
        (void)gm_mem_advise(arena->rows[i].caps, arena->rows[i].mapped, MADV_HUGEPAGE);
}

static int map(struct gm_arena *arena, size_t size)
{
    size_t most = block_of((uint64_t)arena->block->ranges_most + 1);
    size = gm_min_u64(gm_max_u64(size, arena->block_mapped + arena->block_mapped / 4), most);
    int result = map_beside(arena, slots_of(arena, rounded(size, GM_PAGE_SIZE)));
    if (result == 0)
        result = map_array(arena, arena->block, &arena->block_mapped, size);
    if (result != 0)
        return result;
    map_parents(arena, slots_of(arena, arena->block_mapped));
    if (arena->block_mapped > HUGE_FROM)
        prefer_huge(arena);
    return 0;
}

/* Bytes of the block after the next step. */
static size_t next_step(const struct gm_arena *arena)
{
    size_t most = rounded(block_of((uint64_t)arena->block->ranges_most + 1), GM_PAGE_SIZE);
    size_t size = arena->block_committed;
    if (size < STEP)
        size *= 2;
    else if (size < HUGE_FROM)
        size += STEP;
    else
        size = rounded(size + 1, HUGE_PAGE);
    return gm_min_u64(size, most);
}

static int grow(struct gm_arena *arena)
{
    size_t size = next_step(arena);
    uint32_t capacity = slots_of(arena, size);
    int result = size > arena->block_mapped ? map(arena, size) : 0;
    if (result != 0)
        return result;
    touch_beside(arena, arena->capacity, capacity);
    touch(arena->block, arena->block_committed, size);
    arena->block_committed = size;
    if (arena->users_capacity != 0)
        gm_store_release(&arena->users_capacity, capacity); /* [arena-P3] */
    gm_store_release(&arena->capacity, capacity);           /* [arena-P3] */
    return 0;
}

int gm_block_array(const struct gm_arena *arena, void *base, size_t *mapped, size_t each)
{
    bool elsewhere = arena->block_mapped == 0; /* then it has all its slots */
    uint32_t slots = elsewhere ? arena->capacity : slots_of(arena, arena->block_mapped);
    int result = map_array(arena, base, mapped, slots * each);
    if (result == 0)
        touch(base, 0, arena->capacity * each);
    return result;
}

void gm_block_words(struct gm_arena *arena)
{
    touch(arena->users, 0, arena->capacity * sizeof(uint64_t));
    gm_store_release(&arena->users_capacity, arena->capacity); /* [arena-P3] */
}

static int begin(struct gm_arena *arena, char *base, uint32_t ranges_most)
{
    size_t most = rounded(block_of((uint64_t)ranges_most + 1), GM_PAGE_SIZE);
    int result = map_array(arena, base, &arena->block_mapped, gm_min_u64(MAP_FIRST, most));
    if (result != 0)
        return result;
    arena->block = (struct gm_block *)base;
    arena->nodes = (struct gm_node *)(base + HEADER);
    arena->block->ranges_most = ranges_most;
    result = map_beside(arena, slots_of(arena, arena->block_mapped));
    if (result != 0)
        return result;
    arena->block_committed = FIRST;
    arena->capacity = slots_of(arena, FIRST);
    touch_beside(arena, 0, arena->capacity);
    return 0;
}

int gm_block_create(struct gm_arena *arena, uint32_t ranges_most)
{
    size_t block = rounded(block_of((uint64_t)ranges_most + 1), HUGE_PAGE);
    size_t parents = rounded(((size_t)ranges_most + 1) * sizeof(uint32_t), HUGE_PAGE);
    size_t users = rounded(((size_t)ranges_most + 1) * sizeof(uint64_t), HUGE_PAGE);
    arena->reserved = HUGE_PAGE + block + parents + users; /* the first to align the rest */
    if (gm_mem_reserve(arena->reserved, &arena->reservation) != 0) {
        arena->reservation = NULL;
        return -ENOMEM;
    }
    char *base = (char *)rounded((uintptr_t)arena->reservation, HUGE_PAGE);
    arena->parents_at = (uint32_t *)(base + block);
    arena->users = (uint64_t *)(base + block + parents);
    return begin(arena, base, ranges_most);
}

void gm_block_destroy(struct gm_arena *arena)
{
    for (unsigned i = 0; i < GM_ARENA_CLASSES; i++)
        if (arena->rows[i].caps != NULL)
            (void)gm_mem_unmap(arena->rows[i].caps, arena->rows[i].reserved);
    if (arena->reservation != NULL)
        (void)gm_mem_unmap(arena->reservation, arena->reserved);
}

int gm_block_grow(struct gm_arena *arena, uint32_t more)
{
    int result = 0;
    uint64_t count = (uint64_t)arena->block->count + more;
    if (count > arena->block->ranges_most)
        return -EDQUOT;
    while (count >= arena->capacity && result == 0)
        result = grow(arena);
    return result;
}

void gm_block_slot_free(struct gm_arena *arena, uint32_t slot)
{
    struct gm_node *node = gm_node_of(arena, slot);
    gm_store_relaxed(&node->state, GM_NODE_FREE);
    gm_store_relaxed(&node->generation, gm_generation_next(node->generation));
    gm_store_relaxed(&node->link[0], arena->block->free_slot);
    arena->block->free_slot = slot;
}

/* Of what there is one of for each slot. */
static uint64_t held(const struct gm_arena *arena, size_t each)
{
    size_t size = arena->capacity * each;
    return rounded(size, size > HUGE_PAGE ? HUGE_PAGE : GM_PAGE_SIZE);
}

uint64_t gm_block_bytes(const struct gm_arena *arena)
{
    uint64_t bytes = sizeof(*arena) + arena->block_committed;
    bytes += arena->parents != NULL ? held(arena, sizeof(uint32_t)) : 0;
    bytes += arena->users_capacity != 0 && arena->users_mapped != 0 ? held(arena, sizeof(uint64_t)) : 0;
    bytes += arena->late != NULL ? held(arena, sizeof(struct gm_late)) : 0;
    for (unsigned i = 0; i < GM_ARENA_CLASSES; i++)
        bytes += gm_min_u64(arena->rows[i].mapped, held(arena, sizeof(struct gm_caps)));
    return bytes;
}
