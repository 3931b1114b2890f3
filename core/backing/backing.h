/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the rest of the library sees of host memory beyond the public interface. */
#ifndef GM_BACKING_BACKING_H
#define GM_BACKING_BACKING_H

#include <stdint.h>

#include "base/atomic.h"
#include "guestmem/backing.h"

struct gm_backing {
    gm_atomic_u64 holders;
    void *address;
    uint64_t size;
    void *reservation; /* what to unmap: more than the memory where it had to be aligned; NULL: the caller's */
    uint64_t reservation_size;
    int fd;
    unsigned flags; /* gm_backing_flags as asked for */
    void (*release)(void *argument);
    void *argument;
};

/* Tell the kernel what the flags say about memory that is mapped there. Returns 0 or -errno. */
int gm_backing_advise(unsigned flags, void *address, uint64_t size);

#endif
