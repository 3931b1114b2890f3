/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Taking dirty pages: what a harvest hands out is clean from then on, and no mark is lost. dirty.h has the promise.
 *
 *     struct gm_dirty_request request = {.first = 0, .len = UINT64_MAX, .gap = 0};
 *     error = gm_dirty_harvest(dirty, &request, send_ranges, &connection, &next);
 * In slices of about a million pages:
 *     request.budget = 1 << 20;
 *     for (next = 0; error == 0 && next != UINT64_MAX; request.first = next)
 *         error = gm_dirty_harvest(dirty, &request, send_ranges, &connection, &next);
 * A page that could not be sent after all:
 *     gm_dirty_put_back(dirty, NULL, gpa, len);
 *
 * Several who want to know, each all of it (migration, a display, a backup): each creates a consumer, and the bitmap
 * itself is one, named NULL. Whoever harvests takes the marks for all; those who mark pay once. Each comes and goes, or
 * rests, as it likes:
 *     error = gm_dirty_consumer_create(dirty, &display);        marks count from here on; then all of it is drawn
 *     error = gm_dirty_consumer_disable(dirty, display);        hidden: nothing more is kept for it
 *     error = gm_dirty_consumer_enable(dirty, display);         shown again, all of it is drawn
 * Marks count, and cost more than a branch, while a consumer is on or gm_dirty_enable is in force.
 *
 * Harvests, and what else is declared here, wait for one another (one lock a bitmap), never for marks, nor marks for
 * them. A callback runs under that lock: it may mark, look and gm_dirty_stats_get, and calls nothing that is declared
 * here; nor does it enable, disable, extend or destroy the bitmap.
 */
#ifndef GUESTMEM_DIRTY_HARVEST_H
#define GUESTMEM_DIRTY_HARVEST_H

#include <guestmem/dirty.h>

GM_BEGIN_DECLS

struct gm_dirty_consumer;

/*
 * A view of its own from now on, which is on: it has what is marked and was taken by nobody yet, and all marks to come.
 * As after gm_dirty_enable, a mark that had no effect belongs to a write that is visible to the caller when this has
 * returned. Takes address space as the bitmap does, and so does the first one for the bitmap's own view; memory where
 * pages were taken by somebody else.
 * Returns 0; -ENOMEM; -errno of the barrier, which the kernel has come to refuse.   Cost: one barrier.
 */
GM_API GM_MUST_CHECK int gm_dirty_consumer_create(struct gm_dirty *dirty, struct gm_dirty_consumer **out);

/*
 * Forget the consumer and what it has not taken; others keep theirs. With the last one that was on, and no
 * gm_dirty_enable in force, marks stop counting. NULL is ignored, and one of another bitmap.
 */
GM_API void gm_dirty_consumer_destroy(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer);

/*
 * Let marks count for this consumer again. It has what it had, what is marked and was taken by nobody yet, and all
 * marks to come. A mark that was made before, and is not among these, belongs to a write that is visible to the caller
 * when this has returned: who then copies everything misses nothing.
 * Returns 0, also when it is on; -EINVAL (NULL, or a consumer of another bitmap); -errno of the barrier, which the
 * kernel has come to refuse: then it is as before.   Cost: one barrier.
 */
GM_API GM_MUST_CHECK int gm_dirty_consumer_enable(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer);

/*
 * Let marks to come, and logs that are merged, not be for this consumer; those that run now still may be. A mark that
 * has returned before is still there for it to take. The others go on as they do; when none is on, and no
 * gm_dirty_enable is in force, marks stop counting. The bitmap's own view cannot rest: it has what is marked for
 * anybody.
 * Returns 0, also when it is off; -EINVAL (NULL, or a consumer of another bitmap).
 * Cost: as a harvest of all without the barrier; when it is off, O(1).
 */
GM_API GM_MUST_CHECK int gm_dirty_consumer_disable(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer);

/*
 * How many pages of [first, first + len) a harvest by this consumer (NULL: the bitmap's own view) would hand out;
 * gm_dirty_count counts what nobody has taken. What of the window is not below size is not there.
 * @param count  [pages] while others mark, each word is counted at a moment of its own
 * Returns 0; -EINVAL (a consumer of another bitmap).   Cost: as gm_dirty_count.
 */
