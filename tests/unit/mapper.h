/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A writer for the map alone: regions come and go, versions are built and replace one another, and nothing is
 * pinned, locked or mapped. Host addresses are numbers that nobody follows, so that a test can lay out terabytes.
 * Sits on the ledger, so that each commit can be asked whether it freed exactly what it dropped.
 */
#ifndef GM_TESTS_UNIT_MAPPER_H
#define GM_TESTS_UNIT_MAPPER_H

#include "unit/ledger.h"

#include "base/math.h"
#include "guestmem/guestmem.h"
#include "lib/rand.h"
#include "map/check.h"
#include "map/map.h"
#include "map/nodes.h"
#include "space/space.h"

#define PAGE GM_PAGE_SIZE
#define BLOCK GM_BLOCK_SIZE
#define GIB (UINT64_C(1) << GM_GIB_SHIFT)

#define MAPPER_WINDOWS 256

struct mapper {
    struct gm_space space; /* for gm_edit_drop and gm_node_free, which only look at its heap */
    struct gm_edit edit;
    struct gm_version *current;
    struct gm_directory *regions; /* of the edit that is open */
    struct gm_version *next;      /* once it is built */
    struct gm_window windows[MAPPER_WINDOWS];
    unsigned window_count;
};

/* The leaf word of direct memory that lies `pages` pages above its GPA. */
static inline uint64_t mapper_word(uint64_t pages, unsigned rights)
{
    return pages << GM_PAGE_SHIFT | (~(uint64_t)rights & GM_RW);
}

static inline void mapper_open(struct mapper *m)
{
    memset(m, 0, sizeof(*m));
    m->current = gm_alloc(NULL, gm_version_size(0));
    assert_non_null(m->current);
    memset(m->current, 0, gm_version_size(0));
    m->current->view.generation = 1;
    m->current->map_bytes = gm_version_size(0);
    m->edit.version = 1;
}

static inline void mapper_begin(struct mapper *m)
{
    m->edit.version++;
    m->edit.map_bytes = m->current->map_bytes;
    m->edit.other_bytes = m->current->other_bytes;
    m->regions = m->current->regions;
    m->next = NULL;
    m->window_count = 0;
}

static inline void mapper_window(struct mapper *m, uint64_t first, uint64_t last)
{
    assert_true(m->window_count < MAPPER_WINDOWS);
    m->windows[m->window_count++] = (struct gm_window){.first = first, .last = last};
}

/* False when there is no memory. */
static inline bool mapper_try_add(struct mapper *m, uint64_t first, uint64_t last, uint64_t word)
{
    struct gm_region *region = gm_edit_new(&m->edit, GM_NODE_REGION, sizeof(*region));
    if (region == NULL)
        return false;
    *region = (struct gm_region){.first = first, .last = last, .word = word, .birth = m->edit.version};
    region->kind = gm_region_direct(region) ? GM_KIND_RAM : GM_KIND_DEVICE;
    mapper_window(m, first, last);
    return gm_regset_insert(&m->edit, &m->regions, region);
}

static inline void mapper_add(struct mapper *m, uint64_t first, uint64_t last, uint64_t word)
{
    assert_true(mapper_try_add(m, first, last, word));
}

static inline bool mapper_try_remove(struct mapper *m, uint64_t first)
{
    struct gm_region *region = gm_regset_find(m->regions, first);
    assert_true(region != NULL && region->first == first);
    struct gm_table *uniform = region->uniform;
    mapper_window(m, region->first, region->last);
    return (uniform == NULL ||
            gm_edit_dead(&m->edit, GM_NODE_TABLE, uniform, sizeof(*uniform), uniform->birth)) &&
           gm_regset_remove(&m->edit, &m->regions, region) &&
           gm_edit_dead(&m->edit, GM_NODE_REGION, region, sizeof(*region), region->birth);
}

static inline void mapper_remove(struct mapper *m, uint64_t first)
{
    assert_true(mapper_try_remove(m, first));
}

/* Build what the windows call for; false when there is no memory. */
static inline bool mapper_try_build(struct mapper *m)
{
    m->next = gm_map_begin(&m->edit, m->current, m->regions);
    if (m->next == NULL)
        return false;
    for (unsigned i = 0; i < m->window_count; i++)
        if (!gm_map_update(&m->edit, m->next, m->windows[i].first, m->windows[i].last) ||
            !gm_runs_update(&m->edit, m->next, m->windows[i].first, m->windows[i].last))
            return false;
    return true;
}

static inline void mapper_drop(struct mapper *m)
{
    gm_edit_drop(&m->space, &m->edit);
    m->next = NULL;
}

/* Replace the current version and free it with all that died: there are no readers here. */
static inline void mapper_publish(struct mapper *m)
{
    size_t old_size = gm_version_size(m->current->view.gib_count);
    for (size_t i = 0; i < m->edit.dead.count; i++)
        assert_true(gm_node_free(&m->space, &m->edit.dead.nodes[i]));
    m->edit.dead.count = 0;
    m->edit.born.count = 0;
    m->next->map_bytes = m->edit.map_bytes - old_size;
    m->next->other_bytes = m->edit.other_bytes;
    gm_free(NULL, m->current, old_size);
    m->current = m->next;
    m->next = NULL;
}

static inline void mapper_commit(struct mapper *m)
{
    assert_true(mapper_try_build(m));
    mapper_publish(m);
}

struct mapper_sum {
    uint64_t map_bytes;
    uint64_t other_bytes;
    uint64_t count;
};

static inline void mapper_sum_node(void *context, const struct gm_node *node)
{
    struct mapper_sum *sum = context;
    sum->count++;
    if (node->kind <= GM_NODE_PAGES)
        sum->map_bytes += node->size;
    else
        sum->other_bytes += node->size;
    assert_true(ledger_entry_of(node->object)->magic == LEDGER_MAGIC);
    assert_true(ledger_entry_of(node->object)->size == node->size);
}

/* The books: what the version says it takes, what can be visited, and what is allocated are one. */
static inline void mapper_assert_balanced(const struct mapper *m)
{
    struct mapper_sum sum = {0};
    gm_version_each_node(m->current, mapper_sum_node, &sum);
    assert_true(sum.map_bytes + gm_version_size(m->current->view.gib_count) == m->current->map_bytes);
    assert_true(sum.other_bytes == m->current->other_bytes);
    uint64_t lists = (m->edit.born.nodes != NULL ? 1u : 0u) + (m->edit.dead.nodes != NULL ? 1u : 0u);
    assert_true(ledger.live == sum.count + 1 + lists);
}

static inline void mapper_assert_sound(const struct mapper *m)
{
    const char *why = "";
    if (gm_map_check(&m->current->view, &why) != 0)
        fail_msg("gm_map_check: %s", why);
    mapper_assert_balanced(m);
}

static inline void mapper_free_node(void *context, const struct gm_node *node)
{
    assert_true(gm_node_free(context, node));
}

/* Everything goes; the ledger has to be empty afterwards. */
static inline void mapper_close(struct mapper *m)
{
    gm_version_each_node(m->current, mapper_free_node, &m->space);
    gm_free(NULL, m->current, gm_version_size(m->current->view.gib_count));
    gm_node_list_free(&m->edit.born, NULL);
    gm_node_list_free(&m->edit.dead, NULL);
}

#endif
