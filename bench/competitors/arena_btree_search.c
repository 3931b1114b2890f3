/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The search of the B+tree. The window cuts one gap at the end where the search begins, and all behind it are whole as
 * far as that end is concerned. One descent follows the window's edge, and notes on its way the lowest node that has a
 * child behind it which can hold the request; if the edge's own leaf has no place, a second descent starts there, and
 * always finds. The far end is left to the test of the gap that was found: what lies behind a gap that it cuts is
 * outside.
 */
#include "arena_btree.h"

#include <errno.h>

#define ALWAYS static inline __attribute__((always_inline))
#define ALL ((1u << BTREE_WAYS) - 1)

enum kind { BY_ORDER, BY_ROW, LOOSELY };

struct ask {
    uint64_t size, mask, min, max;
    unsigned row;
    uint16_t rough;
    uint8_t order;
};

#ifdef __SSE2__
typedef uint8_t bytes __attribute__((vector_size(16), may_alias));
typedef uint16_t words __attribute__((vector_size(16), may_alias));
typedef char lanes __attribute__((vector_size(16)));
typedef short wide_lanes __attribute__((vector_size(16)));
#endif

/* A bit for each that is not below. */
ALWAYS uint32_t orders_from(const uint8_t *orders, uint8_t least)
{
#ifdef __SSE2__
    lanes from = (lanes)(*(const bytes *)orders >= least);
    return (uint32_t)__builtin_ia32_pmovmskb128(from);
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < BTREE_WAYS; i++)
        bits |= (uint32_t)(orders[i] >= least) << i;
    return bits;
#endif
}

ALWAYS uint32_t roughs_from(const uint16_t *roughs, uint16_t least)
{
#ifdef __SSE2__
    const words *all = (const words *)roughs;
    wide_lanes low = (wide_lanes)(all[0] >= least), high = (wide_lanes)(all[1] >= least);
    return (uint32_t)__builtin_ia32_pmovmskb128((lanes)__builtin_ia32_packsswb128(low, high));
#else
    uint32_t bits = 0;
    for (unsigned i = 0; i < BTREE_WAYS; i++)
        bits |= (uint32_t)(roughs[i] >= least) << i;
    return bits;
#endif
}

ALWAYS uint32_t nearest(uint32_t bits, int highest)
{
    return highest ? 31 - (uint32_t)__builtin_clz(bits) : (uint32_t)__builtin_ctz(bits);
}

/* The nearest of these children that can hold the request; BTREE_WAYS: none. */
ALWAYS uint32_t able(const struct btree *self, const struct ask *ask, enum kind kind, int highest, uint32_t node,
                     uint32_t among)
{
    if (kind == BY_ORDER) {
        uint32_t bits = orders_from(self->nodes[node].order, ask->order) & among;
        return bits != 0 ? nearest(bits, highest) : BTREE_WAYS;
    }
    const struct btree_caps *caps = &self->rows[ask->row].caps[node];
    for (uint32_t bits = roughs_from(caps->rough, ask->rough) & among; bits != 0;) {
        uint32_t at = nearest(bits, highest);
        if (caps->cap[at] >= ask->size)
            return at;
        bits &= ~(1u << at);
    }
    return BTREE_WAYS;
}

ALWAYS int fits(const struct ask *ask, int highest, uint64_t first, uint64_t end, uint64_t *address)
{
    uint64_t low = first < ask->min ? ask->min : first, last = end - 1 > ask->max ? ask->max : end - 1;

    if (low > last || last - low < ask->size - 1)
        return 0;
    uint64_t place = highest ? (last - (ask->size - 1)) & ~ask->mask : (low + ask->mask) & ~ask->mask;
    if (place < low || place > last || last - place < ask->size - 1)
        return 0;
    *address = place;
    return 1;
}

/* The nearest place in a leaf, in the gaps before these ranges. */
ALWAYS int scan(const struct btree *self, const struct ask *ask, enum kind kind, int highest, struct btree_path *path,
                uint32_t among, uint64_t *address)
{
    const struct btree_leaf *leaf = &self->leaves[path->node[0]];
    uint32_t bits = among & ((1u << leaf->count) - 1);

    if (kind == BY_ORDER)
        bits &= orders_from(leaf->order, ask->order);
    while (bits != 0) {
        uint32_t at = nearest(bits, highest);
        if (leaf->gap[at] >= ask->size &&
            fits(ask, highest, btree_gap_first(leaf, at), leaf->first[at], address)) {
            path->at[0] = at;
            return 0;
        }
        bits &= ~(1u << at);
    }
    return -ENOSPC;
}

ALWAYS void enter(const struct btree *self, struct btree_path *path, unsigned level, uint32_t at)
{
    path->at[level] = at;
    path->node[level - 1] = self->nodes[path->node[level]].child[at];
}

