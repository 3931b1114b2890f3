/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The rings of a split virtqueue: heads of chains out of the available ring, chains back into the used ring, and when
 * driver and device notify one another (virtio 1.2, 2.7.6 to 2.7.10).
 *
 *     for (int error = 0; error == 0 || error == -EAGAIN;) {
 *         gm_vq_ring_kicks_off(view, &ring);
 *         while ((error = gm_vq_ring_take(view, &ring, &head)) == 0 &&
 *                (error = gm_vq_chain(view, &vq, head, &room, &chain)) == 0) {
 *             uint32_t written = serve(&chain);
 *             gm_chain_written(view, &chain, written);
 *             gm_vq_ring_put(view, &ring, chain.id, written);
 *         }
 *         if (gm_vq_ring_interrupt(view, &ring) == 1)
 *             eventfd_write(call, 1);
 *         if (error == -EAGAIN && gm_vq_ring_kicks_on(view, &ring) == 0)
 *             eventfd_read(kick, &kicks);           (without a pin: take one for each turn)
 *     }
 *
 * Nothing that a driver writes is believed. Each field of the available ring is read once for each use; of the used
 * ring nothing is read, so that it does not matter what a driver does to it.
 *
 * A ring has to be contiguous in host memory; over how many regions it goes does not matter. With GM_VQ_EVENT_IDX a
 * ring has two bytes more at its end. Not covered: what only legacy devices have (big-endian guests,
 * VIRTIO_F_NOTIFY_ON_EMPTY).
 *
 * Dirty pages. Where a call writes to a ring, exactly what it wrote is marked in the bitmap of the view's space; what
 * is not below the bitmap's size is counted there and is no error.
 *
 * Context:  holder of the view, owner of the ring, for every call. A thread that takes and another that puts need a
 *           lock of the caller's: both calls change the ring.
 * Progress: wait-free, whatever the guest writes meanwhile.
 */
#ifndef GUESTMEM_VIRTQUEUE_RING_H
#define GUESTMEM_VIRTQUEUE_RING_H

#include <guestmem/virtqueue.h>

GM_BEGIN_DECLS

struct gm_vq_ring_config {
    gm_gpa avail;  /* of the available ring; a multiple of 2 */
    gm_gpa used;   /* of the used ring; a multiple of 4 */
    uint16_t next; /* the head to be taken next, counted since the queue began: 0, or what was saved (vhost: base) */
    uint16_t done; /* how many chains were given back, counted in the same way: 0, or what was saved, or the index that
                      stands in the used ring (gm_guest_read_le16 at used + 2). next - done chains are in work */
};

/*
 * Both rings of one queue. It belongs to one thread at a time. next and done may be read, to be saved; the rest is
 * opaque.
 */
struct gm_vq_ring {
    struct gm_handle avail, used;
    uint32_t size;
    uint32_t fresh; /* chains given back since gm_vq_ring_interrupt was asked last */
    uint16_t next, done;
    uint16_t seen; /* the available index that was read last */
    uint16_t event_idx;
};

/*
 * Note where the rings of a queue are, and find them in host memory. Nothing is read of them, and nothing written.
 * @param vq    of gm_vq_init without GM_VQ_PACKED: its size, and whether it has GM_VQ_EVENT_IDX
 * @param view  any view of the space; later calls may have newer ones, of the same space
 * Returns 0; -EINVAL (an argument NULL, a packed queue, a ring that is not aligned, more than size chains in work);
 * what gm_translate_why says of the available ring (read), and then of the used ring (write); -EXDEV among it.
 * Cost: as two of gm_handle_init.
 */
GM_API GM_MUST_CHECK int gm_vq_ring_init(const struct gm_view *view, const struct gm_vq *vq,
                                         const struct gm_vq_ring_config *config, struct gm_vq_ring *out);

/*
 * The next head that the driver has made available. The driver may have put any value there: gm_vq_chain judges it.
 * Returns 0; with the ring and out as they were:
 *   -EAGAIN  there is none
 *   -EPROTO  the driver's index is behind what was taken already, or so far ahead that more chains would be in work
 *            than the queue has descriptors: the device needs a reset
 *   -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV
 *            in a view that is newer than the ring's last, the available ring is not there any more
 * Order:   acquires what the driver wrote before it made the chain available.
 * Cost:    a load of the entry; of the driver's index only when all that was seen of it is taken.
 */
GM_API GM_MUST_CHECK int gm_vq_ring_take(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t *out);

