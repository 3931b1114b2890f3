/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Pages of the hugetlb pool, 2 MiB: the three kinds, and files that consist of them. The test reserves the pages, and
 * ends as skipped where the machine has none to give.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* seals */
#endif

#include "lib/cm.h"
#include "lib/hugepool.h"
#include "lib/probe.h"
#include "lib/rig.h"
#include "lib/skip.h"

#include <sys/mount.h>
#include <sys/stat.h>

#define SHIFT 21
#define PAGE GMT_BLOCK
#define PAGES(n) ((n) * PAGE)
#define POOL 16

static struct gmt_pool pool;
static char mount_point[64];

static struct gm_backing_config config_of(unsigned kind, uint64_t size)
{
    struct gm_backing_config config = {.kind = (enum gm_backing_kind)kind, .size = size};
    if (kind == GM_BACKING_KIND_HUGETLBFS)
        config.path = mount_point;
    return config;
}

/* The kinds, as far as there is a mount. */
static const unsigned kinds[] = {GM_BACKING_KIND_HUGETLB, GM_BACKING_KIND_MEMFD_HUGETLB, GM_BACKING_KIND_HUGETLBFS};
#define KINDS (mount_point[0] != '\0' ? 3u : 2u)

static struct gm_backing *create(const struct gm_backing_config *config)
{
    struct gm_backing *backing;
    assert_result(gm_backing_create(config, &backing), 0);
    return backing;
}

static void pages_come_from_the_pool(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_backing_config config = config_of(kinds[i], PAGES(3) - 7);
        struct gm_backing_info info;
        struct gmt_smaps entry;
        long before = gmt_pool_left(&pool), free_before = gmt_pool_count(SHIFT, "free_hugepages");
        struct gm_backing *backing = create(&config);
        char *memory = gm_backing_address(backing);
        assert_result(gm_backing_info_get(backing, &info), 0);
        assert_int_equal(info.page_size, PAGE);
        assert_int_equal(info.size, PAGES(3));
        assert_int_equal((uintptr_t)memory % PAGE, 0);
        assert_int_equal(before - gmt_pool_left(&pool), 3); /* promised, */
        memset(memory, 1, PAGES(3));
        assert_int_equal(before - gmt_pool_left(&pool), 3);
        assert_int_equal(free_before - gmt_pool_count(SHIFT, "free_hugepages"), 3); /* and used */
        assert_true(gmt_smaps_of(memory, &entry));
        assert_int_equal(entry.page, PAGE / 1024);
        assert_true(gmt_has_vm_flag(memory, "ht"));
        gm_backing_put(backing);
        assert_int_equal(gmt_pool_left(&pool), before);
    }
}

/* An empty pool is told at once, and nothing is taken; without a charge it is told by prefault, not by a signal. */
static void the_pool_is_too_small(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        long before = gmt_pool_left(&pool);
        struct gm_backing *out = (struct gm_backing *)state;
        struct gm_backing_config config = config_of(kinds[i], PAGES(POOL + 1));
        assert_result(gm_backing_create(&config, &out), -ENOMEM);
        assert_ptr_equal(out, state);
        assert_int_equal(gmt_pool_left(&pool), before);
        config.flags = GM_BACKING_NORESERVE;
        struct gm_backing *backing = create(&config);
        uint64_t done = 0;
        assert_int_equal(gmt_pool_left(&pool), before);
        assert_result(gm_backing_prefault(backing, 0, PAGES(POOL + 1), NULL, &done), -EFAULT);
        assert_true(done <= PAGES(POOL));
        unsigned missing = 0;
        for (unsigned page = 0; page <= POOL; page++)
            missing += gmt_touch((unsigned char *)gm_backing_address(backing) + PAGES(page), false) == SIGBUS;
        assert_int_equal(missing, 1);
        gm_backing_put(backing);
        assert_int_equal(gmt_pool_left(&pool), before);
    }
}

