/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Arrays of elements in slices: bounds by index, copies of as many as there are, odd bytes at the end, marks, and that
 * elements are not torn.
 */
#include "lib/pieces.h"

#include <pthread.h>
#include <stdbool.h>

#define GARBAGE UINT64_C(0xdeadbeef)

static struct gm_slice wrap(void *address, uint64_t len)
{
    struct gm_slice slice;
    assert_result(gm_slice_wrap(address, len, 0, NULL, GM_RW, &slice), 0);
    return slice;
}

/* volatile_memory: ref_array_from_slice, array_ref overflow (TooBig), ref_oob_too_large. */
static void bounds(void **state)
{
    uint32_t words[8];
    struct gm_slice slice = wrap(words, sizeof(words)), element;
    struct gm_slice_array array = {.size = GARBAGE};
    (void)state;
    assert_result(gm_slice_array_init(&slice, 4, 4, 8, &array), -ERANGE);
    assert_result(gm_slice_array_init(&slice, 33, 4, 0, &array), -ERANGE);
    assert_result(gm_slice_array_init(&slice, 0, 4, UINT64_MAX, &array), -EOVERFLOW);
    assert_result(gm_slice_array_init(&slice, 0, UINT64_C(1) << 32, UINT64_C(1) << 32, &array), -EOVERFLOW);
    assert_result(gm_slice_array_init(&slice, UINT64_MAX, 1, 1, &array), -EOVERFLOW);
    assert_result(gm_slice_array_init(&slice, 0, 0, 1, &array), -EINVAL);
    assert_result(gm_slice_array_all(&slice, 0, &array), -EINVAL);
    assert_int_equal(array.size, GARBAGE);
    assert_result(gm_slice_array_init(&slice, 4, 4, 7, &array), 0);
    assert_result(gm_slice_array_at(&array, 6, &element), 0);
    assert_ptr_equal(element.iov.iov_base, &words[7]);
    assert_int_equal(element.iov.iov_len, 4);
    assert_result(gm_slice_array_at(&array, 7, &element), -ERANGE);
    assert_result(gm_slice_array_at(&array, UINT64_MAX, &element), -ERANGE);
    assert_result(gm_slice_array_at(&array, UINT64_C(1) << 62, &element), -ERANGE); /* index * 4 wraps to 0 */
    assert_result(gm_slice_array_all(&slice, 5, &array), 0);
    assert_int_equal(array.count, 6);
    assert_result(gm_slice_array_init(&slice, 32, 4, 0, &array), 0);
    assert_result(gm_slice_array_at(&array, 0, &element), -ERANGE);
}

/* volatile_memory: ref_array_store, ref_array_load. */
static void one_element(void **state)
{
    uint32_t words[4] = {1, 2, 3, 4}, value = 9;
    struct gm_slice slice = wrap(words, sizeof(words));
    struct gm_slice_array array;
    (void)state;
    assert_result(gm_slice_array_all(&slice, 4, &array), 0);
    assert_result(gm_slice_array_write(&array, 2, &value), 0);
    assert_int_equal(words[2], 9);
    assert_result(gm_slice_array_read(&array, 3, &value), 0);
    assert_int_equal(value, 4);
    assert_result(gm_slice_array_read(&array, 4, &value), -ERANGE);
    assert_result(gm_slice_array_write(&array, UINT64_C(1) << 62, &value), -ERANGE);
    assert_int_equal(value, 4);
    assert_int_equal(words[0], 1);
    array.slice.rights = GM_READ;
    assert_result(gm_slice_array_write(&array, 0, &value), -EACCES);
    array.slice.rights = GM_WRITE;
    assert_result(gm_slice_array_read(&array, 0, &value), -EACCES);
}

/* volatile_memory: slice_copy_to_u8, _u16, slice_copy_from_u8, _u16: whole elements; odd bytes stay as they are. */
static void many_elements(void **state)
{
    (void)state;
    for (uint64_t size = 1; size <= 16; size++) {
        for (uint64_t len = 0; len <= 300; len += 7) {
            uint8_t bytes[301], got[400], want[400];
            uint64_t done = GARBAGE, whole = len / size * size;
            struct gm_slice slice = wrap(bytes, len);
            struct gm_slice_array array;
            fill_pattern(bytes, 301, (unsigned)size);
            memset(got, 0, 400);
            memset(want, 0, 400);
            memcpy(want, bytes, whole);
            assert_result(gm_slice_array_all(&slice, size, &array), 0);
            assert_result(gm_slice_array_copy_to(&array, 0, got, 1000, &done), whole == 0 ? -ERANGE : 0);
            assert_int_equal(done, len / size);
            assert_memory_equal(got, want, 400);
            fill_pattern(got, 400, 99);
            memcpy(want, bytes, 301);
            memcpy(want, got, whole);
            assert_result(gm_slice_array_copy_from(&array, 0, got, 1000, &done), whole == 0 ? -ERANGE : 0);
            assert_int_equal(done, len / size);
            assert_memory_equal(bytes, want, 301);
        }
    }
}

