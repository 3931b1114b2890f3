/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
#include "alloc/cache.h"

#include <string.h>

#include "alloc/apply.h"
#include "alloc/change.h"
#include "base/alloc.h"
#include "base/math.h"
#include "guestmem/arena_cache.h"

#define BLOCKS_DEFAULT 32

struct block {
    uint64_t first;
    gm_range range;
};

/* The blocks of one order, the newest last. */
struct magazine {
    unsigned count;
    struct block *blocks;
};

struct gm_arena_cache {
    struct gm_arena *arena;
    struct gm_arena_cache *left, *right;
    pthread_mutex_t lock;
    struct gm_arena_cache_config config;
    size_t size;
    struct magazine magazines[GM_ARENA_CACHE_ORDERS];
    struct block blocks[];
};

static void lock(struct gm_arena_cache *cache)
{
    (void)pthread_mutex_lock(&cache->lock);
}

static void unlock(struct gm_arena_cache *cache)
{
    (void)pthread_mutex_unlock(&cache->lock);
}

static uint64_t last_of(const struct gm_arena_cache *cache)
{
    return cache->config.max == 0 ? UINT64_MAX : cache->config.max;
}

/* What decides whether a cache may keep a range. */
struct facts {
    uint64_t first, last, user;
    uint32_t owner;
};

/* Each of them is of some moment, all of one only where nobody can change the range. */
static bool look(const struct gm_arena *arena, gm_range range, struct facts *out)
{
    uint32_t slot = (uint32_t)range;
    if (slot == 0 || slot >= gm_load_acquire(&arena->capacity)) /* [arena-P3] */
        return false;
    const struct gm_node *node = gm_node_of(arena, slot);
    out->first = gm_load_relaxed(&node->first);
    out->last = gm_load_relaxed(&node->last);
    out->owner = gm_load_relaxed(&node->owner);
    bool any = slot < gm_load_acquire(&arena->users_capacity); /* [arena-P3] */
    out->user = any ? gm_load_relaxed(&arena->users[slot]) : 0;
    return true;
}

static bool same(const struct facts *a, const struct facts *b)
{
    return a->first == b->first && a->last == b->last && a->user == b->user && a->owner == b->owner;
}

/* False when another one was faster, or has changed it since it was looked at, or a cache may not keep it. */
static bool enter_cache(struct gm_arena *arena, gm_range range, const struct facts *facts)
{
    struct facts now;
    struct gm_node *node = gm_node_of(arena, (uint32_t)range);
    uint32_t generation = gm_handle_generation(arena, range);
    if (!gm_keep_enter(&node->state, &node->generation, generation))
        return false;
    if (look(arena, range, &now) && same(&now, facts))
        return true;
    gm_keep_leave(&node->state, &node->generation, generation);
    return false;
}

/* To its next owner. */
static void leave_cache(struct gm_arena *arena, struct block *block)
{
    struct gm_node *node = gm_node_of(arena, (uint32_t)block->range);
    uint32_t generation = gm_generation_next(gm_load_relaxed(&node->generation));
    gm_keep_leave(&node->state, &node->generation, generation);
    block->range = gm_handle_of(arena, (uint32_t)block->range, generation);
}

/* The oldest blocks back to the arena. Both are locked. */
static uint64_t drain(struct gm_arena_cache *cache, struct magazine *magazine, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        gm_apply_give_cached(cache->arena, (uint32_t)magazine->blocks[i].range);
    magazine->count -= count;
    memmove(magazine->blocks, magazine->blocks + count, magazine->count * sizeof(struct block));
    return count;
}

static uint64_t empty(struct gm_arena_cache *cache)
{
    uint64_t given = 0;
    lock(cache);
    for (unsigned i = 0; i < cache->config.orders; i++)
        given += drain(cache, &cache->magazines[i], cache->magazines[i].count);
    unlock(cache);
    return given;
}

uint64_t gm_cache_empty_all(struct gm_arena *arena)
{
    uint64_t given = 0;
    for (struct gm_arena_cache *cache = arena->caches; cache != NULL; cache = cache->right)
        given += empty(cache);
    return given;
}

static int check_config(const struct gm_arena *arena, const struct gm_arena_cache_config *config)
{
    unsigned last = config->order_least + config->orders;
    bool sound = arena->locked && config->orders >= 1 && config->orders <= GM_ARENA_CACHE_ORDERS &&
                 config->order_least <= 63 && last <= 64 &&
                 UINT64_C(1) << config->order_least >= arena->block->granule &&
                 (config->blocks == 0 || config->blocks >= 2) && config->blocks <= GM_ARENA_CACHE_BLOCKS &&
                 (config->max == 0 || config->min <= config->max);
    return sound ? 0 : -EINVAL;
}

int gm_arena_cache_create(struct gm_arena *arena, const struct gm_arena_cache_config *config,
                          struct gm_arena_cache **out)
{
    if (arena == NULL || config == NULL || out == NULL || check_config(arena, config) != 0)
        return -EINVAL;
    unsigned blocks = config->blocks != 0 ? config->blocks : BLOCKS_DEFAULT;
    size_t size = sizeof(struct gm_arena_cache) + (size_t)config->orders * blocks * sizeof(struct block);
    struct gm_arena_cache *cache = gm_alloc(NULL, size);
    if (cache == NULL)
        return -ENOMEM;
    memset(cache, 0, sizeof(*cache));
    pthread_mutex_init(&cache->lock, NULL);
    cache->arena = arena;
    cache->config = *config;
    cache->config.blocks = blocks;
    cache->size = size;
    for (unsigned i = 0; i < config->orders; i++)
        cache->magazines[i].blocks = &cache->blocks[(size_t)i * blocks];
    gm_arena_lock(arena);
    cache->right = arena->caches;
    if (cache->right != NULL)
        cache->right->left = cache;
    arena->caches = cache;
    *out = cache;
    return gm_arena_unlock(arena, 0);
}

