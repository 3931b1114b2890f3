/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * A guest range as iovecs. The common case, one leaf, is answered at once. Otherwise the range is walked twice, first
 * to validate and count, then to fill, so that an error leaves the caller's array as it was.
 */
#include <errno.h>

#include "base/math.h"
#include "guestmem/translate.h"
#include "map/walk.h"

/* Walk first..last piece by piece; fill iov unless it is NULL. Returns how many entries there are, or -errno. The walk
 * ends where room does, whatever length the guest named. */
static int walk(const struct gm_version *version, gm_gpa first, uint64_t last, unsigned rights, struct iovec *iov,
                unsigned iov_count)
{
    uint64_t end = 0; /* host address just behind the newest entry */
    unsigned count = 0;
    for (uint64_t at = first;;) {
        struct gm_piece piece = gm_walk_regions(version, at, last);
        if (piece.word == GM_LEAF_HOLE)
            return -EFAULT;
        if (piece.word == GM_LEAF_ASK)
            return -ENXIO;
        if ((piece.word & rights & GM_RW) != 0)
            return -EACCES;
        uint64_t stop = gm_min_u64(piece.last, last);
        uint64_t address = gm_word_address(piece.word, at);
        bool joins = count != 0 && address == end;
        count += !joins;
        if (count > iov_count)
            return -ENOBUFS;
        if (iov != NULL) {
            struct iovec *entry = &iov[count - 1];
            entry->iov_base = joins ? entry->iov_base : (void *)(uintptr_t)address;
            entry->iov_len = (joins ? entry->iov_len : 0) + (stop - at + 1);
        }
        if (stop == last)
            return (int)count;
        end = address + (stop - at + 1);
        at = stop + 1; /* no wrap: stop < last */
    }
}

int gm_translate_iov(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights, struct iovec *iov,
                     unsigned iov_count)
{
    uint64_t last;
    if (len == 0 || iov == NULL || iov_count == 0)
        return -EINVAL;
    if (!gm_range_last(gpa, len, &last))
        return -EOVERFLOW;
    void *whole = gm_translate_direct(view, gpa, len, rights);
    if (GM_LIKELY(whole != NULL)) {
        *iov = (struct iovec){.iov_base = whole, .iov_len = len};
        return 1;
    }
    const struct gm_version *version = gm_version_of(view);
    unsigned limit = iov_count < GM_IOV_LIMIT ? iov_count : GM_IOV_LIMIT;
    int count = walk(version, gpa, last, rights, NULL, limit);
    return count < 0 ? count : walk(version, gpa, last, rights, iov, limit);
}
