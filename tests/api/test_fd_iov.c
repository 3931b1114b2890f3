/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Guest memory as iovecs for other people's system calls, and streams of more pieces than one call takes. */
#define _GNU_SOURCE
#include "lib/pieces.h"

#include <sys/mman.h>
#include <unistd.h>

#define GARBAGE UINT64_C(0xdeadbeef)
#define MANY (GM_IOV_LIMIT + 30)

static void assert_entry(const struct iovec *iov, const void *base, size_t len)
{
    assert_ptr_equal(iov->iov_base, base);
    assert_int_equal(iov->iov_len, len);
}

static void as_much_as_there_is(void **state)
{
    struct pieces *on = *state;
    struct iovec iov[4];
    uint64_t covered = GARBAGE;
    assert_int_equal(gm_guest_iov(on->view, 5, 10, GM_RW, iov, 1, &covered), 1);
    assert_entry(&iov[0], on->host + 5, 10);
    assert_int_equal(covered, 10);
    assert_int_equal(gm_guest_iov(on->view, PIECES_SEAM - 5, PAGE, GM_RW, iov, 4, &covered), 2);
    assert_entry(&iov[0], on->host + PIECES_SEAM - 5, 5);
    assert_entry(&iov[1], on->host + 16 * PAGE, PAGE - 5);
    assert_int_equal(covered, PAGE);
    assert_int_equal(gm_guest_iov(on->view, PIECES_SEAM - 5, PAGE, GM_RW, iov, 1, &covered), 1); /* no room */
    assert_int_equal(covered, 5);
    assert_int_equal(gm_guest_iov(on->view, 0, 64 * PAGE, GM_READ, iov, 4, &covered), 3); /* a hole */
    assert_entry(&iov[2], on->host + 32 * PAGE, PAGE);
    assert_int_equal(covered, 7 * PAGE);
    assert_int_equal(gm_guest_iov(on->view, 0, 64 * PAGE, GM_WRITE, iov, 4, &covered), 2); /* ROM */
    assert_int_equal(covered, 6 * PAGE);
}

static void refusals(void **state)
{
    struct pieces *on = *state;
    struct iovec iov[2] = {{NULL, 77}, {NULL, 77}};
    uint64_t covered = GARBAGE;
    assert_int_equal(gm_guest_iov(on->view, 7 * PAGE, 1, GM_READ, iov, 2, &covered), -EFAULT);
    assert_int_equal(covered, 0);
    assert_int_equal(gm_guest_iov(on->view, 8 * PAGE, 1, GM_READ, iov, 2, &covered), -ENXIO);
    assert_int_equal(gm_guest_iov(on->view, 6 * PAGE, 1, GM_WRITE, iov, 2, &covered), -EACCES);
    assert_int_equal(gm_guest_iov(on->view, 2, UINT64_MAX, GM_READ, iov, 2, &covered), -EOVERFLOW);
    assert_int_equal(gm_guest_iov(on->view, 0, 1, GM_READ, NULL, 2, &covered), -EINVAL);
    assert_int_equal(gm_guest_iov(on->view, 0, 1, GM_READ, iov, 0, &covered), -EINVAL);
    assert_int_equal(gm_guest_iov(on->view, 0, 1, GM_READ, iov, 2, NULL), -EINVAL);
    covered = GARBAGE;
    assert_int_equal(gm_guest_iov(on->view, 7 * PAGE, 0, GM_READ, iov, 2, &covered), 0);
    assert_int_equal(covered, 0);
    assert_entry(&iov[0], NULL, 77);
}

/* As the header shows it: the caller's own readv, and the marks by what it says. */
static void own_system_call(void **state)
{
    struct pieces *on = *state;
    struct iovec iov[4];
    uint64_t covered;
    uint8_t bytes[50];
    int ends[2];
    fill_pattern(bytes, 50, 1);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], bytes, 50), 50);
    int count = gm_guest_iov(on->view, PIECES_SEAM - 20, 100, GM_WRITE, iov, 4, &covered);
    ssize_t got = readv(ends[0], iov, count);
    assert_int_equal(got, 50);
    assert_result(gm_guest_mark(on->view, PIECES_SEAM - 20, (uint64_t)got), 0);
    assert_bytes(on, PIECES_SEAM - 20, bytes, 50);
    assert_dirty_range(on->dirty, PIECES_SEAM - 20, 50);
    close(ends[0]);
    close(ends[1]);
}

