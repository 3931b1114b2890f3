/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * The scenarios of vm-memory's own tests that are about access, named after them: bytes.rs, guest_memory.rs and
 * mmap/mod.rs. endian.rs is in test_endian.c, mappings and bitmaps are in test_backing_vm_memory.c and
 * test_dirty_vm_memory.c, the race of test_non_atomic_access also in tests/stress/tearing.c. Where we answer otherwise
 * on purpose, the test says so.
 */
#include <pthread.h>
#include <time.h>

#include "lib/access_rig.h"
#include "lib/cm.h"

/* ---- bytes.rs ------------------------------------------------------------------------------------------------- */

#define ROUND_TRIP(type, value)                                                                                        \
    do {                                                                                                               \
        type out = (type)(value), in = 0;                                                                              \
        assert_result(gm_guest_write_object(view, 0x103, &out), 0);                                                    \
        assert_memory_equal(gmt_host(rig, 0x103), &out, sizeof(out));                                                  \
        assert_result(gm_guest_read_object(view, 0x103, &in), 0);                                                      \
        assert_true(in == out);                                                                                        \
        assert_result(gm_guest_read_object(view, 0x10000 - sizeof(in) + 1, &in), -EFAULT);                             \
    } while (0)

static void test_byte_valued(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x10000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    ROUND_TRIP(uint8_t, 0xf1);
    ROUND_TRIP(int8_t, -2);
    ROUND_TRIP(uint16_t, 0xf102);
    ROUND_TRIP(int16_t, -300);
    ROUND_TRIP(uint32_t, 0xf1020304);
    ROUND_TRIP(int32_t, -70000);
    ROUND_TRIP(uint64_t, UINT64_C(0xf102030405060708));
    ROUND_TRIP(int64_t, INT64_MIN + 1);
    ROUND_TRIP(size_t, SIZE_MAX - 1);
    ROUND_TRIP(__int128, (__int128)-5 * ((__int128)1 << 64) + 9);
    gm_unpin();
}

static void test_bytes(void **state)
{
    struct gmt_rig *rig = *state;
    uint32_t in = 0, out = 0x1234567;
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_object(view, 10, &out), 0);
    assert_result(gm_guest_read_object(view, 10, &in), 0);
    assert_int_equal(in, out);
    assert_result(gm_guest_write_object(view, 0xffe, &out), -EFAULT);
    assert_result(gm_guest_read_object(view, 0x1000, &in), -EFAULT);
    gm_unpin();
}

/* read_exact_from and write_all_to of an object: from what is too short, into what is too short, and right. */
static void test_byte_valued_io(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t value = UINT64_C(0xf102030405060708);
    uint8_t seven[8] = {0};
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_object(view, 0x1000 - 7, &value), -EFAULT); /* a sink of 7 bytes: what fits is there */
    assert_result(gm_guest_read(view, 0x1000 - 7, seven, 7), 0);
    assert_memory_equal(seven, &value, 7);
    assert_result(gm_guest_read_object(view, 0x1000 - 7, &value), -EFAULT);
    assert_result(gm_guest_write_object(view, 0x1000 - 8, &value), 0);
    value = 0;
    assert_result(gm_guest_read_object(view, 0x1000 - 8, &value), 0);
    assert_true(value == UINT64_C(0xf102030405060708));
    gm_unpin();
}

/* An object of zeros: {0} here. What a guest's fresh memory holds is one. */
static void test_byte_valued_zeroed(void **state)
{
    struct gmt_rig *rig = *state;
    struct { uint64_t a; uint8_t b[8]; } object = {~UINT64_C(0), {1}}, zeroed = {0, {0}};
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_object(view, 0x80, &object), 0);
    assert_memory_equal(&object, &zeroed, sizeof(zeroed));
    gm_unpin();
}