static void prefault_takes_them(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_backing_config config = config_of(kinds[i], PAGES(12));
        const struct gm_prefault how = {.threads = 3};
        struct gm_backing *backing = create(&config);
        long before = gmt_pool_count(SHIFT, "free_hugepages");
        uint64_t done = 0;
        assert_result(gm_backing_prefault(backing, PAGES(2), PAGES(9), &how, &done), 0);
        assert_int_equal(done, PAGES(9));
        assert_int_equal(before - gmt_pool_count(SHIFT, "free_hugepages"), 9);
        assert_int_equal(gmt_present(gm_backing_address(backing), PAGES(12)), PAGES(9) / GMT_PAGE);
        assert_result(gm_backing_prefault(backing, GMT_PAGE, PAGE, &how, &done), -EINVAL);
        gm_backing_put(backing);
    }
}

static void discard_gives_them_back(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_backing_config config = config_of(kinds[i], PAGES(6));
        struct gm_backing *backing = create(&config);
        unsigned char *memory = gm_backing_address(backing);
        memset(memory, 9, PAGES(6));
        long before = gmt_pool_count(SHIFT, "free_hugepages");
        assert_result(gm_backing_discard(backing, GMT_PAGE, PAGE), -EINVAL);
        assert_result(gm_backing_discard(backing, 0, PAGE - GMT_PAGE), -EINVAL);
        assert_result(gm_backing_discard(backing, PAGES(1), PAGES(2)), 0);
        assert_int_equal(gmt_pool_count(SHIFT, "free_hugepages") - before, 2);
        for (uint64_t at = 0; at < PAGES(6); at += 4093)
            assert_int_equal(memory[at], at / PAGE == 1 || at / PAGE == 2 ? 0 : 9);
        gm_backing_put(backing);
    }
}

static void resize_by_whole_pages(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_backing_config config = config_of(kinds[i], PAGES(2));
        config.size_most = PAGES(POOL + 4);
        config.flags = GM_BACKING_GUARD;
        long before = gmt_pool_left(&pool);
        struct gm_backing *backing = create(&config);
        unsigned char *memory = gm_backing_address(backing);
        assert_int_equal(before - gmt_pool_left(&pool), 2); /* what is mapped, not what may be */
        memset(memory, 5, PAGES(2));
        assert_result(gm_backing_resize(backing, PAGES(3) + 1), 0);
        assert_int_equal(gm_backing_size(backing), PAGES(4));
        assert_int_equal(before - gmt_pool_left(&pool), 4);
        for (uint64_t at = 0; at < PAGES(4); at += 4093)
            assert_int_equal(memory[at], at < PAGES(2) ? 5 : 0);
        assert_result(gm_backing_resize(backing, PAGES(POOL + 4)), -ENOMEM);
        assert_int_equal(gm_backing_size(backing), PAGES(4));
        assert_int_equal(gmt_touch(memory + PAGES(4), false), SIGSEGV);
        assert_result(gm_backing_resize(backing, PAGE), 0);
        assert_int_equal(gmt_touch(memory + PAGE, false), SIGSEGV);
        assert_int_equal(gmt_touch(memory - 1, false), SIGSEGV);
        assert_int_equal(memory[PAGE - 1], 5);
        gm_backing_put(backing);
        assert_int_equal(gmt_pool_left(&pool), before);
    }
}

