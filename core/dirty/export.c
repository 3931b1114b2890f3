/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Marks written out and left as they are. */
#include <errno.h>

#include "dirty/dirty.h"
#include "dirty/find.h"
#include "dirty/words.h"
#include "guestmem/dirty_merge.h"

int gm_dirty_export(const struct gm_dirty *dirty, uint64_t first, uint64_t len, uint64_t *words, size_t count)
{
    struct gm_dirty_window window = {.first = 0, .end = 0};
    uint64_t page, bits;
    if (dirty == NULL || words == NULL)
        return -EINVAL;
    if (len != 0)
        (void)gm_dirty_range(gm_dirty_whole(dirty), first, len, &window.first, &window.end);
    const uint64_t base = window.first;
    if ((window.end - base + 63) / 64 > count)
        return -ENOBUFS;
    while ((bits = gm_dirty_next_word(&dirty->live, &window, &page)) != 0)
        gm_dirty_or_shifted(words, (int64_t)page - (int64_t)base, bits);
    return 0;
}

/* Runs as they are found: the last one may go on. */
struct writer {
    uint64_t *runs;
    size_t room, count;
    uint64_t end; /* page after the last dirty one */
};

static bool add(struct writer *writer, uint64_t page, uint64_t pages)
{
    if (writer->count != 0 && page == writer->end) {
        writer->runs[writer->count - 1] += pages;
    } else {
        if (writer->room - writer->count < 2)
            return false;
        writer->runs[writer->count++] = page - writer->end;
        writer->runs[writer->count++] = pages;
    }
    writer->end = page + pages;
    return true;
}

int gm_dirty_export_runs(const struct gm_dirty *dirty, uint64_t first, uint64_t len, uint64_t *runs, size_t room,
                         size_t *count)
{
    struct gm_dirty_window window = {.first = 0, .end = 0};
    uint64_t page, bits;
    if (dirty == NULL || runs == NULL || count == NULL)
        return -EINVAL;
    if (len != 0)
        (void)gm_dirty_range(gm_dirty_whole(dirty), first, len, &window.first, &window.end);
    struct writer writer = {.runs = runs, .room = room, .end = window.first};
    while ((bits = gm_dirty_next_word(&dirty->live, &window, &page)) != 0) {
        while (bits != 0) {
            unsigned skip = (unsigned)__builtin_ctzll(bits);
            uint64_t rest = ~(bits >> skip);
            unsigned run = rest != 0 ? (unsigned)__builtin_ctzll(rest) : 64;
            if (!add(&writer, page + skip, run))
                return -ENOBUFS;
            bits &= run == 64 ? 0 : ~(((UINT64_C(1) << run) - 1) << skip);
        }
    }
    *count = writer.count;
    return 0;
}