/* From the node at this level of the path, whose parent says that it can hold the request. */
ALWAYS int descend(const struct btree *self, const struct ask *ask, enum kind kind, int highest,
                   struct btree_path *path, unsigned level, uint64_t *address)
{
    for (; level > 0; level--) {
        uint32_t at = able(self, ask, kind, highest, path->node[level], ALL);
        if (at == BTREE_WAYS)
            return -ENOSPC;
        enter(self, path, level, at);
    }
    return scan(self, ask, kind, highest, path, ALL, address);
}

/* Those from `at` on, in the direction of the search. */
ALWAYS uint32_t beyond(uint32_t at, int highest)
{
    return highest ? (2u << at) - 1 : ALL & ~((1u << at) - 1);
}

ALWAYS int along_edge(const struct btree *self, const struct ask *ask, enum kind kind, int highest, uint64_t edge,
                      struct btree_path *path, uint64_t *address)
{
    unsigned level = self->height, noted = 0;
    uint32_t noted_at = 0;

    for (; level > 0; level--) {
        uint32_t at = btree_below(self->nodes[path->node[level]].key, edge + 1);
        uint32_t child = able(self, ask, kind, highest, path->node[level], beyond(at, highest));
        uint32_t further = child;
        if (child == at)
            further = able(self, ask, kind, highest, path->node[level], beyond(at, highest) & ~(1u << at));
        if (further != BTREE_WAYS) {
            noted = level;
            noted_at = further;
        }
        if (child != at)
            break;
        enter(self, path, level, at);
    }
    if (level == 0) {
        uint32_t at = btree_below(self->leaves[path->node[0]].first, edge + 1);
        if (scan(self, ask, kind, highest, path, beyond(at, highest), address) == 0)
            return 0;
    }
    if (noted == 0)
        return -ENOSPC;
    enter(self, path, noted, noted_at);
    return descend(self, ask, kind, highest, path, noted - 1, address);
}

/* One gap that is long enough after the other, where there is no row. */
static int loosely(const struct btree *self, const struct ask *ask, int highest, struct btree_path *path,
                   unsigned level, uint64_t *address)
{
    uint32_t left = ALL;

    if (level == 0)
        return scan(self, ask, LOOSELY, highest, path, ALL, address);
    for (;;) {
        uint32_t at = able(self, ask, LOOSELY, highest, path->node[level], left);
        if (at == BTREE_WAYS)
            return -ENOSPC;
        enter(self, path, level, at);
        if (loosely(self, ask, highest, path, level - 1, address) == 0)
            return 0;
        left &= ~(1u << at);
    }
}

ALWAYS int search(const struct btree *self, const struct ask *ask, enum kind kind, int highest,
                  struct btree_path *path, uint64_t *address)
{
    if (highest ? ask->max < self->last : ask->min > self->first)
        return along_edge(self, ask, kind, highest, highest ? ask->max : ask->min, path, address);
    return descend(self, ask, kind, highest, path, self->height, address);
}

static int fixed(const struct btree *self, const struct bench_request *request, struct btree_path *path,
                 uint64_t *address)
{
    uint64_t last = request->min + (request->size - 1);

    if (request->min < self->first || last < request->min || last > self->last)
        return -ENOSPC;
    bench_btree_find(self, request->min + 1, path);
    const struct btree_leaf *leaf = &self->leaves[path->node[0]];
    if (btree_gap_first(leaf, path->at[0]) > request->min || leaf->first[path->at[0]] <= last)
        return -ENOSPC;
    *address = request->min;
    return 0;
}

static int by_row(struct btree *self, struct ask *ask, int highest, struct btree_path *path, uint64_t *address)
{
    int result = bench_btree_row(self, ask->mask, &ask->row);

    if (result == -ENOSPC)
        return loosely(self, ask, highest, path, self->height, address);
    if (result != 0)
        return result;
    return highest ? search(self, ask, BY_ROW, 1, path, address) : search(self, ask, BY_ROW, 0, path, address);
}

int bench_btree_search(struct btree *self, const struct bench_request *request, struct btree_path *path,
                       uint64_t *address)
{
    int highest = request->policy == BENCH_HIGHEST;
    struct ask ask = {.size = request->size, .mask = request->align - 1, .min = request->min, .max = request->max};

    if (request->policy == BENCH_FIXED)
        return fixed(self, request, path, address);
    if (ask.min > self->last || ask.max < self->first)
        return -ENOSPC;
    path->node[self->height] = self->root;
    if (ask.size != request->align) {
        ask.rough = btree_rough(ask.size);
        return by_row(self, &ask, highest, path, address);
    }
    ask.order = (uint8_t)(64 - __builtin_clzll(ask.size));
    return highest ? search(self, &ask, BY_ORDER, 1, path, address) : search(self, &ask, BY_ORDER, 0, path, address);
}

void bench_btree_find(const struct btree *self, uint64_t address, struct btree_path *path)
{
    uint64_t to = address > self->last ? self->last + 1 : address;

    path->node[self->height] = self->root;
    for (unsigned level = self->height; level > 0; level--)
        enter(self, path, level, btree_below(self->nodes[path->node[level]].key, to));
    path->at[0] = btree_below(self->leaves[path->node[0]].first, to);
}
