/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Creating and destroying a space, reclaiming, and its counters. */
#include "space/space.h"

#include <errno.h>
#include <string.h>

#include "base/holders.h"
#include "base/math.h"
#include "base/mem.h"
#include "base/rcu.h"
#include "dirty/untracked.h"
#include "map/nodes.h"

#define LINEAR_LIMIT (UINT64_C(1) << 46)

uint64_t gm_generation_next(void)
{
    static gm_atomic_u64 last;
    return gm_add_relaxed(&last, 1) + 1;
}

static int check_config(const struct gm_space_config *config)
{
    if (!gm_is_aligned(config->linear_size, GM_PAGE_SIZE) || config->linear_size > LINEAR_LIMIT)
        return -EINVAL;
    return config->layout != NULL ? gm_layout_validate(config->layout) : 0;
}

static void space_free(struct gm_space *space)
{
    if (space->reservation != NULL)
        (void)gm_mem_unmap(space->reservation, space->linear_size + GM_BLOCK_SIZE);
    if (space->heap != NULL) {
        if (space->current != NULL)
            gm_free(space->heap, space->current, gm_version_size(space->current->view.gib_count));
        gm_free(space->heap, space->old, space->old_capacity * sizeof(struct gm_version *));
        gm_node_list_free(&space->retired, space->heap);
        gm_node_list_free(&space->blocked, space->heap);
        gm_node_list_free(&space->txn.edit.born, space->heap);
        gm_node_list_free(&space->txn.edit.dead, space->heap);
        gm_free(space->heap, space->txn.windows, space->txn.window_capacity * sizeof(struct gm_window));
        gm_heap_destroy(space->heap);
    }
    pthread_mutex_destroy(&space->lock);
    gm_free(NULL, space, sizeof(*space));
}

/* GPA 0 at a multiple of 2 MiB, so that huge pages of the guest can be huge pages of the host. */
static int reserve_linear(struct gm_space *space, uint64_t size)
{
    int result = gm_mem_reserve(size + GM_BLOCK_SIZE, &space->reservation);
    if (result != 0)
        return result;
    uint64_t base = ((uint64_t)(uintptr_t)space->reservation + GM_BLOCK_SIZE - 1) & ~(GM_BLOCK_SIZE - 1);
    space->linear_base = (uint8_t *)(uintptr_t)base;
    space->linear_size = size;
    return 0;
}

static int space_fill(struct gm_space *space, const struct gm_space_config *config)
{
    int result = gm_heap_create(config->numa_node, &space->heap);
    if (result != 0)
        return result;
    result = config->linear_size != 0 ? reserve_linear(space, config->linear_size) : 0;
    if (result != 0)
        return result;
    struct gm_version *empty = gm_alloc(space->heap, gm_version_size(0));
    if (empty == NULL)
        return -ENOMEM;
    memset(empty, 0, gm_version_size(0));
    empty->view.generation = gm_generation_next();
    empty->view.linear_base = (uint64_t)(uintptr_t)space->linear_base;
    empty->view.linear_size = space->linear_size;
    empty->view.dirty = config->dirty != NULL ? config->dirty : &gm_dirty_untracked;
    empty->map_bytes = gm_version_size(0);
    space->current = empty;
    space->has_layout = config->layout != NULL;
    if (space->has_layout)
        space->layout = *config->layout;
    space->txn.space = space;
    space->txn.edit.heap = space->heap;
    return 0;
}

int gm_space_create(const struct gm_space_config *config, struct gm_space **out)
{
    static const struct gm_space_config defaults = {.numa_node = GM_NODE_ANY};
    if (config == NULL)
        config = &defaults;
    int result = out == NULL ? -EINVAL : check_config(config);
    if (result != 0)
        return result;
    struct gm_space *space = gm_alloc(NULL, sizeof(*space));
    if (space == NULL)
        return -ENOMEM;
    memset(space, 0, sizeof(*space));
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init(&space->lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    result = space_fill(space, config);
    if (result != 0)
        space_free(space);
    else
        *out = space;
    return result;
}

int gm_space_layout(const struct gm_space *space, struct gm_layout *out)
{
    if (space == NULL || out == NULL)
        return -EINVAL;
    if (!space->has_layout)
        return -ENOENT;
    *out = space->layout;
    return 0;
}

static void free_visited(void *context, const struct gm_node *node)
{
    (void)gm_node_free(context, node); /* fails for mappings only, and those go with the reservation */
}

int gm_space_destroy(struct gm_space *space)
{
    if (space == NULL)
        return 0;
    if (gm_rcu_reading())
        return -EDEADLK;
    if (space->txn.open)
        return -EBUSY;
    int result = gm_space_reclaim(space);
    if (result != 0)
        return result;
    gm_rcu_synchronize_all(); /* pins of the last view too: evidence speaks of older ones only */
    if (space->old_count != 0 || !gm_holders_gone(&space->current->holders))
        return -EBUSY;
    gm_version_each_node(space->current, free_visited, space);
    space_free(space);
    return 0;
}

/* The writer lock, for calls outside a transaction. */
static int space_lock(struct gm_space *space)
{
    if (space == NULL)
        return -EINVAL;
    if (gm_rcu_reading())
        return -EDEADLK;
    return -pthread_mutex_lock(&space->lock);
}

int gm_space_reclaim(struct gm_space *space)
{
    int result = space_lock(space);
    if (result != 0)
        return result;
    gm_retire_wait(space);
    pthread_mutex_unlock(&space->lock);
    return 0;
}

int gm_space_stats_get(struct gm_space *space, struct gm_space_stats *out)
{
    int result = out == NULL ? -EINVAL : space_lock(space);
    if (result != 0)
        return result;
    const struct gm_version *version = space->current;
    uint64_t held = 0;
    for (size_t i = 0; i < space->old_count; i++)
        held += !gm_holders_gone(&space->old[i]->holders);
    *out = (struct gm_space_stats){
        .generation = version->view.generation,
        .commits = space->commits,
        .regions = version->regions != NULL ? version->regions->regions : 0,
        .map_bytes = version->map_bytes,
        .metadata_bytes = version->map_bytes + version->other_bytes,
        .retired = space->retired.count + space->blocked.count,
        .snapshots = held,
    };
    pthread_mutex_unlock(&space->lock);
    return 0;
}
