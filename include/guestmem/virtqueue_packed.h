/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Packed virtqueues: one ring in which a driver makes descriptors available and a device gives them back. Where either
 * of them is in the ring is one number, a *place*: the index in its low 15 bits and the wrap counter in the highest, as
 * the event suppression structures and vhost's ring base have it. Both begin at GM_VQ_PACKED_START.
 *
 *     while (gm_vq_packed_chain(view, &vq, available, &room, &chain) == 0) {
 *         uint32_t written = serve(&chain);
 *         gm_chain_written(view, &chain, written);
 *         gm_vq_packed_used(view, &vq, used, &chain, written, &used);
 *         available = chain.next;
 *     }
 */
#ifndef GUESTMEM_VIRTQUEUE_PACKED_H
#define GUESTMEM_VIRTQUEUE_PACKED_H

#include <guestmem/virtqueue.h>

GM_BEGIN_DECLS

#define GM_VQ_PACKED_WRAP 0x8000
#define GM_VQ_PACKED_START GM_VQ_PACKED_WRAP

/*
 * The chain at a place of the ring, if the driver has made one available there.
 * @param vq     of gm_vq_init with GM_VQ_PACKED
 * @param place  GM_VQ_PACKED_START at first, then chain.next of the chain before
 * Returns as gm_vq_chain; also
 *   -EAGAIN     nothing is available there yet
 *   -EINVAL     the place's index is past the ring; a chain in which an indirect table is not alone; the queue is not
 *               packed
 * All entries of an indirect table belong to its chain. Flags there other than "written by the device" are ignored, as
 * the specification wants it, and so is whether later descriptors of a chain are marked as available.
 * Context: holder of the view, owner of the queue.   Progress: wait-free, whatever the guest writes meanwhile.
 * Order:   acquires what the driver wrote before it made the chain available.
 * Cost:    O(descriptors), some ns each where they lie in one piece of host memory.
 */
GM_API GM_MUST_CHECK int gm_vq_packed_chain(const struct gm_view *view, struct gm_vq *vq, uint16_t place,
                                            const struct gm_vq_room *room, struct gm_chain *out);

/*
 * Give a chain back to the driver. Chains may be given back in any order; each moves the place of the next one by as
 * many descriptors as it has itself. What is written to the ring is marked in the space's bitmap, if that covers it.
 * @param place    GM_VQ_PACKED_START at first, then what the call before wrote to next
 * @param chain    of gm_vq_packed_chain; its id and number of descriptors count. Where VIRTIO_F_IN_ORDER was negotiated
 *                 (virtio 1.2, in-order use of descriptors), chains that follow one another may be given as one:
 *                 the id of the last, and the sum of their descriptors. The driver takes it that all but the last were
 *                 written to as far as they can be
 * @param written  [bytes] that the device wrote
 * Returns 0; -EINVAL (the place's index is past the ring; a chain of no descriptors, or of more than the ring; the
 * queue is not packed); what gm_translate_why says where the ring is no longer there. On error nothing is written.
 * Context: holder of the view, owner of the queue.   Progress: wait-free.
 * Order:   what was written before is visible to a driver that sees the chain as used.
 */
GM_API int gm_vq_packed_used(const struct gm_view *view, struct gm_vq *vq, uint16_t place,
                             const struct gm_chain *chain, uint32_t written, uint16_t *next);

GM_END_DECLS

#endif
