/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Atomic operations of every size and order, what they refuse, and that they are atomic. */
#include <pthread.h>

#include "lib/access_rig.h"
#include "lib/cm.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define AT (PAGES(1) + 64)

/* The orders, and two numbers that are none. */
#define ORDERS 7
static gm_order order_of(int number)
{
    return gm_order_make(number < 5 ? number : number == 5 ? 77 : 1 << 30);
}

/* Each operation of one size in each order, on a value whose top bit is set. */
#define EVERY_OPERATION(bits)                                                                                          \
    static void every_operation_of_##bits##_bits(void **state)                                                         \
    {                                                                                                                  \
        struct gmt_rig *rig = *state;                                                                                  \
        const uint##bits##_t top = (uint##bits##_t)1 << (bits - 1), all = (uint##bits##_t)~(uint##bits##_t)0;          \
        uint##bits##_t *host = (uint##bits##_t *)(void *)gmt_host(rig, 64), out;                                       \
        gmt_add_ram(rig, PAGES(1), PAGES(1), 0);                                                                       \
        const struct gm_view *view = gmt_pin(rig->space);                                                              \
        for (int i = 0; i < ORDERS; i++) {                                                                             \
            gm_order order = order_of(i);                                                                              \
            assert_result(gm_guest_store_u##bits(view, AT, order, top), 0);                                            \
            assert_true(*host == top);                                                                                 \
            assert_result(gm_guest_load_u##bits(view, AT, order, &out), 0);                                            \
            assert_true(out == top);                                                                                   \
            assert_result(gm_guest_exchange_u##bits(view, AT, order, 5, &out), 0);                                     \
            assert_true(out == top && *host == 5);                                                                     \
            assert_result(gm_guest_compare_exchange_u##bits(view, AT, order, 4, 9, &out), 0);                          \
            assert_true(out == 5 && *host == 5);                                                                       \
            assert_result(gm_guest_compare_exchange_u##bits(view, AT, order, 5, all, &out), 0);                        \
            assert_true(out == 5 && *host == all);                                                                     \
            assert_result(gm_guest_fetch_add_u##bits(view, AT, order, 4, &out), 0);                                    \
            assert_true(out == all && *host == 3);                                                                     \
            assert_result(gm_guest_fetch_or_u##bits(view, AT, order, top, &out), 0);                                   \
            assert_true(out == 3 && *host == (top | 3));                                                               \
            assert_result(gm_guest_fetch_xor_u##bits(view, AT, order, all, &out), 0);                                  \
            assert_true(out == (top | 3) && *host == (uint##bits##_t)(all ^ (top | 3)));                               \
            assert_result(gm_guest_fetch_and_u##bits(view, AT, order, 4, &out), 0);                                    \
            assert_true(out == (uint##bits##_t)(all ^ (top | 3)) && *host == 4);                                       \
            assert_result(gm_guest_fetch_or_u##bits(view, AT, order, 1, NULL), 0);                                     \
            assert_result(gm_guest_fetch_xor_u##bits(view, AT, order, 4, NULL), 0);                                    \
            assert_result(gm_guest_fetch_add_u##bits(view, AT, order, 6, NULL), 0);                                    \
            assert_result(gm_guest_fetch_and_u##bits(view, AT, order, 3, NULL), 0);                                    \
            assert_true(*host == 3);                                                                                   \
            assert_int_equal(*gmt_host(rig, 63), 0);                                                                   \
            assert_int_equal(*gmt_host(rig, 64 + bits / 8), 0);                                                        \
        }                                                                                                              \
        gm_unpin();                                                                                                    \
    }

EVERY_OPERATION(8)
EVERY_OPERATION(16)
EVERY_OPERATION(32)
EVERY_OPERATION(64)

/* All operations of 32 bits answer this, and leave their out-parameters and memory alone. */
static void assert_all_refused(const struct gm_view *view, gm_gpa gpa, int load, int store, int both)
{
    uint32_t out = 77;
    if (load != 0)
        assert_result(gm_guest_load_u32(view, gpa, GM_SEQ_CST, &out), load);
    if (store != 0)
        assert_result(gm_guest_store_u32(view, gpa, GM_SEQ_CST, 1), store);
    assert_result(gm_guest_exchange_u32(view, gpa, GM_SEQ_CST, 1, &out), both);
    assert_result(gm_guest_compare_exchange_u32(view, gpa, GM_SEQ_CST, 0, 1, &out), both);
    assert_result(gm_guest_fetch_add_u32(view, gpa, GM_SEQ_CST, 1, &out), both);
    assert_result(gm_guest_fetch_or_u32(view, gpa, GM_RELAXED, 1, NULL), both);
    assert_int_equal(out, 77);
}

static void refusals_have_their_reason(void **state)
{
    struct gmt_rig *rig = *state;
    struct gm_region_desc desc = gmt_device(PAGES(1), PAGES(1));
    gmt_add(rig->space, &desc);
    desc = gmt_ram(rig, PAGES(2), PAGES(1), 0);
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    desc = gmt_ram(rig, PAGES(3), PAGES(1), PAGES(1));
    desc.rights = GM_WRITE;
    gmt_add(rig->space, &desc);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_all_refused(view, 0, -EFAULT, -EFAULT, -EFAULT);
    assert_all_refused(view, PAGES(1), -ENXIO, -ENXIO, -ENXIO);
    assert_all_refused(view, PAGES(2), 0, -EACCES, -EACCES);
    assert_all_refused(view, PAGES(3), -EACCES, 0, -EACCES);
    assert_all_refused(view, UINT64_MAX - 3, -EFAULT, -EFAULT, -EFAULT);
    assert_int_equal(*gmt_host(rig, 0), 0);
    assert_int_equal(*gmt_host(rig, PAGES(1)), 0);
    gmt_assert_nothing_marked();
    assert_result(gm_guest_store_u32(view, PAGES(3) + 4, GM_RELEASE, 6), 0);
    assert_int_equal(*gmt_host(rig, PAGES(1) + 4), 6);
    gm_unpin();
    gmt_assert_marked(3);
}

static void the_guest_address_is_aligned_or_refused(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, PAGES(1), PAGES(1), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned i = 1; i < 4; i++) {
        assert_all_refused(view, PAGES(1) + i, -EINVAL, -EINVAL, -EINVAL);
        assert_all_refused(view, PAGES(7) + i, -EINVAL, -EINVAL, -EINVAL); /* before it is found to be a hole */
    }
    uint64_t u64 = 77;
    uint16_t u16 = 77;
    assert_result(gm_guest_load_u64(view, PAGES(1) + 4, GM_RELAXED, &u64), -EINVAL);
    assert_result(gm_guest_store_u16(view, PAGES(1) + 1, GM_RELAXED, 1), -EINVAL);
    assert_result(gm_guest_load_u16(view, PAGES(1) + 2, GM_RELAXED, &u16), 0);
    assert_true(u64 == 77 && u16 == 0);
    gm_unpin();
    gmt_assert_nothing_marked();
}

static void an_integer_that_a_region_cuts(void **state)
{
    struct gmt_rig *rig = *state;
    gmt_add_ram(rig, PAGES(1), 100, 0);
    gmt_add_ram(rig, PAGES(1) + 100, 200, PAGES(1) + 100); /* apart from the first in host memory */
    gmt_add_ram(rig, PAGES(1) + 300, 300, PAGES(1) + 300); /* and this one is its neighbour there */
    const struct gm_view *view = gmt_pin(rig->space);
    uint64_t u64 = 77;
    uint32_t u32 = 77;
    assert_result(gm_guest_store_u64(view, PAGES(1) + 96, GM_RELAXED, 1), -EXDEV);
    assert_result(gm_guest_fetch_add_u64(view, PAGES(1) + 96, GM_RELAXED, 1, &u64), -EXDEV);
    assert_result(gm_guest_load_u64(view, PAGES(1) + 96, GM_RELAXED, &u64), -EXDEV);
    assert_true(u64 == 77);
    gmt_assert_nothing_marked();
    assert_result(gm_guest_load_u32(view, PAGES(1) + 96, GM_RELAXED, &u32), 0);
    assert_result(gm_guest_fetch_add_u64(view, PAGES(1) + 296, GM_RELAXED, UINT64_C(0x0102030405060708), NULL), 0);
    assert_memory_equal(gmt_host(rig, PAGES(1) + 296), "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    assert_result(gm_guest_load_u64(view, PAGES(1) + 600 - 8, GM_RELAXED, &u64), 0);
    assert_result(gm_guest_load_u64(view, PAGES(1) + 600, GM_RELAXED, &u64), -EFAULT);
    gm_unpin();
    gmt_assert_marked(1);
}

static void marks_what_was_written(void **state)
{
    struct gmt_rig *rig = *state;
    uint16_t seen = 0;
    gmt_add_ram(rig, PAGES(1), PAGES(8), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_load_u16(view, PAGES(1), GM_SEQ_CST, &seen), 0);
    assert_result(gm_guest_compare_exchange_u16(view, PAGES(2), GM_SEQ_CST, 1, 2, &seen), 0);
    gmt_assert_nothing_marked();
    assert_result(gm_guest_compare_exchange_u16(view, PAGES(2), GM_SEQ_CST, 0, 2, &seen), 0);
    gmt_assert_marked(2);
    assert_result(gm_guest_store_u16(view, PAGES(3) - 2, GM_RELEASE, 0), 0);
    gmt_assert_marked(2);
    assert_result(gm_guest_exchange_u16(view, PAGES(4), GM_RELAXED, 0, &seen), 0);
    assert_result(gm_guest_fetch_and_u16(view, PAGES(5), GM_RELAXED, 0, &seen), 0);
    assert_result(gm_guest_fetch_or_u16(view, PAGES(6), GM_RELAXED, 0, NULL), 0);
    assert_result(gm_guest_fetch_add_u16(view, PAGES(7), GM_RELAXED, 0, &seen), 0);
    assert_result(gm_guest_fetch_xor_u16(view, PAGES(8), GM_RELAXED, 0, &seen), 0);
    gm_unpin();
    gmt_assert_marked(4, 5, 6, 7, 8);
}

/* What a processor would hide: an order that an operation cannot have, or that is none, becomes the strongest. */
static void orders_are_never_weaker_than_asked_for(void **state)
{
    const struct {
        gm_order order;
        int load, store, both, failure;
    } orders[] = {
        {GM_RELAXED, __ATOMIC_RELAXED, __ATOMIC_RELAXED, __ATOMIC_RELAXED, __ATOMIC_RELAXED},
        {GM_ACQUIRE, __ATOMIC_ACQUIRE, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE},
        {GM_RELEASE, __ATOMIC_SEQ_CST, __ATOMIC_RELEASE, __ATOMIC_RELEASE, __ATOMIC_RELAXED},
        {GM_ACQ_REL, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE},
        {GM_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST},
        {gm_order_make(77), __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST},
        {gm_order_make(-1), __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST},
        {gm_order_make(256), __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        assert_int_equal(gm_order_of_load(orders[i].order), orders[i].load);
        assert_int_equal(gm_order_of_store(orders[i].order), orders[i].store);
        assert_int_equal(gm_order_of_both(orders[i].order), orders[i].both);
        assert_int_equal(gm_order_of_failure(orders[i].order), orders[i].failure);
    }
}

#define ROUNDS 20000

/* Adds, sets and clears its own bit of a byte, and counts by compare-exchange. */
static void *work(void *argument)
{
    struct gmt_rig *rig = argument;
    int wrong = gm_reader_register() != 0;
    const struct gm_view *view = gm_pin(rig->space);
    uint32_t number = 0;
    wrong |= gm_guest_fetch_add_u32(view, AT + 36, GM_ACQ_REL, 1, &number) != 0;
    uint8_t mine = (uint8_t)(1u << number);
    for (unsigned i = 0; i < ROUNDS && !wrong; i++) {
        uint8_t was = 0;
        uint16_t count = 0, seen = 0;
        wrong |= gm_guest_fetch_add_u64(view, AT, GM_RELAXED, 3, NULL) != 0;
        wrong |= gm_guest_fetch_or_u8(view, AT + 8, GM_RELAXED, mine, &was) != 0 || (was & mine) != 0;
        wrong |= gm_guest_fetch_and_u8(view, AT + 8, GM_RELAXED, (uint8_t)~mine, &was) != 0 || (was & mine) == 0;
        wrong |= gm_guest_load_u16(view, AT + 16, GM_RELAXED, &count) != 0;
        while (gm_guest_compare_exchange_u16(view, AT + 16, GM_RELAXED, count, (uint16_t)(count + 1), &seen) == 0 &&
               seen != count)
            count = seen;
    }
    gm_unpin();
    wrong |= gm_reader_unregister() != 0;
    return (void *)(intptr_t)wrong;
}

static void none_is_lost_between_threads(void **state)
{
    struct gmt_rig *rig = *state;
    pthread_t threads[2];
    uint64_t sum = 0;
    gmt_add_ram(rig, PAGES(1), PAGES(1), 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, work, rig), 0);
    for (unsigned i = 0; i < 2; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
    const struct gm_view *view = gmt_pin(rig->space);
    assert_result(gm_guest_read_u64(view, AT, &sum), 0);
    assert_int_equal(sum, 2 * 3 * ROUNDS);
    uint16_t count = 0;
    assert_result(gm_guest_read_u16(view, AT + 16, &count), 0);
    assert_int_equal(count, (uint16_t)(2 * ROUNDS));
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_tracked_open, gmt_tracked_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(every_operation_of_8_bits),
        RIG(every_operation_of_16_bits),
        RIG(every_operation_of_32_bits),
        RIG(every_operation_of_64_bits),
        RIG(refusals_have_their_reason),
        RIG(the_guest_address_is_aligned_or_refused),
        RIG(an_integer_that_a_region_cuts),
        RIG(marks_what_was_written),
        RIG(orders_are_never_weaker_than_asked_for),
        RIG(none_is_lost_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
