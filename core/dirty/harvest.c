/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Harvests as ranges. What was taken becomes ranges at once, while the processor waits for its next locked instruction;
 * they are handed out behind the barrier, straight from where they were written. The last one is held back, because it
 * may grow into the next piece.
 *
 * The floor is one locked exchange for each word that is dirty (the floor of the D5 rows). Those wait for one another
 * in the processor, wherever the words are, so that to have them fetched earlier saves nothing; what else is done
 * between two of them is hidden behind the first as long as it is little and has no branch that is guessed wrong.
 * Two words at once (cmpxchg16b) cost less where every second word is dirty, and more where few are.
 */
#include <errno.h>

#include "dirty/collect.h"

#define RUNS_MOST 34 /* of one word, one that is written on suspicion, and the one that was held back */
_Static_assert(GM_DIRTY_PIECE_BYTES / sizeof(struct gm_dirty_range) > 2 * RUNS_MOST, "a piece has room for words");

/* A piece in the making. No address of it is given away, so that its fields live in registers. */
struct pile {
    struct gm_dirty_haul *haul;
    struct gm_dirty_range *ranges; /* [bytes] */
    size_t count, room;
    uint64_t end; /* [pages] of the last */
    uint64_t gap; /* pages */
    unsigned shift;
    struct gm_dirty_account account;
};

/* Pages that follow all that came before. */
static inline void offer(struct pile *pile, uint64_t first, uint64_t end)
{
    if (pile->count == 0 || first - pile->end > pile->gap)
        pile->ranges[pile->count++].first = first << pile->shift;
    struct gm_dirty_range *last = &pile->ranges[pile->count - 1];
    last->len = (end << pile->shift) - last->first;
    pile->end = end;
}

/* A run of bits within a word. */
struct run {
    unsigned first, len;
};

/* The lowest run of bits, which are not all of a word, is cut off; of 0 one that is of no use. No branch is in it. */
static inline struct run cut_run(uint64_t *bits)
{
    struct run run = {.first = (unsigned)__builtin_ctzll(*bits | UINT64_C(1) << (GM_DIRTY_FAN - 1))};
    run.len = (unsigned)__builtin_ctzll(~(*bits >> run.first));
    *bits &= *bits + (*bits & (0 - *bits)); /* carried through the run */
    return run;
}

static inline struct gm_dirty_range cut(const struct pile *pile, uint64_t page, uint64_t *bits)
{
    struct run run = cut_run(bits);
    return (struct gm_dirty_range){(page + run.first) << pile->shift, (uint64_t)run.len << pile->shift};
}

/* The same where no two bits are neighbours. */
static inline struct gm_dirty_range cut_page(const struct pile *pile, uint64_t page, uint64_t *bits)
{
    page += (unsigned)__builtin_ctzll(*bits | UINT64_C(1) << (GM_DIRTY_FAN - 1));
    *bits &= *bits - 1;
    return (struct gm_dirty_range){page << pile->shift, UINT64_C(1) << pile->shift};
}

/*
 * Runs that touch none before them and are not bridged. Most words have one or two, nobody can guess which: the second
 * is written anyway, and counts if there is one.
 */
static inline void add_runs(struct pile *pile, uint64_t page, uint64_t bits)
{
    struct gm_dirty_range *at = &pile->ranges[pile->count];
    const bool apart = (bits & bits << 1) == 0;
    pile->end = page + GM_DIRTY_FAN - (unsigned)__builtin_clzll(bits);
    do {
        *at++ = apart ? cut_page(pile, page, &bits) : cut(pile, page, &bits);
        bool more = bits != 0;
        *at = apart ? cut_page(pile, page, &bits) : cut(pile, page, &bits);
        at += more;
    } while (bits != 0);
    pile->count = (size_t)(at - pile->ranges);
}

/* Bits of a word; 0: another process has taken away what was there at the last look. */
static inline void offer_word(struct pile *pile, uint64_t page, uint64_t bits)
{
    if (GM_UNLIKELY(bits == 0))
        return;
    if (bits == GM_DIRTY_FULL) {
        offer(pile, page, page + GM_DIRTY_FAN);
    } else if (pile->gap == 0 && (pile->end != page || (bits & 1) == 0)) {
        add_runs(pile, page, bits);
    } else {
        while (bits != 0) {
            struct run run = cut_run(&bits);
            offer(pile, page + run.first, page + run.first + run.len);
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

/* The usual case is compiled apart: nothing is asked for each word that is the same for all of them. */
static uint64_t walk(const struct gm_dirty_haul *haul, struct pile *pile)
{
    const struct gm_dirty_levels *live = gm_dirty_live(haul);
    struct pile mine = *pile;
    uint64_t next;
    if (gm_dirty_alone(haul) && mine.gap == 0) {
        mine.gap = 0;
        mine.account = (struct gm_dirty_account){.budget = UINT64_MAX};
        next = gm_dirty_walk(live, NULL, &haul->window, keep, &mine);
    } else {
        next = gm_dirty_walk(live, gm_dirty_own(haul), &haul->window, keep, &mine);
    }
    *pile = mine;
    return next;
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
    uint64_t next = walk(haul, &pile);
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
