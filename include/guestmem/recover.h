/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Guest memory that is not there when it is touched: a peer has truncated the file behind it, a linear space has a
 * hole, a page is poisoned. Without this the process dies of SIGBUS or SIGSEGV. With it, accesses that are made in the
 * ways below return -EFAULT. All other accesses cost what they cost before.
 *
 *     gm_recover_install();                                        once, in a program that wants it
 *     error = gm_recover_view(view, serve, queue, &gpa);           whatever serve does with guest memory
 *     error = gm_guest_read_safe(view, gpa, buffer, len, &done);   one copy, whose bytes are counted
 *
 * Streams (access_fd.h) need none of this: there the kernel touches the memory, and says -EFAULT.
 *
 * The signals. gm_recover_install puts handlers for SIGSEGV and SIGBUS in place. They take a fault when the thread that
 * faulted is inside gm_recover_call or gm_recover_view, and the address lies in the range, or in the host memory of the
 * view, that is named there (of a poisoned page: some of the page does); a signal that somebody has sent is no fault.
 * All else goes to the handler that was there before, as the kernel would have called it: with its sa_mask, and by its
 * flags SA_SIGINFO, SA_RESETHAND, SA_NODEFER and SA_RESTART; where there was none the process ends as it would have.
 * What differs: the handler before runs on the alternate stack of the thread if there is one.
 * Who installs a handler over these has to pass on what is not his, as these do. Then they stay where they are also
 * after gm_recover_remove and only pass on; so the library must not be unloaded before that handler is gone.
 *
 * A thread that has SIGSEGV or SIGBUS blocked cannot be helped: the kernel ends the process. A thread whose alternate
 * stack has SS_AUTODISARM is without one after a fault was taken, because the handler is left by a jump.
 */
#ifndef GUESTMEM_RECOVER_H
#define GUESTMEM_RECOVER_H

#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/slice.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/*
 * Put the handlers in place, or count one more user of them.
 * Returns 0; -ENOSPC: the signals have had more than 16 different handlers in the times when these were put in place.
 * Context: any thread; not a signal handler. Changing the same signals in another thread meanwhile, as with any use of
 *          sigaction, may undo one or the other.   Progress: blocking (a lock).
 */
GM_API GM_MUST_CHECK int gm_recover_install(void);

/*
 * Count one user less; the last puts the earlier handlers back, or leaves these if another was installed over them.
 * Returns 0; -ENOENT: there is no user.
 * Context: as gm_recover_install; no thread is inside a call below.   Progress: blocking (a lock).
 */
GM_API int gm_recover_remove(void);

/*
 * Call function(argument); if it touches [address, address + len) where no memory is, leave it there and then.
 * Calls nest, and the innermost range that holds the address decides. What is left by a fault does not clean up after
 * itself, as with longjmp: function should do nothing but read and write memory; it must not hold a lock, allocate, pin
 * or run destructors. Nor should a signal handler that runs meanwhile touch the range, except in a call of its own.
 * @param address, len  [bytes] host memory, len >= 1
 * @param fault         where the address that was not there is put (of a poisoned page one of it that is in the range),
 *                      NULL if function ended by itself; may be NULL
 * Returns what function returns; -EFAULT: it was left. Before it is called: -EINVAL (function NULL, len 0), -EOVERFLOW
 * (the range wraps), -EPERM (gm_recover_install was not called).
 * Order:   all that function wrote before the access that faulted is written, in the eyes of this thread.
 * Context: any thread, also in a signal handler.   Progress: function's.   Cost: saving the registers (sigsetjmp).
 */
GM_API GM_MUST_CHECK int gm_recover_call(int (*function)(void *argument), void *argument, const void *address,
                                         uint64_t len, void **fault);

/* No guest address: they end at GM_GPA_LAST. */
#define GM_RECOVER_NONE UINT64_MAX

