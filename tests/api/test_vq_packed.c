/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* Packed virtqueues: a driver and a device that go round the ring, chains, tables, and what a driver may not write. */
#include "lib/vq_rig.h"

#define START GM_VQ_PACKED_START

static void nothing_is_available(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_PACKED);
    assert_packed_refused(rig, START, -EAGAIN);
    vq_set_packed(rig, 0, DATA, 8, AVAIL | USED, 0); /* given back in this round */
    assert_packed_refused(rig, START, -EAGAIN);
    vq_set_packed(rig, 0, DATA, 8, USED, 0); /* available in the next one */
    assert_packed_refused(rig, START, -EAGAIN);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_int_equal(rig->chain.next, 1);
}

/* The id of a chain is that of its last descriptor; a ring of three, so that chains lie across its end. */
static void round_and_round(void **state)
{
    struct vq_rig *rig = *state;
    uint16_t place = START, used = START;
    unsigned index = 0, wrap = 1;
    vq_rig_queue(rig, 3, GM_VQ_PACKED);
    for (unsigned turn = 0; turn < 12; turn++) {
        unsigned count = 1 + turn % 3, flags[3];
        for (unsigned i = 0; i < count; i++) {
            unsigned at = (index + i) % 3, round = index + i < 3 ? wrap : !wrap;
            flags[i] = (round ? AVAIL : USED) | (i + 1 < count ? NEXT : WRITE);
            vq_set_packed(rig, at, DATA + 4096 * i + turn, 100 + i, flags[i], 7 * turn + i);
        }
        assert_result(gm_vq_packed_chain(rig->view, &rig->vq, place, &rig->room, &rig->chain), 0);
        assert_int_equal(rig->chain.descriptors, count);
        assert_int_equal(rig->chain.id, 7 * turn + count - 1);
        assert_int_equal(rig->chain.readable_count, count - 1);
        assert_int_equal(rig->chain.writable_len, 100 + count - 1);
        assert_entry(rig, count - 1, DATA + 4096 * (count - 1) + turn, 100 + count - 1);
        assert_result(gm_vq_packed_used(rig->view, &rig->vq, used, &rig->chain, turn, &used), 0);
        assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 * index + 8, 4), turn);
        assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 * index + 12, 2), rig->chain.id);
        assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 * index + 14, 2),
                         (wrap ? AVAIL | USED : 0) | (turn != 0 ? WRITE : 0));
        place = rig->chain.next;
        assert_int_equal(place, used);
        wrap = index + count < 3 ? wrap : !wrap;
        index = (index + count) % 3;
        assert_int_equal(place, index | wrap << 15);
    }
}

/* VIRTIO_F_IN_ORDER: chains of 1, 2 and 1 descriptors are given back as one, across the end of a ring of 4. */
static void chains_in_order(void **state)
{
    struct vq_rig *rig = *state;
    uint16_t place = START | 1, used = START | 1;
    struct gm_chain all = {.descriptors = 0};
    vq_rig_queue(rig, 4, GM_VQ_PACKED);
    vq_set_packed(rig, 1, DATA, 8, AVAIL, 7);
    vq_set_packed(rig, 2, DATA, 8, AVAIL | NEXT, 8);
    vq_set_packed(rig, 3, DATA, 8, AVAIL, 8);
    vq_set_packed(rig, 0, DATA, 8, USED | WRITE, 9);
    for (unsigned i = 0; i < 3; i++) {
        assert_result(gm_vq_packed_chain(rig->view, &rig->vq, place, &rig->room, &rig->chain), 0);
        place = rig->chain.next;
        all.descriptors += rig->chain.descriptors;
        all.id = rig->chain.id;
    }
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, used, &all, 5, &used), 0);
    assert_int_equal(used, place);
    assert_int_equal(used, 1); /* the second round */
    assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 + 8, 4), 5);
    assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 + 12, 2), 9);
    assert_int_equal(gmt_vq_peek(&rig->world, RING + 16 + 14, 2), AVAIL | USED | WRITE);
    assert_int_equal(gmt_vq_peek(&rig->world, RING + 32 + 14, 2), AVAIL | NEXT); /* those behind it are as they were */
    all.descriptors = 5;
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, used, &all, 5, &used), -EINVAL);
}

/* All entries of a table belong to the chain; of their flags only the direction counts. */
static void a_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 5, GM_VQ_PACKED | GM_VQ_INDIRECT);
    vq_set_packed(rig, 4, TABLE, 48, INDIRECT | AVAIL, 99);
    gmt_vq_packed_set(&rig->world, TABLE, DATA, 1, 0, 5);
    gmt_vq_packed_set(&rig->world, TABLE + 16, DATA + 8, 2, INDIRECT | USED, 6);
    gmt_vq_packed_set(&rig->world, TABLE + 32, DATA + 16, 4, NEXT | WRITE | AVAIL, 7);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, START | 4, &rig->room, &rig->chain), 0);
    assert_counts(rig, 2, 1, 3, 4);
    assert_int_equal(rig->chain.id, 99);
    assert_int_equal(rig->chain.descriptors, 1);
    assert_int_equal(rig->chain.next, 0); /* the end of the ring, and the wrap counter turned */
    gmt_vq_packed_set(&rig->world, TABLE + 16, 0xbff8, 16, 0, 6); /* one in pieces, and the table goes on */
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, START | 4, &rig->room, &rig->chain), 0);
    assert_counts(rig, 3, 1, 17, 4);
}

