/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Pages of 1 GiB. The test reserves one and ends as skipped where the machine has none to give. A page is cleared only
 * once or twice, because that takes its time.
 */
#include "lib/cm.h"
#include "lib/hugepool.h"
#include "lib/probe.h"
#include "lib/rig.h"
#include "lib/skip.h"

#include <sys/mount.h>

#define SHIFT 30
#define PAGE GMT_GIB

static struct gmt_pool pool;

static void a_page(void **state)
{
    (void)state;
    for (unsigned kind = GM_BACKING_KIND_HUGETLB; kind <= GM_BACKING_KIND_MEMFD_HUGETLB; kind++) {
        const struct gm_backing_config config = {
            .kind = (enum gm_backing_kind)kind, .size = 1, .page_shift = SHIFT, .size_most = 3 * PAGE};
        struct gm_backing *backing;
        struct gmt_smaps entry;
        uint64_t done = 0;
        assert_result(gm_backing_create(&config, &backing), 0);
        unsigned char *memory = gm_backing_address(backing);
        assert_int_equal(gm_backing_size(backing), PAGE);
        assert_int_equal((uintptr_t)memory % PAGE, 0);
        assert_int_equal(gmt_pool_left(&pool), 0);
        assert_result(gm_backing_prefault(backing, 0, PAGE, NULL, &done), 0);
        assert_int_equal(done, PAGE);
        assert_int_equal(gmt_pool_count(SHIFT, "free_hugepages"), 0);
        assert_true(gmt_smaps_of(memory, &entry));
        assert_int_equal(entry.page, PAGE / 1024);
        memory[PAGE - 1] = 1;
        assert_result(gm_backing_page_shift(backing, 0, 4 * PAGE, PAGE), SHIFT);
        assert_result(gm_backing_resize(backing, PAGE + 1), -ENOMEM); /* there is only this one */
        assert_int_equal(gm_backing_size(backing), PAGE);
        assert_result(gm_backing_discard(backing, 0, GMT_BLOCK), -EINVAL);
        assert_result(gm_backing_discard(backing, 0, PAGE), 0);
        assert_int_equal(gmt_pool_count(SHIFT, "free_hugepages"), 1);
        gm_backing_put(backing);
        assert_int_equal(gmt_pool_left(&pool), 1);
    }
}

static void a_mount(void **state)
{
    char path[] = "/tmp/guestmem-gigantic-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(path));
    if (mount("guestmem", path, "hugetlbfs", 0, "pagesize=1G") != 0) {
        rmdir(path);
        print_message("SKIPPED: hugetlbfs cannot be mounted here\n");
        skip();
    }
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_HUGETLBFS, .size = PAGE, .path = path};
    struct gm_backing *backing = NULL;
    struct gm_backing_info info;
    int result = gm_backing_create(&config, &backing);
    int unmounted = umount2(path, MNT_DETACH); /* the file needs no path */
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(unmounted, 0);
    assert_result(result, 0);
    assert_result(gm_backing_info_get(backing, &info), 0);
    assert_int_equal(info.page_size, PAGE);
    assert_int_equal(gmt_pool_left(&pool), 0);
    gm_backing_put(backing);
    assert_int_equal(gmt_pool_left(&pool), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_page), cmocka_unit_test(a_mount)};
    if (!gmt_pool_open(&pool, SHIFT, 1))
        gmt_skip("this machine does not give a huge page of 1 GiB");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gmt_pool_close(&pool);
    return failed;
}
