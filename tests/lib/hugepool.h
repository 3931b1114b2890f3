/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Huge pages reserved while a test runs. The pool is the machine's: tests take turns by a lock on its file, and put
 * back what they found.
 */
#ifndef GM_TESTS_LIB_HUGEPOOL_H
#define GM_TESTS_LIB_HUGEPOOL_H

#include "lib/cm.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

struct gmt_pool {
    unsigned shift;
    int lock;
    long before;
};

static inline void gmt_pool_path(unsigned shift, const char *file, char path[128])
{
    snprintf(path, 128, "/sys/kernel/mm/hugepages/hugepages-%lukB/%s", 1ul << (shift - 10), file);
}

/* One of the pool's counters: "nr_hugepages", "free_hugepages", "resv_hugepages"; -1: no such pool. */
static inline long gmt_pool_count(unsigned shift, const char *file)
{
    char path[128];
    long value = -1;
    gmt_pool_path(shift, file, path);
    FILE *stream = fopen(path, "r");
    if (stream == NULL)
        return -1;
    if (fscanf(stream, "%ld", &value) != 1)
        value = -1;
    fclose(stream);
    return value;
}

static inline bool gmt_pool_set(unsigned shift, long pages)
{
    char path[128];
    gmt_pool_path(shift, "nr_hugepages", path);
    FILE *stream = fopen(path, "w");
    if (stream == NULL)
        return false;
    bool ok = fprintf(stream, "%ld", pages) > 0;
    return fclose(stream) == 0 && ok;
}

static inline void gmt_pool_close(const struct gmt_pool *pool)
{
    (void)gmt_pool_set(pool->shift, pool->before);
    close(pool->lock);
}

/* So many free pages nobody has a claim on; false, and all as before: the machine does not give them. */
static inline bool gmt_pool_open(struct gmt_pool *pool, unsigned shift, long pages)
{
    char path[128];
    gmt_pool_path(shift, "nr_hugepages", path);
    *pool = (struct gmt_pool){.shift = shift, .lock = open(path, O_RDONLY | O_CLOEXEC)};
    if (pool->lock < 0)
        return false;
    if (flock(pool->lock, LOCK_EX) == 0) {
        pool->before = gmt_pool_count(shift, "nr_hugepages");
        long taken = pool->before - gmt_pool_count(shift, "free_hugepages") + gmt_pool_count(shift, "resv_hugepages");
        if (gmt_pool_set(shift, taken + pages) && gmt_pool_count(shift, "nr_hugepages") == taken + pages)
            return true;
        (void)gmt_pool_set(shift, pool->before);
    }
    close(pool->lock);
    return false;
}

/* Pages that are neither used nor promised. */
static inline long gmt_pool_left(const struct gmt_pool *pool)
{
    return gmt_pool_count(pool->shift, "free_hugepages") - gmt_pool_count(pool->shift, "resv_hugepages");
}

#endif
