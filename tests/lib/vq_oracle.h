/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a chain should be, by a walker that reads guest memory one byte at a time and knows memory as a list of regions.
 * Written from the specification and from the contracts of virtqueue.h; shares no code with the library.
 */
#ifndef GM_TESTS_LIB_VQ_ORACLE_H
#define GM_TESTS_LIB_VQ_ORACLE_H

#include "lib/vq_world.h"

#define GMT_VQ_PIECES 512

struct gmt_vq_piece {
    gm_gpa gpa;
    uintptr_t host;
    uint64_t len;
};

struct gmt_vq_want {
    int error; /* 0 or -errno; the rest counts only without one */
    struct gmt_vq_piece piece[GMT_VQ_PIECES];
    unsigned count, readable;
    uint64_t bytes, readable_bytes;
    unsigned descriptors, id, next;
};

void gmt_vq_want_split(const struct gmt_vq_world *world, const struct gm_vq_config *config, unsigned head,
                       unsigned room, struct gmt_vq_want *out);
void gmt_vq_want_packed(const struct gmt_vq_world *world, const struct gm_vq_config *config, unsigned place,
                        unsigned room, struct gmt_vq_want *out);

/* NULL when the answer is the one that was wanted, else what is not. `before` is what out was filled with. */
const char *gmt_vq_differs(const struct gmt_vq_want *want, int error, const struct gm_chain *chain,
                           const struct gm_vq_room *room, const struct gm_chain *before);

#endif
