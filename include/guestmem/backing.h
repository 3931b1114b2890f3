/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Host memory that regions are made of. A backing is counted: the creator holds one count, every region that
 * uses it one more, and the memory goes when the last is gone, which for a region means after the grace period
 * of its removal and after the last snapshot that shows it. The calls here make the three plainest kinds;
 * backing_create.h makes all of them, backing_memory.h says what can be done with the memory.
 */
#ifndef GUESTMEM_BACKING_H
#define GUESTMEM_BACKING_H

#include <guestmem/api.h>
#include <guestmem/types.h>

GM_BEGIN_DECLS

struct gm_backing;

/* What each kind takes stands in backing_create.h. */
enum gm_backing_flags {
    GM_BACKING_NORESERVE = 1,  /* do not charge swap for memory that was never touched, nor take huge pages out of the
                                  pool for it: who touches one that the pool does not have gets SIGBUS */
    GM_BACKING_THP = 2,        /* ask for transparent huge pages and align the mapping to 2 MiB; a hint */
    GM_BACKING_DUMP = 4,       /* include the memory in core dumps (left out by default) */
    GM_BACKING_NO_FORK = 8,    /* a child process does not get the memory */
    GM_BACKING_MERGEABLE = 16, /* let the kernel merge equal pages (KSM); a hint */
    GM_BACKING_GUARD = 32,     /* a page before and one behind the memory that fault */
    GM_BACKING_PRIVATE = 64,   /* file: what is written stays in this process (copy on write) */
    GM_BACKING_MAPPED = 128    /* guest_memfd: make it with a mapping on the host; needs Linux 6.18 */
};

/*
 * Private anonymous memory, zeroed.
 * @param size   [bytes] > 0; rounded up to whole pages.
 * @param flags  gm_backing_flags ORed together.
 * Returns 0; -EINVAL (size 0, unknown flag, NULL); -EOPNOTSUPP (a flag that the kind does not take); -EOVERFLOW
 * (size does not fit once rounded); -ENOMEM, -EAGAIN from the kernel.
 * Context: any thread.   Progress: blocking (mmap).   Cost: O(1), memory is touched by nobody.
 */
GM_API GM_MUST_CHECK int gm_backing_anonymous(uint64_t size, unsigned flags, struct gm_backing **out);

/*
 * Shared memory behind a sealed memfd, zeroed, for sharing with other processes.
 * @param name   shown in /proc, at most 249 bytes; NULL for "guestmem".
 * Returns as gm_backing_anonymous, and -EINVAL (name too long), -EMFILE, -ENFILE, -ENOSPC.
 * Context: any thread.   Progress: blocking (memfd_create, ftruncate, mmap).
 */
GM_API GM_MUST_CHECK int gm_backing_memfd(const char *name, uint64_t size, unsigned flags, struct gm_backing **out);

/*
 * Memory that the caller provides and keeps mapped until release is called.
 * @param address  page aligned, not NULL.
 * @param size     [bytes] > 0; address + size must not wrap.
 * @param release  called once with argument when the last user is gone, on the control thread that reclaims; may
 *                 be NULL.
 * Returns 0; -EINVAL; -EOVERFLOW (the range wraps); -ENOMEM.
 * Context: any thread.   Progress: wait-free but for the allocation.
 */
GM_API GM_MUST_CHECK int gm_backing_wrap(void *address, uint64_t size, void (*release)(void *argument),
                                         void *argument, struct gm_backing **out);

/* One more count; returns its argument, which is not NULL.   Context: a holder of a count.   Progress: wait-free. */
GM_API struct gm_backing *gm_backing_get(struct gm_backing *backing);

/*
 * One count less; NULL is ignored. Who gives back the last one unmaps the memory and calls release, on this thread.
 * Order:   what any holder did with the memory before its put happens before that.
 * Context: a holder of a count, which it has no more.   Progress: wait-free; the last one: blocking (munmap, release).
 * Cost:    O(1); the last one O(size).
 */
GM_API void gm_backing_put(struct gm_backing *backing);

/*
 * Where the memory is mapped, and how long it is in bytes. The address never changes; it is NULL where the host has no
 * mapping (guest_memfd without GM_BACKING_MAPPED).
 * Context: a holder of a count.   Progress: wait-free.   Cost: O(1).
 */
GM_API void *gm_backing_address(const struct gm_backing *backing);
GM_API uint64_t gm_backing_size(const struct gm_backing *backing);

/* The file that the memory is in, owned by the backing, or -1 when it has none.   Context: a holder of a count. */
GM_API int gm_backing_fd(const struct gm_backing *backing);

GM_END_DECLS

#endif