void gm_arena_cache_flush(struct gm_arena_cache *cache)
{
    if (cache == NULL)
        return;
    gm_arena_lock(cache->arena);
    (void)empty(cache);
    (void)gm_arena_unlock(cache->arena, 0);
}

void gm_arena_cache_destroy(struct gm_arena_cache *cache)
{
    if (cache == NULL)
        return;
    gm_arena_lock(cache->arena);
    (void)empty(cache);
    *(cache->left != NULL ? &cache->left->right : &cache->arena->caches) = cache->right;
    if (cache->right != NULL)
        cache->right->left = cache->left;
    (void)gm_arena_unlock(cache->arena, 0);
    pthread_mutex_destroy(&cache->lock);
    gm_free(NULL, cache, cache->size);
}

/* The newest block. */
static bool pop(struct gm_arena_cache *cache, struct magazine *magazine, struct block *out)
{
    lock(cache);
    bool found = magazine->count != 0;
    if (found) {
        *out = magazine->blocks[--magazine->count];
        leave_cache(cache->arena, out);
    }
    unlock(cache);
    return found;
}

static int take_from_arena(struct gm_arena_cache *cache, unsigned order, struct gm_range_info *out)
{
    const struct gm_arena_cache_config *config = &cache->config;
    const struct gm_request request = {.size = UINT64_C(1) << order,
                                       .align = UINT64_C(1) << order,
                                       .min = config->min,
                                       .max = config->max,
                                       .owner = config->owner,
                                       .user = config->user};
    return gm_apply_take(cache->arena, &request, out);
}

/* One block for the caller, and as many as there are, up to half of what the magazine holds, for later. */
static int refill(struct gm_arena_cache *cache, struct magazine *magazine, unsigned order, struct gm_range_info *out)
{
    struct gm_range_info info;
    int result = take_from_arena(cache, order, out);
    if (result != 0 && gm_cache_again(cache->arena, result))
        return take_from_arena(cache, order, out);
    if (result != 0)
        return result;
    lock(cache);
    while (magazine->count < cache->config.blocks / 2 && take_from_arena(cache, order, &info) == 0) {
        gm_store_relaxed(&gm_node_of(cache->arena, (uint32_t)info.range)->state, GM_NODE_LIVE | GM_NODE_CACHED);
        magazine->blocks[magazine->count++] = (struct block){info.first, info.range};
    }
    unlock(cache);
    return 0;
}

int gm_arena_cache_take(struct gm_arena_cache *cache, unsigned order, struct gm_range_info *out)
{
    struct block block;
    if (cache == NULL || out == NULL || order < cache->config.order_least ||
        order - cache->config.order_least >= cache->config.orders)
        return -EINVAL;
    struct magazine *magazine = &cache->magazines[order - cache->config.order_least];
    if (pop(cache, magazine, &block)) {
        *out = (struct gm_range_info){block.first,         block.first + ((UINT64_C(1) << order) - 1),
                                      cache->config.user,  block.range,
                                      cache->config.owner, 0};
        return 0;
    }
    gm_arena_lock(cache->arena);
    return gm_arena_unlock(cache->arena, refill(cache, magazine, order, out));
}

/* Could the cache have taken it, as far as it can be seen? Then its magazine; else NULL. */
static struct magazine *magazine_of(struct gm_arena_cache *cache, const struct facts *facts)
{
    uint64_t size_less_1 = facts->last - facts->first;
    unsigned order = size_less_1 == 0 ? 0 : 64 - (unsigned)__builtin_clzll(size_less_1);
    if (order < cache->config.order_least || order - cache->config.order_least >= cache->config.orders)
        return NULL;
    uint64_t mask = (UINT64_C(1) << order) - 1;
    bool natural = size_less_1 == mask && (facts->first & mask) == 0;
    if (!natural || facts->owner != cache->config.owner || facts->user != cache->config.user ||
        facts->first < cache->config.min || facts->last > last_of(cache))
        return NULL;
    return &cache->magazines[order - cache->config.order_least];
}

/* Lock it with room for one block more in a magazine. */
static void lock_with_room(struct gm_arena_cache *cache, struct magazine *magazine)
{
    lock(cache);
    if (magazine->count < cache->config.blocks)
        return;
    unlock(cache);
    gm_arena_lock(cache->arena);
    lock(cache);
    if (magazine->count == cache->config.blocks)
        (void)drain(cache, magazine, magazine->count / 2);
    (void)gm_arena_unlock(cache->arena, 0);
}

int gm_arena_cache_give(struct gm_arena_cache *cache, gm_range range)
{
    struct facts facts;
    if (cache == NULL)
        return -EINVAL;
    struct magazine *magazine = look(cache->arena, range, &facts) ? magazine_of(cache, &facts) : NULL;
    if (magazine == NULL)
        return gm_arena_give(cache->arena, range);
    lock_with_room(cache, magazine);
    bool ours = enter_cache(cache->arena, range, &facts);
    if (ours)
        magazine->blocks[magazine->count++] = (struct block){facts.first, range};
    unlock(cache);
    return ours ? 0 : gm_arena_give(cache->arena, range);
}
