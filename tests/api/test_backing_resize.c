/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Resize: the address stays, old memory stays, new memory is zero, and what is cut off faults and is given back. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* seals */
#endif

#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <fcntl.h>
#include <sys/stat.h>

#define PAGES(n) ((n) * GMT_PAGE)

static const unsigned kinds[] = {GM_BACKING_KIND_ANONYMOUS, GM_BACKING_KIND_MEMFD};

static struct gm_backing *create(unsigned kind, uint64_t size, uint64_t most)
{
    const struct gm_backing_config config = {.kind = (enum gm_backing_kind)kind, .size = size, .size_most = most};
    struct gm_backing *backing;
    assert_result(gm_backing_create(&config, &backing), 0);
    return backing;
}

static void up_and_down(void **state)
{
    static const unsigned sizes[] = {3, 4, 4, 9, 2, 16, 1, 8, 16};
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct gm_backing *backing = create(kinds[k], PAGES(2), PAGES(16));
        volatile unsigned char *memory = gm_backing_address(backing);
        unsigned old = 2;
        memset((void *)(uintptr_t)memory, 7, PAGES(2));
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            unsigned now = sizes[i], kept = now < old ? now : old;
            assert_result(gm_backing_resize(backing, PAGES(now) - 5), 0);
            assert_ptr_equal(gm_backing_address(backing), (void *)(uintptr_t)memory);
            assert_int_equal(gm_backing_size(backing), PAGES(now));
            for (uint64_t at = 0; at < PAGES(now); at += 127)
                assert_int_equal(memory[at], at < PAGES(kept) ? 7 : 0);
            assert_int_equal(gmt_touch(memory + PAGES(now) - 1, true), 0);
            if (now < 16)
                assert_int_equal(gmt_touch(memory + PAGES(now), false), SIGSEGV);
            memset((void *)(uintptr_t)memory, 7, PAGES(now));
            old = now;
        }
        gm_backing_put(backing);
    }
}

static void what_is_cut_off_is_given_back(void **state)
{
    (void)state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, PAGES(16), PAGES(32));
    struct stat status;
    memset(gm_backing_address(backing), 1, PAGES(16));
    assert_result(gm_backing_resize(backing, PAGES(4)), 0);
    assert_int_equal(fstat(gm_backing_fd(backing), &status), 0);
    assert_int_equal(status.st_blocks, PAGES(4) / 512);
    assert_int_equal(status.st_size, PAGES(32)); /* as long as it may become, and sealed from the beginning */
    int seals = fcntl(gm_backing_fd(backing), F_GET_SEALS);
    assert_int_equal(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    gm_backing_put(backing);
}

static void refusals(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct gm_backing *fixed = create(kinds[k], PAGES(4), 0);
        assert_result(gm_backing_resize(fixed, PAGES(4)), -EOPNOTSUPP);
        assert_result(gm_backing_resize(fixed, PAGES(3)), -EOPNOTSUPP);
        gm_backing_put(fixed);
        struct gm_backing *backing = create(kinds[k], PAGES(4), PAGES(8));
        assert_result(gm_backing_resize(backing, 0), -EINVAL);
        assert_result(gm_backing_resize(backing, PAGES(8) + 1), -ERANGE);
        assert_result(gm_backing_resize(backing, UINT64_MAX), -ERANGE);
        assert_result(gm_backing_resize(NULL, 1), -EINVAL);
        assert_int_equal(gm_backing_size(backing), PAGES(4));
        gm_backing_put(backing);
    }
    struct gm_backing *wrapped;
    assert_result(gm_backing_wrap((void *)GMT_GIB, PAGES(1), NULL, NULL, &wrapped), 0);
    assert_result(gm_backing_resize(wrapped, PAGES(2)), -EOPNOTSUPP);
    gm_backing_put(wrapped);
}

/* A region keeps its memory: growing does not move it, shrinking is refused. New memory can become a region. */
static void regions_keep_their_memory(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing = create(GM_BACKING_KIND_MEMFD, PAGES(4), PAGES(8));
    struct gm_region_desc desc = {.gpa = 0, .size = PAGES(4), .backing = backing};
    gmt_add(rig->space, &desc);
    desc = (struct gm_region_desc){.gpa = GMT_GIB, .size = PAGES(4), .backing = backing, .offset = PAGES(4)};
    gmt_assert_add_refused(rig, &desc, -ERANGE);
    gmt_assert_resize_refused(rig, 0, PAGES(4) + 1, -ERANGE);
    const struct gm_view *view = gmt_pin(rig->space);
    char *hva = gm_translate(view, PAGES(3), 8, GM_RW);
    *hva = 5;
    gm_unpin();
    assert_result(gm_backing_resize(backing, PAGES(3)), -EBUSY);
    assert_int_equal(gm_backing_size(backing), PAGES(4));
    assert_result(gm_backing_resize(backing, PAGES(8)), 0);
    assert_int_equal(*hva, 5);
    gmt_add(rig->space, &desc);
    view = gmt_pin(rig->space);
    assert_ptr_equal(gm_translate(view, GMT_GIB, 8, GM_RW), (char *)gm_backing_address(backing) + PAGES(4));
    gm_unpin();
    gmt_remove(rig->space, 0, PAGES(4));
    gmt_remove(rig->space, GMT_GIB, PAGES(4));
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_result(gm_backing_resize(backing, PAGES(3)), 0);
    gm_backing_put(backing);
}

/* A file of the caller's is neither made longer nor emptied. */
static void files(void **state)
{
    (void)state;
    char path[] = "/dev/shm/guestmem-test-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)PAGES(4)), 0);
    for (unsigned flags = 0; flags <= GM_BACKING_PRIVATE; flags += GM_BACKING_PRIVATE) {
        const struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                                 .fd = fd,
                                                 .flags = flags,
                                                 .size = PAGES(2),
                                                 .size_most = PAGES(100),
                                                 .offset = PAGES(1)};
        struct gm_backing *backing;
        unsigned char byte = 3;
        assert_int_equal(pwrite(fd, &byte, 1, (off_t)PAGES(3)), 1);
        assert_result(gm_backing_create(&config, &backing), 0);
        assert_result(gm_backing_resize(backing, PAGES(3) + 1), -ENXIO);
        assert_int_equal(gm_backing_size(backing), PAGES(2));
        assert_result(gm_backing_resize(backing, PAGES(3)), 0);
        assert_int_equal(((volatile unsigned char *)gm_backing_address(backing))[PAGES(2)], 3);
        assert_result(gm_backing_resize(backing, PAGES(1)), 0);
        assert_int_equal(pread(fd, &byte, 1, (off_t)PAGES(3)), 1);
        assert_int_equal(byte, 3);
        assert_int_equal(ftruncate(fd, (off_t)PAGES(4) + 1), 0);
        assert_result(gm_backing_resize(backing, PAGES(3) + 1), 0);
        assert_int_equal(gmt_touch((unsigned char *)gm_backing_address(backing) + PAGES(4) - 1, true), 0);
        assert_int_equal(ftruncate(fd, (off_t)PAGES(4)), 0);
        gm_backing_put(backing);
    }
    close(fd);
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_and_down), cmocka_unit_test(what_is_cut_off_is_given_back),
        cmocka_unit_test(refusals),    RIG(regions_keep_their_memory),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
