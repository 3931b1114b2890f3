/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Private memory of files that consist of huge pages, given back: residency is seen in the pool. The test reserves the
 * pages, and ends as skipped where the machine has none to give.
 */
#include "lib/cm.h"
#include "lib/hugepool.h"
#include "lib/probe.h"
#include "lib/rig.h"
#include "lib/skip.h"

#define SHIFT 21
#define PAGE GMT_BLOCK
#define PAGES(n) ((n) * PAGE)
#define POOL 12

static struct gmt_pool pool;

static struct gm_backing_config config_of(unsigned kind, uint64_t size)
{
    return (struct gm_backing_config){.kind = (enum gm_backing_kind)kind, .size = size};
}

static struct gm_backing *create(const struct gm_backing_config *config)
{
    struct gm_backing *backing;
    assert_result(gm_backing_create(config, &backing), 0);
    return backing;
}

/* Neither the page that was copied nor the file's is there afterwards, and the one that was copied is free again. */
static void a_private_file_in_huge_pages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct gm_backing_config theirs = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(4));
        struct gm_backing *file = create(&theirs);
        unsigned char *shared = gm_backing_address(file);
        memset(shared, 3, PAGES(4));
        struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                           .fd = gm_backing_fd(file),
                                           .size = PAGES(4),
                                           .flags = GM_BACKING_PRIVATE | (i != 0 ? GM_BACKING_NORESERVE : 0)};
        struct gm_backing *backing = create(&config);
        unsigned char *memory = gm_backing_address(backing);
        memset(memory + PAGES(1), 9, PAGES(2));
        long before = gmt_pool_count(SHIFT, "free_hugepages");
        assert_result(gm_backing_discard(backing, GMT_PAGE, PAGE), -EINVAL);
        int result = gm_backing_discard(backing, PAGES(2), PAGES(2));
        if (result == -EOPNOTSUPP) {
            print_message("SKIPPED: huge pages do not move before Linux 5.16\n");
            skip();
        }
        assert_result(result, 0);
        assert_int_equal(gmt_pool_count(SHIFT, "free_hugepages") - before, 1);
        for (uint64_t at = 0; at < PAGES(4); at += 4093) {
            assert_int_equal(memory[at], at / PAGE == 0 ? 3 : at / PAGE == 1 ? 9 : 0);
            assert_int_equal(shared[at], 3);
        }
        struct gmt_smaps entry; /* still huge pages */
        assert_true(gmt_smaps_of(memory + PAGES(3), &entry));
        assert_int_equal(entry.page, PAGE / 1024);
        memory[PAGES(3)] = 5;
        assert_int_equal(shared[PAGES(3)], 3);
        gm_backing_put(backing);
        gm_backing_put(file);
    }
}

/* The pool cannot give what takes its place: all is as it was. */
static void a_private_file_and_no_page_left(void **state)
{
    (void)state;
    struct gm_backing_config theirs = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(2));
    struct gm_backing *file = create(&theirs);
    memset(gm_backing_address(file), 3, PAGES(2));
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                       .fd = gm_backing_fd(file),
                                       .size = PAGES(2),
                                       .flags = GM_BACKING_PRIVATE};
    struct gm_backing *backing = create(&config);
    unsigned char *memory = gm_backing_address(backing);
    memory[PAGES(1)] = 9;
    struct gm_backing_config rest = config_of(GM_BACKING_KIND_HUGETLB, PAGES((uint64_t)gmt_pool_left(&pool)));
    struct gm_backing *hog = create(&rest);
    assert_result(gm_backing_discard(backing, 0, PAGES(2)), -ENOMEM);
    assert_int_equal(memory[0], 3);
    assert_int_equal(memory[PAGES(1)], 9);
    gm_backing_put(hog);
    int result = gm_backing_discard(backing, 0, PAGES(2));
    if (result != -EOPNOTSUPP)
        assert_result(result, 0);
    assert_int_equal(memory[PAGES(1)], result == 0 ? 0 : 9);
    gm_backing_put(backing);
    gm_backing_put(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_private_file_in_huge_pages),
        cmocka_unit_test(a_private_file_and_no_page_left),
    };
    if (!gmt_pool_open(&pool, SHIFT, POOL))
        gmt_skip("this machine does not give 12 huge pages of 2 MiB");
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    gmt_pool_close(&pool);
    return failed;
}