static void the_memfd_is_sealed(void **state)
{
    (void)state;
    struct stat status;
    struct gm_backing_config config = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(1) + 1);
    config.name = "huge";
    config.page_shift = 21;
    struct gm_backing *backing = create(&config);
    int fd = gm_backing_fd(backing), seals = fcntl(fd, F_GET_SEALS);
    assert_int_equal(seals & (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(fstat(fd, &status), 0);
    assert_int_equal(status.st_size, PAGES(2));
    assert_int_not_equal(ftruncate(fd, (off_t)PAGE), 0);
    gm_backing_put(backing);
}

static void nodes(void **state)
{
    char policy[64];
    (void)state;
    for (unsigned i = 0; i < KINDS; i++) {
        struct gm_backing_config config = config_of(kinds[i], PAGES(2));
        config.numa_policy = GM_NUMA_BIND;
        config.numa_nodes = 1;
        struct gm_backing *backing = NULL;
        int result = gm_backing_create(&config, &backing);
        if (result == -EOPNOTSUPP || result == -EPERM) {
            print_message("SKIPPED: this kernel has no NUMA policies, or a filter keeps them away\n");
            skip();
        }
        assert_result(result, 0);
        gmt_numa_policy(gm_backing_address(backing), policy);
        assert_string_equal(policy, "bind:0");
        gm_backing_put(backing);
    }
}

/* A file of the mount, or a memfd of huge pages of somebody's: its pages are found out. */
static void files_in_huge_pages(void **state)
{
    (void)state;
    struct gm_backing_config theirs = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(4));
    struct gm_backing *file = create(&theirs), *out = NULL;
    struct gm_backing_config config = {
        .kind = GM_BACKING_KIND_FILE, .fd = gm_backing_fd(file), .offset = PAGES(1), .size = PAGES(3)};
    struct gm_backing_info info;
    unsigned char *memory = gm_backing_address(file);
    memset(memory, 3, PAGES(4));
    struct gm_backing *backing = create(&config);
    assert_result(gm_backing_info_get(backing, &info), 0);
    assert_int_equal(info.page_size, PAGE);
    assert_int_equal(*(unsigned char *)info.address, 3);
    assert_result(gm_backing_discard(backing, 0, GMT_PAGE), -EINVAL);
    assert_result(gm_backing_discard(backing, 0, PAGE), 0);
    assert_int_equal(memory[PAGES(1)], 0);
    assert_int_equal(memory[PAGES(1) - 1], 3);
    assert_result(gm_backing_page_shift(backing, 0, GMT_GIB, PAGES(3)), 21);
    gm_backing_put(backing);
    config.numa_policy = GM_NUMA_BIND; /* these pages are the mapping's */
    config.numa_nodes = 1;
    int result = gm_backing_create(&config, &backing);
    if (result != -EPERM)
        assert_result(result, 0);
    gm_backing_put(result == 0 ? backing : NULL);
    config.numa_policy = GM_NUMA_DEFAULT;
    config.numa_nodes = 0;
    config.offset = GMT_PAGE;
    assert_result(gm_backing_create(&config, &out), -EINVAL);
    config.offset = PAGES(2);
    assert_result(gm_backing_create(&config, &out), -ENXIO);
    assert_null(out);
    gm_backing_put(file);
}

static void mounts(void **state)
{
    if (mount_point[0] == '\0') {
        print_message("SKIPPED: hugetlbfs cannot be mounted here\n");
        skip();
    }
    struct gm_backing *out = (struct gm_backing *)state;
    struct gm_backing_config config = config_of(GM_BACKING_KIND_HUGETLBFS, PAGES(1));
    config.page_shift = 30;
    assert_result(gm_backing_create(&config, &out), -EINVAL);
    config.page_shift = 21;
    struct gm_backing *backing = create(&config);
    struct stat status; /* no name is left in the mount, with or without the backing */
    assert_int_equal(fstat(gm_backing_fd(backing), &status), 0);
    assert_int_equal(status.st_nlink, 0);
    assert_int_equal(fcntl(gm_backing_fd(backing), F_GETFD), FD_CLOEXEC);
    assert_int_equal(rmdir(mount_point), -1);
    gm_backing_put(backing);
    config.path = "/dev/shm";
    assert_result(gm_backing_create(&config, &out), -EOPNOTSUPP);
    config.path = "/dev/shm/guestmem-no-such-folder";
    assert_result(gm_backing_create(&config, &out), -ENOENT);
    assert_ptr_equal(out, state);
}

/* In a linear space: whole huge pages, or nothing. */
static void regions_of_a_linear_space(void **state)
{
    (void)state;
    struct gm_backing_config config = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(4));
    const struct gm_space_config linear = {.linear_size = GMT_GIB, .numa_node = -1};
    struct gmt_rig rig = {0};
    struct gm_backing *backing = create(&config);
    unsigned char *memory = gm_backing_address(backing);
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(&linear, &rig.space), 0);
    const struct gm_view *view = gmt_pin(rig.space);
    uint64_t base = view->linear_base;
    gm_unpin();
    const gm_gpa gpa = PAGES(8);
    struct gm_region_desc desc = {.gpa = gpa, .size = PAGES(2), .backing = backing, .offset = PAGES(1)};
    struct gm_region_desc bad = desc;
    gmt_add(rig.space, &desc);
    view = gmt_pin(rig.space);
    unsigned char *hva = gm_translate(view, gpa + 77, 1, GM_RW);
    *(volatile unsigned char *)hva = 42;
    assert_int_equal(memory[PAGES(1) + 77], 42);
    assert_true(gmt_has_vm_flag(hva, "ht"));
    gm_unpin();
    bad.gpa = gpa + PAGES(4) + GMT_PAGE;
    gmt_assert_add_refused(&rig, &bad, -EINVAL);
    bad = (struct gm_region_desc){.gpa = gpa + PAGES(4), .size = PAGE, .backing = backing, .offset = GMT_PAGE};
    gmt_assert_add_refused(&rig, &bad, -EINVAL);
    bad.offset = 0;
    bad.size = PAGE + GMT_PAGE;
    gmt_assert_add_refused(&rig, &bad, -EINVAL);
    gmt_assert_resize_refused(&rig, gpa, PAGE + GMT_PAGE, -EINVAL);
    gmt_resize(rig.space, gpa, PAGES(3));
    gmt_resize(rig.space, gpa, PAGES(1));
    assert_int_equal(gmt_touch((unsigned char *)(uintptr_t)(base + gpa + PAGES(1)), false), SIGSEGV);
    assert_int_equal(*(volatile unsigned char *)hva, 42);
    gmt_remove(rig.space, gpa, PAGES(1));
    assert_result(gm_space_destroy(rig.space), 0);
    assert_result(gm_reader_unregister(), 0);
    free(rig.before);
    gm_backing_put(backing);
}

