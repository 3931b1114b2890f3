/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The algorithm of Linux's vmalloc: free ranges in a balanced tree, each node with the largest size below it.
 * Alignments beyond a page are met by asking for that much more, so that any gap that is long enough will do, and the
 * way down never turns back. Gaps that would do and are not so long are overlooked. Used ranges are in a map, to free
 * by. The tree is balanced by random priorities instead of colours; a node that keeps its place in the order is changed
 * where it is, as theirs.
 */
#include "../lib/load.h"
#include "arena_map.h"

struct area {
    uint64_t first, end, most; /* end: exclusive; most: largest size in the subtree */
    struct area *child[2];
    uint64_t priority; /* above those of the children */
};

struct vmalloc {
    struct area *root;
    struct bench_map map;
    uint64_t random;
};

static void refresh(struct area *area)
{
    area->most = area->end - area->first;
    for (int i = 0; i < 2; i++)
        if (area->child[i] != NULL && area->child[i]->most > area->most)
            area->most = area->child[i]->most;
}

/* Everything in `low` lies below everything in `high`. */
static struct area *join(struct area *low, struct area *high)
{
    struct area *top = low != NULL && (high == NULL || low->priority > high->priority) ? low : high;

    if (low == NULL || high == NULL)
        return top;
    if (top == low)
        low->child[1] = join(low->child[1], high);
    else
        high->child[0] = join(low, high->child[0]);
    refresh(top);
    return top;
}

static void divide(struct area *area, uint64_t at, struct area **low, struct area **high)
{
    int right;

    if (area == NULL) {
        *low = *high = NULL;
        return;
    }
    right = area->first < at;
    *(right ? low : high) = area;
    divide(area->child[right], at, right ? &area->child[1] : low, right ? high : &area->child[0]);
    refresh(area);
}

static void insert(struct area **link, struct area *area)
{
    if (*link == NULL || (*link)->priority < area->priority) {
        divide(*link, area->first, &area->child[0], &area->child[1]);
        *link = area;
    } else {
        insert(&(*link)->child[(*link)->first < area->first], area);
    }
    refresh(*link);
}

/* The area that begins there gets other bounds, between the same neighbours; an empty one goes. */
static void change(struct area **link, uint64_t at, uint64_t first, uint64_t end)
{
    struct area *area = *link;

    if (area->first != at) {
        change(&area->child[area->first < at], at, first, end);
    } else if (first == end) {
        *link = join(area->child[0], area->child[1]);
        free(area);
        return;
    } else {
        area->first = first;
        area->end = end;
    }
    refresh(area);
}

static int add(struct vmalloc *self, uint64_t first, uint64_t end)
{
    struct area *area = calloc(1, sizeof(*area));

    if (area == NULL)
        return -ENOMEM;
    self->random = self->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    *area = (struct area){.first = first, .end = end, .priority = self->random};
    insert(&self->root, area);
    return 0;
}

/* Takes [first, end) out of an area. */
static int clip(struct vmalloc *self, const struct area *area, uint64_t first, uint64_t end)
{
    uint64_t from = area->first, to = area->end;

    if (from != first && to != end) {
        change(&self->root, from, from, first);
        return add(self, end, to);
    }
    if (from == first)
        change(&self->root, from, end, to);
    else
        change(&self->root, from, from, first);
    return 0;
}

/* ---- searching ----------------------------------------------------------------------------------------- */

static int within(const struct area *area, const struct bench_request *request, uint64_t *address)
{
    uint64_t from = area->first < request->min ? request->min : area->first;
    uint64_t place = (from + (request->align - 1)) & ~(request->align - 1);

    if (place < from || place >= area->end || area->end - place < request->size)
        return 0;
    *address = place;
    return 1;
}

/* The lowest one whose size is enough, if what of it lies above the window's begin is enough too. */
static const struct area *lowest(const struct area *area, const struct bench_request *request, uint64_t length,
                                 uint64_t *address)
{
    const struct area *found = NULL;

    if (area == NULL || area->most < length)
        return NULL;
    if (request->min < area->first)
        found = lowest(area->child[0], request, length, address);
    if (found == NULL && area->end - area->first >= length && within(area, request, address))
        found = area;
    return found != NULL ? found : lowest(area->child[1], request, length, address);
}

/* The last area that begins at or below the address. */
static const struct area *below(const struct area *area, uint64_t address)
{
    const struct area *found = NULL;

    while (area != NULL) {
        int right = area->first <= address;
        found = right ? area : found;
        area = area->child[right];
    }
    return found;
}

static int vmalloc_put(struct vmalloc *self, const struct bench_request *request, uint64_t *address)
{
    uint64_t length = request->size + (request->align > BENCH_PAGE ? request->align - 1 : 0), place = 0;
    const struct area *area;
    int result;

    if (request->policy == BENCH_FIXED)
        area = below(self->root, request->min);
    else
        area = lowest(self->root, request, length, &place);
    place = request->policy == BENCH_FIXED ? request->min : place;
    if (area == NULL || place > request->max || request->max - place < request->size - 1 ||
        place < area->first || place >= area->end || area->end - place < request->size)
        return -ENOSPC;
    result = clip(self, area, place, place + request->size);
    if (result != 0)
        return result;
    *address = place;
    return bench_map_put(&self->map, place, request->size);
}

static int vmalloc_take(struct vmalloc *self, uint64_t address, uint64_t size)
{
    struct bench_map_entry *entry = bench_map_get(&self->map, address);
    const struct area *before = below(self->root, address), *after = below(self->root, address + size);
    uint64_t first = address, end = address + size;

    if (entry == NULL || entry->value != size)
        return -EINVAL;
    bench_map_remove(&self->map, entry);
    if (after != NULL && after->first == end) {
        end = after->end;
        if (before != NULL && before->end == address)
            change(&self->root, after->first, 0, 0);
        else
            change(&self->root, after->first, first, end);
    }
    if (before != NULL && before->end == address)
        change(&self->root, before->first, before->first, end);
    else if (end == address + size)
        return add(self, first, end);
    return 0;
}

BENCH_ARENA(vmalloc)

static void release(struct area *area)
{
    if (area == NULL)
        return;
    release(area->child[0]);
    release(area->child[1]);
    free(area);
}

static void destroy(void *opaque)
{
    struct vmalloc *self = opaque;

    release(self->root);
    free(self->map.entries);
    free(self);
}

static void *create(uint64_t base, uint64_t size)
{
    struct vmalloc *self = calloc(1, sizeof(*self));

    if (self == NULL)
        return NULL;
    if (bench_map_open(&self->map, 64) == 0 && add(self, base, base + size) == 0)
        return self;
    destroy(self);
    return NULL;
}

const struct bench_arena bench_arena_vmalloc = {
    .name = "vmalloc-like",
    .what = "free ranges in a tree with the largest size below, alignment by asking for more",
    .can = BENCH_CAN_FIXED | BENCH_CAN_WINDOW | BENCH_NOT_EXACT,
    .live = UINT64_MAX,
    .fill = UINT64_MAX,
    .create = create,
    .destroy = destroy,
    .alloc = vmalloc_alloc,
    .free = vmalloc_free,
    .place = vmalloc_place,
    .replay = vmalloc_replay,
};
