/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The walk along a chain, made once for split and once for packed queues. Each descriptor is loaded once and its buffer
 * becomes iovecs. The inner loop (a run) takes buffers of one direction that one leaf word answers for, and calls
 * nothing, so that its state stays in registers; whatever is rare ends the run and is looked at outside of it: a table,
 * the turn from reading to writing, a buffer in pieces, the end of the room or of the steps.
 */
#ifndef GM_VIRTQUEUE_WALK_H
#define GM_VIRTQUEUE_WALK_H

#include <errno.h>
#include <stdbool.h>

#include "virtqueue/table.h"
#include "base/atomic.h"

enum gm_vq_desc_flags { GM_VQ_DESC_NEXT = 1, GM_VQ_DESC_WRITE = 2, GM_VQ_DESC_TABLE = 4 };

/* Where a walk is, and what it has so far. */
struct gm_vq_walk {
    struct gm_vq_table table;
    struct gm_vq_desc desc; /* loaded, and not taken yet */
    uint32_t index;         /* of desc */
    uint32_t steps;         /* descriptors that may be taken from here on: the bound of every walk */
    uint32_t own;           /* descriptors of the queue's own table, once the walk is in an indirect one; before, 0 */
    unsigned used;          /* entries of the room */
    unsigned write;         /* 1: it has turned from what the device reads to what it writes */
    unsigned readable;      /* entries then */
    uint64_t readable_len;  /* [bytes] then */
    uint64_t total;         /* [bytes]; at most 2^16 descriptors of 2^32 bytes: no overflow */
    uint16_t id;            /* packed: of the descriptor that names the indirect table */
};

enum gm_vq_stop { GM_VQ_LAST, GM_VQ_ASTRAY, GM_VQ_RARE };

GM_INLINE struct gm_vq_desc gm_vq_load(const uint64_t *near, uint32_t index)
{
    const uint64_t *words = near + (size_t)index * GM_VQ_DESC_WORDS;
    return gm_vq_desc_of(gm_load_relaxed(words), gm_load_relaxed(words + 1));
}

/* In the tables of packed queues only the direction counts, and every entry but the last goes on. */
GM_INLINE unsigned gm_vq_flags_of(const struct gm_vq_walk *walk, bool packed)
{
    if (!packed)
        return walk->desc.rest & 0xffff;
    unsigned flags = walk->desc.rest >> 16;
    if (walk->own == 0)
        return flags;
    return (flags & GM_VQ_DESC_WRITE) | (walk->index + 1 < walk->table.size ? GM_VQ_DESC_NEXT : 0U);
}

/* The index of the next descriptor; false when there is none such. */
GM_INLINE bool gm_vq_next(struct gm_vq_walk *walk, bool packed)
{
    if (packed) {
        uint32_t next = walk->index + 1;
        walk->index = next < walk->table.size ? next : 0;
        return true;
    }
    walk->index = walk->desc.rest >> 16;
    return walk->index < walk->table.size;
}

/* gm_translate_direct, which tells a refusal by the way that it leaves. */
GM_INLINE bool gm_vq_direct(const struct gm_view *view, gm_gpa addr, uint64_t len, unsigned rights, uint64_t *host)
{
    if (GM_UNLIKELY((addr >> GM_GIB_SHIFT) >= view->gib_count))
        return false;
    uint64_t leaf = gm_leaf_load(view, addr);
    *host = addr + (leaf & GM_LEAF_DELTA_MASK);
    return GM_LIKELY((leaf & (GM_LEAF_INDIRECT | rights)) == 0 && gm_block_holds(addr, len));
}

/* How many entries a run may fill. */
GM_INLINE unsigned gm_vq_limit(const struct gm_vq_walk *walk, const struct gm_vq_room *room)
{
    const unsigned left = room->count - walk->used;
    return walk->used + (left < walk->steps ? left : walk->steps);
}

/*
 * As many buffers of one direction as there are, each one entry, up to a limit; of a table that is near. Steps are not
 * counted here: they are as many as entries.
 */
GM_INLINE enum gm_vq_stop gm_vq_run(const struct gm_view *view, struct gm_vq_walk *walk, unsigned write, bool packed,
                                    unsigned limit, const struct gm_vq_room *room)
{
    for (;;) { /* bound: limit */
        const unsigned flags = gm_vq_flags_of(walk, packed);
        uint64_t host;
        if ((flags & (GM_VQ_DESC_TABLE | GM_VQ_DESC_WRITE)) != write * GM_VQ_DESC_WRITE ||
            GM_UNLIKELY(walk->used == limit))
            return GM_VQ_RARE;
        if (GM_UNLIKELY(!gm_vq_direct(view, walk->desc.addr, walk->desc.len, GM_READ + write, &host)))
            return GM_VQ_RARE;
        room->iov[walk->used].iov_base = (void *)(uintptr_t)host;
        room->iov[walk->used].iov_len = walk->desc.len;
        room->gpa[walk->used] = walk->desc.addr;
        walk->used++;
        walk->total += walk->desc.len;
        if ((flags & GM_VQ_DESC_NEXT) == 0)
            return GM_VQ_LAST;
        if (GM_UNLIKELY(!gm_vq_next(walk, packed)))
            return GM_VQ_ASTRAY;
        walk->desc = gm_vq_load(walk->table.near, walk->index);
    }
}

