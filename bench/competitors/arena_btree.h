/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A B+tree of the used ranges, up to 16 in a leaf and 16 children in a node above, linked by index. Each range carries
 * the gap before it, and each node what the gaps below each of its children can hold: so one node answers which of 16
 * subtrees is to be entered. It has the augmentation of the library's own allocator (largest gap, largest natural
 * block, one row for each alignment class) and another shape, to tell which shape is the quicker one. A last entry at
 * the arena's end is never freed and carries the last gap, so there is always a range behind any place.
 *
 * Keys are the last address below a child: a new range begins before the one that follows it and goes into that one's
 * leaf, and no key changes. A gap belongs to the child that it begins in or before.
 *
 * It has the duties of ours, because they cost memory and time: each range has an owner, a word of the user, and a
 * handle with a generation, and each change is a write section of a sequence lock. It has no readers.
 */
#ifndef BENCH_ARENA_BTREE_H
#define BENCH_ARENA_BTREE_H

#include "../lib/arena.h"

#define BTREE_WAYS 16u
#define BTREE_LEVELS 12u /* of 16 ways that are at least a quarter full: more than memory */
#define BTREE_ROWS 17u   /* the largest gap, and one for each of 16 alignments */
#define BTREE_FEW 4u     /* a node with fewer looks for a neighbour to merge with */
#define BTREE_MANY 12u   /* that both together do not exceed */

struct btree_leaf {
    uint64_t first[BTREE_WAYS]; /* UINT64_MAX behind the last one */
    uint64_t gap[BTREE_WAYS];   /* free addresses directly before */
    uint32_t range[BTREE_WAYS]; /* slot of what else there is to know of the range */
    uint8_t order[BTREE_WAYS];  /* log2 of the largest natural block in that gap, plus 1 */
    uint32_t count;
} __attribute__((aligned(64)));

struct btree_node {
    uint8_t order[BTREE_WAYS]; /* largest one below each child; 0 behind the last child */
    uint32_t count;
    uint32_t child[BTREE_WAYS];
    uint64_t key[BTREE_WAYS]; /* first address of the last range below each child; UINT64_MAX behind the last one */
} __attribute__((aligned(64)));

/* Of one class, for each child of a node: the most that a gap below it can hold, exactly and as it is compared. */
struct btree_caps {
    uint16_t rough[BTREE_WAYS]; /* btree_rough() of cap, which keeps their order: 16 fit two vectors */
    uint64_t cap[BTREE_WAYS];
} __attribute__((aligned(64)));

struct btree_row {
    uint64_t mask; /* alignment - 1 */
    struct btree_caps *caps;
};

/* A handle is its slot and generation; from there, the first address leads to the leaf. */
struct btree_range {
    uint64_t first, user; /* the low half of first links free slots */
    uint32_t owner, generation;
};

/* Memory for one kind of node. Slots come from a list of free ones, or from the end. */
struct btree_pool {
    void *memory;
    size_t bytes, size; /* of all, of one */
    uint32_t used, spare; /* spare: 1 + the first free slot, whose first word is the next one's */
};

/* From a leaf, level 0, up to the root. */
struct btree_path {
    uint32_t node[BTREE_LEVELS], at[BTREE_LEVELS];
};

struct btree {
    uint64_t sequence; /* odd while something changes */
    struct btree_leaf *leaves;
    struct btree_node *nodes;
    struct btree_range *ranges;
    struct btree_row rows[BTREE_ROWS];
    unsigned row_count, height; /* height: levels above the leaves */
    uint32_t root;
    uint64_t first, last; /* of the arena */
    struct btree_pool leaf_pool, node_pool, range_pool;
};

/* ---- arena_btree_search.c ------------------------------------------------------------------------------ */

/* The lowest or highest place, and the range behind it. 0; -ENOSPC; -ENOMEM: no room for a new row. */
int bench_btree_search(struct btree *self, const struct bench_request *request, struct btree_path *path,
                       uint64_t *address);

/* The range that begins at the address or is the first one above it. */
void bench_btree_find(const struct btree *self, uint64_t address, struct btree_path *path);

/* ---- arena_btree_rows.c: what nodes say of the gaps below them ----------------------------------------- */

/* The row of this alignment, made if there is none: 0; -ENOMEM; -ENOSPC: there are too many. */
int bench_btree_row(struct btree *self, uint64_t mask, unsigned *row);

/* A gap in the leaf was replaced by parts of it. */
void bench_btree_shrunk(struct btree *self, const struct btree_path *path, uint64_t first, uint64_t end);

/* A gap [first, end) appeared in the leaf, and whatever it covers was there before. */
void bench_btree_grown(struct btree *self, const struct btree_path *path, uint64_t first, uint64_t end);

/* Everything that child `at` of a node at this level says of itself, key included, is found again. */
void bench_btree_describe(struct btree *self, uint32_t node, uint32_t at, unsigned level);

/* ---- arena_btree_shape.c: what changes the shape -------------------------------------------------------- */

int bench_btree_open(struct btree *self);
void bench_btree_close(struct btree *self);

/* A slot for a range: 0 or -ENOMEM; and back. */
int bench_btree_take_slot(struct btree *self, uint32_t *slot);
void bench_btree_give_slot(struct btree *self, uint32_t slot);

/* A full leaf is divided, and nodes above it as far as it takes; the path leads to the same range. 0 or -ENOMEM. */
int bench_btree_split(struct btree *self, struct btree_path *path);

/* The leaf has lost a range: its key, if that was the last one, and its neighbours. */
void bench_btree_settle(struct btree *self, struct btree_path *path);

/* The range behind the one that the path leads to, which is not the last. */
void bench_btree_next(const struct btree *self, const struct btree_path *path, struct btree_path *next);

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* The leading bits of a number, as a number of 16 bits that is the larger the larger it is. */
static inline uint16_t btree_rough(uint64_t cap)
{
    if (cap < 1024)
        return (uint16_t)cap;
    unsigned shift = 53 - (unsigned)__builtin_clzll(cap);
    return (uint16_t)((shift + 1) << 10 | (cap >> shift & 1023));
}

/* What is left of [first, end) from the first aligned address on. */
static inline uint64_t btree_cap(uint64_t first, uint64_t end, uint64_t mask)
{
    uint64_t waste = (0 - first) & mask, length = end - first;

    return length > waste ? length - waste : 0;
}

/* The number with the most trailing zeros in the gap divides it; no natural block lies on both sides. */
static inline uint8_t btree_order(uint64_t first, uint64_t end)
{
    uint64_t middle = 0, most;

    if (first == end)
        return 0;
    if (first != 0)
        middle = (end - 1) & UINT64_MAX << (63 - (unsigned)__builtin_clzll((first - 1) ^ (end - 1)));
    most = middle - first > end - middle ? middle - first : end - middle;
    return (uint8_t)(64 - __builtin_clzll(most));
}

/* The number of keys below: four groups first, then within one. Keys behind the last are UINT64_MAX. */
static inline uint32_t btree_below(const uint64_t *keys, uint64_t address)
{
    uint32_t group = (uint32_t)(keys[3] < address) + (uint32_t)(keys[7] < address) + (uint32_t)(keys[11] < address);
    const uint64_t *in = keys + 4 * group;

    return 4 * group + (uint32_t)(in[0] < address) + (uint32_t)(in[1] < address) + (uint32_t)(in[2] < address) +
           (uint32_t)(in[3] < address);
}

static inline uint64_t btree_gap_first(const struct btree_leaf *leaf, uint32_t at)
{
    return leaf->first[at] - leaf->gap[at];
}

#endif
