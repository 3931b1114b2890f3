/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Bookkeeping of born and dead nodes. The lists keep their memory between edits, so that small edits allocate none. */
#include "map/edit.h"

#include <string.h>

#include "base/math.h"

#define LIST_INITIAL 64

void gm_node_list_free(struct gm_node_list *list, struct gm_heap *heap)
{
    gm_free(heap, list->nodes, list->capacity * sizeof(*list->nodes));
    *list = (struct gm_node_list){0};
}

bool gm_node_list_reserve(struct gm_node_list *list, struct gm_heap *heap, size_t more)
{
    if (list->capacity - list->count >= more)
        return true;
    size_t capacity = gm_max_u64(list->capacity * 2, LIST_INITIAL);
    while (capacity - list->count < more)
        capacity *= 2;
    struct gm_node *nodes = gm_alloc(heap, capacity * sizeof(*nodes));
    if (nodes == NULL)
        return false;
    if (list->count != 0)
        memcpy(nodes, list->nodes, list->count * sizeof(*nodes));
    gm_free(heap, list->nodes, list->capacity * sizeof(*nodes));
    list->nodes = nodes;
    list->capacity = capacity;
    return true;
}

static void account(struct gm_edit *edit, enum gm_node_kind kind, uint64_t bytes)
{
    if (kind <= GM_NODE_VERSION)
        edit->map_bytes += bytes;
    else if (kind != GM_NODE_MAPPING)
        edit->other_bytes += bytes;
}

bool gm_edit_born(struct gm_edit *edit, enum gm_node_kind kind, void *object, size_t size)
{
    if (!gm_node_list_reserve(&edit->born, edit->heap, 1))
        return false;
    edit->born.nodes[edit->born.count++] =
        (struct gm_node){.object = object, .size = size, .birth = edit->version, .kind = kind};
    account(edit, kind, size);
    return true;
}

void *gm_edit_new(struct gm_edit *edit, enum gm_node_kind kind, size_t size)
{
    void *object = gm_alloc(edit->heap, size);
    if (object == NULL || gm_edit_born(edit, kind, object, size))
        return object;
    gm_free(edit->heap, object, size);
    return NULL;
}

bool gm_edit_dead(struct gm_edit *edit, enum gm_node_kind kind, void *object, size_t size, uint64_t birth)
{
    if (!gm_node_list_reserve(&edit->dead, edit->heap, 1))
        return false;
    edit->dead.nodes[edit->dead.count++] = (struct gm_node){
        .object = object, .size = size, .birth = birth, .death = edit->version, .kind = kind};
    account(edit, kind, -(uint64_t)size);
    return true;
}
