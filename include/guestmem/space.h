/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The writer's side: an address space is changed by transactions. A transaction stages edits against a private
 * copy, commit publishes them all at once, and readers see the state before or the state after.
 */
#ifndef GUESTMEM_SPACE_H
#define GUESTMEM_SPACE_H

#include <guestmem/api.h>
#include <guestmem/types.h>
#include <guestmem/view.h>
#include <guestmem/backing.h>
#include <guestmem/layout.h>
#include <guestmem/region.h>

GM_BEGIN_DECLS

struct gm_txn;
struct gm_backing_config;

struct gm_space_config {
    uint64_t linear_size; /* [bytes] > 0 makes the space linear: so much host address space is reserved, and a
                             region at GPA g is mapped at base + g, base a multiple of 2 MiB; a multiple of the page
                             size, <= 2^46 */
    int numa_node;        /* node for the space's own tables, 0..63; -1 for no preference (0, as in a struct that was
                             zeroed, is node 0) */
    struct gm_dirty *dirty; /* what gm_guest_mark and the writing calls of access.h mark, by GPA; NULL: nothing. The
                               caller's, and there until the space is destroyed: gm_dirty_enable and gm_dirty_disable
                               switch tracking, gm_dirty_extend follows memory that is plugged in. It belongs to the
                               space and not to its regions: one that is resized, or replaced, keeps its marks. */
    const struct gm_layout *layout; /* where regions may lie; copied. NULL: anywhere */
};

/*
 * Create an empty space.
 * @param config  NULL for the defaults (not linear, no preferred node).
 * Returns 0; -EINVAL (bad linear_size or node, out is NULL, or a layout that gm_layout_validate refuses); -ENOMEM.
 * Context: any thread.   Progress: blocking (mmap for a linear space).   Cost: O(1); of a linear space no memory is
 * touched.
 */
GM_API GM_MUST_CHECK int gm_space_create(const struct gm_space_config *config, struct gm_space **out);

/*
 * Destroy a space: waits for a grace period, then frees its tables and gives back its memory.
 * Returns 0; -EBUSY (an open transaction, or snapshots not yet put; the space is unchanged); -EDEADLK (called
 * while pinned). NULL is ignored.
 * Order:   what was done under any pin or snapshot of the space has happened before its memory is given back.
 * Context: control thread; no other call on this space may run, or follow one that returns 0.
 * Progress: blocking (readers' pins).   Cost: O(regions + tables).
 */
GM_API int gm_space_destroy(struct gm_space *space);

/*
 * The layout that the space was created with.
 * Returns 0; -ENOENT (none: regions may lie anywhere); -EINVAL (NULL).
 * Context: any thread.   Progress: wait-free.   Cost: O(1).
 */
GM_API GM_MUST_CHECK int gm_space_layout(const struct gm_space *space, struct gm_layout *out);

struct gm_region_desc {
    gm_gpa gpa;                 /* first byte */
    uint64_t size;              /* [bytes] > 0; gpa + size <= 2^52 */
    enum gm_kind kind;
    unsigned rights;            /* any of gm_rights, RAM may also be write-only; 0 takes the kind's default; must be 0
                                   for GM_KIND_DEVICE */
    struct gm_backing *backing; /* required, except in a linear space where NULL means anonymous memory; device: must
                                   be NULL. The region takes its own count. */
    uint64_t offset;            /* [bytes] into the backing; congruent to gpa modulo the page size */
    uint64_t tag;               /* the caller's; reported by gm_region_find */
    void *user;                 /* the same, for a pointer */
    const char *name;           /* at most GM_REGION_NAME_MOST bytes, copied; NULL or "": none */
    unsigned numa;              /* GM_NUMA_NODE(n), n < 2^31: the node that the region belongs to; 0: none. Only noted:
                                   where its pages come from is the backing's (gm_backing_config.numa_policy) */
    const struct gm_backing_config *memory; /* linear space, backing NULL: how the anonymous memory is made; copied. Of
                                   the kind ANONYMOUS, whose flags (but GUARD), numa_policy and numa_nodes count; size
                                   is not looked at. gm_txn_resize makes what is gained in the same way. NULL: with
                                   GM_BACKING_NORESERVE. In all other cases it must be NULL */
};

/*
 * Begin a transaction. Only one is open at a time; a second thread waits.
 * Returns 0; -EDEADLK (this thread has an open transaction on this space, or is pinned); -EINVAL (NULL).
 * Context: control thread; commit or abort on the same thread.   Progress: blocking (other writers).   Cost: O(1); no
 * memory is allocated.
 */
GM_API GM_MUST_CHECK int gm_txn_begin(struct gm_space *space, struct gm_txn **out);

/*
 * The transaction's calls below answer -EINVAL for NULL and for a transaction that has ended.
 *
 * Stage a new region. GPA and size may have any alignment; accesses to pages that are only partly RAM are correct
 * but take the slow path. In a linear space gpa, size and offset of all but devices are multiples of the page size and
 * lie within the reservation; devices may be anywhere.
 * Returns 0, or, with the transaction as it was:
 *   -EINVAL     size 0; kind, rights, backing, memory or offset do not fit together (ROM cannot be written; no backing,
 *               no offset); offset and gpa differ within a page; the name is too long, or the node above 2^31 - 1;
 *               memory: as gm_backing_create, a node that does not exist among it
 *   -EOVERFLOW  the last byte of the region or of its part of the backing is past 2^64 - 1
 *   -ERANGE     the region ends past 2^52, past the backing, or (all but devices) past the linear reservation
 *   -EDOM       the space's layout has no place for this kind there (gm_layout_allows)
 *   -EEXIST     overlaps a region
 *   -EBUSY      linear space: the host range is still used by a region that is being removed
 *   -EOPNOTSUPP the backing has no mapping on the host; linear space: it is not shared memory (see backing_create.h);
 *               memory: of another kind, or with an alignment, GUARD or size_most, as the place is given; NUMA that the
 *               kernel does not have
 *   -ENOMEM     the transaction can only be aborted after this
 *   -EAGAIN, -EPERM  linear space: from the kernel (locked memory; a filter), the transaction is as it was
 * Context: the transaction's thread.   Cost: O(log regions).
 */
