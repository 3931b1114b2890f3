/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Harvests as ranges. What was taken becomes ranges at once, while the processor waits for its next locked instruction;
 * they are handed out behind the barrier, straight from where they were written. The last one is held back, because it
 * may grow into the next piece.
 */
#include <errno.h>

#include "dirty/collect.h"

#define RUNS_MOST 34 /* of one word, one that is written on suspicion, and the one that was held back */
_Static_assert(GM_DIRTY_PIECE_BYTES / sizeof(struct gm_dirty_range) > 2 * RUNS_MOST, "a piece has room for words");

/* A piece in the making. No address of it is given away, so that its fields live in registers. */
struct pile {
    struct gm_dirty_haul *haul;
    struct gm_dirty_range *ranges; /* [bytes]; the length of the last is not written yet */
    size_t count, room;
    uint64_t end; /* [pages] of the last */
    uint64_t gap; /* pages */
    unsigned shift;
    struct gm_dirty_account account;
};

static inline void close_last(const struct pile *pile)
{
    if (pile->count != 0) {
        struct gm_dirty_range *last = &pile->ranges[pile->count - 1];
        last->len = (pile->end << pile->shift) - last->first;
    }
}

/* Pages that follow all that came before. */
static inline void offer(struct pile *pile, uint64_t first, uint64_t end)
{
    if (pile->count == 0 || first - pile->end > pile->gap) {
        close_last(pile);
        pile->ranges[pile->count++].first = first << pile->shift;
    }
    pile->end = end;
}

/* The lowest run of bits, which are not all of a word: where it begins and ends; 0 has one that is of no use. */
static inline uint64_t next_run(uint64_t bits, unsigned *first, unsigned *end)
{
    uint64_t beyond = bits + (bits & (0 - bits)); /* carried through the run */
    *first = (unsigned)__builtin_ctzll(bits | UINT64_C(1) << 63);
    *end = beyond != 0 ? (unsigned)__builtin_ctzll(beyond) : GM_DIRTY_FAN;
    return bits & beyond;
}

/*
 * Runs that touch none before them and are not bridged. Most words have one or two, nobody can guess which: the second
 * is written anyway, and counts if there is one.
 */
static inline void add_runs(struct pile *pile, uint64_t page, uint64_t bits)
{
    unsigned first, end;
    close_last(pile);
    struct gm_dirty_range *at = &pile->ranges[pile->count];
    do {
        bits = next_run(bits, &first, &end);
        *at++ = (struct gm_dirty_range){(page + first) << pile->shift, (uint64_t)(end - first) << pile->shift};
        uint64_t more = bits, ended = end;
        bits = next_run(bits, &first, &end);
        *at = (struct gm_dirty_range){(page + first) << pile->shift, (uint64_t)(end - first) << pile->shift};
        at += more != 0;
        pile->end = page + (more != 0 ? end : ended);
    } while (bits != 0);
    pile->count = (size_t)(at - pile->ranges);
}

static inline void offer_word(struct pile *pile, uint64_t page, uint64_t bits)
{
    unsigned first, end;
    if (bits + 1 <= 1) { /* all, or none: another process has taken away what was there at the last look */
        if (bits != 0)
            offer(pile, page, page + GM_DIRTY_FAN);
    } else if (pile->gap == 0 && (pile->end != page || (bits & 1) == 0)) {
        add_runs(pile, page, bits);
    } else {
        while (bits != 0) {
            bits = next_run(bits, &first, &end);
            offer(pile, page + first, page + end);
        }
    }
}

static inline bool keep(void *to, uint64_t word, uint64_t live, uint64_t own)
{
    struct pile *pile = to;
    bool more = gm_dirty_note(&pile->account, pile->haul, word, live, live | own);
    offer_word(pile, word << GM_DIRTY_FAN_SHIFT, live | own);
    return pile->count < pile->room && more;
}

/* Where ranges go, and what is held back of the last piece: its last range, or nothing. */
struct outlet {
    gm_dirty_ranges_fn ranges;
    void *arg;
    uint64_t gap, end; /* pages; where the range that is held back ends */
    size_t held;
};

static void refuse(const struct gm_dirty_haul *haul, const struct gm_dirty_range *ranges, size_t count)
{
    unsigned shift = haul->bitmap->dirty.page_shift;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].first >> shift, pages = ranges[i].len >> shift;
        gm_dirty_return(haul->bitmap, haul->consumer, first, first + (pages - 1));
    }
}

/* The next piece, behind what is held back; on errors all of it is put back. */
static int collect(struct gm_dirty_haul *haul, struct outlet *outlet, size_t *count)
{
    struct gm_dirty_bitmap *bitmap = haul->bitmap;
    struct pile pile = {.haul = haul,
                        .ranges = bitmap->piece,
                        .count = outlet->held,
                        .room = GM_DIRTY_PIECE_BYTES / sizeof(struct gm_dirty_range) - RUNS_MOST,
                        .end = outlet->end,
                        .gap = outlet->gap,
                        .shift = bitmap->dirty.page_shift,
                        .account = gm_dirty_account_of(haul)};
    uint64_t next = gm_dirty_walk(&bitmap->dirty.live, gm_dirty_own(haul), &haul->window, keep, &pile);
    close_last(&pile);
    *count = pile.count;
    int error = gm_dirty_haul_settle(haul, &pile.account, pile.count, next);
    if (error != 0)
        refuse(haul, pile.ranges, pile.count);
    outlet->end = pile.end;
    return error;
}

/* Hand out so many ranges. -ECANCELED: some were refused; those, and all behind them, are dirty again. */
static int deal(struct gm_dirty_haul *haul, const struct outlet *outlet, size_t dealing, size_t count)
{
    struct gm_dirty_range *ranges = haul->bitmap->piece;
    size_t dealt = dealing != 0 ? outlet->ranges(outlet->arg, ranges, dealing) : 0;
    if (dealt >= dealing)
        return 0;
    refuse(haul, ranges + dealt, count - dealt);
    return -ECANCELED;
}

int gm_dirty_harvest(struct gm_dirty *dirty, const struct gm_dirty_request *request, gm_dirty_ranges_fn ranges,
                     void *arg, uint64_t *next)
{
    struct gm_dirty_haul haul;
    size_t count = 0;
    if (ranges == NULL || next == NULL)
        return -EINVAL;
    int error = gm_dirty_haul_begin(&haul, dirty, request);
    if (error != 0)
        return error;
    struct outlet outlet = {.ranges = ranges, .arg = arg, .gap = request->gap >> dirty->page_shift};
    while (error == 0 && !gm_dirty_haul_done(&haul)) {
        error = collect(&haul, &outlet, &count);
        outlet.held = !gm_dirty_haul_done(&haul) && count != 0;
        if (error == 0)
            error = deal(&haul, &outlet, count - outlet.held, count);
        if (outlet.held != 0 && error == 0)
            ((struct gm_dirty_range *)haul.bitmap->piece)[0] = ((struct gm_dirty_range *)haul.bitmap->piece)[count - 1];
    }
    uint64_t at = gm_dirty_haul_end(&haul);
    if (error == 0)
        *next = at;
    return error;
}
