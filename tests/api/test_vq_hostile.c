/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What a driver may not write into a split virtqueue, one test a rule: the reason, and nothing but the reason. */
#include "lib/vq_rig.h"

static void heads_past_the_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    for (unsigned i = 4; i < 8; i++)
        vq_set(rig, i, DATA, 8, 0, 0); /* what stands behind the table is none of it */
    assert_chain_refused(rig, 4, -EINVAL);
    assert_chain_refused(rig, UINT16_MAX, -EINVAL);
}

static void an_index_past_the_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, DATA, 8, NEXT, 4);
    vq_set(rig, 4, DATA, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 0, 0xbff8, 16, NEXT, 4); /* the same behind a buffer in pieces */
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 1, TABLE, 32, INDIRECT, 0); /* a table has its own limit */
    vq_set_inner(rig, 0, DATA, 8, NEXT, 2);
    assert_chain_refused(rig, 1, -EINVAL);
}

static void a_loop(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, DATA, 8, NEXT, 0);
    assert_chain_refused(rig, 0, -ELOOP);
    vq_set(rig, 1, DATA, 8, NEXT, 2);
    vq_set(rig, 2, DATA, 8, NEXT | WRITE, 3);
    vq_set(rig, 3, DATA, 8, NEXT | WRITE, 2);
    assert_chain_refused(rig, 1, -ELOOP);
    vq_set(rig, 0, TABLE, 48, INDIRECT, 0);
    vq_set_inner(rig, 0, DATA, 8, NEXT, 1);
    vq_set_inner(rig, 1, 0xbff8, 16, NEXT, 0); /* two pieces: a step is not an entry of the room */
    assert_chain_refused(rig, 0, -ELOOP);
}

/* A table that names itself, or the queue's own table, would begin each time with all of its steps. */
static void a_table_in_a_table(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE, 32, INDIRECT, 0);
    vq_set_inner(rig, 0, TABLE, 32, INDIRECT, 0);
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 1, RING, 64, INDIRECT, 0);
    vq_set(rig, 0, RING, 64, INDIRECT, 0);
    assert_chain_refused(rig, 1, -EINVAL);
    vq_set_inner(rig, 0, DATA, 8, NEXT, 1);
    vq_set_inner(rig, 1, TABLE, 32, INDIRECT, 0);
    vq_set(rig, 0, TABLE, 32, INDIRECT, 0);
    assert_chain_refused(rig, 0, -EINVAL);
}

static void a_table_that_was_not_negotiated(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, TABLE, 16, INDIRECT, 0);
    vq_set_inner(rig, 0, DATA, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
}

static void a_table_and_a_next(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, TABLE, 16, INDIRECT | NEXT, 1);
    vq_set_inner(rig, 0, DATA, 8, 0, 0);
    vq_set(rig, 1, DATA, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
}

static void lengths_that_no_table_has(void **state)
{
    struct vq_rig *rig = *state;
    const uint32_t lengths[] = {0, 1, 8, 15, 17, 31, UINT32_MAX};
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        vq_set(rig, 0, DATA, lengths[i], INDIRECT, 0);
        assert_chain_refused(rig, 0, -EINVAL);
    }
}

