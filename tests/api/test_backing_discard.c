/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Discard, for every kind of small pages: zero afterwards, nobody's memory any more, and nothing beside it changed. */
#include "lib/cm.h"
#include "lib/probe.h"
#include "lib/rig.h"

#include <sys/stat.h>

#define PAGES(n) ((n) * GMT_PAGE)
#define COUNT 16

struct rig {
    struct gm_backing *backing, *other;
    volatile unsigned char *memory;
};

/* COUNT pages that are full of their numbers, counted from 1. */
static struct rig open_rig(const struct gm_backing_config *config, struct gm_backing *other)
{
    struct rig rig = {.other = other};
    assert_result(gm_backing_create(config, &rig.backing), 0);
    rig.memory = gm_backing_address(rig.backing);
    for (unsigned i = 0; i < COUNT; i++)
        memset((void *)(uintptr_t)(rig.memory + PAGES(i)), (int)i + 1, GMT_PAGE);
    return rig;
}

static void close_rig(const struct rig *rig)
{
    gm_backing_put(rig->backing);
    gm_backing_put(rig->other);
}

static struct rig open_kind(unsigned kind, unsigned flags)
{
    struct gm_backing *file = NULL;
    struct gm_backing_config config = {.kind = (enum gm_backing_kind)kind, .size = PAGES(COUNT), .flags = flags};
    if (kind == GM_BACKING_KIND_FILE) {
        assert_result(gm_backing_memfd(NULL, PAGES(COUNT + 2), 0, &file), 0);
        memset(gm_backing_address(file), 0xee, PAGES(COUNT + 2));
        config.fd = gm_backing_fd(file);
        config.offset = PAGES(1);
    }
    return open_rig(&config, file);
}

static const struct {
    unsigned kind, flags;
} kinds[] = {
    {GM_BACKING_KIND_ANONYMOUS, 0},
    {GM_BACKING_KIND_ANONYMOUS, GM_BACKING_THP | GM_BACKING_NO_FORK},
    {GM_BACKING_KIND_MEMFD, 0},
    {GM_BACKING_KIND_FILE, 0},
    {GM_BACKING_KIND_FILE, GM_BACKING_PRIVATE},
};

static void it_reads_as_zeros_and_nothing_else_does(void **state)
{
    static const struct {
        unsigned first, count;
    } ranges[] = {{0, 1}, {COUNT - 1, 1}, {3, 5}, {4, 1}, {3, 5}, {0, COUNT}};
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct rig rig = open_kind(kinds[k].kind, kinds[k].flags);
        bool gone[COUNT] = {false};
        for (size_t r = 0; r < sizeof(ranges) / sizeof(ranges[0]); r++) {
            assert_result(gm_backing_discard(rig.backing, PAGES(ranges[r].first), PAGES(ranges[r].count)), 0);
            for (unsigned i = 0; i < ranges[r].count; i++)
                gone[ranges[r].first + i] = true;
            for (uint64_t at = 0; at < PAGES(COUNT); at += 509)
                assert_int_equal(rig.memory[at], gone[at / GMT_PAGE] ? 0 : at / GMT_PAGE + 1);
        }
        rig.memory[PAGES(4)] = 42; /* and it is memory again */
        assert_int_equal(rig.memory[PAGES(4)], 42);
        close_rig(&rig);
    }
}

/* Residency: the system has the memory back. */
static void the_memory_is_given_back(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        if ((kinds[k].flags & GM_BACKING_THP) != 0)
            continue; /* counted in huge pages */
        struct rig rig = open_kind(kinds[k].kind, kinds[k].flags);
        void *memory = (void *)(uintptr_t)rig.memory;
        struct stat before, after;
        assert_int_equal(gmt_present(memory, PAGES(COUNT)), COUNT);
        if (gm_backing_fd(rig.backing) >= 0)
            assert_int_equal(fstat(gm_backing_fd(rig.backing), &before), 0);
        assert_result(gm_backing_discard(rig.backing, PAGES(2), PAGES(7)), 0);
        assert_int_equal(gmt_present(memory, PAGES(COUNT)), COUNT - 7);
        if (gm_backing_fd(rig.backing) >= 0) {
            bool private = (kinds[k].flags & GM_BACKING_PRIVATE) != 0;
            assert_int_equal(fstat(gm_backing_fd(rig.backing), &after), 0);
            assert_int_equal(after.st_size, before.st_size);
            assert_int_equal(before.st_blocks - after.st_blocks, private ? 0 : PAGES(7) / 512);
        }
        close_rig(&rig);
    }
}

