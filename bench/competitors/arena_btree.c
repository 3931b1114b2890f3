/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Allocating and freeing in the B+tree: a range more or less in a leaf, and what the nodes above say of it. */
#include "arena_btree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void change_begins(struct btree *self)
{
    __atomic_store_n(&self->sequence, self->sequence + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void change_ends(struct btree *self)
{
    __atomic_store_n(&self->sequence, self->sequence + 1, __ATOMIC_RELEASE);
}

/* One by one and relaxed, as whatever readers may be looking at has to be written; they look at no orders. */
#define SHIFT_UP(array, at, count)                                                                                     \
    for (uint32_t to = (count); to > (at); to--)                                                                       \
    __atomic_store_n(&(array)[to], (array)[to - 1], __ATOMIC_RELAXED)
#define SHIFT_DOWN(array, at, count)                                                                                   \
    for (uint32_t to = (at); to + 1 < (count); to++)                                                                   \
    __atomic_store_n(&(array)[to], (array)[to + 1], __ATOMIC_RELAXED)

static void leaf_insert(struct btree_leaf *leaf, uint32_t at, uint64_t address, uint64_t size, uint32_t range)
{
    uint64_t from = btree_gap_first(leaf, at), end = leaf->first[at];

    SHIFT_UP(leaf->first, at, leaf->count);
    SHIFT_UP(leaf->gap, at, leaf->count);
    SHIFT_UP(leaf->range, at, leaf->count);
    memmove(&leaf->order[at + 1], &leaf->order[at], leaf->count - at);
    leaf->range[at] = range;
    leaf->first[at] = address;
    leaf->gap[at] = address - from;
    leaf->order[at] = btree_order(from, address);
    leaf->gap[at + 1] = end - (address + size);
    leaf->order[at + 1] = btree_order(address + size, end);
    leaf->count++;
}

static void leaf_remove(struct btree_leaf *leaf, uint32_t at)
{
    SHIFT_DOWN(leaf->first, at, leaf->count);
    SHIFT_DOWN(leaf->gap, at, leaf->count);
    SHIFT_DOWN(leaf->range, at, leaf->count);
    memmove(&leaf->order[at], &leaf->order[at + 1], leaf->count - at - 1);
    leaf->count--;
    leaf->first[leaf->count] = UINT64_MAX;
    leaf->gap[leaf->count] = 0;
    leaf->order[leaf->count] = 0;
}

static inline int btree_put(struct btree *self, const struct bench_request *request, uint64_t *address)
{
    struct btree_path path;
    uint64_t from, end;
    uint32_t slot;
    int result = bench_btree_search(self, request, &path, address);

    if (result == 0)
        result = bench_btree_take_slot(self, &slot);
    if (result != 0)
        return result;
    change_begins(self);
    if (self->leaves[path.node[0]].count == BTREE_WAYS && (result = bench_btree_split(self, &path)) != 0) {
        bench_btree_give_slot(self, slot);
        change_ends(self);
        return result;
    }
    struct btree_range *range = &self->ranges[slot];
    *range = (struct btree_range){.first = *address, .generation = range->generation};
    struct btree_leaf *leaf = &self->leaves[path.node[0]];
    from = btree_gap_first(leaf, path.at[0]);
    end = leaf->first[path.at[0]];
    leaf_insert(leaf, path.at[0], *address, request->size, slot);
    bench_btree_shrunk(self, &path, from, end);
    change_ends(self);
    return 0;
}

/* The gap before a range begins lower now. */
static void widen(struct btree *self, const struct btree_path *path, uint64_t from)
{
    struct btree_leaf *leaf = &self->leaves[path->node[0]];
    uint32_t at = path->at[0];

    leaf->gap[at] = leaf->first[at] - from;
    leaf->order[at] = btree_order(from, leaf->first[at]);
    bench_btree_grown(self, path, from, leaf->first[at]);
}

static inline int btree_take(struct btree *self, uint64_t address, uint64_t size)
{
    struct btree_path path, next;

    bench_btree_find(self, address, &path);
    struct btree_leaf *leaf = &self->leaves[path.node[0]];
    uint32_t at = path.at[0];
    if (leaf->first[at] != address || address > self->last)
        return -EINVAL;
    bench_btree_next(self, &path, &next);
    const struct btree_leaf *behind = &self->leaves[next.node[0]];
    struct btree_range *range = &self->ranges[leaf->range[at]];
    if (btree_gap_first(behind, next.at[0]) != address + size || range->owner != 0)
        return -EINVAL;
    uint64_t from = btree_gap_first(leaf, at);
    change_begins(self);
    range->generation++;
    bench_btree_give_slot(self, leaf->range[at]);
    leaf_remove(leaf, at);
    if (behind == leaf) {
        widen(self, &path, from);
    } else {
        widen(self, &next, from);
        bench_btree_shrunk(self, &path, from, address);
    }
    if (behind != leaf || leaf->count < BTREE_FEW)
        bench_btree_settle(self, &path);
    change_ends(self);
    return 0;
}

BENCH_ARENA(btree)

static void destroy(void *opaque)
{
    bench_btree_close(opaque);
    free(opaque);
}

static void *create(uint64_t base, uint64_t size)
{
    struct btree *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    self->first = base;
    self->last = base + (size - 1);
    if (bench_btree_open(self) == 0)
        return self;
    destroy(self);
    return NULL;
}

const struct bench_arena bench_arena_btree = {
    .name = "b+tree",
    .what = "a B+tree of used ranges, nodes know what their children can hold",
    .can = BENCH_CAN_HIGHEST | BENCH_CAN_FIXED | BENCH_CAN_WINDOW,
    .live = UINT64_MAX,
    .fill = UINT64_MAX,
    .create = create,
    .destroy = destroy,
    .alloc = btree_alloc,
    .free = btree_free,
    .place = btree_place,
    .replay = btree_replay,
};
