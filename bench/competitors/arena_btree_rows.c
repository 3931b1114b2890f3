/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What nodes of the B+tree say of the gaps below them. A part of a gap never holds more than the gap: if that was not
 * the most that its leaf could hold, nothing changes, and else the leaf is looked at again. The same holds for each
 * node above, so the way up ends early. A gap that grows only ever raises what nodes say.
 */
#include "arena_btree.h"

#include <errno.h>
#include <sys/mman.h>

static uint8_t most_order(const uint8_t *orders)
{
    uint8_t most = 0;

    for (unsigned i = 0; i < BTREE_WAYS; i++)
        most = orders[i] > most ? orders[i] : most;
    return most;
}

static uint64_t most_cap(const struct btree_caps *caps)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < BTREE_WAYS; i++)
        most = caps->cap[i] > most ? caps->cap[i] : most;
    return most;
}

/* Empty places have no gap, and hold nothing. A gap that is not longer than what another holds is not looked at. */
static uint64_t leaf_cap(const struct btree_leaf *leaf, uint64_t mask)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < BTREE_WAYS && mask == 0; i++)
        most = leaf->gap[i] > most ? leaf->gap[i] : most;
    for (unsigned i = 0; i < BTREE_WAYS && mask != 0; i++) {
        if (leaf->gap[i] <= most)
            continue;
        uint64_t cap = btree_cap(btree_gap_first(leaf, i), leaf->first[i], mask);
        most = cap > most ? cap : most;
    }
    return most;
}

static uint8_t order_below(const struct btree *self, uint32_t child, unsigned level)
{
    return most_order(level == 0 ? self->leaves[child].order : self->nodes[child].order);
}

static uint64_t cap_below(const struct btree *self, const struct btree_row *row, uint32_t child, unsigned level)
{
    return level == 0 ? leaf_cap(&self->leaves[child], row->mask) : most_cap(&row->caps[child]);
}

static void set_cap(struct btree_caps *caps, uint32_t at, uint64_t cap)
{
    caps->cap[at] = cap;
    caps->rough[at] = btree_rough(cap);
}

static void shrink_order(struct btree *self, const struct btree_path *path, uint8_t old)
{
    for (unsigned level = 1; level <= self->height; level++) {
        uint8_t *order = &self->nodes[path->node[level]].order[path->at[level]];
        if (*order != old)
            return;
        *order = order_below(self, path->node[level - 1], level - 1);
        if (*order == old)
            return;
    }
}

static void shrink_row(struct btree *self, const struct btree_path *path, const struct btree_row *row, uint64_t old)
{
    for (unsigned level = 1; level <= self->height; level++) {
        struct btree_caps *caps = &row->caps[path->node[level]];
        if (caps->cap[path->at[level]] != old)
            return;
        uint64_t cap = cap_below(self, row, path->node[level - 1], level - 1);
        if (cap == old)
            return;
        set_cap(caps, path->at[level], cap);
    }
}

void bench_btree_shrunk(struct btree *self, const struct btree_path *path, uint64_t first, uint64_t end)
{
    shrink_order(self, path, btree_order(first, end));
    for (unsigned i = 0; i < self->row_count; i++)
        shrink_row(self, path, &self->rows[i], btree_cap(first, end, self->rows[i].mask));
}

static void grow_row(const struct btree *self, const struct btree_path *path, const struct btree_row *row, uint64_t cap)
{
    for (unsigned level = 1; level <= self->height; level++) {
        struct btree_caps *caps = &row->caps[path->node[level]];
        if (caps->cap[path->at[level]] >= cap)
            return;
        set_cap(caps, path->at[level], cap);
    }
}

void bench_btree_grown(struct btree *self, const struct btree_path *path, uint64_t first, uint64_t end)
{
    uint8_t order = btree_order(first, end);

    for (unsigned level = 1; level <= self->height; level++) {
        uint8_t *known = &self->nodes[path->node[level]].order[path->at[level]];
        if (*known >= order)
            break;
        *known = order;
    }
    for (unsigned i = 0; i < self->row_count; i++)
        grow_row(self, path, &self->rows[i], btree_cap(first, end, self->rows[i].mask));
}

void bench_btree_describe(struct btree *self, uint32_t node, uint32_t at, unsigned level)
{
    struct btree_node *parent = &self->nodes[node];
    uint32_t child = parent->child[at];

    if (level == 1)
        parent->key[at] = self->leaves[child].first[self->leaves[child].count - 1];
    else
        parent->key[at] = self->nodes[child].key[self->nodes[child].count - 1];
    parent->order[at] = order_below(self, child, level - 1);
    for (unsigned i = 0; i < self->row_count; i++)
        set_cap(&self->rows[i].caps[node], at, cap_below(self, &self->rows[i], child, level - 1));
}

static void build(struct btree *self, const struct btree_row *row, uint32_t node, unsigned level)
{
    for (uint32_t at = 0; at < self->nodes[node].count; at++) {
        uint32_t child = self->nodes[node].child[at];
        if (level > 1)
            build(self, row, child, level - 1);
        set_cap(&row->caps[node], at, cap_below(self, row, child, level - 1));
    }
}

int bench_btree_row(struct btree *self, uint64_t mask, unsigned *out)
{
    for (unsigned i = 0; i < self->row_count; i++) {
        if (self->rows[i].mask == mask) {
            *out = i;
            return 0;
        }
    }
    if (self->row_count == BTREE_ROWS)
        return -ENOSPC;
    struct btree_row *row = &self->rows[self->row_count];
    size_t bytes = self->node_pool.bytes / self->node_pool.size * sizeof(*row->caps);
    row->mask = mask;
    row->caps = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (row->caps == MAP_FAILED)
        return -ENOMEM;
    if (self->height > 0)
        build(self, row, self->root, self->height);
    *out = self->row_count++;
    return 0;
}
