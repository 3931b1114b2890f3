/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Marks that come from logs of others, and marks written out for others, with any offset between the two and any two
 * page sizes. dirty.h has the rest.
 *
 * What KVM says of a slot at 4 GiB, words from KVM_GET_DIRTY_LOG:
 *     struct gm_dirty_log slot = {.bits = words, .count = pages, .page_shift = 12, .to = 4ull << 30};
 *     gm_dirty_merge(dirty, &slot);
 * What a vhost-user back end has logged (a bit for each 4 KiB from address 0, in bytes):
 *     struct gm_dirty_log vhost = {.bits = log, .count = bytes * 8, .page_shift = 12, .to = 0};
 *     gm_dirty_drain(dirty, &vhost);                           while it goes on logging
 * What a back end says of its own writes, in the log that the front end has given it:
 *     const struct gm_dirty_request all = {.len = UINT64_MAX};
 *     gm_dirty_harvest_log(dirty, &all, &vhost, &next);
 */
#ifndef GUESTMEM_DIRTY_MERGE_H
#define GUESTMEM_DIRTY_MERGE_H

#include <guestmem/dirty_harvest.h>

GM_BEGIN_DECLS

/* Bit i of a log is bit i % 8 of its byte i / 8, which on little-endian machines is bit i % 64 of word i / 64. */
struct gm_dirty_log {
    const void *bits;     /* no alignment is asked for; no byte without a bit of the log is read */
    uint64_t first;       /* the first bit that counts */
    uint64_t count;       /* how many do */
    unsigned page_shift;  /* 12..GM_DIRTY_PAGE_SHIFT_MOST: a bit stands for so much; 0: GM_PAGE_SHIFT */
    uint64_t to;          /* [bytes] the address that bit first stands for */
};

/*
 * Mark what a log says is dirty, whether marks are on or off; the log stays as it is. Where a page of the one is no
 * page of the other, all pages that a bit touches are marked.
 * Returns 0; -EINVAL (bits NULL, a bad page_shift, first + count past 2^64); -ERANGE (a bit that is set stands for
 * something that is not below size: what is, is marked).
 * Context: any thread; nobody changes the log meanwhile (gm_dirty_drain is for logs that live).
 * Order: as a mark, for all writes that the log stands for.
 * Progress: wait-free.   Cost: pages of the same size: a look at 64 bits of the log at a time, whatever the offset, and
 * one locked instruction where some of them are new; else O(runs of bits that are set).
 */
GM_API GM_MUST_CHECK int gm_dirty_merge(struct gm_dirty *dirty, const struct gm_dirty_log *log);

/*
 * Move what a log says into the bitmap while others set bits there (vhost-user back ends, vhost-net): bits are taken by
 * locked instructions, so that each one that is set is moved once, by this call or by a later one. Bits that stand for
 * something that is not below size, be it in part, are left in the log: nothing is lost, and a call after
 * gm_dirty_extend moves them. What such a bit stands for below size is marked.
 * @param log  bits: memory that may be written to; of bytes with other bits in them those stay as they are
 * Returns 0; -EINVAL (as gm_dirty_merge; nothing was taken); -ERANGE (bits were left, as said; all others were moved).
 * Context: any thread, several at once, and others that set bits by atomic operations of 1, 2, 4 or 8 aligned bytes.
 * Order:   who writes to a page and then ORs its bit, with release or behind a write barrier (on x86 any locked
 *          instruction will do), has the write seen as one before a mark: by whoever copies the page after the harvest
 *          that hands it out. A bit that was set before the call is marked when it returns, or when another such call
 *          does that has taken it. A harvest that runs at the same time as one of them may miss it.
 * Progress: wait-free, but for the first and the last bytes of a log that has only some of their bits: lock-free.
 * Cost:    clean words are only looked at, 64 bytes at a time; one locked instruction for each aligned 64 bits that are
 *          not clean (at the ends of a log that is not so aligned: 8 bits), and the marks, as in gm_dirty_merge.
 *          Nothing is taken that is not marked at once, so that a log whose memory goes away under it (recover.h) is
 *          moved as far as it was there.
 */
GM_API GM_MUST_CHECK int gm_dirty_drain(struct gm_dirty *dirty, const struct gm_dirty_log *log);

/*
 * The other way round: take the dirty pages of a window, as a harvest, and set their bits in a log that others read or
 * drain meanwhile, by locked instructions. Where a page of the one is no page of the other, all bits that a page
 * touches are set.
 * @param request  gap is not used
 * @param log      bits: memory that may be written to, and is there while this runs; of bytes with other bits in them
 *                 those stay as they are
 * @param next     as of gm_dirty_harvest
 * Returns as gm_dirty_harvest; -EINVAL (as gm_dirty_merge), -ERANGE (some page of the window has no bit): nothing was
 * taken after these two.
 * Context: as a harvest; others take bits by atomic operations of 1, 2, 4 or 8 aligned bytes.
 * Order:   who takes a bit, with acquire, sees all writes to the page whose marks the harvest has taken.
 * Cost:    as gm_dirty_harvest, and a locked instruction for each aligned 64 bits of the log that a dirty range touches
 *          (at the ends of a log that is not so aligned: 8 bits).
 */
GM_API GM_MUST_CHECK int gm_dirty_harvest_log(struct gm_dirty *dirty, const struct gm_dirty_request *request,
                                              const struct gm_dirty_log *log, uint64_t *next);

/*
 * As gm_dirty_merge, out of another bitmap, which stays as it is: what is marked in [first, first + len) there and not
 * taken yet, to addresses from to on.
 * Returns as gm_dirty_merge; -EINVAL (the two are one, or first does not begin a page of from).
 */
GM_API GM_MUST_CHECK int gm_dirty_merge_from(struct gm_dirty *dirty, const struct gm_dirty *from, uint64_t first,
                                             uint64_t len, uint64_t to);

/*
 * Write out what is marked in a window and not taken yet, and leave it marked: bit i of the window is ORed into bit
 * i % 64 of words[i / 64].
 * @param first, len  [bytes] rounded out to pages; what is not below size is not there
 * @param count       of words
 * Returns 0; -ENOBUFS (fewer words than the window has pages / 64, rounded up; nothing was written).
 * Progress: wait-free.   Cost: as gm_dirty_count.
 */
GM_API GM_MUST_CHECK int gm_dirty_export(const struct gm_dirty *dirty, uint64_t first, uint64_t len, uint64_t *words,
                                         size_t count);

/*
 * The same as lengths of runs [pages]: clean ones (maybe 0), dirty ones, clean ones, and so on; they end with the last
 * dirty run, and there are none for a clean window.
 * @param room   of runs
 * @param count  how many were written, an even number
 * Returns 0; -ENOBUFS (room is too small; what runs holds then is not said). Marks that are made meanwhile are in it,
 * or not, one by one.
 */
GM_API GM_MUST_CHECK int gm_dirty_export_runs(const struct gm_dirty *dirty, uint64_t first, uint64_t len,
                                              uint64_t *runs, size_t room, size_t *count);

GM_END_DECLS

#endif
