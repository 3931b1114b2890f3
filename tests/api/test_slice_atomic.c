/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Integers and atomic operations by offset: every size, bounds and alignment, rights, orders that make no sense, marks,
 * and threads that do it at the same time.
 */
#include "lib/pieces.h"

#include <pthread.h>

#define GARBAGE UINT64_C(0xdeadbeef)

static struct gm_slice wrap(void *address, uint64_t len)
{
    struct gm_slice slice;
    assert_result(gm_slice_wrap(address, len, 0, NULL, GM_RW, &slice), 0);
    return slice;
}

/* volatile_memory: ref_store, ref_load, ref_overflow_error, ref_oob_error, unaligned_read_and_write: any offset. */
#define PLAIN(bits)                                                                                                    \
    static void plain_u##bits(void **state)                                                                            \
    {                                                                                                                  \
        uint8_t bytes[24] __attribute__((aligned(8))), want[24];                                                       \
        struct gm_slice slice = wrap(bytes, 20);                                                                       \
        (void)state;                                                                                                   \
        for (uint64_t offset = 0; offset <= 20; offset++) {                                                            \
            uint##bits##_t value = (uint##bits##_t)UINT64_C(0x8877665544332211), got = 0x55;                           \
            int result = offset + bits / 8 <= 20 ? 0 : -ERANGE;                                                        \
            memset(bytes, 0, 24);                                                                                      \
            memset(want, 0, 24);                                                                                       \
            if (result == 0)                                                                                           \
                memcpy(want + offset, &value, sizeof(value));                                                          \
            assert_result(gm_slice_write_u##bits(&slice, offset, value), result);                                      \
            assert_memory_equal(bytes, want, 24);                                                                      \
            assert_result(gm_slice_read_u##bits(&slice, offset, &got), result);                                        \
            assert_true(got == (result == 0 ? value : 0x55));                                                          \
        }                                                                                                              \
        uint##bits##_t got = 0x55;                                                                                     \
        assert_result(gm_slice_read_u##bits(&slice, UINT64_MAX, &got), -EOVERFLOW);                                    \
        assert_result(gm_slice_write_u##bits(&slice, UINT64_MAX - bits / 8 + 1, 1), -EOVERFLOW);                       \
        assert_result(gm_slice_write_u##bits(&slice, UINT64_MAX - bits / 8, 1), -ERANGE);                              \
        slice.rights = GM_READ;                                                                                        \
        assert_result(gm_slice_write_u##bits(&slice, 0, 1), -EACCES);                                                  \
        slice.rights = GM_WRITE;                                                                                       \
        assert_result(gm_slice_read_u##bits(&slice, 0, &got), -EACCES);                                                \
        assert_int_equal(got, 0x55);                                                                                   \
    }

PLAIN(8)
PLAIN(16)
PLAIN(32)
PLAIN(64)

static void stated_byte_orders(void **state)
{
    uint8_t bytes[8];
    struct gm_slice slice = wrap(bytes, 8);
    uint64_t value = GARBAGE;
    uint16_t half = 0;
    (void)state;
    assert_result(gm_slice_write_le64(&slice, 0, UINT64_C(0x0102030405060708)), 0);
    assert_memory_equal(bytes, "\10\7\6\5\4\3\2\1", 8);
    assert_result(gm_slice_read_be64(&slice, 0, &value), 0);
    assert_true(value == UINT64_C(0x0807060504030201));
    assert_result(gm_slice_write_be32(&slice, 3, 0x01020304), 0);
    assert_memory_equal(bytes + 3, "\1\2\3\4", 4);
    assert_result(gm_slice_read_le16(&slice, 3, &half), 0);
    assert_int_equal(half, 0x0201);
    assert_result(gm_slice_read_be16(&slice, 7, &half), -ERANGE);
    assert_int_equal(half, 0x0201);
}

/* volatile_memory: atomic_store, atomic_load, misaligned_ref, misaligned_atomic (bounds are told first),
 * test_atomic_accesses. */
#define ATOMIC(bits)                                                                                                   \
    static void atomic_u##bits(void **state)                                                                           \
    {                                                                                                                  \
        uint##bits##_t words[3] = {0, 0, 0}, got = 0x55;                                                               \
        const uint##bits##_t top = (uint##bits##_t)(UINT64_C(1) << (bits - 1));                                        \
        const unsigned size = bits / 8;                                                                                \
        struct gm_slice slice = wrap(words, 2 * size);                                                                 \
        (void)state;                                                                                                   \
        for (int order = -1; order <= 6; order++) { /* also what no order is, and what an operation cannot have */     \
            gm_order by = gm_order_make(order);                                                                        \
            words[1] = 5;                                                                                              \
            assert_result(gm_slice_store_u##bits(&slice, size, by, 7), 0);                                             \
            assert_result(gm_slice_load_u##bits(&slice, size, by, &got), 0);                                           \
            assert_int_equal(got, 7);                                                                                  \
            assert_result(gm_slice_exchange_u##bits(&slice, size, by, top, &got), 0);                                  \
            assert_int_equal(got, 7);                                                                                  \
            assert_result(gm_slice_compare_exchange_u##bits(&slice, size, by, 7, 9, &got), 0);                         \
            assert_true(got == top && words[1] == top);                                                                \
            assert_result(gm_slice_compare_exchange_u##bits(&slice, size, by, top, 12, &got), 0);                      \
            assert_true(got == top && words[1] == 12);                                                                 \
            assert_result(gm_slice_fetch_add_u##bits(&slice, size, by, top, &got), 0);                                 \
            assert_result(gm_slice_fetch_add_u##bits(&slice, size, by, top, NULL), 0); /* wraps */                     \
            assert_true(got == 12 && words[1] == 12);                                                                  \
            assert_result(gm_slice_fetch_and_u##bits(&slice, size, by, 6, &got), 0);                                   \
            assert_true(got == 12 && words[1] == 4);                                                                   \
            assert_result(gm_slice_fetch_or_u##bits(&slice, size, by, 3, &got), 0);                                    \
            assert_true(got == 4 && words[1] == 7);                                                                    \
            assert_result(gm_slice_fetch_xor_u##bits(&slice, size, by, 5, &got), 0);                                   \
            assert_true(got == 7 && words[1] == 2);                                                                    \
        }                                                                                                              \
        got = 0x55;                                                                                                    \
        assert_result(gm_slice_load_u##bits(&slice, 2 * size, GM_ACQUIRE, &got), -ERANGE);                             \
        assert_result(gm_slice_store_u##bits(&slice, UINT64_MAX - size + 1, GM_RELEASE, 1), -EOVERFLOW);               \
        assert_result(gm_slice_fetch_add_u##bits(&slice, 2 * size, GM_ACQUIRE, 1, NULL), -ERANGE);                     \
        for (unsigned at = 1; at < size; at++) {                                                                       \
            assert_result(gm_slice_load_u##bits(&slice, at, GM_ACQUIRE, &got), -EINVAL);                               \
            assert_result(gm_slice_store_u##bits(&slice, at, GM_RELEASE, 1), -EINVAL);                                 \
            assert_result(gm_slice_exchange_u##bits(&slice, at, GM_SEQ_CST, 1, &got), -EINVAL);                        \
            assert_result(gm_slice_compare_exchange_u##bits(&slice, at, GM_SEQ_CST, 1, 2, &got), -EINVAL);             \
            assert_result(gm_slice_fetch_or_u##bits(&slice, at, GM_SEQ_CST, 1, &got), -EINVAL);                        \
            assert_result(gm_slice_load_u##bits(&slice, size + at, GM_ACQUIRE, &got), -ERANGE);                        \
        }                                                                                                              \
        slice.rights = GM_READ;                                                                                        \
        assert_result(gm_slice_load_u##bits(&slice, 0, GM_ACQUIRE, &got), 0);                                          \
        got = 0x55;                                                                                                    \
        assert_result(gm_slice_store_u##bits(&slice, 0, GM_RELEASE, 1), -EACCES);                                      \
        assert_result(gm_slice_exchange_u##bits(&slice, 0, GM_RELEASE, 1, &got), -EACCES);                             \
        assert_result(gm_slice_compare_exchange_u##bits(&slice, 0, GM_RELEASE, 0, 1, &got), -EACCES);                  \
        slice.rights = GM_WRITE;                                                                                       \
        assert_result(gm_slice_load_u##bits(&slice, 0, GM_ACQUIRE, &got), -EACCES);                                    \
        assert_result(gm_slice_fetch_xor_u##bits(&slice, 0, GM_RELEASE, 1, &got), -EACCES);                            \
        assert_true(got == 0x55 && words[0] == 0 && words[1] == 2 && words[2] == 0);                                   \
    }

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

/* volatile_memory: test_volatile_ref_dirty_tracking; a compare-exchange that did not exchange marks nothing. */
static void marks(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice;
    uint32_t got;
    assert_result(gm_slice_init(on->view, PAGE - 8, PAGE + 100, GM_RW, &slice), 0);
    assert_result(gm_slice_write_u64(&slice, 4, 1), 0); /* across pages */
    assert_dirty_range(on->dirty, PAGE - 4, 8);
    assert_result(gm_slice_write_u8(&slice, 7, 1), 0);
    assert_dirty_range(on->dirty, PAGE - 1, 1);
    assert_result(gm_slice_store_u32(&slice, 8, GM_RELEASE, 1), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_exchange_u32(&slice, 8, GM_RELAXED, 2, &got), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_compare_exchange_u32(&slice, 8, GM_ACQ_REL, 2, 3, &got), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_compare_exchange_u32(&slice, 8, GM_ACQ_REL, 2, 3, &got), 0);
    assert_int_equal(got, 3);
    assert_result(gm_slice_load_u32(&slice, 8, GM_ACQUIRE, &got), 0);
    assert_result(gm_slice_read_u32(&slice, 8, &got), 0);
    assert_result(gm_slice_store_u32(&slice, 9, GM_RELEASE, 1), -EINVAL);
    assert_dirty_range(on->dirty, 0, 0);
    assert_result(gm_slice_fetch_add_u32(&slice, 8, GM_RELAXED, 1, NULL), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_fetch_or_u32(&slice, 8, GM_RELAXED, 0, &got), 0); /* the same value, but written */
    assert_dirty_range(on->dirty, PAGE, 4);
}

/* volatile_memory: observe_mutate. What was written before a released flag is seen behind an acquired one; and what two
 * threads add is the sum. */
#define TIMES 20000
static uint64_t shared[3]; /* data, flag, sum */

static void *other_thread(void *argument)
{
    struct gm_slice *slice = argument;
    for (uint64_t i = 1; i <= TIMES; i++) {
        uint64_t flag = 0, data = 0;
        if (gm_slice_fetch_add_u64(slice, 16, GM_RELAXED, 1, NULL) != 0)
            return argument;
        while (flag < i && gm_slice_load_u64(slice, 8, GM_ACQUIRE, &flag) == 0)
            continue;
        if (gm_slice_read_u64(slice, 0, &data) != 0 || data < flag)
            return argument;
    }
    return NULL;
}

static void between_threads(void **state)
{
    struct gm_slice slice = wrap(shared, sizeof(shared));
    pthread_t thread;
    void *failed;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, other_thread, &slice), 0);
    for (uint64_t i = 1; i <= TIMES; i++) {
        assert_result(gm_slice_write_u64(&slice, 0, i), 0);
        assert_result(gm_slice_store_u64(&slice, 8, GM_RELEASE, i), 0);
        assert_result(gm_slice_fetch_add_u64(&slice, 16, GM_RELAXED, 1, NULL), 0);
    }
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
    assert_int_equal(shared[2], 2 * TIMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_u8),   cmocka_unit_test(plain_u16),  cmocka_unit_test(plain_u32),
        cmocka_unit_test(plain_u64),  cmocka_unit_test(stated_byte_orders),
        cmocka_unit_test(atomic_u8),  cmocka_unit_test(atomic_u16), cmocka_unit_test(atomic_u32),
        cmocka_unit_test(atomic_u64), PIECES(marks),                cmocka_unit_test(between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
