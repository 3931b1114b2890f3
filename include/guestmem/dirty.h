/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Dirty pages: which pages of [0, size) were written to since they were last taken. Any number of threads mark while
 * others take (dirty_harvest.h); addresses are bytes, of a guest or of whatever the caller counts from 0.
 *
 *     memcpy(hva, data, len);
 *     gm_dirty_mark(dirty, gpa, len);                          after the write, never before it
 *
 * The promise: a mark that has returned before a harvest begins is handed out by that harvest, or was by an earlier
 * one; and whoever copies a page after the harvest that handed it out has returned (or from inside its callback) copies
 * what was written before the mark. A mark that runs at the same time is in this harvest or in the next. Before means
 * that the threads know: by a lock, a join, a flag that was set with release and read with acquire. What the kernel
 * writes (read, io_uring, AIO, vhost) is marked by who is told that it is done; what other processes write they mark
 * themselves (gm_dirty_attach), or they keep a log (dirty_merge.h).
 *
 * A page that is dirty already is marked by two loads and no store. What makes that safe is paid by the harvest: a
 * barrier on all threads of the process (membarrier) between taking the bits and handing them out. Where the kernel has
 * none, and where other processes mark (gm_dirty_create_in), marks are *locked*: one locked instruction each, always.
 *
 * Pages have one size, a power of two from 4 KiB on. A size that is no multiple of it is rounded up, and a range is
 * rounded out to whole pages. A part of the bitmap that begins at another address is the caller's addition.
 *
 * Unless a declaration says otherwise:
 *   Errors:   -EINVAL for NULL; after every error all is as before.
 *   Context:  any thread, at any time between creation and gm_dirty_destroy.
 *   Progress: wait-free to mark and to look, also beside a harvest; blocking on one another for all the rest.
 * Source of the summary: hierarchical bitmaps as QEMU has for block jobs (HBitmap); here of one level, a byte for each
 * line of the caches.
 */
#ifndef GUESTMEM_DIRTY_H
#define GUESTMEM_DIRTY_H

#include <stddef.h>
#include <stdint.h>

#include <guestmem/api.h>
#include <guestmem/dirty_levels.h>
#include <guestmem/types.h>

GM_BEGIN_DECLS

#define GM_DIRTY_PAGE_SHIFT_MOST 30

enum gm_dirty_flags {
    GM_DIRTY_ON = 1,    /* marks count from the start; else gm_dirty_enable switches them on */
    GM_DIRTY_LOCKED = 2 /* locked marks even where the kernel has the barrier (a filter will take it away) */
};

struct gm_dirty_config {
    uint64_t size;       /* [bytes] 1..2^52 */
    uint64_t size_most;  /* [bytes] how far gm_dirty_extend may go, size..2^52; 0: size */
    unsigned page_shift; /* 12..GM_DIRTY_PAGE_SHIFT_MOST; 0: GM_PAGE_SHIFT */
    int numa_node;       /* where memory comes from, if it can, also that of consumers; -1 for no preference */
    unsigned flags;      /* gm_dirty_flags */
};

/* The beginning of a bitmap, which inlined marks read; what follows is the library's. */
struct gm_dirty {
    gm_dirty_word quick; /* 0: off; top bit set: every mark is made out of line; else how many pages of GM_PAGE_SIZE */
    uint64_t page_mask;  /* page size - 1 */
    unsigned page_shift;
    struct gm_dirty_levels live;
};

/*
 * Create a bitmap in which all is clean. It takes address space of one bit a page of size_most and 1/64 more, and
 * memory only where something was marked; and 256 KiB when it is first harvested. A forked child has a copy, and its
 * marks are not seen here.
 * Returns 0; -EINVAL (size 0, size_most below size, a bad page_shift, node or flag); -ERANGE (more than 2^52); -ENOMEM.
 * Context: any thread.   Progress: blocking (memory).
 */
GM_API GM_MUST_CHECK int gm_dirty_create(const struct gm_dirty_config *config, struct gm_dirty **out);

/*
 * [bytes] that gm_dirty_create_in wants for this configuration; 0: gm_dirty_create would refuse it.
 * Context: any thread.   Progress: wait-free.   Cost: O(1).
 */
GM_API uint64_t gm_dirty_bytes(const struct gm_dirty_config *config);

/*
 * The same in memory of the caller, which other processes may map (a memfd) and attach to. Marks are locked.
 * @param memory  zeroed, aligned to 4096, and there until the last process has destroyed its bitmap
 * @param bytes   >= gm_dirty_bytes(config)
 * Returns as gm_dirty_create; also -EINVAL (memory NULL, misaligned or too small). numa_node is for consumers only.
 */
GM_API GM_MUST_CHECK int gm_dirty_create_in(const struct gm_dirty_config *config, void *memory, uint64_t bytes,
                                            struct gm_dirty **out);

/*
 * Join a bitmap that another process has made in shared memory: to mark, to switch or to extend it, or to harvest; only
 * one process calls what dirty_harvest.h declares. Who only looks may map the memory without the right to write.
 * What the memory says is checked here once and kept; a process that writes anything to it later can make marks
 * disappear or appear, no more.
 * Returns 0; -EINVAL (no bitmap of this version is there, or bytes is too small for it); -ENOMEM.
 */
GM_API GM_MUST_CHECK int gm_dirty_attach(void *memory, uint64_t bytes, struct gm_dirty **out);

/*
 * Free the bitmap and its consumers; for one in the caller's memory: leave it. NULL is ignored.
 * Context: no other call on it may run or follow.
 */
