/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Pieces of harvests. Bits go from the shared words, and from what others have left for this consumer, into a piece;
 * then comes the barrier; only then does the piece go further. All consumers but the one who harvests get what was
 * taken from the shared words into words of their own.
 */
#include "dirty/collect.h"

#include <errno.h>

#include "base/barrier.h"

#ifndef GM_SEED_BUG
#define GM_SEED_BUG 0
#endif

void gm_dirty_return(const struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *consumer, uint64_t first,
                     uint64_t last)
{
    const struct gm_dirty_levels *own = consumer->own.words != NULL ? &consumer->own : &bitmap->dirty.live;
    gm_dirty_set_pages(own, first, last, true);
}

void gm_dirty_leave(struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *but_for, uint64_t word,
                    uint64_t bits)
{
    for (const struct gm_dirty_consumer *view = &bitmap->view; view != NULL; view = view->next) {
        if (view != but_for && view->on)
            gm_dirty_set(&view->own, word, bits);
    }
}

int gm_dirty_settle(struct gm_dirty_bitmap *bitmap)
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

int gm_dirty_haul_settle(struct gm_dirty_haul *haul, const struct gm_dirty_account *account, size_t taken,
                         uint64_t next)
{
    haul->budget = account->budget;
    haul->bitmap->owes |= account->live != 0;
    int error = taken != 0 ? gm_dirty_settle(haul->bitmap) : 0;
    if (error == 0)
        haul->window.first = next;
    return error;
}

static int need_piece(struct gm_dirty_bitmap *bitmap)
{
    if (bitmap->piece != NULL)
        return 0;
    return gm_dirty_map(GM_DIRTY_PIECE_BYTES, false, bitmap->numa_node, &bitmap->piece);
}

int gm_dirty_haul_begin(struct gm_dirty_haul *haul, struct gm_dirty *dirty, const struct gm_dirty_request *request)
{
    if (dirty == NULL || request == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    if (request->consumer != NULL && request->consumer->of != bitmap)
        return -EINVAL;
    *haul = (struct gm_dirty_haul){.bitmap = bitmap,
                                   .consumer = request->consumer != NULL ? request->consumer : &bitmap->view,
                                   .budget = request->budget != 0 ? request->budget : UINT64_MAX};
    pthread_mutex_lock(&bitmap->lock);
    int error = need_piece(bitmap);
    if (error != 0) {
        pthread_mutex_unlock(&bitmap->lock);
        return error;
    }
    if (request->len != 0)
        (void)gm_dirty_range(bitmap, request->first, request->len, &haul->window.first, &haul->window.end);
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
