/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/*
 * Slices: what they can be made of, their parts, copies by offset, and what is marked. Tests name the scenarios of
 * vm-memory (volatile_memory.rs, mmap, slice.rs) that they stand for.
 */
#include "lib/pieces.h"

#define GARBAGE UINT64_C(0xdeadbeef)

static struct gm_slice wrap(void *address, uint64_t len)
{
    struct gm_slice slice;
    assert_result(gm_slice_wrap(address, len, 0, NULL, GM_RW, &slice), 0);
    return slice;
}

static void assert_slice(const struct gm_slice *slice, const void *address, uint64_t len, gm_gpa gpa)
{
    assert_ptr_equal(slice->iov.iov_base, address);
    assert_int_equal(slice->iov.iov_len, len);
    assert_int_equal(slice->gpa, gpa);
}

/* mmap: slice_addr, test_guest_memory_mmap_get_slice, test_guest_memory_get_slice: inside, empty, across, holes. */
static void made_of_a_view(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice, untouched;
    memset(&slice, 0x5a, sizeof(slice));
    untouched = slice;
    assert_result(gm_slice_init(on->view, PIECES_SEAM - 1, 2, GM_RW, &slice), -EXDEV);
    assert_result(gm_slice_init(on->view, 6 * PAGE, 1, GM_RW, &slice), -EACCES);
    assert_result(gm_slice_init(on->view, 7 * PAGE, 1, GM_READ, &slice), -EFAULT);
    assert_result(gm_slice_init(on->view, 10 * PAGE - 1, 2, GM_READ, &slice), -EFAULT);
    assert_result(gm_slice_init(on->view, 8 * PAGE, 1, GM_READ, &slice), -ENXIO);
    assert_result(gm_slice_init(on->view, 2, UINT64_MAX, GM_READ, &slice), -EOVERFLOW);
    assert_result(gm_slice_init(on->view, 7 * PAGE, 0, GM_READ, &slice), -EFAULT); /* empty, but nowhere */
    assert_result(gm_slice_init(on->view, 8 * PAGE, 0, GM_READ, &slice), -ENXIO);
    assert_result(gm_slice_init(on->view, 6 * PAGE, 0, GM_WRITE, &slice), -EACCES);
    assert_memory_equal(&slice, &untouched, sizeof(slice));
    assert_result(gm_slice_init(on->view, 2, 3 * PAGE, GM_RW, &slice), 0);
    assert_slice(&slice, on->host + 2, 3 * PAGE, 2);
    assert_int_equal(slice.rights, GM_RW);
    assert_result(gm_slice_init(on->view, 4 * PAGE, 2 * PAGE, GM_WRITE, &slice), 0);
    assert_slice(&slice, on->host + 16 * PAGE, 2 * PAGE, 4 * PAGE);
    assert_result(gm_slice_init(on->view, PAGE, 0, GM_READ, &slice), 0);
    assert_slice(&slice, on->host + PAGE, 0, PAGE);
    assert_result(gm_slice_init(on->view, 6 * PAGE, PAGE, GM_READ, &slice), 0);
    assert_ptr_equal((struct iovec *)(void *)&slice, &slice.iov); /* what readv can be given */
}

