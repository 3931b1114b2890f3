/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Descriptor chains of virtqueues, from the guest's tables to iovecs. Split queues are here, packed ones in
 * virtqueue_packed.h; what both have in common is here, too. The available and the used ring of a split queue, and when
 * driver and device notify one another, are in virtqueue_ring.h; notification for packed ones in virtqueue_event.h.
 *
 *     struct iovec iov[64];
 *     gm_gpa gpa[64];
 *     const struct gm_vq_room room = {iov, gpa, 64};
 *     struct gm_chain chain;
 *     const struct gm_view *view = gm_pin(space);
 *     if (gm_vq_chain(view, &vq, head, &room, &chain) == 0) {
 *         ssize_t got = readv(fd, chain.writable, (int)chain.writable_count);
 *         gm_chain_written(view, &chain, got >= 0 ? (uint64_t)got : chain.writable_len);
 *     }
 *     gm_unpin();
 *
 * Nothing that a driver writes is believed. Each descriptor is read once, by two 8-byte loads (in an indirect table
 * that is not aligned to 8: byte by byte), and only that copy is looked at: a guest that rewrites its tables meanwhile
 * gets the chain of the old or of the new descriptor. Walks end after as many steps as the queue, or an indirect table,
 * has entries. Every byte of every buffer is in memory that the device may read or write, as the descriptor says, or
 * the chain is refused as a whole.
 *
 * Follows the virtio 1.2 specification, 2.7 (split) and 2.8 (packed), in little endian. Legacy queues of a guest that
 * is not little-endian are not covered. A device behind an IOMMU (VIRTIO_F_ACCESS_PLATFORM) has other addresses.
 */
#ifndef GUESTMEM_VIRTQUEUE_H
#define GUESTMEM_VIRTQUEUE_H

#include <stdint.h>
#include <sys/uio.h>

#include <guestmem/api.h>
#include <guestmem/translate.h>
#include <guestmem/types.h>
#include <guestmem/view.h>

GM_BEGIN_DECLS

#define GM_VQ_SIZE_MOST 32768
#define GM_VQ_CHAIN_BYTES_MOST (UINT64_C(1) << 32) /* of all buffers of a chain together */

enum gm_vq_flags {
    GM_VQ_INDIRECT = 1, /* VIRTIO_F_INDIRECT_DESC was negotiated */
    GM_VQ_PACKED = 2,   /* VIRTIO_F_RING_PACKED was negotiated */
    GM_VQ_EVENT_IDX = 4 /* VIRTIO_F_EVENT_IDX was negotiated */
};

struct gm_vq_config {
    gm_gpa desc;            /* of the descriptor table, or the ring of a packed queue; a multiple of 16 */
    unsigned size;          /* [descriptors] 1..GM_VQ_SIZE_MOST; a power of two unless packed */
    unsigned flags;         /* gm_vq_flags */
    unsigned indirect_most; /* [descriptors] of a chain in an indirect table; 0: size, which the specification allows.
                               Linux makes longer ones where a device lets it, and other monitors take them */
};

/* One queue as its device sees it. Opaque. It belongs to one thread at a time, as a handle does. */
struct gm_vq {
    struct gm_handle table;
    uint32_t size, indirect_most;
    uint32_t heads; /* how many values a head may have: 0 for a packed queue */
    unsigned flags;
    uint32_t fresh; /* packed: descriptors given back since gm_vq_packed_interrupt was asked last */
};

/*
 * Note where a queue is, and find its table in host memory.
 * @param view    any view of the space; later calls may have newer ones, of the same space
 * Returns 0; -EINVAL (config or out NULL, a bad size, desc or flag, indirect_most above GM_VQ_SIZE_MOST); what
 * gm_translate_why says of the table: read, and for a packed queue also written; -EXDEV among it.
 * Context: holder of the view.   Progress: wait-free.   Cost: as gm_handle_init.
 */
GM_API GM_MUST_CHECK int gm_vq_init(const struct gm_view *view, const struct gm_vq_config *config, struct gm_vq *out);

/* Where a walk puts what it finds: scratch of the caller, of which any part may be written, also when a walk fails. */
struct gm_vq_room {
    struct iovec *iov;
    gm_gpa *gpa;    /* where iov[i] is in the guest, for gm_chain_written */
    unsigned count; /* of both */
};