/* All of a table has to be readable, whatever of it the chain would use. */
static void tables_that_are_not_there(void **state)
{
    struct vq_rig *rig = *state;
    const struct {
        gm_gpa at;
        int want;
    } places[] = {{0x13000, -EFAULT}, {0x12000, -ENXIO},  {0x11ff0, -ENXIO},      {0x18000, -EACCES},
                  {0x17ff0, -EACCES}, {0x12ff0, -ENXIO},  {GMT_VQ_WRITE_ONLY, -EACCES},
                  {UINT64_MAX - 15, -EOVERFLOW},
                  {UINT64_C(1) << 52, -EFAULT}};
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    gmt_vq_split_set(&rig->world, 0x11ff0, DATA, 8, 0, 0);
    gmt_vq_split_set(&rig->world, 0x17ff0, DATA, 8, 0, 0);
    for (unsigned i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        vq_set(rig, 0, places[i].at, 32, INDIRECT, 0);
        assert_chain_refused(rig, 0, places[i].want);
    }
    vq_set(rig, 0, 0x10000, 16, INDIRECT, 0); /* from ROM a device may read */
    gmt_vq_split_set(&rig->world, 0x10000, DATA, 8, 0, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
}

/* Of a table that is longer than any index, as much is looked through as can be named: 1 MiB. */
static void tables_longer_than_any_index(void **state)
{
    struct vq_rig *rig = *state;
    const gm_gpa at = GMT_VQ_END - (UINT64_C(1) << 20); /* behind it is nothing */
    const uint32_t lengths[] = {1u << 20, (1u << 20) + 16, 2u << 20, UINT32_MAX - 15};
    for (unsigned i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
        gmt_vq_split_set(&rig->world, at, DATA, 8, NEXT, 65535);
        gmt_vq_split_set(&rig->world, at + 16 * 65535, DATA, 9, 0, 0);
        vq_set(rig, 0, at, lengths[i], INDIRECT, 0);
        assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
        assert_int_equal(rig->chain.readable_len, 17);
        rig->chain = rig->before;
        gmt_vq_split_set(&rig->world, at + 16, DATA, 8, 0, 0);
        vq_set(rig, 0, at + 16, lengths[i], INDIRECT, 0);
        assert_chain_refused(rig, 0, -EFAULT);
        vq_rig_queue(rig, 4, GM_VQ_INDIRECT | GM_VQ_PACKED);
        vq_set_packed(rig, 0, at, lengths[i], INDIRECT | AVAIL, 0);
        assert_packed_refused(rig, GM_VQ_PACKED_START, -ELOOP);
    }
}

static void to_read_behind_to_write(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, GM_VQ_INDIRECT);
    vq_set(rig, 0, DATA, 8, NEXT | WRITE, 1);
    vq_set(rig, 1, DATA + 8, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 0, 0xbff8, 16, NEXT | WRITE, 1); /* the same behind a buffer in pieces */
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 1, TABLE, 16, INDIRECT, 0); /* and with the table between them */
    vq_set_inner(rig, 0, DATA, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
}

static void a_buffer_of_length_0(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, DATA, 0, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
    vq_set(rig, 1, DATA, 8, NEXT, 2);
    vq_set(rig, 2, DATA, 0, WRITE, 0);
    assert_chain_refused(rig, 1, -EINVAL);
}

static void buffers_that_are_not_there(void **state)
{
    struct vq_rig *rig = *state;
    const struct {
        uint64_t addr;
        uint32_t len;
        unsigned flags;
        int want;
    } buffers[] = {
        {0x13000, 1, 0, -EFAULT},      {0x12fff, 1, 0, -ENXIO},           {0x12000, 1, WRITE, -ENXIO},
        {0x10000, 1, WRITE, -EACCES},  {0xfff8, 9, WRITE, -EACCES},       {0x18000, 1, 0, -EACCES},
        {0x17ff8, 9, 0, -EACCES},      {0x18ff8, 9, WRITE, -EFAULT},      {0x11fff, 2, 0, -ENXIO},
        {UINT64_MAX, 2, 0, -EOVERFLOW}, {UINT64_MAX - 7, 9, WRITE, -EOVERFLOW}, {UINT64_MAX, 1, 0, -EFAULT},
        {GMT_VQ_ROM, 8, WRITE, -EACCES}, {GMT_VQ_WRITE_ONLY, 8, 0, -EACCES},
        {GMT_VQ_ROM + 0x1ffff8, 16, WRITE, -EACCES},
        {GMT_VQ_WRITE_ONLY + 0x1ffff8, 16, 0, -EACCES}, {GMT_VQ_GAP + 0x1ffff8, 0x200010, 0, -EFAULT},
        {UINT64_MAX, UINT32_MAX, 0, -EOVERFLOW}, {GMT_VQ_END - 1, UINT32_MAX, 0, -EFAULT}};
    vq_rig_queue(rig, 4, 0);
    for (unsigned i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        vq_set(rig, 0, buffers[i].addr, buffers[i].len, buffers[i].flags, 0);
        assert_chain_refused(rig, 0, buffers[i].want);
        vq_set(rig, 1, DATA, 8, NEXT | buffers[i].flags, 0); /* and as the second of a chain */
        assert_chain_refused(rig, 1, buffers[i].want);
    }
}

static void more_than_four_gib(void **state)
{
    struct vq_rig *rig = *state;
    const uint32_t half = UINT32_C(1) << 31;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, GMT_VQ_HUGE, half, NEXT, 1);
    vq_set(rig, 1, GMT_VQ_HUGE, half, WRITE, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    assert_counts(rig, 1, 1, half, half);
    rig->chain = rig->before;
    vq_set(rig, 1, GMT_VQ_HUGE, half, WRITE | NEXT, 2);
    vq_set(rig, 2, DATA, 1, WRITE, 0);
    assert_chain_refused(rig, 0, -EMSGSIZE);
}

