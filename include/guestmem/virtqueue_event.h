/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * When driver and device of a packed virtqueue notify one another: the two event suppression structures, of which the
 * driver writes one and the device the other (virtio 1.2, 2.8.7 and 2.8.14). As for split queues in virtqueue_ring.h,
 * with places for indices:
 *
 *     gm_vq_packed_kicks_off(view, &events);
 *     ... gm_vq_packed_chain and gm_vq_packed_used until -EAGAIN ...
 *     if (gm_vq_packed_interrupt(view, &vq, &events, used) == 1)
 *         eventfd_write(call, 1);
 *     if (gm_vq_packed_kicks_on(view, &vq, &events, available) == 0)
 *         eventfd_read(kick, &kicks);           (without a pin)
 *
 * The driver's structure is read as one word, once each time. Of the device's nothing is read; whenever it is written,
 * its four bytes are stored at once, and their page is marked in the bitmap of the view's space.
 *
 * Context: holder of the view, owner of the queue, for every call.   Progress: wait-free.
 */
#ifndef GUESTMEM_VIRTQUEUE_EVENT_H
#define GUESTMEM_VIRTQUEUE_EVENT_H

#include <guestmem/virtqueue_packed.h>

GM_BEGIN_DECLS

/* Both structures of one queue. Opaque. It belongs to one thread at a time, as the queue does. */
struct gm_vq_events {
    struct gm_handle driver, device;
};

/*
 * Note where the structures of a packed queue are, and find them in host memory.
 * @param driver, device  [guest address] of the driver's and the device's; multiples of 4
 * Returns 0; -EINVAL (vq or out NULL, a queue that is not packed, an address that is not aligned); what
 * gm_translate_why says of the driver's (read), and then of the device's (write).
 * Cost: as two of gm_handle_init.
 */
GM_API GM_MUST_CHECK int gm_vq_packed_events_init(const struct gm_view *view, const struct gm_vq *vq, gm_gpa driver,
                                                  gm_gpa device, struct gm_vq_events *out);

/*
 * Does the driver want to be interrupted for what gm_vq_packed_used gave back since the last time that this was asked?
 * Has to be asked before the device goes to sleep. The first time after gm_vq_init what came before is not known: then
 * the answer is no only where the driver wants no interrupts at all.
 * @param used  the place that gm_vq_packed_used came to
 * Returns 1: interrupt it, which is also the answer to a driver that names a place past the ring; 0: it does not want
 * to know, or nothing was given back; with the question still open: -EINVAL (used is past the ring, the queue is not
 * packed); -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV where the driver's structure is not there any more.
 * Order: a full fence between all that was given back and the load of what the driver wants.
 * Cost:  the fence, and a load of the driver's.
 */
GM_API GM_MUST_CHECK int gm_vq_packed_interrupt(const struct gm_view *view, struct gm_vq *vq,
                                                struct gm_vq_events *events, uint16_t used);

/*
 * Ask the driver to notify the device when it makes a chain available at a place; and look once more whether one just
 * came there.
 * @param available  the place that gm_vq_packed_chain comes to next
 * Returns 0: the device may go to sleep; 1: a chain is there; with guest memory as it was: -EINVAL (available is past
 * the ring, the queue is not packed); -EOVERFLOW, -EFAULT, -ENXIO, -EACCES, -EXDEV where the ring or the device's
 * structure is not there any more.
 * Order: a full fence between the request and the look.
 * Cost:  the fence, a store and a mark, and a load of the ring.
 */
GM_API GM_MUST_CHECK int gm_vq_packed_kicks_on(const struct gm_view *view, struct gm_vq *vq,
                                               struct gm_vq_events *events, uint16_t available);

/*
 * Tell the driver that it need not notify the device: a hint, which it may see late.
 * Returns 0; as gm_vq_packed_kicks_on where the device's structure is not there any more.
 * Cost: a store and a mark.
 */
GM_API int gm_vq_packed_kicks_off(const struct gm_view *view, struct gm_vq_events *events);

GM_END_DECLS

#endif
