/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Whatever is done with guest memory inside gm_recover_view: where a peer has truncated the file behind it, the call
 * comes back, says where, and has marked what was complete.
 */
#define _GNU_SOURCE
#include "lib/vanish.h"

#include <stdbool.h>

/* ThreadSanitizer holds a lock of its own while it carries out an atomic operation that orders, and would keep it. */
#if defined(__SANITIZE_THREAD__)
#define ORDER GM_RELAXED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ORDER GM_RELAXED
#endif
#endif
#ifndef ORDER
#define ORDER GM_SEQ_CST
#endif

#define THERE (4 * PAGE) /* memory is missing from here on */
#define UNTOUCHED UINT64_C(0xdeadbeef)

/* One access, and where. */
struct job {
    const struct gm_view *view;
    gm_gpa gpa;
    uint64_t len;
    uint8_t *bytes;
    const struct gm_slice *slice;
    volatile uint64_t done; /* accesses that returned */
};

static int read_integer(void *argument)
{
    const struct job *job = argument;
    uint32_t value;
    return gm_guest_read_u32(job->view, job->gpa, &value);
}

static int write_integer(void *argument)
{
    const struct job *job = argument;
    return gm_guest_write_le64(job->view, job->gpa, 77);
}

static int load_atomic(void *argument)
{
    const struct job *job = argument;
    uint16_t value;
    return gm_guest_load_u16(job->view, job->gpa, ORDER, &value);
}

static int add_atomic(void *argument)
{
    const struct job *job = argument;
    uint64_t old;
    return gm_guest_fetch_add_u64(job->view, job->gpa, ORDER, 1, &old);
}

static int exchange_atomic(void *argument)
{
    const struct job *job = argument;
    uint32_t old;
    return gm_guest_exchange_u32(job->view, job->gpa, ORDER, 1, &old);
}

static int read_slice(void *argument)
{
    const struct job *job = argument;
    uint32_t value;
    return gm_slice_read_u32(job->slice, job->gpa, &value);
}

static int write_slice(void *argument)
{
    const struct job *job = argument;
    return gm_slice_write_u64(job->slice, job->gpa, 5);
}

/* All that is aligned: it says which byte, has done nothing, and marks nothing. */
static void aligned_accesses(void **state)
{
    static int (*const kinds[])(void *) = {read_integer,    write_integer, load_atomic, add_atomic,
                                           exchange_atomic, read_slice,    write_slice};
    static const bool writes[] = {false, true, false, true, true, false, true};
    static const gm_gpa places[] = {THERE, THERE + 8, 5 * PAGE - 8, 9 * PAGE + 64, VANISH_PAGES * PAGE - 8};
    struct vanish on;
    struct gm_slice slice;
    (void)state;
    vanish_open(&on, THERE / PAGE);
    assert_result(gm_recover_install(), 0);
    assert_result(gm_slice_init(on.view, 0, VANISH_PAGES * PAGE, GM_RW, &slice), 0);
    for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
        struct job job = {.view = on.view, .slice = &slice, .gpa = THERE - 8};
        gm_gpa fault = UNTOUCHED;
        assert_result(gm_recover_view(on.view, kinds[kind], &job, &fault), 0);
        assert_int_equal(fault, GM_RECOVER_NONE);
        assert_dirty_range(on.dirty, job.gpa, writes[kind] ? 8 : 0);
        for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
            job.gpa = places[i];
            assert_result(gm_recover_view(on.view, kinds[kind], &job, &fault), -EFAULT);
            assert_int_equal(fault, job.gpa);
            assert_result(gm_recover_view(on.view, kinds[kind], &job, NULL), -EFAULT);
            assert_dirty_range(on.dirty, 0, 0);
        }
    }
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

static int read_bulk(void *argument)
{
    const struct job *job = argument;
    return gm_guest_read(job->view, job->gpa, job->bytes, job->len);
}

static int write_twice(void *argument)
{
    struct job *job = argument;
    int error = gm_guest_write(job->view, PAGE, job->bytes, 100);
    job->done++;
    if (error == 0)
        error = gm_guest_write(job->view, job->gpa, job->bytes, job->len);
    job->done++;
    return error;
}

static int fill(void *argument)
{
    const struct job *job = argument;
    return gm_guest_fill(job->view, job->gpa, 9, job->len);
}

static int compare(void *argument)
{
    const struct job *job = argument;
    int order;
    return gm_guest_compare(job->view, job->gpa, job->bytes, job->len, &order);
}