static void some_elements(void **state)
{
    uint16_t words[5] = {1, 2, 3, 4, 5}, got[5] = {0};
    struct gm_slice slice = wrap(words, sizeof(words));
    struct gm_slice_array array;
    uint64_t done = GARBAGE;
    (void)state;
    assert_result(gm_slice_array_all(&slice, 2, &array), 0);
    assert_result(gm_slice_array_copy_to(&array, 1, got, 2, &done), 0);
    assert_int_equal(done, 2);
    assert_memory_equal(got, ((const uint16_t[]){2, 3, 0}), 6);
    assert_result(gm_slice_array_copy_from(&array, 4, got, 2, &done), 0);
    assert_int_equal(done, 1);
    assert_memory_equal(words, ((const uint16_t[]){1, 2, 3, 4, 2}), 10);
    assert_result(gm_slice_array_copy_to(&array, 5, got, 1, &done), -ERANGE);
    assert_int_equal(done, 0);
    assert_result(gm_slice_array_copy_from(&array, UINT64_MAX, got, 1, &done), -ERANGE);
    assert_result(gm_slice_array_copy_from(&array, UINT64_MAX, got, 0, &done), 0);
    assert_result(gm_slice_array_copy_to(&array, 0, got, 1, NULL), -EINVAL);
    array.slice.rights = GM_READ;
    assert_result(gm_slice_array_copy_from(&array, 0, got, 1, &done), -EACCES);
    assert_int_equal(done, 0);
    array.slice.rights = GM_WRITE;
    assert_result(gm_slice_array_copy_to(&array, 0, got, 1, &done), -EACCES);
}

/* volatile_memory: test_volatile_array_ref_dirty_tracking: an element, one through its own slice, many. */
static void marks(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice, element;
    struct gm_slice_array array;
    uint32_t words[PAGE] = {0};
    uint64_t done;
    assert_result(gm_slice_init(on->view, PAGE - 8, 3 * PAGE, GM_RW, &slice), 0);
    assert_result(gm_slice_array_init(&slice, 4, 4, PAGE / 4, &array), 0);
    assert_result(gm_slice_array_write(&array, 0, words), 0);
    assert_dirty_range(on->dirty, PAGE - 4, 4);
    assert_result(gm_slice_array_write(&array, 1, words), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_array_at(&array, 1, &element), 0);
    assert_result(gm_slice_write(&element, 0, words, 4), 0);
    assert_dirty_range(on->dirty, PAGE, 4);
    assert_result(gm_slice_array_copy_from(&array, 0, words, 1, &done), 0);
    assert_dirty_range(on->dirty, PAGE - 4, 4);
    assert_result(gm_slice_array_copy_from(&array, 0, words, UINT64_MAX, &done), 0);
    assert_int_equal(done, PAGE / 4);
    assert_dirty_range(on->dirty, PAGE - 4, PAGE);
    assert_result(gm_slice_array_copy_to(&array, 0, words, 100, &done), 0);
    assert_result(gm_slice_array_read(&array, 0, words), 0);
    assert_dirty_range(on->dirty, 0, 0);
}

/* Elements of 8 bytes that are all ones or all zeros, while long copies go in and out. */
#define ELEMENTS 100
static uint64_t shared[ELEMENTS];
static bool stop;

static void *write_elements(void *argument)
{
    struct gm_slice_array *array = argument;
    uint64_t values[ELEMENTS], done;
    for (unsigned i = 0; !__atomic_load_n(&stop, __ATOMIC_RELAXED); i++) {
        memset(values, i % 2 == 0 ? 0 : 0xff, sizeof(values));
        if (gm_slice_array_copy_from(array, 0, values, ELEMENTS, &done) != 0)
            return argument;
    }
    return NULL;
}

static void elements_are_not_torn(void **state)
{
    struct gm_slice slice = wrap(shared, sizeof(shared));
    struct gm_slice_array array;
    pthread_t thread;
    void *failed;
    (void)state;
    assert_result(gm_slice_array_all(&slice, 8, &array), 0);
    assert_int_equal(pthread_create(&thread, NULL, write_elements, &array), 0);
    for (unsigned i = 0; i < 20000; i++) {
        uint64_t values[ELEMENTS], done;
        assert_result(gm_slice_array_copy_to(&array, 0, values, ELEMENTS, &done), 0);
        for (unsigned j = 0; j < ELEMENTS; j++)
            assert_true(values[j] == 0 || values[j] == UINT64_MAX);
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    assert_int_equal(pthread_join(thread, &failed), 0);
    assert_null(failed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds),
        cmocka_unit_test(one_element),
        cmocka_unit_test(many_elements),
        cmocka_unit_test(some_elements),
        PIECES(marks),
        cmocka_unit_test(elements_are_not_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
