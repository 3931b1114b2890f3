/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* gm_translate_iov: pieces in guest order, merged where host memory goes on, and nothing written on error. */
#include "lib/cm.h"
#include "lib/guard.h"
#include "lib/rig.h"

#define PAGES(n) ((n) * GMT_PAGE)
#define ROOM 8

static void assert_refused(const struct gm_view *view, gm_gpa gpa, uint64_t len, unsigned rights,
                           unsigned room, int want)
{
    struct iovec iov[ROOM];
    struct iovec filling[ROOM];
    memset(iov, 0x5a, sizeof(iov));
    memset(filling, 0x5a, sizeof(filling));
    assert_int_equal(gm_translate_iov(view, gpa, len, rights, iov, room), want);
    assert_memory_equal(iov, filling, sizeof(iov));
}

/* Pages 0, 1 contiguous; 2 elsewhere; 3 goes on from 2 but read-only; 4 a hole; 5 a device; 6 elsewhere. */
static void set_up(struct gmt_rig *rig)
{
    gmt_add_ram(rig, PAGES(0), GMT_PAGE, PAGES(0));
    gmt_add_ram(rig, PAGES(1), GMT_PAGE, PAGES(1));
    gmt_add_ram(rig, PAGES(2), GMT_PAGE, PAGES(8));
    struct gm_region_desc desc = gmt_ram(rig, PAGES(3), GMT_PAGE, PAGES(9));
    desc.kind = GM_KIND_ROM;
    gmt_add(rig->space, &desc);
    desc = gmt_device(PAGES(5), GMT_PAGE);
    gmt_add(rig->space, &desc);
    gmt_add_ram(rig, PAGES(6), GMT_PAGE, PAGES(3));
}

static void bad_arguments(void **state)
{
    struct gmt_rig *rig = *state;
    set_up(rig);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_refused(view, 0, 0, GM_RW, ROOM, -EINVAL);
    assert_refused(view, 0, 8, GM_RW, 0, -EINVAL);
    assert_int_equal(gm_translate_iov(view, 0, 8, GM_RW, NULL, 1), -EINVAL);
    assert_int_equal(gm_translate_iov(view, 0, 8, GM_RW, NULL, 0), -EINVAL);
    assert_refused(view, UINT64_MAX, 2, GM_RW, ROOM, -EOVERFLOW);
    assert_refused(view, 8, UINT64_MAX, GM_RW, ROOM, -EOVERFLOW);
    gm_unpin();
}

static void reasons_of_the_lowest_address(void **state)
{
    struct gmt_rig *rig = *state;
    set_up(rig);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_refused(view, PAGES(4), 1, GM_ANY, ROOM, -EFAULT);
    assert_refused(view, PAGES(2), PAGES(3), GM_READ, ROOM, -EFAULT);
    assert_refused(view, PAGES(4) - 1, 2, GM_READ, ROOM, -EFAULT);
    assert_refused(view, PAGES(2), PAGES(3), GM_WRITE, ROOM, -EACCES);
    assert_refused(view, PAGES(5), 1, GM_ANY, ROOM, -ENXIO);
    assert_refused(view, PAGES(5), PAGES(2), GM_READ, ROOM, -ENXIO);
    assert_refused(view, PAGES(6), PAGES(1) + 1, GM_READ, ROOM, -EFAULT);
    assert_refused(view, GMT_TOP, 1, GM_ANY, ROOM, -EFAULT);
    assert_refused(view, PAGES(6), UINT64_C(1) << 60, GM_ANY, ROOM, -EFAULT);
    gm_unpin();
}

static void assert_piece(const struct iovec *iov, uintptr_t host, size_t len)
{
    assert_ptr_equal(iov->iov_base, (void *)host);
    assert_int_equal(iov->iov_len, len);
}

static void pieces(void **state)
{
    struct gmt_rig *rig = *state;
    struct iovec iov[ROOM];
    set_up(rig);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_iov(view, 0, 1, GM_RW, iov, 1), 1);
    assert_piece(&iov[0], rig->host, 1);
    assert_int_equal(gm_translate_iov(view, 0, PAGES(2), GM_RW, iov, 1), 1);
    assert_piece(&iov[0], rig->host, PAGES(2));
    assert_int_equal(gm_translate_iov(view, 8, PAGES(2), GM_RW, iov, ROOM), 2);
    assert_piece(&iov[0], rig->host + 8, PAGES(2) - 8);
    assert_piece(&iov[1], rig->host + PAGES(8), 8);
    assert_int_equal(gm_translate_iov(view, PAGES(2) - 1, 2, GM_RW, iov, 2), 2);
    assert_piece(&iov[0], rig->host + PAGES(2) - 1, 1);
    assert_piece(&iov[1], rig->host + PAGES(8), 1);
    /* neighbours of different rights are one piece too */
    assert_int_equal(gm_translate_iov(view, 0, PAGES(4), GM_READ, iov, 2), 2);
    assert_piece(&iov[0], rig->host, PAGES(2));
    assert_piece(&iov[1], rig->host + PAGES(8), PAGES(2));
    gm_unpin();
}

