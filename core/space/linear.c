/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Linear spaces: a region's memory is mapped into the reservation at base + GPA. The mapping is made when the region
 * is staged, because mmap may fail, and into a place that no reader can see: nothing of it may belong to the
 * published version, to one that is being retired, or to a snapshot. Taking memory away waits, like a node, for the
 * grace period, and puts the guard (PROT_NONE) back in one step.
 */
#include <errno.h>

#include "backing/backing.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "space/space.h"

static bool list_has_mapping(const struct gm_node_list *list, const uint8_t *first, const uint8_t *last)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct gm_node *node = &list->nodes[i];
        const uint8_t *at = node->object;
        if (node->kind == GM_NODE_MAPPING && at <= last && at + node->size > first)
            return true;
    }
    return false;
}

static bool is_retired(const struct gm_space *space, const uint8_t *first, const uint8_t *last)
{
    return list_has_mapping(&space->retired, first, last) || list_has_mapping(&space->blocked, first, last);
}

/* Memory of the published version: a direct region there that overlaps first..last. */
static bool is_published(const struct gm_space *space, uint64_t first, uint64_t last)
{
    struct gm_cursor cursor;
    const struct gm_region *region = gm_regset_seek(space->current->regions, first, &cursor);
    for (; region != NULL && region->first <= last; region = gm_regset_next(&cursor))
        if (gm_region_direct(region))
            return true;
    return false;
}

int gm_linear_map(struct gm_txn *txn, struct gm_backing *backing, uint64_t offset, uint64_t first, uint64_t last)
{
    struct gm_space *space = txn->space;
    uint8_t *at = space->linear_base + first;
    uint8_t *end = space->linear_base + last;
    if (is_published(space, first, last) || list_has_mapping(&txn->edit.dead, at, end))
        return -EBUSY;
    if (is_retired(space, at, end)) {
        if (!gm_rcu_reading()) /* else it would wait for this very thread */
            gm_retire_wait(space);
        if (is_retired(space, at, end))
            return -EBUSY;
    }
    if (!gm_edit_born(&txn->edit, GM_NODE_MAPPING, at, last - first + 1)) {
        txn->failed = true;
        return -ENOMEM;
    }
    bool file = backing != NULL && backing->fd >= 0;
    int result = file ? gm_backing_map_second(backing, offset, at, last - first + 1)
                      : gm_backing_map_anonymous(backing, at, last - first + 1);
    if (result == 0)
        return 0;
    if (gm_mem_unmap_to_reservation(at, last - first + 1) != 0)
        (void)gm_mem_unmap_to_reservation(at, last - first + 1);
    txn->edit.born.count--;
    txn->failed = result == -ENOMEM; /* as the contract says of every -ENOMEM */
    return result;
}

bool gm_linear_unmap(struct gm_txn *txn, uint64_t first, uint64_t last, uint64_t birth)
{
    return gm_edit_dead(&txn->edit, GM_NODE_MAPPING, txn->space->linear_base + first, last - first + 1, birth);
}
