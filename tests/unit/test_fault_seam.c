/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* The countdown itself, and that each seam counts exactly the steps that can fail. */
#define _GNU_SOURCE
#include "lib/cm.h"

#include <stdbool.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/fault.h"
#include "base/mem.h"
#include "guestmem/types.h"

#define SIZE ((size_t)1 << 16)

static void disarmed_never_fails(void **state)
{
    (void)state;
    gm_fault_arm(0);
    for (unsigned i = 0; i < 1000; i++)
        assert_false(gm_fault_due());
    gm_fault_arm(5);
    assert_false(gm_fault_disarm()); /* not delivered */
    for (unsigned i = 0; i < 1000; i++)
        assert_false(gm_fault_due());
}

static void the_nth_step_fails_once(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 20; n++) {
        gm_fault_arm(n);
        for (unsigned step = 1; step <= 40; step++)
            assert_int_equal(gm_fault_due(), step == n);
        assert_true(gm_fault_disarm());
    }
}

static void arming_again_starts_over(void **state)
{
    (void)state;
    gm_fault_arm(3);
    assert_false(gm_fault_due());
    gm_fault_arm(2);
    assert_false(gm_fault_due());
    assert_true(gm_fault_due());
    assert_true(gm_fault_disarm());
}

static int allocate(void *where)
{
    struct gm_heap *heap = NULL;
    void *memory = gm_alloc(heap, 100);
    (void)where;
    gm_free(heap, memory, 100);
    return memory != NULL ? 0 : -ENOMEM;
}

static int make_heap(void *where)
{
    struct gm_heap *heap = NULL;
    int result = gm_heap_create(GM_NODE_ANY, &heap);
    (void)where;
    if (result == 0)
        gm_heap_destroy(heap);
    else
        assert_null(heap);
    return result;
}

static int reserve(void *where)
{
    void *at = NULL;
    int result = gm_mem_reserve(SIZE, &at);
    (void)where;
    if (result == 0)
        assert_result(gm_mem_unmap(at, SIZE), 0);
    else
        assert_null(at);
    return result;
}

static int map_at(void *where)
{
    void *at = NULL;
    return gm_mem_map(where, SIZE, -1, 0, false, &at);
}

static int guard(void *where)
{
    return gm_mem_unmap_to_reservation(where, SIZE);
}

static int advise(void *where)
{
    return gm_mem_advise(where, SIZE, MADV_NORMAL);
}

static int memfd(void *where)
{
    int fd = -1;
    int result = gm_mem_memfd("seam", SIZE, &fd);
    (void)where;
    assert_int_equal(fd >= 0, result == 0);
    gm_mem_close(fd);
    return result;
}

static const struct {
    const char *name;
    int (*run)(void *where);
    unsigned steps;
} seams[] = {
    {"alloc", allocate, 1}, {"heap", make_heap, 1}, {"reserve", reserve, 1}, {"map", map_at, 1},
    {"guard", guard, 1},    {"advise", advise, 1},  {"memfd", memfd, 2},
};

/* The lowest free descriptor: it stands still unless one is leaked. */
static int next_fd(void)
{
    int fd = dup(STDIN_FILENO);
    assert_true(fd >= 0);
    close(fd);
    return fd;
}

static void each_seam_counts_its_steps(void **state)
{
    void *where = NULL;
    (void)state;
    assert_result(gm_mem_reserve(SIZE, &where), 0);
    int fd = next_fd();
    for (size_t i = 0; i < sizeof(seams) / sizeof(seams[0]); i++) {
        for (unsigned n = 1; n <= seams[i].steps + 1; n++) {
            errno = 1234;
            gm_fault_arm(n);
            int result = seams[i].run(where);
            bool delivered = gm_fault_disarm();
            if (delivered != (n <= seams[i].steps))
                fail_msg("%s: step %u of %u", seams[i].name, n, seams[i].steps);
            assert_result(result, delivered ? -ENOMEM : 0);
            assert_int_equal(errno, 1234); /* the library leaves it alone */
        }
    }
    assert_int_equal(next_fd(), fd);
    assert_result(gm_mem_unmap(where, SIZE), 0);
}

/* What the kernel itself refuses comes back as a result as well, and is as little seen in errno. */
static void the_kernels_refusals_are_results(void **state)
{
    char name[300];
    void *at = NULL;
    int fd = -1;
    (void)state;
    memset(name, 'n', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    errno = 1234;
    assert_result(gm_mem_reserve((size_t)1 << 62, &at), -ENOMEM);
    assert_result(gm_mem_map(NULL, SIZE, 1 << 20, 0, false, &at), -EBADF);
    assert_result(gm_mem_unmap((void *)1, SIZE), -EINVAL);
    assert_result(gm_mem_advise((void *)GM_PAGE_SIZE, SIZE, MADV_DONTNEED), -ENOMEM); /* nothing is mapped there */
    assert_result(gm_mem_memfd(name, SIZE, &fd), -EINVAL);
    gm_mem_close(1 << 20);
    assert_int_equal(errno, 1234);
    assert_true(at == NULL && fd == -1); /* written only on success */
}

/* What cannot fail does not count, or a test would believe to have failed something. */
static void giving_back_counts_nothing(void **state)
{
    void *at = NULL;
    int fd = -1;
    (void)state;
    void *memory = gm_alloc(NULL, 64);
    assert_non_null(memory);
    assert_result(gm_mem_reserve(SIZE, &at), 0);
    assert_result(gm_mem_memfd("seam", SIZE, &fd), 0);
    gm_fault_arm(1);
    gm_free(NULL, memory, 64);
    gm_mem_prefer_node(at, SIZE, 0);
    assert_result(gm_mem_unmap(at, SIZE), 0);
    gm_mem_close(fd);
    gm_mem_close(-1);
    assert_false(gm_fault_disarm());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(disarmed_never_fails),       cmocka_unit_test(the_nth_step_fails_once),
        cmocka_unit_test(arming_again_starts_over),   cmocka_unit_test(each_seam_counts_its_steps),
        cmocka_unit_test(giving_back_counts_nothing), cmocka_unit_test(the_kernels_refusals_are_results),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