/*
 * gm_vq_ring_take of as many heads as there are, up to count, in the driver's order. They are copies, for gm_vq_chains.
 * Returns how many (>= 1); -EINVAL (count 0); else as gm_vq_ring_take.
 */
GM_API GM_MUST_CHECK int gm_vq_ring_take_some(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t *heads,
                                              unsigned count);

/*
 * Leave the last so many heads that were taken to a later call: they will be read again, and may then be others.
 * Returns 0; -EINVAL (more than are in work). Chains that were given back in another order than they were taken in may
 * be among the last: it is for the caller to know.
 * Cost: O(1); no access to guest memory.
 */
GM_API int gm_vq_ring_untake(struct gm_vq_ring *ring, unsigned count);

/* A chain that is given back. */
struct gm_vq_used {
    uint32_t written; /* [bytes] that the device wrote to it, from its first writable byte on */
    uint16_t id;      /* gm_chain.id */
};

/*
 * Give a chain back to the driver, in any order.
 * @param id       gm_chain.id
 * @param written  [bytes] that the device wrote
 * Returns 0; with the ring, and guest memory, as they were: -EINVAL (more chains than are in work; an id past the
 * queue); -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV as gm_vq_ring_take, of the used ring.
 * Order:   what was written before is visible to a driver that sees the chain as used.
 * Cost:    four stores and two marks.
 */
GM_API int gm_vq_ring_put(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t id, uint32_t written);

/*
 * gm_vq_ring_put of several, which the driver sees at once, or of none when there is an error with any.
 * @param count  of used; 0: nothing is done
 */
GM_API int gm_vq_ring_put_all(const struct gm_view *view, struct gm_vq_ring *ring, const struct gm_vq_used *used,
                              unsigned count);

/*
 * Where VIRTIO_F_IN_ORDER was negotiated: give back the next so many chains, in the order in which they were taken, by
 * one element (virtio 1.2, in-order use of descriptors). The driver takes it that all but the last were written to as
 * far as they can be. The calls above will do there, too, if chains are given back in that order; this one touches less
 * of what the driver reads.
 * @param id       gm_chain.id of the last one
 * @param written  [bytes] that the device wrote to the last one
 * @param count    how many; 1 is gm_vq_ring_put
 * Returns as gm_vq_ring_put; also -EINVAL (count 0). That the order is kept is not looked at.
 * Cost: as gm_vq_ring_put.
 */
GM_API int gm_vq_ring_put_in_order(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t id, uint32_t written,
                                   unsigned count);

/*
 * Does the driver want to be interrupted for what was given back since the last time that this was asked? It is enough
 * to ask once for many chains, and it has to be asked before the device goes to sleep. The first time after
 * gm_vq_ring_init what came before is not known: then the answer is no only where the driver wants no interrupts at
 * all.
 * Returns 1: interrupt it; 0: it does not want to know, or nothing was given back; as gm_vq_ring_take where the
 * available ring is not there any more: the question is still open then.
 * Order:   a full fence between all that was given back and the load of what the driver wants. A driver that says what
 *          it wants, then looks at the used ring, either finds the chains there or gets its interrupt.
 * Cost:    the fence, and a load of the driver's.
 */
GM_API GM_MUST_CHECK int gm_vq_ring_interrupt(const struct gm_view *view, struct gm_vq_ring *ring);

/*
 * Ask the driver to notify the device when it has made something available that was not taken yet; and look once more
 * whether it just did so, without knowing that it was to notify.
 * Returns 0: the device may go to sleep; 1: something may be there already, so take first and ask again; with guest
 * memory as it was: -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV as gm_vq_ring_take, of either ring.
 * Order:   a full fence between the request and the look.
 * Cost:    the fence, a store and a mark, and a load of the driver's index.
 */
GM_API GM_MUST_CHECK int gm_vq_ring_kicks_on(const struct gm_view *view, struct gm_vq_ring *ring);

/*
 * Tell the driver that it need not notify the device: a hint, which it may see late. With GM_VQ_EVENT_IDX nothing is
 * written, since the place that gm_vq_ring_kicks_on asked for has been passed.
 * Returns 0; as gm_vq_ring_kicks_on where the used ring is not there any more.
 * Cost: a store and a mark.
 */
GM_API int gm_vq_ring_kicks_off(const struct gm_view *view, struct gm_vq_ring *ring);

GM_END_DECLS

#endif