static void all_who_share_see_it(void **state)
{
    (void)state;
    struct rig rig = open_kind(GM_BACKING_KIND_FILE, 0);
    volatile unsigned char *file = gm_backing_address(rig.other);
    assert_int_equal(file[PAGES(3)], 3);
    assert_result(gm_backing_discard(rig.backing, PAGES(2), PAGES(1)), 0);
    assert_int_equal(file[PAGES(3)], 0);
    assert_int_equal(file[PAGES(4)], 4);
    assert_int_equal(file[PAGES(2) + 1], 2);
    close_rig(&rig);
}

/* The file keeps what it has, and does not shine through again; what the kernel was told still holds. */
static void a_private_file(void **state)
{
    (void)state;
    struct rig rig = open_kind(GM_BACKING_KIND_FILE, GM_BACKING_PRIVATE | GM_BACKING_NO_FORK | GM_BACKING_NORESERVE);
    const volatile unsigned char *file = gm_backing_address(rig.other);
    assert_result(gm_backing_discard(rig.backing, PAGES(2), PAGES(3)), 0);
    for (unsigned i = 0; i < COUNT + 2; i++)
        assert_int_equal(file[PAGES(i)], 0xee);
    assert_int_equal(rig.memory[PAGES(2)], 0);
    const char *memory = (const char *)(uintptr_t)rig.memory;
    assert_true(gmt_has_vm_flag(memory + PAGES(3), "dc") && gmt_has_vm_flag(memory + PAGES(3), "dd"));
    assert_true(gmt_has_vm_flag(memory + PAGES(3), "nr"));
    assert_result(gm_backing_discard(rig.backing, PAGES(2), PAGES(3)), 0);
    assert_int_equal(rig.memory[PAGES(4)], 0);
    close_rig(&rig);
}

static void refusals(void **state)
{
    static const struct {
        uint64_t offset, size;
        int want;
    } bad[] = {
        {0, 0, -EINVAL},
        {1, GMT_PAGE, -EINVAL},
        {0, GMT_PAGE + 1, -EINVAL},
        {GMT_PAGE / 2, GMT_PAGE / 2, -EINVAL},
        {0, PAGES(COUNT + 1), -ERANGE},
        {0, PAGES(COUNT) + 1, -ERANGE},
        {PAGES(COUNT), PAGES(1), -ERANGE},
        {0 - PAGES(1), PAGES(2), -EOVERFLOW},
        {0 - PAGES(1), PAGES(1), -ERANGE},
    };
    (void)state;
    for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
        struct rig rig = open_kind(kinds[k].kind, kinds[k].flags);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
            assert_result(gm_backing_discard(rig.backing, bad[i].offset, bad[i].size), bad[i].want);
        for (unsigned i = 0; i < COUNT; i++)
            assert_int_equal(rig.memory[PAGES(i)], i + 1);
        close_rig(&rig);
    }
    assert_result(gm_backing_discard(NULL, 0, PAGES(1)), -EINVAL);
}

/* Nobody knows what it is: MADV_DONTNEED might show a file, and zeroing gives nothing back. */
static void memory_of_the_caller(void **state)
{
    (void)state;
    struct rig rig = open_kind(GM_BACKING_KIND_ANONYMOUS, 0);
    struct gm_backing *wrapped;
    assert_result(gm_backing_wrap((void *)(uintptr_t)rig.memory, PAGES(COUNT), NULL, NULL, &wrapped), 0);
    assert_result(gm_backing_discard(wrapped, 0, PAGES(1)), -EOPNOTSUPP);
    assert_int_equal(rig.memory[0], 1);
    gm_backing_put(wrapped);
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_reads_as_zeros_and_nothing_else_does),
        cmocka_unit_test(the_memory_is_given_back),
        cmocka_unit_test(all_who_share_see_it),
        cmocka_unit_test(a_private_file),
        cmocka_unit_test(refusals),
        cmocka_unit_test(memory_of_the_caller),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