/* mmap: test_guest_memory_get_slices: fragments, and errors that leave nothing half done. */
static void made_of_pieces(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slices[4];
    struct iovec iov[4];
    assert_int_equal(gm_slice_list(on->view, PAGE, PAGE, GM_RW, slices, 1), 1);
    assert_slice(&slices[0], on->host + PAGE, PAGE, PAGE);
    assert_int_equal(gm_slice_list(on->view, PIECES_SEAM - 0x200, 0x400, GM_RW, slices, 2), 2);
    assert_slice(&slices[0], on->host + PIECES_SEAM - 0x200, 0x200, PIECES_SEAM - 0x200);
    assert_slice(&slices[1], on->host + 16 * PAGE, 0x200, PIECES_SEAM);
    assert_int_equal(gm_slices_iov(slices, 2, GM_WRITE, iov), 2);
    assert_memory_equal(&iov[1], &slices[1].iov, sizeof(iov[1]));
    assert_int_equal(gm_slice_list(on->view, 0, 7 * PAGE, GM_READ, slices, 4), 3);
    assert_int_equal(gm_slices_iov(slices, 3, GM_WRITE, iov), -EACCES);
    assert_int_equal(gm_slices_iov(NULL, 3, GM_READ, iov), -EINVAL);
    assert_int_equal(gm_slices_iov(slices, 3, GM_READ, NULL), -EINVAL);
    assert_int_equal(gm_slices_iov(slices, GM_IOV_LIMIT + 1, GM_READ, iov), -ENOBUFS);
    slices[0].gpa = GARBAGE;
    assert_int_equal(gm_slice_list(on->view, PIECES_SEAM - 1, 2, GM_RW, slices, 1), -ENOBUFS);
    assert_int_equal(gm_slice_list(on->view, 0, 8 * PAGE, GM_READ, slices, 4), -EFAULT);
    assert_int_equal(gm_slice_list(on->view, 0, 8 * PAGE, GM_READ, slices, 2), -ENOBUFS); /* the lower address */
    assert_int_equal(gm_slice_list(on->view, 0, 7 * PAGE, GM_WRITE, slices, 4), -EACCES);
    assert_int_equal(gm_slice_list(on->view, 8 * PAGE, 1, GM_READ, slices, 4), -ENXIO);
    assert_int_equal(gm_slice_list(on->view, 2, UINT64_MAX, GM_READ, slices, 4), -EOVERFLOW);
    assert_int_equal(gm_slice_list(on->view, 0, 0, GM_READ, slices, 4), -EINVAL);
    assert_int_equal(gm_slice_list(on->view, 0, 1, GM_READ, slices, 0), -EINVAL);
    assert_int_equal(gm_slice_list(on->view, 0, 1, GM_READ, NULL, 4), -EINVAL);
    assert_int_equal(slices[0].gpa, GARBAGE);
}

/* volatile_memory: mem_is_empty, slice_len. */
static void made_of_a_buffer(void **state)
{
    uint8_t bytes[100];
    struct gm_slice slice = wrap(bytes, 100);
    (void)state;
    assert_slice(&slice, bytes, 100, 0);
    assert_result(gm_slice_wrap(NULL, 0, 0, NULL, GM_RW, &slice), 0);
    assert_int_equal(slice.iov.iov_len, 0);
    assert_result(gm_slice_read(&slice, 0, bytes, 0), 0);
    assert_result(gm_slice_wrap(NULL, 1, 0, NULL, GM_RW, &slice), -EINVAL);
    assert_result(gm_slice_wrap(bytes, 1, 0, NULL, 4, &slice), -EINVAL);
    assert_result(gm_slice_wrap(bytes, UINT64_MAX, 0, NULL, GM_RW, &slice), -EOVERFLOW);
    assert_result(gm_slice_wrap(bytes, 2, UINT64_MAX, NULL, GM_RW, &slice), -EOVERFLOW);
    assert_result(gm_slice_wrap(bytes, 1, UINT64_MAX, NULL, GM_RW, &slice), 0);
}

/* volatile_memory: test_compute_end_offset, slice_subslice, ref_to_slice, slice_overflow_error, slice_oob_error. */
static void parts_at_every_offset(void **state)
{
    uint8_t bytes[100];
    struct gm_slice slice = wrap(bytes, 100), part = slice;
    (void)state;
    slice.gpa = 1000;
    for (uint64_t offset = 0; offset <= 101; offset++) {
        for (uint64_t len = 0; len <= 101; len++) {
            int want = offset + len <= 100 ? 0 : -ERANGE;
            part.gpa = GARBAGE;
            assert_result(gm_slice_sub(&slice, offset, len, &part), want);
            assert_int_equal(part.gpa, want == 0 ? 1000 + offset : GARBAGE);
            if (want == 0)
                assert_slice(&part, bytes + offset, len, 1000 + offset);
        }
    }
    assert_result(gm_slice_sub(&slice, UINT64_MAX, 1, &part), -EOVERFLOW);
    assert_result(gm_slice_sub(&slice, 1, UINT64_MAX, &part), -EOVERFLOW);
    assert_result(gm_slice_sub(&slice, UINT64_MAX, 0, &part), -ERANGE);
    assert_result(gm_slice_sub(&slice, UINT64_MAX - 1, 1, &part), -ERANGE);
    assert_result(gm_slice_sub(&slice, 7, 20, &slice), 0); /* of itself */
    assert_slice(&slice, bytes + 7, 20, 1007);
}

