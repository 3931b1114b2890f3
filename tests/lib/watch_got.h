/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* For tests of write watches: memory of several kinds, a watch, and what was handed out. */
#ifndef GM_TESTS_LIB_WATCH_GOT_H
#define GM_TESTS_LIB_WATCH_GOT_H

#include "lib/cm.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <guestmem/watch.h>

#include "lib/skip.h"

#define PAGE UINT64_C(4096)
#define HUGE_PAGE (UINT64_C(2) << 20)
#define MOST 2000

struct got {
    struct gm_dirty_range range[MOST]; /* in pages */
    size_t count, calls;
};

static const struct gm_watch_request whole = {.len = UINT64_MAX};

static inline size_t map_of(uint64_t len, int fd, int flags, volatile unsigned char **out)
{
    void *memory = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, fd, 0);
    if (memory == MAP_FAILED)
        return 0;
    *out = memory;
    return len;
}

static inline volatile unsigned char *anonymous(uint64_t len)
{
    volatile unsigned char *memory = NULL;
    assert_true(map_of(len, -1, MAP_PRIVATE | MAP_ANONYMOUS, &memory));
    return memory;
}

static inline int file_of(uint64_t len)
{
    int fd = memfd_create("watch", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)len), 0);
    return fd;
}

static inline volatile unsigned char *shared(uint64_t len, int fd)
{
    volatile unsigned char *memory = NULL;
    assert_true(map_of(len, fd, MAP_SHARED, &memory));
    return memory;
}

static inline void unmap(volatile unsigned char *memory, uint64_t len)
{
    assert_int_equal(munmap((void *)(uintptr_t)memory, len), 0);
}

static inline struct gm_watch *watch_over(volatile unsigned char *memory, uint64_t len)
{
    struct gm_watch *watch = NULL;
    assert_result(gm_watch_create((void *)(uintptr_t)memory, len, &watch), 0);
    assert_non_null(watch);
    return watch;
}

static inline void take(void *arg, const struct gm_dirty_range *ranges, size_t count)
{
    struct got *got = arg;
    assert_true(count >= 1);
    got->calls++;
    for (size_t i = 0; i < count; i++) {
        assert_true(got->count < MOST);
        assert_true(ranges[i].len != 0 && ranges[i].len % PAGE == 0 && ranges[i].first % PAGE == 0);
        got->range[got->count++] = (struct gm_dirty_range){ranges[i].first / PAGE, ranges[i].len / PAGE};
    }
}

static inline uint64_t harvest(struct gm_watch *watch, const struct gm_watch_request *request, struct got *got)
{
    uint64_t next = 1;
    got->count = got->calls = 0;
    assert_result(gm_watch_harvest(watch, request, take, got, &next), 0);
    for (size_t i = 1; i < got->count; i++)
        assert_true(got->range[i].first >= got->range[i - 1].first + got->range[i - 1].len);
    return next;
}

static inline void assert_ranges(struct gm_watch *watch, const uint64_t (*want)[2], size_t count)
{
    struct got got;
    assert_int_equal(harvest(watch, &whole, &got), UINT64_MAX);
    assert_int_equal(got.count, count);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(got.range[i].first, want[i][0]);
        assert_int_equal(got.range[i].len, want[i][1]);
    }
}

/* A harvest of all there is hands out these ranges of pages: {first, how many}. */
#define ASSERT_WRITTEN(watch, ...) \
    assert_ranges(watch, (const uint64_t[][2]){__VA_ARGS__}, sizeof((const uint64_t[][2]){__VA_ARGS__}) / 16)

static inline void assert_nothing(struct gm_watch *watch)
{
    assert_ranges(watch, NULL, 0);
}

/* To be called first: ends the program where the kernel, or who confines us, has no write watches. */
static inline void need_watches(void)
{
    volatile unsigned char *memory = anonymous(PAGE);
    struct gm_watch *watch = NULL;
    int error = gm_watch_create((void *)(uintptr_t)memory, PAGE, &watch);
    if (error == -EOPNOTSUPP || error == -EPERM)
        gmt_skip(error == -EPERM ? "userfaultfd is not permitted" : "the kernel has no asynchronous write protection");
    gm_watch_destroy(watch);
    unmap(memory, PAGE);
}

#endif