/*
 * gm_recover_call for all that a view shows: the host memory of its regions, and in a linear space the whole
 * reservation, holes included. One call around a batch of work will do. Points of both kinds nest, each in the other.
 *
 * Inside function may be what asks no more than to be the holder of the view, and takes no lock: gm_guest_* and
 * gm_slice_* accesses of any kind, streams, the *_safe copies; translation, regions; chains and rings of virtqueues;
 * gm_guest_mark and gm_dirty_mark. Not inside, because a fault may leave them half done, or what they give would not be
 * given back: transactions and commits, pins and unpins, snapshots, backings, all calls of a bitmap or a watch but
 * marks (harvests lock), arenas, ids. A callback of one of these may make a gm_recover_view of its own.
 *
 * What a fault leaves behind. Calls of the library that had returned are complete, their marks included. Of the one
 * that was left:
 *   - an aligned integer or an atomic operation has done nothing.
 *   - any other access may have moved any of its bytes, in any order, and marked none or some of those that it wrote.
 *     So who writes inside function calls gm_guest_mark for all of that write's range when -EFAULT comes back; a mark
 *     too many costs a page that is copied in vain. gm_guest_write_safe marks by itself.
 *   - out-parameters may be written.
 *   - a gm_vq and a gm_vq_ring are where they were: when the memory is back the call can be made again. What a call has
 *     written to a ring may not be marked: elements, which are nothing before the index says so and are written and
 *     marked again with it; and what the device asks of the driver (gm_vq_ring_kicks_on and its like), which is to be
 *     asked again.
 * What function notes for afterwards should be volatile or atomic: compilers may move other stores past the access that
 * faults.
 *
 * @param fault  the guest address that was missing (of a poisoned page one of it that is shown); the lowest, where
 *               several regions show the same host memory; GM_RECOVER_NONE if function ended by itself, perhaps
 *               with an -EFAULT of its own; may be NULL
 * Returns what function returns; -EFAULT: it was left. Before it is called: -EINVAL (view or function NULL), -EPERM
 * (gm_recover_install was not called); fault is not written then.
 * Order:   as gm_recover_call.
 * Context: holder of the view until the call ends.   Progress: function's.
 * Cost:    as gm_recover_call; a fault: a walk over the regions of the view besides the signal, O(1) in a linear space.
 */
GM_API GM_MUST_CHECK int gm_recover_view(const struct gm_view *view, int (*function)(void *argument), void *argument,
                                         gm_gpa *fault);

/*
 * Copy from and to guest memory that may be missing.
 * *done is always written: bytes that surely are copied, which are those from gpa on. They are counted by the piece of
 * GM_PAGE_SIZE, and memory comes and goes by pages, so that it is the exact count, unless a page vanishes while it is
 * copied: then up to a page more may have been written. All that may have been written is marked dirty.
 * Widths within a page are those of gm_slice_read.
 * @param len   [bytes] any value; 0 does nothing, at any address
 * Returns 0, with *done == len; -EINVAL (done NULL); with nothing done -EPERM (gm_recover_install was not called),
 * -EOVERFLOW, -EFAULT, -ENXIO, -EACCES for a range that is not all there in the map (as gm_translate_why); -EFAULT with
 * *done < len: host memory is missing behind it.
 * Context: holder of the view.   Progress: wait-free, and the kernel's for each page.
 * Cost: gm_recover_call for each piece of host memory, and a call for each page.
 */
GM_API GM_MUST_CHECK int gm_guest_read_safe(const struct gm_view *view, gm_gpa gpa, void *to, uint64_t len,
                                            uint64_t *done);
GM_API GM_MUST_CHECK int gm_guest_write_safe(const struct gm_view *view, gm_gpa gpa, const void *from, uint64_t len,
                                             uint64_t *done);

/* The same by offset into a slice. Returns 0; -EOVERFLOW, -ERANGE, -EACCES (slice.h), -EPERM, -EINVAL; -EFAULT. */
GM_API GM_MUST_CHECK int gm_slice_read_safe(const struct gm_slice *slice, uint64_t offset, void *to, uint64_t len,
                                            uint64_t *done);
GM_API GM_MUST_CHECK int gm_slice_write_safe(const struct gm_slice *slice, uint64_t offset, const void *from,
                                             uint64_t len, uint64_t *done);

GM_END_DECLS

#endif
