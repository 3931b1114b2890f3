/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What changes the shape of the B+tree: memory, a full node that is divided, nodes that are merged. A node is divided
 * in the middle, but at the ends of the arena, where ranges are put one after the other, it stays full.
 */
#include "arena_btree.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#define FIRST_BYTES ((size_t)16 << 10)
#define PAGE ((size_t)4096)
#define MOST_MORE ((size_t)4 << 20) /* bytes at a time */

#ifndef MADV_POPULATE_WRITE /* Linux 5.14; older ones refuse it, and pages come one by one */
#define MADV_POPULATE_WRITE 23
#endif

/* All pages at once, as ours has them. */
static int map(void **memory, size_t from, size_t to)
{
    void *mapped = from == 0 ? mmap(NULL, to, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
                             : mremap(*memory, from, to, MREMAP_MAYMOVE);

    if (mapped == MAP_FAILED)
        return -ENOMEM;
    *memory = mapped;
    (void)madvise((char *)mapped + from / PAGE * PAGE, to - from / PAGE * PAGE, MADV_POPULATE_WRITE);
    return 0;
}

/* The caps of each node beside it, so that they grow first: that more of them are there does no harm. */
static int grow_rows(struct btree *self, size_t from, size_t to)
{
    int result = 0;

    for (unsigned i = 0; i < self->row_count && result == 0; i++) {
        void *caps = self->rows[i].caps;
        result = map(&caps, from * sizeof(struct btree_caps), to * sizeof(struct btree_caps));
        self->rows[i].caps = caps;
    }
    return result;
}

static int pool_grow(struct btree *self, struct btree_pool *pool)
{
    size_t more = pool->bytes == 0 ? FIRST_BYTES : pool->bytes < MOST_MORE ? pool->bytes : MOST_MORE;
    size_t bytes = pool->bytes + more;
    int result = 0;

    if (pool == &self->node_pool)
        result = grow_rows(self, pool->bytes / pool->size, bytes / pool->size);
    if (result == 0)
        result = map(&pool->memory, pool->bytes, bytes);
    if (result != 0)
        return result;
    pool->bytes = bytes;
    self->leaves = self->leaf_pool.memory;
    self->nodes = self->node_pool.memory;
    self->ranges = self->range_pool.memory;
    return 0;
}

static int pool_take(struct btree *self, struct btree_pool *pool, uint32_t *slot)
{
    if (pool->spare != 0) {
        *slot = pool->spare - 1;
        memcpy(&pool->spare, (char *)pool->memory + *slot * pool->size, sizeof(pool->spare));
        return 0;
    }
    if ((pool->used + 1) * pool->size > pool->bytes && pool_grow(self, pool) != 0)
        return -ENOMEM;
    *slot = pool->used++;
    return 0;
}

static void pool_give(struct btree_pool *pool, uint32_t slot)
{
    memcpy((char *)pool->memory + slot * pool->size, &pool->spare, sizeof(pool->spare));
    pool->spare = slot + 1;
}

int bench_btree_take_slot(struct btree *self, uint32_t *slot)
{
    return pool_take(self, &self->range_pool, slot);
}

void bench_btree_give_slot(struct btree *self, uint32_t slot)
{
    pool_give(&self->range_pool, slot);
}

/* ---- leaves and nodes alike ---------------------------------------------------------------------------- */

static uint32_t *count_of(struct btree *self, uint32_t node, unsigned level)
{
    return level == 0 ? &self->leaves[node].count : &self->nodes[node].count;
}

/* Behind what is there is nothing that a search could take for something. */
static void wipe(struct btree *self, uint32_t node, unsigned level, uint32_t from)
{
    *count_of(self, node, level) = from;
    for (uint32_t i = from; i < BTREE_WAYS; i++) {
        if (level == 0) {
            self->leaves[node].first[i] = UINT64_MAX;
            self->leaves[node].gap[i] = 0;
            self->leaves[node].order[i] = 0;
            continue;
        }
        self->nodes[node].key[i] = UINT64_MAX;
        self->nodes[node].order[i] = 0;
        for (unsigned row = 0; row < self->row_count; row++) {
            self->rows[row].caps[node].rough[i] = 0;
            self->rows[row].caps[node].cap[i] = 0;
        }
    }
}

/* Moves some places of one node to another or within one; both are of the level. Counts are not touched. */
static void move(struct btree *self, unsigned level, uint32_t to, uint32_t to_at, uint32_t from, uint32_t from_at,
                 uint32_t count)
{
    if (level == 0) {
        struct btree_leaf *into = &self->leaves[to], *of = &self->leaves[from];
        memmove(&into->first[to_at], &of->first[from_at], count * sizeof(*of->first));
        memmove(&into->gap[to_at], &of->gap[from_at], count * sizeof(*of->gap));
        memmove(&into->range[to_at], &of->range[from_at], count * sizeof(*of->range));
        memmove(&into->order[to_at], &of->order[from_at], count);
        return;
    }
    struct btree_node *into = &self->nodes[to], *of = &self->nodes[from];
    memmove(&into->key[to_at], &of->key[from_at], count * sizeof(*of->key));
    memmove(&into->child[to_at], &of->child[from_at], count * sizeof(*of->child));
    memmove(&into->order[to_at], &of->order[from_at], count);
    for (unsigned i = 0; i < self->row_count; i++) {
        struct btree_caps *in = &self->rows[i].caps[to], *out = &self->rows[i].caps[from];
        memmove(&in->cap[to_at], &out->cap[from_at], count * sizeof(*out->cap));
        memmove(&in->rough[to_at], &out->rough[from_at], count * sizeof(*out->rough));
    }
}

static void drop_child(struct btree *self, uint32_t node, uint32_t at, unsigned level)
{
    uint32_t count = self->nodes[node].count;

    pool_give(level == 1 ? &self->leaf_pool : &self->node_pool, self->nodes[node].child[at]);
    move(self, level, node, at, node, at + 1, count - at - 1);
    wipe(self, node, level, count - 1);
}

/* ---- opening ------------------------------------------------------------------------------------------- */

int bench_btree_open(struct btree *self)
{
    unsigned row;

    self->leaf_pool.size = sizeof(struct btree_leaf);
    self->node_pool.size = sizeof(struct btree_node);
    self->range_pool.size = sizeof(struct btree_range);
    if (pool_grow(self, &self->node_pool) != 0 || pool_take(self, &self->leaf_pool, &self->root) != 0 ||
        bench_btree_row(self, 0, &row) != 0)
        return -ENOMEM;
    wipe(self, self->root, 0, 0);
    struct btree_leaf *leaf = &self->leaves[self->root];
    leaf->count = 1;
    leaf->first[0] = self->last + 1;
    leaf->gap[0] = self->last + 1 - self->first;
    leaf->order[0] = btree_order(self->first, self->last + 1);
    return 0;
}

void bench_btree_close(struct btree *self)
{
    size_t nodes = self->node_pool.bytes / sizeof(struct btree_node);

    for (unsigned i = 0; i < self->row_count; i++)
        munmap(self->rows[i].caps, nodes * sizeof(struct btree_caps));
    const struct btree_pool *pools[] = {&self->leaf_pool, &self->node_pool, &self->range_pool};
    for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++)
        if (pools[i]->bytes != 0)
            munmap(pools[i]->memory, pools[i]->bytes);
}

