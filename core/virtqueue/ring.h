/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Where the fields of split rings are: virtio 1.2, 2.7.6 and 2.7.8. */
#ifndef GM_VIRTQUEUE_RING_H
#define GM_VIRTQUEUE_RING_H

#include <errno.h>

#include "base/math.h"
#include "guestmem/mark.h"
#include "guestmem/virtqueue_ring.h"
#include "virtqueue/table.h"
#include "virtqueue/wake.h"

/* Both rings begin with 16 bits of flags and 16 of an index; an event is behind the last element. [bytes] */
#define GM_VQ_RING_INDEX 2
#define GM_VQ_RING_HEAD 4
#define GM_VQ_RING_EVENT 2
#define GM_VQ_AVAIL_ELEMENT 2
#define GM_VQ_USED_ELEMENT 8

enum { GM_VQ_NO_INTERRUPT = 1, GM_VQ_NO_NOTIFY = 1 };

static inline uint64_t gm_vq_avail_len(uint32_t size, bool event_idx)
{
    return GM_VQ_RING_HEAD + (uint64_t)size * GM_VQ_AVAIL_ELEMENT + (event_idx ? GM_VQ_RING_EVENT : 0);
}

static inline uint64_t gm_vq_used_len(uint32_t size, bool event_idx)
{
    return GM_VQ_RING_HEAD + (uint64_t)size * GM_VQ_USED_ELEMENT + (event_idx ? GM_VQ_RING_EVENT : 0);
}

/* A 16-bit field of a ring. */
static inline uint16_t *gm_vq_field(void *ring, uint64_t offset)
{
    return (uint16_t *)(void *)((char *)ring + offset);
}

/* A ring in this view: 0, or why it is not there. */
static inline int gm_vq_ring_in(const struct gm_view *view, struct gm_handle *handle, void **out)
{
    *out = gm_handle_get(handle, view);
    return GM_LIKELY(*out != NULL) ? 0 : gm_vq_lost(view, handle);
}

#endif
