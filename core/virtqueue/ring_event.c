/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * When driver and device of a split queue notify one another; why no notification is lost is in wake.h. Without
 * GM_VQ_EVENT_IDX a wish is a bit of flags, and nothing else is compared. With it flags are not looked at, as the
 * specification wants it, and a wish is an index: the step over it is what is notified of.
 */
#include "virtqueue/ring.h"

int gm_vq_ring_interrupt(const struct gm_view *view, struct gm_vq_ring *ring)
{
    void *avail;
    if (ring->fresh == 0)
        return 0;
    int error = gm_vq_ring_in(view, &ring->avail, &avail);
    if (GM_UNLIKELY(error != 0))
        return error;
    const uint64_t place = ring->event_idx ? gm_vq_avail_len(ring->size, false) : 0;
    const uint16_t wish = gm_le16_get((gm_le16){gm_vq_wish(gm_vq_field(avail, place))});
    const bool wanted = ring->event_idx ? gm_vq_passed(wish, ring->done, ring->fresh)
                                        : (wish & GM_VQ_NO_INTERRUPT) == 0;
    gm_vq_accessed();
    ring->fresh = 0;
    return wanted;
}

int gm_vq_ring_kicks_on(const struct gm_view *view, struct gm_vq_ring *ring)
{
    void *avail, *used;
    int error = gm_vq_ring_in(view, &ring->avail, &avail);
    if (GM_LIKELY(error == 0))
        error = gm_vq_ring_in(view, &ring->used, &used);
    if (GM_UNLIKELY(error != 0))
        return error;
    const uint64_t place = ring->event_idx ? gm_vq_used_len(ring->size, false) : 0;
    const uint16_t wish = ring->event_idx ? gm_le16_make(ring->next).raw : 0;
    const uint16_t index = gm_vq_wish_for(gm_vq_field(used, place), wish, gm_vq_field(avail, GM_VQ_RING_INDEX));
    (void)gm_guest_mark(view, ring->used.gpa + place, sizeof(uint16_t));
    return gm_le16_get((gm_le16){index}) != ring->next;
}

int gm_vq_ring_kicks_off(const struct gm_view *view, struct gm_vq_ring *ring)
{
    void *used;
    int error = gm_vq_ring_in(view, &ring->used, &used);
    if (error != 0 || ring->event_idx)
        return error;
    gm_store_relaxed(gm_vq_field(used, 0), gm_le16_make(GM_VQ_NO_NOTIFY).raw);
    (void)gm_guest_mark(view, ring->used.gpa, sizeof(uint16_t));
    return 0;
}