static void too_little_room(void **state)
{
    struct gmt_rig *rig = *state;
    set_up(rig);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_refused(view, 0, PAGES(4), GM_READ, 1, -ENOBUFS);
    assert_refused(view, PAGES(2) - 1, 2, GM_RW, 1, -ENOBUFS);
    assert_refused(view, 0, UINT64_C(1) << 60, GM_READ, 1, -ENOBUFS); /* before the hole that comes after */
    struct iovec iov[2];
    assert_int_equal(gm_translate_iov(view, PAGES(2) - 1, 2, GM_RW, iov, 2), 2);
    gm_unpin();
}

/* count one-page regions, no two of them contiguous in host memory */
static void add_scattered(struct gmt_rig *rig, unsigned count)
{
    struct gm_txn *txn = gmt_begin(rig->space);
    for (unsigned i = 0; i < count; i++) {
        struct gm_region_desc desc = gmt_ram(rig, PAGES(i), GMT_PAGE, PAGES(2 * i));
        assert_result(gm_txn_add(txn, &desc), 0);
    }
    gmt_commit(txn, GM_COMMIT_WAIT);
}

static void never_more_than_the_limit(void **state)
{
    struct gmt_rig *rig = *state;
    const unsigned room = GM_IOV_LIMIT + 100;
    add_scattered(rig, GM_IOV_LIMIT + 1);
    struct iovec *iov = calloc(room, sizeof(*iov));
    assert_non_null(iov);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_iov(view, 0, PAGES(GM_IOV_LIMIT), GM_RW, iov, room), GM_IOV_LIMIT);
    for (unsigned i = 0; i < GM_IOV_LIMIT; i++)
        assert_piece(&iov[i], rig->host + PAGES(2 * i), GMT_PAGE);
    assert_int_equal(gm_translate_iov(view, 0, PAGES(GM_IOV_LIMIT), GM_RW, iov, GM_IOV_LIMIT), GM_IOV_LIMIT);
    assert_int_equal(gm_translate_iov(view, 0, PAGES(GM_IOV_LIMIT) + 1, GM_RW, iov, room), -ENOBUFS);
    assert_int_equal(gm_translate_iov(view, 0, PAGES(GM_IOV_LIMIT), GM_RW, iov, GM_IOV_LIMIT - 1), -ENOBUFS);
    gm_unpin();
    free(iov);
}

static void stays_inside_the_array(void **state)
{
    struct gmt_rig *rig = *state;
    struct gmt_guard guard;
    add_scattered(rig, 70);
    assert_result(gmt_guard_open(&guard, 70 * sizeof(struct iovec)), 0);
    const struct gm_view *view = gmt_pin(rig->space);
    for (unsigned room = 1; room <= 66; room++) {
        struct iovec *iov = gmt_guard_last(&guard, room * sizeof(*iov)); /* one more entry would fault */
        assert_int_equal(gm_translate_iov(view, 0, PAGES(room), GM_RW, iov, room), (int)room);
        assert_piece(&iov[room - 1], rig->host + PAGES(2 * (room - 1)), GMT_PAGE);
        assert_int_equal(gm_translate_iov(view, 0, PAGES(room) + 1, GM_RW, iov, room), -ENOBUFS);
        assert_piece(&iov[room - 1], rig->host + PAGES(2 * (room - 1)), GMT_PAGE);
    }
    gm_unpin();
    gmt_guard_close(&guard);
}

static void one_region_is_one_piece(void **state)
{
    struct gmt_rig *rig = *state;
    struct iovec iov[ROOM];
    const gm_gpa base = GMT_GIB - 7 * GMT_BLOCK - 5;
    gmt_add_ram(rig, base, 20 * GMT_BLOCK, GMT_PAGE - 5);
    const struct gm_view *view = gmt_pin(rig->space);
    assert_int_equal(gm_translate_iov(view, base, 20 * GMT_BLOCK, GM_RW, iov, ROOM), 1);
    assert_piece(&iov[0], rig->host + GMT_PAGE - 5, 20 * GMT_BLOCK);
    gm_unpin();
}

#define RIG(name) cmocka_unit_test_setup_teardown(name, gmt_rig_open, gmt_rig_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RIG(bad_arguments),
        RIG(reasons_of_the_lowest_address),
        RIG(pieces),
        RIG(too_little_room),
        RIG(never_more_than_the_limit),
        RIG(stays_inside_the_array),
        RIG(one_region_is_one_piece),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
