/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Marks out of logs. Pages of one size are moved 64 at a time: those bits of the log that belong to one word of the
 * bitmap, wherever they begin. Other sizes go by runs of bits, which are ranges of addresses.
 */
#include <errno.h>
#include <string.h>

#include "dirty/find.h"
#include "dirty/merge.h"

/* A log under way. */
struct source {
    const unsigned char *bytes;
    uint64_t at, end; /* bits */
};

/* The next count (1..64) bits; bytes that hold none of them are not read. */
static inline uint64_t next_bits(struct source *source, unsigned count)
{
    const unsigned char *from = source->bytes + source->at / 8;
    unsigned shift = (unsigned)(source->at % 8);
    size_t bytes = (shift + count + 7) / 8;
    uint64_t low = 0;
    memcpy(&low, from, bytes < 8 ? bytes : 8);
    uint64_t bits = low >> shift;
    if (bytes == 9)
        bits |= (uint64_t)from[8] << (64 - shift);
    source->at += count;
    return bits & (~UINT64_C(0) >> (64 - count));
}

bool gm_dirty_set_bytes(struct gm_dirty_bitmap *bitmap, uint64_t first, uint64_t len)
{
    uint64_t from, end;
    bool whole = gm_dirty_range(bitmap, first, len, &from, &end);
    if (from < end)
        gm_dirty_set_pages(&bitmap->dirty.live, from, end - 1, bitmap->locked);
    return whole;
}

/* Pass over bytes that are 0, eight at a time; returns how many bits those are. */
static inline uint64_t skip_clean(struct source *source)
{
    uint64_t begin = source->at, bits;
    while (source->end - source->at >= 64) {
        memcpy(&bits, source->bytes + source->at / 8, sizeof(bits));
        if (bits != 0)
            break;
        source->at += 64 - source->at % 8;
    }
    return source->at - begin;
}

static bool merge_words(struct gm_dirty_bitmap *bitmap, struct source *source, uint64_t page)
{
    uint64_t pages = gm_dirty_pages(bitmap);
    for (page += skip_clean(source); source->at < source->end && page < pages; page += skip_clean(source)) {
        unsigned skip = (unsigned)(page % GM_DIRTY_FAN);
        uint64_t room = gm_min_u64(GM_DIRTY_FAN - skip, pages - page);
        unsigned count = (unsigned)gm_min_u64(room, source->end - source->at);
        uint64_t bits = next_bits(source, count);
        if (bits != 0)
            gm_dirty_set_word(bitmap, page / GM_DIRTY_FAN, bits << skip);
        page += count;
    }
    for (; source->at < source->end; (void)skip_clean(source)) { /* what has no page must be clean */
        if (next_bits(source, (unsigned)gm_min_u64(64, source->end - source->at)) != 0)
            return false;
    }
    return true;
}

bool gm_dirty_set_runs(struct gm_dirty_bitmap *bitmap, uint64_t bits, uint64_t address, unsigned shift)
{
    bool whole = true;
    while (bits != 0) {
        unsigned skip = (unsigned)__builtin_ctzll(bits);
        uint64_t rest = ~(bits >> skip);
        unsigned run = rest != 0 ? (unsigned)__builtin_ctzll(rest) : 64;
        uint64_t first = address + ((uint64_t)skip << shift);
        bool wraps = first < address;
        whole &= !wraps && gm_dirty_set_bytes(bitmap, first, (uint64_t)run << shift);
        bits &= run == 64 ? 0 : ~(((UINT64_C(1) << run) - 1) << skip);
    }
    return whole;
}

static bool merge_runs(struct gm_dirty_bitmap *bitmap, struct source *source, uint64_t address, unsigned shift)
{
    bool whole = true, beyond = false; /* of 2^64 */
    while (source->at < source->end) {
        unsigned count = (unsigned)gm_min_u64(64, source->end - source->at);
        uint64_t bits = next_bits(source, count);
        if (bits != 0)
            whole &= !beyond && gm_dirty_set_runs(bitmap, bits, address, shift);
        beyond |= __builtin_add_overflow(address, (uint64_t)count << shift, &address);
    }
    return whole;
}

int gm_dirty_log_plan(const struct gm_dirty *dirty, const struct gm_dirty_log *log, struct gm_dirty_log_plan *out)
{
    uint64_t end;
    if (dirty == NULL || log == NULL || log->bits == NULL || !gm_add_ok(log->first, log->count, &end))
        return -EINVAL;
    unsigned shift = log->page_shift != 0 ? log->page_shift : GM_PAGE_SHIFT;
    if (shift < GM_PAGE_SHIFT || shift > GM_DIRTY_PAGE_SHIFT_MOST)
        return -EINVAL;
    bool same = shift == dirty->page_shift && gm_is_aligned(log->to, dirty->page_mask + 1);
    *out = (struct gm_dirty_log_plan){.at = log->first, .end = end, .to = log->to, .shift = shift, .same = same};
    return 0;
}

int gm_dirty_merge(struct gm_dirty *dirty, const struct gm_dirty_log *log)
{
    struct gm_dirty_log_plan plan;
    int error = gm_dirty_log_plan(dirty, log, &plan);
    if (error != 0)
        return error;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    struct source source = {.bytes = log->bits, .at = plan.at, .end = plan.end};
    bool whole = plan.same ? merge_words(bitmap, &source, plan.to >> plan.shift)
                           : merge_runs(bitmap, &source, plan.to, plan.shift);
    return whole ? 0 : -ERANGE;
}

int gm_dirty_merge_from(struct gm_dirty *dirty, const struct gm_dirty *from, uint64_t first, uint64_t len, uint64_t to)
{
    struct gm_dirty_window window;
    uint64_t page, bits;
    bool whole = true;
    if (dirty == NULL || from == NULL || dirty == from || !gm_is_aligned(first, from->page_mask + 1))
        return -EINVAL;
    if (len == 0)
        return 0;
    struct gm_dirty_bitmap *bitmap = gm_dirty_whole(dirty);
    (void)gm_dirty_range(gm_dirty_whole(from), first, len, &window.first, &window.end);
    const uint64_t base = first >> from->page_shift;
    while ((bits = gm_dirty_next_word(&from->live, &window, &page)) != 0) {
        if (page < base) { /* the window begins inside the word */
            bits >>= base - page;
            page = base;
        }
        uint64_t address;
        bool there = gm_add_ok(to, (page - base) << from->page_shift, &address);
        whole &= there && gm_dirty_set_runs(bitmap, bits, address, from->page_shift);
    }
    return whole ? 0 : -ERANGE;
}
