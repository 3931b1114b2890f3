/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Pieces of harvests. Bits go from the shared words, and from what others have left for this consumer, into a list;
 * then comes the barrier; only then does the list go further. All consumers but the one who harvests get what was
 * taken from the shared words into words of their own.
 */
#include "dirty/collect.h"

#include <errno.h>

#include "base/barrier.h"
#include "base/mem.h"

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

void gm_dirty_return(const struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *consumer, uint64_t first,
                     uint64_t last)
{
    const struct gm_dirty_levels *own = consumer->own.level[0] != NULL ? &consumer->own : &bitmap->dirty.live;
    gm_dirty_set_pages(own, first, last, true);
}

static void leave_for_others(const struct gm_dirty_haul *haul, uint64_t word, uint64_t bits)
{
    struct gm_dirty_consumer *other = &haul->bitmap->view;
    for (; other != NULL; other = other->next) {
        if (other != haul->consumer)
            gm_dirty_set(&other->own, word, bits);
    }
}

static bool keep(void *to, uint64_t word, uint64_t live, uint64_t own)
{
    struct gm_dirty_haul *haul = to;
    struct gm_dirty_entry *entry = &haul->bitmap->entries[haul->count];
    uint64_t bits = live | own;
    if (live != 0)
        haul->bitmap->owes = true;
    if (live != 0 && haul->bitmap->view.next != NULL)
        leave_for_others(haul, word, live);
    if (bits == GM_DIRTY_FULL && haul->count > 0 && entry[-1].bits == bits && entry[-1].word + entry[-1].words == word)
        entry[-1].words++;
    else
        *entry = (struct gm_dirty_entry){.word = word, .bits = bits, .words = 1}, haul->count++;
    if (haul->budget != UINT64_MAX)
        haul->budget -= gm_min_u64(haul->budget, (uint64_t)__builtin_popcountll(bits));
    return haul->count < GM_DIRTY_ENTRIES && haul->budget != 0;
}

/* What was taken may be shown to people who copy pages. */
static int settle(struct gm_dirty_bitmap *bitmap)
{
    if (!bitmap->owes || bitmap->locked)
        return 0;
#if GM_SEED_BUG != 5 /* the torture test must notice when the barrier is missing */
    int error = gm_barrier(); /* [dirty-P3] */
    if (error != 0)
        return error;
#endif
    bitmap->owes = false;
    gm_add_relaxed(&bitmap->barriers, 1);
    return 0;
}

static void put_back(const struct gm_dirty_haul *haul)
{
    for (size_t i = 0; i < haul->count; i++) {
        const struct gm_dirty_entry *entry = &haul->bitmap->entries[i];
        const struct gm_dirty_levels *live = &haul->bitmap->dirty.live, *own = &haul->consumer->own;
        for (uint64_t word = entry->word; word < entry->word + entry->words; word++)
            gm_dirty_set(own->level[0] != NULL ? own : live, word, entry->bits);
    }
}

static int need_entries(struct gm_dirty_bitmap *bitmap)
{
    void *memory;
    if (bitmap->entries != NULL)
        return 0;
    if (gm_mem_map(NULL, GM_DIRTY_ENTRIES * sizeof(struct gm_dirty_entry), -1, 0, false, &memory) != 0)
        return -ENOMEM;
    bitmap->entries = memory;
    return 0;
}

int gm_dirty_haul_begin(struct gm_dirty_haul *haul, struct gm_dirty *dirty, const struct gm_dirty_request *request)
{
    if (dirty == NULL || request == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    *haul = (struct gm_dirty_haul){.bitmap = bitmap,
                                   .consumer = request->consumer != NULL ? request->consumer : &bitmap->view,
                                   .budget = request->budget != 0 ? request->budget : UINT64_MAX};
    pthread_mutex_lock(&bitmap->lock);
    int error = need_entries(bitmap);
    if (error != 0) {
        pthread_mutex_unlock(&bitmap->lock);
        return error;
    }
    if (request->len != 0)
        (void)gm_dirty_range(bitmap, request->first, request->len, &haul->window.first, &haul->window.end);
    return 0;
}

int gm_dirty_haul_next(struct gm_dirty_haul *haul)
{
    struct gm_dirty_bitmap *bitmap = haul->bitmap;
    const struct gm_dirty_levels *own = haul->consumer->own.level[0] != NULL ? &haul->consumer->own : NULL;
    haul->count = 0;
    uint64_t next = gm_dirty_walk(&bitmap->dirty.live, own, &haul->window, keep, haul);
    int error = haul->count != 0 ? settle(bitmap) : 0;
    if (error != 0) {
        put_back(haul);
        haul->count = 0;
        return error;
    }
    haul->window.first = next;
    return 0;
}

uint64_t gm_dirty_haul_end(struct gm_dirty_haul *haul)
{
    struct gm_dirty_bitmap *bitmap = haul->bitmap;
    bool done = haul->window.first >= haul->window.end;
    gm_add_relaxed(&bitmap->harvests, 1);
    pthread_mutex_unlock(&bitmap->lock);
    return done ? UINT64_MAX : haul->window.first << bitmap->dirty.page_shift;
}
