/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Harvests, piece by piece: what of a window was taken, and may be handed out when the barrier after it has been. How a
 * piece is written down is the business of those who hand it out.
 */
#ifndef GM_DIRTY_COLLECT_H
#define GM_DIRTY_COLLECT_H

#include "dirty/switch.h"
#include "dirty/walk.h"

struct gm_dirty_haul {
    struct gm_dirty_bitmap *bitmap;
    struct gm_dirty_consumer *consumer;
    struct gm_dirty_window window; /* what is left of it */
    uint64_t budget;               /* pages that are left of it; UINT64_MAX: no limit */
};

/* What a piece has come to while its walk goes on. */
struct gm_dirty_account {
    uint64_t budget;
    uint64_t live; /* all bits that were taken from the shared words, one over the other */
    bool others;   /* there are some who want to know as well */
};

/* The barrier, if bits were taken since the last one. The lock is held; -errno: it is still owed. */
int gm_dirty_settle(struct gm_dirty_bitmap *bitmap);

/* Begin: takes the lock and finds the window. -EINVAL, -ENOMEM; then the lock is not held. */
int gm_dirty_haul_begin(struct gm_dirty_haul *haul, struct gm_dirty *dirty, const struct gm_dirty_request *request);

/* Where this consumer looks: at the shared words, unless it is off; and at its own, or NULL. */
static inline const struct gm_dirty_levels *gm_dirty_live(const struct gm_dirty_haul *haul)
{
    return haul->consumer->on ? &haul->bitmap->dirty.live : &haul->consumer->own;
}

static inline const struct gm_dirty_levels *gm_dirty_own(const struct gm_dirty_haul *haul)
{
    return haul->consumer->on && haul->consumer->own.words != NULL ? &haul->consumer->own : NULL;
}

/* There is one place to take from, nobody else wants to know, and there is no budget. */
static inline bool gm_dirty_alone(const struct gm_dirty_haul *haul)
{
    return gm_dirty_own(haul) == NULL && haul->budget == UINT64_MAX;
}

static inline struct gm_dirty_account gm_dirty_account_of(const struct gm_dirty_haul *haul)
{
    bool others = haul->consumer->on && haul->bitmap->view.next != NULL;
    return (struct gm_dirty_account){.budget = haul->budget, .others = others};
}

/* Note what was taken of a word; false: that was all of the budget. */
static inline bool gm_dirty_note(struct gm_dirty_account *account, const struct gm_dirty_haul *haul, uint64_t word,
                                 uint64_t live, uint64_t bits)
{
    account->live |= live;
    if (account->others && live != 0)
        gm_dirty_leave(haul->bitmap, haul->consumer, word, live);
    if (account->budget != UINT64_MAX)
        account->budget -= gm_min_u64(account->budget, (uint64_t)__builtin_popcountll(bits));
    return account->budget != 0;
}

/*
 * End of a piece: the barrier, if the piece has anything. Returns 0, and the window goes on at next; -errno of the
 * barrier: the caller puts back what it has taken.
 */
int gm_dirty_haul_settle(struct gm_dirty_haul *haul, const struct gm_dirty_account *account, size_t taken,
                         uint64_t next);

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
