/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What is common to the chains of packed queues and to their notifications. */
#ifndef GM_VIRTQUEUE_PACKED_H
#define GM_VIRTQUEUE_PACKED_H

#include "virtqueue/walk.h"

#include "guestmem/virtqueue_packed.h"

enum gm_vq_packed_flags { GM_VQ_PACKED_AVAIL = 1 << 7, GM_VQ_PACKED_USED = 1 << 15 };

/* Do a descriptor's flags say that it is available at this place? */
GM_INLINE bool gm_vq_packed_available(unsigned flags, uint16_t place)
{
    const unsigned wrap = (place & GM_VQ_PACKED_WRAP) != 0;
    return ((flags & GM_VQ_PACKED_AVAIL) != 0) == wrap && ((flags & GM_VQ_PACKED_USED) != 0) != wrap;
}

/* The ring in this view; also checks that the place is in it. */
static inline int gm_vq_packed_ring(const struct gm_view *view, struct gm_vq *vq, uint16_t place, uint64_t **out)
{
    if ((vq->flags & GM_VQ_PACKED) == 0 || (place & ~(unsigned)GM_VQ_PACKED_WRAP) >= vq->size)
        return -EINVAL;
    *out = gm_handle_get(&vq->table, view);
    return GM_LIKELY(*out != NULL) ? 0 : gm_vq_lost(view, &vq->table);
}

#endif
