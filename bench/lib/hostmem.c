/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Asks for pages of a size, and looks into smaps for what came of it: transparent huge pages are a wish. */
#include "hostmem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "internal.h"

#define PAGE_2M ((size_t)2 << 20)
#define PAGE_1G ((size_t)1 << 30)
#define HUGE_2M (21U << 26) /* MAP_HUGE_2MB, MAP_HUGE_1GB: the exponent, in the upper bits of the flags */
#define HUGE_1G (30U << 26)
#define ENOUGH_PERCENT 95 /* of the memory in transparent huge pages, or the row is not about them */

static size_t up(size_t value, size_t unit)
{
    return (value + unit - 1) / unit * unit;
}

/* AnonHugePages of the mapping that begins there. [bytes] */
static size_t huge_bytes(const void *at)
{
    char line[512];
    int inside = 0;
    size_t kib = 0;
    FILE *file = fopen("/proc/self/smaps", "re");

    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        unsigned long from, to;
        if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
            inside = from <= (uintptr_t)at && (uintptr_t)at < to;
        else if (inside && sscanf(line, "AnonHugePages: %zu kB", &kib) == 1)
            break;
    }
    if (file != NULL)
        fclose(file);
    return kib << 10;
}

static int map(struct bench_hostmem *memory, enum bench_pages pages, size_t size)
{
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;

    if (pages == BENCH_PAGES_2M)
        flags |= MAP_HUGETLB | (int)HUGE_2M;
    else if (pages == BENCH_PAGES_1G)
        flags |= MAP_HUGETLB | (int)HUGE_1G;
    memory->size = up(size, pages == BENCH_PAGES_1G ? PAGE_1G : PAGE_2M);
    memory->mapping_size = memory->size + ((flags & MAP_HUGETLB) != 0 ? 0 : PAGE_2M);
    memory->mapping = mmap(NULL, memory->mapping_size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (memory->mapping == MAP_FAILED) {
        int result = -errno;
        *memory = (struct bench_hostmem){0};
        return result;
    }
    memory->base = (char *)memory->mapping;
    if ((flags & MAP_HUGETLB) == 0)
        memory->base += up((uintptr_t)memory->mapping, PAGE_2M) - (uintptr_t)memory->mapping;
    return 0;
}

static int refuse(struct bench_hostmem *memory, int code, char *error, size_t error_size, const char *why)
{
    bench_hostmem_close(memory);
    return bench_fail(error, error_size, code, "not available: %s", why);
}

int bench_hostmem_open(struct bench_hostmem *memory, enum bench_pages pages, size_t size, char *error,
                       size_t error_size)
{
    int huge = pages == BENCH_PAGES_2M || pages == BENCH_PAGES_1G, result;

    *memory = (struct bench_hostmem){0};
    result = map(memory, pages, size);
    if (result != 0 && huge)
        return refuse(memory, -ENOTSUP, error, error_size,
                      pages == BENCH_PAGES_2M ? "no huge pages of 2 MiB reserved (sysctl vm.nr_hugepages)"
                                              : "no huge pages of 1 GiB reserved (hugepagesz=1G hugepages=N)");
    if (result != 0)
        return refuse(memory, result, error, error_size, strerror(-result));
    if (!huge && madvise(memory->base, memory->size, pages == BENCH_PAGES_THP ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) != 0)
        return refuse(memory, -ENOTSUP, error, error_size, "this kernel has no transparent huge pages");
    memset(memory->base, 1, memory->size);
    if (pages == BENCH_PAGES_THP && huge_bytes(memory->base) < memory->size / 100 * ENOUGH_PERCENT)
        return refuse(memory, -ENOTSUP, error, error_size, "the kernel gave too few transparent huge pages");
    return 0;
}

void bench_hostmem_close(struct bench_hostmem *memory)
{
    if (memory->mapping != NULL)
        munmap(memory->mapping, memory->mapping_size);
    *memory = (struct bench_hostmem){0};
}
