/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the rest of the library sees of host memory beyond the public interface. */
#ifndef GM_BACKING_BACKING_H
#define GM_BACKING_BACKING_H

#include <stdint.h>

#include "base/atomic.h"
#include "guestmem/backing_create.h"

struct gm_backing {
    gm_atomic_u64 holders;
    gm_atomic_u64 size; /* changed by resize, last of all it does */
    uint64_t size_most; /* 0: never resized */
    void *address;      /* NULL: no mapping on the host */
    void *reservation;  /* what to unmap: more than the memory where it had to be aligned; NULL: the caller's */
    uint64_t reservation_size;
    uint64_t offset; /* of the first byte in fd */
    int fd;
    unsigned flags; /* gm_backing_flags as asked for */
    unsigned page_shift;
    enum gm_backing_kind kind;
    enum gm_numa_policy numa_policy;
    uint64_t numa_nodes;
    void (*release)(void *argument);
    void *argument;
};

static inline uint64_t gm_backing_page(const struct gm_backing *backing)
{
    return UINT64_C(1) << backing->page_shift;
}

/* Tell the kernel what the flags say about memory that is mapped there. Returns 0 or -errno. */
int gm_backing_advise(unsigned flags, void *address, uint64_t size);

/*
 * May this part be a region at that host address, by a second mapping? Returns 0; -EOPNOTSUPP (that would be other
 * memory); -EINVAL (a huge page would be cut).
 */
int gm_backing_check_second(const struct gm_backing *backing, uint64_t offset, const void *at, uint64_t size);

/* Map the part there a second time. Returns 0 or -errno. */
int gm_backing_map_second(const struct gm_backing *backing, uint64_t offset, void *at, uint64_t size);

/*
 * A manner: a backing of the kind ANONYMOUS that is never mapped itself, and says how memory is made that somebody maps
 * in a place of his own. Returns 0; -ENOMEM; what gm_backing_possible says; -EOPNOTSUPP (another kind; alignment,
 * guards or room to grow, which are a matter of the place).
 */
int gm_backing_manner(const struct gm_backing_config *config, uint64_t size, struct gm_backing **out);

/* Anonymous memory in a given place; NULL: no swap is charged, and no policy. Returns 0 or -errno. */
int gm_backing_map_anonymous(const struct gm_backing *manner, void *at, uint64_t size);

struct gm_prefault;

/* gm_backing_prefault of memory of a backing, or anonymous (NULL), by where it is mapped. */
int gm_backing_prefault_at(const struct gm_backing *backing, void *at, uint64_t size, const struct gm_prefault *how,
                           uint64_t *done);

#endif