GM_API void gm_dirty_destroy(struct gm_dirty *dirty);

/*
 * Let marks count. When it has returned, each mark that was made without effect before belongs to a write that is
 * visible to the caller: what it copies from now on has that write in it. This is the switch of the bitmap itself, one
 * for all processes; marks count while it is on or a consumer is (dirty_harvest.h).
 * Returns 0; -errno of the barrier, which the kernel has come to refuse: then marks are as before.
 * Cost: one barrier.
 */
GM_API GM_MUST_CHECK int gm_dirty_enable(struct gm_dirty *dirty);

/*
 * Let marks return without effect, unless a consumer is on; those that run now may still count. What is marked stays
 * so. Returns 0.
 */
GM_API GM_MUST_CHECK int gm_dirty_disable(struct gm_dirty *dirty);

/*
 * Make the bitmap larger, while others mark and harvest. New pages are clean. A mark of a new page that runs at the
 * same time may find it out of range.
 * @param size  [bytes] not below the size now, at most size_most
 * Returns 0; -EINVAL (smaller); -ERANGE (above size_most).
 * Cost: O(1), no memory is moved.
 */
GM_API GM_MUST_CHECK int gm_dirty_extend(struct gm_dirty *dirty, uint64_t size);

/*
 * What gm_dirty_mark calls where more is to be done than two loads; not for callers. _page: one page of GM_PAGE_SIZE
 * that is clean, by number, while marks are on and not locked. _slow: everything else, as gm_dirty_mark.
 */
GM_API int gm_dirty_mark_page(struct gm_dirty *dirty, uint64_t page);
GM_API int gm_dirty_mark_slow(struct gm_dirty *dirty, uint64_t first, uint64_t len);

/*
 * Note that [first, first + len) was written to. To be called after the write.
 * @param first, len  [bytes] any values; len 0 marks nothing
 * Returns 0; -ERANGE (some of it is not below size: what is, is marked; the call is counted in gm_dirty_stats). While
 * marks are off it returns 0, whatever the range.
 * Context: any thread; dirty is not NULL.   Progress: wait-free.
 * Order:   the write before the mark is visible to whoever copies the page after the harvest that hands it out.
 * Cost:    a page that is dirty already: two loads. A clean page: one locked instruction. A range: one for each end,
 *          and a store for each 64 pages. Locked marks: one for each 64 pages, always. Only pages of 4 KiB are looked
 *          at inline, others by a call. Off: a load and a branch; locked marks: a call and a fence.
 */
GM_INLINE int gm_dirty_mark(struct gm_dirty *dirty, uint64_t first, uint64_t len)
{
    GM_DIRTY_LIGHT(); /* [dirty-P3] */
    uint64_t beyond;
    int64_t quick = (int64_t)GM_DIRTY_LOAD(&dirty->quick);
    if (quick == 0)
        return 0;
    uint64_t page = first >> GM_PAGE_SHIFT;
    /* What is left of the page, counted from below 0: a length that goes past its end, or is 0, wraps. */
    if (GM_UNLIKELY(__builtin_add_overflow(first | ~(GM_PAGE_SIZE - 1), len - 1, &beyond) || (int64_t)page >= quick))
        return gm_dirty_mark_slow(dirty, first, len);
    return GM_LIKELY(gm_dirty_shown(&dirty->live, page)) ? 0 : gm_dirty_mark_page(dirty, page);
}

/*
 * Is the page of this address marked, and not yet taken by any harvest?
 * Returns 1 or 0; -ERANGE (not below size).   Cost: one load.
 */
GM_API int gm_dirty_is_marked(const struct gm_dirty *dirty, uint64_t address);

/*
 * The first marked page at or above an address.
 * @param out  [bytes] its beginning
 * Returns 0; -ENOENT (there is none).
 * Cost: 512 bytes are read for each GiB (of 4 KiB pages) that is clean, as wide as the processor can, and no more than
 * eight words at either end. That is linear, with the smallest factor: a clean harvest reads the same, and rows D4 of
 * the benchmark say how long that takes. Levels above would make it O(levels) and cost each mark one more look, since a
 * mark that is skipped has to see all levels set (core/dirty/protocol.h).
 */
GM_API GM_MUST_CHECK int gm_dirty_next(const struct gm_dirty *dirty, uint64_t from, uint64_t *out);

/*
 * How many pages of [first, first + len) are marked; what of it is not below size is not there. len UINT64_MAX: to the
 * end. While others mark, each word is counted at a moment of its own.
 * Cost: as gm_dirty_next for what is clean; eight words for each 2 MiB (of 4 KiB pages) that have a marked page.
 */
GM_API uint64_t gm_dirty_count(const struct gm_dirty *dirty, uint64_t first, uint64_t len);

struct gm_dirty_stats {
    uint64_t size, size_most; /* [bytes] rounded up to pages */
    uint64_t page_size;       /* [bytes] */
    uint64_t out_of_range;    /* marks of this process that were told -ERANGE */
    uint64_t harvests;        /* of this process, since the bitmap was made or attached to; into ranges and words */
    uint64_t barriers;        /* that they took; 0 while marks are locked */
    unsigned consumers;       /* besides the bitmap's own view */
    unsigned is_on;           /* 1: marks count */
    unsigned is_locked;       /* 1: marks are locked */
};

/* Returns 0.   Cost: O(1). */
GM_API GM_MUST_CHECK int gm_dirty_stats_get(const struct gm_dirty *dirty, struct gm_dirty_stats *out);

GM_END_DECLS

#endif
