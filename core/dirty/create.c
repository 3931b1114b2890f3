/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Making bitmaps in memory of one's own, in the caller's, and joining one that is there. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "base/barrier.h"
#include "base/mem.h"
#include "dirty/switch.h"

#define FLAGS (GM_DIRTY_ON | GM_DIRTY_LOCKED)
#define OUT_OF_LINE (UINT64_C(1) << 63)
#define SIZE_MOST (UINT64_C(1) << GM_GPA_BITS)

/* A configuration as it is meant. */
struct plan {
    uint64_t pages, pages_most;
    unsigned page_shift;
    bool on, locked;
};

uint64_t gm_dirty_place(uint64_t pages, void *base, struct gm_dirty_levels *out)
{
    uint64_t lines = ((pages - 1) >> GM_DIRTY_LINE_SHIFT) + 1;
    uint64_t line_bytes = (lines + GM_PAGE_SIZE - 1) & ~(GM_PAGE_SIZE - 1);
    uint64_t word_bytes = (lines * GM_DIRTY_WORDS * sizeof(gm_dirty_word) + GM_PAGE_SIZE - 1) & ~(GM_PAGE_SIZE - 1);
    if (out != NULL) {
        out->lines = base;
        out->words = (gm_dirty_word *)(void *)((char *)base + line_bytes);
    }
    return line_bytes + word_bytes;
}

int gm_dirty_map(uint64_t bytes, bool sparse, int numa_node, void **out)
{
    if (gm_mem_map(NULL, bytes, -1, 0, sparse, out) != 0)
        return -ENOMEM;
    if (numa_node != GM_NODE_ANY)
        gm_mem_prefer_node(*out, bytes, numa_node);
    return 0;
}

static int plan_of(const struct gm_dirty_config *config, struct plan *out)
{
    if (config == NULL || config->size == 0 || (config->flags & ~(unsigned)FLAGS) != 0)
        return -EINVAL;
    uint64_t most = config->size_most != 0 ? config->size_most : config->size;
    unsigned shift = config->page_shift != 0 ? config->page_shift : GM_PAGE_SHIFT;
    if (most < config->size || shift < GM_PAGE_SHIFT || shift > GM_DIRTY_PAGE_SHIFT_MOST ||
        config->numa_node < GM_NODE_ANY || config->numa_node >= GM_NODE_LIMIT)
        return -EINVAL;
    if (most > SIZE_MOST)
        return -ERANGE;
    *out = (struct plan){.pages = ((config->size - 1) >> shift) + 1,
                         .pages_most = ((most - 1) >> shift) + 1,
                         .page_shift = shift,
                         .on = (config->flags & GM_DIRTY_ON) != 0,
                         .locked = (config->flags & GM_DIRTY_LOCKED) != 0};
    return 0;
}

uint64_t gm_dirty_bytes(const struct gm_dirty_config *config)
{
    struct plan plan;
    if (plan_of(config, &plan) != 0)
        return 0;
    return GM_DIRTY_HEAD_BYTES + gm_dirty_place(plan.pages_most, NULL, NULL);
}

void gm_dirty_publish(struct gm_dirty_bitmap *bitmap)
{
    bool on = gm_load_relaxed(&bitmap->head->on) != 0, inlined = bitmap->dirty.page_shift == GM_PAGE_SHIFT;
    uint64_t quick = bitmap->locked ? OUT_OF_LINE : !on ? 0 : inlined ? gm_dirty_pages(bitmap) : OUT_OF_LINE;
    gm_store_seq_cst(&bitmap->dirty.quick, quick); /* [dirty-P4] */
}

/* What a process keeps of a bitmap in this memory. */
static struct gm_dirty_bitmap *wrap(void *memory, const struct plan *plan)
{
    struct gm_dirty_bitmap *bitmap = gm_alloc(NULL, sizeof(*bitmap));
    if (bitmap == NULL)
        return NULL;
    memset(bitmap, 0, sizeof(*bitmap));
    pthread_mutex_init(&bitmap->lock, NULL);
    bitmap->head = memory;
    bitmap->pages_most = plan->pages_most;
    bitmap->locked = plan->locked;
    bitmap->numa_node = GM_NODE_ANY;
    bitmap->view.on = true;
    bitmap->dirty.page_shift = plan->page_shift;
    bitmap->dirty.page_mask = (UINT64_C(1) << plan->page_shift) - 1;
    (void)gm_dirty_place(plan->pages_most, (char *)memory + GM_DIRTY_HEAD_BYTES, &bitmap->dirty.live);
    return bitmap;
}

