/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Bitmaps in memory of the caller's: another process marks, what the memory says is checked, and nothing is stored in
 * it but the bitmap. */
#define _GNU_SOURCE
#include "lib/dirty_count.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestmem/guestmem.h>

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(5000)

static const struct gm_dirty_config config = {.size = PAGES * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};

static void *map(uint64_t bytes, int fd)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(memory != MAP_FAILED);
    return memory;
}

static int file_of(uint64_t bytes)
{
    int fd = memfd_create("dirty", 0);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    return fd;
}

/* In a process of its own. beyond: what a mark past the end answers. Exit code: 0, or which step went wrong. */
static int mark_elsewhere(int fd, uint64_t bytes, int beyond)
{
    struct gm_dirty *dirty;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED || gm_dirty_attach(memory, bytes, &dirty) != 0)
        return 1;
    if (gm_dirty_mark(dirty, 7 * PAGE, 1) != 0 || gm_dirty_mark(dirty, 100 * PAGE, 300 * PAGE) != 0)
        return 2;
    if (gm_dirty_mark(dirty, PAGES * PAGE, 1) != beyond)
        return 3;
    gm_dirty_destroy(dirty);
    return 0;
}

static void run_elsewhere(int fd, uint64_t bytes, int beyond)
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(mark_elsewhere(fd, bytes, beyond));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void another_process_marks(void **state)
{
    uint64_t bytes = gm_dirty_bytes(&config);
    int fd = file_of(bytes);
    void *memory = map(bytes, fd);
    struct gm_dirty_stats stats;
    struct gm_dirty *dirty;
    (void)state;
    assert_result(gm_dirty_create_in(&config, memory, bytes, &dirty), 0);
    assert_result(gm_dirty_stats_get(dirty, &stats), 0);
    assert_true(stats.is_locked);
    run_elsewhere(fd, bytes, -ERANGE);
    assert_int_equal(gm_dirty_is_marked(dirty, 7 * PAGE), 1);
    assert_result(gm_dirty_mark(dirty, 0, 1), 0);
    assert_int_equal(harvest_pages(dirty), 302);
    assert_int_equal(harvest_pages(dirty), 0);
    assert_result(gm_dirty_disable(dirty), 0); /* for all processes */
    run_elsewhere(fd, bytes, 0);
    assert_int_equal(harvest_pages(dirty), 0);
    gm_dirty_destroy(dirty);
    munmap(memory, bytes);
    close(fd);
}

static void growth_is_seen_by_who_attached(void **state)
{
    const struct gm_dirty_config small = {
        .size = 100 * PAGE, .size_most = 9000 * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    uint64_t bytes = gm_dirty_bytes(&small);
    int fd = file_of(bytes);
    void *memory = map(bytes, fd), *other = map(bytes, fd);
    struct gm_dirty *dirty, *attached;
    (void)state;
    assert_result(gm_dirty_create_in(&small, memory, bytes, &dirty), 0);
    assert_result(gm_dirty_attach(other, bytes, &attached), 0);
    assert_result(gm_dirty_mark(attached, 5000 * PAGE, 1), -ERANGE);
    assert_result(gm_dirty_extend(dirty, 8000 * PAGE), 0);
    assert_result(gm_dirty_mark(attached, 5000 * PAGE, 1), 0);
    assert_int_equal(harvest_pages(dirty), 1);
    gm_dirty_destroy(attached);
    gm_dirty_destroy(dirty);
    munmap(memory, bytes);
    munmap(other, bytes);
    close(fd);
}

/* A peer writes to the first page, whatever it likes: nothing outside of the bitmap is touched. */
static void a_hostile_head_makes_no_page_appear(void **state)
{
    uint64_t bytes = gm_dirty_bytes(&config);
    int fd = file_of(bytes);
    char *room = mmap(NULL, bytes + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct gm_dirty *dirty, *refused = NULL;
    (void)state;
    assert_true(room != MAP_FAILED);
    void *memory = mmap(room, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
    assert_true(memory != MAP_FAILED);
    assert_result(gm_dirty_attach(memory, bytes, &refused), -EINVAL); /* nothing is there yet */
    assert_result(gm_dirty_create_in(&config, memory, bytes, &dirty), 0);
    assert_result(gm_dirty_attach(memory, bytes - 1, &refused), -EINVAL);
    assert_result(gm_dirty_attach(memory, 4096, &refused), -EINVAL);
    assert_result(gm_dirty_attach((char *)memory + 8, bytes, &refused), -EINVAL);
    uint64_t *head = memory;
    for (unsigned word = 0; word < 5; word++) {
        static const uint64_t values[] = {0, 1, 11, 31, 64, UINT64_C(1) << 40, (UINT64_C(1) << 52) + 1, UINT64_MAX};
        uint64_t kept = head[word];
        for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
            struct gm_dirty *attached = NULL;
            head[word] = values[i];
            (void)gm_dirty_mark(dirty, 0, UINT64_MAX);
            (void)gm_dirty_count(dirty, 0, UINT64_MAX);
            (void)harvest_pages(dirty);
            if (gm_dirty_attach(memory, bytes, &attached) == 0) {
                (void)gm_dirty_mark(attached, 0, UINT64_MAX);
                assert_true(harvest_pages(attached) <= (bytes - PAGE) * 8);
            }
            gm_dirty_destroy(attached);
        }
        head[word] = kept;
    }
    for (uint64_t most = UINT64_MAX; most > UINT64_C(1) << 40; most -= most >> 3) { /* sums of words overflow */
        uint64_t kept = head[2];
        head[2] = most;
        assert_result(gm_dirty_attach(memory, bytes, &refused), -EINVAL);
        head[2] = kept;
    }
    assert_null(refused);
    assert_result(gm_dirty_mark(dirty, 0, PAGES * PAGE), 0);
    assert_int_equal(harvest_pages(dirty), PAGES);
    gm_dirty_destroy(dirty);
    munmap(room, bytes + PAGE);
    close(fd);
}

static void refuses_memory_that_does_not_do(void **state)
{
    uint64_t bytes = gm_dirty_bytes(&config);
    struct gm_dirty *dirty = NULL;
    int fd = file_of(bytes);
    char *memory = map(bytes, fd);
    (void)state;
    assert_result(gm_dirty_create_in(&config, NULL, bytes, &dirty), -EINVAL);
    assert_result(gm_dirty_create_in(&config, memory, bytes - 1, &dirty), -EINVAL);
    assert_result(gm_dirty_create_in(&config, memory + 8, bytes, &dirty), -EINVAL);
    assert_result(gm_dirty_create_in(&config, memory, bytes, NULL), -EINVAL);
    assert_result(gm_dirty_attach(NULL, bytes, &dirty), -EINVAL);
    assert_null(dirty);
    munmap(memory, bytes);
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_process_marks),
        cmocka_unit_test(growth_is_seen_by_who_attached),
        cmocka_unit_test(a_hostile_head_makes_no_page_appear),
        cmocka_unit_test(refuses_memory_that_does_not_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