GM_API GM_MUST_CHECK int gm_txn_add(struct gm_txn *txn, const struct gm_region_desc *desc);

/*
 * Stage the removal of the region that is exactly [gpa, gpa + size).
 * Returns 0; -EINVAL (size 0); -ENOENT (no such region, the transaction is as it was); -ENOMEM (the transaction can
 * only be aborted after this).
 * Context: the transaction's thread.   Progress: wait-free but for memory.   Cost: O(log regions).
 */
GM_API GM_MUST_CHECK int gm_txn_remove(struct gm_txn *txn, gm_gpa gpa, uint64_t size);

/*
 * Stage a new size for the region that starts at gpa; all else of it stays.
 * @param new_size  [bytes] > 0; what is cut off is removed, what is added must be free and in the backing
 * Returns 0, also when the size is what it was; -ENOENT (no region starts there); -EINVAL (new_size 0), -EOVERFLOW,
 * -ERANGE, -EDOM, -EEXIST, -EBUSY, -EOPNOTSUPP, -ENOMEM, -EAGAIN as gm_txn_add.
 * Context: the transaction's thread.   Progress: wait-free but for memory; linear spaces: blocking (mmap).
 * Cost: O(log regions).
 */
GM_API GM_MUST_CHECK int gm_txn_resize(struct gm_txn *txn, gm_gpa gpa, uint64_t new_size);

/*
 * Others who keep a map of their own (KVM's memory slots, VFIO, vhost) are told between what readers are shown and what
 * is freed. What is added goes to them after the commit that publishes it, and is announced to the guest after that.
 * What is removed:
 *     gm_txn_commit(txn, GM_COMMIT_ASYNC);             readers do not find it any more; its memory is still there
 *     ... KVM_SET_USER_MEMORY_REGION of size 0 ...     nor does the guest
 *     gm_space_reclaim(space);                         pins have ended: it is freed, unless a snapshot shows it
 * GM_COMMIT_WAIT frees before it returns: a slot that is still there leads to nothing then. So does GM_COMMIT_ASYNC in
 * a transaction that removes hundreds of regions (GM_ASYNC_LIMIT). A region that moves (a BAR) is gm_txn_remove and
 * gm_txn_add of the same backing in one transaction, and for KVM first the one and then the other; between them the
 * guest's accesses are exits. KVM's dirty log of a slot goes with it: take it before (dirty_merge.h).
 */
enum gm_commit_flags {
    GM_COMMIT_WAIT = 0, /* return after the grace period: no pin shows the old state any more */
    GM_COMMIT_ASYNC = 1 /* return once published; old tables and memory go at a later commit or reclaim */
};

/* So many objects may be left behind by asynchronous commits (a small edit leaves 4 to 8); the commit that exceeds it
 * waits as if by GM_COMMIT_WAIT, so that a reader that never unpins cannot exhaust the memory. */
#define GM_ASYNC_LIMIT 4096

/*
 * Publish what was staged, and end the transaction whatever the result. A transaction without edits publishes nothing
 * and waits for nothing.
 * Returns 0; -ENOMEM and the space is unchanged; -EDEADLK (pinned) or -EINVAL (unknown flag), and the transaction
 * stays open.
 * Order:  what the caller did before (filling memory, say) is visible to who sees the new view. With
 *         GM_COMMIT_WAIT what readers did under older pins has happened before the return.
 * Context: the transaction's thread.   Progress: publishing is wait-free for readers; GM_COMMIT_WAIT blocks until
 *         every pin older than the publication has ended.   Cost: O(what changed).
 */
GM_API GM_MUST_CHECK int gm_txn_commit(struct gm_txn *txn, unsigned flags);

/*
 * Drop what was staged and end the transaction; NULL, and one that has ended, are ignored.
 * Context: the transaction's thread.   Progress: wait-free; linear spaces: blocking (mmap).
 * Cost: O(what was staged).
 */
GM_API void gm_txn_abort(struct gm_txn *txn);

/*
 * Wait until no pin shows an older view than the current one, and free what only such views used.
 * Returns 0; -EDEADLK (pinned, or this thread has an open transaction); -EINVAL (NULL).
 * Context: control thread.   Progress: blocking (readers' pins, other writers).   Cost: O(what was retired).
 */
GM_API int gm_space_reclaim(struct gm_space *space);

struct gm_space_stats {
    uint64_t generation;       /* of the current view */
    uint64_t commits;
    uint64_t regions;
    uint64_t map_bytes;        /* leaf table of the current view: everything that translation reads */
    uint64_t metadata_bytes;   /* everything the current view holds: map_bytes, regions, batch tables */
    uint64_t retired;          /* objects that wait for a grace period or a snapshot */
    uint64_t snapshots;        /* old views that are held by a count */
};

/*
 * A consistent reading of the counters above.
 * Returns 0; -EINVAL (NULL); -EDEADLK (pinned, or this thread has an open transaction).
 * Context: control thread.   Progress: blocking (other writers).   Cost: O(old views not yet freed).
 */
GM_API int gm_space_stats_get(struct gm_space *space, struct gm_space_stats *out);

GM_END_DECLS

#endif