/* atomic_integer.rs: each width holds what is stored, whatever it is next to. */
static void test_atomic_integer_ops(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t u8 = 0;
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_store_u8(view, 1, GM_RELAXED, 0x81), 0);
    assert_result(gm_guest_store_u16(view, 2, GM_RELAXED, 0x8182), 0);
    assert_result(gm_guest_store_u32(view, 4, GM_RELAXED, 0x81828384), 0);
    assert_result(gm_guest_store_u64(view, 8, GM_RELAXED, UINT64_C(0x8182838485868788)), 0);
    assert_result(gm_guest_load_u8(view, 1, GM_RELAXED, &u8), 0);
    assert_result(gm_guest_load_u16(view, 2, GM_RELAXED, &u16), 0);
    assert_result(gm_guest_load_u32(view, 4, GM_RELAXED, &u32), 0);
    assert_result(gm_guest_load_u64(view, 8, GM_RELAXED, &u64), 0);
    assert_true(u8 == 0x81 && u16 == 0x8182 && u32 == 0x81828384 && u64 == UINT64_C(0x8182838485868788));
    gm_unpin();
}

static void byte_valued_slice(void **state)
{
    struct gmt_rig *rig = *state;
    struct { uint32_t a; uint8_t b[4]; } object = {0, {0}};
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, 6, "\x2a\0\0\0abcd", 8), 0);
    assert_result(gm_guest_read_object(view, 6, &object), 0);
    assert_int_equal(object.a, 42);
    assert_memory_equal(object.b, "abcd", 4);
    gm_unpin();
}

/* ---- guest_memory.rs ------------------------------------------------------------------------------------------- */

static void checked_read_from(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t in[0x20] = {0}, out[0x20];
    gmt_add_ram(rig, 0, 0x40, 0);
    gmt_add_ram(rig, 0x40, 0x40, 0x1040);
    const struct gm_view *view = gmt_pin(rig->space);
    memset(out, 0x5c, sizeof(out));
    assert_result(gm_guest_write(view, 0x30, out, sizeof(out)), 0);
    assert_result(gm_guest_read(view, 0x30, in, sizeof(in)), 0);
    assert_memory_equal(in, out, sizeof(in));
    assert_int_equal(*gmt_host(rig, 0x3f), 0x5c);
    assert_int_equal(*gmt_host(rig, 0x40), 0);
    assert_int_equal(*gmt_host(rig, 0x104f), 0x5c);
    gm_unpin();
}

#define JUNCTION 0x1000
static bool stop;

static void *write_the_junction(void *argument)
{
    const struct gm_view *view = argument;
    uint64_t wrong = 0;
    for (uint16_t value = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); value = (uint16_t)~value) {
        uint8_t bytes[6] = {9, 9, 0, 0, 7, 7};
        memcpy(bytes + 2, &value, 2);
        wrong += gm_guest_write(view, JUNCTION - 4, bytes, sizeof(bytes)) != 0; /* two bytes go to the next region */
    }
    return (void *)(uintptr_t)wrong;
}

/* A u16 that ends with its region, written and read as a part of objects that go on in the next one. */
static void test_non_atomic_access(void **state)
{
    struct gmt_rig *rig = *state;
    pthread_t thread;
    void *wrong;
    uint64_t changes = 0;
    uint16_t last = 0;
    gmt_add_ram(rig, 0, JUNCTION, 0);
    gmt_add_ram(rig, JUNCTION, 0x1000, 0x5000);
    const struct gm_view *view = gmt_pin(rig->space);
    __atomic_store_n(&stop, false, __ATOMIC_RELAXED);
    assert_int_equal(pthread_create(&thread, NULL, write_the_junction, (void *)(uintptr_t)view), 0);
    for (time_t end = time(NULL) + 3; changes < 1000 && time(NULL) < end;) {
        uint8_t bytes[3];
        uint16_t value;
        assert_result(gm_guest_read(view, JUNCTION - 2, bytes, sizeof(bytes)), 0);
        memcpy(&value, bytes, 2);
        assert_true(value == 0 || value == 0xffff);
        changes += value != last;
        last = value;
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_true(changes > 0);
    gm_unpin();
}

/* Since 0.17 no length is allowed anywhere there, too; get_slice of nothing still needs an address. */
static void test_zero_length_accesses(void **state)
{
    struct gmt_rig *rig = *state;
    size_t done = 1;
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, 0, "", 0), 0);
    assert_result(gm_guest_read(view, 0x1000, NULL, 0), 0);
    assert_result(gm_guest_write_some(view, 0x5000, "", 0, &done), 0);
    assert_int_equal(done, 0);
    assert_result(gm_guest_read(view, UINT64_MAX, NULL, 0), 0);
    assert_result(gm_translate_why(view, 0, 0, GM_READ), -EINVAL); /* a pointer to nothing is not given */
    gm_unpin();
}

