/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Reading the image of an arena, which may come from an enemy. The header is checked against the size of the image
 * first, so that memory and work are bounded by it. Each range and each free slot names its slot; a slot that is named
 * twice has a generation already. When all are named once, guards and their ranges are matched, and the arena is built.
 */
#include <errno.h>

#include "alloc/block/block.h"
#include "alloc/create.h"
#include "alloc/image/image.h"
#include "alloc/late.h"
#include "alloc/order/rebuild.h"
#include "base/alloc.h"
#include "base/math.h"
#include "guestmem/arena_image.h"

static int check_frame(const void *image, size_t size)
{
    bool sound = image != NULL && size % 8 == 0 && size >= 8 * (size_t)GM_IMAGE_HEADER &&
                 gm_image_get(image, GM_IMAGE_IS) == GM_IMAGE_MAGIC &&
                 gm_image_get(image, GM_IMAGE_IN) == GM_IMAGE_VERSION &&
                 gm_image_get(image, GM_IMAGE_CHECKSUM) == gm_image_checksum(image, size);
    if (!sound)
        return -EINVAL;
    uint64_t words = size / 8 - GM_IMAGE_HEADER;
    uint64_t count = gm_image_get(image, GM_IMAGE_COUNT);
    uint64_t slots = gm_image_get(image, GM_IMAGE_SLOTS);
    uint64_t deferred = gm_image_get(image, GM_IMAGE_DEFERRED);
    sound = slots <= GM_ARENA_RANGES_MOST && count <= slots && deferred <= count &&
            words == count * GM_IMAGE_RANGE + (slots - count) + deferred;
    return sound ? 0 : -EINVAL;
}

/* The arena that it is of, or that is wanted; gm_create checks the rest. */
static int make_config(const void *image, const struct gm_arena_config *expected, struct gm_arena_config *config)
{
    uint64_t slots = gm_image_get(image, GM_IMAGE_SLOTS);
    *config = (struct gm_arena_config){.first = gm_image_get(image, GM_IMAGE_FIRST),
                                       .last = gm_image_get(image, GM_IMAGE_LAST),
                                       .granule = gm_image_get(image, GM_IMAGE_GRANULE),
                                       .ranges_most = gm_image_get(image, GM_IMAGE_RANGES_MOST),
                                       .flags = (unsigned)gm_image_get(image, GM_IMAGE_FLAGS),
                                       .numa_node = GM_NODE_ANY,
                                       .seed = gm_image_get(image, GM_IMAGE_RANDOM)};
    if (config->granule == 0 || config->ranges_most == 0 || slots > config->ranges_most)
        return -EINVAL;
    if (expected == NULL)
        return 0;
    if (expected->first != config->first || expected->last != config->last ||
        gm_max_u64(expected->granule, 1) != config->granule)
        return -EINVAL;
    if (expected->ranges_most != 0)
        config->ranges_most = expected->ranges_most;
    config->flags = expected->flags;
    config->numa_node = expected->numa_node;
    return 0; /* that its slots have room is seen when they get memory */
}

/* A slot is named once. */
static bool claim(struct gm_arena *arena, uint64_t handle, uint32_t slots, uint32_t *slot)
{
    uint32_t generation = (uint32_t)(handle >> 32);
    *slot = (uint32_t)handle;
    if (*slot == 0 || *slot > slots || generation == 0 || gm_node_of(arena, *slot)->generation != 0)
        return false;
    gm_node_of(arena, *slot)->generation = generation;
    return true;
}

static bool is_state(uint64_t state)
{
    bool guard = (state & GM_NODE_GUARD) != 0;
    return (state & ~(uint64_t)GM_NODE_KEPT) == 0 && (state & GM_NODE_LIVE) != 0 &&
           !(guard && (state & (GM_NODE_BEFORE | GM_NODE_AFTER)) != 0);
}

/* One range, above those before it: least is where it may begin. */
static bool get_range(struct gm_arena *arena, const void *image, size_t word, uint64_t least, uint32_t *slot)
{
    const struct gm_block *block = arena->block;
    uint64_t first = gm_image_get(image, word + GM_IMAGE_RANGE_FIRST);
    uint64_t last = gm_image_get(image, word + GM_IMAGE_RANGE_LAST);
    uint64_t label = gm_image_get(image, word + GM_IMAGE_RANGE_LABEL);
    uint32_t slots = (uint32_t)gm_image_get(image, GM_IMAGE_SLOTS);
#ifdef GM_FUZZ_CANARY /* the fuzzer has to find that this check is gone */
    least = 0;
#endif
    if (first < least || first > last || last > block->last || !gm_is_aligned(first | (last + 1), block->granule) ||
        !is_state(label >> 32) || !claim(arena, gm_image_get(image, word + GM_IMAGE_RANGE_HANDLE), slots, slot))
        return false;
    struct gm_node *node = gm_node_of(arena, *slot);
    node->first = first;
    node->last = last;
    node->owner = (uint32_t)label;
    node->state = (uint8_t)(label >> 32);
    uint64_t user = gm_image_get(image, word + GM_IMAGE_RANGE_USER);
    gm_block_expect(arena, user);
    if (user != 0)
        arena->users[*slot] = user;
    return (node->state & GM_NODE_GUARD) == 0 || user == 0;
}

static bool get_ranges(struct gm_arena *arena, const void *image, uint32_t *order, uint32_t count)
{
    uint64_t least = arena->block->first;
    for (uint32_t i = 0; i < count; i++) {
        if (!get_range(arena, image, GM_IMAGE_HEADER + (size_t)i * GM_IMAGE_RANGE, least, &order[i]))
            return false;
        least = gm_node_of(arena, order[i])->last + 1;
        if (least == 0 && i + 1 < count)
            return false;
    }
    return true;
}

