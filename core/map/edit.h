/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The log of one edit, shared by everything that is copied on the way (path copying).
 *
 * Every node of a map is *born* in one version and *dies* in a later one; views of the versions in between show it.
 * While a version is being made, its nodes are private and may be changed in place: they carry its number. Nodes
 * of older versions are copied instead. The log remembers both, so that publishing hands the dead to the retire
 * list, and dropping the edit frees the newborn and leaves the old version as it was.
 */
#ifndef GM_MAP_EDIT_H
#define GM_MAP_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

enum gm_node_kind {
    GM_NODE_TABLE,     /* struct gm_table */
    GM_NODE_LINE,      /* struct gm_line */
    GM_NODE_PAGES,     /* struct gm_pages */
    GM_NODE_VERSION,   /* struct gm_version with its top array */
    GM_NODE_CHUNK,     /* struct gm_chunk */
    GM_NODE_DIRECTORY, /* struct gm_directory */
    GM_NODE_REGION,    /* struct gm_region: holds a backing */
    GM_NODE_RUNS,      /* struct gm_runs */
    GM_NODE_MAPPING    /* host memory of a linear space: object and size say where; not from the heap */
};

struct gm_node {
    void *object;
    uint64_t size; /* as allocated */
    uint64_t birth;
    uint64_t death; /* 0 while it lives */
    enum gm_node_kind kind;
};

struct gm_node_list {
    struct gm_node *nodes;
    size_t count;
    size_t capacity;
};

struct gm_edit {
    struct gm_heap *heap;
    uint64_t version;         /* number of the version that is being made */
    struct gm_node_list born; /* of this version */
    struct gm_node_list dead; /* no longer in this version; a node can be in both */
    uint64_t map_bytes;       /* leaf table of this version: top array, tables, lines, pages */
    uint64_t other_bytes;     /* the rest of it */
};

void gm_node_list_free(struct gm_node_list *list, struct gm_heap *heap);
/* Room for that many more; false when there is no memory. */
bool gm_node_list_reserve(struct gm_node_list *list, struct gm_heap *heap, size_t more);

/* A new node of this version, uninitialised; NULL when there is no memory. */
void *gm_edit_new(struct gm_edit *edit, enum gm_node_kind kind, size_t size);

/* Note a node that was not made by gm_edit_new; false when there is no memory to remember it. */
bool gm_edit_born(struct gm_edit *edit, enum gm_node_kind kind, void *object, size_t size);

/* A node leaves this version; false when there is no memory to remember that. */
bool gm_edit_dead(struct gm_edit *edit, enum gm_node_kind kind, void *object, size_t size, uint64_t birth);

#endif
