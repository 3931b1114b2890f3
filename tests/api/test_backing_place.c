/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Where memory goes and what the kernel was told about it: alignment, guards, flags, huge pages, nodes; and which page
 * size a region could be mapped by.
 */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define SIZE (4 * GMT_BLOCK)

static struct gm_backing *create(const struct gm_backing_config *config)
{
    struct gm_backing *backing;
    assert_result(gm_backing_create(config, &backing), 0);
    return backing;
}

static void alignment_and_phase(void **state)
{
    static const struct {
        uint64_t align, phase;
        unsigned flags;
        uint64_t modulo;
    } cases[] = {
        {0, 0, 0, GMT_PAGE},
        {GMT_PAGE, 0, 0, GMT_PAGE},
        {16 * GMT_PAGE, 5 * GMT_PAGE, 0, 16 * GMT_PAGE},
        {GMT_BLOCK, 0, 0, GMT_BLOCK},
        {GMT_BLOCK, GMT_BLOCK - GMT_PAGE, GM_BACKING_THP, GMT_BLOCK},
        {GMT_PAGE, 0, GM_BACKING_THP, GMT_BLOCK}, /* too small */
        {GMT_GIB, 3 * GMT_BLOCK, GM_BACKING_GUARD, GMT_GIB},
        {UINT64_C(1) << 36, GMT_PAGE, 0, UINT64_C(1) << 36}, /* ThreadSanitizer leaves no room for more */
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct gm_backing_config config = {
            .size = SIZE, .align = cases[i / 2].align, .phase = cases[i / 2].phase, .flags = cases[i / 2].flags};
        if ((i & 1) != 0) {
            config.kind = GM_BACKING_KIND_MEMFD;
            config.phase = 0;
        }
        struct gm_backing *backing = create(&config);
        assert_int_equal((uintptr_t)gm_backing_address(backing) % cases[i / 2].modulo, config.phase);
        memset(gm_backing_address(backing), 1, SIZE);
        gm_backing_put(backing);
    }
}

/* A file's place modulo a huge page is the memory's, or no huge page could ever hold it. */
static void a_file_is_congruent_to_its_offset(void **state)
{
    (void)state;
    struct gm_backing *file;
    assert_result(gm_backing_memfd(NULL, 2 * SIZE, 0, &file), 0);
    for (uint64_t offset = 0; offset < SIZE; offset += 257 * GMT_PAGE) {
        struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                           .fd = gm_backing_fd(file),
                                           .offset = offset,
                                           .size = SIZE,
                                           .flags = GM_BACKING_THP};
        struct gm_backing *backing = create(&config);
        assert_int_equal((uintptr_t)gm_backing_address(backing) % GMT_BLOCK, offset % GMT_BLOCK);
        gm_backing_put(backing);
    }
    gm_backing_put(file);
}

static void guards_fault(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct gm_backing_config config = {.kind = (i & 1) != 0 ? GM_BACKING_KIND_MEMFD : GM_BACKING_KIND_ANONYMOUS,
                                           .size = PAGES(3),
                                           .size_most = (i & 2) != 0 ? PAGES(5) : 0,
                                           .flags = GM_BACKING_GUARD | ((i & 4) != 0 ? GM_BACKING_THP : 0)};
        struct gm_backing *backing = create(&config);
        unsigned char *memory = gm_backing_address(backing);
        assert_int_equal(gmt_touch(memory - 1, false), SIGSEGV);
        assert_int_equal(gmt_touch(memory - GMT_PAGE, false), SIGSEGV);
        assert_int_equal(gmt_touch(memory, true), 0);
        assert_int_equal(gmt_touch(memory + PAGES(3) - 1, true), 0);
        for (uint64_t at = PAGES(3); at < PAGES((i & 2) != 0 ? 6 : 4); at += GMT_PAGE)
            assert_int_equal(gmt_touch(memory + at, false), SIGSEGV);
        if ((i & 2) != 0)
            assert_result(gm_backing_resize(backing, PAGES(5)), 0);
        uint64_t size = gm_backing_size(backing);
        assert_int_equal(gmt_touch(memory + size - 1, true), 0);
        assert_int_equal(gmt_touch(memory + size, false), SIGSEGV);
        gm_backing_put(backing);
    }
}

