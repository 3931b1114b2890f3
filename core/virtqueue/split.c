/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Chains of split virtqueues, one at a time or several. */
#include "virtqueue/walk.h"

static __attribute__((noinline)) int rest(const struct gm_view *view, const struct gm_vq *vq,
                                          struct gm_vq_walk *walk, const struct gm_vq_room *room,
                                          struct gm_chain *out)
{
    return gm_vq_walk_on(view, vq, *walk, false, room, out);
}

/* Not inlined, by link-time optimisation either: alone, each has the registers. */
static __attribute__((noinline)) int direct(const struct gm_view *view, const struct gm_vq *vq, uint64_t first,
                                            uint64_t second, const struct gm_vq_room *room, struct gm_chain *out)
{
    return gm_vq_walk_chain(view, vq, 0, gm_vq_desc_of(first, second), false, false, rest, room, out);
}

static __attribute__((noinline)) int indirect(const struct gm_view *view, const struct gm_vq *vq, uint64_t first,
                                              uint64_t second, const struct gm_vq_room *room, struct gm_chain *out)
{
    return gm_vq_walk_chain(view, vq, 0, gm_vq_desc_of(first, second), false, true, rest, room, out);
}

/* The queue's table is in this view. */
GM_INLINE int walk_chain(const struct gm_view *view, const struct gm_vq *vq, uint16_t head,
                         const struct gm_vq_room *room, struct gm_chain *out)
{
    if (GM_UNLIKELY(head >= vq->heads))
        return -EINVAL;
    const uint64_t *words = (const uint64_t *)vq->table.address + (size_t)head * GM_VQ_DESC_WORDS;
    const uint64_t first = gm_load_relaxed(words), second = gm_load_relaxed(words + 1);
    const struct gm_vq_desc desc = gm_vq_desc_of(first, second);
    if (gm_vq_walk_single(view, desc, desc.rest & 0xffff, head, room, out))
        return 0;
    int error = (desc.rest & GM_VQ_DESC_TABLE) != 0 ? indirect(view, vq, first, second, room, out)
                                                    : direct(view, vq, first, second, room, out);
    if (GM_UNLIKELY(error != 0))
        return error;
    out->id = head;
    out->next = 0;
    return 0;
}

/* 0 when the queue's table is in this view. */
GM_INLINE int ready(const struct gm_view *view, struct gm_vq *vq)
{
    return GM_LIKELY(gm_handle_get(&vq->table, view) != NULL) ? 0 : gm_vq_lost(view, &vq->table);
}

int gm_vq_chain(const struct gm_view *view, struct gm_vq *vq, uint16_t head, const struct gm_vq_room *room,
                struct gm_chain *out)
{
    int error = ready(view, vq);
    return GM_LIKELY(error == 0) ? walk_chain(view, vq, head, room, out) : error;
}

int gm_vq_chains(const struct gm_view *view, struct gm_vq *vq, const uint16_t *heads, unsigned count,
                 const struct gm_vq_room *room, struct gm_chain *out)
{
    struct gm_vq_room left = *room;
    unsigned done = 0;
    int error = count != 0 ? ready(view, vq) : -EINVAL;
    for (; error == 0 && done < count; done++) {
        error = walk_chain(view, vq, gm_load_relaxed(&heads[done]), &left, &out[done]);
        if (GM_UNLIKELY(error != 0))
            break;
        unsigned used = out[done].readable_count + out[done].writable_count;
        left.iov += used;
        left.gpa += used;
        left.count -= used;
    }
    return done != 0 ? (int)done : error;
}