/* Into the indirect table that the descriptor names, to its first entry. 0 or -errno. */
GM_INLINE int gm_vq_enter(const struct gm_view *view, const struct gm_vq *vq, unsigned flags, bool packed,
                          struct gm_vq_walk *walk)
{
    struct gm_vq_table table;
    if (walk->own != 0 || (vq->flags & GM_VQ_INDIRECT) == 0 || (flags & GM_VQ_DESC_NEXT) != 0)
        return -EINVAL;
    if (packed && walk->steps != vq->size) /* there, an indirect table is alone in its chain */
        return -EINVAL;
    uint64_t host;
    if (GM_LIKELY(gm_vq_direct(view, walk->desc.addr, walk->desc.len, GM_READ, &host) &&
                  walk->desc.len % GM_VQ_DESC_SIZE == 0 && host % sizeof(uint64_t) == 0)) {
        table = (struct gm_vq_table){(const uint64_t *)(uintptr_t)host, 0, walk->desc.len / GM_VQ_DESC_SIZE};
    } else {
        struct gm_vq_table opened; /* has an address, which table has not */
        int error = gm_vq_table_open(view, walk->desc.addr, walk->desc.len, &opened);
        if (error != 0)
            return error;
        table = opened;
    }
    if (packed && table.size > vq->indirect_most)
        return -ELOOP;
    walk->own = vq->size - walk->steps + 1;
    walk->id = (uint16_t)walk->desc.rest;
    walk->table = table;
    walk->index = 0;
    walk->steps = table.size < vq->indirect_most ? table.size : vq->indirect_most;
    return 0;
}

/* The buffer that a run has left: whatever it takes. 0 or -errno. */
GM_INLINE int gm_vq_take_rare(const struct gm_view *view, struct gm_vq_walk *walk, const struct gm_vq_room *room)
{
    int pieces = gm_vq_pieces(view, walk->desc.addr, walk->desc.len, GM_READ + walk->write, room->iov + walk->used,
                              room->gpa + walk->used, room->count - walk->used);
    if (pieces < 0)
        return pieces;
    walk->used += (unsigned)pieces;
    walk->total += walk->desc.len;
    walk->steps--;
    return 0;
}

GM_INLINE void gm_vq_load_any(const struct gm_view *view, struct gm_vq_walk *walk)
{
    const gm_gpa far = walk->table.far + (uint64_t)walk->index * GM_VQ_DESC_SIZE;
    walk->desc = GM_LIKELY(walk->table.near != NULL) ? gm_vq_load(walk->table.near, walk->index)
                                                     : gm_vq_fetch_far(view, far);
}

GM_INLINE void gm_vq_turn(struct gm_vq_walk *walk)
{
    walk->write = 1;
    walk->readable = walk->used;
    walk->readable_len = walk->total;
}

/* Fills all of out but next; its id is meant for packed queues. */
GM_INLINE int gm_vq_finish(const struct gm_vq_walk *walk, unsigned descriptors, uint16_t id,
                           const struct gm_vq_room *room, struct gm_chain *out)
{
    const unsigned readable = walk->write != 0 ? walk->readable : walk->used;
    const uint64_t readable_len = walk->write != 0 ? walk->readable_len : walk->total;
    if (GM_UNLIKELY(walk->total > GM_VQ_CHAIN_BYTES_MOST))
        return -EMSGSIZE;
    out->readable = room->iov;
    out->writable = room->iov + readable;
    out->writable_gpa = room->gpa + readable;
    out->readable_count = readable;
    out->writable_count = walk->used - readable;
    out->readable_len = readable_len;
    out->writable_len = walk->total - readable_len;
    out->descriptors = descriptors;
    out->id = id;
    return 0;
}

GM_INLINE int gm_vq_finish_any(const struct gm_vq *vq, const struct gm_vq_walk *walk, const struct gm_vq_room *room,
                               struct gm_chain *out)
{
    if (walk->own != 0)
        return gm_vq_finish(walk, walk->own, walk->id, room, out);
    return gm_vq_finish(walk, vq->size - walk->steps, (uint16_t)walk->desc.rest, room, out);
}