/* ---- dividing ------------------------------------------------------------------------------------------ */

/* How many stay in the left half. */
static uint32_t kept(struct btree *self, const struct btree_path *path, unsigned level)
{
    int leftmost = 1, rightmost = 1;

    for (unsigned i = level; i <= self->height; i++) {
        leftmost &= path->at[i] == 0;
        rightmost &= path->at[i] + 1 == *count_of(self, path->node[i], i);
    }
    return leftmost ? 1 : rightmost ? BTREE_WAYS - 1 : BTREE_WAYS / 2;
}

static int add_root(struct btree *self, struct btree_path *path)
{
    uint32_t root;

    if (pool_take(self, &self->node_pool, &root) != 0)
        return -ENOMEM;
    self->height++;
    wipe(self, root, self->height, 0);
    self->nodes[root].child[0] = self->root;
    self->nodes[root].count = 1;
    bench_btree_describe(self, root, 0, self->height);
    self->root = root;
    path->node[self->height] = root;
    path->at[self->height] = 0;
    return 0;
}

static int split(struct btree *self, struct btree_path *path, unsigned level)
{
    uint32_t stay = kept(self, path, level), right, *at = &path->at[level + 1];
    int result = 0;

    if (level == self->height)
        result = add_root(self, path);
    else if (self->nodes[path->node[level + 1]].count == BTREE_WAYS)
        result = split(self, path, level + 1);
    if (result == 0)
        result = pool_take(self, level == 0 ? &self->leaf_pool : &self->node_pool, &right);
    if (result != 0)
        return result;
    uint32_t node = path->node[level], above = path->node[level + 1];
    struct btree_node *parent = &self->nodes[above];
    wipe(self, right, level, 0);
    move(self, level, right, 0, node, stay, BTREE_WAYS - stay);
    *count_of(self, right, level) = BTREE_WAYS - stay;
    wipe(self, node, level, stay);
    move(self, level + 1, above, *at + 1, above, *at, parent->count - *at);
    parent->count++;
    parent->child[*at + 1] = right;
    bench_btree_describe(self, above, *at, level + 1);
    bench_btree_describe(self, above, *at + 1, level + 1);
    if (path->at[level] < stay)
        return 0;
    path->node[level] = right;
    path->at[level] -= stay;
    ++*at;
    return 0;
}