/* A guest of MANY pages, every other page of host memory. */
static struct gm_space *make_many(struct gm_dirty **dirty, struct gm_backing **ram)
{
    struct gm_space *space;
    struct gm_txn *txn;
    const struct gm_dirty_config marks = {.size = MANY * PAGE, .numa_node = -1, .flags = GM_DIRTY_ON};
    assert_result(gm_dirty_create(&marks, dirty), 0);
    const struct gm_space_config config = {.numa_node = -1, .dirty = *dirty};
    assert_result(gm_space_create(&config, &space), 0);
    assert_result(gm_backing_anonymous(2 * MANY * PAGE, 0, ram), 0);
    assert_result(gm_txn_begin(space, &txn), 0);
    for (uint64_t i = 0; i < MANY; i++) {
        const struct gm_region_desc page = {
            .gpa = i * PAGE, .size = PAGE, .kind = GM_KIND_RAM, .backing = *ram, .offset = 2 * i * PAGE};
        assert_result(gm_txn_add(txn, &page), 0);
    }
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    return space;
}

static void assert_pages(const uint8_t *host, const uint8_t *bytes, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++)
        assert_memory_equal(host + 2 * i * PAGE, bytes + i * PAGE, PAGE);
    for (uint64_t i = pages; i < MANY; i++)
        assert_int_equal(host[2 * i * PAGE], 0);
}

static void more_pieces_than_a_call_takes(void **state)
{
    struct gm_dirty *dirty;
    struct gm_backing *ram;
    struct gm_space *space = make_many(&dirty, &ram);
    uint8_t *host = gm_backing_address(ram), *bytes = malloc(MANY * PAGE);
    uint64_t done = GARBAGE;
    int fd = memfd_create("many", 0), out = memfd_create("out", 0);
    (void)state;
    assert_non_null(bytes);
    fill_pattern(bytes, MANY * PAGE, 9);
    static struct iovec iov[MANY];
    static struct gm_slice slices[MANY];
    assert_int_equal(write(fd, bytes, MANY * PAGE), MANY * PAGE);
    assert_result(gm_reader_register(), 0);
    const struct gm_view *view = gm_pin(space);
    assert_int_equal(gm_guest_iov(view, 0, MANY * PAGE, GM_RW, iov, MANY, &done), GM_IOV_LIMIT);
    assert_int_equal(done, GM_IOV_LIMIT * PAGE);
    assert_int_equal(gm_slice_list(view, 0, MANY * PAGE, GM_RW, slices, MANY), -ENOBUFS);
    assert_int_equal(gm_slice_list(view, PAGE / 2, 100 * PAGE, GM_RW, slices, MANY), 101);
    assert_int_equal(slices[100].gpa, 100 * PAGE);
    assert_entry(&slices[100].iov, host + 200 * PAGE, PAGE / 2);
    assert_result(gm_guest_from_fd(view, 0, MANY * PAGE, fd, 0, &done), 0);
    assert_int_equal(done, GM_IOV_LIMIT * PAGE);
    assert_pages(host, bytes, GM_IOV_LIMIT);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), GM_IOV_LIMIT);
    assert_result(gm_guest_from_fd_all(view, 0, MANY * PAGE, fd, 0, &done), 0);
    assert_int_equal(done, MANY * PAGE);
    assert_pages(host, bytes, MANY);
    assert_int_equal(gm_dirty_count(dirty, 0, UINT64_MAX), MANY);
    assert_result(gm_guest_to_fd(view, PAGE / 2, (MANY - 1) * PAGE, out, GM_FD_HERE, &done), 0);
    assert_int_equal(done, GM_IOV_LIMIT * PAGE - PAGE / 2);
    assert_result(gm_guest_to_fd_all(view, 0, MANY * PAGE, out, 0, &done), 0);
    memset(bytes, 0, MANY * PAGE);
    assert_int_equal(pread(out, bytes, MANY * PAGE, 0), MANY * PAGE);
    assert_pages(host, bytes, MANY);
    assert_result(gm_unpin(), 0);
    assert_result(gm_reader_unregister(), 0);
    assert_result(gm_space_destroy(space), 0);
    gm_backing_put(ram);
    gm_dirty_destroy(dirty);
    close(fd);
    close(out);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PIECES(as_much_as_there_is),
        PIECES(refusals),
        PIECES(own_system_call),
        cmocka_unit_test(more_pieces_than_a_call_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
