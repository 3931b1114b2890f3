/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A dirty bitmap: its memory, what is kept beside it, and whose views of it there are.
 *
 *   memory: [ head, one page | lines | words ]      each from a page on; zeroes are never touched
 *
 * Pairs:
 *   [dirty-P4] on, set by who wants marks (switch.c) before the barrier (or, with locked marks, the fence), and looked
 *              at by a marker after its write (and fence): who found it 0 has made the write visible.
 *   [dirty-P5] kind, written last when a bitmap is made and read first by who attaches.
 */
#ifndef GM_DIRTY_DIRTY_H
#define GM_DIRTY_DIRTY_H

#include <guestmem/dirty_harvest.h>
#include <pthread.h>

#include "base/math.h"
#include "dirty/protocol.h"

#define GM_DIRTY_HEAD_BYTES 4096
#define GM_DIRTY_KIND UINT64_C(0x0002747269642d6d) /* "m-dirt", and the version of what is in the memory */

/* The first page of the memory. Other processes may write there: what is kept elsewhere is believed. */
struct gm_dirty_head {
    gm_atomic_u64 kind, page_shift, pages_most;
    gm_atomic_u64 pages; /* grows only */
    gm_atomic_u64 on;    /* 0: marks do not count; each process may change what it says (switch.h) */
};

struct gm_dirty_consumer {
    struct gm_dirty_consumer *next;
    const struct gm_dirty_bitmap *of;
    struct gm_dirty_levels own; /* what others took and this one did not; words NULL: nobody else takes */
    bool on;                    /* what is marked is for this one as well; that of the bitmap itself always is */
    void *memory;
    size_t bytes;
};

#define GM_DIRTY_PIECE_BYTES (UINT64_C(256) << 10) /* of what was taken between two barriers */

struct gm_dirty_bitmap {
    struct gm_dirty dirty; /* first: what callers hold is a pointer to it */
    struct gm_dirty_head *head;
    uint64_t pages_most;
    bool locked;
    void *memory; /* NULL: the caller's */
    size_t bytes;
    int numa_node;
    gm_atomic_u64 out_of_range;
    pthread_mutex_t lock; /* for all that follows, and for quick, pages and on */
    struct gm_dirty_consumer view; /* the bitmap's own; next: all others */
    void *piece; /* of a harvest: ranges, or words and their bits */
    bool owes; /* bits were taken, and the barrier after that has not been yet */
    gm_atomic_u64 harvests, barriers, consumers; /* written under the lock, read without */
};

static inline struct gm_dirty_bitmap *gm_dirty_whole(const struct gm_dirty *dirty)
{
    return (struct gm_dirty_bitmap *)(uintptr_t)dirty;
}

/* How many pages there are now. */
static inline uint64_t gm_dirty_pages(const struct gm_dirty_bitmap *bitmap)
{
    return gm_min_u64(gm_load_acquire(&bitmap->head->pages), bitmap->pages_most);
}

/* The pages of a range of bytes, len >= 1; true: all of them exist. */
static inline bool gm_dirty_range(const struct gm_dirty_bitmap *bitmap, uint64_t first, uint64_t len, uint64_t *from,
                                  uint64_t *end)
{
    uint64_t last, pages = gm_dirty_pages(bitmap);
    unsigned shift = bitmap->dirty.page_shift;
    bool whole = gm_range_last(first, len, &last) && last >> shift < pages;
    *from = gm_min_u64(first >> shift, pages);
    *end = whole ? (last >> shift) + 1 : pages;
    return whole;
}

/* Bytes of lines and words for so many pages; in memory at base they are placed, unless out is NULL. */
uint64_t gm_dirty_place(uint64_t pages, void *base, struct gm_dirty_levels *out);

/* Memory of zeros for a bitmap that has it all, on its node if it can be. Returns 0; -ENOMEM. */
int gm_dirty_map(uint64_t bytes, bool sparse, int numa_node, void **out);

/* Publish to inlined marks what the head says; the lock is held. */
void gm_dirty_publish(struct gm_dirty_bitmap *bitmap);

#endif
