/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Backings: the three kinds, every refused argument, counts, and what the kernel was told about the memory.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* seals */
#endif

#include "lib/cm.h"
#include "lib/rig.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGES(n) ((n) * GMT_PAGE)

static void sizes_round_up_to_pages(void **state)
{
    static const uint64_t sizes[] = {1, 2, GMT_PAGE - 1, GMT_PAGE, GMT_PAGE + 1, 10 * GMT_PAGE - 1};
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gm_backing *backing;
        uint64_t size = sizes[i / 2];
        int result = (i & 1) != 0 ? gm_backing_memfd(NULL, size, 0, &backing)
                                  : gm_backing_anonymous(size, 0, &backing);
        assert_result(result, 0);
        assert_true(gm_backing_size(backing) == (size + GMT_PAGE - 1) / GMT_PAGE * GMT_PAGE);
        volatile unsigned char *memory = gm_backing_address(backing);
        assert_int_equal((uintptr_t)memory % GMT_PAGE, 0);
        for (uint64_t at = 0; at < gm_backing_size(backing); at++)
            assert_int_equal(memory[at], 0);
        memory[gm_backing_size(backing) - 1] = 1;
        gm_backing_put(backing);
    }
}

static void bad_arguments_write_nothing(void **state)
{
    struct gm_backing *out = (struct gm_backing *)state;
    assert_result(gm_backing_anonymous(0, 0, &out), -EINVAL);
    assert_result(gm_backing_memfd(NULL, 0, 0, &out), -EINVAL);
    assert_result(gm_backing_anonymous(GMT_PAGE, 0, NULL), -EINVAL);
    assert_result(gm_backing_memfd(NULL, GMT_PAGE, 0, NULL), -EINVAL);
    for (unsigned bit = 8; bit < 32; bit++) {
        assert_result(gm_backing_anonymous(GMT_PAGE, 1u << bit, &out), -EINVAL);
        assert_result(gm_backing_memfd(NULL, GMT_PAGE, GM_BACKING_DUMP | 1u << bit, &out), -EINVAL);
    }
    assert_result(gm_backing_anonymous(GMT_PAGE, GM_BACKING_PRIVATE, &out), -EOPNOTSUPP);
    assert_result(gm_backing_memfd(NULL, GMT_PAGE, GM_BACKING_MERGEABLE, &out), -EOPNOTSUPP);
    assert_result(gm_backing_anonymous(UINT64_MAX, 0, &out), -EOVERFLOW);
    assert_result(gm_backing_anonymous(UINT64_MAX - GMT_PAGE + 2, 0, &out), -EOVERFLOW);
    assert_result(gm_backing_memfd(NULL, UINT64_MAX, 0, &out), -EOVERFLOW);
    assert_result(gm_backing_anonymous(UINT64_C(1) << 60, GM_BACKING_NORESERVE, &out), -ENOMEM);
    assert_ptr_equal(out, state);
}

static void wrap_arguments(void **state)
{
    struct gm_backing *out = (struct gm_backing *)state;
    void *const page = (void *)GMT_GIB;
    assert_result(gm_backing_wrap(NULL, GMT_PAGE, NULL, NULL, &out), -EINVAL);
    assert_result(gm_backing_wrap(page, 0, NULL, NULL, &out), -EINVAL);
    assert_result(gm_backing_wrap(page, GMT_PAGE, NULL, NULL, NULL), -EINVAL);
    for (uintptr_t slip = 1; slip < GMT_PAGE; slip *= 2)
        assert_result(gm_backing_wrap((void *)(GMT_GIB + slip), GMT_PAGE, NULL, NULL, &out), -EINVAL);
    assert_result(gm_backing_wrap(page, UINT64_MAX, NULL, NULL, &out), -EOVERFLOW);
    assert_result(gm_backing_wrap(page, 0 - GMT_GIB + 1, NULL, NULL, &out), -EOVERFLOW);
    assert_result(gm_backing_wrap((void *)(uintptr_t)(0 - GMT_PAGE), PAGES(2), NULL, NULL, &out), -EOVERFLOW);
    assert_ptr_equal(out, state);
}

static void count_up(void *argument)
{
    ++*(int *)argument;
}

static void wrap_releases_once_with_its_argument(void **state)
{
    (void)state;
    int released = 0;
    struct gm_backing *backing;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(1) + 5, count_up, &released, &backing), 0);
    assert_ptr_equal(gm_backing_address(backing), (void *)GMT_GIB);
    assert_true(gm_backing_size(backing) == PAGES(1) + 5);
    assert_int_equal(gm_backing_fd(backing), -1);
    assert_ptr_equal(gm_backing_get(backing), backing);
    gm_backing_put(backing);
    assert_int_equal(released, 0);
    gm_backing_put(backing);
    assert_int_equal(released, 1);
    assert_result(gm_backing_wrap((void *)GMT_GIB, 1, NULL, &released, &backing), 0);
    gm_backing_put(backing); /* without a callback */
    gm_backing_put(NULL);
    assert_int_equal(released, 1);
}