/* Does the range have this neighbour for its guard, and the guard it? */
static bool belongs(const struct gm_arena *arena, uint32_t slot, uint32_t guard, enum gm_node_state side)
{
    const struct gm_node *node = gm_node_of(arena, slot), *other = gm_node_of(arena, guard);
    bool adjacent = side == GM_NODE_AFTER ? other->first - 1 == node->last : node->first - 1 == other->last;
    return slot != 0 && guard != 0 && (node->state & side) != 0 && (other->state & GM_NODE_GUARD) != 0 &&
           other->owner == slot && adjacent && ((node->state ^ other->state) & GM_NODE_DEFERRED) == 0;
}

/* Every guard is one of a neighbour, and everyone has the guards that it says. Node 0 is none, and empty. */
static bool check_guards(const struct gm_arena *arena, const uint32_t *order, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = order[i], left = i > 0 ? order[i - 1] : 0, right = i + 1 < count ? order[i + 1] : 0;
        uint8_t state = gm_node_of(arena, slot)->state;
        if (((state & GM_NODE_BEFORE) != 0 && !belongs(arena, slot, left, GM_NODE_BEFORE)) ||
            ((state & GM_NODE_AFTER) != 0 && !belongs(arena, slot, right, GM_NODE_AFTER)) ||
            ((state & GM_NODE_GUARD) != 0 && !belongs(arena, left, slot, GM_NODE_AFTER) &&
             !belongs(arena, right, slot, GM_NODE_BEFORE)))
            return false;
    }
    return true;
}

/* The list is kept as it was: it decides about the handles to come. */
static bool get_free_slots(struct gm_arena *arena, const void *image, uint32_t slots, uint32_t count)
{
    size_t word = GM_IMAGE_HEADER + (size_t)count * GM_IMAGE_RANGE;
    uint32_t *link = &arena->block->free_slot;
    for (uint32_t i = 0; i < slots - count; i++) {
        uint32_t slot;
        if (!claim(arena, gm_image_get(image, word + i), slots, &slot))
            return false;
        *link = slot;
        link = &gm_node_of(arena, slot)->link[0];
    }
    return true;
}

/* The queue names each deferred range once: not a guard, and as many as there are. */
static bool get_deferred(struct gm_arena *arena, const void *image, uint32_t slots, uint32_t count,
                         const uint32_t *order)
{
    size_t word = GM_IMAGE_HEADER + (size_t)count * GM_IMAGE_RANGE + (slots - count);
    uint64_t deferred = gm_image_get(image, GM_IMAGE_DEFERRED), left = deferred;
    for (uint32_t i = 0; i < count; i++) {
        uint8_t state = gm_node_of(arena, order[i])->state;
        left -= (state & GM_NODE_DEFERRED) != 0 && (state & GM_NODE_GUARD) == 0;
    }
    if (left != 0 || (deferred != 0 && arena->late == NULL))
        return false;
    for (uint64_t i = 0; i < deferred; i++) {
        uint64_t slot = gm_image_get(image, word + i);
        if (slot == 0 || slot > slots || arena->late[slot].queued != 0 ||
            (gm_node_of(arena, (uint32_t)slot)->state & (GM_NODE_DEFERRED | GM_NODE_GUARD)) != GM_NODE_DEFERRED)
            return false;
        gm_late_push(arena, (uint32_t)slot);
    }
    return true;
}

static int fill(struct gm_arena *arena, const void *image)
{
    uint32_t slots = (uint32_t)gm_image_get(image, GM_IMAGE_SLOTS);
    uint32_t count = (uint32_t)gm_image_get(image, GM_IMAGE_COUNT);
    int result = gm_block_room(arena, slots);
    if (result != 0)
        return result;
    size_t bytes = ((size_t)count + 1) * sizeof(uint32_t);
    uint32_t *order = gm_alloc(NULL, bytes);
    if (order == NULL)
        return -ENOMEM;
    bool sound = get_ranges(arena, image, order, count) && check_guards(arena, order, count) &&
                 get_free_slots(arena, image, slots, count) && get_deferred(arena, image, slots, count, order);
    if (sound) {
        arena->block->slots = slots;
        arena->block->cursor = gm_image_get(image, GM_IMAGE_CURSOR);
        arena->block->salt = (uint32_t)(gm_image_get(image, GM_IMAGE_FLAGS) >> 32);
        gm_rebuild(arena, order, count);
    }
    gm_free(NULL, order, bytes);
    return sound ? 0 : -EINVAL;
}

static int load(const void *image, size_t size, const struct gm_arena_config *expected, void *memory,
                size_t memory_size, struct gm_arena **out)
{
    struct gm_arena_config config;
    struct gm_arena *arena;
    int result = check_frame(image, size);
    if (result == 0)
        result = make_config(image, expected, &config);
    if (result == 0)
        result = gm_create(&config, memory, memory_size, &arena);
    if (result != 0)
        return result;
    result = fill(arena, image);
    if (result != 0)
        gm_arena_destroy(arena);
    else
        *out = arena;
    return result;
}

int gm_arena_load(const void *image, size_t size, const struct gm_arena_config *expected, struct gm_arena **out)
{
    return out == NULL ? -EINVAL : load(image, size, expected, NULL, 0, out);
}

int gm_arena_create_in(void *memory, size_t size, const struct gm_arena_config *config, struct gm_arena **out)
{
    return memory == NULL || config == NULL || out == NULL ? -EINVAL : gm_create(config, memory, size, out);
}

int gm_arena_load_in(const void *image, size_t image_size, const struct gm_arena_config *expected, void *memory,
                     size_t size, struct gm_arena **out)
{
    return memory == NULL || out == NULL ? -EINVAL : load(image, image_size, expected, memory, size, out);
}
