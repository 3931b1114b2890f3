/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What looks into a block believes its header only in what it checks here, once: the number of slots, which has to lie
 * in the memory that it was given and is kept on its own side. Lookups check every index against that (find.c).
 */
#include "alloc/block/shared.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/math.h"
#include "guestmem/arena_image.h"

#define GM_SHARED_KIND UINT64_C(0x00036b6c622d6d67) /* "gm-blk", and the version of what is in a block */
#define ALIGNMENT 64

_Static_assert(sizeof(struct gm_node) + sizeof(uint64_t) == GM_ARENA_BLOCK_SIZE(1) - GM_ARENA_BLOCK_SIZE(0),
               "GM_ARENA_BLOCK_SIZE counts both");
_Static_assert(sizeof(struct gm_block) <= GM_PAGE_SIZE, "the header is one page");

static bool is_placeable(const void *memory, size_t size)
{
    return memory != NULL && gm_is_aligned((uintptr_t)memory, ALIGNMENT) && size >= GM_ARENA_BLOCK_SIZE(1);
}

/* The memory holds a block of so many ranges, and their words. */
static void place(struct gm_arena *arena, void *memory, uint32_t ranges_most)
{
    arena->block = memory;
    arena->nodes = (struct gm_node *)((char *)memory + GM_PAGE_SIZE);
    arena->users = (uint64_t *)&arena->nodes[(size_t)ranges_most + 1];
    arena->capacity = ranges_most + 1;
    arena->users_capacity = ranges_most + 1;
}

static uint64_t room(size_t size)
{
    return gm_min_u64((size - GM_ARENA_BLOCK_SIZE(0)) / (sizeof(struct gm_node) + sizeof(uint64_t)),
                      GM_ARENA_RANGES_MOST);
}

int gm_shared_create(struct gm_arena *arena, void *memory, size_t size, uint32_t ranges_most)
{
    if (!is_placeable(memory, size) || ranges_most > room(size))
        return -EINVAL;
    if (ranges_most == 0)
        ranges_most = (uint32_t)room(size);
    memset(memory, 0, GM_ARENA_BLOCK_SIZE(ranges_most));
    place(arena, memory, ranges_most);
    arena->block->ranges_most = ranges_most;
    arena->block->kind = GM_SHARED_KIND;
    return 0;
}

int gm_arena_attach(const void *memory, size_t size, const struct gm_arena **out)
{
    const struct gm_block *block = memory;
    if (out == NULL || !is_placeable(memory, size))
        return -EINVAL;
    uint32_t ranges_most = gm_load_relaxed(&block->ranges_most);
    if (gm_load_relaxed(&block->kind) != GM_SHARED_KIND || ranges_most == 0 || ranges_most > room(size))
        return -EINVAL;
    struct gm_arena *arena = gm_alloc(NULL, sizeof(*arena));
    if (arena == NULL)
        return -ENOMEM;
    memset(arena, 0, sizeof(*arena));
    place(arena, (void *)(uintptr_t)memory, ranges_most); /* what is returned is const, and so only read */
    *out = arena;
    return 0;
}

void gm_arena_detach(const struct gm_arena *arena)
{
    gm_free(NULL, (void *)(uintptr_t)arena, sizeof(*arena));
}
