/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The reader's side: registration, pins, snapshots, and the view that they give.
 *
 * A view is one immutable state of an address space. A pin keeps it for the length of one batch of work, a
 * counted snapshot for as long as one likes.
 *
 *   may run at the same time as  | gm_pin/unpin | translate, find | snapshot_take/put | commit | destroy
 *   -----------------------------+--------------+-----------------+-------------------+--------+--------
 *   gm_pin, gm_unpin             |     yes      |       yes       |        yes        |  yes   |   no
 *   translate, find on a view    |     yes      |       yes       |        yes        |  yes   |   no
 *   gm_snapshot_take, _put       |     yes      |       yes       |        yes        |  yes   |   no
 *   gm_txn_commit, reclaim       |     yes      |       yes       |        yes        | serialised | no
 */
#ifndef GUESTMEM_VIEW_H
#define GUESTMEM_VIEW_H

#include <guestmem/api.h>
#include <guestmem/types.h>

GM_BEGIN_DECLS

struct gm_space;
struct gm_snapshot;
struct gm_dirty;

/* Grows whenever the layout of struct gm_view or of a leaf word changes; checked at registration. */
#define GM_VIEW_ABI 2

/*
 * The part of a view that inlined code reads. Treat it as opaque: the layout is public only so that the
 * functions of translate.h can be inlined. All fields are constant for the life of the view.
 */
struct gm_view {
    uint64_t gib_count;   /* entries of the top array: the table answers for GPAs below gib_count << 30 */
    uint64_t generation;  /* unique in this process, also across spaces; never 0 */
    uint64_t linear_base; /* host address of GPA 0 in a linear space, else 0 */
    uint64_t linear_size; /* bytes of the linear reservation, else 0 */
    struct gm_dirty *dirty; /* what marks go to; never NULL: without gm_space_config.dirty one that is always off */
    uint64_t reserved[3];
    /* Behind it stands the top array, gib_count entries: see gm_leaf_load in translate.h. */
};

/*
 * Register the calling thread as a reader. Every thread that pins must be registered.
 * Returns 0; -EALREADY when it is registered; -EPROTO when the caller was compiled against another view layout.
 * Context: any thread, not pinned.   Progress: blocking (a short lock in liburcu).   Cost: O(threads).
 */
GM_API GM_MUST_CHECK int gm_reader_register_abi(unsigned view_abi);

GM_INLINE int gm_reader_register(void)
{
    return gm_reader_register_abi(GM_VIEW_ABI);
}

/*
 * Undo gm_reader_register. A registered thread must call this before it ends.
 * Returns 0; -ENOENT when the thread is not registered; -EBUSY while it holds a pin.
 * Context: reader thread.   Progress: blocking (a short lock in liburcu).   Cost: O(1).
 */
GM_API int gm_reader_unregister(void);

/*
 * Pin the current view of a space for this thread. Pins nest; a nested pin may return a newer view.
 * Returns the view, valid until the matching gm_unpin; NULL when the thread is not registered or space is NULL.
 * Context: registered reader. Keep pins short (a batch of work): a pin held makes commits wait. Do not commit,
 *          reclaim or destroy while pinned.
 * Order:   everything that was done before the commit that published this view is visible.
 * Progress: wait-free.   Cost: no locked instruction, no shared line written.
 */
GM_API const struct gm_view *gm_pin(const struct gm_space *space);

/*
 * Release the newest pin of this thread. Pointers from its view must not be used after this.
 * Returns 0; -EPERM when this thread holds no pin (nothing changes).
 * Order:   what was done under the pin happens before the return of a commit or reclaim that waited for it.
 * Context: registered reader.   Progress: wait-free, except that it may wake a waiting writer (one futex call).
 * Cost:    no locked instruction, no shared line written.
 */
GM_API int gm_unpin(void);

/*
 * Keep a view beyond its pin: the snapshot holds its tables and its host memory until it is put.
 * @param view  a view that the caller has pinned, or the view of a snapshot that the caller holds.
 * Returns the snapshot, or NULL when view is NULL. Needs no memory and cannot fail otherwise.
 * Context: any thread that holds the view.   Progress: wait-free.   Cost: one atomic add on a shared line.
 */
GM_API GM_MUST_CHECK struct gm_snapshot *gm_snapshot_take(const struct gm_view *view);

/* The view of a snapshot; valid until gm_snapshot_put. NULL for NULL.   Context: any thread.   Cost: O(1). */
GM_API const struct gm_view *gm_snapshot_view(const struct gm_snapshot *snapshot);

/*
 * Give a snapshot back (NULL is ignored). Its memory is freed by the next commit or gm_space_reclaim, never here.
 * Order: what was done with the snapshot before happens before its memory is freed.
 * Context: any thread, pinned or not.   Progress: wait-free.   Cost: one atomic subtract.
 */
GM_API void gm_snapshot_put(struct gm_snapshot *snapshot);

GM_END_DECLS

#endif
