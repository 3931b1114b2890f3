/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Id allocator: hands out small numbers of which each has one owner, lowest first: memory slots, GSIs, MSI vectors,
 * device instances, PCI functions. One bit an id, no locks, any thread.
 *
 * A KVM memory slot; 509 of them are 0..508, and a 510th is refused:
 *     struct gm_ids_config config = {.first = 0, .count = slots_of_kvm, .numa_node = -1};
 *     gm_ids_create(&config, &slots);
 *     if (gm_ids_take(slots, &slot) == -ENOSPC) ...
 *     gm_ids_give(slots, slot);
 * GSIs, of which the first 24 are pins of the IOAPIC:
 *     gm_ids_reserve(gsis, 0, 24);
 * The vectors of an MSI function that asked for 3: the guest is told of 4, and the first is a multiple of 4:
 *     gm_ids_take_range(vectors, 3, &first);     gm_ids_give_range(vectors, first, 3);
 * All 8 functions of one PCI device (BDF = device << 3 | function), and a device where the user wants it:
 *     gm_ids_take_group(bdfs, 3, &bdf);          gm_ids_reserve(bdfs, 0x1f << 3, 8);
 *
 * An id is *free for a call* when it is free from before the call until its end; the gm_ids_give that freed it, if
 * any, has returned before. What "lowest" means between threads:
 *   - no id below the result, and fit for the request, was free for the call;
 *   - a call that answers -ENOSPC found no fit whose ids were all free for the call.
 * Alone, that is: exactly the lowest, and -ENOSPC exactly when there is none. It holds also while other threads have
 * been stopped at any point of their calls.
 * Calls that take or give several ids do so in steps of at most 64 (where ids is a multiple of 64), in rising order.
 * Other threads may see some of them taken before all are, and taken for a moment by a call that then fails.
 *
 * An *owned* allocator (GM_IDS_OWNED) is for one thread, or for programs that hold a lock anyway: calls that take or
 * give come one at a time, and the caller sees to that. They cost no locked instruction. Calls that only look (the
 * allocator is const to them) still come from any thread at any time.
 *
 * Unless a declaration says otherwise:
 *   Errors:   -EINVAL for NULL; after every error all is as before.
 *   Context:  any thread, at any time between gm_ids_create and gm_ids_destroy; of an owned allocator, see above.
 *   Order:    what was done before an id is given happens before what is done after it is taken.
 *   Progress: lock-free: some call finishes, whatever becomes of the thread of another; owned: wait-free.
 *   Cost:     no system call, no memory allocation. To take: one locked instruction, and 4 more every 64 ids. To give:
 *             one; one more where all 64 neighbours were taken, and O(log count) where that becomes of several words
 *             in turn. Owned: plain stores instead. A search is O(log count), and O(count / 64) at worst.
 * Source of the structure: summaries over a bitmap as in van Emde Boas (1977), with a fan-out of 64, then 32.
 */
#ifndef GUESTMEM_IDS_H
#define GUESTMEM_IDS_H

#include <stddef.h>
#include <stdint.h>

#include <guestmem/api.h>

GM_BEGIN_DECLS

struct gm_ids;

#define GM_IDS_COUNT_MOST (UINT64_C(1) << 32)
#define GM_IDS_ORDER_MOST 31

enum gm_ids_flags {
    GM_IDS_OWNED = 1 /* calls that take or give come one at a time: the caller's lock, or its only thread */
};

struct gm_ids_config {
    uint32_t first; /* lowest id */
    uint64_t count; /* 1..GM_IDS_COUNT_MOST ids; first + count - 1 <= UINT32_MAX */
    int numa_node;  /* where memory for more than about 500 000 ids comes from, if it can; -1 for no preference */
    unsigned flags; /* gm_ids_flags */
};

/*
 * Create an allocator in which all ids are free. It takes address space of count / 7.8 bytes; from 64 KiB on, memory
 * only where ids have been taken.
 * Returns 0; -EINVAL (count 0, an unknown flag, a bad node); -ERANGE (more than GM_IDS_COUNT_MOST, or past UINT32_MAX);
 * -ENOMEM.
 * Context: any thread.   Progress: blocking (memory).
 */
GM_API GM_MUST_CHECK int gm_ids_create(const struct gm_ids_config *config, struct gm_ids **out);

/* Free the allocator; ids may still be taken. NULL is ignored.   Context: no other call on it may run or follow. */
GM_API void gm_ids_destroy(struct gm_ids *ids);

/*
 * Take the lowest free id.
 * Returns 0; -ENOSPC.
 * Cost: see above; nothing is searched while ids are taken one after the other.
 */
GM_API GM_MUST_CHECK int gm_ids_take(struct gm_ids *ids, uint32_t *out);

/*
 * Take any free id: each thread starts to look at another place, so that threads which take and give much do not share
 * cache lines. No order of ids is promised.
 * Returns 0; -ENOSPC.
 */
GM_API GM_MUST_CHECK int gm_ids_take_any(struct gm_ids *ids, uint32_t *out);

/*
 * Take the lowest free id of [least, most]; what of the window lies outside the allocator is not there.
 * Returns 0; -EINVAL (least > most); -ENOSPC.
 * Cost: O(words of the window that are partly taken), at most 1 for each 64 ids.
 */
GM_API GM_MUST_CHECK int gm_ids_take_in(struct gm_ids *ids, uint32_t least, uint32_t most, uint32_t *out);

