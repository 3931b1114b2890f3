/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A piece of a harvest: what of a window was taken, and may be handed out because the barrier after it has been. */
#ifndef GM_DIRTY_COLLECT_H
#define GM_DIRTY_COLLECT_H

#include "dirty/dirty.h"
#include "dirty/walk.h"

struct gm_dirty_haul {
    struct gm_dirty_bitmap *bitmap;
    struct gm_dirty_consumer *consumer;
    struct gm_dirty_window window; /* what is left of it */
    uint64_t budget;               /* pages that are left of it; UINT64_MAX: no limit */
    size_t count;                  /* of the bitmap's entries */
};

/* Begin: takes the lock and finds the window. -EINVAL, -ENOMEM; then the lock is not held. */
int gm_dirty_haul_begin(struct gm_dirty_haul *haul, struct gm_dirty *dirty, const struct gm_dirty_request *request);

/* The next piece, into the entries. Returns 0; -errno of the barrier: what this piece has taken is put back. */
int gm_dirty_haul_next(struct gm_dirty_haul *haul);

static inline bool gm_dirty_haul_done(const struct gm_dirty_haul *haul)
{
    return haul->window.first >= haul->window.end || haul->budget == 0;
}

/* End: gives up the lock. Returns the address at which to go on. */
uint64_t gm_dirty_haul_end(struct gm_dirty_haul *haul);

/* Make pages first..last dirty again for one who holds the lock. */
void gm_dirty_return(const struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *consumer, uint64_t first,
                     uint64_t last);

#endif
