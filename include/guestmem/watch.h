/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Write watch: which pages of a piece of this process's memory were written to, as the kernel sees it. Nobody has to
 * mark anything: the kernel write-protects the pages, notes the first write to each without a signal or a message,
 * and gives out the list while it protects them anew (userfaultfd write protection, asynchronous, and PAGEMAP_SCAN;
 * Linux 6.7). It is a source of dirty pages of its own, and a second opinion on the marks of dirty.h.
 *
 *     error = gm_watch_create(hva, size, &watch);
 *     const struct gm_watch_request all = {.len = UINT64_MAX};
 *     error = gm_watch_harvest_into(watch, &all, dirty, gpa, &next);           and then harvest the bitmap
 *
 * What is seen: each write through the mapping that is watched, of any thread of the process, of the kernel on its
 * behalf (read, recv, process_vm_writev, vhost in the kernel) and of vCPUs whose KVM memory slot is that mapping.
 * Memory that was never touched is watched as well; reading it is no write. A write of the same bytes is one.
 * What is not seen, because the protection belongs to one mapping and to its page tables:
 *   - writes through other mappings of the same file, so those of other processes, vhost-user back ends among them,
 *     and pwrite to the file: each process watches its own mapping, or keeps a log;
 *   - writes to pages that were pinned before they were last harvested: VFIO, buffers registered with io_uring, and
 *     O_DIRECT reads under way; they come from a log of the device, or the pages count as dirty always.
 * Discarding memory (MADV_DONTNEED, MADV_REMOVE, a balloon) changes it without a write: the kernel may report it or
 * not.
 *
 * Memory: anonymous, memfd, hugetlb; other mappings where the kernel lets them be watched. Pages are 4 KiB, or of the
 * hugetlb size. A transparent huge page stays whole until it is written to, or cut by the edge of a window or a
 * budget; then it is split. Memory that is first touched while it is watched is made of pages of 4 KiB.
 *
 * A watch belongs to the process that created it. A child that was forked has the mapping unwatched, and leaves the
 * watch alone: neither harvests nor destroys it.
 *
 * Unless a declaration says otherwise:
 *   Errors:   -EINVAL for NULL; after every error all is as before.
 *   Context:  any thread of the process, between creation and gm_watch_destroy; several harvests at once are fine:
 *             each page goes to one of them.
 *   Progress: blocking (system calls). Writers wait for nobody but the kernel: the first write to a page after each
 *             harvest is a page fault, all others are as quick as ever.
 */
#ifndef GUESTMEM_WATCH_H
#define GUESTMEM_WATCH_H

#include <guestmem/api.h>
#include <guestmem/dirty_harvest.h>

GM_BEGIN_DECLS

struct gm_watch;

/*
 * Watch [address, address + len). All pages are clean. The memory keeps its content, and stays where it is until
 * gm_watch_destroy: what is unmapped before is no longer watched, and what is mapped there then makes harvests fail.
 * @param address, len  [bytes] len > 0; both multiples of 4096, for hugetlb memory of its page size
 * Returns 0;
 *   -EOPNOTSUPP  the kernel cannot do it: before 6.7, or built without userfaultfd write protection or pagemap, or
 *                there is no /proc
 *   -EPERM       userfaultfd or /proc/self/pagemap is forbidden to this process (a seccomp filter, a security
 *                module, a process that is not dumpable), or nobody may ever write to the memory through this
 *                mapping. No privilege is asked for, nor vm.unprivileged_userfaultfd.
 *   -EINVAL      NULL, len 0, misaligned, memory that cannot be watched (of devices, secret), or hugetlb memory
 *                behind memory of 4 KiB pages: each takes a watch of its own
 *   -EFAULT      something in the range is not mapped
 *   -EBUSY       something in it is watched already, here or by another userfaultfd
 *   -ENOMEM, -EMFILE, -ENFILE
 * Order: a write that happened before is not seen; one that runs at the same time may be.
 * Cost:  O(pages), 512 times fewer of huge ones: an entry of the page table is written for each (8 bytes, which a watch
 *        keeps even of memory that is never used); of pages that were touched before, that takes several times as
 *        long. Two file descriptors (close on exec).
 */
GM_API GM_MUST_CHECK int gm_watch_create(void *address, uint64_t len, struct gm_watch **out);

/*
 * Stop watching. Content and rights of the memory are as they were; it may be watched again. NULL is ignored.
 * Context: no other call on it may run or follow; before the memory is given to somebody else.   Cost: as creation.
 */
GM_API void gm_watch_destroy(struct gm_watch *watch);

/* [bytes] of the pages in which writes are told apart: 4096, or the page size of hugetlb memory; 0 for NULL.   O(1). */
GM_API uint64_t gm_watch_page_size(const struct gm_watch *watch);

struct gm_watch_request {
    uint64_t first, len; /* [bytes] the window, from the watch's address, rounded out to pages; ends with the watch */
    uint64_t budget;     /* [4096 bytes] end when so much was taken, rounded up to a page; 0: no limit */
};

/*
 * Gets written ranges in rising order, count >= 1 of them at a time; first counts from the watch's address. They are
 * protected anew already: what cannot be dealt with now has to be kept (gm_dirty_mark), it does not come again. No
 * lock is held: it may call anything but gm_watch_destroy. What it writes to the watched memory comes with the next
 * harvest, or later in this one.
 */
typedef void (*gm_watch_ranges_fn)(void *arg, const struct gm_dirty_range *ranges, size_t count);

/*
 * Take the pages of a window that were written to, and hand them out. Taking and protecting anew is one step for each
 * page.
 * @param ranges  called as long as there are some
 * @param next    [bytes] from the watch's address, where to go on; UINT64_MAX when the window is done
 * Returns 0; -ESTALE (some of the window is other memory by now than was given); -ENOMEM; -EINTR (the process is
 * being killed). After these three *next is not written; what was found before is handed out all the same, and the
 * rest stays written: nothing is lost.
 * Order:    a write that happened before the harvest is handed out by it, or was taken by another one; whoever copies
 *           the page then, or from the callback on, copies that write. A write that runs at the same time is in this
 *           harvest or in the next.
 * Progress: one system call for each 128 ranges, and one more; each holds the process's memory map as a reader.
 * Cost:     O(pages of the window), 512 times fewer of huge ones: the kernel looks at the entry of each in the page
 *           table, and protects anew those that were written to. The first write to each of these is then a page fault.
 */
GM_API GM_MUST_CHECK int gm_watch_harvest(struct gm_watch *watch, const struct gm_watch_request *request,
                                          gm_watch_ranges_fn ranges, void *arg, uint64_t *next);

/*
 * The same into a bitmap, whether its marks are on or off: offset o of the watch is address to + o there.
 * @param to  [bytes] where the bitmap has the watch's address; need not be a multiple of the page size
 * Returns as gm_watch_harvest; -ERANGE (some of the window is not below the size of the bitmap; nothing was taken).
 * Context: as a mark on the bitmap.
 * Order:   as a mark, for all writes that the page stands for.
 */
GM_API GM_MUST_CHECK int gm_watch_harvest_into(struct gm_watch *watch, const struct gm_watch_request *request,
                                               struct gm_dirty *dirty, uint64_t to, uint64_t *next);

GM_END_DECLS

#endif