static void tables_that_are_refused(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 2, GM_VQ_PACKED | GM_VQ_INDIRECT);
    gmt_vq_packed_set(&rig->world, TABLE, DATA, 1, 0, 0);
    gmt_vq_packed_set(&rig->world, TABLE + 16, DATA, 1, 0, 0);
    gmt_vq_packed_set(&rig->world, TABLE + 32, DATA, 1, 0, 0);
    vq_set_packed(rig, 0, TABLE, 32, INDIRECT | NEXT | AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
    vq_set_packed(rig, 0, TABLE, 48, INDIRECT | AVAIL, 0);
    assert_packed_refused(rig, START, -ELOOP);
    vq_set_packed(rig, 0, TABLE, 24, INDIRECT | AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
    vq_set_packed(rig, 0, DATA, 8, NEXT | AVAIL, 0); /* a table has to be alone */
    vq_set_packed(rig, 1, TABLE, 16, INDIRECT | AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
    vq_set_packed(rig, 0, 0xbff8, 16, NEXT | AVAIL, 0); /* also behind a buffer in pieces */
    assert_packed_refused(rig, START, -EINVAL);
    vq_rig_queue(rig, 2, GM_VQ_PACKED);
    vq_set_packed(rig, 0, TABLE, 16, INDIRECT | AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
}

static void a_chain_without_an_end(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 3, GM_VQ_PACKED);
    for (unsigned i = 0; i < 3; i++)
        vq_set_packed(rig, i, DATA, 8, NEXT | AVAIL, 0);
    assert_packed_refused(rig, START, -ELOOP);
    assert_packed_refused(rig, START | 2, -ELOOP);
    vq_set_packed(rig, 1, DATA, 8, AVAIL, 0);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, START | 2, &rig->room, &rig->chain), 0);
    assert_int_equal(rig->chain.descriptors, 3);
    assert_int_equal(rig->chain.next, 2);
}

static void places_that_are_none(void **state)
{
    struct vq_rig *rig = *state;
    uint16_t next = 77;
    vq_rig_queue(rig, 3, GM_VQ_PACKED);
    assert_packed_refused(rig, 3, -EINVAL);
    assert_packed_refused(rig, START | 3, -EINVAL);
    vq_set_packed(rig, 0, DATA, 8, AVAIL, 0);
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, START, &rig->room, &rig->chain), 0);
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, START | 3, &rig->chain, 0, &next), -EINVAL);
    rig->chain.descriptors = 4;
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, START, &rig->chain, 0, &next), -EINVAL);
    rig->chain.descriptors = 0;
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, START, &rig->chain, 0, &next), -EINVAL);
    assert_int_equal(next, 77);
    assert_int_equal(gmt_vq_peek(&rig->world, RING + 14, 2), AVAIL);
    rig->chain = rig->before;
    vq_rig_queue(rig, 4, 0); /* a split queue has no places */
    assert_packed_refused(rig, START, -EINVAL);
    assert_result(gm_vq_packed_used(rig->view, &rig->vq, START, &rig->before, 0, &next), -EINVAL);
}

static void what_holds_for_split_queues_too(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_PACKED);
    vq_set_packed(rig, 0, DATA, 0, AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
    vq_set_packed(rig, 0, 0x12000, 8, AVAIL, 0);
    assert_packed_refused(rig, START, -ENXIO);
    vq_set_packed(rig, 0, 0x10000, 8, WRITE | AVAIL, 0);
    assert_packed_refused(rig, START, -EACCES);
    vq_set_packed(rig, 0, DATA, 8, NEXT | WRITE | AVAIL, 0);
    vq_set_packed(rig, 1, DATA, 8, AVAIL, 0);
    assert_packed_refused(rig, START, -EINVAL);
    rig->room.count = 1;
    vq_set_packed(rig, 1, DATA, 8, WRITE | AVAIL, 0);
    assert_packed_refused(rig, START, -ENOBUFS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(nothing_is_available),
        VQ_TEST(round_and_round),
        VQ_TEST(chains_in_order),
        VQ_TEST(a_table),
        VQ_TEST(tables_that_are_refused),
        VQ_TEST(a_chain_without_an_end),
        VQ_TEST(places_that_are_none),
        VQ_TEST(what_holds_for_split_queues_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
