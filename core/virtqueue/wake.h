/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Who publishes and who sleeps. Each ring of a queue has one who adds to it and one who waits for that; both ask the
 * other to be called only when they want to sleep.
 *
 * Participants: the owner of a queue here, and a driver in the guest, which does the same with the roles exchanged.
 * Shared words: of each ring an index, which says how much was published, and a wish of the one who waits: the index at
 *   which to call it (avail_event, used_event), or flags.
 * Protocol:     the publisher stores the index, then loads the wish; the sleeper stores its wish, then loads the index.
 * Invariant:    when the sleeper goes to sleep although something was published, the publisher finds the wish.
 * Argument:     each of the two has a full fence between its store and its load, and such fences have one order. The
 *   load behind the later fence sees the store before the earlier one. If the publisher's is the later one, it finds
 *   the wish and calls; if the sleeper's is, it finds the index and stays awake. Release and acquire are not enough, on
 *   x86 either: a store may wait in its processor's buffer while a later load is answered, so that neither sees the
 *   other's, one sleeps and nobody calls it (tests/stress/vq_ring.c loses notifications without the fence). One fence
 *   serves any number of stores before it, so that many chains need one question.
 *   A call too many does no harm.
 * Elements are stored before the index, with release, and loaded behind it, with acquire.
 * The other half of each pair is in the guest, so they have no tags. A model of both: tests/model/vq_ring.cpp.
 * Progress: wait-free.
 */
#ifndef GM_VIRTQUEUE_WAKE_H
#define GM_VIRTQUEUE_WAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/atomic.h"

/* A field of a ring, as it stands in guest memory; a model has another type. */
#ifndef GM_VQ_FIELD
#define GM_VQ_FIELD uint16_t
#endif

static inline void gm_vq_publish(GM_VQ_FIELD *index, uint16_t raw)
{
    gm_store_release(index, raw);
}

static inline uint16_t gm_vq_published(const GM_VQ_FIELD *index)
{
    return (uint16_t)gm_load_acquire(index);
}

/* The other side's event suppression field (avail_event, used_event or flags), after what was published before. */
static inline uint16_t gm_vq_wish(const GM_VQ_FIELD *wish)
{
    gm_fence_seq_cst();
    return (uint16_t)gm_load_relaxed(wish);
}

/*
 * Write our own event suppression field: wish to be called. Returns the index as it is after that; if it has moved,
 * what came may have been published without a call, and whoever sleeps now may sleep for good.
 */
static inline uint16_t gm_vq_wish_for(GM_VQ_FIELD *wish, uint16_t raw, const GM_VQ_FIELD *index)
{
    gm_store_relaxed(wish, raw);
    gm_fence_seq_cst();
    return (uint16_t)gm_load_relaxed(index);
}

/* Was the event among the last so many steps of the index on its way to now? All of them from 2^16 steps on. */
static inline bool gm_vq_passed(uint16_t event, uint16_t now, uint32_t steps)
{
    return (uint16_t)(now - event - 1) < steps;
}

#endif
