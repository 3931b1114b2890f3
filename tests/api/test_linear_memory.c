/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Anonymous memory of linear spaces: how it is made (nodes, huge pages, dumps), and the memory of any space had there
 * and given back by guest address.
 */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <string.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define SIZE GMT_GIB
#define AT GMT_BLOCK

static int open_linear(void **state)
{
    gmt_rig_open(state);
    struct gmt_rig *rig = *state;
    struct gm_space_config config = {.linear_size = SIZE, .numa_node = -1};
    assert_result(gm_space_destroy(rig->space), 0);
    assert_result(gm_space_create(&config, &rig->space), 0);
    return 0;
}

static unsigned char *host_of(const struct gmt_rig *rig, gm_gpa gpa)
{
    unsigned char *host = gm_translate(gmt_pin(rig->space), gpa, 1, GM_ANY);
    assert_result(gm_unpin(), 0);
    assert_non_null(host);
    return host;
}

static void add_linear(struct gmt_rig *rig, gm_gpa gpa, uint64_t size, const struct gm_backing_config *memory)
{
    struct gm_region_desc desc = {.gpa = gpa, .size = size, .memory = memory};
    gmt_add(rig->space, &desc);
}

/* Also of what a region gains later: one mapping with one policy. */
static void nodes(void **state)
{
    static const struct {
        enum gm_numa_policy policy;
        const char *name;
    } policies[] = {{GM_NUMA_BIND, "bind:0"}, {GM_NUMA_PREFER, "prefer:0"}, {GM_NUMA_INTERLEAVE, "interleave:0"}};
    struct gmt_rig *rig = *state;
    for (unsigned i = 0; i < 3; i++) {
        const struct gm_backing_config memory = {.numa_policy = policies[i].policy, .numa_nodes = 1};
        const struct gm_region_desc desc = {.gpa = AT, .size = PAGES(4), .memory = &memory};
        struct gmt_smaps entry;
        char policy[64];
        struct gm_txn *txn = gmt_begin(rig->space);
        int result = gm_txn_add(txn, &desc);
        gmt_commit(txn, GM_COMMIT_WAIT);
        if (result == -EOPNOTSUPP || result == -EPERM) {
            print_message("SKIPPED: this kernel has no NUMA policies, or a filter keeps them away\n");
            skip();
        }
        assert_result(result, 0);
        gmt_resize(rig->space, AT, PAGES(9));
        gmt_resize(rig->space, AT, PAGES(6));
        gmt_resize(rig->space, AT, PAGES(8));
        unsigned char *host = host_of(rig, AT);
        memset(host, 1, PAGES(8));
        gmt_numa_policy(host, policy);
        assert_string_equal(policy, policies[i].name);
        assert_true(gmt_smaps_of(host, &entry));
        assert_int_equal(entry.end - entry.start, PAGES(8));
        struct gm_region_info info;
        assert_result(gm_region_find(gmt_pin(rig->space), AT, &info), 0);
        assert_null(info.backing);
        assert_result(gm_unpin(), 0);
        gmt_remove(rig->space, AT, PAGES(8));
        gmt_numa_policy(host, policy); /* the reservation has none */
        assert_string_not_equal(policy, policies[i].name);
    }
}

static void flags_reach_the_kernel(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_backing_config loud = {
        .flags = GM_BACKING_DUMP | GM_BACKING_NO_FORK | GM_BACKING_THP | GM_BACKING_NORESERVE};
    add_linear(rig, AT, GMT_BLOCK, &loud);
    add_linear(rig, 4 * GMT_BLOCK, GMT_BLOCK, NULL);
    unsigned char *host = host_of(rig, AT), *plain = host_of(rig, 4 * GMT_BLOCK);
    assert_false(gmt_has_vm_flag(host, "dd"));
    assert_true(gmt_has_vm_flag(host, "dc"));
    assert_true(gmt_has_vm_flag(host, "nr"));
    assert_true(gmt_has_vm_flag(plain, "dd"));
    assert_true(gmt_has_vm_flag(plain, "nr"));
    assert_false(gmt_has_vm_flag(plain, "dc"));
    if (!gmt_has_vm_flag(host, "hg")) {
        print_message("SKIPPED: this kernel has no transparent huge pages\n");
        skip();
    }
    assert_false(gmt_has_vm_flag(plain, "hg"));
    gmt_resize(rig->space, AT, 2 * GMT_BLOCK);
    assert_true(gmt_has_vm_flag(host + GMT_BLOCK, "hg"));
    const struct gm_backing_config charged = {.kind = GM_BACKING_KIND_ANONYMOUS};
    add_linear(rig, 8 * GMT_BLOCK, PAGES(1), &charged);
    assert_false(gmt_has_vm_flag(host_of(rig, 8 * GMT_BLOCK), "nr"));
}