/*
 * A chain: what the device reads, and behind it what it writes. A buffer that is not contiguous in host memory is
 * several iovecs; buffers of different descriptors are never joined. Pointers to host memory are valid as long as the
 * view that the chain was walked in is held; the others are into the room.
 */
struct gm_chain {
    struct iovec *readable, *writable;
    const gm_gpa *writable_gpa; /* of each of writable */
    unsigned readable_count, writable_count;
    uint64_t readable_len, writable_len; /* [bytes] together at most GM_VQ_CHAIN_BYTES_MOST */
    unsigned descriptors;                /* of the queue's own table that the chain takes */
    uint16_t id;                         /* split: the head; packed: the buffer's id. To be given back as used */
    uint16_t next;                       /* packed: the place of the next chain; split: 0 */
};

/*
 * The chain that begins at a head. Nothing is taken from the available ring: who calls has read it there, after the
 * ring's index with acquire, so that the driver's descriptors are visible.
 * @param vq    of gm_vq_init without GM_VQ_PACKED
 * @param head  any value
 * @param room  as much as the longest chain that the caller wants to serve
 * Returns 0, or with out as it was:
 *   -EINVAL     an index past its table; a buffer of length 0; a buffer to read after one to write; an indirect table
 *               where none was negotiated, in another, in a descriptor that goes on, or of a length that is 0 or no
 *               multiple of 16; the queue is packed
 *   -ELOOP      a loop, or more descriptors than the queue (in an indirect table: than it or indirect_most) has
 *   -EMSGSIZE   more than GM_VQ_CHAIN_BYTES_MOST
 *   -ENOBUFS    a further iovec than there is room for; or one buffer would take more than GM_IOV_LIMIT
 *   -EOVERFLOW, -EFAULT, -ENXIO, -EACCES
 *               a buffer, or an indirect table as a whole (of one of more than 65536 descriptors, those), is not there,
 *               as gm_translate_why says. In a view that is newer than the queue's last: the same of the queue's own
 *               table, and -EXDEV
 * Of several reasons, the first on the way; -EMSGSIZE is the last.
 * Context: holder of the view, owner of the queue.   Progress: wait-free, whatever the guest writes meanwhile.
 * Cost:    O(descriptors), some ns each where they lie in one piece of host memory. A buffer or an indirect table that
 *          crosses regions: O(regions crossed * log regions) once for each. Of a table at most 1 MiB is looked through,
 *          of a buffer what becomes GM_IOV_LIMIT iovecs.
 */
GM_API GM_MUST_CHECK int gm_vq_chain(const struct gm_view *view, struct gm_vq *vq, uint16_t head,
                                     const struct gm_vq_room *room, struct gm_chain *out);

/*
 * gm_vq_chain for one head after the other, as long as they succeed; all share the room.
 * @param heads, out  count entries each; they may not overlap. Each head is read once for its walk, so that on a
 *                    little-endian host heads may be the guest's available ring itself
 * Returns how many of out were filled (>= 1); where it is fewer than count, gm_vq_chain of the next head says why,
 * given the room that is left. What gm_vq_chain says of the first head when that fails; -EINVAL (count 0).
 * Context, progress, cost: as gm_vq_chain, with one call for all.
 */
GM_API GM_MUST_CHECK int gm_vq_chains(const struct gm_view *view, struct gm_vq *vq, const uint16_t *heads,
                                      unsigned count, const struct gm_vq_room *room, struct gm_chain *out);

/*
 * Note that the device wrote the first so many bytes of a chain: their pages are marked in the bitmap of the view's
 * space. What it wrote before it failed counts, too: writable_len is always on the safe side.
 * @param view  any view of that space
 * Returns 0; -EINVAL (bytes > chain->writable_len; nothing is marked); -ERANGE as gm_guest_mark, with all marked that
 * is inside of the bitmap.
 * Context: holder of the view.   Progress: wait-free.
 * Order:   after the device's writes, and before the chain is given back as used.
 * Cost:    one gm_guest_mark for each iovec that was written to.
 */
GM_API int gm_chain_written(const struct gm_view *view, const struct gm_chain *chain, uint64_t bytes);

GM_END_DECLS

#endif
