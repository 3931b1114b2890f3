/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Logs that others write meanwhile; log.h says why nothing is lost. */
#include <errno.h>

#include "dirty/merge.h"
#include "dirty/scan/scan.h"

#define WORD_BITS 64u
#define SPAN_BITS (GM_DIRTY_SPAN * 8u)

struct drain {
    struct gm_dirty_bitmap *bitmap;
    unsigned char *bytes;
    struct gm_dirty_log_plan plan;
    bool take; /* else only look */
};

/* Those bits of a word, or of a byte, that are set and wanted. */
static inline uint64_t word_bits(gm_dirty_log_word *word, uint64_t want, bool take)
{
    return take ? gm_dirty_take_log(word, want) : gm_load_seq_cst(word) & want;
}

static inline uint64_t byte_bits(unsigned char *byte, unsigned char want, bool take)
{
    unsigned char bits = gm_load_seq_cst(byte) & want;
    if (bits == 0 || !take)
        return bits;
    if (want == UINT8_MAX)
        return gm_exchange_seq_cst(byte, 0); /* [dirty-P6] */
    return gm_and_seq_cst(byte, (unsigned char)~want) & want; /* [dirty-P6] */
}

/* Mark what bits stand for, the lowest of which is bit at of the log; all of it is below size. */
static void mark_bits(const struct drain *drain, uint64_t at, uint64_t bits)
{
    uint64_t address = drain->plan.to + ((at - drain->plan.at) << drain->plan.shift);
    if (!drain->plan.same) {
        (void)gm_dirty_set_runs(drain->bitmap, bits, address, drain->plan.shift);
        return;
    }
    uint64_t page = address >> drain->plan.shift, skip = page % WORD_BITS, word = page / WORD_BITS;
    if (bits << skip != 0)
        gm_dirty_set_word(drain->bitmap, word, bits << skip);
    if (skip != 0 && bits >> (WORD_BITS - skip) != 0)
        gm_dirty_set_word(drain->bitmap, word + 1, bits >> (WORD_BITS - skip));
}

/* How many bits from here on, which begin a byte, are in spans that are clean. */
static inline uint64_t clean_bits(unsigned char *from, uint64_t bits)
{
    uint64_t spans = bits / SPAN_BITS * GM_DIRTY_SPAN;
    if (spans == 0 || !gm_is_aligned((uintptr_t)from, GM_DIRTY_SPAN))
        return 0;
    return gm_min_u64(gm_dirty_scan(from, 0, spans), spans) * 8;
}

/*
 * Take and mark bits at..end-1 of the log, or look at them; true: there were some. Only bytes that hold some of these
 * are touched: a word is, if its last byte holds nothing else.
 */
static bool walk(const struct drain *drain, uint64_t at, uint64_t end)
{
    bool any = false;
    while (at < end) {
        unsigned char *from = drain->bytes + at / 8;
        uint64_t base = at & ~UINT64_C(7);
        bool word = gm_is_aligned((uintptr_t)from, sizeof(gm_dirty_log_word)) && end - base >= WORD_BITS;
        uint64_t stop = gm_min_u64(base + (word ? WORD_BITS : 8), end);
        uint64_t want = gm_dirty_bits(at - base, stop - 1 - base);
        uint64_t bits = word ? word_bits((gm_dirty_log_word *)(void *)from, want, drain->take)
                             : byte_bits(from, (unsigned char)want, drain->take);
        if (bits != 0 && drain->take)
            mark_bits(drain, at, bits >> (at - base));
        any |= bits != 0;
        at = stop;
        if (bits == 0 && at < end)
            at += clean_bits(drain->bytes + at / 8, end - at);
    }
    return any;
}

int gm_dirty_drain(struct gm_dirty *dirty, const struct gm_dirty_log *log)
{
    struct gm_dirty_log_plan plan;
    int error = gm_dirty_log_plan(dirty, log, &plan);
    if (error != 0)
        return error;
    struct drain drain = {gm_dirty_whole(dirty), (unsigned char *)(uintptr_t)log->bits, plan, .take = true};
    uint64_t size = gm_dirty_pages(drain.bitmap) << dirty->page_shift, room = plan.to < size ? size - plan.to : 0;
    uint64_t count = gm_min_u64(room >> plan.shift, plan.end - plan.at), cut = plan.at + count;
    (void)walk(&drain, plan.at, cut);
    if (cut == plan.end)
        return 0;
    drain.take = false;
    uint64_t part = room - (count << plan.shift); /* of the page that the next bit stands for */
    if (part != 0 && walk(&drain, cut, cut + 1))
        (void)gm_dirty_set_bytes(drain.bitmap, size - part, part);
    return walk(&drain, cut, plan.end) ? -ERANGE : 0;
}
