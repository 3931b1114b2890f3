/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The system calls behind file.h; errno as in mem.c. */
#define _GNU_SOURCE
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/outcome.h"

static int descriptor(int saved, int fd, int *fd_out)
{
    if (fd >= 0)
        *fd_out = fd;
    return outcome(saved, fd >= 0);
}

int gm_file_open(const char *path, bool write, int *fd_out)
{
    int saved = errno;
    int flags = O_CLOEXEC | O_NONBLOCK | O_NOCTTY; /* a FIFO would wait for its other end; to files it is all one */
    if (gm_fault_due())
        return -ENOMEM;
    return descriptor(saved, open(path, (write ? O_RDWR : O_RDONLY) | flags), fd_out);
}

int gm_file_unnamed(const char *folder, int *fd_out)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return descriptor(saved, open(folder, O_TMPFILE | O_RDWR | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR), fd_out);
}

int gm_file_duplicate(int fd, int *fd_out)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return descriptor(saved, fcntl(fd, F_DUPFD_CLOEXEC, 0), fd_out);
}

int gm_file_status_get(int fd, struct gm_file_status *out)
{
    int saved = errno;
    struct stat file;
    struct statfs system;
    if (gm_fault_due())
        return -ENOMEM;
    if (fstat(fd, &file) != 0 || fstatfs(fd, &system) != 0)
        return outcome(saved, false);
    *out = (struct gm_file_status){
        .device = (uint64_t)file.st_dev,
        .inode = (uint64_t)file.st_ino,
        .size = (uint64_t)file.st_size,
        .block = (uint64_t)system.f_bsize,
        .regular = S_ISREG(file.st_mode),
        .in_memory = (uint32_t)system.f_type == TMPFS_MAGIC || (uint32_t)system.f_type == HUGETLBFS_MAGIC,
        .hugetlb = (uint32_t)system.f_type == HUGETLBFS_MAGIC,
    };
    return 0;
}

int gm_file_resize(int fd, uint64_t size)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, ftruncate(fd, (off_t)size) == 0);
}

int gm_file_punch(int fd, uint64_t offset, uint64_t size)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) == 0);
}

int gm_file_allocate(int fd, uint64_t offset, uint64_t size)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)size) == 0);
}

int gm_file_ioctl_fd(int fd, unsigned long request, void *argument, int *fd_out)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return descriptor(saved, ioctl(fd, request, argument), fd_out);
}
