/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Passes over rings: ours chain by chain, a ring at once, packed; and the floor. */
#include "virtqueue.h"

#include <stdlib.h>

#define ROOM 4096
#define CHAINS 256 /* of a ring at most */

struct vq_ours {
    const struct vq_rings *rings;
    struct gm_vq *vq;
    struct gm_chain chain[CHAINS];
    struct iovec iov[ROOM];
    gm_gpa gpa[ROOM];
};

/* The sum of the hosts; 0 when a guest address that is kept beside an iovec is not its own. */
static uint64_t look_at(const struct vq_ours *ours, const struct gm_chain *chain)
{
    const unsigned count = chain->readable_count + chain->writable_count;
    const size_t first = (size_t)(chain->readable - ours->iov);
    uint64_t sum = 0;

    for (size_t i = first; i < first + count; i++) {
        if (bench_oracle(ours->rings->layout, ours->gpa[i], 1) != (uintptr_t)ours->iov[i].iov_base)
            return 0;
        sum += (uintptr_t)ours->iov[i].iov_base;
    }
    return sum;
}

static inline uint64_t answer(const struct vq_ours *ours, const struct gm_chain *chain, int look)
{
    return __builtin_expect(look, 0) ? look_at(ours, chain) : chain->readable_len + chain->writable_len;
}

/* The available ring, as a device reads it: the index with acquire, then heads. */
static const uint16_t *heads_of(const struct vq_rings *rings, const struct bench_vq_ring *ring, unsigned *count)
{
    const uint16_t *avail = (const uint16_t *)bench_oracle(rings->layout, ring->avail, 1);

    *count = __atomic_load_n(&avail[1], __ATOMIC_ACQUIRE);
    return avail + 2;
}

uint64_t vq_ours_call(void *self, int look)
{
    struct vq_ours *ours = self;
    const struct gm_vq_room room = {ours->iov, ours->gpa, ROOM};
    const struct gm_view *view = gm_pin(ours->rings->space.space);
    uint64_t sum = 0;

    for (size_t i = 0; i < ours->rings->count; i++) {
        unsigned count;
        const uint16_t *heads = heads_of(ours->rings, &ours->rings->ring[i], &count);
        for (unsigned j = 0; j < count; j++) {
            if (gm_vq_chain(view, &ours->vq[i], __atomic_load_n(&heads[j], __ATOMIC_RELAXED), &room, ours->chain) != 0)
                break;
            bench_keep(ours->iov);
            sum += answer(ours, ours->chain, look);
        }
    }
    (void)gm_unpin();
    return sum;
}

uint64_t vq_ours_batch(void *self, int look)
{
    struct vq_ours *ours = self;
    const struct gm_vq_room room = {ours->iov, ours->gpa, ROOM};
    const struct gm_view *view = gm_pin(ours->rings->space.space);
    uint64_t sum = 0;

    for (size_t i = 0; i < ours->rings->count; i++) {
        unsigned count;
        const uint16_t *heads = heads_of(ours->rings, &ours->rings->ring[i], &count);
        int done = gm_vq_chains(view, &ours->vq[i], heads, count, &room, ours->chain);
        bench_keep(ours->iov);
        for (int j = 0; j < done; j++)
            sum += answer(ours, &ours->chain[j], look);
    }
    (void)gm_unpin();
    return sum;
}

uint64_t vq_ours_packed(void *self, int look)
{
    struct vq_ours *ours = self;
    const struct gm_vq_room room = {ours->iov, ours->gpa, ROOM};
    const struct gm_view *view = gm_pin(ours->rings->space.space);
    uint64_t sum = 0;

    for (size_t i = 0; i < ours->rings->count; i++) {
        uint16_t at = GM_VQ_PACKED_START;
        for (unsigned j = 0; j < ours->rings->ring[i].chains; j++) {
            if (gm_vq_packed_chain(view, &ours->vq[i], at, &room, ours->chain) != 0)
                break;
            at = ours->chain->next;
            bench_keep(ours->iov);
            sum += answer(ours, ours->chain, look);
        }
    }
    (void)gm_unpin();
    return sum;
}

/* One 16-byte load, a bounds check, one addition, and the iovec: right for one range, and the least there is. */
uint64_t vq_floor(void *self, int look)
{
    static struct iovec iov[CHAINS];
    const struct vq_rings *rings = self;
    const struct bench_ram *first = &rings->layout->ram[0], *last = &rings->layout->ram[rings->layout->ram_count - 1];
    const uint64_t delta = first->hva - first->gpa, end = last->gpa + last->size;
    uint64_t sum = 0;

    (void)look;
    for (size_t i = 0; i < rings->buffers; i++) {
        uint64_t address = rings->flat[i][0], len = (uint32_t)rings->flat[i][1];
        if (__builtin_expect(address + len > end, 0))
            continue;
        iov[i % CHAINS].iov_base = (void *)(uintptr_t)(address + delta);
        iov[i % CHAINS].iov_len = len;
        bench_keep(iov);
        sum += len;
    }
    return sum;
}

static int open_queues(struct vq_ours *ours, const struct gm_view *view)
{
    const struct vq_rings *rings = ours->rings;

    for (size_t i = 0; i < rings->count; i++) {
        const struct gm_vq_config config = {.desc = rings->ring[i].desc,
                                            .size = rings->ring[i].size,
                                            .flags = GM_VQ_INDIRECT | (rings->packed ? GM_VQ_PACKED : 0U),
                                            .indirect_most = GM_VQ_SIZE_MOST};
        if (gm_vq_init(view, &config, &ours->vq[i]) != 0)
            return -1;
    }
    return 0;
}

struct vq_ours *vq_ours_new(const struct vq_rings *rings)
{
    struct vq_ours *ours = calloc(1, sizeof(*ours));
    const struct gm_view *view = gm_pin(rings->space.space);

    if (ours != NULL) {
        ours->rings = rings;
        ours->vq = calloc(rings->count, sizeof(*ours->vq));
        if (ours->vq == NULL || view == NULL || open_queues(ours, view) != 0) {
            vq_ours_free(ours);
            ours = NULL;
        }
    }
    if (view != NULL)
        (void)gm_unpin();
    return ours;
}

void vq_ours_free(struct vq_ours *ours)
{
    if (ours == NULL)
        return;
    free(ours->vq);
    free(ours);
}