static void refusals(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *memfd;
    const struct {
        struct gm_backing_config memory;
        int want;
    } cases[] = {
        {{.kind = GM_BACKING_KIND_MEMFD}, -EOPNOTSUPP},
        {{.kind = GM_BACKING_KIND_HUGETLB}, -EOPNOTSUPP},
        {{.kind = GM_BACKING_KIND_FILE, .fd = -1}, -EINVAL},
        {{.kind = (enum gm_backing_kind)77}, -EINVAL},
        {{.flags = GM_BACKING_GUARD}, -EOPNOTSUPP},
        {{.flags = GM_BACKING_PRIVATE}, -EOPNOTSUPP},
        {{.flags = 1u << 30}, -EINVAL},
        {{.align = GMT_BLOCK}, -EOPNOTSUPP},
        {{.size_most = GMT_GIB}, -EOPNOTSUPP},
        {{.name = "x"}, -EOPNOTSUPP},
        {{.numa_policy = GM_NUMA_BIND}, -EINVAL},
        {{.numa_nodes = 1}, -EINVAL},
    };
    struct gm_region_desc desc = {.gpa = AT, .size = PAGES(2)};
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        desc.memory = &cases[i].memory;
        gmt_assert_add_refused(rig, &desc, cases[i].want);
    }
    const struct gm_backing_config good = {.size = 0}, far = {.numa_policy = GM_NUMA_BIND, .numa_nodes = 1ull << 63};
    assert_result(gm_backing_memfd(NULL, PAGES(4), 0, &memfd), 0);
    desc = (struct gm_region_desc){.gpa = AT, .size = PAGES(2), .memory = &good, .backing = memfd};
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc = (struct gm_region_desc){.gpa = AT, .size = PAGES(2), .memory = &good, .kind = GM_KIND_DEVICE};
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc = (struct gm_region_desc){.gpa = AT, .size = PAGES(2), .memory = &far};
    struct gm_txn *txn = gmt_begin(rig->space);
    int result = gm_txn_add(txn, &desc);
    if (result != -EOPNOTSUPP && result != -EPERM)
        assert_result(result, -EINVAL);
    desc.memory = &good; /* the place is free again */
    assert_result(gm_txn_add(txn, &desc), 0);
    gmt_commit(txn, GM_COMMIT_WAIT);
    gm_backing_put(memfd);
}

static void not_in_other_spaces(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_backing_config good = {.size = 0};
    struct gm_region_desc desc = gmt_ram(rig, AT, PAGES(2), 0);
    desc.memory = &good;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
    desc.backing = NULL;
    gmt_assert_add_refused(rig, &desc, -EINVAL);
}

/* Entries in the page table of the mapping that readers use, whichever memory is behind it; of the range, no more. */
static void all_of_it_is_there(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *memfd;
    const struct gm_prefault how = {.threads = 2};
    uint64_t done = 0;
    assert_result(gm_backing_memfd(NULL, PAGES(64), 0, &memfd), 0);
    const struct gm_region_desc shared = {.gpa = 4 * AT, .size = PAGES(32), .backing = memfd, .offset = PAGES(8)};
    gmt_add(rig->space, &shared);
    add_linear(rig, AT, PAGES(32), NULL);
    for (unsigned i = 0; i < 2; i++) {
        gm_gpa gpa = i == 0 ? AT : 4 * AT;
        unsigned char *host = host_of(rig, gpa);
        assert_int_equal(gmt_present(host, PAGES(32)), 0);
        assert_result(gm_space_prefault(rig->space, gpa + PAGES(3) + 5, PAGES(7) - 10, &how, &done), 0);
        assert_int_equal(done, PAGES(7)); /* rounded out */
        assert_int_equal(gmt_present(host + PAGES(3), PAGES(7)), 7);
        assert_int_equal(gmt_present(host, PAGES(32)), 7);
        assert_result(gm_space_prefault(rig->space, gpa, PAGES(32), NULL, NULL), 0);
        assert_int_equal(gmt_present(host, PAGES(32)), 32);
    }
    gm_backing_put(memfd);
}

