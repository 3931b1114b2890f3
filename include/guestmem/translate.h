/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * GPA to HVA: one address, a range, a batch, and handles.
 *
 * Every function takes a view (pinned, or a snapshot's) and any guest-chosen value for address and length. The
 * pointers are valid as long as the view is held. Reads of the table are plain loads: it is immutable.
 */
#ifndef GUESTMEM_TRANSLATE_H
#define GUESTMEM_TRANSLATE_H

#include <stddef.h>
#include <sys/uio.h>

#include <guestmem/api.h>
#include <guestmem/leaf.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

/*
 * The leaf word of the 2 MiB block that holds gpa, which must be below view->gib_count << 30.
 *
 * An entry of the top array is the address of its GiB's 512 words less 4096 for every GiB below it, so that the
 * block number of the whole address is the index into it: the index needs no mask.
 */
GM_INLINE uint64_t gm_leaf_load(const struct gm_view *view, gm_gpa gpa)
{
    const uint64_t *top = (const uint64_t *)(view + 1);
    return *(const uint64_t *)(uintptr_t)(top[gpa >> GM_GIB_SHIFT] + (gpa >> GM_BLOCK_SHIFT) * sizeof(uint64_t));
}

/*
 * The same a cycle sooner, for one instruction more: processors take longer over an address whose index they have to
 * scale. So that is done before, while the entry is on its way.
 */
GM_INLINE uint64_t gm_leaf_load_soon(const struct gm_view *view, gm_gpa gpa)
{
    const uint64_t *top = (const uint64_t *)(view + 1);
    uint64_t bytes = (gpa >> GM_BLOCK_SHIFT) * sizeof(uint64_t);
    __asm__("" : "+r"(bytes)); /* or compilers would let the load do it again */
    return *(const uint64_t *)(uintptr_t)(top[gpa >> GM_GIB_SHIFT] + bytes);
}

/* Does [gpa, gpa + len) stay within its 2 MiB block? No for len 0. */
GM_INLINE int gm_block_holds(gm_gpa gpa, uint64_t len)
{
    /*
     * The access fits if offset + len <= 2 MiB, which is offset - 2 MiB <= -len. ORing the bits above the block gives
     * offset - 2 MiB modulo 2^64 without a subtraction: one instruction less than comparing len with what is left.
     */
    return (gpa | ~(GM_BLOCK_SIZE - 1)) <= UINT64_C(0) - len && len != 0;
}

/* The access in a mixed block of few pieces: its pointer when it stays in one piece that allows it, else NULL. */
GM_INLINE void *gm_line_translate(const struct gm_line *line, gm_gpa gpa, uint64_t len, uint64_t denied)
{
    uint64_t offset = gpa & (GM_BLOCK_SIZE - 1);
    unsigned piece = gm_line_piece(line, (unsigned)(offset >> GM_PAGE_SHIFT));
    uint64_t room = ((uint64_t)line->start[piece] << GM_PAGE_SHIFT) - offset;
    if (GM_UNLIKELY((line->word[piece] & denied) != 0 || len - 1 >= room)) /* len 0 wraps to the largest value */
        return NULL;
    return (void *)(uintptr_t)(gpa + (line->word[piece] & GM_LEAF_DELTA_MASK));
}

/*
 * The uniform case alone: a host pointer when [gpa, gpa + len) lies in one uniform 2 MiB block with the rights asked
 * for, otherwise NULL, which says nothing more. Use gm_translate unless the fallback is your own.
 * Context: holder of the view.   Progress: wait-free.
 * Cost: a bounds check and two dependent loads; no call, lock, fence or store.
 */
GM_INLINE void *gm_translate_direct(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    if (GM_UNLIKELY((gpa >> GM_GIB_SHIFT) >= view->gib_count))
        return NULL;
    uint64_t leaf = gm_leaf_load(view, gpa);
    if (GM_UNLIKELY((leaf & (GM_LEAF_INDIRECT | (rights & GM_RW))) != 0))
        return NULL;
    if (GM_UNLIKELY(!gm_block_holds(gpa, len)))
        return NULL;
    return (void *)(uintptr_t)(gpa + (leaf & GM_LEAF_DELTA_MASK));
}

/* gm_translate where neither a uniform block nor a line answers: many pieces, pages in part RAM, ranges across. */
GM_API void *gm_translate_slow(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights);

/*
 * Host pointer for the access [gpa, gpa + len).
 * @param len     [bytes] >= 1
 * @param rights  gm_rights that the access needs; other bits are ignored
 * Returns the pointer when the whole range has the rights and is contiguous in host memory, also across regions;
 * NULL otherwise (hole, device, missing right, len 0, wrap, not contiguous): gm_translate_why tells.
 * Context: holder of the view.   Progress: wait-free.   Cost: two dependent loads for an access inside one uniform
 * 2 MiB block, at any number of regions; four inside a piece of a mixed one.
 */
GM_INLINE void *gm_translate(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights)
{
    const uint64_t denied = GM_LEAF_INDIRECT | (rights & GM_RW);
    if (GM_LIKELY((gpa >> GM_GIB_SHIFT) < view->gib_count)) {
        uint64_t leaf = gm_leaf_load_soon(view, gpa);
        if (GM_LIKELY((leaf & GM_LEAF_DENY_ALL) == 0)) { /* nothing in the low bits: no mask in the way to the answer */
            if (GM_LIKELY(gm_block_holds(gpa, len)))
                return (void *)(uintptr_t)(gpa + leaf);
        } else if ((leaf & denied) == 0) {
            if (GM_LIKELY(gm_block_holds(gpa, len)))
                return (void *)(uintptr_t)(gpa + (leaf & GM_LEAF_DELTA_MASK));
        } else if (gm_leaf_is_line(leaf)) {
            void *hva = gm_line_translate(gm_leaf_line(leaf), gpa, len, denied);
            if (GM_LIKELY(hva != NULL))
                return hva;
        }
    }
    return gm_translate_slow(view, gpa, len, rights);
}

/*
 * Why gm_translate answers as it does.
 * Returns 0 (it gives a pointer); -EINVAL (len 0); -EOVERFLOW (the last byte is past 2^64 - 1); -EFAULT (a byte is in
 * no region); -ENXIO (a byte belongs to a device); -EACCES (a right is missing), of these three the one of the lowest
 * address; -EXDEV (all there, but not contiguous in host memory: use gm_translate_iov).
 * Context: holder of the view.   Progress: wait-free.   Cost: O(regions crossed * log regions).
 */
GM_API int gm_translate_why(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights);

/* A piece of guest memory that is contiguous in host memory and has the same rights throughout. */
struct gm_span {
    void *address;
    uint64_t len;    /* [bytes] from the address asked for to the end of the piece, >= 1 */
    unsigned rights; /* gm_rights of all of it */
};

/* gm_translate_span where the leaf does not answer. */
GM_API int gm_translate_span_slow(const struct gm_view *view, gm_gpa gpa, struct gm_span *out);

/*
 * What stands at gpa: pointer, how far it goes on at least, and with which rights. On the fast path all three come
 * from one leaf word, and len ends at the 2 MiB block although the region may go on.
 * Returns 0; -EFAULT (in no region); -ENXIO (a device).
 * Context: holder of the view.   Progress: wait-free.   Cost: as gm_translate.
 */
GM_INLINE int gm_translate_span(const struct gm_view *view, gm_gpa gpa, struct gm_span *out)
{
    if (GM_LIKELY((gpa >> GM_GIB_SHIFT) < view->gib_count)) {
        uint64_t leaf = gm_leaf_load(view, gpa);
        if (GM_LIKELY((leaf & GM_LEAF_INDIRECT) == 0)) {
            out->address = (void *)(uintptr_t)(gpa + (leaf & GM_LEAF_DELTA_MASK));
            out->len = GM_BLOCK_SIZE - (gpa & (GM_BLOCK_SIZE - 1));
            out->rights = (unsigned)(~leaf & GM_RW);
            return 0;
        }
    }
    return gm_translate_span_slow(view, gpa, out);
}

/* No call fills more iovecs than this, whatever it is given (IOV_MAX of Linux). */
#define GM_IOV_LIMIT 1024

/*
 * Describe [gpa, gpa + len) as iovecs in guest order; neighbours that are contiguous in host memory are one.
 * @param iov      room for iov_count entries; untouched on error
 * Returns the number of entries used (>= 1); -EINVAL (len 0, iov NULL, iov_count 0); -EOVERFLOW (the last byte is past
 * 2^64 - 1); -EFAULT, -ENXIO, -EACCES as gm_translate_why; -ENOBUFS (a further entry than iov_count or GM_IOV_LIMIT
 * would begin). Of several reasons, the one of the lowest address.
 * Context: holder of the view.   Progress: wait-free.   Cost: O(regions crossed * log regions), one leaf if it fits.
 */
GM_API GM_MUST_CHECK int gm_translate_iov(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights,
                                          struct iovec *iov, unsigned iov_count);

/*
 * Translate count accesses of the same length: hva[i] is what gm_translate(view, gpa[i], len, rights) returns.
 * @param gpa, hva  count entries each; they may not overlap
 * Returns how many hva[i] are not NULL.
 * Context: holder of the view.   Progress: wait-free.   Cost: O(count): at most 16 runs of contiguous memory are looked
 * up in vector registers (AVX2, AVX-512), more by two loads an address; what these do not answer as gm_translate. What
 * that takes is in results/, rows translate/batch.
 */
GM_API size_t gm_translate_batch(const struct gm_view *view, const gm_gpa *gpa, size_t count, uint64_t len,
                                 unsigned rights, void **hva);

/*
 * Linear spaces only: host addresses by addition alone. An access of len bytes that does not fit below the end of
 * the reservation gives NULL; one into a hole gives a pointer into a guard page, so that touching it faults (use
 * gm_translate_batch where the caller cannot take a fault).
 * Returns how many hva[i] are not NULL; 0, with every entry NULL, when the space is not linear or len is 0.
 * Context: holder of the view.   Progress: wait-free.   Cost: a compare and an addition for each address, in vectors;
 * no loads but of the arguments. What that takes is in results/, rows translate/batch/linear.
 */
GM_API size_t gm_linear_batch(const struct gm_view *view, const gm_gpa *gpa, size_t count, uint64_t len, void **hva);

/*
 * A handle keeps the translation of something that is used for hours (a ring): one compare re-checks it.
 * Per thread or per queue, never shared between threads without a lock. Zero-initialised is valid and empty.
 */
struct gm_handle {
    uint64_t generation; /* of the view that address is from; 0: none */
    void *address;
    gm_gpa gpa;
    uint64_t len;
    unsigned rights;
};

/*
 * Point a handle at [gpa, gpa + len) and translate it in the given view.
 * Returns 0, or what gm_translate_why says; then the handle is empty: gm_handle_get gives NULL in every view.
 * Context: holder of the view, owner of the handle.   Progress: wait-free.   Cost: as gm_translate_why.
 */
GM_API GM_MUST_CHECK int gm_handle_init(struct gm_handle *handle, const struct gm_view *view, gm_gpa gpa,
                                        uint64_t len, unsigned rights);

/* gm_handle_get where the generation has moved on: translates again and remembers. */
GM_API GM_COLD void *gm_handle_refresh(struct gm_handle *handle, const struct gm_view *view);

/*
 * The host pointer of a handle in this view, NULL when the range can no longer be translated.
 * Generations are unique in the process, so a handle is safe to present to a view of any space: it is then
 * translated there.
 * Context: holder of the view, owner of the handle.   Progress: wait-free.   Cost: one load and one compare.
 */
GM_INLINE void *gm_handle_get(struct gm_handle *handle, const struct gm_view *view)
{
    return GM_LIKELY(handle->generation == view->generation) ? handle->address : gm_handle_refresh(handle, view);
}

/* The batch kernel in use: "scalar", "avx2", "avx512" or "neon". Forced by the environment variable GM_ISA.
 * Context: any thread.   Cost: O(1). */
GM_API const char *gm_isa_name(void);

/*
 * Choose the batch kernels by name, as GM_ISA does; for tests and benchmarks.
 * Returns 0; -EINVAL (no such name); -ENOTSUP (this build or CPU cannot run it). On error nothing changes.
 * Context: no other thread translates at the same time.
 */
GM_API GM_MUST_CHECK int gm_isa_select(const char *name);

GM_END_DECLS

#endif
