/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory of given sizes laid out around holes. Walked twice, first to count, so that an error leaves the caller's array
 * as it was. The rule for a hole (split, unless what would lie before it is too short) is that of Dragonball.
 */
#include "guestmem/boot.h"

#include <errno.h>
#include <stdbool.h>

#include "base/math.h"

static const struct gm_layout pc = {
    .mem_last = GM_GPA_LAST,
    .phys_last = GM_GPA_LAST,
    .holes = 1,
    .hole = {{.first = GM_BOOT_HOLE_FIRST, .last = GM_BOOT_HOLE_LAST}},
};

struct walk {
    const struct gm_layout *layout;
    uint64_t piece_least;
    uint64_t at; /* nothing lies here or above yet */
    struct gm_boot_range *out; /* NULL: only count */
    size_t count;
};

/* Go to where memory may lie next, and say how far; false at the end. */
static bool next_run(struct walk *walk, uint64_t *last)
{
    const struct gm_layout *layout = walk->layout;
    *last = layout->mem_last;
    for (unsigned i = 0; i < layout->holes; i++) {
        const struct gm_layout_hole *hole = &layout->hole[i];
        if (walk->at > hole->last)
            continue;
        if (walk->at < hole->first) {
            *last = gm_min_u64(*last, hole->first - 1);
            break;
        }
        walk->at = hole->last + 1;
    }
    return walk->at <= *last;
}

static void put(struct walk *walk, uint64_t size, unsigned numa)
{
    if (walk->out != NULL)
        walk->out[walk->count] = (struct gm_boot_range){.gpa = walk->at, .size = size, .numa = numa};
    walk->count++;
}

static int lay_node(struct walk *walk, const struct gm_boot_node *node)
{
    for (uint64_t left = node->size; left != 0;) { /* each turn passes a hole or ends */
        uint64_t last;
        if (!next_run(walk, &last))
            return -ERANGE;
        uint64_t size = gm_min_u64(left, last - walk->at + 1);
        if (size == left || size >= walk->piece_least) {
            put(walk, size, node->numa);
            left -= size;
        }
        walk->at += size; /* too short a piece is passed over */
    }
    return 0;
}

static int lay_all(struct walk *walk, const struct gm_boot_node *nodes, size_t count)
{
    walk->at = walk->layout->mem_first;
    walk->count = 0;
    for (size_t i = 0; i < count; i++) {
        int result = lay_node(walk, &nodes[i]);
        if (result != 0)
            return result;
    }
    return 0;
}

static bool in_pages(const struct gm_layout *layout, const struct gm_boot_node *nodes, size_t count)
{
    uint64_t slip = layout->mem_first;
    for (unsigned i = 0; i < layout->holes; i++)
        slip |= layout->hole[i].first | (layout->hole[i].last + 1);
    for (size_t i = 0; i < count; i++) {
        if (nodes[i].size == 0)
            return false;
        slip |= nodes[i].size;
    }
    return gm_is_aligned(slip, GM_PAGE_SIZE);
}

int gm_boot_layout(const struct gm_layout *layout, uint64_t piece_least, const struct gm_boot_node *nodes, size_t count,
                   struct gm_boot_range *out, size_t room, size_t *needed)
{
    struct walk walk = {.layout = layout != NULL ? layout : &pc, .piece_least = piece_least};
    if (nodes == NULL || count == 0 || needed == NULL || gm_layout_validate(walk.layout) != 0 ||
        !in_pages(walk.layout, nodes, count))
        return -EINVAL;
    int result = lay_all(&walk, nodes, count);
    if (result != 0)
        return result;
    *needed = walk.count;
    if (walk.count > room || out == NULL)
        return -ENOBUFS;
    walk.out = out;
    return lay_all(&walk, nodes, count);
}
