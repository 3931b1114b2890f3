/* SPDX-License-Identifier: Apache-2.0 OR BSD-3-Clause */
/* For tests of split rings: both rings of a queue in the guest of vq_rig.h, written and read as a driver does it. */
#ifndef GM_TESTS_LIB_RING_RIG_H
#define GM_TESTS_LIB_RING_RIG_H

#include "lib/vq_rig.h"

#include <guestmem/virtqueue_ring.h>

#define AVAIL_RING (GMT_VQ_BIG + UINT64_C(0x80000))
#define USED_RING (GMT_VQ_BIG + UINT64_C(0xc0000))
#define RING_BYTES UINT64_C(0x1000) /* of the used ring that are compared: all of one of 500 */

struct ring_rig {
    struct vq_rig *rig;
    struct gm_vq_ring ring;
    unsigned size;
};

static inline int ring_rig_open(void **state)
{
    struct ring_rig *on = calloc(1, sizeof(*on));
    void *rig = NULL;
    assert_non_null(on);
    assert_result(vq_rig_open(&rig), 0);
    on->rig = rig;
    *state = on;
    return 0;
}

static inline int ring_rig_close(void **state)
{
    struct ring_rig *on = *state;
    void *rig = on->rig;
    free(on);
    return vq_rig_close(&rig);
}

/* A queue of zeros with another used ring, of which so many heads were taken and given back. */
static inline void ring_rig_queue_in(struct ring_rig *on, unsigned size, unsigned flags, uint16_t next, uint16_t done,
                                     gm_gpa used)
{
    const struct gm_vq_config table = {.desc = GMT_VQ_BIG, .size = size, .flags = flags};
    const struct gm_vq_ring_config config = {.avail = AVAIL_RING, .used = used, .next = next, .done = done};
    memset(gmt_vq_host(&on->rig->world, AVAIL_RING), 0, 2 * size + 64);
    memset(gmt_vq_host(&on->rig->world, used), 0, 8 * size + 64);
    assert_result(gm_vq_init(on->rig->view, &table, &on->rig->vq), 0);
    assert_result(gm_vq_ring_init(on->rig->view, &on->rig->vq, &config, &on->ring), 0);
    on->size = size;
}

static inline void ring_rig_queue_at(struct ring_rig *on, unsigned size, unsigned flags, uint16_t next, uint16_t done)
{
    ring_rig_queue_in(on, size, flags, next, done, USED_RING);
}

static inline void ring_rig_queue(struct ring_rig *on, unsigned size, unsigned flags)
{
    ring_rig_queue_at(on, size, flags, 0, 0);
}

/* The driver's stores: an entry, the index, flags, used_event; each by itself. */
static inline void driver_entry(struct ring_rig *on, uint16_t at, uint16_t head)
{
    gmt_vq_poke(&on->rig->world, AVAIL_RING + 4 + 2 * (at % on->size), head, 2);
}

static inline void driver_index(struct ring_rig *on, uint16_t index)
{
    gmt_vq_poke(&on->rig->world, AVAIL_RING + 2, index, 2);
}

static inline void driver_flags(struct ring_rig *on, uint16_t flags)
{
    gmt_vq_poke(&on->rig->world, AVAIL_RING, flags, 2);
}

static inline void driver_event(struct ring_rig *on, uint16_t event)
{
    gmt_vq_poke(&on->rig->world, AVAIL_RING + 4 + 2 * on->size, event, 2);
}

static inline uint64_t peek_used(const struct ring_rig *on, uint64_t offset, unsigned bytes)
{
    return gmt_vq_peek(&on->rig->world, USED_RING + offset, bytes);
}

/* What a call must leave alone: the ring's own state, and all of the used ring's memory. */
struct ring_before {
    struct gm_vq_ring ring;
    unsigned char used[RING_BYTES];
};

static inline struct ring_before *ring_note(const struct ring_rig *on)
{
    struct ring_before *before = malloc(sizeof(*before));
    assert_non_null(before);
    before->ring = on->ring;
    memcpy(before->used, gmt_vq_host(&on->rig->world, USED_RING), RING_BYTES);
    return before;
}

static inline void assert_nothing_done(const struct ring_rig *on, struct ring_before *before)
{
    assert_memory_equal(&on->ring, &before->ring, sizeof(on->ring));
    assert_memory_equal(before->used, gmt_vq_host(&on->rig->world, USED_RING), RING_BYTES);
    free(before);
}

/* The pages that are marked are these, given by a byte of each. Clears them. */
static inline void assert_marked_pages(const struct ring_rig *on, unsigned count, const gm_gpa *bytes)
{
    assert_int_equal(gm_dirty_count(on->rig->world.dirty, 0, UINT64_MAX), count);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(gm_dirty_is_marked(on->rig->world.dirty, bytes[i]), 1);
    assert_result(gm_dirty_clear(on->rig->world.dirty, 0, GMT_VQ_HUGE + GMT_VQ_HUGE_SIZE), 0);
}

#define RING_TEST(name) cmocka_unit_test_setup_teardown(name, ring_rig_open, ring_rig_close)

#endif