/* Take this id. Returns 0; -EBUSY (taken); -ERANGE (not of this allocator).   Cost: one locked instruction. */
GM_API GM_MUST_CHECK int gm_ids_take_at(struct gm_ids *ids, uint32_t id);

/*
 * Take 2^order ids, all or none, the first a multiple of 2^order (of the number itself, whatever the allocator's
 * first is).
 * Returns 0; -EINVAL (order > GM_IDS_ORDER_MOST); -ENOSPC.
 * What other threads see: up to order 6 all ids are taken at once, else in steps (see above). When several calls want
 * the same ids at the same time, one of them at least is not made to fail by the others.
 * Cost: O(words that are partly taken + 2^order / 64).
 */
GM_API GM_MUST_CHECK int gm_ids_take_group(struct gm_ids *ids, unsigned order, uint32_t *out);

/*
 * As gm_ids_take_group, but only count ids of the smallest group that holds as many: the first is a multiple of count
 * rounded up to a power of two, and the rest of the group need not be free and stays as it is.
 * Returns 0; -EINVAL (count 0 or more than 2^GM_IDS_ORDER_MOST); -ENOSPC.
 */
GM_API GM_MUST_CHECK int gm_ids_take_range(struct gm_ids *ids, uint32_t count, uint32_t *out);

/*
 * Take exactly [first, first + count), all or none; how ids are set aside that others have given out.
 * Returns 0; -EINVAL (count 0); -ERANGE (not all of this allocator); -EBUSY (one is taken).
 */
GM_API GM_MUST_CHECK int gm_ids_reserve(struct gm_ids *ids, uint32_t first, uint64_t count);

/*
 * Give an id back, however it was taken.
 * Returns 0; -ERANGE (not of this allocator); -ENOENT (not taken: given back twice, or never taken).
 */
GM_API int gm_ids_give(struct gm_ids *ids, uint32_t id);

/*
 * Give back [first, first + count), or the group of 2^order ids that begins at first. They need not have been taken
 * together.
 * Returns 0; -EINVAL (count 0; order > GM_IDS_ORDER_MOST, or first no multiple of 2^order); -ERANGE; -ENOENT (one is
 * not taken, and none was given back. If another thread gives the same ids back at the same time, which is an error
 * of the caller's, some may have been).
 */
GM_API int gm_ids_give_range(struct gm_ids *ids, uint32_t first, uint64_t count);
GM_API int gm_ids_give_group(struct gm_ids *ids, uint32_t first, unsigned order);

/* 1 (taken), 0 (free), -ERANGE (not of this allocator).   Progress: wait-free.   Cost: one load. */
GM_API int gm_ids_is_taken(const struct gm_ids *ids, uint32_t id);

/*
 * The lowest taken id at or above from. To visit all:
 *     uint64_t from = 0;                      not 32 bits: behind UINT32_MAX there is no id, and 0 would come again
 *     for (uint32_t id; from <= UINT32_MAX && gm_ids_next(ids, (uint32_t)from, &id) == 0; from = (uint64_t)id + 1) ...
 * Where first + count - 1 is less than UINT32_MAX, from may be a uint32_t and go on at *out + 1. An id that is taken
 * all through the walk is visited once, one that is not may be.
 * Returns 0; -ENOENT (none).
 * Progress: wait-free.   Cost: O(ids between / 64).
 */
GM_API GM_MUST_CHECK int gm_ids_next(const struct gm_ids *ids, uint32_t from, uint32_t *out);

struct gm_ids_stats {
    uint64_t taken, free;  /* ids, together config.count */
    uint64_t memory_bytes; /* [bytes] address space that is taken; memory comes with use */
    int order_largest;     /* of the largest group that is free, <= GM_IDS_ORDER_MOST; -1: no id is */
};

/*
 * Count. Exact while nothing changes.
 * Returns 0.
 * Progress: wait-free.   Cost: O(count / 64).
 */
GM_API int gm_ids_stats_get(const struct gm_ids *ids, struct gm_ids_stats *out);

/*
 * Write which ids are taken into size bytes at image, in a form that does not depend on the machine.
 * @param needed  receives the size of the image; also when size is too small, image NULL included (the way to ask)
 * Returns 0; -EINVAL (ids or needed is NULL); -ENOBUFS (size < *needed; image is untouched).
 * Progress: wait-free.   Cost: O(count / 64). While other threads take and give, each word of 64 ids is as it was at
 * some moment of the call.
 */
GM_API int gm_ids_save(const struct gm_ids *ids, void *image, size_t size, size_t *needed);

/*
 * Create an allocator from an image. It goes on to decide as the one that was saved would, gm_ids_take_any apart.
 * @param image     any size bytes: they may come from an enemy
 * @param expected  when not NULL: first and count that the image must have; numa_node and flags, which an
 *                  image does not hold. The image decides how much address space is taken, at most 529 MiB, so one
 *                  that is not trusted should be expected.
 * Returns 0; -EINVAL (not an image, cut short or too long, ids that the allocator does not have, not what was
 * expected); -ENOMEM.
 * Context: any thread.   Progress: blocking (memory).
 */
GM_API GM_MUST_CHECK int gm_ids_load(const void *image, size_t size, const struct gm_ids_config *expected,
                                     struct gm_ids **out);

GM_END_DECLS

#endif
