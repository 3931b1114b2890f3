/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Harvests as words of the caller, and into nothing. */
#include <errno.h>

#include "dirty/collect.h"
#include "dirty/words.h"

struct entry {
    uint64_t word, bits;
};

#define ENTRIES (GM_DIRTY_PIECE_BYTES / sizeof(struct entry))

/* A piece in the making. No address of it is given away, so that its fields live in registers. */
struct pile {
    struct gm_dirty_haul *haul;
    struct entry *entries;
    size_t count;
    uint64_t whole; /* words from this one on end behind the caller's first */
    struct gm_dirty_account account;
};

static inline bool keep(void *to, uint64_t word, uint64_t live, uint64_t own)
{
    struct pile *pile = to;
    bool more = gm_dirty_note(&pile->account, pile->haul, word, live, live | own);
    pile->entries[pile->count++] = (struct entry){word, live | own};
    return pile->count < ENTRIES && (more || word < pile->whole);
}

static void put_back(const struct gm_dirty_haul *haul, struct entry entry)
{
    const struct gm_dirty_levels *own = haul->consumer->own.words != NULL ? &haul->consumer->own : NULL;
    gm_dirty_set(own != NULL ? own : &haul->bitmap->dirty.live, entry.word, entry.bits);
}

/* A slice ends with a word of the caller's, so that the next can go on behind it: what it has beyond is put back. */
static uint64_t cut(struct pile *pile, uint64_t base, uint64_t next)
{
    uint64_t beyond = (next - base) % GM_DIRTY_FAN;
    if (pile->account.budget != 0 || next >= pile->haul->window.end || beyond == 0)
        return next;
    struct entry *last = &pile->entries[pile->count - 1], rest = *last;
    rest.bits &= gm_dirty_bits(GM_DIRTY_FAN - beyond, GM_DIRTY_FAN - 1);
    last->bits &= ~rest.bits;
    if (rest.bits != 0)
        put_back(pile->haul, rest);
    return next - beyond;
}

/* The next piece, into words of which the first begins with page base; on errors it is put back. */
static int collect(struct gm_dirty_haul *haul, uint64_t *words, uint64_t base)
{
    struct gm_dirty_bitmap *bitmap = haul->bitmap;
    struct pile pile = {.haul = haul,
                        .entries = bitmap->piece,
                        .whole = (base + GM_DIRTY_FAN - 1) >> GM_DIRTY_FAN_SHIFT,
                        .account = gm_dirty_account_of(haul)};
    uint64_t next = gm_dirty_walk(gm_dirty_live(haul), gm_dirty_own(haul), &haul->window, keep, &pile);
    next = cut(&pile, base, next);
    int error = gm_dirty_haul_settle(haul, &pile.account, pile.count, next);
    if (error != 0) {
        for (size_t i = 0; i < pile.count; i++)
            put_back(haul, pile.entries[i]);
        return error;
    }
    for (size_t i = 0; i < pile.count; i++) {
        int64_t at = (int64_t)(pile.entries[i].word * GM_DIRTY_FAN) - (int64_t)base;
        gm_dirty_or_shifted(words, at, pile.entries[i].bits);
    }
    return 0;
}

int gm_dirty_harvest_words(struct gm_dirty *dirty, const struct gm_dirty_request *request, uint64_t *words,
                           size_t count, uint64_t *next)
{
    struct gm_dirty_haul haul;
    if (words == NULL || next == NULL)
        return -EINVAL;
    int error = gm_dirty_haul_begin(&haul, dirty, request);
    if (error != 0)
        return error;
    const uint64_t base = haul.window.first;
    if ((haul.window.end - base + 63) / 64 > count)
        error = -ENOBUFS;
    while (error == 0 && !gm_dirty_haul_done(&haul))
        error = collect(&haul, words, base);
    uint64_t at = gm_dirty_haul_end(&haul);
    if (error == 0)
        *next = at;
    return error;
}

static bool drop(void *to, uint64_t word, uint64_t live, uint64_t own)
{
    (void)word, (void)own;
    *(bool *)to |= live != 0;
    return true;
}

int gm_dirty_put_back(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer, uint64_t first, uint64_t len)
{
    uint64_t from, end;
    if (dirty == NULL || (consumer != NULL && consumer->of != gm_dirty_whole(dirty)))
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    if (len == 0)
        return 0;
    pthread_mutex_lock(&bitmap->lock);
    bool whole = gm_dirty_range(bitmap, first, len, &from, &end);
    if (from < end)
        gm_dirty_return(bitmap, consumer != NULL ? consumer : &bitmap->view, from, end - 1);
    pthread_mutex_unlock(&bitmap->lock);
    return whole ? 0 : -ERANGE;
}

/* A window, not empty. The barrier, because marks that are dropped may belong to writes that are on their way. */
static int clear(struct gm_dirty_bitmap *bitmap, const struct gm_dirty_window *window)
{
    bool taken = false, ignored = false;
    (void)gm_dirty_walk(&bitmap->dirty.live, NULL, window, drop, &taken);
    bitmap->owes |= taken;
    int error = gm_dirty_settle(bitmap);
    if (error != 0) {
        gm_dirty_set_pages(&bitmap->dirty.live, window->first, window->end - 1, true);
        return error;
    }
    for (struct gm_dirty_consumer *view = &bitmap->view; view != NULL; view = view->next) {
        if (view->own.words != NULL)
            (void)gm_dirty_walk(&view->own, NULL, window, drop, &ignored);
    }
    return 0;
}

int gm_dirty_clear(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    struct gm_dirty_window window;
    uint64_t last;
    if (dirty == NULL)
        return -EINVAL;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    if (len == 0)
        return 0;
    pthread_mutex_lock(&bitmap->lock);
    bool whole = gm_dirty_range(bitmap, first, len, &window.first, &window.end);
    bool fits = gm_range_last(first, len, &last);
    window.first += (first & dirty->page_mask) != 0; /* pages that lie partly outside stay */
    window.end -= whole && fits && (~last & dirty->page_mask) != 0;
    int error = window.first < window.end ? clear(bitmap, &window) : 0;
    pthread_mutex_unlock(&bitmap->lock);
    return error != 0 || whole ? error : -ERANGE;
}