static int make(void *memory, const struct plan *plan, struct gm_dirty_bitmap **out)
{
    struct gm_dirty_bitmap *bitmap = wrap(memory, plan);
    if (bitmap == NULL)
        return -ENOMEM;
    gm_store_relaxed(&bitmap->head->page_shift, plan->page_shift);
    gm_store_relaxed(&bitmap->head->pages_most, plan->pages_most);
    gm_store_relaxed(&bitmap->head->pages, plan->pages);
    gm_store_relaxed(&bitmap->head->on, plan->on ? GM_DIRTY_ON_ITSELF : 0);
    gm_dirty_publish(bitmap);
    gm_store_release(&bitmap->head->kind, GM_DIRTY_KIND); /* [dirty-P5] */
    *out = bitmap;
    return 0;
}

int gm_dirty_create(const struct gm_dirty_config *config, struct gm_dirty **out)
{
    struct plan plan;
    struct gm_dirty_bitmap *bitmap;
    void *memory;
    int error = out != NULL ? plan_of(config, &plan) : -EINVAL;
    if (error != 0)
        return error;
    uint64_t bytes = gm_dirty_bytes(config);
    if (gm_dirty_map(bytes, true, config->numa_node, &memory) != 0)
        return -ENOMEM;
    plan.locked = plan.locked || !gm_barrier_able();
    error = make(memory, &plan, &bitmap);
    if (error != 0) {
        (void)gm_mem_unmap(memory, bytes);
        return error;
    }
    bitmap->memory = memory;
    bitmap->bytes = bytes;
    bitmap->numa_node = config->numa_node;
    *out = &bitmap->dirty;
    return 0;
}

int gm_dirty_create_in(const struct gm_dirty_config *config, void *memory, uint64_t bytes, struct gm_dirty **out)
{
    struct plan plan;
    struct gm_dirty_bitmap *bitmap;
    int error = out != NULL ? plan_of(config, &plan) : -EINVAL;
    if (error != 0)
        return error;
    if (memory == NULL || !gm_is_aligned((uintptr_t)memory, GM_PAGE_SIZE) || bytes < gm_dirty_bytes(config))
        return -EINVAL;
    plan.locked = true;
    error = make(memory, &plan, &bitmap);
    if (error != 0)
        return error;
    bitmap->numa_node = config->numa_node;
    *out = &bitmap->dirty;
    return 0;
}

int gm_dirty_attach(void *memory, uint64_t bytes, struct gm_dirty **out)
{
    struct gm_dirty_head *head = memory;
    if (out == NULL || memory == NULL || !gm_is_aligned((uintptr_t)memory, GM_PAGE_SIZE) ||
        bytes < GM_DIRTY_HEAD_BYTES || gm_load_acquire(&head->kind) != GM_DIRTY_KIND) /* [dirty-P5] */
        return -EINVAL;
    uint64_t shift = gm_load_relaxed(&head->page_shift), pages_most = gm_load_relaxed(&head->pages_most);
    if (shift < GM_PAGE_SHIFT || shift > GM_DIRTY_PAGE_SHIFT_MOST || pages_most == 0 ||
        pages_most > SIZE_MOST >> shift || bytes - GM_DIRTY_HEAD_BYTES < gm_dirty_place(pages_most, NULL, NULL))
        return -EINVAL;
    struct plan plan = {.pages_most = pages_most, .page_shift = (unsigned)shift, .locked = true};
    struct gm_dirty_bitmap *bitmap = wrap(memory, &plan);
    if (bitmap == NULL)
        return -ENOMEM;
    gm_store_relaxed(&bitmap->dirty.quick, OUT_OF_LINE);
    *out = &bitmap->dirty;
    return 0;
}

void gm_dirty_destroy(struct gm_dirty *dirty)
{
    if (dirty == NULL)
        return;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    while (bitmap->view.next != NULL)
        gm_dirty_consumer_destroy(dirty, bitmap->view.next);
    if (bitmap->view.memory != NULL)
        (void)gm_mem_unmap(bitmap->view.memory, bitmap->view.bytes);
    if (bitmap->piece != NULL)
        (void)gm_mem_unmap(bitmap->piece, GM_DIRTY_PIECE_BYTES);
    if (bitmap->memory != NULL)
        (void)gm_mem_unmap(bitmap->memory, bitmap->bytes);
    pthread_mutex_destroy(&bitmap->lock);
    gm_free(NULL, bitmap, sizeof(*bitmap));
}