static void check_atomic_accesses(const struct gm_view *view, gm_gpa good, gm_gpa bad)
{
    uint32_t value = 7;
    assert_result(gm_guest_load_u32(view, good, GM_RELAXED, &value), 0);
    assert_int_equal(value, 0);
    assert_result(gm_guest_store_u32(view, good, GM_RELAXED, 100), 0);
    assert_result(gm_guest_load_u32(view, good, GM_RELAXED, &value), 0);
    assert_int_equal(value, 100);
    assert_result(gm_guest_store_u32(view, bad, GM_RELAXED, 1), -EFAULT);
    assert_result(gm_guest_load_u32(view, bad, GM_RELAXED, &value), -EFAULT);
    assert_int_equal(value, 100);
}

static void test_atomic_accesses(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0x1000, 0x1000, 0);
    gmt_add_ram(rig, 0x8000, 0x400, 0x2000);
    const struct gm_view *view = gmt_pin(rig->space);
    check_atomic_accesses(view, 0x1000, 0x2000);
    check_atomic_accesses(view, 0x1ffc, 0xffc);
    check_atomic_accesses(view, 0x83fc, 0x8400);
    gm_unpin();
}

/* test_perm_and, test_perm_or, test_perm_has_write: each access against each region's rights. */
static void test_permissions(void **state)
{
    struct gmt_rig *rig = *state;
    static const unsigned rights[] = {GM_READ, GM_WRITE, GM_READ | GM_WRITE};
    uint32_t value;
    for (unsigned i = 0; i < 3; i++) {
        struct gm_region_desc desc = gmt_ram(rig, 0x1000 * (i + 1), 0x1000, 0x1000 * i);
        desc.rights = rights[i];
        gmt_add(rig->space, &desc);
    }
    assert_int_equal(GM_RW & GM_WRITE, GM_WRITE);
    assert_int_equal(GM_READ | GM_WRITE, GM_RW);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 0; i < 3; i++) {
        gm_gpa at = 0x1000 * (i + 1);
        int read = (rights[i] & GM_READ) != 0 ? 0 : -EACCES, write = (rights[i] & GM_WRITE) != 0 ? 0 : -EACCES;
        assert_result(gm_guest_read_u32(view, at, &value), read);
        assert_result(gm_guest_write_u32(view, at, 1), write);
        assert_result(gm_guest_exchange_u32(view, at, GM_SEQ_CST, 1, &value), rights[i] == GM_RW ? 0 : -EACCES);
    }
    gm_unpin();
}

/* ---- mmap/mod.rs ------------------------------------------------------------------------------------------------ */

static void test_check_range(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x400, 0);
    gmt_add_ram(rig, 0x800, 0x400, 0x800);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_translate_why(view, 0, 0x200, GM_READ), 0);
    assert_result(gm_translate_why(view, 0, 0x400, GM_READ), 0);
    assert_result(gm_translate_why(view, 0, 0xa00, GM_READ), -EFAULT);
    assert_result(gm_translate_why(view, 0x7ff, 2, GM_READ), -EFAULT);
    assert_result(gm_translate_why(view, 0x800, 0x400, GM_READ), 0);
    assert_result(gm_translate_why(view, 0x800, 0x401, GM_READ), -EFAULT);
    assert_result(gm_translate_why(view, 0x800, UINT64_MAX, GM_READ), -EOVERFLOW);
    gm_unpin();
}

static void test_deref(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_info region;
    gmt_add_ram(rig, 0x4000, 0x400, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, 0x4000, "\1\2\3\4\5", 5), 0);
    assert_result(gm_region_find(view, 0x4000, &region), 0);
    assert_memory_equal(region.address, "\1\2\3\4\5", 5);
    gm_unpin();
}

