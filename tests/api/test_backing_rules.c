/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Which combination is possible: the table of guestmem/backing_create.h, written down here a second time, against
 * gm_backing_possible for every kind, flag and field; and that creating refuses the same before it asks the kernel.
 */
#include "lib/cm.h"
#include "lib/rig.h"

#include <limits.h>
#include <stdbool.h>

#define FLAGS 8
#define ALL_FLAGS ((1u << FLAGS) - 1)
#define KINDS 8

/* A request that each kind takes. */
static struct gm_backing_config plain(unsigned kind)
{
    struct gm_backing_config config = {.kind = (enum gm_backing_kind)kind, .size = GMT_PAGE, .fd = -1};
    if (kind == GM_BACKING_KIND_FILE || kind == GM_BACKING_KIND_HUGETLBFS)
        config.path = "/nowhere/at/all";
    if (kind == GM_BACKING_KIND_CALLER)
        config.address = (void *)GMT_GIB;
    if (kind == GM_BACKING_KIND_GUEST_MEMFD)
        config.fd = INT_MAX; /* nobody has that one */
    return config;
}

static bool flags_fit(unsigned kind, unsigned flags)
{
    unsigned allowed;
    const unsigned common = GM_BACKING_NORESERVE | GM_BACKING_DUMP | GM_BACKING_NO_FORK | GM_BACKING_GUARD;
    switch (kind) {
    case GM_BACKING_KIND_ANONYMOUS:
        allowed = common | GM_BACKING_THP | GM_BACKING_MERGEABLE;
        break;
    case GM_BACKING_KIND_MEMFD:
        allowed = common | GM_BACKING_THP;
        break;
    case GM_BACKING_KIND_FILE:
        allowed = common | GM_BACKING_THP | GM_BACKING_PRIVATE;
        if ((flags & GM_BACKING_PRIVATE) != 0)
            allowed |= GM_BACKING_MERGEABLE;
        break;
    case GM_BACKING_KIND_CALLER:
        allowed = 0;
        break;
    case GM_BACKING_KIND_GUEST_MEMFD:
        allowed = (flags & GM_BACKING_MAPPED) == 0
                      ? 0
                      : GM_BACKING_MAPPED | GM_BACKING_DUMP | GM_BACKING_NO_FORK | GM_BACKING_GUARD;
        break;
    default:
        allowed = common;
    }
    return (flags & ~allowed) == 0;
}

/* The verdict, and that creating gives the same where the table refuses, and writes nothing. */
static void assert_possible(const struct gm_backing_config *config, int want)
{
    struct gm_backing *out = (struct gm_backing *)(uintptr_t)config;
    assert_result(gm_backing_possible(config), want);
    if (want != 0)
        assert_result(gm_backing_create(config, &out), want);
    assert_ptr_equal(out, config);
}

static void every_kind_with_all_flags(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        for (unsigned flags = 0; flags <= ALL_FLAGS; flags++) {
            struct gm_backing_config config = plain(kind);
            config.flags = flags;
            assert_possible(&config, flags_fit(kind, flags) ? 0 : -EOPNOTSUPP);
        }
        for (unsigned bit = FLAGS; bit < 32; bit++) {
            struct gm_backing_config config = plain(kind);
            config.flags = 1u << bit;
            assert_possible(&config, -EINVAL);
        }
    }
}

/* Each field, and in the order of enum gm_backing_kind who takes it. */
static void set_name(struct gm_backing_config *config) { config->name = "left"; }
static void set_path(struct gm_backing_config *config) { config->path = "/nowhere"; }
static void set_page(struct gm_backing_config *config) { config->page_shift = 30; }
static void set_align(struct gm_backing_config *config) { config->align = GMT_BLOCK; }
static void set_offset(struct gm_backing_config *config) { config->offset = GMT_PAGE; }
static void set_most(struct gm_backing_config *config) { config->size_most = GMT_GIB; }
static void set_address(struct gm_backing_config *config) { config->address = (void *)GMT_GIB; }

