/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What an arena is made of. The block is one piece of memory without pointers: its header, a node for each range, and
 * the callers' words. It could be copied as it is, or lie elsewhere in another process. What is derived from it (rows)
 * or belongs to this process is in struct gm_arena.
 *
 * A node is one cache line and is named by its slot, 1 .. ranges_most; 0 is none. It has its range and the length of
 * the gap before it. The numbers behind the last range have no node: they are the tail, in the header. A gap before a
 * node is shorter than 2^64, because the node's first number lies above it; the tail alone can be all there is. The
 * words of callers stand apart, and have no memory before one of them is not 0.
 *
 * Up to GM_FLAT ranges stand in an array, in order; more of them are a tree. A node keeps what its two SUBTREES can
 * hold, so that a search decides at a node without looking at its children.
 *
 * Shared with lookups (sequence.h): sequence, root, tree, flat_end, flat_slot; first, last, link, generation, owner and
 * state of nodes; the callers' words. These are stored with gm_store_relaxed. salt never changes. The rest is the
 * writer's.
 */
#ifndef GM_ALLOC_BLOCK_ARENA_H
#define GM_ALLOC_BLOCK_ARENA_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alloc/block/sequence.h"
#include "base/words.h"
#include "guestmem/arena.h"

#define GM_FLAT 128 /* ranges, a multiple of 8 */
#define GM_FLAT_AGAIN (GM_FLAT / 2)

enum gm_node_state { /* images have these values */
    GM_NODE_FREE = 0,
    GM_NODE_LIVE = 1,
    GM_NODE_GUARD = 2,    /* besides LIVE: owner is the slot of the range that it guards */
    GM_NODE_DEFERRED = 4, /* besides LIVE */
    GM_NODE_BEFORE = 8,   /* besides LIVE: the range before it in order is its guard */
    GM_NODE_AFTER = 16,   /* the same of the one after it */
    GM_NODE_KEPT = 31,    /* what an image has of these */
    GM_NODE_NESTED = 32,  /* besides LIVE: a child of the arena manages it */
    GM_NODE_CACHED = 64   /* besides LIVE: it lies in a cache (cache.h) */
};

struct gm_node {
    uint64_t first, last; /* inclusive */
    uint64_t gap;         /* free numbers directly before first */
    uint64_t max[2];      /* longest gap in the left and the right subtree */
    uint32_t link[2];     /* left, right; link[0] of a free node: the next free one */
    uint32_t parent;
    uint8_t order[2]; /* log2 of the largest aligned block in a gap of either subtree, plus 1; 0: none */
    int8_t balance;   /* height of the right subtree less that of the left one */
    uint8_t state;
    uint32_t generation; /* of the handle that is out, or comes next; never 0 */
    uint32_t owner;
};

struct gm_block {
    gm_atomic_u64 sequence;
    uint64_t first, last, granule; /* the numbers that it manages, inclusive */
    uint64_t used;                 /* numbers in live ranges, modulo 2^64 */
    uint64_t gaps;                 /* nodes with a gap before them */
    uint64_t tail_first;           /* the tail is tail_first .. last, if there is one */
    uint64_t cursor;               /* of GM_PLACE_NEXT: first number behind the newest; 0: from the start */
    uint64_t random;               /* state of GM_PLACE_RANDOM */
    uint32_t has_tail;
    uint32_t tree; /* else flat */
    uint32_t root, rightmost; /* of the tree */
    uint32_t count; /* live nodes */
    uint32_t deferred;
    uint32_t slots;     /* that were ever in use: 1 .. slots */
    uint32_t free_slot; /* newest free one of these */
    uint32_t ranges_most;
    uint32_t flat_end, flat_hole; /* of the array: positions; one without a range, if they are more than count */
    uint32_t flat_slot[GM_FLAT + GM_WORDS_BEHIND]; /* in order of their ranges */
    uint64_t flat_length[GM_FLAT / 8 + 1];         /* a byte each, in order: bits of the length of the gap before it */
    uint64_t kind; /* GM_SHARED_KIND, where it lies in memory that others look into */
    uint32_t salt; /* what handles tell more than generations */
};

/* What the gaps in the subtrees of a node hold for one class of alignment: numbers from the first aligned one on. */
struct gm_caps {
    uint64_t cap[2];
};

/* A range that is deferred: a place in a queue. */
struct gm_late {
    uint64_t stamp; /* gm_rcu_stamp */
    uint32_t next;  /* the one that was deferred after it */
    uint32_t queued;
};

