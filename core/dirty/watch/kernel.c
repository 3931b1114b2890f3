/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The system calls behind dirty/watch/kernel.h. errno is saved and restored: the library leaves it alone. */
#define _GNU_SOURCE
#include "dirty/watch/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/mem.h"
#include "base/outcome.h"
#include "dirty/watch/uapi.h"

#define FEATURES                                                                              \
    (UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |                       \
     UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC)

static int control(int fd, unsigned long what, void *arg)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, ioctl(fd, what, arg) >= 0);
}

int gm_watch_mapped(uint64_t start, uint64_t len)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    int error = outcome(saved, msync((void *)(uintptr_t)start, len, MS_ASYNC) == 0); /* does nothing but look */
    return error == -ENOMEM ? -EFAULT : error;
}

/* Faults of the kernel itself are not left to user space in this mode either: the restriction to those of user mode
 * takes nothing away, and spares the privilege. */
static int open_userfaultfd(int *fd_out)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    int fd = (int)syscall(SYS_userfaultfd, O_CLOEXEC | UFFD_USER_MODE_ONLY);
    if (fd >= 0)
        *fd_out = fd;
    int error = outcome(saved, fd >= 0);
    return error == -ENOSYS || error == -EINVAL ? -EOPNOTSUPP : error;
}

int gm_watch_open(int *fd_out)
{
    struct uffdio_api api = {.api = UFFD_API, .features = FEATURES};
    int fd = -1;
    int error = open_userfaultfd(&fd);
    if (error != 0)
        return error;
    error = control(fd, UFFDIO_API, &api);
    if (error != 0)
        gm_mem_close(fd);
    else
        *fd_out = fd;
    return error == -EINVAL ? -EOPNOTSUPP : error;
}

/* Of the operations on a range only hugetlb memory lacks the one that maps zeroes. */
int gm_watch_register(int fd, uint64_t start, uint64_t len, bool *huge)
{
    struct uffdio_register range = {.range = {start, len}, .mode = UFFDIO_REGISTER_MODE_WP};
    int error = control(fd, UFFDIO_REGISTER, &range);
    if (error == 0)
        *huge = (range.ioctls >> _UFFDIO_ZEROPAGE & 1) == 0;
    return error;
}

void gm_watch_unregister(int fd, uint64_t start, uint64_t len)
{
    int saved = errno;
    struct uffdio_range range = {start, len};
    (void)ioctl(fd, UFFDIO_UNREGISTER, &range); /* fails where nothing is mapped any more */
    errno = saved;
}

int gm_watch_protect(int fd, uint64_t start, uint64_t len)
{
    struct uffdio_writeprotect range = {.range = {start, len}, .mode = UFFDIO_WRITEPROTECT_MODE_WP};
    return control(fd, UFFDIO_WRITEPROTECT, &range);
}

static int scan_pages(int fd, struct pm_scan_arg *arg)
{
    arg->size = sizeof(*arg);
    arg->category_mask = arg->return_mask = PAGE_IS_WRITTEN;
    return control(fd, PAGEMAP_SCAN, arg);
}

int gm_watch_open_map(int *fd_out)
{
    struct pm_scan_arg nothing = {.vec_len = 0};
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    int error = outcome(saved, fd >= 0);
    if (error != 0)
        return error == -ENOENT ? -EOPNOTSUPP : error == -EACCES ? -EPERM : error;
    error = scan_pages(fd, &nothing);
    if (error != 0)
        gm_mem_close(fd);
    else
        *fd_out = fd;
    return error == -ENOTTY || error == -EINVAL ? -EOPNOTSUPP : error;
}

/* After an error the kernel does not say how much it has found and protected before: it shows in what was zero. */
int gm_watch_scan(int fd, struct gm_watch_scan *scan)
{
    struct pm_scan_arg arg = {.flags = PM_SCAN_WP_MATCHING | PM_SCAN_CHECK_WPASYNC,
                              .start = scan->start,
                              .end = scan->end,
                              .vec = (uintptr_t)scan->found,
                              .vec_len = scan->room,
                              .max_pages = scan->pages_most};
    memset(scan->found, 0, scan->room * sizeof(scan->found[0]));
    int error = scan_pages(fd, &arg);
    for (scan->count = 0; scan->count < scan->room && scan->found[scan->count].end != 0;)
        scan->count++;
    if (error == 0 && arg.walk_end <= scan->start) /* a page that is cut: not those that were watched */
        error = -ESTALE;
    if (error == 0)
        scan->start = arg.walk_end;
    return error == -EPERM ? -ESTALE : error;
}
