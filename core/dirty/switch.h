/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Who wants marks to count. For all of these the lock is held. */
#ifndef GM_DIRTY_SWITCH_H
#define GM_DIRTY_SWITCH_H

#include "dirty/dirty.h"

/* Bits of gm_dirty_head.on. */
#define GM_DIRTY_ON_ITSELF UINT64_C(1)
#define GM_DIRTY_ON_CONSUMERS UINT64_C(2) /* some of them are on */

/* Returns 0; -errno of the barrier: all is as before. */
int gm_dirty_switch_on(struct gm_dirty_bitmap *bitmap, uint64_t who);
void gm_dirty_switch_off(struct gm_dirty_bitmap *bitmap, uint64_t who);

/* Off for consumers, unless one of them is on. */
void gm_dirty_switch_consumers(struct gm_dirty_bitmap *bitmap);

/* Bits that were taken from the shared words go to all views that are on, but for one (or NULL). */
void gm_dirty_leave(struct gm_dirty_bitmap *bitmap, const struct gm_dirty_consumer *but_for, uint64_t word,
                    uint64_t bits);

#endif