/* Pages of the pool come from where the mapping says through which they are touched first: a region's says the same. */
static void nodes_of_a_linear_space(void **state)
{
    (void)state;
    struct gm_backing_config config = config_of(GM_BACKING_KIND_MEMFD_HUGETLB, PAGES(4));
    const struct gm_space_config linear = {.linear_size = GMT_GIB, .numa_node = -1};
    struct gm_backing *backing = NULL;
    struct gm_space *space;
    char policy[64];
    config.numa_policy = GM_NUMA_BIND;
    config.numa_nodes = 1;
    int result = gm_backing_create(&config, &backing);
    if (result == -EOPNOTSUPP || result == -EPERM) {
        print_message("SKIPPED: this kernel has no NUMA policies, or a filter keeps them away\n");
        skip();
    }
    assert_result(result, 0);
    assert_result(gm_reader_register(), 0);
    assert_result(gm_space_create(&linear, &space), 0);
    const struct gm_region_desc desc = {.gpa = PAGES(8), .size = PAGES(2), .backing = backing, .offset = PAGES(1)};
    gmt_add(space, &desc);
    gmt_numa_policy(gm_translate(gmt_pin(space), PAGES(8), PAGES(2), GM_RW), policy);
    gm_unpin();
    assert_string_equal(policy, "bind:0");
    gmt_resize(space, PAGES(8), PAGES(3));
    gmt_numa_policy(gm_translate(gmt_pin(space), PAGES(8), PAGES(3), GM_RW), policy);
    gm_unpin();
    assert_string_equal(policy, "bind:0"); /* one mapping still: what was added says it too */
    assert_result(gm_space_destroy(space), 0);
    assert_result(gm_reader_unregister(), 0);
    gm_backing_put(backing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_come_from_the_pool), cmocka_unit_test(the_pool_is_too_small),
        cmocka_unit_test(prefault_takes_them),      cmocka_unit_test(discard_gives_them_back),
        cmocka_unit_test(resize_by_whole_pages),    cmocka_unit_test(the_memfd_is_sealed),
        cmocka_unit_test(nodes),                    cmocka_unit_test(files_in_huge_pages),
        cmocka_unit_test(mounts),                   cmocka_unit_test(regions_of_a_linear_space),
        cmocka_unit_test(nodes_of_a_linear_space),
    };
    if (!gmt_pool_open(&pool, SHIFT, POOL))
        gmt_skip("this machine does not give 16 huge pages of 2 MiB");
    strcpy(mount_point, "/tmp/guestmem-huge-XXXXXX");
    bool folder = mkdtemp(mount_point) != NULL;
    bool mounted = folder && mount("guestmem", mount_point, "hugetlbfs", 0, "pagesize=2M") == 0;
    char path[sizeof(mount_point)];
    memcpy(path, mount_point, sizeof(path));
    if (!mounted)
        mount_point[0] = '\0';
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (mounted && umount(path) != 0) { /* somebody still has a file of it */
        (void)umount2(path, MNT_DETACH);
        failed++;
    }
    if (folder)
        (void)rmdir(path);
    gmt_pool_close(&pool);
    return failed;
}
