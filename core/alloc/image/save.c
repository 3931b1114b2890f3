/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Writing the image of an arena. */
#include <errno.h>

#include "alloc/cache.h"
#include "alloc/image/image.h"
#include "alloc/late.h"
#include "alloc/order/ranges.h"
#include "base/crc32c.h"
#include "guestmem/arena_image.h"

uint64_t gm_image_checksum(const void *image, size_t size)
{
    const uint8_t *bytes = image;
    const size_t before = (size_t)GM_IMAGE_CHECKSUM * 8, behind = before + 8;
    struct gm_crc32c tables;
    gm_crc32c_init(&tables);
    uint32_t crc = gm_crc32c(&tables, 0, bytes, before);
    return gm_crc32c(&tables, crc, bytes + behind, size - behind);
}

static void put_header(const struct gm_arena *arena, void *image)
{
    const struct gm_block *block = arena->block;
    gm_image_put(image, GM_IMAGE_IS, GM_IMAGE_MAGIC);
    gm_image_put(image, GM_IMAGE_IN, GM_IMAGE_VERSION);
    gm_image_put(image, GM_IMAGE_FIRST, block->first);
    gm_image_put(image, GM_IMAGE_LAST, block->last);
    gm_image_put(image, GM_IMAGE_GRANULE, block->granule);
    gm_image_put(image, GM_IMAGE_RANGES_MOST, block->ranges_most);
    gm_image_put(image, GM_IMAGE_FLAGS, (arena->locked ? GM_ARENA_LOCKED : 0) |
                                            (arena->late != NULL ? GM_ARENA_DEFER : 0) |
                                            (uint64_t)block->salt << 32);
    gm_image_put(image, GM_IMAGE_CURSOR, block->cursor);
    gm_image_put(image, GM_IMAGE_RANDOM, block->random);
    gm_image_put(image, GM_IMAGE_SLOTS, block->slots);
    gm_image_put(image, GM_IMAGE_COUNT, block->count);
    gm_image_put(image, GM_IMAGE_DEFERRED, gm_late_count(arena));
}

static uint64_t slot_and_generation(const struct gm_arena *arena, uint32_t slot)
{
    return slot | (uint64_t)gm_load_relaxed(&gm_node_of(arena, slot)->generation) << 32;
}

static void put_range(const struct gm_arena *arena, uint32_t slot, void *image, size_t word)
{
    const struct gm_node *node = gm_node_of(arena, slot);
    uint8_t state = gm_load_relaxed(&node->state) & GM_NODE_KEPT;
    bool guard = (state & GM_NODE_GUARD) != 0;
    gm_image_put(image, word + GM_IMAGE_RANGE_FIRST, node->first);
    gm_image_put(image, word + GM_IMAGE_RANGE_LAST, node->last);
    gm_image_put(image, word + GM_IMAGE_RANGE_USER, guard ? 0 : gm_user_of(arena, slot));
    gm_image_put(image, word + GM_IMAGE_RANGE_HANDLE, slot_and_generation(arena, slot));
    gm_image_put(image, word + GM_IMAGE_RANGE_LABEL, (uint64_t)state << 32 | node->owner);
}

static void put_all(struct gm_arena *arena, void *image, size_t size)
{
    size_t word = GM_IMAGE_HEADER;
    put_header(arena, image);
    for (uint32_t slot = gm_ranges_seek(arena, 0); slot != 0; slot = gm_ranges_beside(arena, slot, 1)) {
        put_range(arena, slot, image, word);
        word += GM_IMAGE_RANGE;
    }
    for (uint32_t slot = arena->block->free_slot; slot != 0; slot = gm_node_of(arena, slot)->link[0])
        gm_image_put(image, word++, slot_and_generation(arena, slot));
    for (uint32_t slot = arena->late_first; slot != 0; slot = arena->late[slot].next)
        gm_image_put(image, word++, slot);
    gm_image_put(image, GM_IMAGE_CHECKSUM, gm_image_checksum(image, size));
}

static int save(struct gm_arena *arena, void *image, size_t size, size_t *needed)
{
    const struct gm_block *block = arena->block;
    if (!arena->locked && gm_load_relaxed(&arena->holder) != 0)
        return -EBUSY;
    (void)gm_cache_empty_all(arena);
    *needed = 8 * (GM_IMAGE_HEADER + (size_t)block->count * GM_IMAGE_RANGE + (block->slots - block->count) +
                   gm_late_count(arena));
    if (image == NULL || size < *needed)
        return -ENOBUFS;
    put_all(arena, image, *needed);
    return 0;
}

int gm_arena_save(struct gm_arena *arena, void *image, size_t size, size_t *needed)
{
    if (arena == NULL || needed == NULL)
        return -EINVAL;
    gm_arena_lock(arena);
    return gm_arena_unlock(arena, save(arena, image, size, needed));
}