/* volatile_memory: slice_offset, split_at (8, 0, 31, 32, 33 of 32). */
static void offset_and_split(void **state)
{
    static const uint64_t at[] = {8, 0, 31, 32};
    uint8_t bytes[32];
    struct gm_slice slice = wrap(bytes, 32), before, behind;
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        assert_result(gm_slice_split(&slice, at[i], &before, &behind), 0);
        assert_slice(&before, bytes, at[i], 0);
        assert_slice(&behind, bytes + at[i], 32 - at[i], at[i]);
        assert_result(gm_slice_from(&slice, at[i], &before), 0);
        assert_slice(&before, bytes + at[i], 32 - at[i], at[i]);
    }
    before.gpa = behind.gpa = GARBAGE;
    assert_result(gm_slice_split(&slice, 33, &before, &behind), -ERANGE);
    assert_result(gm_slice_from(&slice, 33, &before), -ERANGE);
    assert_result(gm_slice_from(&slice, UINT64_MAX, &before), -ERANGE);
    assert_int_equal(before.gpa + behind.gpa, 2 * GARBAGE);
    assert_result(gm_slice_split(&slice, 10, &slice, &behind), 0); /* in place */
    assert_slice(&slice, bytes, 10, 0);
    assert_slice(&behind, bytes + 10, 22, 10);
}

/* volatile_memory: slice_read_and_write, slice_store, obj_read_and_write (there a prefix is written; here nothing). */
static void exact_copies(void **state)
{
    uint8_t bytes[10] = {0}, got[10] = {0};
    struct gm_slice slice = wrap(bytes, 10);
    (void)state;
    assert_result(gm_slice_write(&slice, 6, "\1\2\3\4", 4), 0);
    assert_result(gm_slice_read(&slice, 5, got, 5), 0);
    assert_memory_equal(got, "\0\1\2\3\4", 5);
    assert_result(gm_slice_write(&slice, 9, "\7\7", 2), -ERANGE);
    assert_result(gm_slice_write(&slice, 10, "\7", 1), -ERANGE);
    assert_result(gm_slice_write(&slice, UINT64_MAX, "\7", 1), -EOVERFLOW);
    assert_result(gm_slice_write(&slice, 1, "\7", UINT64_MAX), -EOVERFLOW);
    assert_result(gm_slice_read(&slice, 9, got, 2), -ERANGE);
    assert_result(gm_slice_write(&slice, 10, "", 0), 0);
    assert_result(gm_slice_fill(&slice, 2, 9, 3), 0);
    assert_result(gm_slice_fill(&slice, 8, 9, 3), -ERANGE);
    assert_memory_equal(bytes, "\0\0\11\11\11\0\1\2\3\4", 10);
    assert_memory_equal(got, "\0\1\2\3\4", 5);
    slice.rights = GM_READ;
    assert_result(gm_slice_write(&slice, 0, "\7", 1), -EACCES);
    assert_result(gm_slice_fill(&slice, 0, 7, 1), -EACCES);
    assert_result(gm_slice_write(&slice, 10, "\7", 1), -ERANGE); /* before the right */
    slice.rights = GM_WRITE;
    assert_result(gm_slice_read(&slice, 0, got, 1), -EACCES);
    assert_int_equal(bytes[0], 0);
}

/* volatile_memory: test_write_past_end; io.rs: test_read_volatile_for_cursor and test_write_volatile_for_cursor, 4 and
 * then 3 of 7 bytes. */
