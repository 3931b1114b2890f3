/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What all that turns a log into marks has in common. */
#ifndef GM_DIRTY_MERGE_H
#define GM_DIRTY_MERGE_H

#include "dirty/dirty.h"
#include "dirty/log.h"
#include "guestmem/dirty_merge.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes of a log are read as words");
_Static_assert(GM_DIRTY_FAN == 64, "words of a log are those of a bitmap");

/* A log as it is meant. */
struct gm_dirty_log_plan {
    uint64_t at, end; /* bits */
    uint64_t to;      /* [bytes] what bit at stands for */
    unsigned shift;   /* of its pages */
    bool same;        /* they are pages of the bitmap */
};

/* Returns 0; -EINVAL. */
int gm_dirty_log_plan(const struct gm_dirty *dirty, const struct gm_dirty_log *log, struct gm_dirty_log_plan *out);

/* Set bits of one word; nothing is stored where they are set. */
static inline void gm_dirty_set_word(const struct gm_dirty_bitmap *bitmap, uint64_t word, uint64_t bits)
{
    gm_dirty_mark_word(&bitmap->dirty.live, word, bits, bitmap->locked);
}

/* Set pages by address, len >= 1; false: some are not there. */
bool gm_dirty_set_bytes(struct gm_dirty_bitmap *bitmap, uint64_t first, uint64_t len);

/* Set what runs of bits stand for, the lowest of which is so many bytes from address on; false: some is not there. */
bool gm_dirty_set_runs(struct gm_dirty_bitmap *bitmap, uint64_t bits, uint64_t address, unsigned shift);

#endif