static void test_read_u64(void **state)
{
    struct gmt_rig *rig = *state;
    uint64_t value = 77;
    size_t done = 0;
    uint8_t bytes[8];
    gmt_add_ram(rig, 0, 0x1000, 0);
    gmt_add_ram(rig, 0x1000, 0x1000, 0x1000);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u64(view, 0x2001, &value), -EFAULT);
    assert_result(gm_guest_read_u64(view, 0x1ffc, &value), -EFAULT);
    assert_true(value == 77);
    assert_result(gm_guest_read_some(view, 0x1ffc, bytes, sizeof(bytes), &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_guest_write_u64(view, 0x500, UINT64_C(0x55aa55aa55aa55aa)), 0);
    assert_result(gm_guest_write_u64(view, 0x1020, UINT64_C(0xaa55aa55aa55aa55)), 0);
    assert_result(gm_guest_read_u64(view, 0x500, &value), 0);
    assert_true(value == UINT64_C(0x55aa55aa55aa55aa));
    assert_result(gm_guest_read_u64(view, 0x1020, &value), 0);
    assert_true(value == UINT64_C(0xaa55aa55aa55aa55));
    gm_unpin();
}

static void write_and_read(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t back[5] = {0};
    size_t done = 0;
    gmt_add_ram(rig, 0x1000, 0x400, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_some(view, 0x1000, "\1\2\3\4\5", 5, &done), 0);
    assert_int_equal(done, 5);
    assert_result(gm_guest_write_some(view, 0x13ff, "\1\2\3\4\5", 5, &done), 0);
    assert_int_equal(done, 1);
    assert_result(gm_guest_read_some(view, 0x13ff, back, 5, &done), 0);
    assert_int_equal(done, 1);
    assert_memory_equal(back, "\1\0\0\0\0", 5);
    gm_unpin();
}

static void test_access_cross_boundary(void **state)
{
    struct gmt_rig *rig = *state;
    uint8_t back[5] = {0};
    gmt_add_ram(rig, 0, 0x1000, 0x1000);
    gmt_add_ram(rig, 0x1000, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write(view, 0xffc, "\1\2\3\4\5", 5), 0);
    assert_result(gm_guest_read(view, 0xffc, back, 5), 0);
    assert_memory_equal(back, "\1\2\3\4\5", 5);
    assert_int_equal(*gmt_host(rig, 0), 5);
    gm_unpin();
}

static void test_dirty_tracking(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, 0, 0x10000, 0);
    gmt_add_ram(rig, 0x10000, 0x10000, 0x20000);
    const struct gm_view *view = gmt_pin(rig->space);
    gmt_assert_nothing_marked();
    assert_result(gm_guest_write_u8(view, 0x2003, 1), 0);
    gmt_assert_marked(2);
    assert_result(gm_guest_write(view, 0xfff0, "0123456789abcdef0123456789abcdef", 32), 0); /* both regions */
    gmt_assert_marked(15, 16);
    assert_result(gm_guest_store_u32(view, 0x1f000, GM_SEQ_CST, 1), 0);
    gmt_assert_marked(31);
    gm_unpin();
}

static void test_change_region_addr(void **state)
{
    struct gmt_rig *rig = *state;
    uint32_t value = 0;
    gmt_add_ram(rig, 0, 0x1000, 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_write_u32(view, 0x10, 0xabcd), 0);
    gm_unpin();
    gmt_remove(rig->space, 0, 0x1000);
    gmt_add_ram(rig, 0x10000, 0x1000, 0);
    view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u32(view, 0x10, &value), -EFAULT);
    assert_result(gm_guest_read_u32(view, 0x10010, &value), 0);
    assert_int_equal(value, 0xabcd);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(test_byte_valued),     RIG(test_bytes),
        RIG(byte_valued_slice),    RIG(checked_read_from),
        RIG(test_byte_valued_io),  RIG(test_byte_valued_zeroed),
        RIG(test_atomic_integer_ops),
        RIG(test_non_atomic_access), RIG(test_zero_length_accesses),
        RIG(test_atomic_accesses), RIG(test_permissions),
        RIG(test_check_range),     RIG(test_deref),
        RIG(test_read_u64),        RIG(write_and_read),
        RIG(test_access_cross_boundary), RIG(test_dirty_tracking),
        RIG(test_change_region_addr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