/* A region that begins and ends within pages. */
static void pages_that_are_used_in_part(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *backing;
    uint64_t done = 0;
    assert_result(gm_backing_anonymous(PAGES(4), 0, &backing), 0);
    const struct gm_region_desc desc = {
        .gpa = AT + 100, .size = PAGES(2), .backing = backing, .offset = PAGES(1) + 100};
    gmt_add(rig->space, &desc);
    assert_result(gm_space_prefault(rig->space, AT + 100, PAGES(2), NULL, &done), 0);
    assert_int_equal(done, PAGES(3));
    assert_int_equal(gmt_present(gm_backing_address(backing), PAGES(1)), 0);
    assert_int_equal(gmt_present((char *)gm_backing_address(backing) + PAGES(1), PAGES(3)), 3);
    assert_result(gm_space_discard(rig->space, AT + 100, PAGES(1)), -EINVAL);
    gm_backing_put(backing);
}

struct removal {
    struct gmt_rig *rig;
    unsigned calls;
    int again;
    const unsigned char *host;
    uint64_t present;
};

static int remove_it(void *argument, uint64_t done, uint64_t total)
{
    struct removal *removal = argument;
    struct gm_region_desc desc = {.gpa = AT, .size = PAGES(16)};
    (void)done, (void)total;
    if (removal->calls++ != 0)
        return 0;
    gmt_remove(removal->rig->space, AT, PAGES(16));
    struct gm_txn *txn = gmt_begin(removal->rig->space);
    removal->again = gm_txn_add(txn, &desc);
    gm_txn_abort(txn);
    removal->present = gmt_present(removal->host, PAGES(16));
    return 0;
}

/* The region goes while its memory is prefaulted: the memory stays until that has ended. */
static void it_stays_meanwhile(void **state)
{
    struct gmt_rig *rig = *state;
    add_linear(rig, AT, PAGES(16), NULL);
    struct removal removal = {.rig = rig, .host = host_of(rig, AT)};
    const struct gm_prefault how = {.threads = 1, .progress = remove_it, .argument = &removal};
    assert_result(gm_space_prefault(rig->space, AT, PAGES(16), &how, NULL), 0);
    assert_true(removal.calls >= 1);
    assert_result(removal.again, -EBUSY);
    assert_int_equal(removal.present, 16);
    assert_result(gm_space_reclaim(rig->space), 0);
    assert_int_equal(gmt_present(removal.host, PAGES(16)), 0);
    add_linear(rig, AT, PAGES(16), NULL);
}

static void it_is_given_back(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_backing *memfd;
    assert_result(gm_backing_memfd(NULL, PAGES(16), 0, &memfd), 0);
    const struct gm_region_desc shared = {.gpa = 4 * AT, .size = PAGES(8), .backing = memfd, .offset = PAGES(4)};
    gmt_add(rig->space, &shared);
    add_linear(rig, AT, PAGES(8), NULL);
    memset(gm_backing_address(memfd), 7, PAGES(16));
    for (unsigned i = 0; i < 2; i++) {
        gm_gpa gpa = i == 0 ? AT : 4 * AT;
        unsigned char *host = host_of(rig, gpa);
        memset(host, 7, PAGES(8));
        assert_result(gm_space_discard(rig->space, gpa + 8, PAGES(1)), -EINVAL);
        assert_result(gm_space_discard(rig->space, gpa, PAGES(1) - 8), -EINVAL);
        assert_result(gm_space_discard(rig->space, gpa + PAGES(2), PAGES(3)), 0);
        assert_int_equal(gmt_present(host, PAGES(8)), 5);
        for (uint64_t at = 0; at < PAGES(8); at++)
            assert_int_equal(host[at], at / GMT_PAGE >= 2 && at / GMT_PAGE < 5 ? 0 : 7);
    }
    const unsigned char *file = gm_backing_address(memfd);
    assert_int_equal(file[PAGES(6) - 1], 7);
    assert_int_equal(file[PAGES(6)], 0);
    assert_int_equal(file[PAGES(9)], 7);
    gm_backing_put(memfd);
}

