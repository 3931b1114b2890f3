/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Descriptors, tables of them, and what of a walk is rare enough to be a call. */
#ifndef GM_VIRTQUEUE_TABLE_H
#define GM_VIRTQUEUE_TABLE_H

#include <stddef.h>

#include "guestmem/endian.h"
#include "guestmem/virtqueue.h"

#define GM_VQ_DESC_SIZE 16 /* [bytes] of a descriptor, two words */
#define GM_VQ_DESC_WORDS 2
#define GM_VQ_TABLE_REACH 65536 /* [descriptors] that an index of 16 bits can name */

/* What split and packed descriptors have in the same place, and the 32 bits that they have not. */
struct gm_vq_desc {
    gm_gpa addr;
    uint32_t len;
    uint32_t rest;
};

/* A table of descriptors that is being walked. */
struct gm_vq_table {
    const uint64_t *near; /* its words; NULL: not contiguous in host memory, or not aligned */
    gm_gpa far;           /* where it is then */
    uint32_t size;        /* [descriptors] */
};

/*
 * The buffer [addr, addr + len) that no single leaf word answers for: into iov and gpa, room entries each.
 * Returns how many it took; as gm_translate_iov, and -ENOBUFS for a room of 0.
 */
int gm_vq_pieces(const struct gm_view *view, gm_gpa addr, uint32_t len, unsigned rights, struct iovec *iov, gm_gpa *gpa,
                 size_t room);

/* One descriptor of a table that is not near, in one pass over its bytes. The view of gm_vq_table_open. */
struct gm_vq_desc gm_vq_fetch_far(const struct gm_view *view, gm_gpa at);

/* An indirect table: all of it that can be named can be read. Returns 0, -EINVAL (its length), or what gm_translate_why
 * says. */
int gm_vq_table_open(const struct gm_view *view, gm_gpa addr, uint32_t len, struct gm_vq_table *out);

/*
 * What follows is done only when all accesses before it were: one that faults may be left by a jump (recover.h), and
 * then the owner's state must not have moved on. The compiler alone has to be told: faults are precise.
 */
GM_INLINE void gm_vq_accessed(void)
{
    __asm__ volatile("" ::: "memory");
}

/* Why a table or ring of the queue is not there any more: never 0. */
int gm_vq_lost(const struct gm_view *view, const struct gm_handle *handle);

/* More than any descriptor or index is from another: what was given back before a queue was set up is not known. */
#define GM_VQ_FRESH_ALL (2 * (uint32_t)GM_VQ_SIZE_MOST)

/* A count of what is fresh, after so many more. */
GM_INLINE uint32_t gm_vq_fresher(uint32_t fresh, uint32_t more)
{
    return fresh + more < GM_VQ_FRESH_ALL ? fresh + more : GM_VQ_FRESH_ALL;
}

GM_INLINE struct gm_vq_desc gm_vq_desc_of(uint64_t first, uint64_t second)
{
    const uint64_t fields = gm_le64_get((gm_le64){second});
    return (struct gm_vq_desc){gm_le64_get((gm_le64){first}), (uint32_t)fields, (uint32_t)(fields >> 32)};
}

#endif