GM_API GM_MUST_CHECK int gm_dirty_consumer_count(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer,
                                                 uint64_t first, uint64_t len, uint64_t *count);

struct gm_dirty_range {
    uint64_t first, len; /* [bytes] whole pages */
};

/*
 * Gets dirty ranges in rising order, not touching one another, count >= 1 of them at a time. Returns how many it has
 * dealt with: fewer than count ends the harvest, and the rest is dirty again.
 */
typedef size_t (*gm_dirty_ranges_fn)(void *arg, const struct gm_dirty_range *ranges, size_t count);

struct gm_dirty_request {
    uint64_t first, len; /* [bytes] the window, rounded out to pages; what is not below size is not there */
    uint64_t gap;        /* [bytes] ranges with at most so much between them are handed out as one, with that */
    uint64_t budget;     /* [pages] end when so many dirty pages were taken, or at most 63 more; 0: no limit */
    struct gm_dirty_consumer *consumer; /* NULL: the bitmap's own view; another bitmap's: -EINVAL */
};

/*
 * Take the dirty pages of a window and hand them out as ranges.
 * @param ranges  called as long as there are some
 * @param next    [bytes] where to go on; UINT64_MAX when the window is done
 * Returns 0; -ECANCELED (the callback dealt with fewer than it was given); -errno of the barrier, which the kernel has
 * come to refuse. After these two *next is not written; what was not handed out is dirty again, with gaps that were
 * bridged. -ENOMEM (for the first harvest).
 * Order: as promised in dirty.h.
 * Cost: O(size / 16 MiB + words that are dirty): a load for each 16 MiB (of 4 KiB pages), one locked instruction for
 * each word, and a barrier for each 16000 ranges. Of a clean bitmap: the loads, and no barrier.
 */
GM_API GM_MUST_CHECK int gm_dirty_harvest(struct gm_dirty *dirty, const struct gm_dirty_request *request,
                                          gm_dirty_ranges_fn ranges, void *arg, uint64_t *next);

/*
 * The same into words of the caller: bit i of the window is ORed into bit i % 64 of words[i / 64] (KVM's layout). Its
 * first page is bit 0 wherever it lies.
 * @param request  gap is not used
 * @param words    [count] as many as the window has pages / 64, rounded up; of a window that goes beyond size, as many
 *                 as it has below
 * @param next     always so many whole words on, unless the window is done: the next slice, with first there, goes into
 *                 words + (next - first) / page size / 64. For that a slice may end up to 63 pages below its budget
 * Returns as gm_dirty_harvest; -ENOBUFS (fewer words than that; nothing was taken).
 */
GM_API GM_MUST_CHECK int gm_dirty_harvest_words(struct gm_dirty *dirty, const struct gm_dirty_request *request,
                                                uint64_t *words, size_t count, uint64_t *next);

/*
 * Make pages dirty again for one consumer (NULL: the bitmap's own view), whether marks are on or off. Where there are
 * no consumers, NULL is as good as a mark.
 * Returns 0; -EINVAL (a consumer of another bitmap); -ERANGE (some of it is not below size: what is, is dirty).
 */
GM_API GM_MUST_CHECK int gm_dirty_put_back(struct gm_dirty *dirty, struct gm_dirty_consumer *consumer, uint64_t first,
                                           uint64_t len);

/*
 * Make pages clean for everybody and hand out nothing: of memory that is gone, or before all of it is copied. A page
 * that lies partly outside of the range stays as it is.
 * Returns 0; -ERANGE (some of it is not below size: what is, is clean); -errno of the barrier, which the kernel has
 * come to refuse: then all of the range is dirty for everybody.
 * Order: whoever copies a page after this has returned copies what was written before the marks that were dropped.
 */
GM_API GM_MUST_CHECK int gm_dirty_clear(struct gm_dirty *dirty, uint64_t first, uint64_t len);

GM_END_DECLS

#endif