static void more_pieces_than_room(void **state)
{
    struct vq_rig *rig = *state;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, DATA, 8, NEXT, 1);
    vq_set(rig, 1, 0xbff8, 16, NEXT, 2); /* two pieces */
    vq_set(rig, 2, DATA, 8, WRITE, 0);
    for (unsigned room = 0; room < 4; room++) {
        memset(rig->iov, 0x33, sizeof(rig->iov));
        rig->room.count = room;
        assert_chain_refused(rig, 0, -ENOBUFS);
        assert_int_equal(rig->iov[room].iov_len, UINT64_C(0x3333333333333333));
    }
    rig->room.count = 4;
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    rig->room.count = 0;
    rig->chain = rig->before;
    assert_chain_refused(rig, 2, -ENOBUFS);
}

static void queues_that_cannot_be(void **state)
{
    struct vq_rig *rig = *state;
    const struct {
        struct gm_vq_config config;
        int want;
    } bad[] = {
        {{.desc = RING, .size = 0}, -EINVAL},
        {{.desc = RING, .size = 3}, -EINVAL},
        {{.desc = RING, .size = 2 * GM_VQ_SIZE_MOST}, -EINVAL},
        {{.desc = RING + 8, .size = 4}, -EINVAL},
        {{.desc = RING, .size = 4, .flags = 8}, -EINVAL},
        {{.desc = RING, .size = 4, .indirect_most = GM_VQ_SIZE_MOST + 1}, -EINVAL},
        {{.desc = 0x13000, .size = 4}, -EFAULT},
        {{.desc = 0x12000, .size = 4}, -ENXIO},
        {{.desc = 0x18000, .size = 4}, -EACCES},
        {{.desc = 0x10000, .size = 4, .flags = GM_VQ_PACKED}, -EACCES}, /* a packed ring is written to */
        {{.desc = 0xbff0, .size = 2}, -EXDEV},
        {{.desc = UINT64_MAX - 15, .size = 2}, -EOVERFLOW},
    };
    struct gm_vq before;
    memset(&rig->vq, 0x5a, sizeof(rig->vq));
    before = rig->vq;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_result(gm_vq_init(rig->view, &bad[i].config, &rig->vq), bad[i].want);
        assert_memory_equal(&rig->vq, &before, sizeof(before));
    }
    const struct gm_vq_config good = {.desc = 0x10000, .size = 4}, packed = {RING, 3, GM_VQ_PACKED, 0};
    assert_result(gm_vq_init(rig->view, NULL, &rig->vq), -EINVAL);
    assert_result(gm_vq_init(rig->view, &good, NULL), -EINVAL);
    assert_result(gm_vq_init(rig->view, &good, &rig->vq), 0);
    assert_result(gm_vq_init(rig->view, &packed, &rig->vq), 0);
    vq_set(rig, 0, DATA, 8, 0, 0);
    assert_chain_refused(rig, 0, -EINVAL);
}

/* The queue's memory is unplugged: the next view knows, and so does the queue. */
static void a_queue_that_is_gone(void **state)
{
    struct vq_rig *rig = *state;
    struct gm_txn *txn;
    vq_rig_queue(rig, 4, 0);
    vq_set(rig, 0, DATA, 8, 0, 0);
    assert_result(gm_vq_chain(rig->view, &rig->vq, 0, &rig->room, &rig->chain), 0);
    rig->chain = rig->before;
    assert_result(gm_unpin(), 0);
    assert_result(gm_txn_begin(rig->world.space, &txn), 0);
    assert_result(gm_txn_remove(txn, 0, 0x8000), 0);
    assert_result(gm_txn_commit(txn, GM_COMMIT_WAIT), 0);
    rig->view = gm_pin(rig->world.space);
    assert_chain_refused(rig, 0, -EFAULT);
    assert_chain_refused(rig, 0, -EFAULT);
    const uint16_t head = 0;
    assert_result(gm_vq_chains(rig->view, &rig->vq, &head, 1, &rig->room, &rig->chain), -EFAULT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        VQ_TEST(heads_past_the_table),
        VQ_TEST(an_index_past_the_table),
        VQ_TEST(a_loop),
        VQ_TEST(a_table_in_a_table),
        VQ_TEST(a_table_that_was_not_negotiated),
        VQ_TEST(a_table_and_a_next),
        VQ_TEST(lengths_that_no_table_has),
        VQ_TEST(tables_that_are_not_there),
        VQ_TEST(tables_longer_than_any_index),
        VQ_TEST(to_read_behind_to_write),
        VQ_TEST(a_buffer_of_length_0),
        VQ_TEST(buffers_that_are_not_there),
        VQ_TEST(more_than_four_gib),
        VQ_TEST(more_pieces_than_room),
        VQ_TEST(queues_that_cannot_be),
        VQ_TEST(a_queue_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
