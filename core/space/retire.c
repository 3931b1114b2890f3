/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What happens to nodes that the current version no longer has. They wait for a grace period in `retired`; those
 * that a held version still shows then wait in `blocked`, which is looked at again only when a version has gone,
 * so that a snapshot kept for hours costs later commits nothing.
 */
#include <string.h>

#include "base/check.h"
#include "base/holders.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "space/space.h"

bool gm_node_free(struct gm_space *space, const struct gm_node *node)
{
    if (node->kind == GM_NODE_MAPPING)
        return gm_mem_unmap_to_reservation(node->object, node->size) == 0;
    if (node->kind == GM_NODE_REGION) {
        gm_backing_put(((struct gm_region *)node->object)->backing);
        gm_backing_put(((struct gm_region *)node->object)->manner);
    }
    gm_free(space->heap, node->object, node->size);
    return true;
}

void gm_edit_drop(struct gm_space *space, struct gm_edit *edit)
{
    for (size_t i = 0; i < edit->born.count; i++) {
        struct gm_table *table = edit->born.nodes[i].object;
        if (edit->born.nodes[i].kind == GM_NODE_TABLE && table->owner != NULL)
            table->owner->uniform = NULL; /* the region may be an old one, which lives on */
    }
    for (size_t i = 0; i < edit->born.count; i++)
        if (!gm_node_free(space, &edit->born.nodes[i]))
            (void)gm_node_free(space, &edit->born.nodes[i]);
    edit->born.count = 0;
    edit->dead.count = 0;
}

bool gm_retire_reserve(struct gm_space *space, size_t nodes)
{
    size_t waiting = space->retired.count + space->blocked.count + nodes;
    if (!gm_node_list_reserve(&space->retired, space->heap, waiting) ||
        !gm_node_list_reserve(&space->blocked, space->heap, waiting))
        return false;
    if (space->old_count < space->old_capacity)
        return true;
    size_t capacity = space->old_capacity * 2 + 16;
    struct gm_version **old = gm_alloc(space->heap, capacity * sizeof(*old));
    if (old == NULL)
        return false;
    if (space->old_count != 0)
        memcpy(old, space->old, space->old_count * sizeof(*old));
    gm_free(space->heap, space->old, space->old_capacity * sizeof(*old));
    space->old = old;
    space->old_capacity = capacity;
    return true;
}

void gm_retire_take(struct gm_space *space, struct gm_edit *edit, struct gm_version *old)
{
    for (size_t i = 0; i < edit->dead.count; i++) {
        const struct gm_node *node = &edit->dead.nodes[i];
        if (node->birth == node->death && gm_node_free(space, node))
            continue; /* came and went within the edit: nobody ever saw it */
        space->retired.nodes[space->retired.count++] = *node;
    }
    space->old[space->old_count++] = old;
    edit->born.count = 0;
    edit->dead.count = 0;
}

/* Does a version that is still there show the nodes of [birth, death)? Versions are sorted by number. */
static bool is_shown(const struct gm_space *space, uint64_t birth, uint64_t death)
{
    size_t low = 0;
    size_t high = space->old_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (space->old[middle]->view.generation < birth)
            low = middle + 1;
        else
            high = middle;
    }
    return low < space->old_count && space->old[low]->view.generation < death;
}

/* Free the versions that have no holder; true when there was one. All of them are past a grace period. */
static bool sweep_versions(struct gm_space *space)
{
    size_t kept = 0;
    for (size_t i = 0; i < space->old_count; i++) {
        struct gm_version *version = space->old[i];
        if (!gm_holders_gone(&version->holders)) /* [space-P2] */
            space->old[kept++] = version;
        else
            gm_free(space->heap, version, gm_version_size(version->view.gib_count));
    }
    bool gone = kept != space->old_count;
    space->old_count = kept;
    return gone;
}

static void sweep_list(struct gm_space *space, struct gm_node_list *from, struct gm_node_list *blocked)
{
    size_t count = from->count;
    from->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct gm_node node = from->nodes[i];
        bool shown = is_shown(space, node.birth, node.death);
        if (!shown && gm_node_free(space, &node))
            continue;
        space->refused |= !shown;
        blocked->nodes[blocked->count++] = node;
    }
}

void gm_retire_wait(struct gm_space *space)
{
    gm_check(!gm_rcu_reading());
    gm_rcu_synchronize(space->current->view.generation);
    bool again = space->refused;
    space->refused = false;
    if (sweep_versions(space) || again)
        sweep_list(space, &space->blocked, &space->blocked);
    sweep_list(space, &space->retired, &space->blocked);
}