static void set_phase(struct gm_backing_config *config)
{
    config->align = GMT_BLOCK;
    config->phase = GMT_PAGE;
}

static void set_numa(struct gm_backing_config *config)
{
    config->numa_policy = GM_NUMA_BIND;
    config->numa_nodes = 1;
}

static void nothing(void *argument) { (void)argument; }
static void set_release(struct gm_backing_config *config) { config->release = nothing; }

static const struct {
    void (*set)(struct gm_backing_config *config);
    char takes[KINDS + 1];
} fields[] = {
    {set_name, "-+-+----"},   {set_path, "----++--"},   {set_page, "--+++---"},    {set_align, "++++++-+"},
    {set_phase, "+-------"},  {set_offset, "-----+--"}, {set_numa, "++++++--"},    {set_most, "++++++--"},
    {set_address, "------+-"}, {set_release, "------+-"},
};

static void every_kind_with_each_field(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            struct gm_backing_config config = plain(kind);
            fields[i].set(&config);
            assert_possible(&config, fields[i].takes[kind] == '+' ? 0 : -EOPNOTSUPP);
        }
    }
}

static void values_out_of_range(void **state)
{
    char name[251];
    (void)state;
    memset(name, 'n', sizeof(name));
    name[250] = '\0';
    const struct gm_backing_config bad[] = {
        {.kind = (enum gm_backing_kind)KINDS, .size = 1},
        {.kind = (enum gm_backing_kind)-1, .size = 1},
        {.size = 0},
        {.size = GMT_BLOCK, .size_most = GMT_BLOCK - 1},
        {.size = 1, .align = GMT_PAGE / 2},
        {.size = 1, .align = 3 * GMT_PAGE},
        {.size = 1, .align = UINT64_C(1) << 41},
        {.size = 1, .phase = GMT_PAGE},
        {.size = 1, .align = GMT_BLOCK, .phase = GMT_BLOCK},
        {.size = 1, .align = GMT_BLOCK, .phase = GMT_PAGE / 2},
        {.size = 1, .numa_nodes = 1},
        {.size = 1, .numa_policy = GM_NUMA_BIND},
        {.size = 1, .numa_policy = GM_NUMA_INTERLEAVE},
        {.size = 1, .numa_policy = GM_NUMA_PREFER},
        {.size = 1, .numa_policy = GM_NUMA_PREFER, .numa_nodes = 3},
        {.size = 1, .numa_policy = (enum gm_numa_policy)4, .numa_nodes = 1},
        {.kind = GM_BACKING_KIND_MEMFD, .size = 1, .name = name},
        {.kind = GM_BACKING_KIND_HUGETLB, .size = 1, .page_shift = 12},
        {.kind = GM_BACKING_KIND_HUGETLB, .size = 1, .page_shift = 29},
        {.kind = GM_BACKING_KIND_MEMFD_HUGETLB, .size = 1, .page_shift = 64},
        {.kind = GM_BACKING_KIND_HUGETLBFS, .size = 1},
        {.kind = GM_BACKING_KIND_FILE, .size = 1, .fd = -1},
        {.kind = GM_BACKING_KIND_FILE, .size = 1, .path = "/", .offset = 1},
        {.kind = GM_BACKING_KIND_FILE, .size = 1, .path = "/", .offset = GMT_PAGE / 2},
        {.kind = GM_BACKING_KIND_FILE, .size = 1, .path = "/", .offset = UINT64_MAX},
        {.kind = GM_BACKING_KIND_CALLER, .size = 1},
        {.kind = GM_BACKING_KIND_CALLER, .size = 1, .address = (void *)(GMT_GIB + 1)},
        {.kind = GM_BACKING_KIND_GUEST_MEMFD, .size = 1, .fd = -1},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_possible(&bad[i], -EINVAL);
    struct gm_backing_config exactly = {.size = GMT_BLOCK, .size_most = GMT_BLOCK};
    assert_possible(&exactly, 0);
    struct gm_backing_config longest = {.kind = GM_BACKING_KIND_MEMFD, .size = 1, .name = name + 1};
    assert_result(gm_backing_possible(&longest), 0);
    assert_result(gm_backing_possible(NULL), -EINVAL);
    struct gm_backing *out;
    assert_result(gm_backing_create(NULL, &out), -EINVAL);
    assert_result(gm_backing_create(&longest, NULL), -EINVAL);
}

static void sizes_that_do_not_fit(void **state)
{
    const uint64_t top = INT64_MAX;
    (void)state;
    const struct gm_backing_config bad[] = {
        {.size = UINT64_MAX},
        {.size = top},
        {.size = 1, .size_most = UINT64_MAX},
        {.size = 1, .size_most = top},
        {.kind = GM_BACKING_KIND_MEMFD, .size = UINT64_MAX - GMT_PAGE + 2},
        {.kind = GM_BACKING_KIND_HUGETLB, .size = top - GMT_BLOCK + 2},
        {.kind = GM_BACKING_KIND_MEMFD_HUGETLB, .size = top - GMT_GIB + 2, .page_shift = 30},
        {.kind = GM_BACKING_KIND_FILE, .path = "/", .size = 1, .offset = UINT64_MAX - GMT_PAGE + 1},
        {.kind = GM_BACKING_KIND_FILE, .path = "/", .size = GMT_PAGE, .offset = top - GMT_PAGE + 1},
        {.kind = GM_BACKING_KIND_CALLER, .size = UINT64_MAX, .address = (void *)GMT_GIB},
        {.kind = GM_BACKING_KIND_CALLER, .size = 2 * GMT_PAGE, .address = (void *)(uintptr_t)(0 - GMT_PAGE)},
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_possible(&bad[i], -EOVERFLOW);
}

static void names(void **state)
{
    static const struct {
        const char *name;
        enum gm_backing_kind kind;
    } known[] = {
        {"shmem", GM_BACKING_KIND_MEMFD},           {"memfd", GM_BACKING_KIND_MEMFD},
        {"hugeshmem", GM_BACKING_KIND_MEMFD_HUGETLB}, {"hugememfd", GM_BACKING_KIND_MEMFD_HUGETLB},
        {"mmap", GM_BACKING_KIND_ANONYMOUS},        {"anon", GM_BACKING_KIND_ANONYMOUS},
        {"hugemmap", GM_BACKING_KIND_HUGETLB},      {"hugeanon", GM_BACKING_KIND_HUGETLB},
        {"hugetlbfs", GM_BACKING_KIND_HUGETLBFS},   {"file", GM_BACKING_KIND_FILE},
        {"hugetlb", GM_BACKING_KIND_HUGETLB},       {"anonymous", GM_BACKING_KIND_ANONYMOUS},
        {"caller", GM_BACKING_KIND_CALLER},         {"guest_memfd", GM_BACKING_KIND_GUEST_MEMFD},
    };
    static const char *const unknown[] = {"", "Shmem", "shmem ", "shme", "hugeshmemfd", "invalid"};
    enum gm_backing_kind kind = (enum gm_backing_kind)77;
    (void)state;
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
        assert_result(gm_backing_kind_parse(unknown[i], &kind), -EINVAL);
    assert_result(gm_backing_kind_parse(NULL, &kind), -EINVAL);
    assert_result(gm_backing_kind_parse("shmem", NULL), -EINVAL);
    assert_int_equal(kind, 77);
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        assert_result(gm_backing_kind_parse(known[i].name, &kind), 0);
        assert_int_equal(kind, known[i].kind);
    }
    for (unsigned i = 0; i < KINDS; i++) {
        assert_non_null(gm_backing_kind_name((enum gm_backing_kind)i));
        assert_result(gm_backing_kind_parse(gm_backing_kind_name((enum gm_backing_kind)i), &kind), 0);
        assert_int_equal(kind, i);
    }
    assert_null(gm_backing_kind_name((enum gm_backing_kind)KINDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_with_all_flags), cmocka_unit_test(every_kind_with_each_field),
        cmocka_unit_test(values_out_of_range),       cmocka_unit_test(sizes_that_do_not_fit),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
