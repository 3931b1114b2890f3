/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * When driver and device of a packed queue notify one another. The protocol is that of wake.h, with other words: what
 * is published are the flags of descriptors, and a wish is a word of four bytes, a place and what it is for.
 */
#include "guestmem/virtqueue_event.h"

#include "base/math.h"
#include "guestmem/mark.h"
#include "virtqueue/packed.h"

#define EVENT_SIZE 4 /* [bytes] of either structure: the place, and 16 bits of flags */

enum event_flags { ENABLE = 0, DISABLE = 1, AT_PLACE = 2, EVENT_MASK = 3 };

int gm_vq_packed_events_init(const struct gm_view *view, const struct gm_vq *vq, gm_gpa driver, gm_gpa device,
                             struct gm_vq_events *out)
{
    struct gm_vq_events events;
    if (vq == NULL || out == NULL || (vq->flags & GM_VQ_PACKED) == 0)
        return -EINVAL;
    if (!gm_is_aligned(driver, EVENT_SIZE) || !gm_is_aligned(device, EVENT_SIZE))
        return -EINVAL;
    int error = gm_handle_init(&events.driver, view, driver, EVENT_SIZE, GM_READ);
    if (error == 0)
        error = gm_handle_init(&events.device, view, device, EVENT_SIZE, GM_WRITE);
    if (error == 0)
        *out = events;
    return error;
}

/* Places in the order in which they are come to, two rounds of them: the wrap counter begins with 1. */
static uint32_t position(const struct gm_vq *vq, uint16_t place)
{
    return (place & ~(unsigned)GM_VQ_PACKED_WRAP) + ((place & GM_VQ_PACKED_WRAP) != 0 ? 0 : vq->size);
}

/* Was the place among the last so many descriptors on the way to now? A place that is none is taken for one. */
static bool passed(const struct gm_vq *vq, uint16_t event, uint16_t now)
{
    const uint32_t rounds = 2 * vq->size;
    if ((event & ~(unsigned)GM_VQ_PACKED_WRAP) >= vq->size)
        return true;
    return (position(vq, now) + rounds - position(vq, event) + rounds - 1) % rounds < vq->fresh;
}

int gm_vq_packed_interrupt(const struct gm_view *view, struct gm_vq *vq, struct gm_vq_events *events, uint16_t used)
{
    if ((vq->flags & GM_VQ_PACKED) == 0 || (used & ~(unsigned)GM_VQ_PACKED_WRAP) >= vq->size)
        return -EINVAL;
    if (vq->fresh == 0)
        return 0;
    const uint32_t *driver = gm_handle_get(&events->driver, view);
    if (GM_UNLIKELY(driver == NULL))
        return gm_vq_lost(view, &events->driver);
    gm_fence_seq_cst();
    const uint32_t wish = gm_le32_get((gm_le32){gm_load_relaxed(driver)});
    const unsigned flags = (wish >> 16) & EVENT_MASK;
    bool wanted = flags != DISABLE;
    gm_vq_accessed();
    if (flags == AT_PLACE && (vq->flags & GM_VQ_EVENT_IDX) != 0)
        wanted = passed(vq, (uint16_t)wish, used);
    vq->fresh = 0;
    return wanted;
}

int gm_vq_packed_kicks_on(const struct gm_view *view, struct gm_vq *vq, struct gm_vq_events *events,
                          uint16_t available)
{
    const uint32_t index = available & ~(unsigned)GM_VQ_PACKED_WRAP;
    uint64_t *ring;
    int error = gm_vq_packed_ring(view, vq, available, &ring);
    if (GM_UNLIKELY(error != 0))
        return error;
    uint32_t *device = gm_handle_get(&events->device, view);
    if (GM_UNLIKELY(device == NULL))
        return gm_vq_lost(view, &events->device);
    const uint32_t wish = (vq->flags & GM_VQ_EVENT_IDX) != 0 ? (uint32_t)AT_PLACE << 16 | available : ENABLE;
    gm_store_relaxed(device, gm_le32_make(wish).raw);
    gm_fence_seq_cst();
    const uint64_t second = gm_load_relaxed(ring + (size_t)index * GM_VQ_DESC_WORDS + 1);
    (void)gm_guest_mark(view, events->device.gpa, EVENT_SIZE);
    return gm_vq_packed_available((unsigned)(gm_le64_get((gm_le64){second}) >> 48), available);
}

int gm_vq_packed_kicks_off(const struct gm_view *view, struct gm_vq_events *events)
{
    uint32_t *device = gm_handle_get(&events->device, view);
    if (GM_UNLIKELY(device == NULL))
        return gm_vq_lost(view, &events->device);
    gm_store_relaxed(device, gm_le32_make((uint32_t)DISABLE << 16).raw);
    (void)gm_guest_mark(view, events->device.gpa, EVENT_SIZE);
    return 0;
}