int bench_btree_split(struct btree *self, struct btree_path *path)
{
    return split(self, path, 0);
}

/* ---- merging ------------------------------------------------------------------------------------------- */

/* With the right neighbour, or with the left one, of the same parent. */
static void merge(struct btree *self, uint32_t above, uint32_t at, unsigned level)
{
    struct btree_node *parent = &self->nodes[above];
    uint32_t left = at + 1 < parent->count ? at : at - 1;

    if (parent->count == 1)
        return;
    uint32_t into = parent->child[left], from = parent->child[left + 1];
    uint32_t *count = count_of(self, into, level), more = *count_of(self, from, level);
    if (*count + more > BTREE_MANY)
        return;
    move(self, level, into, *count, from, 0, more);
    *count += more;
    drop_child(self, above, left + 1, level + 1);
    bench_btree_describe(self, above, left, level + 1);
}

/* 0 when nothing above this level can have changed. */
static int settle_at(struct btree *self, const struct btree_path *path, unsigned level)
{
    uint32_t node = path->node[level], above = path->node[level + 1], at = path->at[level + 1];
    struct btree_node *parent = &self->nodes[above];
    uint32_t count = *count_of(self, node, level), children = parent->count;
    uint64_t key = parent->key[at];

    if (count == 0) {
        drop_child(self, above, at, level + 1);
        return 1;
    }
    parent->key[at] = level == 0 ? self->leaves[node].first[count - 1] : self->nodes[node].key[count - 1];
    int last = at + 1 == children && parent->key[at] != key;
    if (count < BTREE_FEW)
        merge(self, above, at, level);
    return last || parent->count != children;
}

void bench_btree_settle(struct btree *self, struct btree_path *path)
{
    for (unsigned level = 0; level < self->height && settle_at(self, path, level); level++)
        ;
    while (self->height > 0 && self->nodes[self->root].count == 1) {
        uint32_t root = self->root;
        self->root = self->nodes[root].child[0];
        self->height--;
        pool_give(&self->node_pool, root);
    }
}

void bench_btree_next(const struct btree *self, const struct btree_path *path, struct btree_path *next)
{
    unsigned level = 0;

    *next = *path;
    if (path->at[0] + 1 < self->leaves[path->node[0]].count) {
        next->at[0]++;
        return;
    }
    for (level = 1; next->at[level] + 1 == self->nodes[next->node[level]].count; level++)
        ;
    next->at[level]++;
    for (; level > 0; level--) {
        next->node[level - 1] = self->nodes[next->node[level]].child[next->at[level]];
        next->at[level - 1] = 0;
    }
}