static int copy(void *argument)
{
    const struct job *job = argument;
    return gm_guest_copy(job->view, 0, job->gpa, job->len);
}

/* What had returned before is there and marked; of the write that was left nothing is promised but its range. */
static void long_accesses(void **state)
{
    static int (*const kinds[])(void *) = {read_bulk, fill, compare, copy};
    static const uint64_t lengths[] = {9, 24, 64, 200, 2 * PAGE};
    struct vanish on;
    uint8_t *bytes = malloc(3 * PAGE);
    (void)state;
    assert_non_null(bytes);
    vanish_open(&on, THERE / PAGE);
    assert_result(gm_recover_install(), 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        struct job job = {.view = on.view, .gpa = THERE - 8, .len = lengths[i], .bytes = bytes};
        const gm_gpa end = job.gpa + job.len;
        gm_gpa fault = UNTOUCHED;
        for (size_t kind = 0; kind < sizeof(kinds) / sizeof(kinds[0]); kind++) {
            memcpy(bytes, on.host + job.gpa, 8); /* alike as far as it is there */
            assert_result(gm_recover_view(on.view, kinds[kind], &job, &fault), -EFAULT);
            assert_in_range(fault, THERE, end - 1);
        }
        fill_pattern(bytes, 3 * PAGE, (unsigned)i + 20);
        assert_result(gm_dirty_clear(on.dirty, 0, PIECES_HOST * PAGE), 0);
        assert_result(gm_recover_view(on.view, write_twice, &job, &fault), -EFAULT);
        assert_in_range(fault, THERE, end - 1);
        assert_int_equal(job.done, 1);
        assert_memory_equal(on.host + PAGE, bytes, 100);
        assert_dirty_range(on.dirty, PAGE, 100);
        assert_result(gm_guest_mark(on.view, job.gpa, job.len), 0); /* as the contract asks for */
        assert_dirty_range(on.dirty, job.gpa, job.len);
    }
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
    free(bytes);
}

static int hole_of_the_map(void *argument)
{
    const struct job *job = argument;
    uint8_t byte;
    return gm_guest_read_u8(job->view, VANISH_PAGES * PAGE, &byte);
}

static int safe_inside(void *argument)
{
    struct job *job = argument;
    uint64_t done = 0;
    int error = gm_guest_write_safe(job->view, job->gpa, job->bytes, job->len, &done);
    job->done = done;
    return error;
}

static int answer(void *argument)
{
    (void)argument;
    return 123;
}

/* Errors of its own come back with no address, as does all else that function returns. */
static void function_ends_by_itself(void **state)
{
    struct vanish on;
    uint8_t bytes[64] = {0};
    (void)state;
    vanish_open(&on, THERE / PAGE);
    struct job job = {.view = on.view, .gpa = THERE - 16, .len = sizeof(bytes), .bytes = bytes};
    gm_gpa fault = UNTOUCHED;
    assert_result(gm_recover_view(on.view, answer, NULL, &fault), -EPERM);
    assert_result(gm_recover_install(), 0);
    assert_result(gm_recover_view(NULL, answer, NULL, &fault), -EINVAL);
    assert_result(gm_recover_view(on.view, NULL, NULL, &fault), -EINVAL);
    assert_int_equal(fault, UNTOUCHED);
    assert_result(gm_recover_view(on.view, answer, NULL, &fault), 123);
    assert_int_equal(fault, GM_RECOVER_NONE);
    fault = UNTOUCHED;
    assert_result(gm_recover_view(on.view, hole_of_the_map, &job, &fault), -EFAULT);
    assert_int_equal(fault, GM_RECOVER_NONE);
    fault = UNTOUCHED;
    assert_result(gm_recover_view(on.view, safe_inside, &job, &fault), -EFAULT);
    assert_int_equal(fault, GM_RECOVER_NONE);
    assert_int_equal(job.done, 16);
    assert_dirty_range(on.dirty, job.gpa, job.len);
    vanish_close(&on);
    assert_result(gm_recover_remove(), 0);
}

int main(void)
{
    if (ORDER.number != GM_ORDER_SEQ_CST)
        print_message("SKIPPED: faults of atomic operations that order; ThreadSanitizer cannot be left there\n");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_accesses),
        cmocka_unit_test(long_accesses),
        cmocka_unit_test(function_ends_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
