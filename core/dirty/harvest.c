/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Harvests as ranges: runs of bits are put together, bridged where the caller wants it, and handed out in batches. */
#include <errno.h>

#include "dirty/collect.h"

#define BATCH 128

struct outlet {
    struct gm_dirty_haul haul;
    gm_dirty_ranges_fn ranges;
    void *arg;
    uint64_t gap;        /* pages */
    uint64_t first, end; /* pages of the range that may still grow; empty: none */
    size_t count;
    bool stopped;
    struct gm_dirty_range batch[BATCH];
};

static void refuse(const struct outlet *outlet, uint64_t first, uint64_t end)
{
    gm_dirty_return(outlet->haul.bitmap, outlet->haul.consumer, first, end - 1);
}

static void flush(struct outlet *outlet)
{
    unsigned shift = outlet->haul.bitmap->dirty.page_shift;
    size_t dealt = outlet->count != 0 ? outlet->ranges(outlet->arg, outlet->batch, outlet->count) : 0;
    outlet->stopped = outlet->stopped || dealt < outlet->count;
    for (size_t i = dealt; i < outlet->count; i++) {
        const struct gm_dirty_range *range = &outlet->batch[i];
        refuse(outlet, range->first >> shift, (range->first + range->len) >> shift);
    }
    outlet->count = 0;
}

/* The range that could still grow does not. */
static void close_range(struct outlet *outlet)
{
    unsigned shift = outlet->haul.bitmap->dirty.page_shift;
    if (outlet->first == outlet->end)
        return;
    if (outlet->count == BATCH)
        flush(outlet);
    if (outlet->stopped)
        refuse(outlet, outlet->first, outlet->end);
    else
        outlet->batch[outlet->count++] =
            (struct gm_dirty_range){outlet->first << shift, (outlet->end - outlet->first) << shift};
    outlet->first = outlet->end = 0;
}

static inline void offer(struct outlet *outlet, uint64_t first, uint64_t end)
{
    if (outlet->end != 0 && first - outlet->end <= outlet->gap && !outlet->stopped) {
        outlet->end = end;
        return;
    }
    close_range(outlet);
    outlet->first = first;
    outlet->end = end;
}

static void offer_word(struct outlet *outlet, const struct gm_dirty_entry *entry)
{
    uint64_t page = entry->word * GM_DIRTY_FAN, bits = entry->bits;
    if (bits == GM_DIRTY_FULL) {
        offer(outlet, page, page + entry->words * GM_DIRTY_FAN);
        return;
    }
    while (bits != 0) { /* not all are set: no shift is by 64 */
        unsigned skip = (unsigned)__builtin_ctzll(bits), run = (unsigned)__builtin_ctzll(~(bits >> skip));
        offer(outlet, page + skip, page + skip + run);
        bits &= ~(((UINT64_C(1) << run) - 1) << skip);
    }
}

int gm_dirty_harvest(struct gm_dirty *dirty, const struct gm_dirty_request *request, gm_dirty_ranges_fn ranges,
                     void *arg, uint64_t *next)
{
    struct outlet outlet;
    if (ranges == NULL || next == NULL)
        return -EINVAL;
    int error = gm_dirty_haul_begin(&outlet.haul, dirty, request);
    if (error != 0)
        return error;
    outlet.ranges = ranges;
    outlet.arg = arg;
    outlet.gap = request->gap >> dirty->page_shift;
    outlet.first = outlet.end = outlet.count = 0;
    outlet.stopped = false;
    while (error == 0 && !outlet.stopped && !gm_dirty_haul_done(&outlet.haul)) {
        error = gm_dirty_haul_next(&outlet.haul);
        for (size_t i = 0; i < outlet.haul.count; i++)
            offer_word(&outlet, &outlet.haul.bitmap->entries[i]);
    }
    close_range(&outlet);
    flush(&outlet);
    uint64_t at = gm_dirty_haul_end(&outlet.haul);
    if (error == 0 && !outlet.stopped)
        *next = at;
    return error != 0 ? error : outlet.stopped ? -ECANCELED : 0;
}
