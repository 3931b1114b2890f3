/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The system calls of a write watch. They return 0 or the -errno that the public header has for it, leave errno alone,
 * and can be made to fail by base/fault.h.
 */
#ifndef GM_DIRTY_WATCH_KERNEL_H
#define GM_DIRTY_WATCH_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct page_region; /* uapi.h */

/* Is all of the range mapped? -EFAULT: no. */
int gm_watch_mapped(uint64_t start, uint64_t len);

/* A userfaultfd for asynchronous write protection, of this process. */
int gm_watch_open(int *fd_out);

/* Put the range under it. *huge: some of it is hugetlb memory. */
int gm_watch_register(int fd, uint64_t start, uint64_t len, bool *huge);
void gm_watch_unregister(int fd, uint64_t start, uint64_t len);

/* Protect the range, also where it was never touched; -EINVAL: not made of whole pages. */
int gm_watch_protect(int fd, uint64_t start, uint64_t len);

/* This process's page map, if it can be scanned. */
int gm_watch_open_map(int *fd_out);

/* One call for written pages; they are protected again. */
struct gm_watch_scan {
    uint64_t start, end;       /* where to look; start comes back as where to go on */
    uint64_t pages_most;       /* of 4 KiB; 0: no limit */
    struct page_region *found; /* [room] */
    size_t room, count;        /* count: how many there are, also after an error */
};

int gm_watch_scan(int fd, struct gm_watch_scan *scan);

#endif
