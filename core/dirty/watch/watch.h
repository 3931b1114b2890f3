/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* A write watch: a range of this process's memory, and the two files through which the kernel is asked. */
#ifndef GM_DIRTY_WATCH_WATCH_H
#define GM_DIRTY_WATCH_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct gm_watch {
    uint64_t start, len; /* [bytes] */
    uint64_t page;       /* [bytes] 4096, or that of hugetlb memory */
    bool registered;     /* older kernels let a userfaultfd unregister what belongs to another */
    int fault_fd;        /* the userfaultfd, which holds the registration */
    int map_fd;          /* the page map, which is scanned */
};

#endif
