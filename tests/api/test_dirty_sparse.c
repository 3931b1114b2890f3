/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * What a bitmap for a guest of 1 TiB costs: little, until much was marked. Its bits and their summary are 32.5 MiB.
 * Numbers have room for what else the process or the kernel puts beside. Small pages are asked for: where the
 * kernel makes huge ones by itself, one mark costs one of those.
 */
#define _GNU_SOURCE
#include "lib/dirty_count.h"

#include <guestmem/guestmem.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/skip.h"

#define PAGE UINT64_C(4096)
#define KIB UINT64_C(1024)
#define SIZE (UINT64_C(1) << 40)
#define FAR_PAGES 16
#define HEAD (64 * KIB)              /* a bitmap that nobody has touched */
#define MARKED (HEAD + 256 * KIB)    /* each far page: a page of bits, and one of the summary */
#define HARVESTED (MARKED + 512 * KIB) /* what is kept of a harvest while it is handed out */
#define BITS (SIZE / PAGE / 8)
#define SUMMARY (BITS / 64)

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#define HAS(sanitizer) __has_feature(sanitizer##_sanitizer)
#define SANITIZED (HAS(address) || HAS(thread) || HAS(memory))
#else
#define SANITIZED 0
#endif

static const struct gm_dirty_config config = {.size = SIZE, .numa_node = -1, .flags = GM_DIRTY_ON};

/* [bytes] of memory that this process has to itself. */
static uint64_t private_memory(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[256];
    uint64_t sum = 0, kib;
    if (file == NULL)
        gmt_skip("no /proc/self/smaps_rollup");
    while (fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Private_Dirty: %" SCNu64, &kib) == 1 || sscanf(line, "Swap: %" SCNu64, &kib) == 1)
            sum += kib * KIB;
    (void)fclose(file);
    assert_true(sum != 0);
    return sum;
}

static uint64_t file_memory(int fd)
{
    struct stat stat;
    assert_int_equal(fstat(fd, &stat), 0);
    return (uint64_t)stat.st_blocks * 512;
}

static void mark_far_pages(struct gm_dirty *dirty)
{
    for (uint64_t i = 0; i < FAR_PAGES; i++)
        assert_result(gm_dirty_mark(dirty, i * (SIZE / FAR_PAGES) + 5 * PAGE, 1), 0);
}

static void assert_grown(const char *what, uint64_t before, uint64_t now, uint64_t most)
{
    uint64_t grown = now > before ? now - before : 0;
    printf("%s: %" PRIu64 " KiB, %" PRIu64 " at most\n", what, grown / KIB, most / KIB);
    assert_true(grown <= most);
}

static void of_its_own(void **state)
{
    struct gm_dirty *dirty;
    (void)state;
    uint64_t before = private_memory();
    assert_result(gm_dirty_create(&config, &dirty), 0);
    assert_grown("untouched", before, private_memory(), HEAD);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), 0);
    assert_grown("looked through", before, private_memory(), HEAD);
    mark_far_pages(dirty);
    assert_grown("far pages marked", before, private_memory(), MARKED);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), FAR_PAGES);
    assert_int_equal(harvest_pages(dirty), FAR_PAGES);
    assert_grown("harvested", before, private_memory(), HARVESTED);
    gm_dirty_destroy(dirty);
    assert_grown("gone", before, private_memory(), HEAD);
}

/* Two consumers: what a view has is as sparse. */
static void of_consumers(void **state)
{
    struct gm_dirty *dirty;
    struct gm_dirty_consumer *consumer;
    (void)state;
    uint64_t before = private_memory();
    assert_result(gm_dirty_create(&config, &dirty), 0);
    assert_result(gm_dirty_consumer_create(dirty, &consumer), 0);
    assert_grown("a consumer", before, private_memory(), HEAD);
    mark_far_pages(dirty);
    assert_int_equal(harvest_by(dirty, consumer, 0), FAR_PAGES);
    assert_int_equal(harvest_pages(dirty), FAR_PAGES);
    assert_grown("harvested twice", before, private_memory(), HARVESTED + MARKED);
    gm_dirty_destroy(dirty);
}

/* The kernel counts the blocks of a file exactly; and all of them come when all is marked, or nothing was measured. */
static void of_a_file(void **state)
{
    struct gm_dirty *dirty;
    uint64_t bytes = gm_dirty_bytes(&config);
    int fd = memfd_create("dirty", MFD_CLOEXEC);
    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory != MAP_FAILED);
    assert_result(gm_dirty_create_in(&config, memory, bytes, &dirty), 0);
    assert_grown("file, untouched", 0, file_memory(fd), HEAD);
    mark_far_pages(dirty);
    assert_grown("file, far pages marked", 0, file_memory(fd), MARKED);
    assert_int_equal(harvest_pages(dirty), FAR_PAGES);
    assert_grown("file, harvested", 0, file_memory(fd), MARKED + SUMMARY); /* a hole that is read is filled */
    assert_result(gm_dirty_mark(dirty, 0, SIZE), 0);
    assert_true(file_memory(fd) >= BITS);
    gm_dirty_destroy(dirty);
    assert_int_equal(munmap(memory, bytes), 0);
    assert_int_equal(close(fd), 0);
}

/* What comes once, with the first allocation of the library and the first line that is printed, is not counted. */
static void warm_up(void)
{
    const struct gm_dirty_config small = {.size = PAGE, .numa_node = -1};
    struct gm_dirty *dirty = NULL;
    assert_result(gm_dirty_create(&small, &dirty), 0);
    printf("before: %" PRIu64 " KiB\n", private_memory() / KIB);
    gm_dirty_destroy(dirty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_its_own),
        cmocka_unit_test(of_consumers),
        cmocka_unit_test(of_a_file),
    };
    if (SANITIZED)
        gmt_skip("a sanitizer has memory of its own for all that is touched");
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) != 0)
        gmt_skip("huge pages cannot be switched off");
    warm_up();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
