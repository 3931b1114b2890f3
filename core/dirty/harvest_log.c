/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Harvests into logs that others read and clear meanwhile: what drain.c does, the other way round. A bit is ORed in
 * behind the barrier of its piece, so that writes to the page are visible to everybody before it. It is ORed in also
 * where it is set already: who takes a bit without this store of ours need not see the writes before it.
 */
#include <errno.h>

#include "dirty/collect.h"
#include "dirty/merge.h"
#include "guestmem/dirty_harvest.h"

#define WORD_BYTES sizeof(gm_dirty_log_word)

struct sink {
    unsigned char *bytes;       /* of bit 0 */
    unsigned char *begin, *end; /* those that have bits of the log */
    struct gm_dirty_log_plan plan;
};

/* The whole word of the log that a byte lies in; NULL: some of it is not the log's. */
static inline unsigned char *word_of(const struct sink *sink, unsigned char *byte)
{
    size_t behind = (uintptr_t)byte % WORD_BYTES;
    bool whole = (size_t)(byte - sink->begin) >= behind && (size_t)(sink->end - byte) >= WORD_BYTES - behind;
    return whole ? byte - behind : NULL;
}

/* Set bits at..end-1, as many at once as there are in a word, or in a byte at the ends of the log. */
static void set_bits(const struct sink *sink, uint64_t at, uint64_t end)
{
    while (at < end) {
        unsigned char *byte = sink->bytes + at / 8, *word = word_of(sink, byte);
        uint64_t skip = at % 8 + (word != NULL ? (uint64_t)(byte - word) * 8 : 0);
        uint64_t count = gm_min_u64((word != NULL ? GM_DIRTY_FAN : 8) - skip, end - at);
        uint64_t bits = gm_dirty_bits(skip, skip + count - 1);
        if (word != NULL)
            gm_or_seq_cst((gm_dirty_log_word *)(void *)word, bits);
        else
            gm_or_seq_cst(byte, (unsigned char)bits);
        at += count;
    }
}

static size_t write_down(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    const struct sink *sink = arg;
    for (size_t i = 0; i < count; i++) {
        uint64_t first = ranges[i].first - sink->plan.to, last = first + (ranges[i].len - 1);
        set_bits(sink, sink->plan.at + (first >> sink->plan.shift), sink->plan.at + (last >> sink->plan.shift) + 1);
    }
    return count;
}

/* Is there a bit for everything from first to end? A log may reach beyond 2^64. */
static bool covers(const struct gm_dirty_log_plan *plan, uint64_t first, uint64_t end)
{
    uint64_t bits = plan->end - plan->at;
    return first >= plan->to && ((end - 1 - plan->to) >> plan->shift) < bits;
}

int gm_dirty_harvest_log(struct gm_dirty *dirty, const struct gm_dirty_request *request,
                         const struct gm_dirty_log *log, uint64_t *next)
{
    struct sink sink;
    struct gm_dirty_window window;
    if (request == NULL || next == NULL)
        return -EINVAL;
    int error = gm_dirty_log_plan(dirty, log, &sink.plan);
    if (error != 0)
        return error;
    struct gm_dirty_request inside = *request;
    if (request->len != 0) {
        (void)gm_dirty_range(gm_dirty_whole(dirty), request->first, request->len, &window.first, &window.end);
        inside.first = window.first << dirty->page_shift;
        inside.len = window.first < window.end ? (window.end - window.first) << dirty->page_shift : 0;
        if (inside.len != 0 && !covers(&sink.plan, inside.first, inside.first + inside.len))
            return -ERANGE;
    }
    inside.gap = 0;
    sink.bytes = (unsigned char *)(uintptr_t)log->bits;
    sink.begin = sink.bytes + sink.plan.at / 8;
    sink.end = sink.bytes + (sink.plan.end + 7) / 8;
    return gm_dirty_harvest(dirty, &inside, write_down, &sink, next);
}
