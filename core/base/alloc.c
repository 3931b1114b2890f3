/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The only file that knows jemalloc. Nodes are bound by mbind in the arena's extent hook: the arena's pages come
 * from its node when that node has memory, and from elsewhere rather than not at all.
 */
#include "base/alloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/fault.h"
#include "base/mem.h"

#define GM_METADATA_ALIGN 64

static void poison(void *pointer, size_t size)
{
#if GM_CHECK_LEVEL >= 1
    memset(pointer, 0xdb, size);
#else
    (void)pointer;
    (void)size;
#endif
}

#ifdef GM_HAVE_JEMALLOC
/* The library's private copy has these names (ci/cmake/jemalloc.cmake). */
#define mallocx gm_jemalloc_mallocx
#define sdallocx gm_jemalloc_sdallocx
#define mallctl gm_jemalloc_mallctl
#include <jemalloc/jemalloc.h>

struct gm_heap {
    int flags; /* for mallocx and dallocx */
    unsigned tcache;
    int has_tcache;
};

static struct {
    pthread_mutex_t lock;
    int made[GM_NODE_LIMIT + 1];
    unsigned arena[GM_NODE_LIMIT + 1];
    extent_hooks_t hooks[GM_NODE_LIMIT + 1];
    extent_hooks_t *fallback;
} arenas = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *extent_alloc(extent_hooks_t *hooks, void *address, size_t size, size_t alignment, bool *zero,
                          bool *commit, unsigned arena)
{
    void *extent = arenas.fallback->alloc(arenas.fallback, address, size, alignment, zero, commit, arena);
    if (extent != NULL)
        gm_mem_prefer_node(extent, size, (int)(hooks - arenas.hooks));
    return extent;
}

static int arena_hook(unsigned arena, int node)
{
    char name[64];
    extent_hooks_t *hooks;
    size_t size = sizeof(hooks);
    snprintf(name, sizeof(name), "arena.%u.extent_hooks", arena);
    if (mallctl(name, &hooks, &size, NULL, 0) != 0)
        return -ENOMEM;
    arenas.fallback = hooks;
    arenas.hooks[node] = *hooks;
    arenas.hooks[node].alloc = extent_alloc;
    hooks = &arenas.hooks[node];
    return mallctl(name, NULL, NULL, &hooks, sizeof(hooks)) == 0 ? 0 : -ENOMEM;
}

static int arena_of_node(int node, unsigned *out)
{
    int slot = node == GM_NODE_ANY ? GM_NODE_LIMIT : node;
    int result = 0;
    pthread_mutex_lock(&arenas.lock);
    if (!arenas.made[slot]) {
        size_t size = sizeof(arenas.arena[slot]);
        if (mallctl("arenas.create", &arenas.arena[slot], &size, NULL, 0) != 0)
            result = -ENOMEM;
        else if (node != GM_NODE_ANY)
            result = arena_hook(arenas.arena[slot], node);
        arenas.made[slot] = result == 0;
    }
    *out = arenas.arena[slot];
    pthread_mutex_unlock(&arenas.lock);
    return result;
}

static void *allocate(struct gm_heap *heap, size_t size)
{
    return mallocx(size, heap != NULL ? heap->flags : MALLOCX_ALIGN(GM_METADATA_ALIGN));
}

static void release(struct gm_heap *heap, void *pointer, size_t size)
{
    sdallocx(pointer, size, heap != NULL ? heap->flags : MALLOCX_ALIGN(GM_METADATA_ALIGN));
}

int gm_heap_create(int node, struct gm_heap **out)
{
    unsigned arena;
    if (node != GM_NODE_ANY && (node < 0 || node >= GM_NODE_LIMIT))
        return -EINVAL;
    struct gm_heap *heap = gm_alloc(NULL, sizeof(*heap));
    if (heap == NULL)
        return -ENOMEM;
    int result = arena_of_node(node, &arena);
    if (result != 0) {
        gm_free(NULL, heap, sizeof(*heap));
        return result;
    }
    size_t size = sizeof(heap->tcache);
    heap->has_tcache = mallctl("tcache.create", &heap->tcache, &size, NULL, 0) == 0;
    heap->flags = MALLOCX_ALIGN(GM_METADATA_ALIGN) | MALLOCX_ARENA(arena) |
                  (heap->has_tcache ? MALLOCX_TCACHE(heap->tcache) : MALLOCX_TCACHE_NONE);
    *out = heap;
    return 0;
}

void gm_heap_destroy(struct gm_heap *heap)
{
    if (heap == NULL)
        return;
    if (heap->has_tcache)
        (void)mallctl("tcache.destroy", NULL, NULL, &heap->tcache, sizeof(heap->tcache));
    gm_free(NULL, heap, sizeof(*heap));
}

#else /* libc: sanitizers see each allocation, and valgrind too */

struct gm_heap {
    int node;
};

static void *allocate(struct gm_heap *heap, size_t size)
{
    void *pointer;
    (void)heap;
    return posix_memalign(&pointer, GM_METADATA_ALIGN, size) == 0 ? pointer : NULL;
}

static void release(struct gm_heap *heap, void *pointer, size_t size)
{
    (void)heap;
    (void)size;
    free(pointer);
}

int gm_heap_create(int node, struct gm_heap **out)
{
    if (node != GM_NODE_ANY && (node < 0 || node >= GM_NODE_LIMIT))
        return -EINVAL;
    struct gm_heap *heap = gm_alloc(NULL, sizeof(*heap));
    if (heap == NULL)
        return -ENOMEM;
    heap->node = node;
    *out = heap;
    return 0;
}

void gm_heap_destroy(struct gm_heap *heap)
{
    gm_free(NULL, heap, sizeof(*heap));
}

#endif

void *gm_alloc(struct gm_heap *heap, size_t size)
{
    if (gm_fault_due())
        return NULL;
    return allocate(heap, size);
}

void gm_free(struct gm_heap *heap, void *pointer, size_t size)
{
    if (pointer == NULL)
        return;
    poison(pointer, size);
    release(heap, pointer, size);
}
