/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* What tests of virtqueues start with: the guest of vq_world.h, a pinned view, a queue, and room. */
#ifndef GM_TESTS_LIB_VQ_RIG_H
#define GM_TESTS_LIB_VQ_RIG_H

#include "lib/cm.h"
#include "lib/vq_world.h"

#define RING UINT64_C(0x1000)                     /* where a queue's table is */
#define TABLE UINT64_C(0x3000)                    /* where an indirect table is */
#define DATA (GMT_VQ_BIG + UINT64_C(0x10000))     /* memory that one leaf word describes */
#define ROOM 40

enum { NEXT = 1, WRITE = 2, INDIRECT = 4, AVAIL = 1 << 7, USED = 1 << 15 };

struct vq_rig {
    struct gmt_vq_world world;
    const struct gm_view *view;
    struct gm_vq vq;
    struct iovec iov[ROOM];
    gm_gpa gpa[ROOM];
    struct gm_vq_room room;
    struct gm_chain chain, before;
};

static inline int vq_rig_open(void **state)
{
    struct vq_rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    assert_result(gm_reader_register(), 0);
    assert_result(gmt_vq_world_open(&rig->world), 0);
    rig->view = gm_pin(rig->world.space);
    assert_non_null(rig->view);
    rig->room = (struct gm_vq_room){rig->iov, rig->gpa, ROOM};
    memset(&rig->before, 0x5a, sizeof(rig->before));
    rig->chain = rig->before;
    *state = rig;
    return 0;
}

static inline int vq_rig_close(void **state)
{
    struct vq_rig *rig = *state;
    (void)gm_unpin();
    int closed = gmt_vq_world_close(&rig->world), unregistered = gm_reader_unregister();
    free(rig);
    assert_result(closed, 0);
    assert_result(unregistered, 0);
    return 0;
}

/* A queue of so many descriptors, all of them zeros at first. */
static inline void vq_rig_queue(struct vq_rig *rig, unsigned size, unsigned flags)
{
    const struct gm_vq_config config = {.desc = RING, .size = size, .flags = flags};
    for (unsigned i = 0; i < size; i++)
        gmt_vq_split_set(&rig->world, RING + 16 * i, 0, 0, 0, 0);
    assert_result(gm_vq_init(rig->view, &config, &rig->vq), 0);
}

static inline void vq_set(struct vq_rig *rig, unsigned index, uint64_t addr, uint32_t len, unsigned flags,
                          unsigned next)
{
    gmt_vq_split_set(&rig->world, RING + 16 * index, addr, len, flags, next);
}

static inline void vq_set_inner(struct vq_rig *rig, unsigned index, uint64_t addr, uint32_t len, unsigned flags,
                                unsigned next)
{
    gmt_vq_split_set(&rig->world, TABLE + 16 * index, addr, len, flags, next);
}

static inline void vq_set_packed(struct vq_rig *rig, unsigned index, uint64_t addr, uint32_t len, unsigned flags,
                                 unsigned id)
{
    gmt_vq_packed_set(&rig->world, RING + 16 * index, addr, len, flags, id);
}

/* The walk fails so, and the chain is as it was. */
static inline void assert_chain_refused(struct vq_rig *rig, uint16_t head, int want)
{
    assert_result(gm_vq_chain(rig->view, &rig->vq, head, &rig->room, &rig->chain), want);
    assert_memory_equal(&rig->chain, &rig->before, sizeof(rig->chain));
}

static inline void assert_packed_refused(struct vq_rig *rig, uint16_t place, int want)
{
    assert_result(gm_vq_packed_chain(rig->view, &rig->vq, place, &rig->room, &rig->chain), want);
    assert_memory_equal(&rig->chain, &rig->before, sizeof(rig->chain));
}

/* Entry i of the room is that piece of guest memory. */
static inline void assert_entry(const struct vq_rig *rig, unsigned i, gm_gpa gpa, uint64_t len)
{
    assert_ptr_equal(rig->iov[i].iov_base, gmt_vq_host(&rig->world, gpa));
    assert_int_equal(rig->iov[i].iov_len, len);
    assert_int_equal(rig->gpa[i], gpa);
}

static inline void assert_counts(const struct vq_rig *rig, unsigned readable, unsigned writable, uint64_t readable_len,
                                 uint64_t writable_len)
{
    assert_int_equal(rig->chain.readable_count, readable);
    assert_int_equal(rig->chain.writable_count, writable);
    assert_int_equal(rig->chain.readable_len, readable_len);
    assert_int_equal(rig->chain.writable_len, writable_len);
    assert_ptr_equal(rig->chain.readable, rig->iov);
    assert_ptr_equal(rig->chain.writable, rig->iov + readable);
    assert_ptr_equal(rig->chain.writable_gpa, rig->gpa + readable);
}

#define VQ_TEST(name) cmocka_unit_test_setup_teardown(name, vq_rig_open, vq_rig_close)

#endif
