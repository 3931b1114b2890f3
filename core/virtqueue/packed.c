/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Packed virtqueues.
 *
 * Participants: one driver, in the guest, and the owner of the queue here. Shared words: those of the ring. The driver
 * writes a chain's first flags last, with release; they are the end of the word that the length and the id are in, and
 * one acquiring load takes all of them. What is given back is written in the same order: the word without its flags,
 * then the flags with release. The other half of both pairs is in the guest, so they have no tags.
 */
#include "virtqueue/packed.h"

#include "guestmem/mark.h"

static uint16_t advance(const struct gm_vq *vq, uint16_t place, uint32_t descriptors)
{
    uint32_t index = (place & ~(unsigned)GM_VQ_PACKED_WRAP) + descriptors;
    unsigned wrap = place & GM_VQ_PACKED_WRAP;
    return index < vq->size ? (uint16_t)(index | wrap) : (uint16_t)((index - vq->size) | (wrap ^ GM_VQ_PACKED_WRAP));
}

static __attribute__((noinline)) int rest(const struct gm_view *view, const struct gm_vq *vq,
                                          struct gm_vq_walk *walk, const struct gm_vq_room *room,
                                          struct gm_chain *out)
{
    return gm_vq_walk_on(view, vq, *walk, true, room, out);
}

static __attribute__((noinline)) int direct(const struct gm_view *view, const struct gm_vq *vq, uint64_t first,
                                            uint64_t second, uint32_t index, const struct gm_vq_room *room,
                                            struct gm_chain *out)
{
    return gm_vq_walk_chain(view, vq, index, gm_vq_desc_of(first, second), true, false, rest, room, out);
}

static __attribute__((noinline)) int indirect(const struct gm_view *view, const struct gm_vq *vq, uint64_t first,
                                              uint64_t second, uint32_t index, const struct gm_vq_room *room,
                                              struct gm_chain *out)
{
    return gm_vq_walk_chain(view, vq, index, gm_vq_desc_of(first, second), true, true, rest, room, out);
}

int gm_vq_packed_chain(const struct gm_view *view, struct gm_vq *vq, uint16_t place, const struct gm_vq_room *room,
                       struct gm_chain *out)
{
    const uint32_t index = place & ~(unsigned)GM_VQ_PACKED_WRAP;
    uint64_t *ring;
    int error = gm_vq_packed_ring(view, vq, place, &ring);
    if (GM_UNLIKELY(error != 0))
        return error;
    const uint64_t *words = ring + (size_t)index * GM_VQ_DESC_WORDS;
    const uint64_t second = gm_load_acquire(words + 1);
    const unsigned flags = (unsigned)(gm_le64_get((gm_le64){second}) >> 48);
    if (!gm_vq_packed_available(flags, place))
        return -EAGAIN;
    const uint64_t first = gm_load_relaxed(words);
    const struct gm_vq_desc desc = gm_vq_desc_of(first, second);
    if (!gm_vq_walk_single(view, desc, flags, (uint16_t)desc.rest, room, out)) {
        error = (flags & GM_VQ_DESC_TABLE) != 0 ? indirect(view, vq, first, second, index, room, out)
                                                : direct(view, vq, first, second, index, room, out);
        if (GM_UNLIKELY(error != 0))
            return error;
    }
    out->next = advance(vq, place, out->descriptors);
    return 0;
}

int gm_vq_packed_used(const struct gm_view *view, struct gm_vq *vq, uint16_t place, const struct gm_chain *chain,
                      uint32_t written, uint16_t *next)
{
    const uint32_t index = place & ~(unsigned)GM_VQ_PACKED_WRAP;
    uint64_t *ring;
    int error = gm_vq_packed_ring(view, vq, place, &ring);
    if (error == 0 && (chain->descriptors == 0 || chain->descriptors > vq->size))
        error = -EINVAL;
    if (error != 0)
        return error;
    /* both wrap bits alike say used; only the direction is left of the other flags, and only where something came */
    const unsigned wrap = (place & GM_VQ_PACKED_WRAP) != 0 ? GM_VQ_PACKED_AVAIL | GM_VQ_PACKED_USED : 0;
    const unsigned flags = wrap | (written != 0 ? (unsigned)GM_VQ_DESC_WRITE : 0);
    char *second = (char *)(ring + (size_t)index * GM_VQ_DESC_WORDS + 1);
    gm_store_relaxed((uint32_t *)(void *)second, gm_le32_make(written).raw);
    gm_store_relaxed((uint16_t *)(void *)(second + 4), gm_le16_make(chain->id).raw);
    gm_store_release((uint16_t *)(void *)(second + 6), gm_le16_make((uint16_t)flags).raw);
    gm_vq_accessed();
    (void)gm_guest_mark(view, vq->table.gpa + (uint64_t)index * GM_VQ_DESC_SIZE, GM_VQ_DESC_SIZE);
    vq->fresh = gm_vq_fresher(vq->fresh, chain->descriptors);
    *next = advance(vq, place, chain->descriptors);
    return 0;
}