/* They are there and nobody else's: what lies beside them is another backing's memory. */
static void guards_are_part_of_the_backing(void **state)
{
    struct gm_backing *made[12];
    struct gmt_smaps entry;
    (void)state;
    for (unsigned i = 0; i < 12; i++) {
        const struct gm_backing_config config = {.size = PAGES(4), .flags = i % 3 != 0 ? GM_BACKING_GUARD : 0};
        made[i] = create(&config);
    }
    for (unsigned i = 0; i < 12; i++) {
        const char *memory = gm_backing_address(made[i]);
        for (unsigned side = 0; i % 3 != 0 && side < 2; side++) {
            assert_true(gmt_smaps_of(side == 0 ? memory - 1 : memory + PAGES(4), &entry));
            assert_null(strstr(entry.flags, " rd"));
        }
    }
    for (unsigned i = 0; i < 12; i++)
        gm_backing_put(made[i]);
}

static void flags_reach_the_kernel(void **state)
{
    static const struct {
        unsigned flag;
        const char *name;
        bool when_set;
    } flags[] = {
        {GM_BACKING_NORESERVE, "nr", true}, {GM_BACKING_DUMP, "dd", false},     {GM_BACKING_NO_FORK, "dc", true},
        {GM_BACKING_THP, "hg", true},       {GM_BACKING_MERGEABLE, "mg", true},
    };
    (void)state;
    for (unsigned set = 0; set < 1u << 5; set++) {
        struct gm_backing_config config = {.size = SIZE, .size_most = 2 * SIZE};
        for (unsigned i = 0; i < 5; i++)
            config.flags |= (set >> i & 1) != 0 ? flags[i].flag : 0;
        struct gm_backing *backing = create(&config);
        assert_result(gm_backing_resize(backing, 2 * SIZE), 0); /* what is added is told the same */
        char *memory = gm_backing_address(backing);
        for (unsigned i = 0; i < 5; i++) {
            bool is_set = (set >> i & 1) != 0;
            if (flags[i].flag == GM_BACKING_MERGEABLE && access("/sys/kernel/mm/ksm", F_OK) != 0)
                continue;
            if (gmt_has_vm_flag(memory, flags[i].name) != (is_set == flags[i].when_set) ||
                gmt_has_vm_flag(memory + 2 * SIZE - 1, flags[i].name) != (is_set == flags[i].when_set))
                fail_msg("flags %x: %s", config.flags, flags[i].name);
        }
        gm_backing_put(backing);
    }
}

static void a_child_does_not_get_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct gm_backing_config config = {.kind = (i & 1) != 0 ? GM_BACKING_KIND_MEMFD : GM_BACKING_KIND_ANONYMOUS,
                                           .size = PAGES(1),
                                           .flags = (i & 2) != 0 ? GM_BACKING_NO_FORK : 0};
        struct gm_backing *backing = create(&config);
        assert_int_equal(gmt_touch(gm_backing_address(backing), true), (i & 2) != 0 ? SIGSEGV : 0);
        gm_backing_put(backing);
    }
}

static bool thp_is_on(void)
{
    char line[128] = "";
    FILE *file = fopen("/sys/kernel/mm/transparent_hugepage/enabled", "r");
    if (file == NULL)
        return false;
    bool on = fgets(line, sizeof(line), file) != NULL && strstr(line, "[never]") == NULL;
    fclose(file);
    return on;
}

/* Seen in smaps: what is asked for comes in huge pages, because place and length allow it. */
static void transparent_huge_pages(void **state)
{
    (void)state;
    if (!thp_is_on()) {
        print_message("SKIPPED: transparent huge pages are off on this machine\n");
        skip();
    }
    for (unsigned i = 0; i < 2; i++) {
        struct gm_backing_config config = {.size = 8 * GMT_BLOCK, .flags = i == 0 ? GM_BACKING_THP : 0};
        struct gmt_smaps entry;
        struct gm_backing *backing = create(&config);
        memset(gm_backing_address(backing), 1, 8 * GMT_BLOCK);
        assert_true(gmt_smaps_of(gm_backing_address(backing), &entry));
        assert_int_equal(entry.anon_huge > 0, i == 0); /* mostly all 16384 KiB; the kernel may lack some */
        gm_backing_put(backing);
    }
}