/* The walk from wherever it is, through everything that is rare. 0 or -errno. */
GM_INLINE int gm_vq_walk_on(const struct gm_view *view, const struct gm_vq *vq, struct gm_vq_walk walk, bool packed,
                            const struct gm_vq_room *room, struct gm_chain *out)
{
    for (;;) { /* bound: walk.steps, of the queue's table and then of one indirect table; and one turn */
        int error = 0;
        enum gm_vq_stop why = GM_VQ_RARE;
        const unsigned before = walk.used, limit = gm_vq_limit(&walk, room);
        if (GM_LIKELY(walk.table.near != NULL))
            why = walk.write != 0 ? gm_vq_run(view, &walk, 1, packed, limit, room)
                                  : gm_vq_run(view, &walk, 0, packed, limit, room);
        walk.steps -= walk.used - before;
        if (why == GM_VQ_LAST)
            return gm_vq_finish_any(vq, &walk, room, out);
        if (GM_UNLIKELY(why == GM_VQ_ASTRAY))
            return -EINVAL;
        if (GM_UNLIKELY(walk.steps == 0))
            return -ELOOP;
        const unsigned flags = gm_vq_flags_of(&walk, packed);
        if ((flags & GM_VQ_DESC_TABLE) != 0) {
            error = gm_vq_enter(view, vq, flags, packed, &walk);
        } else if ((flags & GM_VQ_DESC_WRITE) != walk.write * GM_VQ_DESC_WRITE) {
            if (walk.write != 0)
                return -EINVAL;
            gm_vq_turn(&walk);
            continue;
        } else {
            error = gm_vq_take_rare(view, &walk, room);
            if (error == 0 && (flags & GM_VQ_DESC_NEXT) == 0)
                return gm_vq_finish_any(vq, &walk, room, out);
            if (error == 0 && !gm_vq_next(&walk, packed))
                return -EINVAL;
        }
        if (GM_UNLIKELY(error != 0))
            return error;
        gm_vq_load_any(view, &walk);
    }
}

/* gm_vq_walk_on as a function of its own; each kind of queue has one. */
typedef int gm_vq_rest(const struct gm_view *view, const struct gm_vq *vq, struct gm_vq_walk *walk,
                       const struct gm_vq_room *room, struct gm_chain *out);

/*
 * The chain that begins with a descriptor of the queue's own table, which is loaded: at index, and for packed queues
 * available. `indirect` says whether that names a table. What most chains are, buffers to read and then buffers to
 * write, all of them in one table, is taken here; rest does the others.
 */
GM_INLINE int gm_vq_walk_chain(const struct gm_view *view, const struct gm_vq *vq, uint32_t index,
                               struct gm_vq_desc desc, bool packed, bool indirect, gm_vq_rest *rest,
                               const struct gm_vq_room *room, struct gm_chain *out)
{
    _Static_assert(GM_READ == 1 && GM_WRITE == 2 && GM_VQ_DESC_WRITE == 2, "rights are made from the flag");
    struct gm_vq_walk walk = {
        .table = {vq->table.address, 0, vq->size}, .desc = desc, .index = index, .steps = vq->size};
    if (indirect) {
        int error = gm_vq_enter(view, vq, gm_vq_flags_of(&walk, packed), packed, &walk);
        if (GM_UNLIKELY(error != 0))
            return error;
        gm_vq_load_any(view, &walk);
    }
    if (!indirect || GM_LIKELY(walk.table.near != NULL)) {
        const unsigned limit = gm_vq_limit(&walk, room);
        enum gm_vq_stop why = gm_vq_run(view, &walk, 0, packed, limit, room);
        if (why == GM_VQ_RARE) {
            gm_vq_turn(&walk); /* where it does not turn, the next run ends at once */
            why = gm_vq_run(view, &walk, 1, packed, limit, room);
        }
        if (GM_LIKELY(why == GM_VQ_LAST))
            return gm_vq_finish(&walk, indirect ? 1 : walk.used, indirect ? walk.id : (uint16_t)walk.desc.rest, room,
                                out);
        if (GM_UNLIKELY(why == GM_VQ_ASTRAY))
            return -EINVAL;
        walk.write = walk.used != walk.readable;
        walk.steps -= walk.used;
    }
    struct gm_vq_walk far = walk; /* a copy has an address, and walk none */
    return rest(view, vq, &far, room, out);
}

/*
 * A chain of one buffer that is direct, as network devices have them, without what it takes to go on. False when it is
 * not that, or when there is anything to say against it; then nothing has been done. Fills all of out.
 */
GM_INLINE bool gm_vq_walk_single(const struct gm_view *view, struct gm_vq_desc desc, unsigned flags, uint16_t id,
                                 const struct gm_vq_room *room, struct gm_chain *out)
{
    const unsigned write = (flags & GM_VQ_DESC_WRITE) / GM_VQ_DESC_WRITE, read = 1 - write;
    uint64_t host;
    if ((flags & (GM_VQ_DESC_TABLE | GM_VQ_DESC_NEXT)) != 0 || GM_UNLIKELY(room->count == 0))
        return false;
    if (GM_UNLIKELY(!gm_vq_direct(view, desc.addr, desc.len, GM_READ + write, &host)))
        return false;
    room->iov->iov_base = (void *)(uintptr_t)host;
    room->iov->iov_len = desc.len;
    *room->gpa = desc.addr;
    *out = (struct gm_chain){.readable = room->iov,
                             .writable = room->iov + read,
                             .writable_gpa = room->gpa + read,
                             .readable_count = read,
                             .writable_count = write,
                             .readable_len = (uint64_t)desc.len * read,
                             .writable_len = (uint64_t)desc.len * write,
                             .descriptors = 1,
                             .id = id};
    return true;
}

#endif
