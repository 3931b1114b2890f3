/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Recorded chains put back into virtqueues in guest memory, and those who walk them. */
#ifndef BENCH_VIRTQUEUE_H
#define BENCH_VIRTQUEUE_H

#include "cases.h"

#include "../lib/trace.h"

#define VQ_ANY_QUEUE (-1)
#define VQ_DESC 16 /* [bytes] of a descriptor, and of an entry of an indirect table */

struct vq_rings {
    struct bench_layout *layout;
    struct bench_space space;
    struct bench_vq_ring *ring;
    size_t count;
    uint64_t (*flat)[2]; /* all buffers' descriptors in order, for the floor: address; length and flags */
    size_t buffers;      /* what an operation is */
    uint64_t hosts, bytes; /* of all of them: what a pass answers */
    uint64_t at, end;      /* guest memory for the rings */
    int packed;
};

/*
 * Put the chains of one queue of the trace, or of all, into as many rings as they fill, each full or nearly so, in the
 * memory that the layout at this path describes. Descriptors of a ring are taken in a random order, as they are after
 * long use. Tables and rings are at the end of the layout's largest RAM, not where they were: samples share places.
 * Returns 0; -ENOSPC (no chains of that queue, or no room for them); -EINVAL and others with a message.
 */
int vq_rings_build(struct vq_rings *rings, const struct bench_trace *trace, int queue, int packed,
                   const char *layout_path, char *error, size_t error_size);
void vq_rings_free(struct vq_rings *rings); /* also after an error, and when nothing was built */

/* Ours in the forms that rows ask for, and the least that a loop over the same descriptors can do. */
typedef uint64_t vq_pass(void *self, int look);

struct vq_ours;
struct vq_ours *vq_ours_new(const struct vq_rings *rings); /* NULL: no memory, or a chain is refused */
void vq_ours_free(struct vq_ours *ours);
vq_pass vq_ours_call, vq_ours_batch, vq_ours_packed;
vq_pass vq_floor; /* its self is the rings */

/* ../competitors/vq_libvhost.c: after how libvhost-user walks a queue. */
extern const struct bench_vq_peer bench_vq_libvhost_like;

#endif
