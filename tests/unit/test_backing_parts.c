/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What the interface does not show where the kernel is new: touching instead of populating. And the seam of system
 * calls on files: each is one step, and errno stays as it was.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memfd_create */
#endif

#include "lib/cm.h"
#include "lib/probe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/ioctl.h>

#include "backing/prefault.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/mem.h"
#include "guestmem/guestmem.h"

#define SIZE (UINT64_C(4) << 20)

static void touching_brings_pages_and_changes_none(void **state)
{
    (void)state;
    void *memory = NULL;
    assert_result(gm_mem_map(NULL, SIZE, -1, 0, false, &memory), 0);
    assert_int_equal(madvise(memory, SIZE, MADV_NOHUGEPAGE), 0);
    for (uint64_t at = 0; at < SIZE; at += 5 * GM_PAGE_SIZE)
        *((unsigned char *)memory + at) = 0xa5;
    gm_prefault_touch(memory, SIZE / 2, GM_PAGE_SIZE);
    assert_int_equal(gmt_present(memory, SIZE / 2), SIZE / 2 / GM_PAGE_SIZE);
    assert_true(gmt_present((char *)memory + SIZE / 2, SIZE / 2) < SIZE / 4 / GM_PAGE_SIZE);
    for (uint64_t at = 0; at < SIZE; at += GM_PAGE_SIZE)
        assert_int_equal(*((unsigned char *)memory + at), at % (5 * GM_PAGE_SIZE) == 0 ? 0xa5 : 0);
    assert_result(gm_mem_unmap(memory, SIZE), 0);
}

static atomic_bool end;

static uint64_t counted; /* the thread's own, read after it has been joined */

static void *count_up(void *word)
{
    for (; !atomic_load(&end); counted++)
        atomic_fetch_add((_Atomic uint64_t *)word, 1);
    return NULL;
}

/* A read and a plain write back would lose what is counted between them. */
static void touching_loses_no_write(void **state)
{
    (void)state;
    void *memory = NULL;
    pthread_t thread;
    assert_result(gm_mem_map(NULL, SIZE, -1, 0, false, &memory), 0);
    _Atomic uint64_t *word = memory;
    assert_int_equal(pthread_create(&thread, NULL, count_up, memory), 0);
    while (atomic_load(word) == 0) /* it runs */
        continue;
    uint64_t last = 0;
    for (unsigned i = 0, changes = 0; i < 200000000 && changes < 300000; i++) { /* until the two really meet */
        gm_prefault_touch(memory, GM_PAGE_SIZE, GM_PAGE_SIZE);
        uint64_t value = atomic_load(word);
        changes += value != last;
        last = value;
    }
    atomic_store(&end, true);
    pthread_join(thread, NULL);
    assert_true(atomic_load(word) == counted);
    assert_result(gm_mem_unmap(memory, SIZE), 0);
}

static void populating_is_known_or_not(void **state)
{
    (void)state;
    void *memory = NULL;
    assert_result(gm_mem_map(NULL, SIZE, -1, 0, false, &memory), 0);
    errno = 1234;
    bool can = gm_mem_can_populate();
    assert_result(gm_mem_populate(memory, SIZE), can ? 0 : -EINVAL);
    assert_int_equal(errno, 1234);
    if (can)
        assert_int_equal(gmt_present(memory, SIZE), SIZE / GM_PAGE_SIZE);
    assert_result(gm_mem_unmap(memory, SIZE), 0);
}

static int file;

static int open_path(int *fd) { return gm_file_open("/dev/shm", false, fd); }
static int open_unnamed(int *fd) { return gm_file_unnamed("/dev/shm", fd); }
static int duplicate(int *fd) { return gm_file_duplicate(file, fd); }
static int punch(int *fd) { (void)fd; return gm_file_punch(file, 0, GM_PAGE_SIZE); }
static int allocate(int *fd) { (void)fd; return gm_file_allocate(file, 0, GM_PAGE_SIZE); }
static int resize(int *fd) { (void)fd; return gm_file_resize(file, SIZE); }
static int populate_nothing(int *fd) { (void)fd; return gm_mem_populate((void *)(uintptr_t)SIZE, 0); }

static int status(int *fd)
{
    struct gm_file_status got;
    (void)fd;
    return gm_file_status_get(file, &got);
}

static int huge_memfd(int *fd)
{
    int result = gm_mem_memfd_huge("seam", SIZE, 0, fd);
    return result;
}

static const struct {
    const char *name;
    int (*run)(int *fd);
    unsigned steps;
} seams[] = {
    {"open", open_path, 1},   {"unnamed", open_unnamed, 1}, {"duplicate", duplicate, 1}, {"punch", punch, 1},
    {"allocate", allocate, 1}, {"resize", resize, 1},        {"status", status, 1},       {"memfd", huge_memfd, 2},
    {"populate", populate_nothing, 1},
};

static void each_seam_counts_its_steps(void **state)
{
    (void)state;
    file = memfd_create("seam", MFD_CLOEXEC);
    assert_true(file >= 0);
    for (size_t i = 0; i < sizeof(seams) / sizeof(seams[0]); i++) {
        for (unsigned n = 1; n <= seams[i].steps + 1; n++) {
            int fd = -1;
            errno = 1234;
            gm_fault_arm(n);
            int result = seams[i].run(&fd);
            bool delivered = gm_fault_disarm();
            if (delivered != (n <= seams[i].steps))
                fail_msg("%s: step %u of %u", seams[i].name, n, seams[i].steps);
            assert_result(result, delivered ? -ENOMEM : 0);
            assert_int_equal(errno, 1234);
            assert_true(result == 0 || fd == -1);
            gm_mem_close(fd);
        }
    }
    close(file);
}

static void what_the_kernel_refuses(void **state)
{
    int fd = -1;
    struct gm_file_status got;
    (void)state;
    errno = 1234;
    assert_result(gm_file_open("/no/such/file", true, &fd), -ENOENT);
    assert_result(gm_file_unnamed("/no/such/folder", &fd), -ENOENT);
    assert_result(gm_file_duplicate(1 << 20, &fd), -EBADF);
    assert_result(gm_file_status_get(1 << 20, &got), -EBADF);
    assert_result(gm_file_resize(1 << 20, 1), -EBADF);
    assert_result(gm_file_punch(1 << 20, 0, 1), -EBADF);
    assert_result(gm_file_allocate(1 << 20, 0, 1), -EBADF);
    assert_result(gm_file_ioctl_fd(1 << 20, 0, NULL, &fd), -EBADF);
    assert_int_equal(errno, 1234);
    assert_int_equal(fd, -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(touching_brings_pages_and_changes_none),
        cmocka_unit_test(touching_loses_no_write),
        cmocka_unit_test(populating_is_known_or_not),
        cmocka_unit_test(each_seam_counts_its_steps),
        cmocka_unit_test(what_the_kernel_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
