/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Memory for the library's own structures. A heap belongs to one space and is used under that space's writer lock;
 * the NULL heap may be used by any thread. Everything is 64-byte aligned, so that a structure's cache lines are
 * its own. With jemalloc a heap is one arena per NUMA node, shared by the spaces of that node, and a cache of its
 * own in front of it, so that the writer neither takes a lock nor mixes its nodes with the program's.
 */
#ifndef GM_BASE_ALLOC_H
#define GM_BASE_ALLOC_H

#include <stddef.h>

struct gm_heap;

#define GM_NODE_ANY (-1)
#define GM_NODE_LIMIT 64

/* node: GM_NODE_ANY or 0..GM_NODE_LIMIT-1. Returns 0, -EINVAL, -ENOMEM. */
int gm_heap_create(int node, struct gm_heap **out);
void gm_heap_destroy(struct gm_heap *heap);

/* Uninitialised; NULL when there is none. */
void *gm_alloc(struct gm_heap *heap, size_t size);
/* size is what was asked for; NULL is ignored. The content is poisoned first where checks are on. */
void gm_free(struct gm_heap *heap, void *pointer, size_t size);

#endif