static void nodes(void **state)
{
    static const struct {
        enum gm_numa_policy policy;
        const char *name;
    } policies[] = {{GM_NUMA_BIND, "bind:0"}, {GM_NUMA_PREFER, "prefer:0"}, {GM_NUMA_INTERLEAVE, "interleave:0"}};
    char policy[64];
    (void)state;
    for (unsigned i = 0; i < 6; i++) {
        struct gm_backing_config config = {.kind = (i & 1) != 0 ? GM_BACKING_KIND_MEMFD : GM_BACKING_KIND_ANONYMOUS,
                                           .size = PAGES(4),
                                           .size_most = PAGES(8),
                                           .numa_policy = policies[i / 2].policy,
                                           .numa_nodes = 1};
        struct gm_backing *backing = NULL;
        int result = gm_backing_create(&config, &backing);
        if (result == -EOPNOTSUPP || result == -EPERM) {
            print_message("SKIPPED: this kernel has no NUMA policies, or a filter keeps them away\n");
            skip();
        }
        assert_result(result, 0);
        assert_result(gm_backing_resize(backing, PAGES(8)), 0);
        memset(gm_backing_address(backing), 1, PAGES(8));
        gmt_numa_policy(gm_backing_address(backing), policy);
        assert_string_equal(policy, policies[i / 2].name);
        struct gmt_smaps entry; /* one mapping: what was added has the same policy */
        assert_true(gmt_smaps_of(gm_backing_address(backing), &entry));
        assert_int_equal(entry.end - entry.start, PAGES(8));
        gm_backing_put(backing);
    }
}

/* The kernel would take the nodes that it has and forget the others; or put memory anywhere. */
static void nodes_that_are_not_there(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 8; i++) {
        struct gm_backing_config config = {.kind = (i & 1) != 0 ? GM_BACKING_KIND_MEMFD : GM_BACKING_KIND_ANONYMOUS,
                                           .size = PAGES(4)};
        struct gm_backing *out = (struct gm_backing *)state;
        config.numa_policy = (i & 2) != 0 ? GM_NUMA_BIND : GM_NUMA_INTERLEAVE;
        config.numa_nodes = (i & 4) != 0 ? UINT64_C(1) << 63 : UINT64_C(1) << 63 | 1;
        int result = gm_backing_create(&config, &out);
        if (result != -EOPNOTSUPP && result != -EPERM)
            assert_result(result, -EINVAL);
        assert_ptr_equal(out, state);
    }
    struct gm_backing_config prefer = {
        .size = PAGES(4), .numa_policy = GM_NUMA_PREFER, .numa_nodes = UINT64_C(1) << 63};
    struct gm_backing *out = NULL;
    assert_int_not_equal(gm_backing_create(&prefer, &out), 0);
    assert_null(out);
}

/* The page cache takes its pages from where it likes. */
static void nodes_of_files(void **state)
{
    char path[] = "guestmem-test-XXXXXX";
    struct gm_backing *file, *out = (struct gm_backing *)state;
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(fd, (off_t)PAGES(2)), 0);
    assert_result(gm_backing_memfd(NULL, PAGES(2), 0, &file), 0);
    struct gm_backing_config config = {.kind = GM_BACKING_KIND_FILE,
                                       .size = PAGES(2),
                                       .fd = gm_backing_fd(file),
                                       .numa_policy = GM_NUMA_BIND,
                                       .numa_nodes = 1};
    struct gm_backing *backing = NULL;
    int result = gm_backing_create(&config, &backing);
    if (result == -EOPNOTSUPP || result == -EPERM)
        print_message("SKIPPED in part: no NUMA policies here\n");
    else
        assert_result(result, 0);
    gm_backing_put(backing);
    gm_backing_put(file);
    config.fd = fd;
    config.flags = GM_BACKING_PRIVATE;
    assert_result(gm_backing_create(&config, &out), -EOPNOTSUPP);
    assert_ptr_equal(out, state);
    close(fd);
}

static void information(void **state)
{
    struct gm_backing_info info;
    (void)state;
    const struct gm_backing_config config = {.kind = GM_BACKING_KIND_MEMFD,
                                             .flags = GM_BACKING_GUARD | GM_BACKING_DUMP,
                                             .size = 3 * GMT_PAGE - 1,
                                             .size_most = 8 * GMT_PAGE - 1};
    struct gm_backing *backing = create(&config);
    assert_result(gm_backing_info_get(backing, &info), 0);
    assert_int_equal(info.kind, GM_BACKING_KIND_MEMFD);
    assert_int_equal(info.flags, GM_BACKING_GUARD | GM_BACKING_DUMP);
    assert_ptr_equal(info.address, gm_backing_address(backing));
    assert_int_equal(info.size, PAGES(3));
    assert_int_equal(info.size_most, PAGES(8));
    assert_int_equal(info.page_size, GMT_PAGE);
    assert_int_equal(info.fd, gm_backing_fd(backing));
    assert_int_equal(info.offset, 0);
    assert_int_equal(info.numa_policy, GM_NUMA_DEFAULT);
    assert_result(gm_backing_info_get(NULL, &info), -EINVAL);
    assert_result(gm_backing_info_get(backing, NULL), -EINVAL);
    const struct gm_backing_config part = {
        .kind = GM_BACKING_KIND_FILE, .fd = info.fd, .offset = PAGES(2), .size = PAGES(5)};
    struct gm_backing *file = create(&part);
    assert_result(gm_backing_info_get(file, &info), 0);
    assert_int_equal(info.offset, PAGES(2));
    assert_int_equal(info.size_most, PAGES(5));
    gm_backing_put(file);
    gm_backing_put(backing);
}

