/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Copies of every length from none to beyond the wide ones, at every alignment, between guard pages: all that was asked
 * for arrives, nothing else is written, and nothing beyond it is read. The wide ones by themselves too, as processors
 * with wider registers would hide the narrower ones.
 */
#include "lib/cm.h"
#include "lib/guard.h"
#include "lib/rand.h"

#include "access/wide.h"

#define LEN_MOST (GM_WIDE_MOST + 64)
#define STEPS 64 /* alignments */
#define ROOM 4096

typedef void copy_any(void *to, const void *from, size_t len);

static struct gmt_guard source, target;

static int open_both(void **state)
{
    (void)state;
    return gmt_guard_open(&source, ROOM) != 0 || gmt_guard_open(&target, ROOM) != 0;
}

static int close_both(void **state)
{
    (void)state;
    gmt_guard_close(&source);
    gmt_guard_close(&target);
    return 0;
}

static void assert_filled(const unsigned char *from, const unsigned char *end)
{
    for (; from < end; from++)
        assert_int_equal(*from, 0xee);
}

static void check(copy_any *copy, unsigned char *to, const unsigned char *from, size_t len)
{
    unsigned char *end = target.start + target.room;
    memset(target.start, 0xee, target.room);
    copy(to, from, len);
    assert_memory_equal(to, from, len);
    assert_filled(target.start, to);
    assert_filled(to + len, end);
}

/* Against both guard pages, and each alignment of one side beside the others' in turn. */
static void copies(copy_any *copy, size_t least, size_t most)
{
    uint64_t seed = 1;
    gmt_rand_fill(&seed, source.start, source.room);
    for (size_t len = least; len <= most; len++) {
        check(copy, target.start, gmt_guard_last(&source, len), len);
        check(copy, gmt_guard_last(&target, len), source.start, len);
        size_t at = len % STEPS;
        check(copy, target.start + at, source.start + len * 7 % STEPS, len);
        check(copy, target.start + len * 5 % STEPS, source.start + at, len);
    }
    for (size_t at = 0; at < STEPS; at++) {
        check(copy, target.start + at, source.start, most);
        check(copy, target.start, source.start + at, most);
    }
}

static void reads(void **state)
{
    (void)state;
    copies(gm_units_read_any, 0, LEN_MOST);
}

static void writes(void **state)
{
    (void)state;
    copies(gm_units_write_any, 0, LEN_MOST);
}

#if defined(__x86_64__)
GM_WIDE_32 static void by_32(void *to, const void *from, size_t len)
{
    gm_wide_copy32(to, from, len);
}

GM_WIDE_64 static void by_64(void *to, const void *from, size_t len)
{
    gm_wide_copy64(to, from, len);
}

static void registers_of_32(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx"))
        skip();
    copies(by_32, GM_UNITS_MOST + 1, GM_WIDE_MOST);
}

static void registers_of_64(void **state)
{
    (void)state;
    if (!__builtin_cpu_supports("avx512f"))
        skip();
    copies(by_64, GM_UNITS_MOST + 1, GM_WIDE_MOST);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(writes),
#if defined(__x86_64__)
        cmocka_unit_test(registers_of_32),
        cmocka_unit_test(registers_of_64),
#endif
    };
    return cmocka_run_group_tests(tests, open_both, close_both);
}
