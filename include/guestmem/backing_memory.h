/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What can be done with the memory of a backing: have it there before the guest runs, give it back, make it longer;
 * and what is known about it. Ranges are offset and size in bytes into the backing, in whole pages of its kind; only
 * the last page of a caller's memory may be part of one.
 */
#ifndef GUESTMEM_BACKING_MEMORY_H
#define GUESTMEM_BACKING_MEMORY_H

#include <guestmem/backing_create.h>

GM_BEGIN_DECLS

#define GM_PREFAULT_THREADS_MOST 64

struct gm_prefault {
    unsigned threads;       /* how many work, the caller among them; <= 64. 0: one for each CPU, at most 16. Where
                               the system gives fewer threads, those do it */
    uint32_t timeout_ms;    /* 0: no limit */
    const uint32_t *cancel; /* not 0 (an atomic store, by whomever): stop. May be NULL */
    int (*progress)(void *argument, uint64_t done, uint64_t total); /* [bytes] on the caller's thread, after each of its
                               own pieces and at the end of what succeeded; other than 0: stop. May be NULL */
    void *argument;
};

/*
 * Have the memory of a range there, so that nothing waits for it later. The content does not change, whoever writes to
 * it meanwhile. Pieces are 8 MiB (or one page that is larger) and begin and end at multiples of that: so the kernel
 * can use huge pages. What is mapped gets its entries in the page table, as if written to (private memory of a file is
 * copied); memory without a mapping is only allocated. The second mapping that a linear space makes finds the memory
 * there, and gets its entries when it is touched.
 * @param how   NULL for the defaults.
 * @param done  at least so many bytes of the range are there, not always the first ones; also written on the errors
 *              from -ECANCELED on. May be NULL. Calling again goes over them quickly.
 * Returns 0, or
 *   -EINVAL, -EOVERFLOW, -ERANGE  as gm_backing_discard; -EINVAL also for threads > 64
 *   -EOPNOTSUPP  the caller's memory, on kernels before 5.14
 *   -ECANCELED, -ETIMEDOUT  stopped before all was there
 *   -ENOMEM      no memory
 *   -EFAULT      touching it would give SIGBUS: a file that has become shorter, an empty pool of huge pages (also one
 *                whose nodes are not the ones that the memory is bound to). From the kernel also: -EHWPOISON, -EINTR,
 *                -ENOSPC, -EINVAL (the caller's memory cannot be written)
 * Context: control thread.   Progress: blocking.   Cost: O(size), shared by the threads. Without MADV_POPULATE_WRITE
 * (Linux 5.14) it is one atomic addition of 0 for each page, and what would be -EFAULT is the signal.
 */
GM_API GM_MUST_CHECK int gm_backing_prefault(struct gm_backing *backing, uint64_t offset, uint64_t size,
                                             const struct gm_prefault *how, uint64_t *done);

/*
 * Give the memory of a range back to the system. It reads as zeros afterwards, for every kind; for shared memory in all
 * processes, and a shared file loses what was there. Private memory of a file becomes anonymous memory at the same
 * address: it would show the file again otherwise. Nothing is marked dirty: a backing knows no guest addresses.
 * Returns 0; -EINVAL (NULL, size 0, not whole pages); -EOVERFLOW (the range wraps); -ERANGE (not inside the backing);
 * -EOPNOTSUPP (the caller's memory, a file system without holes, a private file of hugetlbfs before Linux 5.16);
 * -ENOMEM for private memory of a file: there is no memory, or no huge page, to take its place, and all is as it was.
 * On the rest some of it may have been given back: -ENOMEM, -EINTR, -EIO, -EPERM (sealed), -EINVAL (pages that mlock
 * holds; HUGETLB before Linux 5.18).
 * Context: control thread.   Order: none with accesses to the range, which may see either.   Progress: blocking.
 * Cost: O(size), in pages that are there.
 */
GM_API GM_MUST_CHECK int gm_backing_discard(struct gm_backing *backing, uint64_t offset, uint64_t size);

/*
 * Change the size, at the same address; new memory is zeroed (FILE: what the file holds), old memory stays as it is.
 * Growing disturbs nobody. Shrinking needs that nobody else holds the backing: no region is left without memory;
 * what is cut off is gone, except that a file of the caller's keeps it. To give back memory that regions use, discard.
 * @param size  [bytes] > 0; rounded as at creation.
 * Returns 0, or, with the size as it was:
 *   -EINVAL      NULL, size 0
 *   -EOPNOTSUPP  made without size_most
 *   -ERANGE      more than size_most
 *   -ENXIO       FILE: it ends before that; the caller makes it longer first
 *   -EBUSY       shrinking, and somebody else holds a count
 *   -ENOMEM, -EAGAIN, -EINTR  from the kernel. Of the memory to be cut off some may have been given back
 * and the other errors of gm_backing_create about NUMA.
 * Context: control thread; one resize of a backing at a time.   Order: who sees the new size may use the memory.
 * Progress: blocking (mmap).   Cost: O(1) to grow.
 */
GM_API GM_MUST_CHECK int gm_backing_resize(struct gm_backing *backing, uint64_t size);

struct gm_backing_info {
    enum gm_backing_kind kind;
    unsigned flags;
    void *address;
    uint64_t size;
    uint64_t size_most; /* size where it cannot be resized */
    uint64_t page_size; /* of the pages that it consists of; transparent huge pages do not count */
    uint64_t offset;    /* of the first byte in fd */
    int fd;             /* as gm_backing_fd */
    enum gm_numa_policy numa_policy;
    uint64_t numa_nodes;
};

/* All that is known about it. Returns 0; -EINVAL (NULL).   Context: a holder of a count.   Progress: wait-free. */
GM_API GM_MUST_CHECK int gm_backing_info_get(const struct gm_backing *backing, struct gm_backing_info *out);

/*
 * Is some byte of one also a byte of the other: the same host addresses, or the same part of one file? A private
 * mapping of it counts: it shares what was not written.
 * Returns 1 or 0; -EINVAL (NULL); -ENOMEM.   Context: a holder of both.   Progress: blocking (fstat).   Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_backing_overlaps(const struct gm_backing *one, const struct gm_backing *other);

/*
 * The largest page by which host and hypervisor could map a region: GPA, host address and place in the file have to be
 * congruent, and a whole one has to lie inside. Whether the kernel does it depends on the kind and on its settings.
 * Returns 30, 21, or 12; -EINVAL (NULL; size 0; no mapping; GPA and address differ within a page); -EOVERFLOW (the
 * region wraps); -ERANGE (it is not inside the backing).
 * Context: a holder of a count.   Progress: wait-free.   Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_backing_page_shift(const struct gm_backing *backing, uint64_t offset, gm_gpa gpa,
                                               uint64_t size);

GM_END_DECLS

#endif