static void copies_of_as_much_as_there_is(void **state)
{
    uint8_t bytes[7] = {1, 2, 3, 4, 5, 6, 7}, got[32] = {0};
    struct gm_slice slice = wrap(bytes, 7), five;
    uint64_t done = GARBAGE;
    (void)state;
    assert_result(gm_slice_read_some(&slice, 0, got, 4, &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_slice_read_some(&slice, 4, got + 4, 4, &done), 0);
    assert_int_equal(done, 3);
    assert_memory_equal(got, "\1\2\3\4\5\6\7", 8);
    assert_result(gm_slice_read_some(&slice, 7, got, 4, &done), -ERANGE);
    assert_int_equal(done, 0);
    assert_result(gm_slice_read(&slice, 4, got, 4), -ERANGE); /* exact: the output is as it was */
    assert_memory_equal(got, "\1\2\3\4\5\6\7", 8);
    assert_result(gm_slice_write_some(&slice, 0, "\21\22\23\24", 4, &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_slice_write_some(&slice, 4, "\25\26\27\30", 4, &done), 0);
    assert_int_equal(done, 3);
    assert_memory_equal(bytes, "\21\22\23\24\25\26\27", 7);
    assert_result(gm_slice_sub(&slice, 0, 5, &five), 0);
    assert_result(gm_slice_write_some(&five, 0, "\11\11\11\11\11\11", 6, &done), 0);
    assert_int_equal(done, 5);
    assert_memory_equal(bytes, "\11\11\11\11\11\26\27", 7);
    done = GARBAGE;
    assert_result(gm_slice_write_some(&five, UINT64_MAX, "\1", 1, &done), -ERANGE);
    assert_int_equal(done, 0);
    assert_result(gm_slice_write_some(&five, UINT64_MAX, "\1", 0, &done), 0); /* nothing is there everywhere */
    assert_result(gm_slice_read_some(&five, 1, got, UINT64_MAX, &done), 0);
    assert_int_equal(done, 4);
    assert_result(gm_slice_read_some(&five, 0, got, 1, NULL), -EINVAL);
    assert_result(gm_slice_write_some(&five, 0, got, 1, NULL), -EINVAL);
    five.rights = GM_READ;
    assert_result(gm_slice_write_some(&five, 0, got, 1, &done), -EACCES);
    assert_int_equal(done, 0);
}

/* volatile_memory: slice_copy_to_volatile_slice truncates; and overlaps, as memmove. */
static void from_slice_to_slice(void **state)
{
    uint8_t bytes[400], want[400];
    uint64_t done = GARBAGE;
    (void)state;
    for (uint64_t len = 1; len <= 200; len += 21) {
        for (uint64_t shift = 0; shift <= 90; shift += 13) {
            for (int down = 0; down < 2; down++) {
                uint64_t from = down ? shift : 0, to = down ? 0 : shift;
                fill_pattern(bytes, 400, (unsigned)len);
                memcpy(want, bytes, 400);
                memmove(want + to, want + from, len);
                struct gm_slice source = wrap(bytes + from, len), target = wrap(bytes + to, len + (uint64_t)down * 9);
                assert_result(gm_slice_copy(&target, &source, &done), 0);
                assert_int_equal(done, len);
                assert_memory_equal(bytes, want, 400);
            }
        }
    }
    struct gm_slice large = wrap(bytes, 100), small = wrap(bytes + 200, 40);
    assert_result(gm_slice_copy(&small, &large, &done), 0);
    assert_int_equal(done, 40);
    large.rights = GM_READ;
    assert_result(gm_slice_copy(&large, &small, &done), -EACCES);
    assert_int_equal(done, 0);
    small.rights = GM_WRITE;
    large.rights = GM_RW;
    assert_result(gm_slice_copy(&large, &small, &done), -EACCES);
    assert_result(gm_slice_copy(&small, &large, NULL), -EINVAL);
}

/* volatile_memory: test_volatile_slice_dirty_tracking; slice.rs: test_slice, two slices of one bitmap. */
static void marks_what_is_written_and_no_more(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slice, part, other;
    uint8_t bytes[3 * PAGE + 1] = {0};
    uint64_t done;
    assert_result(gm_slice_init(on->view, PAGE - 8, 3 * PAGE, GM_RW, &slice), 0);
    assert_result(gm_slice_write(&slice, 0, bytes, 8), 0);
    assert_dirty_range(on->dirty, PAGE - 8, 8);
    assert_result(gm_slice_write(&slice, 0, bytes, 9), 0);
    assert_dirty_range(on->dirty, PAGE - 8, 9);
    assert_result(gm_slice_fill(&slice, 9, 1, 2 * PAGE), 0);
    assert_dirty_range(on->dirty, PAGE + 1, 2 * PAGE);
    assert_result(gm_slice_write_some(&slice, 3 * PAGE - 1, bytes, 100, &done), 0);
    assert_dirty_range(on->dirty, 4 * PAGE - 9, 1);
    assert_result(gm_slice_read(&slice, 0, bytes, 3 * PAGE), 0);
    assert_result(gm_slice_write(&slice, 0, bytes, 3 * PAGE + 1), -ERANGE);
    assert_result(gm_slice_write(&slice, 0, bytes, 0), 0);
    assert_dirty_range(on->dirty, 0, 0);
    /* parts mark at their own place */
    assert_result(gm_slice_split(&slice, PAGE, &part, &other), 0);
    assert_result(gm_slice_write(&other, 8, bytes, 1), 0);
    assert_dirty_range(on->dirty, 2 * PAGE, 1);
    assert_result(gm_slice_sub(&other, PAGE, 10, &part), 0);
    assert_result(gm_slice_fill(&part, 0, 1, 10), 0);
    assert_dirty_range(on->dirty, 3 * PAGE - 8, 10);
    /* only the target of a copy, and only what was copied */
    assert_result(gm_slice_init(on->view, 4 * PAGE, 2 * PAGE, GM_RW, &other), 0);
    assert_result(gm_slice_copy(&other, &part, &done), 0);
    assert_dirty_range(on->dirty, 4 * PAGE, 10);
    /* a raw pointer marks when it is told */
    void *raw = NULL;
    assert_result(gm_slice_pointer(&slice, 8, PAGE, GM_RW, &raw), 0);
    assert_ptr_equal(raw, on->host + PAGE);
    memset(raw, 1, PAGE);
    assert_dirty_range(on->dirty, 0, 0);
    assert_result(gm_slice_mark(&slice, 8, PAGE), 0);
    assert_dirty_range(on->dirty, PAGE, PAGE);
    assert_result(gm_slice_mark(&slice, 8, 3 * PAGE), -ERANGE);
    assert_dirty_range(on->dirty, 0, 0);
    assert_result(gm_slice_limit(&slice, GM_READ, &part), 0);
    assert_result(gm_slice_pointer(&part, 0, 1, GM_WRITE, &raw), -EACCES);
    assert_result(gm_slice_pointer(&part, 3 * PAGE, 1, GM_READ, &raw), -ERANGE);
    assert_result(gm_slice_limit(&part, GM_RW, &part), -EACCES);
    assert_ptr_equal(raw, on->host + PAGE);
}

static void marks_of_several_slices(void **state)
{
    struct pieces *on = *state;
    struct gm_slice slices[2];
    assert_int_equal(gm_slice_list(on->view, PIECES_SEAM - PAGE - 5, 2 * PAGE, GM_RW, slices, 2), 2);
    assert_result(gm_slices_mark(slices, 2, 6), 0);
    assert_dirty_range(on->dirty, PIECES_SEAM - PAGE - 5, 6);
    assert_result(gm_slices_mark(slices, 2, PAGE + 6), 0);
    assert_dirty_range(on->dirty, PIECES_SEAM - PAGE - 5, PAGE + 6);
    assert_result(gm_slices_mark(slices, 2, UINT64_MAX), 0);
    assert_dirty_range(on->dirty, PIECES_SEAM - PAGE - 5, 2 * PAGE);
    assert_result(gm_slices_mark(slices, 2, 0), 0);
    assert_result(gm_slices_mark(NULL, 2, 1), -EINVAL);
    slices[0].gpa = PIECES_HOST * PAGE;
    assert_result(gm_slices_mark(slices, 2, UINT64_MAX), -ERANGE); /* and the other one all the same */
    assert_dirty_range(on->dirty, PIECES_SEAM, slices[1].iov.iov_len);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(made_of_a_view),
        PIECES(made_of_pieces),
        cmocka_unit_test(made_of_a_buffer),
        cmocka_unit_test(parts_at_every_offset),
        cmocka_unit_test(offset_and_split),
        cmocka_unit_test(exact_copies),
        cmocka_unit_test(copies_of_as_much_as_there_is),
        cmocka_unit_test(from_slice_to_slice),
        PIECES(marks_what_is_written_and_no_more),
        PIECES(marks_of_several_slices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
