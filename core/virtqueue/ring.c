/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Heads out of the available ring, and chains into the used ring.
 *
 * Invariant: next - done, modulo 2^16, is how many chains are in work, and never more than size, which is less than
 * 2^16. So an index of the driver's that is behind next is as far out as one that is too far ahead, and there are never
 * more elements to be given back than the used ring has room for.
 */
#include "virtqueue/ring.h"

static bool config_ok(const struct gm_vq *vq, const struct gm_vq_ring_config *config)
{
    if (vq == NULL || config == NULL || (vq->flags & GM_VQ_PACKED) != 0)
        return false;
    if (!gm_is_aligned(config->avail, 2) || !gm_is_aligned(config->used, 4))
        return false;
    return (uint16_t)(config->next - config->done) <= vq->size;
}

int gm_vq_ring_init(const struct gm_view *view, const struct gm_vq *vq, const struct gm_vq_ring_config *config,
                    struct gm_vq_ring *out)
{
    if (!config_ok(vq, config) || out == NULL)
        return -EINVAL;
    const bool event_idx = (vq->flags & GM_VQ_EVENT_IDX) != 0;
    struct gm_vq_ring ring = {.size = vq->size,
                              .fresh = GM_VQ_FRESH_ALL,
                              .next = config->next,
                              .done = config->done,
                              .seen = config->next,
                              .event_idx = event_idx};
    int error = gm_handle_init(&ring.avail, view, config->avail, gm_vq_avail_len(vq->size, event_idx), GM_READ);
    if (error == 0)
        error = gm_handle_init(&ring.used, view, config->used, gm_vq_used_len(vq->size, event_idx), GM_WRITE);
    if (error == 0)
        *out = ring;
    return error;
}

/*
 * How many heads can be taken, if it is fewer than wanted after another look at the driver's index. That is remembered:
 * the line it is in is the driver's, and each look takes it away from there.
 */
static int ahead(struct gm_vq_ring *ring, void *avail, unsigned wanted)
{
    unsigned there = (uint16_t)(ring->seen - ring->next);
    if (there >= wanted)
        return (int)there;
    const uint16_t seen = gm_le16_get((gm_le16){gm_vq_published(gm_vq_field(avail, GM_VQ_RING_INDEX))});
    const unsigned in_work = (uint16_t)(ring->next - ring->done);
    there = (uint16_t)(seen - ring->next);
    if (GM_UNLIKELY(there > ring->size - in_work))
        return -EPROTO;
    ring->seen = seen;
    return there != 0 ? (int)there : -EAGAIN;
}

GM_INLINE int take(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t *heads, unsigned count)
{
    void *avail;
    int error = gm_vq_ring_in(view, &ring->avail, &avail);
    int there = GM_LIKELY(error == 0) ? ahead(ring, avail, count) : error;
    if (there < 0)
        return there;
    const unsigned taken = (unsigned)there < count ? (unsigned)there : count;
    const uint16_t *entries = gm_vq_field(avail, GM_VQ_RING_HEAD);
    for (unsigned i = 0; i < taken; i++) /* bound: size, by ahead */
        heads[i] = gm_le16_get((gm_le16){gm_load_relaxed(&entries[(ring->next + i) & (ring->size - 1)])});
    gm_vq_accessed();
    ring->next = (uint16_t)(ring->next + taken);
    return (int)taken;
}

int gm_vq_ring_take(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t *out)
{
    int taken = take(view, ring, out, 1);
    return taken < 0 ? taken : 0;
}

int gm_vq_ring_take_some(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t *heads, unsigned count)
{
    return count != 0 ? take(view, ring, heads, count) : -EINVAL;
}

int gm_vq_ring_untake(struct gm_vq_ring *ring, unsigned count)
{
    if (count > (uint16_t)(ring->next - ring->done))
        return -EINVAL;
    ring->next = (uint16_t)(ring->next - count);
    return 0;
}

static bool used_ok(const struct gm_vq_ring *ring, const struct gm_vq_used *used, unsigned count, unsigned chains)
{
    if (chains > (uint16_t)(ring->next - ring->done))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (used[i].id >= ring->size)
            return false;
    return true;
}

/* Elements, and where they go round the end of the ring two pieces of them; then the index. */
static void mark(const struct gm_view *view, const struct gm_vq_ring *ring, unsigned first, unsigned count)
{
    const unsigned straight = (unsigned)gm_min_u64(count, ring->size - first);
    const gm_gpa elements = ring->used.gpa + GM_VQ_RING_HEAD;
    (void)gm_guest_mark(view, elements + (uint64_t)first * GM_VQ_USED_ELEMENT, (uint64_t)straight * GM_VQ_USED_ELEMENT);
    if (straight != count)
        (void)gm_guest_mark(view, elements, (uint64_t)(count - straight) * GM_VQ_USED_ELEMENT);
    (void)gm_guest_mark(view, ring->used.gpa + GM_VQ_RING_INDEX, sizeof(uint16_t));
}

/* count elements, which give back so many chains: count <= chains. */
GM_INLINE int put(const struct gm_view *view, struct gm_vq_ring *ring, const struct gm_vq_used *used, unsigned count,
                  unsigned chains)
{
    void *base;
    if (GM_UNLIKELY(!used_ok(ring, used, count, chains)))
        return -EINVAL;
    int error = gm_vq_ring_in(view, &ring->used, &base);
    if (GM_UNLIKELY(error != 0))
        return error;
    const unsigned mask = ring->size - 1, first = ring->done & mask;
    uint32_t *elements = (uint32_t *)(void *)((char *)base + GM_VQ_RING_HEAD);
    for (unsigned i = 0; i < count; i++) { /* bound: size, by used_ok; halves, as elements need not be aligned to 8 */
        uint32_t *element = elements + (size_t)((first + i) & mask) * 2;
        gm_store_relaxed(element, gm_le32_make(used[i].id).raw);
        gm_store_relaxed(element + 1, gm_le32_make(used[i].written).raw);
    }
    const uint16_t done = (uint16_t)(ring->done + chains);
    gm_vq_publish(gm_vq_field(base, GM_VQ_RING_INDEX), gm_le16_make(done).raw);
    gm_vq_accessed();
    ring->done = done;
    ring->fresh = gm_vq_fresher(ring->fresh, chains);
    mark(view, ring, first, count);
    return 0;
}

int gm_vq_ring_put(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t id, uint32_t written)
{
    const struct gm_vq_used used = {.written = written, .id = id};
    return put(view, ring, &used, 1, 1);
}

int gm_vq_ring_put_in_order(const struct gm_view *view, struct gm_vq_ring *ring, uint16_t id, uint32_t written,
                            unsigned count)
{
    const struct gm_vq_used last = {.written = written, .id = id};
    return count != 0 ? put(view, ring, &last, 1, count) : -EINVAL;
}

int gm_vq_ring_put_all(const struct gm_view *view, struct gm_vq_ring *ring, const struct gm_vq_used *used,
                       unsigned count)
{
    return count != 0 ? put(view, ring, used, count, count) : 0;
}
