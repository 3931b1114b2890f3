/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The header lies at the start of the reservation, nodes and users each on a 2 MiB boundary behind it. The array form
 * has its memory from the start. Then there is four times as much, which is doubled, for each step takes as long as
 * many allocations; later an eighth more at a time, so that little of it stands idle, and whole huge pages once there
 * is much: the tree of a million ranges is walked with few TLB misses then.
 */
#include "alloc/block.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "base/math.h"
#include "base/mem.h"
#include "guestmem/types.h"

#define HUGE_PAGE (UINT64_C(2) << 20)
#define HUGE_FROM (4 * HUGE_PAGE)             /* bytes of nodes */
#define DOUBLE_TO (64 * (size_t)GM_PAGE_SIZE) /* the same */
#define FIRST ((size_t)GM_PAGE_SIZE)          /* the same: from the start, all but one of the array form */

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; older ones refuse it, and pages come one by one */
#define MADV_POPULATE_WRITE 23
#endif

_Static_assert(sizeof(struct gm_node) == 64, "a node is one cache line");
_Static_assert(sizeof(struct gm_block) <= GM_PAGE_SIZE, "the header is one page");

static size_t rounded(uint64_t size, uint64_t unit)
{
    return (size + unit - 1) & ~(unit - 1);
}

int gm_block_commit(const struct gm_arena *arena, void *base, size_t *committed, size_t size)
{
    void *ignored;
    size = rounded(size, GM_PAGE_SIZE);
    if (size <= *committed)
        return 0;
    char *at = (char *)base + *committed;
    size_t more = size - *committed;
    int result = gm_mem_map(at, more, -1, 0, false, &ignored);
    if (result != 0)
        return -ENOMEM;
    if (arena->numa_node >= 0)
        gm_mem_prefer_node(at, more, arena->numa_node);
    if (more >= HUGE_PAGE)
        (void)gm_mem_advise(at, more, MADV_HUGEPAGE);
    (void)gm_mem_advise(at, more, MADV_POPULATE_WRITE); /* it is used soon, and this is one system call for all */
    *committed = size;
    return 0;
}

/* Bytes of nodes after the next step. */
static size_t next_step(const struct gm_arena *arena)
{
    size_t most = ((size_t)arena->block->ranges_most + 1) * sizeof(struct gm_node);
    size_t size = arena->nodes_committed;
    if (size <= FIRST)
        size = size == 0 ? FIRST : 4 * FIRST;
    else
        size = rounded(size + size / (size < DOUBLE_TO ? 1 : 8), GM_PAGE_SIZE);
    if (size >= HUGE_FROM)
        size = rounded(arena->nodes_committed + 1, HUGE_PAGE);
    return gm_min_u64(size, rounded(most, GM_PAGE_SIZE));
}

static int grow(struct gm_arena *arena)
{
    size_t size = next_step(arena);
    uint64_t capacity = gm_min_u64(size / sizeof(struct gm_node), (uint64_t)arena->block->ranges_most + 1);
    int result = gm_block_commit(arena, arena->users, &arena->users_committed, capacity * sizeof(uint64_t));
    if (result == 0 && arena->late != NULL)
        result = gm_block_commit(arena, arena->late, &arena->late_committed, capacity * sizeof(struct gm_late));
    for (uint32_t i = 0; i < arena->rows_live && result == 0; i++) {
        struct gm_row *row = &arena->rows[i];
        result = gm_block_commit(arena, row->caps, &row->committed, capacity * sizeof(struct gm_caps));
    }
    if (result == 0)
        result = gm_block_commit(arena, arena->nodes, &arena->nodes_committed, size);
    if (result == 0)
        gm_store_release(&arena->capacity, (uint32_t)capacity); /* [arena-P3] */
    return result;
}

int gm_block_create(struct gm_arena *arena, uint32_t ranges_most)
{
    size_t nodes = rounded(((size_t)ranges_most + 1) * sizeof(struct gm_node), HUGE_PAGE);
    size_t users = rounded(((size_t)ranges_most + 1) * sizeof(uint64_t), HUGE_PAGE);
    size_t header = 0;
    arena->reserved = 2 * HUGE_PAGE + nodes + users; /* one of them to align the rest */
    int result = gm_mem_reserve(arena->reserved, &arena->reservation);
    if (result != 0) {
        arena->reservation = NULL;
        return -ENOMEM;
    }
    char *base = (char *)rounded((uintptr_t)arena->reservation, HUGE_PAGE);
    result = gm_block_commit(arena, base, &header, GM_PAGE_SIZE);
    if (result != 0)
        return result;
    arena->block = (struct gm_block *)base;
    arena->nodes = (struct gm_node *)(base + HUGE_PAGE);
    arena->users = (uint64_t *)(base + HUGE_PAGE + nodes);
    arena->block->ranges_most = ranges_most;
    return grow(arena);
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

uint32_t gm_block_slot(struct gm_arena *arena)
{
    struct gm_block *block = arena->block;
    uint32_t slot = block->free_slot;
    if (slot != 0) {
        block->free_slot = gm_node_of(arena, slot)->link[0];
        return slot;
    }
    slot = ++block->slots;
    gm_check(slot < arena->capacity);
    gm_store_relaxed(&gm_node_of(arena, slot)->generation, 1);
    return slot;
}

void gm_block_slot_free(struct gm_arena *arena, uint32_t slot)
{
    struct gm_node *node = gm_node_of(arena, slot);
    gm_store_relaxed(&node->state, GM_NODE_FREE);
    gm_store_relaxed(&node->generation, node->generation == UINT32_MAX ? 1 : node->generation + 1);
    gm_store_relaxed(&node->link[0], arena->block->free_slot);
    arena->block->free_slot = slot;
}

uint64_t gm_block_bytes(const struct gm_arena *arena)
{
    uint64_t bytes = sizeof(*arena) + GM_PAGE_SIZE + arena->nodes_committed + arena->users_committed +
                     arena->late_committed;
    for (unsigned i = 0; i < GM_ARENA_CLASSES; i++)
        bytes += arena->rows[i].committed;
    return bytes;
}
