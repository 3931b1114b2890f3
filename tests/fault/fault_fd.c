/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * System calls of streams that fail in the middle: what was moved before is reported and marked exactly, and of the
 * call that failed all that it was given is marked.
 */
#include "lib/pieces.h"

#include <unistd.h>

#include "base/fault.h"
#include "lib/feeder.h"

#define START (PIECES_SEAM - 2 * PAGE - 100)
#define LEN (4 * PAGE)

/* The source gives half a page at a time, so that call n begins n half pages on. */
static void reading_fails_at_each_call(void **state)
{
    struct pieces *on = *state;
    uint8_t bytes[LEN];
    for (uint64_t step = 1; step <= LEN / (PAGE / 2); step++) {
        struct feeder feeder;
        uint64_t done = 1, before = (step - 1) * (PAGE / 2);
        fill_pattern(bytes, LEN, (unsigned)step);
        feeder_start(&feeder, bytes, LEN, PAGE / 2);
        gm_fault_arm(step);
        int error = gm_guest_from_fd_all(on->view, START, LEN, feeder.read, GM_FD_HERE, &done);
        assert_true(gm_fault_disarm());
        assert_result(error, -EIO);
        assert_int_equal(done, before);
        assert_bytes(on, START, bytes, before);
        assert_dirty_range(on->dirty, START, LEN);
        assert_result(gm_guest_from_fd_all(on->view, START + done, LEN - done, feeder.read, GM_FD_HERE, &done), 0);
        assert_bytes(on, START, bytes, LEN);
        assert_dirty_range(on->dirty, START + before, LEN - before);
        feeder_end(&feeder);
    }
}

static void one_transfer_fails(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice;
    uint64_t done = 1;
    gm_fault_arm(1);
    assert_result(gm_guest_from_fd(on->view, START, LEN, -1, 0, &done), -EIO);
    assert_true(gm_fault_disarm());
    assert_int_equal(done, 0);
    assert_dirty_range(on->dirty, START, LEN);
    assert_result(gm_slice_init(on->view, PAGE - 1, 2, GM_RW, &slice), 0);
    gm_fault_arm(1);
    assert_result(gm_slice_from_fd_all(&slice, -1, GM_FD_HERE, &done), -EIO);
    assert_true(gm_fault_disarm());
    assert_dirty_range(on->dirty, PAGE - 1, 2);
}

static void writing_fails(void **state)
{
    struct pieces *on = *state;
    uint64_t done = 1;
    for (int offset = -1; offset < 1; offset++) {
        gm_fault_arm(1);
        assert_result(gm_guest_to_fd(on->view, START, LEN, -1, offset, &done), -EIO);
        assert_true(gm_fault_disarm());
        gm_fault_arm(1);
        assert_result(gm_guest_to_fd_all(on->view, START, LEN, -1, offset, &done), -EIO);
        assert_true(gm_fault_disarm());
        assert_int_equal(done, 0);
        assert_dirty_range(on->dirty, 0, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(reading_fails_at_each_call),
        PIECES(one_transfer_fails),
        PIECES(writing_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