/* GPA, address and file have to agree, and a whole page has to fit between first and last byte. */
static void page_shift(void **state)
{
    const uint64_t big = 3 * GMT_GIB;
    const struct {
        uint64_t offset, gpa, size;
        int want;
    } cases[] = {
        {0, 0, big, 30},
        {0, GMT_GIB, GMT_GIB, 30},
        {0, GMT_GIB, GMT_GIB - 1, 21},
        {GMT_PAGE, GMT_PAGE, GMT_GIB, 21},
        {GMT_PAGE, GMT_PAGE, 2 * GMT_GIB, 30},
        {0, GMT_BLOCK, big, 21},
        {GMT_BLOCK, 0, GMT_BLOCK, 21},
        {GMT_BLOCK, 0, GMT_BLOCK - 1, 12},
        {GMT_PAGE, GMT_BLOCK + GMT_PAGE, 2 * GMT_BLOCK - 2 * GMT_PAGE, 12},
        {GMT_PAGE, GMT_BLOCK + GMT_PAGE, 2 * GMT_BLOCK - GMT_PAGE, 21},
        {0, GMT_PAGE, big, 12},
        {5, GMT_PAGE + 5, 1, 12},
        {0, 5, GMT_PAGE, -EINVAL},
        {0, 0, 0, -EINVAL},
        {0, 0, big + 1, -ERANGE},
        {big, 0, 1, -ERANGE},
        {0, UINT64_MAX, 2, -EOVERFLOW},
        {UINT64_MAX, UINT64_MAX, 2, -EOVERFLOW},
        {GMT_BLOCK, 0 - GMT_BLOCK, GMT_BLOCK, 21},
    };
    (void)state;
    const struct gm_backing_config config = {.size = big, .flags = GM_BACKING_NORESERVE, .align = GMT_GIB};
    struct gm_backing *backing = create(&config);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_result(gm_backing_page_shift(backing, cases[i].offset, cases[i].gpa, cases[i].size), cases[i].want);
    assert_result(gm_backing_page_shift(NULL, 0, 0, 1), -EINVAL);
    gm_backing_put(backing);
    struct gm_backing *file; /* an address that fits and a place in the file that does not */
    assert_result(gm_backing_memfd(NULL, 8 * GMT_BLOCK, 0, &file), 0);
    struct gm_backing_config part = {.kind = GM_BACKING_KIND_FILE,
                                     .fd = gm_backing_fd(file),
                                     .offset = GMT_PAGE,
                                     .size = 4 * GMT_BLOCK,
                                     .align = GMT_BLOCK};
    backing = create(&part);
    assert_result(gm_backing_page_shift(backing, 0, GMT_PAGE, 4 * GMT_BLOCK), 21);
    assert_result(gm_backing_page_shift(backing, 0, 0, 4 * GMT_BLOCK), 12);
    gm_backing_put(backing);
    gm_backing_put(file);
    const struct gm_backing_config beside = {
        .kind = GM_BACKING_KIND_MEMFD, .size = 4 * GMT_BLOCK, .flags = GM_BACKING_GUARD};
    backing = create(&beside);
    uint64_t slip = (uintptr_t)gm_backing_address(backing) % GMT_BLOCK;
    assert_result(gm_backing_page_shift(backing, 0, slip, 4 * GMT_BLOCK), slip != 0 ? 12 : 21);
    gm_backing_put(backing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alignment_and_phase),
        cmocka_unit_test(a_file_is_congruent_to_its_offset),
        cmocka_unit_test(guards_fault),
        cmocka_unit_test(guards_are_part_of_the_backing),
        cmocka_unit_test(flags_reach_the_kernel),
        cmocka_unit_test(a_child_does_not_get_it),
        cmocka_unit_test(transparent_huge_pages),
        cmocka_unit_test(nodes),
        cmocka_unit_test(nodes_that_are_not_there),
        cmocka_unit_test(nodes_of_files),
        cmocka_unit_test(information),
        cmocka_unit_test(page_shift),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
