/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The system calls behind mem.h. errno is saved and restored: the library's contract is to leave it alone. */
#define _GNU_SOURCE
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/outcome.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#define HUGE_SHIFT 26 /* where MAP_HUGETLB and MFD_HUGETLB keep the size of the page */

#define MPOL_PREFERRED_MODE 1 /* MPOL_PREFERRED; <numaif.h> belongs to libnuma, which this layer does not need */

static int map(void *at, size_t size, int prot, int flags, int fd, uint64_t offset, void **out)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    void *address = mmap(at, size, prot, flags, fd, (off_t)offset);
    if (address != MAP_FAILED)
        *out = address;
    return outcome(saved, address != MAP_FAILED);
}

int gm_mem_reserve(size_t size, void **out)
{
    return map(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0, out);
}

int gm_mem_map_how(void *at, size_t size, int fd, uint64_t offset, unsigned how, unsigned huge_shift, void **out)
{
    unsigned flags = (how & GM_MEM_PRIVATE) != 0 ? MAP_PRIVATE : MAP_SHARED;
    if (fd < 0)
        flags = MAP_PRIVATE | MAP_ANONYMOUS;
    if ((how & GM_MEM_NORESERVE) != 0)
        flags |= MAP_NORESERVE;
    if (huge_shift != 0)
        flags |= MAP_HUGETLB | huge_shift << HUGE_SHIFT;
    if (at != NULL)
        flags |= MAP_FIXED;
    return map(at, size, PROT_READ | PROT_WRITE, (int)flags, fd, offset, out);
}

int gm_mem_map(void *at, size_t size, int fd, uint64_t offset, bool noreserve, void **out)
{
    return gm_mem_map_how(at, size, fd, offset, noreserve ? GM_MEM_NORESERVE : 0, 0, out);
}

int gm_mem_unmap_to_reservation(void *at, size_t size)
{
    void *ignored;
    return map(at, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0, &ignored);
}

int gm_mem_unmap(void *at, size_t size)
{
    int saved = errno;
    return outcome(saved, munmap(at, size) == 0);
}

int gm_mem_move(void *from, size_t size, void *to)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) != MAP_FAILED);
}

int gm_mem_advise(void *at, size_t size, int advice)
{
    int saved = errno;
    if (gm_fault_due())
        return -ENOMEM;
    return outcome(saved, madvise(at, size, advice) == 0);
}

int gm_mem_populate(void *at, size_t size)
{
    return gm_mem_advise(at, size, MADV_POPULATE_WRITE);
}

/* Advice is looked at before the range, and nothing is done about a range without length. */
bool gm_mem_can_populate(void)
{
    int saved = errno;
    bool can = madvise(NULL, 0, MADV_POPULATE_WRITE) == 0;
    errno = saved;
    return can;
}

int gm_mem_memfd_huge(const char *name, uint64_t size, unsigned huge_shift, int *fd_out)
{
    int saved = errno;
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    if (huge_shift != 0)
        flags |= MFD_HUGETLB | huge_shift << HUGE_SHIFT;
    if (gm_fault_due())
        return -ENOMEM;
    int fd = memfd_create(name, flags);
    if (fd < 0)
        return outcome(saved, false);
    errno = ENOMEM; /* what an injected failure reports */
    if (gm_fault_due() || ftruncate(fd, (off_t)size) != 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        int error = -errno;
        gm_mem_close(fd);
        errno = saved;
        return error;
    }
    *fd_out = fd;
    errno = saved;
    return 0;
}

int gm_mem_memfd(const char *name, uint64_t size, int *fd_out)
{
    return gm_mem_memfd_huge(name, size, 0, fd_out);
}

void gm_mem_close(int fd)
{
    int saved = errno;
    if (fd >= 0)
        close(fd);
    errno = saved;
}

void gm_mem_prefer_node(void *at, size_t size, int node)
{
    int saved = errno;
    unsigned long mask = 1ul << node;
    (void)syscall(SYS_mbind, at, size, MPOL_PREFERRED_MODE, &mask, sizeof(mask) * 8 + 1, 0);
    errno = saved;
}