static bool released_without_argument;

static void note(void *argument)
{
    released_without_argument = argument == NULL;
}

static void wrap_releases_without_an_argument(void **state)
{
    (void)state;
    struct gm_backing *backing;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(1), note, NULL, &backing), 0);
    gm_backing_put(backing);
    assert_true(released_without_argument);
}

static void regions_hold_counts(void **state)
{
    struct gmt_rig *rig = *state;
    int released = 0;
    struct gm_backing *backing;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(4), count_up, &released, &backing), 0);
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(1), .backing = backing};
    gmt_add(rig->space, &desc);
    desc.gpa = PAGES(9);
    gmt_add(rig->space, &desc);
    gm_backing_put(backing);
    gmt_remove(rig->space, 0, PAGES(1));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(released, 0);
    gmt_resize(rig->space, PAGES(9), PAGES(3)); /* the same memory, still one region */
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(released, 0);
    gmt_remove(rig->space, PAGES(9), PAGES(3));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(released, 1);
}

static void memfd_is_a_sealed_file_of_that_size(void **state)
{
    (void)state;
    struct gm_backing *backing;
    char path[64], target[128];
    struct stat status;
    assert_result(gm_backing_memfd("left-bank", PAGES(3), 0, &backing), 0);
    int fd = gm_backing_fd(backing);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, PAGES(3));
    int seals = fcntl(fd, F_GET_SEALS);
    assert_true(seals > 0 && (seals & F_SEAL_SHRINK) != 0 && (seals & F_SEAL_GROW) != 0);
    assert_int_not_equal(ftruncate(fd, GMT_PAGE), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    assert_true(len > 0);
    target[len] = '\0';
    assert_non_null(strstr(target, "left-bank"));
    gm_backing_put(backing);
    assert_int_equal(fcntl(fd, F_GETFD), -1); /* closed with the backing */
}

static void memfd_without_a_name(void **state)
{
    (void)state;
    struct gm_backing *backing;
    char path[64], target[128];
    assert_result(gm_backing_memfd(NULL, 1, 0, &backing), 0);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", gm_backing_fd(backing));
    ssize_t len = readlink(path, target, sizeof(target) - 1);
    assert_true(len > 0);
    target[len] = '\0';
    assert_non_null(strstr(target, "guestmem"));
    gm_backing_put(backing);
}

static void no_file_descriptors_left(void **state)
{
    struct gm_backing *out = (struct gm_backing *)state;
    struct rlimit before, none;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = 3; /* the three that are open */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = gm_backing_memfd(NULL, GMT_PAGE, 0, &out);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_result(result, -EMFILE);
    assert_ptr_equal(out, state);
}

/* Whether the kernel has a flag (two letters, as in smaps) on the mapping that holds an address. */
static bool has_vm_flag(const void *address, const char *flag)
{
    FILE *file = fopen("/proc/self/smaps", "r");
    assert_non_null(file);
    char line[512];
    bool inside = false, found = false;
    while (fgets(line, sizeof(line), file) != NULL) {
        uintptr_t start, end;
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &start, &end) == 2)
            inside = (uintptr_t)address >= start && (uintptr_t)address < end;
        else if (inside && strncmp(line, "VmFlags:", 8) == 0)
            found = strstr(line, flag) != NULL;
    }
    fclose(file);
    return found;
}

static void flags_reach_the_kernel(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 16; flags++) {
        struct gm_backing *backing;
        unsigned asked = flags & 7;
        int result = flags < 8 ? gm_backing_anonymous(3 * GMT_BLOCK, asked, &backing)
                               : gm_backing_memfd(NULL, 3 * GMT_BLOCK, asked, &backing);
        assert_result(result, 0);
        char *memory = gm_backing_address(backing);
        memory[0] = 1;
        memory[3 * GMT_BLOCK - 1] = 1;
        assert_int_equal(has_vm_flag(memory, " dd"), (asked & GM_BACKING_DUMP) == 0);
        assert_int_equal(has_vm_flag(memory + 3 * GMT_BLOCK - 1, " dd"), (asked & GM_BACKING_DUMP) == 0);
        if ((asked & GM_BACKING_THP) != 0)
            assert_int_equal((uintptr_t)memory % GMT_BLOCK, 0);
        if ((asked & GM_BACKING_THP) != 0 && access("/sys/kernel/mm/transparent_hugepage", F_OK) == 0)
            assert_true(has_vm_flag(memory, " hg"));
        gm_backing_put(backing);
    }
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_round_up_to_pages),
        cmocka_unit_test(bad_arguments_write_nothing),
        cmocka_unit_test(wrap_arguments),
        cmocka_unit_test(wrap_releases_once_with_its_argument),
        cmocka_unit_test(wrap_releases_without_an_argument),
        RIG(regions_hold_counts),
        cmocka_unit_test(memfd_is_a_sealed_file_of_that_size),
        cmocka_unit_test(memfd_without_a_name),
        cmocka_unit_test(no_file_descriptors_left),
        cmocka_unit_test(flags_reach_the_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
