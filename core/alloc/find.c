/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Lookups, which run while another thread changes the arena. What they read may be torn between two states of it, so
 * every index is checked and every descent is bounded; at the end the sequence count tells whether the answer was one
 * (sequence.h). Nodes are never unmapped, and a lookup follows no link to a slot that had no memory yet when it began
 * ([arena-P3]): such a link was made later, so that the sequence count has moved. Nothing is registered and nothing is
 * written.
 */
#include <errno.h>

#include "alloc/block/arena.h"

#define DEPTH_MOST 64 /* an AVL tree of 2^31 nodes has at most 45 levels */

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

/* The arena as one lookup may touch it. */
struct view {
    const struct gm_arena *arena;
    uint32_t capacity; /* of slots that have memory */
    uint32_t words;    /* the same of users; beyond it they are 0 */
};

/* The node of a slot; NULL for one that a torn read has made up, or that is too new. */
static inline const struct gm_node *node_at(const struct view *view, uint32_t slot)
{
    return slot != 0 && slot < view->capacity ? gm_node_of(view->arena, slot) : NULL;
}

/* The first range that ends at or above the number; 0 for none. */
static uint32_t seek_tree(const struct view *view, uint64_t number)
{
    uint32_t found = 0;
    uint32_t slot = gm_load_relaxed(&view->arena->block->root);
    for (unsigned depth = 0; depth < DEPTH_MOST; depth++) {
        const struct gm_node *node = node_at(view, slot);
        if (node == NULL)
            break;
        bool below = gm_load_relaxed(&node->last) < number;
        found = below ? found : slot;
        slot = gm_load_relaxed(&node->link[below]);
    }
    return found;
}

static uint32_t seek_flat(const struct view *view, uint64_t number)
{
    const struct gm_block *block = view->arena->block;
    uint32_t found = 0, position = 0;
    uint32_t end = gm_load_relaxed(&block->flat_end);
    for (uint32_t left = end <= GM_FLAT ? end : 0; left > 0;) {
        uint32_t half = left / 2;
        uint32_t slot = gm_load_relaxed(&block->flat_slot[position + half]);
        const struct gm_node *node = node_at(view, slot);
        bool below = node != NULL && gm_load_relaxed(&node->last) < number;
        found = below ? found : slot;
        position += below ? half + 1 : 0;
        left = below ? left - half - 1 : half;
    }
    return found;
}

static uint32_t seek(const struct view *view, uint64_t number)
{
    return gm_load_relaxed(&view->arena->block->tree) ? seek_tree(view, number) : seek_flat(view, number);
}

enum question { FIND, NEXT, GET };

/* It holds of every answer that is of one moment, but in a block that an enemy writes: gm_arena_next goes up. */
static bool is_range(const struct gm_range_info *info, uint64_t number, enum question question)
{
    return info->first <= info->last && (question == GET || info->last >= number);
}

/* A guard answers with its numbers and its neighbour's labels. */
static int describe(const struct view *view, uint32_t slot, struct gm_range_info *info)
{
    const struct gm_node *node = node_at(view, slot);
    if (node == NULL)
        return -ENOENT;
    uint8_t state = gm_load_acquire(&node->state); /* before the generation, see cache.h */
    info->first = gm_load_relaxed(&node->first);
    info->last = gm_load_relaxed(&node->last);
    info->flags = gm_flags_of(state);
    if ((state & GM_NODE_GUARD) != 0) {
        slot = gm_load_relaxed(&node->owner);
        node = node_at(view, slot);
        if (node == NULL)
            return -ENOENT;
    }
    info->range = gm_handle_of(view->arena, slot, gm_load_relaxed(&node->generation));
    info->owner = gm_load_relaxed(&node->owner);
    info->user = slot < view->words ? gm_load_relaxed(&view->arena->users[slot]) : 0;
    return 0;
}

static int answer(const struct view *view, enum question question, uint64_t number, struct gm_range_info *info)
{
    if (question != GET) {
        int result = describe(view, seek(view, number), info);
        return result == 0 && question == FIND && info->first > number ? -ENOENT : result;
    }
    const struct gm_node *node = node_at(view, (uint32_t)number);
    uint32_t generation = gm_handle_generation(view->arena, number);
    if (node == NULL || generation == 0)
        return -ENOENT;
    uint8_t state = gm_load_acquire(&node->state); /* before the generation, see cache.h */
    uint32_t newest = gm_load_relaxed(&node->generation);
    if (generation > newest || (generation == newest && (state & GM_NODE_LIVE) == 0))
        return -ENOENT; /* never handed out */
    if (generation != newest)
        return -ESTALE;
    int result = (state & GM_NODE_GUARD) != 0 ? -ENOENT : describe(view, (uint32_t)number, info);
    return result == 0 && info->range != number ? -ESTALE : result; /* a cache handed it out again just now */
}

static int look(const struct gm_arena *arena, enum question question, uint64_t number, struct gm_range_info *out)
{
    struct gm_range_info info;
    if (arena == NULL || out == NULL)
        return -EINVAL;
    for (unsigned i = 0; i < GM_ARENA_RETRIES; i++) {
        uint64_t begun = gm_sequence_begin(&arena->block->sequence);
        if ((begun & 1) == 0) {
            const struct view view = {arena, gm_load_acquire(&arena->capacity),  /* [arena-P3] */
                                      gm_load_acquire(&arena->users_capacity)}; /* [arena-P3] */
            int result = answer(&view, question, number, &info);
            if (gm_sequence_held(&arena->block->sequence, begun)) {
                if (result != 0)
                    return result;
                if (!is_range(&info, number, question))
                    return -EAGAIN;
                *out = info;
                return 0;
            }
        }
        relax();
    }
    return -EAGAIN;
}

int gm_arena_find(const struct gm_arena *arena, uint64_t number, struct gm_range_info *out)
{
    return look(arena, FIND, number, out);
}

int gm_arena_next(const struct gm_arena *arena, uint64_t number, struct gm_range_info *out)
{
    return look(arena, NEXT, number, out);
}

int gm_arena_get(const struct gm_arena *arena, gm_range range, struct gm_range_info *out)
{
    return look(arena, GET, range, out);
}