/* The index of one class. */
struct gm_row {
    struct gm_caps *caps; /* by slot */
    size_t reserved, mapped;
    uint64_t mask, phase;
    uint64_t used; /* by which request, of those that asked for a row */
};

struct gm_arena {
    struct gm_block *block;
    struct gm_node *nodes;
    uint64_t *users;
    uint32_t *parents;       /* of nodes once more, side by side, for gm_avl_fetch; NULL while they are few */
    uint32_t *parents_at;    /* where they go */
    uint32_t capacity;       /* slots below it have memory */
    uint32_t users_capacity; /* the same of users: the same number, or 0 while all words are 0 */
    uint32_t rows_live;
    struct gm_arena *parent; /* of a nested one (nest.h) */
    struct gm_arena *child_first, *child_last, *left, *right;
    uint32_t place; /* slot of its range in its parent */
    struct gm_arena_cache *caches;
    uint32_t flat_hint; /* where the newest search or change was */
    bool locked;
    int numa_node;
    pthread_mutex_t lock;
    gm_atomic_u64 holder; /* which thread has it in a transaction (txn.h); 0: none */
    void *reservation;
    size_t reserved;
    size_t block_committed; /* bytes of the block that have memory, which is less than what is mapped */
    size_t block_mapped, parents_mapped, users_mapped;
    struct gm_late *late; /* by slot; NULL without GM_ARENA_DEFER */
    size_t late_reserved, late_mapped;
    uint32_t late_first, late_last, late_count;
    uint64_t looked_at;             /* ranges, counted on by whatever looks for one */
    uint64_t visited, visited_most; /* of these, by searches for a place */
    uint64_t class_builds, row_requests;
    struct gm_row rows[GM_ARENA_CLASSES]; /* the first rows_live are kept up to date */
};

static inline struct gm_node *gm_node_of(const struct gm_arena *arena, uint32_t slot)
{
    return &arena->nodes[slot];
}

/* The caller's word of a live range, for the writer. */
static inline uint64_t gm_user_of(const struct gm_arena *arena, uint32_t slot)
{
    return arena->users_capacity != 0 ? arena->users[slot] : 0;
}

static inline void gm_node_set_parent(struct gm_arena *arena, uint32_t slot, uint32_t parent)
{
    gm_node_of(arena, slot)->parent = parent;
    if (arena->parents != NULL)
        arena->parents[slot] = parent;
}

/* Generations begin with 1 in every slot; in handles they are turned by the salt, which each arena has its own of. */
static inline gm_range gm_handle_of(const struct gm_arena *arena, uint32_t slot, uint32_t generation)
{
    uint32_t salt = arena->block->salt, told = generation + salt;
    told += told < salt; /* what was carried comes back at the low end, so that it is never 0 */
    return (uint64_t)told << 32 | slot;
}

/* The generation that a handle means; 0: none can have been told so. */
static inline uint32_t gm_handle_generation(const struct gm_arena *arena, gm_range range)
{
    uint32_t told = (uint32_t)(range >> 32), salt = arena->block->salt;
    if (told == 0)
        return 0;
    return told > salt ? told - salt : told + (UINT32_MAX - salt);
}

static inline uint32_t gm_generation_next(uint32_t generation)
{
    generation++;
    return generation + (generation == 0);
}

/* What lookups tell of a state. */
static inline uint32_t gm_flags_of(uint8_t state)
{
    uint32_t flags = (state & GM_NODE_GUARD) != 0 ? GM_RANGE_GUARD : 0;
    flags |= (state & GM_NODE_DEFERRED) != 0 ? GM_RANGE_DEFERRED : 0;
    flags |= (state & GM_NODE_NESTED) != 0 ? GM_RANGE_NESTED : 0;
    return flags | ((state & GM_NODE_CACHED) != 0 ? GM_RANGE_CACHED : 0);
}

/* How many arenas this one lies in. */
static inline unsigned gm_arena_depth(const struct gm_arena *arena)
{
    unsigned depth = 0;
    while ((arena = arena->parent) != NULL)
        depth++;
    return depth;
}

static inline void gm_arena_lock(struct gm_arena *arena)
{
    if (arena->locked)
        (void)pthread_mutex_lock(&arena->lock);
}

static inline int gm_arena_unlock(struct gm_arena *arena, int result)
{
    if (arena->locked)
        (void)pthread_mutex_unlock(&arena->lock);
    return result;
}

#endif
