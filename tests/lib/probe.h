/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What the kernel says of memory that is mapped here: smaps, numa_maps, mincore, pagemap, and whether it faults. */
#ifndef GM_TESTS_LIB_PROBE_H
#define GM_TESTS_LIB_PROBE_H

#include "lib/cm.h"

#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct gmt_smaps {
    uintptr_t start, end;
    uint64_t rss, anon_huge, page; /* KiB */
    char flags[512];
};

/* The mapping that holds an address; false: none does. */
static inline bool gmt_smaps_of(const void *address, struct gmt_smaps *out)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    char line[512];
    bool inside = false, found = false;
    struct gmt_smaps entry = {0};
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2) {
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
            if (inside) {
                entry = (struct gmt_smaps){.start = start, .end = end};
                found = true;
            }
        } else if (inside) {
            (void)sscanf(line, "Rss: %" SCNu64, &entry.rss);
            (void)sscanf(line, "AnonHugePages: %" SCNu64, &entry.anon_huge);
            (void)sscanf(line, "KernelPageSize: %" SCNu64, &entry.page);
            if (strncmp(line, "VmFlags:", 8) == 0)
                snprintf(entry.flags, sizeof(entry.flags), "%s", line + 8);
        }
    }
    fclose(file);
    *out = entry;
    return found;
}

/* A flag of two letters, as in smaps. */
static inline bool gmt_has_vm_flag(const void *address, const char *flag)
{
    struct gmt_smaps entry;
    char padded[8];
    assert_true(gmt_smaps_of(address, &entry));
    snprintf(padded, sizeof(padded), " %s", flag);
    return strstr(entry.flags, padded) != NULL;
}

/* The policy in numa_maps of the mapping that starts at an address. */
static inline void gmt_numa_policy(const void *address, char policy[64])
{
    FILE *file = fopen("/proc/self/numa_maps", "r");
    char line[4096];
    policy[0] = '\0';
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) != NULL) {
        uintptr_t start;
        char word[64];
        if (sscanf(line, "%" SCNxPTR " %63s", &start, word) == 2 && start == (uintptr_t)address)
            memcpy(policy, word, sizeof(word));
    }
    fclose(file);
}

/* How many small pages of a range are in memory; for private memory, which mincore looks through, see below. */
static inline uint64_t gmt_resident(const void *address, uint64_t size)
{
    uint64_t count = 0, pages = size / 4096;
    unsigned char *there = malloc(pages);
    assert_non_null(there);
    assert_int_equal(mincore((void *)(uintptr_t)address, size, there), 0);
    for (uint64_t i = 0; i < pages; i++)
        count += there[i] & 1;
    free(there);
    return count;
}

/* How many small pages of a range this process has in its page table. */
static inline uint64_t gmt_present(const void *address, uint64_t size)
{
    uint64_t count = 0, entry;
    FILE *file = fopen("/proc/self/pagemap", "r");
    assert_non_null(file);
    assert_int_equal(fseeko(file, (off_t)((uintptr_t)address / 4096 * 8), SEEK_SET), 0);
    for (uint64_t i = 0; i < size / 4096; i++) {
        assert_int_equal(fread(&entry, sizeof(entry), 1, file), 1);
        count += entry >> 63;
    }
    fclose(file);
    return count;
}

/* The signal that a child gets who touches the byte; 0: none. */
static inline int gmt_touch(volatile unsigned char *byte, bool write)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer's handler would end it otherwise */
        (void)signal(SIGBUS, SIG_DFL);
        unsigned char value = *byte;
        if (write)
            *byte = value;
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

#endif
