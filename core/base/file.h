/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* System calls on files that memory is mapped from; the conventions of mem.h, and gm_mem_close closes. */
#ifndef GM_BASE_FILE_H
#define GM_BASE_FILE_H

#include <stdbool.h>
#include <stdint.h>

/* Read and write, or only read where the content is not to be changed. */
int gm_file_open(const char *path, bool write, int *fd_out);

/* A file in that folder which has no name and goes with its last descriptor. */
int gm_file_unnamed(const char *folder, int *fd_out);

/* Another descriptor of the same file, closed on exec. */
int gm_file_duplicate(int fd, int *fd_out);

struct gm_file_status {
    uint64_t device; /* with inode: which file it is */
    uint64_t inode;
    uint64_t size;
    uint64_t block;  /* [bytes] the file system's unit: for hugetlbfs its page */
    bool regular;
    bool in_memory;  /* pages live in memory and nowhere else: tmpfs, hugetlbfs */
    bool hugetlb;
};

int gm_file_status_get(int fd, struct gm_file_status *out);

int gm_file_resize(int fd, uint64_t size);

/* Give the pages back; the range reads as zeros. */
int gm_file_punch(int fd, uint64_t offset, uint64_t size);

/* Have the pages there. */
int gm_file_allocate(int fd, uint64_t offset, uint64_t size);

/* ioctl that answers with a descriptor. */
int gm_file_ioctl_fd(int fd, unsigned long request, void *argument, int *fd_out);

#endif