static void ranges_that_are_none(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_region_desc device = gmt_device(4 * AT, PAGES(4));
    const struct gm_prefault many = {.threads = GM_PREFAULT_THREADS_MOST + 1};
    const struct {
        gm_gpa gpa;
        uint64_t size;
        int want;
    } cases[] = {
        {AT, 0, -EINVAL},          {AT - PAGES(1), PAGES(1), -ENOENT}, {AT + PAGES(4), PAGES(1), -ENOENT},
        {4 * AT, PAGES(1), -ENXIO}, {AT, PAGES(5), -ERANGE},            {AT + PAGES(3), PAGES(2), -ERANGE},
        {AT, UINT64_MAX, -EOVERFLOW}, {UINT64_MAX, 1, -ENOENT},
    };
    uint64_t done = 77;
    gmt_add(rig->space, &device);
    add_linear(rig, AT, PAGES(4), NULL);
    for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_result(gm_space_prefault(rig->space, cases[i].gpa, cases[i].size, NULL, &done), cases[i].want);
        assert_result(gm_space_discard(rig->space, cases[i].gpa, cases[i].size), cases[i].want);
    }
    assert_result(gm_space_prefault(rig->space, AT, PAGES(1), &many, &done), -EINVAL);
    assert_result(gm_space_prefault(NULL, AT, PAGES(1), NULL, &done), -EINVAL);
    assert_result(gm_space_discard(NULL, AT, PAGES(1)), -EINVAL);
    struct gm_txn *txn = gmt_begin(rig->space);
    assert_result(gm_space_prefault(rig->space, AT, PAGES(1), NULL, &done), -EDEADLK);
    assert_result(gm_space_discard(rig->space, AT, PAGES(1)), -EDEADLK);
    gm_txn_abort(txn);
    (void)gmt_pin(rig->space);
    assert_result(gm_space_prefault(rig->space, AT, PAGES(1), NULL, &done), -EDEADLK);
    assert_result(gm_space_discard(rig->space, AT, PAGES(1)), -EDEADLK);
    assert_result(gm_unpin(), 0);
    assert_int_equal(done, 77);
    assert_int_equal(gmt_present(host_of(rig, AT), PAGES(4)), 0);
}

/* RAM at boot in a linear space, by range. */
static void ranges_at_boot(void **state)
{
    struct gmt_rig *rig = *state;
    const struct gm_backing_config memory = {.flags = GM_BACKING_DUMP};
    const struct gm_boot_range range = {.gpa = AT, .size = GMT_BLOCK, .memory = &memory};
    assert_result(gm_space_add_ranges(rig->space, &range, 1), 0);
    assert_false(gmt_has_vm_flag(host_of(rig, AT), "dd"));
    assert_ptr_equal(host_of(rig, AT), (void *)(uintptr_t)(gmt_pin(rig->space)->linear_base + AT));
    assert_result(gm_unpin(), 0);
}

#define LINEAR(name) cmocka_unit_test_setup_teardown(name, open_linear, gmt_rig_close)
#define PLAIN(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        LINEAR(nodes),
        LINEAR(flags_reach_the_kernel),
        LINEAR(refusals),
        PLAIN(not_in_other_spaces),
        LINEAR(all_of_it_is_there),
        PLAIN(pages_that_are_used_in_part),
        LINEAR(it_stays_meanwhile),
        LINEAR(it_is_given_back),
        LINEAR(ranges_that_are_none),
        LINEAR(ranges_at_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
