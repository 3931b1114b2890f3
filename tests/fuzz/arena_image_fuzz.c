/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Images of arenas. What can be told from the size alone, and the checksum, is set right, so that what is behind them
 * is reached. An image that is taken is of an arena that is sound, says all that the arena is, and can be used up.
 */
#include "fuzz.h"

#include <errno.h>
#include <string.h>

#include "alloc/order/check.h"
#include "alloc/image/image.h"
#include "guestmem/arena_image.h"

#define SIZE_MOST 8192

static uint8_t image[SIZE_MOST], again[SIZE_MOST];

/* The frame: all words are used, by as many ranges as the input says, if they fit. */
static size_t frame(const uint8_t *data, size_t size)
{
    size &= ~(size_t)7;
    if (size < 8 * (size_t)GM_IMAGE_HEADER || size > SIZE_MOST)
        return 0;
    memcpy(image, data, size);
    uint64_t words = size / 8 - GM_IMAGE_HEADER;
    uint64_t count = gm_image_get(image, GM_IMAGE_COUNT) % (words / GM_IMAGE_RANGE + 1);
    gm_image_put(image, GM_IMAGE_IS, GM_IMAGE_MAGIC);
    gm_image_put(image, GM_IMAGE_IN, GM_IMAGE_VERSION);
    gm_image_put(image, GM_IMAGE_COUNT, count);
    words -= count * GM_IMAGE_RANGE;
    uint64_t deferred = gm_image_get(image, GM_IMAGE_DEFERRED) % ((words < count ? words : count) + 1);
    gm_image_put(image, GM_IMAGE_DEFERRED, deferred);
    gm_image_put(image, GM_IMAGE_SLOTS, count + words - deferred);
    gm_image_put(image, GM_IMAGE_CHECKSUM, gm_image_checksum(image, size));
    return size;
}

/* Everything is given back, then all that there is can be taken; if nothing is deferred, that is. */
static void use_up(struct gm_arena *arena)
{
    struct gm_range_info info = {.flags = 0};
    uint64_t first = gm_image_get(image, GM_IMAGE_FIRST), last = gm_image_get(image, GM_IMAGE_LAST);
    while (gm_arena_next(arena, 0, &info) == 0 && (info.flags & GM_RANGE_DEFERRED) == 0) {
        FUZZ_REQUIRE(info.first >= first && info.last <= last && info.first <= info.last);
        FUZZ_REQUIRE(gm_arena_give(arena, info.range) == 0);
        FUZZ_REQUIRE(gm_arena_check(arena) == NULL);
        bool last_of_slot = gm_handle_generation(arena, info.range) == UINT32_MAX; /* handles of it start anew */
        FUZZ_REQUIRE(gm_arena_give(arena, info.range) == (last_of_slot ? -ENOENT : -ESTALE));
    }
    int result = gm_arena_reserve(arena, first, last, 0, 0, NULL);
    FUZZ_REQUIRE(result == ((info.flags & GM_RANGE_DEFERRED) != 0 ? -EBUSY : 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gm_arena *arena = NULL;
    size_t needed = 0;
    size = frame(data, size);
    int result = size == 0 ? -EINVAL : gm_arena_load(image, size, NULL, &arena);
    if (result != 0) {
        FUZZ_REQUIRE(arena == NULL && (result == -EINVAL || result == -ENOMEM));
        return 0;
    }
    FUZZ_REQUIRE(gm_arena_check(arena) == NULL);
    FUZZ_REQUIRE(gm_arena_save(arena, again, sizeof(again), &needed) == 0);
    FUZZ_REQUIRE(needed == size && memcmp(image, again, size) == 0);
    use_up(arena);
    gm_arena_destroy(arena);
    return 0;
}
